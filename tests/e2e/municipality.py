"""A municipality of the tests' own: its folder, its services, its commands and its marts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import psycopg
from tenacity import Retrying, stop_after_delay, wait_fixed

from include.access.enforce import enforce
from include.marts import published_marts
from include.services import embedded, postgres
from include.settings import PROJECT_ROOT, settings
from tests.conftest import only_environment

MONTHS = ("2026-01", "2026-02", "2026-03")
Rows = dict[tuple[str, ...], dict[str, Any]]
"""The columns of a mart's primary key, the period first -> the row's columns."""


@dataclass(frozen=True)
class Finished:
    """How a command ended; ``stdout`` and ``stderr`` as text."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Municipality:
    """Everything below one WAREHOUSE_HOME; ``settings`` are WAREHOUSE_* values by name."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    command_lines: set[str] = field(default_factory=set)
    """Of all processes that were seen while commands ran: what any account can read."""

    def run(self, *arguments: str, timeout_s: float = 1500) -> Finished:
        """``./warehouse ARGUMENTS``, with nothing of the caller's settings."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WAREHOUSE_")}
        with _watching(self.command_lines):
            done = self._run(arguments, environment, timeout_s)
        return Finished(done.returncode, done.stdout, done.stderr)

    def _run(
        self, arguments: tuple[str, ...], environment: dict[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "include.cli.main", *arguments],
            env=environment
            | {"WAREHOUSE_HOME": str(self.home), "PYTHONPATH": str(PROJECT_ROOT)}
            | {f"WAREHOUSE_{name}": value for name, value in self.settings.items()},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def wait_for(self, statement: str, expected: list[tuple[Any, ...]], within_s: float) -> None:
        """Until a query gives ``expected``: what the scheduler does, it does in its own time."""
        found: list[tuple[Any, ...]] = []
        for attempt in Retrying(stop=stop_after_delay(within_s), wait=wait_fixed(2), reraise=True):
            with attempt:
                found = self.query(statement)
                assert found == expected

    @contextmanager
    def as_settings(self) -> Iterator[None]:
        """This process's settings are those of the municipality meanwhile."""
        with patch.dict(os.environ), only_environment(home=str(self.home)):
            embedded.apply()
            yield
        settings.cache_clear()

    def copy(self, name: str) -> str:
        """A database with all that the warehouse holds now; its URL as the ETL account.

        Owners, grants and policies come along, for the superuser copies it.
        """
        with only_environment(home=str(self.home)):
            source, target, admin = (
                embedded.dsn("postgres", database) for database in ("warehouse", name, "postgres")
            )
            owner = embedded.dsn("warehouse_etl", name)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"create database {name} owner warehouse_etl".encode())
        dumped = postgres_tool("pg_dump", dsn=source)
        postgres_tool("psql", "--quiet", "--set=ON_ERROR_STOP=1", dsn=target, given=dumped)
        with only_environment(dsn=owner):
            enforce()  # what is granted of a database is not copied
        return owner

    def build_elsewhere(self, dsn: str, period: str) -> None:
        """Bring a month into another database and publish it there, without Airflow."""
        command = (
            "import sys; from rich.console import Console; from include.services import embedded;"
            "from include.evaluation.history import run_months;"
            "embedded.apply(); run_months([sys.argv[1]], Console(stderr=True))"
        )
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WAREHOUSE_")}
        subprocess.run(
            [sys.executable, "-c", command, period],
            env=environment
            | {"WAREHOUSE_HOME": str(self.home), "PYTHONPATH": str(PROJECT_ROOT)}
            | {"WAREHOUSE_DSN": dsn},
            cwd=PROJECT_ROOT,
            check=True,
        )

    def query(self, statement: str, account: str = "warehouse_etl") -> list[tuple[Any, ...]]:
        """Rows of a query over TCP as one of the warehouse's accounts."""
        with (
            only_environment(home=str(self.home)),
            psycopg.connect(embedded.dsn(account, "warehouse")) as connection,
        ):
            return connection.execute(statement.encode()).fetchall()

    def marts(self) -> dict[str, Rows]:
        """All that is published, as the read-only BI account sees it over TCP."""
        with (
            only_environment(home=str(self.home)),
            psycopg.connect(embedded.dsn("bi_city", "warehouse")) as connection,
        ):
            return published(connection)


@contextmanager
def _watching(command_lines: set[str]) -> Iterator[None]:
    """Note the command lines of all processes, each second, as ``ps`` shows them."""
    is_over = threading.Event()

    def watch() -> None:
        while True:
            command_lines.update(
                " ".join(process.info["cmdline"] or ())
                for process in psutil.process_iter(["cmdline"])
            )
            if is_over.wait(1):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def postgres_tool(name: str, *arguments: str, dsn: str, given: bytes | None = None) -> bytes:
    """What one of PostgreSQL's own programs prints."""
    done = subprocess.run(
        [postgres.bundled_bin() / name, *arguments],
        env=os.environ | embedded.client_environment(dsn),
        input=given,
        capture_output=True,
        check=True,
    )
    return done.stdout


def published(connection: psycopg.Connection[Any]) -> dict[str, Rows]:
    """Every row of every mart."""
    found: dict[str, Rows] = {}
    for mart in published_marts(connection):
        cursor = connection.execute(f"select * from marts.{mart.name}".encode())
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        grain = sorted(mart.grain, key=lambda column: column != "period")
        found[mart.name] = {tuple(str(row[column]) for column in grain): row for row in rows}
        assert len(found[mart.name]) == len(rows)
    return found


def differing(before: Rows, after: Rows) -> set[tuple[str, str, str]]:
    """(period, county, key) of the rows that are not the same in both."""
    keys = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return {
        (key[0], (after.get(key) or before[key])["county_code"], " ".join(key[1:])) for key in keys
    }


def deliveries(connection: psycopg.Connection[Any]) -> dict[int, str]:
    return dict(
        connection.execute(
            "select delivery_id, concat_ws('-', kind, county_code, period, sha256)"
            " from ops.delivery"
        ).fetchall()
    )


def by_content(marts: dict[str, Rows], names: dict[int, str]) -> dict[str, Rows]:
    """The marts with deliveries called by what they are: numbers are one warehouse's own."""

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(each) for each in value]
        if isinstance(value, str):
            return re.sub(r"(?<=/)\d+(?=/\d+$)", lambda found: names[int(found[0])], value)
        return value

    return {
        mart: {
            key: {column: named(value) for column, value in row.items()}
            for key, row in rows.items()
        }
        for mart, rows in marts.items()
    }


@contextmanager
def published_months(first: str, last: str) -> Iterator[Municipality]:
    """A municipality that has published these months, and looks into the drops every minute."""
    home = Path(tempfile.mkdtemp(prefix="warehouse-e2e-"))
    postgres.open_home(home)
    found = Municipality(home, {"WATCH_MINUTES": "1"})
    try:
        for command in (
            ("up",),
            ("simulate", "--from", first, "--to", last),
            ("backfill", first, last, "--reason", "the first months"),
        ):
            done = found.run(*command)
            assert done.code == 0, done.stderr[-3000:]
        yield found
    finally:
        found.run("down")
        shutil.rmtree(home)
