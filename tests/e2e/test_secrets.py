"""Passwords and keys of running services: who can read them, and where they do not stand."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from include.services import embedded, processes
from include.services.catalogue import catalogue
from include.services.credentials import credentials
from include.transport import is_loopback
from tests.conftest import only_environment
from tests.e2e.conftest import Stage
from tests.e2e.municipality import Municipality, postgres_tool

GONE = (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess)
"""A task's process, or a backend of the database, that has ended meanwhile."""
_KEPT_IN = {"secrets.json", "airflow/passwords.json"}


@pytest.fixture(scope="module")
def secrets(demo: Stage) -> dict[str, str]:
    found = credentials(demo.municipality.home)
    assert len(found) > 12
    assert min(map(len, found.values())) >= 32
    return found


@pytest.fixture(scope="module")
def services(demo: Stage) -> dict[str, list[psutil.Process]]:
    """Running service -> its processes."""
    home = demo.municipality.home
    with only_environment(home=str(home)):
        running = {name: processes.running(home, name) for name in catalogue()}
    found = {}
    for name, process in running.items():
        if process:
            leader = psutil.Process(process.pid)
            found[name] = [leader, *leader.children(recursive=True)]
    assert len(found) >= 8
    return found


def held(text: str | bytes, secrets: dict[str, str]) -> set[str]:
    """The names of the secrets that stand in a text."""
    content = text if isinstance(text, bytes) else text.encode()
    return {name for name, secret in secrets.items() if secret.encode() in content}


def test_no_command_line_held_a_secret(demo: Stage, secrets: dict[str, str]) -> None:
    """Any account reads command lines; those of tasks and tools are gone by now, and were noted."""
    seen = demo.municipality.command_lines
    assert any("dbt" in line for line in seen)
    assert any("airflow" in line for line in seen)
    assert held("\n".join(seen), secrets) == set()


def test_a_secret_on_a_command_line_would_have_been_noted(secrets: dict[str, str]) -> None:
    elsewhere = Municipality(Path("/nonexistent"))
    waits = [sys.executable, "-c", "input()", secrets["postgres"]]
    with subprocess.Popen(waits, stdin=subprocess.PIPE) as process:
        elsewhere.run("--help")
        process.kill()
    assert held("\n".join(elsewhere.command_lines), secrets) == {"postgres"}


def test_only_their_own_account_reads_the_services_environments(
    services: dict[str, list[psutil.Process]], secrets: dict[str, str]
) -> None:
    known = 0
    for name, family in services.items():
        for process in family:
            file = Path(f"/proc/{process.pid}/environ")
            with suppress(*GONE):
                assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, name
                content = file.read_bytes()
                known += bool(held(content, secrets))
                if process.uids().effective != os.geteuid():
                    assert held(content, secrets) == set(), name
    assert known, "no environment was read at all"


def test_who_plays_another_organisation_knows_its_own_secret_alone(
    services: dict[str, list[psutil.Process]], secrets: dict[str, str]
) -> None:
    own = {"health-api": {"health_client"}, "sftp": {"sftp"}, "pages": set(), "postgres": set()}
    for name, allowed in own.items():
        content = Path(f"/proc/{services[name][0].pid}/environ").read_bytes()
        assert held(content, secrets) == allowed, name


def test_airflow_knows_no_account_but_those_that_its_tasks_work_as(
    services: dict[str, list[psutil.Process]], secrets: dict[str, str]
) -> None:
    not_theirs = {"postgres", "warehouse_etl", "case_worker", "privacy_officer", "auditor"}
    theirs = {"loader", "transformer", "publisher", "operator"}
    assert not_theirs | theirs <= secrets.keys()
    # Not the API server, whose title stands where its environment was.
    for name in ("airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"):
        content = Path(f"/proc/{services[name][0].pid}/environ").read_bytes()
        assert held(content, secrets) & (theirs | not_theirs) == theirs, name


def test_no_file_but_those_for_it_holds_a_secret(demo: Stage, secrets: dict[str, str]) -> None:
    """Logs, rendered SQL, Data Docs, receipts: all below the state folder but the database."""
    home = demo.municipality.home
    holding = set()
    for path in home.rglob("*"):
        below = path.relative_to(home)
        if path.is_file() and below.parts[0] not in ("postgres", "postgres-bin"):
            mode = stat.S_IMODE(path.stat().st_mode)
            if held(path.read_bytes(), secrets):
                holding.add(str(below))
                assert mode == 0o600, below
            elif below.parts[0] in ("logs", "landing", "receipts", "airflow", "run"):
                assert mode & 0o077 == 0 or below.parts[0] == "landing", below
    assert holding == _KEPT_IN


def test_no_folder_of_the_state_is_open_to_others(demo: Stage) -> None:
    """To be passed through at most: as root the database's account has to reach its files."""
    home = demo.municipality.home
    assert stat.S_IMODE(home.stat().st_mode) & 0o066 == 0
    for path in home.iterdir():
        if path.is_dir() and path.name != "postgres-bin":  # PostgreSQL's programs
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


@pytest.mark.parametrize("database", ["airflow", "warehouse", "civil_affairs"])
def test_no_table_holds_a_secret(demo: Stage, secrets: dict[str, str], database: str) -> None:
    """Airflow's rendered templates, XComs, variables, connections and log among them."""
    with only_environment(home=str(demo.municipality.home)):
        dumped = postgres_tool("pg_dump", dsn=embedded.dsn("postgres", database))
    assert len(dumped) > 10_000
    assert held(dumped, secrets) == set()


def test_services_listen_on_this_machine_alone(services: dict[str, list[psutil.Process]]) -> None:
    listening: dict[str, set[str]] = {name: set() for name in services}
    for name, family in services.items():
        for process in family:
            with suppress(*GONE):
                listening[name] |= {
                    connection.laddr.ip
                    for connection in process.net_connections("inet")
                    if connection.status == psutil.CONN_LISTEN
                }
    assert sum(map(bool, listening.values())) >= 5
    for name, addresses in listening.items():
        assert all(map(is_loopback, addresses)), (name, addresses)
