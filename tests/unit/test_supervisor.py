"""A real PostgreSQL under the supervisor: accounts and what they may do, failures, restarts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from include.errors import ServiceFailed
from include.services import embedded, postgres, processes, supervisor
from include.services.credentials import credentials
from include.services.ports import PREFERRED
from include.settings import PROJECT_ROOT, settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with PostgreSQL running in it, and the environment pointing there."""
    home = tmp_path_factory.mktemp("services") / "a home"
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("WAREHOUSE_", "AIRFLOW"))]:
            patch.delenv(name)
        before = set(os.environ)
        patch.setenv("WAREHOUSE_HOME", str(home))
        for service, port in zip(PREFERRED, free_ports(len(PREFERRED)), strict=True):
            patch.setenv(f"WAREHOUSE_PORT_{service.upper()}", str(port))
        try:
            supervisor.start(["postgres", "schemas"])
            yield home
        finally:
            supervisor.stop()
            for name in set(os.environ) - before:
                if not name.startswith("WAREHOUSE_PORT_") and name != "WAREHOUSE_HOME":
                    del os.environ[name]
    settings.cache_clear()


def free_ports(count: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return found


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "include.cli.main", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def mart(home: Path) -> Iterator[None]:
    """A table that the publisher made."""
    with psycopg.connect(settings().publisher_dsn) as publisher:
        publisher.execute("create table marts.probe as select 1 as a")
    yield
    with psycopg.connect(settings().publisher_dsn) as publisher:
        publisher.execute("drop table marts.probe")


def test_the_preparations_make_the_database_agree_with_the_declaration(home: Path) -> None:
    outcome = run_cli("access", "drift", "--json")
    assert (outcome.returncode, json.loads(outcome.stdout)) == (0, []), outcome.stdout[:2000]


def test_bi_account_reads_what_is_granted_and_writes_nothing(home: Path, mart: None) -> None:
    with psycopg.connect(settings().bi_dsn, autocommit=True) as bi:
        assert bi.execute("select a from probe").fetchall() == [(1,)]
        for statement in ("insert into marts.probe values (2)", "create table t (a int)"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                bi.execute(statement)
            # Read-only is a default the session may change; the grants are what holds.
            bi.execute("set default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bi.execute(statement)
            bi.execute("set default_transaction_read_only = on")


@pytest.mark.parametrize("database", ["civil_affairs", "airflow", "postgres"])
def test_bi_account_sees_no_other_database(home: Path, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(embedded.dsn("bi_city", database))


def test_civil_affairs_reader_reads_what_its_owner_makes(home: Path) -> None:
    with psycopg.connect(embedded.civil_affairs_admin_dsn()) as admin:
        admin.execute("create table probe as select 1 as a")
    with psycopg.connect(settings().civil_affairs_dsn, autocommit=True) as reader:
        assert reader.execute("select a from probe").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("delete from probe")
    with psycopg.connect(embedded.civil_affairs_admin_dsn()) as admin:
        admin.execute("drop table probe")


def test_wrong_password_is_refused(home: Path) -> None:
    secret = credentials(home)["bi_city"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(settings().bi_dsn.replace(secret, "wrong"))


def test_server_is_utf8_in_code_point_order_and_writes_no_wal_for_new_tables(home: Path) -> None:
    with psycopg.connect(settings().dsn) as etl:
        row = etl.execute(
            "select getdatabaseencoding(), current_setting('wal_level'), '乡' < '村', 'a' > 'B'"
        ).fetchone()
    assert row == ("UTF8", "minimal", True, True)


def test_log_quotes_no_row_and_no_password(home: Path) -> None:
    with psycopg.connect(settings().dsn, autocommit=True) as etl:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            etl.execute("select 'value-of-a-row'::integer")
        with pytest.raises(psycopg.errors.UniqueViolation):
            etl.execute(
                "do $$ begin create temp table t (a text primary key);"
                " insert into t values ('value-of-a-row'), ('value-of-a-row'); end $$"
            )
    logs = "".join(path.read_text() for path in (home / "logs").glob("*.log"))
    assert logs
    assert "value-of-a-row" not in logs
    assert not [secret for secret in credentials(home).values() if secret in logs]


def test_starting_again_leaves_the_running_server_alone(home: Path) -> None:
    before = processes.running(home, "postgres")
    told: list[tuple[str, str]] = []
    supervisor.start(["postgres"], lambda service, state, _: told.append((service, state)))
    assert processes.running(home, "postgres") == before
    assert ("postgres", "running") in told
    assert ("databases", "done") in told


def test_killed_server_is_seen_and_mended_with_its_data(home: Path, mart: None) -> None:
    found = processes.running(home, "postgres")
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    state = {line.name: line.state for line in supervisor.status()}
    assert state["postgres"] in ("died", "starting")
    supervisor.start(["postgres"])
    with psycopg.connect(settings().bi_dsn) as bi:
        assert bi.execute("select a from marts.probe").fetchall() == [(1,)]


def test_first_process_killed_alone_is_mended_too(home: Path, mart: None) -> None:
    """The others would keep the next server from starting, as long as they have work."""
    killed = processes.running(home, "postgres")
    assert killed is not None
    busy = psycopg.connect(settings().dsn, autocommit=True)
    busy.pgconn.send_query(b"select count(*) from generate_series(1, 1e12)")
    os.kill(killed.pid, signal.SIGKILL)
    supervisor.start(["postgres"])
    busy.close()
    with psycopg.connect(settings().bi_dsn) as bi:
        assert bi.execute("select a from marts.probe").fetchall() == [(1,)]


def test_lock_file_with_another_process_s_number_is_no_server(home: Path, mart: None) -> None:
    """After a restart of the machine the number may be anybody's; here it is that account's."""
    killed = processes.running(home, "postgres")
    assert killed is not None
    server = postgres.account(home)
    other = subprocess.Popen([*server.prefix, "tail", "-f", "/dev/null"])
    try:
        family = [psutil.Process(killed.pid), *psutil.Process(killed.pid).children(recursive=True)]
        for process in family:
            process.kill()
        psutil.wait_procs(family)
        lock = postgres.data_directory(home) / "postmaster.pid"
        _, *rest = lock.read_text().splitlines(keepends=True)
        lock.write_text("".join([f"{other.pid}\n", *rest]))
        supervisor.start(["postgres"])
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
    with psycopg.connect(settings().bi_dsn) as bi:
        assert bi.execute("select a from marts.probe").fetchall() == [(1,)]


def test_status_as_json_names_each_service_and_no_secret(home: Path) -> None:
    outcome = run_cli("status", "--json")
    assert outcome.returncode == 3, outcome.stderr
    lines = {line["name"]: line for line in json.loads(outcome.stdout)}
    assert lines["postgres"]["state"] == "running"
    assert lines["airflow-scheduler"]["state"] == "stopped"
    assert not [secret for secret in credentials(home).values() if secret in outcome.stdout]


def test_psql_is_the_bi_account(home: Path) -> None:
    outcome = run_cli("psql", "-Atc", "select current_user")
    assert (outcome.stdout, outcome.returncode) == ("bi_city\n", 0), outcome.stderr


def test_service_that_ends_at_once_is_reported_with_its_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = socket.create_server(("127.0.0.1", 0))
    port = busy.getsockname()[1]
    # The port is free when it is looked at and taken when the service binds it.
    monkeypatch.setenv("WAREHOUSE_PORT_PAGES", str(port))
    monkeypatch.setattr(supervisor, "claim", lambda *_: ({}, []))
    with busy, pytest.raises(ServiceFailed) as caught:
        supervisor.start(["pages"])
    assert "pages ended with exit code 1" in caught.value.what
    assert "Address already in use" in caught.value.what
    assert str(home / "logs" / "pages.log") in caught.value.remedy


def test_unknown_service_is_one_sentence(home: Path) -> None:
    outcome = run_cli("up", "nothing")
    assert outcome.returncode == 2
    assert "There is no service 'nothing'" in outcome.stderr
    assert "Traceback" not in outcome.stderr
