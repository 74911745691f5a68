"""Kill at each point, go on as Airflow does, and compare with what nobody disturbed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from include.database import OWNER, connect, dsn_of
from include.evaluation.history import STEPS
from include.evaluation.kills import content
from include.evaluation.kills.content import Content
from include.evaluation.kills.observer import Observer, View, look
from include.evaluation.kills.points import COUNTY, PERIOD, Point
from include.evaluation.kills.stages import Stages
from include.evaluation.kills.strike import Ended, run, strike

_BUILD = ("monthly_build.dbt", "monthly_build.audit", "monthly_build.publish")
_SCRATCH = {"built": "opened", "audited": "opened", "first_audited": "first_opened"}
"""Stages whose candidate a server's crash empties -> the stage from which it is made anew."""


@dataclass(frozen=True)
class Result:
    """What became of one point; ``faults`` is empty where all was right in the end."""

    point: Point
    faults: tuple[str, ...]
    looks: int
    unanswered: int
    seconds: float


class Matrix:
    """The undisturbed month in the current municipality, and its points."""

    def __init__(self, home: Path, told: Callable[[str], None]) -> None:
        self._home, self._told = home, told
        self._stages = Stages(home)
        self._expected: dict[tuple[str, str, str], Content] = {}
        self._end: Content = {}
        self._first_end: Content = {}
        self._is_scratch_lost = False

    def prepare(self) -> None:
        """Run the month undisturbed, its correction too, and keep the state before each task."""
        self._keep("empty")
        for source in ("county", "civil affairs", "health insurance"):
            STEPS[f"{source}: load"](PERIOD)
        self._keep("loaded")
        for source in ("county", "civil_affairs", "health_insurance"):
            self._do(f"{source}_delivery.judge", period=PERIOD)
        self._keep("judged")
        self._build("first_", PERIOD)
        self._first_end = content.published()
        _correct(self._home)
        self._keep("corrected")
        self._do("late_deliveries.take_in")
        self._keep("taken")
        self._do("late_deliveries.due", run_id="undisturbed")
        self._keep("ordered")
        self._build("", PERIOD)
        self._end = content.published()
        self._keep("end")

    def strike(self, points: Sequence[Point]) -> Iterator[Result]:
        """The points one by one; those that lose the server's scratch should come last."""
        for point in points:
            began = time.monotonic()
            self._told(point.name)
            faults, observer = self._one(point)
            yield Result(
                point,
                tuple(faults),
                observer.looks,
                observer.unanswered,
                time.monotonic() - began,
            )

    def _one(self, point: Point) -> tuple[list[str], Observer]:
        self._go_to(point.stage)
        expected = self._expected_of(point)
        _arrange(point)
        arguments = dict(point.arguments)
        if point.task in _BUILD:
            arguments["build_id"] = _last_build()
        before = _view()
        with Observer() as observer:
            faults = strike(
                point.task, arguments, point.trigger, point.victim, observer.wait_for_a_look
            )
            self._is_scratch_lost |= point.victim in ("postgres", "postmaster")
            observer.wait_for_a_look()
            if not faults:
                faults += self._go_on(point, arguments)
            observer.wait_for_a_look()
        faults += _differences(expected, self._found(point))
        allowed = [before, _view()]
        mixed = sum(view not in allowed for view in observer.views)
        if mixed:
            faults.append(f"{mixed} views of the marts were neither the old nor the new one")
        return faults, observer

    def _go_on(self, point: Point, arguments: dict[str, Any]) -> list[str]:
        """What happens by itself: the task is tried again, or the next look finds the month."""
        if point.task.startswith("late_deliveries."):
            return self._next_look(take_in=True)
        if not point.task.startswith("monthly_build."):
            return _failures(run(point.task, arguments))
        if point.is_run_lost:
            faults = self._next_look(take_in=False)
            opened = run("monthly_build.open_build", {"period": PERIOD})
            return faults + _failures(opened) + self._steps(_BUILD, opened)
        if point.task == "monthly_build.open_build":
            opened = run(point.task, arguments)
            return _failures(opened) + self._steps(_BUILD, opened)
        again = Ended(0, str(arguments["build_id"]))
        return self._steps(_BUILD[_BUILD.index(point.task) :], again)

    def _steps(self, tasks: Sequence[str], opened: Ended) -> list[str]:
        if opened.code:
            return []
        for task in tasks:
            if faults := _failures(run(task, {"build_id": opened.result})):
                return [f"{task}: {fault}" for fault in faults]
        return []

    def _next_look(self, *, take_in: bool) -> list[str]:
        faults = _failures(run("late_deliveries.take_in", {})) if take_in else []
        due = run("late_deliveries.due", {"run_id": "next"})
        faults += _failures(due)
        if not faults and due.result != [PERIOD]:
            faults.append(f"the next look orders {due.result}")
        return faults + _failures(run("late_deliveries.tell", {}))

    def _found(self, point: Point) -> Content:
        is_build = point.task.startswith("monthly_build.")
        return content.published() if is_build else content.delivered()

    def _expected_of(self, point: Point) -> Content:
        """What the same task leaves where nobody disturbs it."""
        if point.task.startswith("monthly_build."):
            return self._first_end if point.stage.startswith("first_") else self._end
        if point.task.startswith("late_deliveries."):
            key = ("late_deliveries", "ordered", "")
        else:
            key = (point.task, point.stage, repr(point.arguments) + point.arrange)
        if key not in self._expected:
            if key[0] == "late_deliveries":
                self._go_to("ordered")
            else:
                _arrange(point)
                self._do(point.task, **point.arguments)
            self._expected[key] = content.delivered()
            self._go_to(point.stage)
        return self._expected[key]

    def _go_to(self, stage: str) -> None:
        if not (self._is_scratch_lost and stage in _SCRATCH):
            self._stages.restore(stage)
            return
        self._stages.restore(_SCRATCH[stage])
        self._do("monthly_build.dbt", build_id=_last_build())
        if stage != "built":
            self._do("monthly_build.audit", build_id=_last_build())

    def _build(self, prefix: str, period: str) -> None:
        self._do("monthly_build.open_build", period=period)
        build_id = _last_build()
        self._keep(f"{prefix}opened")
        self._do("monthly_build.dbt", build_id=build_id)
        self._keep(f"{prefix}built")
        self._do("monthly_build.audit", build_id=build_id)
        self._keep(f"{prefix}audited")
        self._do("monthly_build.publish", build_id=build_id)

    def _keep(self, stage: str) -> None:
        self._stages.save(stage)

    def _do(self, task: str, **arguments: Any) -> None:
        self._told(f"undisturbed: {task}")
        if run(task, arguments).code:
            raise RuntimeError(f"{task} fails without anybody's doing")


