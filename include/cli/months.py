"""Run months through Airflow's DAGs and show how they get on; ``demo`` and ``backfill`` use it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from include.airflow_api import BUILD, ENDED, PRODUCERS, WATCH, Airflow, Run, Task
from include.backfill.request import Request
from include.errors import ServiceFailed, WarehouseError

_POLL_S = 2.0
_DAGS_READ_WITHIN_S = 180.0
_PATIENCE_S = 3600.0
_COLUMNS = {
    "county_delivery": "county",
    "civil_affairs_delivery": "civil affairs",
    "health_insurance_delivery": "health",
    BUILD: "build",
}


class MonthFailed(WarehouseError):
    """A task of a month failed; later steps of that month did not run."""


class MonthWaiting(WarehouseError):
    """Too little has come to build a month; nothing is wrong."""


@dataclass(frozen=True)
class Started:
    """Months handed to the DAGs of some sources; runs queued since then are ours."""

    periods: list[str]
    producers: tuple[str, ...]
    since: datetime


def start_months(airflow: Airflow, request: Request, backfill_id: int) -> Started:
    """Switch the DAGs on and create Airflow's backfill of each source that the request asks for.

    ``backfill_id`` is that of ops.backfill: Airflow's backfills carry it.
    """
    _wait_for_dags(airflow)
    since = datetime.now(UTC) - timedelta(seconds=1)
    for dag_id in (BUILD, *PRODUCERS, WATCH):
        airflow.switch_on(dag_id)
    for dag_id in request.producers:
        conf = {
            "backfill": backfill_id,
            "reason": request.reason,
            "together": request.producers == PRODUCERS,
        }
        if dag_id == "county_delivery":
            conf["county"] = request.county
        airflow.backfill(dag_id, request.first, request.last, conf)
    return Started(request.periods, request.producers, since)


def watch_months(airflow: Airflow, started: Started, console: Console) -> list[Task]:
    """Show how the months get on until each one's build has ended; returns all task instances.

    Raises MonthFailed with the first failed task's own sentence.
    """
    board = Board(started.periods, started.producers)
    live = (
        Live(get_renderable=board.table, console=console, refresh_per_second=2)
        if console.is_terminal
        else nullcontext()
    )
    with live:
        deadline = time.monotonic() + _PATIENCE_S
        while not board.complete:
            for change in board.update(airflow, started.since):
                if not console.is_terminal:
                    console.print(change)
            if time.monotonic() > deadline:
                raise ServiceFailed(
                    f"the months have not ended within {_PATIENCE_S:.0f} s.",
                    remedy="look at the runs on Airflow's page; they go on without this command.",
                )
            time.sleep(_POLL_S)
    return board.finished()


def seconds_per_step(tasks: list[Task]) -> dict[tuple[str, str], tuple[int, float]]:
    """(DAG, step) -> (task instances, their seconds added up)."""
    sums: dict[tuple[str, str], tuple[int, float]] = {}
    for task in tasks:
        count, seconds = sums.get((task.dag_id, task.task_id), (0, 0.0))
        sums[task.dag_id, task.task_id] = (count + 1, seconds + (task.seconds or 0.0))
    return sums


class Board:
    """Months by DAGs: how many tasks have ended."""

    def __init__(self, periods: list[str], producers: Sequence[str] = PRODUCERS) -> None:
        self._periods = periods
        self._dag_ids = (*producers, BUILD)
        self._tasks: dict[tuple[str, str], list[Task]] = {}
        self._runs: dict[tuple[str, str], Run] = {}

    @property
    def complete(self) -> bool:
        """Every month's build has succeeded."""
        return all(
            (run := self._runs.get((period, BUILD))) is not None and run.state == "success"
            for period in self._periods
        )

    def finished(self) -> list[Task]:
        """The task instances of all runs seen."""
        return [task for tasks in self._tasks.values() for task in tasks]

    def update(self, airflow: Airflow, since: datetime) -> list[str]:
        """Ask Airflow; returns a line for each step that ended. Raises MonthFailed."""
        lines = []
        for run in sorted(airflow.runs(since), key=lambda found: str(found.queued_at)):
            place = (run.period, run.dag_id)
            if (
                run.period not in self._periods
                or run.dag_id not in self._dag_ids
                or run.state == "queued"
            ):
                continue
            known = self._runs.get(place)
            if known and known.run_id == run.run_id and known.state == "success":
                continue
            before = _said_of(self._tasks.get(place, []))
            self._runs[place], self._tasks[place] = run, airflow.tasks(run)
            lines += [
                f"{run.period} {_COLUMNS[run.dag_id]}: {said}"
                for said in sorted(_said_of(self._tasks[place]) - before)
            ]
            if run.state == "failed":
                raise self._failure(airflow, run)
            reports = [t.state for t in self._tasks[place] if t.task_id in ("ready", "due")]
            if reports and set(reports) == {"skipped"}:
                raise MonthWaiting(
                    f"{run.dag_id} of {run.period}: the month's gate waits for deliveries.",
                    remedy="see ./warehouse readiness show. The month goes on by itself when they"
                    f" have come; ./warehouse readiness go-ahead {run.period} builds it without.",
                )
            if any(t.state == "awaiting_input" for t in self._tasks[place]):
                raise MonthWaiting(
                    f"{run.period} is closed, and so large a change of it waits for an approval.",
                    remedy="see ./warehouse approval list; the month goes on when you approve it.",
                )
        return lines

    def table(self) -> Table:
        """The board as it stands."""
        table = Table(title="Airflow runs the months", title_justify="left")
        table.add_column("month")
        for dag_id in self._dag_ids:
            table.add_column(_COLUMNS[dag_id], min_width=14)
        for period in self._periods:
            table.add_row(period, *(self._cell(period, dag_id) for dag_id in self._dag_ids))
        return table

    def _cell(self, period: str, dag_id: str) -> Text:
        tasks = self._tasks.get((period, dag_id))
        if not tasks:
            return Text("waiting", "dim")
        done = sum(task.state in ENDED for task in tasks)
        state = self._runs[period, dag_id].state
        if state == "success":
            return Text(f"● done ({len(tasks)})", "green")
        running = {task.task_id for task in tasks if task.state == "running"}
        return Text(f"{done}/{len(tasks)} {', '.join(sorted(running))}", "yellow")

    def _failure(self, airflow: Airflow, run: Run) -> MonthFailed:
        failed = [task for task in self._tasks[run.period, run.dag_id] if task.state == "failed"]
        if not failed:
            return MonthFailed(
                f"{run.dag_id} of {run.period} failed.", remedy="see the run on Airflow's page."
            )
        first = failed[0]
        return MonthFailed(
            f"{first.task_id} of {run.dag_id}, {run.period}, failed: {airflow.failure(run, first)}",
            remedy=f"see run {run.run_id} on Airflow's page.",
        )


def _said_of(tasks: list[Task]) -> set[str]:
    """Which steps have done something and have nothing left to do, and which wait for a person."""
    states: dict[str, set[str | None]] = defaultdict(set)
    for task in tasks:
        states[task.task_id].add(task.state)
    over = {"success", "skipped"}
    done = {
        f"{step} done" for step, found in states.items() if "success" in found and found <= over
    }
    asks = {step for step, found in states.items() if "awaiting_input" in found}
    return done | {f"{step} waits for a word: ./warehouse approval list" for step in asks}


def _wait_for_dags(airflow: Airflow) -> None:
    deadline = time.monotonic() + _DAGS_READ_WITHIN_S
    while not {*PRODUCERS, BUILD, WATCH} <= airflow.dags():
        if broken := airflow.import_errors():
            raise ServiceFailed(
                f"Airflow cannot read {', '.join(broken)}.",
                remedy="see the import error on Airflow's page.",
            )
        if time.monotonic() > deadline:
            raise ServiceFailed(
                "Airflow has not read the DAGs.",
                remedy="read the log of airflow-dag-processor (./warehouse status).",
            )
        time.sleep(_POLL_S)
