"""TLS to everything we are a client of: who is believed, and who is not, with an authority of ours.

Each refusal has its control: the same call with the right authority and name goes through.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
import sqlalchemy
import uvicorn
from aiosmtpd.controller import Controller
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import create_async_engine

from expectations.checkpoint import _sqlalchemy_url
from include.airflow_api import Airflow
from include.build import dbt_environment
from include.couriers import deliver
from include.errors import ServiceFailed, SourceUnavailable, WarehouseError
from include.services import airflow_environment, embedded
from include.services.health import answers_http
from include.settings import PROJECT_ROOT, settings
from include.simulator.health_api import Behaviour, create_app
from include.simulator.health_store import new_store
from include.sources import health_insurance
from include.sources.civil_affairs import extract
from include.transport import trusting
from tests.authority import Authority, postgres_behind_tls
from tests.receivers import Hook, Post, free_port
from tests.unit.landed import query
from tests.unit.test_civil_affairs_source import KIND, civil_affairs
from tests.unit.test_health_insurance_source import QUICK

__all__ = ["civil_affairs"]

UNKNOWN, OTHER_NAME, NO_TLS = "no authority", "another host name", "speak TLS"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


def behind(dsn: str, port: int, host: str, authority: Path) -> str:
    """The same account of the same database through the door at ``port``."""
    parts = urlsplit(dsn)
    account = parts.netloc.rpartition("@")[0]
    return urlunsplit(
        parts._replace(
            netloc=f"{account}@{host}:{port}",
            query=f"sslmode=verify-full&sslrootcert={authority}",
        )
    )


def use(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"WAREHOUSE_{name.upper()}", str(value))
    settings.cache_clear()


@pytest.fixture(scope="module")
def door(server_dsn: str, authority: Authority) -> Iterator[int]:
    """The tests' server through a door that takes TLS alone, under the name localhost."""
    with postgres_behind_tls(
        urlsplit(server_dsn).port or 5432, authority.context("localhost")
    ) as p:
        yield p


# -- PostgreSQL -----------------------------------------------------------------------------------


def test_civil_affairs_is_believed_by_its_authority_and_name(
    civil_affairs: str,
    door: int,
    authority: Authority,
    stranger: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = settings().civil_affairs_dsn
    use(monkeypatch, require_tls=1)
    for dsn, why in (
        (behind(plain, door, "localhost", stranger.file), UNKNOWN),
        (behind(plain, door, "127.0.0.1", authority.file), OTHER_NAME),
        (behind(plain, urlsplit(plain).port or 0, "localhost", authority.file), NO_TLS),
        (behind(plain, door, "localhost", authority.file.with_name("absent")), "sslrootcert"),
    ):
        use(monkeypatch, civil_affairs_dsn=dsn)
        with pytest.raises(SourceUnavailable, match=why) as refusal:
            extract("2026-01", KIND)
        assert "test_reader" not in str(refusal.value)
    use(monkeypatch, civil_affairs_dsn=behind(plain, door, "localhost", authority.file))
    assert extract("2026-01", KIND).path.read_bytes().startswith(b"cert_no")


def test_the_door_takes_no_plain_session(server_dsn: str, door: int) -> None:
    """Else what goes through it would prove nothing."""
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server_dsn, port=door, sslmode="disable", connect_timeout=10).close()


