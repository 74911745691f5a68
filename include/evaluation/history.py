"""Months of a simulated municipality without Airflow, for benchmarks and evaluations.

The steps are the ones the DAGs run, one after the other. The municipality is a scratch one: its
folder, services and settings are its own, and nothing of the user's is touched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from include import pipeline
from include.database import OWNER, connect

SERVICES = ("schemas", "sftp", "health-api")
"""What the sources and the warehouse need; Airflow is not among them."""

Seconds = dict[str, float]
"""step -> seconds."""


def _dbt(period: str) -> None:
    from include.build import open_build, run_dbt

    run_dbt(open_build(period))


def _audit(period: str) -> None:
    from include.gate import audit

    audit(_last_build(period))


def _publish(period: str) -> None:
    """Large changes of months long closed are what evaluations are about: they approve them."""
    from include.approval import answer
    from include.errors import ApprovalNeeded
    from include.publish import publish

    build_id = _last_build(period)
    try:
        publish(build_id)
    except ApprovalNeeded:
        with connect(OWNER) as connection:
            answer(connection, build_id, "approved", "an evaluation", "evaluation", "cli")
        publish(build_id)


STEPS: dict[str, Callable[[str], object]] = {
    "county: load": pipeline.load_counties,
    "county: judge": lambda period: pipeline.demand_open("county", period),
    "civil affairs: load": pipeline.load_civil_affairs,
    "civil affairs: judge": lambda period: pipeline.demand_open("civil_affairs", period),
    "health insurance: load": pipeline.load_health_insurance,
    "health insurance: judge": lambda period: pipeline.demand_open("health_insurance", period),
    "dbt": _dbt,
    "audit": _audit,
    "publish": _publish,
}
"""A month's steps by name, in order; each takes the period."""
SOURCES = (tuple(STEPS)[:2], tuple(STEPS)[2:4], tuple(STEPS)[4:6])
"""Each source's steps; no source waits for another."""
DELIVERY = tuple(STEPS)[:6]
"""The steps that bring a month's deliveries in."""
BUILD = tuple(STEPS)[6:]
"""The steps from accepted deliveries to published marts."""


@contextmanager
def municipality(
    profile: str, first: str, last: str, console: Console, keep: Path | None = None
) -> Iterator[Path]:
    """A simulated municipality with its services running; its home folder.

    It lies in ``keep``, which stays, or in a temporary folder, which goes. The process's
    ``WAREHOUSE_*`` settings are those of the municipality meanwhile.
    """
    from include.cli.simulate import simulate_sources

    home = keep or Path(tempfile.mkdtemp(prefix="warehouse-evaluation-"))
    try:
        with kept_municipality(home, console):
            simulate_sources(profile, first, last, console)
            yield home
    finally:
        if keep is None:
            shutil.rmtree(home)


@contextmanager
def kept_municipality(home: Path, console: Console) -> Iterator[None]:
    """A municipality that was kept, as it is, with its services running."""
    from include.cli.services import start_with_progress
    from include.services import embedded, postgres, supervisor
    from include.settings import settings

    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("WAREHOUSE_")]:
        del os.environ[name]
    os.environ["WAREHOUSE_HOME"] = str(home)
    settings.cache_clear()
    postgres.open_home(home)
    try:
        start_with_progress(list(SERVICES), console)
        embedded.apply()
        yield
    finally:
        supervisor.stop()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def run_months(
    periods: list[str], console: Console, steps: tuple[str, ...] = tuple(STEPS)
) -> dict[str, Seconds]:
    """Run the steps of each month in this process, with a progress bar; seconds by period."""
    spent: dict[str, Seconds] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=len(periods) * len(steps))
        for period in periods:
            spent[period] = {}
            for step in steps:
                progress.update(task, description=f"{period} {step}")
                began = time.monotonic()
                STEPS[step](period)
                spent[period][step] = time.monotonic() - began
                progress.advance(task)
    return spent


def published_months() -> list[str]:
    """The months that the current warehouse shows, in order."""
    with connect() as connection:
        return [
            period
            for (period,) in connection.execute(
                "select distinct period from ops.publication where state = 'published' order by 1"
            )
        ]


def _last_build(period: str) -> int:
    with connect(OWNER) as connection:
        row = connection.execute(
            "select max(build_id) from ops.build where period = %s", [period]
        ).fetchone()
    assert row is not None
    return int(row[0])
