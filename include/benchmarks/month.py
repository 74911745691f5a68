"""A month from delivered files to published marts, step by step: seconds and memory.

Each step runs in a process of its own, as a task of Airflow does, so its imports are in its seconds
and its peak memory is its own. The three sources come in at the same time, as their DAGs do. dbt is
a process below the step "dbt".
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from include.errors import ServiceFailed
from include.evaluation.history import BUILD, SOURCES, STEPS
from include.settings import PROJECT_ROOT

SLOWEST = 5
_LOOK_S = 0.1
"""How often memory is looked at."""


@dataclass(frozen=True)
class Step:
    """One step: wall-clock seconds, and the largest Python process's peak memory in MB."""

    name: str
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Figures:
    """What the month cost. ``slowest`` are the models: (name, seconds), the slowest first."""

    profile: str
    period: str
    rows_delivered: int
    steps: tuple[Step, ...]
    seconds: float
    """From the first step's begin to the last one's end; less than their sum."""
    slowest: tuple[tuple[str, float], ...]

    @property
    def peak_mb(self) -> float:
        """The largest Python process of all steps."""
        return max(step.peak_mb for step in self.steps)


def measure(profile: str, period: str, home: Path, told: Callable[[str], None]) -> Figures:
    """Run all steps of ``period`` in the current municipality, whose folder is ``home``.

    ``told`` hears each step's name when it is done. Raises ServiceFailed where a step fails.
    """

    def run(names: tuple[str, ...]) -> list[Step]:
        steps = []
        for name in names:
            steps.append(_measured(name, period))
            told(name)
        return steps

    began = time.monotonic()
    with ThreadPoolExecutor(len(SOURCES)) as sources:
        steps = [step for source in sources.map(run, SOURCES) for step in source]
    steps += run(BUILD)
    seconds = time.monotonic() - began
    return Figures(profile, period, _rows_delivered(period), tuple(steps), seconds, _slowest(home))


def _measured(name: str, period: str) -> Step:
    began = time.monotonic()
    process = psutil.Popen(
        [sys.executable, "-P", "-m", "include.benchmarks.month", name, period], cwd=PROJECT_ROOT
    )
    peak_kb = 0
    while process.poll() is None:
        peak_kb = max(peak_kb, *map(_peak_kb, _family(process)))
        time.sleep(_LOOK_S)
    seconds = time.monotonic() - began
    if process.returncode != 0:
        raise ServiceFailed(
            f"the step {name} of {period} ended with exit code {process.returncode}.",
            remedy="read what it printed above.",
        )
    return Step(name, seconds, peak_kb / 1024)


def _family(process: psutil.Process) -> list[int]:
    try:
        return [process.pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return [process.pid]


def _peak_kb(pid: int) -> int:
    """The kernel's own high-water mark (Linux); getrusage would count what a fork inherits."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) if found else 0


def _rows_delivered(period: str) -> int:
    from include.database import connect

    with connect() as connection:
        row = connection.execute(
            "select coalesce(sum(row_count), 0) from ops.delivery where period = %s", [period]
        ).fetchone()
    assert row is not None
    return int(row[0])


def _slowest(home: Path) -> tuple[tuple[str, float], ...]:
    latest = max(
        (home / "builds").glob("*/run_results.json"), key=lambda path: int(path.parent.name)
    )
    results = json.loads(latest.read_text())["results"]
    models = [
        (node["unique_id"].rpartition(".")[2], float(node["execution_time"]))
        for node in results
        if node["unique_id"].startswith("model.")
    ]
    return tuple(sorted(models, key=lambda model: -model[1])[:SLOWEST])


if __name__ == "__main__":
    STEPS[sys.argv[1]](sys.argv[2])
