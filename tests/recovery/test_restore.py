"""The whole of an embedded warehouse, elsewhere: equal by hash, and the next month builds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from tests.e2e.municipality import Municipality
from tests.recovery.conftest import FIRST, folder

NEXT = "2026-03"
_NEXT_MONTH = """
import sys
from rich.console import Console
from include.services import embedded
from include.evaluation.history import run_months
embedded.apply()
run_months([sys.argv[1]], Console(stderr=True))
"""


@pytest.fixture
def elsewhere() -> Iterator[Municipality]:
    home = folder("warehouse-elsewhere-")
    municipality = Municipality(home)
    try:
        yield municipality
    finally:
        municipality.run("down")
        shutil.rmtree(home)


def test_restored_elsewhere_it_is_the_same_and_goes_on(
    small: Municipality, elsewhere: Municipality, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    made = small.run("backup", str(kept), "--with-secrets", "--json")
    assert made.code == 0, made.stderr[-2000:]
    figures = json.loads(made.stdout)
    assert figures["databases"] == ["warehouse", "airflow"]
    assert (kept / "secrets.json").stat().st_mode & 0o077 == 0

    done = elsewhere.run("restore", str(kept), "--json")
    assert done.code == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["marts"] == len(figures["contents"]) > 40
    assert elsewhere.marts() == small.marts()
    again = elsewhere.run("restore", str(kept))
    assert again.code == 2
    assert "is not empty" in again.stderr

    # Sources are others' and not in a backup: the simulator makes the same ones there.
    assert elsewhere.run("up", "schemas", "sftp", "health-api").code == 0
    assert elsewhere.run("simulate", "--from", FIRST, "--to", NEXT).code == 0
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WAREHOUSE_")}
    built = subprocess.run(
        [sys.executable, "-P", "-c", _NEXT_MONTH, NEXT],
        env=environment | {"WAREHOUSE_HOME": str(elsewhere.home), "PYTHONPATH": str(PROJECT_ROOT)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    ((known, new),) = elsewhere.query(
        "select count(*) filter (where before.household_key is not null), count(*)"
        " from marts.household_month as h left join marts.household_month as before"
        " on before.period = '2026-02' and h.household_key = before.household_key"
        f" where h.period = '{NEXT}'"
    )
    assert known > 0.9 * new > 0  # the same people have the same keys