@pytest.fixture
def protected(
    warehouse: str, door: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The warehouse as the settings know it: through the door."""
    dsn = behind(warehouse, door, "localhost", authority.file)
    use(monkeypatch, dsn=dsn, airflow_dsn=dsn)
    return dsn


def test_airflow_s_and_great_expectations_engines_keep_tls(protected: str) -> None:
    airflow = airflow_environment.airflow_environment()
    for url in (airflow["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], _sqlalchemy_url()):
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("select 1")) == 1


def test_airflow_s_asynchronous_engine_keeps_tls(protected: str) -> None:
    import asyncio

    url = airflow_environment.airflow_environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"]

    async def ask() -> int:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            found = await connection.scalar(sqlalchemy.text("select 1"))
        await engine.dispose()
        return int(found or 0)

    assert asyncio.run(ask()) == 1


def test_dbt_keeps_tls(protected: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "debug", "--connection"],
        env=os.environ | dbt_environment() | {"DBT_TARGET_PATH": str(tmp_path / "target")},
        cwd=PROJECT_ROOT / "dbt_project",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "All checks passed" in done.stdout, done.stdout[-2000:]


def test_client_programs_are_told_of_tls(protected: str, authority: Authority) -> None:
    told = embedded.client_environment(protected)
    assert (told["PGSSLMODE"], told["PGSSLROOTCERT"]) == ("verify-full", str(authority.file))
    program = shutil.which("psql")
    if program is None:  # the wheel's own speaks no TLS; test_transport has its refusal
        return
    done = subprocess.run(
        [program, "--no-psqlrc", "-Atc", "select 1"],
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert str(conninfo_to_dict(protected)["password"]) not in " ".join(done.args)


# -- the health-insurance API ---------------------------------------------------------------------


@contextmanager
def health_api(home: Path, authority: Authority, host: str) -> Iterator[int]:
    """The simulated API, run by uvicorn over HTTPS; its port."""
    with new_store(home) as store:
        store.add("yb_settle", "2026-01", [{"setl_id": "S1"}])
    certificate, key = authority.issue(host)
    port = free_port()
    app = create_app(Behaviour(home, "rural-revitalization", "word", fault_rate=0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, "127.0.0.1", port, log_level="error", ssl_certfile=certificate, ssl_keyfile=key
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.02)
        yield port
    finally:
        server.should_exit = True
        thread.join(30)


def test_the_health_api_is_believed_by_its_authority_and_name(
    home: Path, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, health_client_secret="word", require_tls=1)
    with health_api(home, authority, "127.0.0.1") as port:
        for host, trusted, why in (
            ("127.0.0.1", stranger.file, UNKNOWN),
            ("127.0.0.1", "", UNKNOWN),  # the public ones
            ("localhost", authority.file, OTHER_NAME),
        ):
            url = f"https://{host}:{port}"
            use(monkeypatch, health_api_url=url, health_api_authority=trusted)
            with pytest.raises(SourceUnavailable, match=why) as refusal:
                health_insurance.extract("2026-01", "yb_settle", QUICK)
            assert "nothing was sent" in refusal.value.remedy
        url = f"https://127.0.0.1:{port}"
        use(monkeypatch, health_api_url=url, health_api_authority=authority.file)
        landed = health_insurance.extract("2026-01", "yb_settle", QUICK)
    assert landed.path.read_bytes() == b'{"data":[{"setl_id": "S1"}],"next_cursor":null}\n'


def test_a_health_api_that_speaks_no_tls(
    home: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = Hook()
    address = hook.url.replace("http://", "https://").removesuffix("/hook")
    use(monkeypatch, health_api_url=address, health_api_authority=authority.file)
    with pytest.raises(SourceUnavailable, match=NO_TLS):
        health_insurance.extract("2026-01", "yb_settle", QUICK)
    hook.close()


# -- notices --------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def notice(dsn: str) -> None:
    query(
        dsn,
        "insert into ops.notice (kind, subject, state, what, remedy, noticed_at)"
        " values ('late', 'x', 'late', 'x', 'y', %s) returning 1",
        [NOW],
    )


def test_a_webhook_is_believed_by_its_authority(
    warehouse: str, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = Hook(authority.context("127.0.0.1"))
    notice(warehouse)
    use(monkeypatch, alert_webhook=hook.url, alert_authority=stranger.file, require_tls=1)
    deliver(NOW)
    assert hook.told() == []
    use(monkeypatch, alert_authority=authority.file)
    deliver(NOW)
    assert hook.told() == [("late", "x")]
    hook.close()


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_a_mail_server_is_believed_by_its_authority(
    warehouse: str,
    authority: Authority,
    stranger: Authority,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    security: str,
) -> None:
    post, context = Post(), authority.context("127.0.0.1")
    options: dict[str, Any] = (
        {"ssl_context": context}
        if security == "ssl"
        else {"tls_context": context, "require_starttls": True}
    )
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    notice(warehouse)
    use(
        monkeypatch,
        alert_email="duty@example.org",
        alert_smtp_port=controller.port,
        alert_smtp_security=security,
        alert_authority=stranger.file,
    )
    deliver(NOW)
    assert post.got == []
    assert UNKNOWN in caplog.text
    use(monkeypatch, alert_authority=authority.file)
    deliver(NOW)
    assert len(post.got) == 1
    controller.stop()


# -- Airflow's API and the pages ------------------------------------------------------------------


@pytest.fixture
def api_server(
    home: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], httpx.Response]]:
    """What answers as Airflow's API does, by uvicorn with the settings' own certificate."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/auth/token")
    def token() -> dict[str, str]:
        return {"access_token": "word"}

    @app.get("/api/v2/dags")
    def dags() -> dict[str, list[dict[str, str]]]:
        return {"dags": [{"dag_id": "monthly_build"}]}

    certificate, key = authority.issue("127.0.0.1")
    use(monkeypatch, tls_certificate=certificate, tls_key=key, tls_authority=authority.file)
    monkeypatch.setenv("WAREHOUSE_PORT_AIRFLOW", str(free_port()))
    airflow = airflow_environment.airflow_environment()
    config = uvicorn.Config(
        app,
        airflow["AIRFLOW__API__HOST"],
        int(airflow["AIRFLOW__API__PORT"]),
        log_level="error",
        ssl_certfile=airflow["AIRFLOW__API__SSL_CERT"],
        ssl_keyfile=airflow["AIRFLOW__API__SSL_KEY"],
    )
    airflow_environment.write_passwords(home)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    yield lambda: httpx.get(f"{airflow_environment.api_url()}/api/v2/dags")
    server.should_exit = True
    thread.join(30)


