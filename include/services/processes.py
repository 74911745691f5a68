"""Processes that outlive the command that started them: pid files, signals, ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from include.services.credentials import write_private

_SAME_START = 0.05
_POLL = 0.05


@dataclass(frozen=True)
class Running:
    """A live process that we started; ``started`` in seconds since 1970."""

    pid: int
    started: float


def pid_file(home: Path, name: str) -> Path:
    """Where a service's process is recorded."""
    return home / "run" / f"{name}.json"


def launch(
    home: Path, name: str, argv: list[str], env: Mapping[str, str], log: Path
) -> psutil.Popen:
    """Start ``argv`` in a session of its own, output appended to ``log``, and record its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = psutil.Popen(
            argv,
            env=dict(env),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with contextlib.suppress(psutil.NoSuchProcess):
        record = {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}
        write_private(pid_file(home, name), json.dumps(record) + "\n")
    return process


def running(home: Path, name: str) -> Running | None:
    """The recorded process if it lives; a pid given to another process since does not count."""
    path = pid_file(home, name)
    try:
        record = json.loads(path.read_text())
        process = psutil.Process(record["pid"])
        alive = process.status() != psutil.STATUS_ZOMBIE
        same = abs(process.create_time() - record["started"]) < _SAME_START
    except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return Running(record["pid"], record["started"]) if alive and same else None


def was_started(home: Path, name: str) -> bool:
    """Whether a pid file says that it should run (it is removed by an orderly stop)."""
    return pid_file(home, name).exists()


def end(
    home: Path, name: str, stop_signal: signal.Signals, *, leader_only: bool, grace: float
) -> bool:
    """Stop the process and all it started; SIGKILL for what is left after ``grace`` seconds.

    Returns whether there was anything to stop. Only processes recorded by ``launch`` and their
    descendants are touched.
    """
    found = running(home, name)
    if found is None:
        end_leftovers(home, name)
        pid_file(home, name).unlink(missing_ok=True)
        return False
    leader = psutil.Process(found.pid)
    family = [leader, *leader.children(recursive=True)]
    for process in family[:1] if leader_only else family:
        _signal(process, stop_signal)
    left = _wait_for_end(family, grace)
    # Children born meanwhile are in the same group still.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(found.pid, signal.SIGKILL)
    for process in left:
        _signal(process, signal.SIGKILL)
    _wait_for_end(left, 5)
    pid_file(home, name).unlink(missing_ok=True)
    return True


def end_leftovers(home: Path, name: str) -> int:
    """End what a killed process left at work: all of the session that it led; how many.

    A killed scheduler's workers go on with tasks that the next scheduler starts again.
    """
    try:
        leader = int(json.loads(pid_file(home, name).read_text())["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return 0
    left = [each for each in psutil.process_iter() if _session(each) == leader and _lives(each)]
    if running(home, name) or any(process.pid == leader for process in left):
        return 0
    for process in left:
        _signal(process, signal.SIGKILL)
    _wait_for_end(left, 5)
    return len(left)


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None


def _wait_for_end(family: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after ``seconds``; one that awaits reaping has ended."""
    deadline = time.monotonic() + seconds
    while (
        left := [process for process in family if _lives(process)]
    ) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
