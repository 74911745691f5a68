"""Run a task in a process, wait until it stands at its point, and kill."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from include.evaluation.kills.hooks import REPORT, Trigger
from include.services import embedded, processes, supervisor
from include.settings import PROJECT_ROOT

Victim = Literal["task", "dbt", "postgres", "postmaster"]
"""Who is killed: the task's process, dbt below it, PostgreSQL with all it started, or its first
process alone."""
_PATIENCE_S = 600


@dataclass(frozen=True)
class Ended:
    """How a task's process ended, and the last line it printed."""

    code: int
    said: str

    @property
    def result(self) -> Any:
        return json.loads(self.said)


def run(task: str, arguments: dict[str, Any]) -> Ended:
    """A task, undisturbed."""
    process = _start(task, arguments, {})
    out, _ = process.communicate(timeout=_PATIENCE_S)
    return Ended(process.returncode, _last_line(out))


def strike(
    task: str,
    arguments: dict[str, Any],
    trigger: Trigger,
    victim: Victim,
    meanwhile: Callable[[], None],
) -> list[str]:
    """Kill ``victim`` where ``task`` stands at ``trigger``; ``meanwhile`` is called just before.

    Returns what went wrong with that: the point was not reached, the task did not end as it should,
    or something of it lived on. PostgreSQL is started again, as ``./warehouse up`` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder, "report")
        os.mkfifo(pipe)
        process = _start(task, arguments, trigger.environment() | {REPORT: str(pipe)})
        stopped = _reached(process, pipe)
        if stopped is None:
            process.communicate()
            return [f"the point was not reached (exit code {process.returncode})"]
        meanwhile()
        alive = os.pidfd_open(stopped)
        try:
            _kill(victim, process.pid, stopped)
            process.communicate(timeout=_PATIENCE_S)
            faults = []
            if process.returncode == 0:
                faults.append("the task ended as if nothing were")
            if not select.select([alive], [], [], _PATIENCE_S)[0]:
                faults.append("the stopped process outlived the kill")
                os.kill(stopped, signal.SIGKILL)
        finally:
            os.close(alive)
    if victim in ("postgres", "postmaster"):
        supervisor.start(["postgres"])
    return faults


def _start(task: str, arguments: dict[str, Any], extra: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.tasks", task, json.dumps(arguments)],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)} | extra,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _reached(process: subprocess.Popen[str], pipe: Path) -> int | None:
    """The number of the process that has stopped; None where the task ended before."""
    ended = os.pidfd_open(process.pid)
    report = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ready, _, _ = select.select([report, ended], [], [], _PATIENCE_S)
        return int(os.read(report, 64)) if report in ready else None
    finally:
        os.close(report)
        os.close(ended)


def _kill(victim: Victim, task: int, stopped: int) -> None:
    if victim == "task":
        os.kill(task, signal.SIGKILL)
        return
    if victim == "dbt":
        os.kill(stopped, signal.SIGKILL)
        return
    found = processes.running(embedded.home(), "postgres")
    assert found is not None
    postmaster = psutil.Process(found.pid)
    family = [postmaster]
    if victim == "postgres":
        family += postmaster.children(recursive=True)
    for each in family:
        each.suspend()  # lest the first ones killed be noticed by the others
    for each in family:
        each.kill()
    postmaster.wait()
    os.kill(stopped, signal.SIGCONT)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
