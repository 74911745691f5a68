"""A task, and the scheduler, killed while a month is built: it ends right without hands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from include.services import postgres, processes
from include.settings import PROJECT_ROOT
from tests.e2e.municipality import Municipality

MONTH = "2026-01"


@pytest.fixture
def municipality() -> Iterator[Municipality]:
    """One simulated month, not delivered yet."""
    home = Path(tempfile.mkdtemp(prefix="warehouse-e2e-"))
    postgres.open_home(home)
    found = Municipality(home)
    try:
        for command in (("up",), ("simulate", "--from", MONTH, "--to", MONTH)):
            done = found.run(*command)
            assert done.code == 0, done.stderr[-3000:]
        yield found
    finally:
        found.run("down")
        shutil.rmtree(home)


def dbt_process(home: Path, *, other_than: int = 0, within_s: float = 600) -> psutil.Process:
    """The dbt process of this home's build, once there is one."""
    for attempt in Retrying(stop=stop_after_delay(within_s), wait=wait_fixed(0.2), reraise=True):
        with attempt:
            found = [process for process in psutil.process_iter() if is_dbt(process, home)]
            assert [process for process in found if process.pid != other_than]
    return next(process for process in found if process.pid != other_than)


def is_dbt(process: psutil.Process, home: Path) -> bool:
    try:
        return any(
            part.endswith("dbt_process.py") for part in process.cmdline()
        ) and process.environ().get("WAREHOUSE_HOME") == str(home)
    except psutil.Error:
        return False


def test_a_killed_task_and_a_killed_scheduler_do_not_stop_the_month(
    municipality: Municipality,
) -> None:
    home = municipality.home
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WAREHOUSE_")}
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "include.cli.main"),
            *("backfill", MONTH, MONTH, "--reason", "the first month"),
        ],
        env=environment | {"WAREHOUSE_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)},
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        first = dbt_process(home)
        task = first.parent()
        assert task is not None
        task.kill()
        second = dbt_process(home, other_than=first.pid)
        assert not first.is_running()  # it goes with the task that started it

        scheduler = processes.running(home, "airflow-scheduler")
        assert scheduler is not None
        psutil.Process(scheduler.pid).kill()
        assert municipality.run("up").code == 0
        municipality.wait_for(
            "select period, version from ops.publication where state = 'published'",
            [(MONTH, 1)],
            within_s=900,
        )
        assert not second.is_running()
    verified = json.loads(municipality.run("verify", MONTH, "--json").stdout)
    assert (verified["proven"], verified["differences"]) == (1, 0)