def test_airflow_s_clients_believe_its_authority_alone(
    api_server: Callable[[], httpx.Response],
    home: Path,
    authority: Authority,
    stranger: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert airflow_environment.api_url().startswith("https://127.0.0.1:")
    with Airflow() as airflow:
        assert airflow.dags() == {"monthly_build"}
    url = f"{airflow_environment.api_url()}/api/v2/dags"
    assert answers_http(url, airflow_environment.api_trust())(0)
    assert not answers_http(url, trusting(str(stranger.file), "X"))(0)
    with pytest.raises(httpx.ConnectError):
        api_server()
    use(monkeypatch, tls_authority=stranger.file)
    with pytest.raises(ServiceFailed, match="is not believed: its certificate is of no authority"):
        Airflow()


def test_airflow_s_workers_believe_its_authority_alone(
    api_server: Callable[[], httpx.Response], home: Path, stranger: Authority
) -> None:
    """Airflow's own client of the execution API, with the environment that we give it."""
    asks = (
        "import sys, httpx\n"
        "from airflow.sdk.api import client\n"
        "url, stranger = sys.argv[1].replace('/execution/', '/api/v2/dags'), sys.argv[2]\n"
        "for authority in (client.API_SSL_CA_FILE_PATH, stranger):\n"
        "    trust = client.Client._get_ssl_context_cached(authority, client.API_SSL_CERT_PATH)\n"
        "    try:\n"
        "        print(httpx.get(url, verify=trust).status_code)\n"
        "    except httpx.ConnectError as error:\n"
        "        print('CERTIFICATE_VERIFY_FAILED' in str(error))\n"
    )
    given = airflow_environment.airflow_environment()
    url = given["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    done = subprocess.run(
        [sys.executable, "-c", asks, url, str(stranger.file)],
        env=os.environ | given, cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    printed = [line for line in done.stdout.splitlines() if line in ("200", "True")]
    assert printed == ["200", "True"], done.stderr[-2000:]


def test_the_pages_are_served_over_tls(
    home: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.services.catalogue import catalogue

    certificate, key = authority.issue("127.0.0.1")
    use(monkeypatch, tls_certificate=certificate, tls_key=key, tls_authority=authority.file)
    monkeypatch.setenv("WAREHOUSE_PORT_PAGES", str(free_port()))
    service = catalogue()["pages"]
    assert service.check is not None
    with subprocess.Popen(service.command(), env=service.environment()) as process:
        try:
            while not service.check(0):
                assert process.poll() is None
            with pytest.raises(httpx.ConnectError):  # the public authorities
                httpx.get(service.address)
        finally:
            process.terminate()


def test_an_authority_that_is_no_file_stops_what_would_use_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, health_api_url="https://127.0.0.1:1", health_api_authority=home / "absent")
    with pytest.raises(WarehouseError, match="WAREHOUSE_HEALTH_API_AUTHORITY"):
        health_insurance.extract("2026-01", "yb_settle", QUICK)
