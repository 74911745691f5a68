"""A small warehouse with two published months and two corrections, without Airflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.services import postgres
from include.settings import PROJECT_ROOT
from tests.e2e.municipality import Municipality

FIRST, LAST = "2026-01", "2026-02"
_CORRECTIONS = 2
_SEED = 3
"""With it one correction is of each month; both come after the last."""
_RUN_MONTHS = """
import os, sys
from pathlib import Path
from rich.console import Console
from include.evaluation.corrected import build
from include.evaluation.corrections import plan, spoil
from include.evaluation.history import municipality
from include.simulator.months import spell
first, last, corrections, seed = sys.argv[1:]
console, home = Console(stderr=True), Path(os.environ["WAREHOUSE_HOME"])
with municipality("tiny", first, last, console, home):
    periods = spell(first, last)
    planned = plan(home, periods, int(corrections), int(seed))
    spoil(home, planned)
    build(home, periods, planned, console)
"""


def folder(prefix: str) -> Path:
    # Not tmp_path_factory: its folder is closed to the account the server runs as under root.
    made = Path(tempfile.mkdtemp(prefix=prefix))
    postgres.open_home(made)
    return made


def run_months(home: Path, first: str, last: str, corrections: int = 0) -> None:
    """Simulate, deliver, build and publish months in a home of their own; services are down."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WAREHOUSE_")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _RUN_MONTHS, first, last, str(corrections), str(_SEED)],
        env=environment | {"WAREHOUSE_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="session")
def small() -> Iterator[Municipality]:
    """Two months of ``tiny``, each corrected once after both were published."""
    home = folder("warehouse-small-")
    municipality = Municipality(home)
    try:
        run_months(home, FIRST, LAST, _CORRECTIONS)
        assert municipality.run("up", "schemas", "sftp", "health-api").code == 0
        yield municipality
    finally:
        municipality.run("down")
        shutil.rmtree(home)