def _arrange(point: Point) -> None:
    if point.arrange:
        with connect(OWNER) as connection:
            connection.execute(point.arrange.encode())


def _failures(ended: Ended) -> list[str]:
    return [f"tried again, it fails (exit code {ended.code})"] if ended.code else []


def _differences(expected: Content, found: Content) -> list[str]:
    differing = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    return [f"{name} is otherwise than undisturbed" for name in differing]


def _last_build() -> int:
    with connect(OWNER) as connection:
        row = connection.execute("select max(build_id) from ops.build").fetchone()
    assert row is not None
    return int(row[0])


def _view() -> View:
    with psycopg.connect(dsn_of("bi_city")) as connection:
        return look(connection)


def _correct(home: Path) -> None:
    """The county sends its incomes again, one of them another."""
    folder = home / "sources" / "county" / PERIOD / COUNTY
    path = max(folder.glob("3-*.csv"), key=lambda each: each.stat().st_mtime)
    stamp = path.stat().st_mtime + 86400
    text = path.read_bytes()
    end = b"\r\n" if b"\r\n" in text else b"\n"
    lines = text.split(end)
    middle = len(lines) // 2
    lines[middle] = re.sub(rb",(\d)(\d{3,4})(?=[.,])", _another, lines[middle], count=1)
    path.write_bytes(end.join(lines))
    os.utime(path, (stamp, stamp))


def _another(found: re.Match[bytes]) -> bytes:
    digit = b"1" if found.group(1) != b"1" else b"2"
    return b"," + digit + found.group(2)
