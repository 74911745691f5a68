"""The one list of services and preparations: what each runs, needs, and when it is well."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from include.services import embedded, postgres
from include.services.airflow_environment import (
    airflow_environment,
    airflow_services_environment,
    api_trust,
    api_url,
    certificate,
    pages_url,
    write_passwords,
)
from include.services.credentials import credentials
from include.services.health import (
    Check,
    answers_http,
    beats_in_airflow,
    connects_to_postgres,
    greets,
)
from include.services.ports import ports
from include.settings import PROJECT_ROOT

_PYTHON_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Service:
    """A process of the platform.

    With ``once`` it is a preparation that ends with exit code 0; else it stays, and ``check`` says
    whether it is well. ``command`` may make files first (a data directory, a password file).
    """

    name: str
    what: str
    command: Callable[[], list[str]]
    environment: Callable[[], Mapping[str, str]]
    depends_on: tuple[str, ...] = ()
    check: Check | None = None
    once: bool = False
    port: str | None = None
    """Its key in ``ports.json``."""
    protected: bool = False
    """Whether what it listens for is TLS or SSH."""
    address: str = ""
    deadline: float = 120.0
    """Seconds it may take to become well, or to end."""
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    """Seconds between the stop signal and SIGKILL."""
    leader_only: bool = False
    """Whether only the first process gets the stop signal (PostgreSQL stops its children)."""
    brings: tuple[str, ...] = field(default=())
    """What must run beside it, in any order."""


def _preparation(name: str, what: str, *after: str) -> Service:
    return Service(
        name,
        what,
        lambda: [sys.executable, "-m", "include.services.prepare", name],
        airflow_environment,
        depends_on=after,
        once=True,
        deadline=300,
    )


SECRETS = _preparation("secrets", "secrets.json, before a PostgreSQL that is not ours starts")
"""Only for containers: the embedded server's secrets are made as they are needed."""


def catalogue() -> dict[str, Service]:
    """Name -> service, in an order in which each comes after what it depends on."""
    home, port = embedded.home(), ports(embedded.home())
    listen = embedded.bind_address()
    api, pages, trust, tls = api_url(), pages_url(), api_trust(), certificate()
    superuser = embedded.dsn("postgres", "postgres")

    def module(*arguments: str) -> Callable[[], list[str]]:
        return lambda: [sys.executable, "-m", *arguments]

    def airflow(name: str, job: str, what: str, *arguments: str, after: tuple[str, ...]) -> Service:
        return Service(
            f"airflow-{name}",
            what,
            module("airflow", name, *arguments),
            airflow_services_environment,
            depends_on=after,
            check=beats_in_airflow(api, job, trust),
            deadline=240,
            brings=("airflow-api-server",),  # which tells how the others are
        )

    def api_server() -> list[str]:
        write_passwords(home)
        return [sys.executable, "-m", "airflow", "api-server"]

    def sftp() -> list[str]:
        drop = home / "sources" / "county"
        drop.mkdir(parents=True, exist_ok=True)
        host = [] if listen == "127.0.0.1" else ["--host", listen]
        return [
            *(sys.executable, "-m", "include.simulator.sftp_server"),
            *("--port", str(port["sftp"]), "--root", str(drop), *host),
            *("--known-as", f"[{embedded.host('sftp')}]:{port['sftp']}"),
        ]

    listed = [
        Service(
            "postgres",
            "PostgreSQL: warehouse, civil affairs, Airflow's metadata",
            lambda: postgres.prepare_data_directory(
                home, port["postgres"], listen, credentials(home)["postgres"]
            ),
            lambda: {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C"},
            check=connects_to_postgres(superuser),
            port="postgres",
            address=f"127.0.0.1:{port['postgres']}",
            deadline=900,  # after a kill it first reads what it had logged
            stop_signal=signal.SIGINT,  # fast; SIGTERM would wait for every client
            grace=300,  # it writes down what it has in memory, and a kill would empty the candidate
            leader_only=True,
            brings=("databases",),
        ),
        _preparation("databases", "databases, accounts and passwords", "postgres"),
        _preparation("schemas", "the warehouse's fixed schemas and raw tables", "databases"),
        _preparation("airflow-metadata", "Airflow's own tables", "databases"),
        Service(
            "health-api",
            "simulated health-insurance API",
            module(
                *("uvicorn", "--factory", "include.simulator.health_api:create_app"),
                *("--host", listen, "--port", str(port["health_api"]), "--no-access-log"),
            ),
            lambda: _simulated("WAREHOUSE_HEALTH_CLIENT_ID", "WAREHOUSE_HEALTH_CLIENT_SECRET"),
            check=answers_http(f"http://127.0.0.1:{port['health_api']}/"),
            port="health_api",
            address=f"http://127.0.0.1:{port['health_api']}",
        ),
        Service(
            "sftp",
            "simulated SFTP drop folder of one county",
            sftp,
            lambda: _simulated("WAREHOUSE_SFTP_PASSWORD"),
            check=greets("127.0.0.1", port["sftp"], b"SSH-2.0"),
            port="sftp",
            address=f"sftp://127.0.0.1:{port['sftp']}",
            protected=True,
        ),
        Service(
            "pages",
            "Data Docs and dbt docs",
            module(
                *("include.services.pages", "--host", listen, "--port", str(port["pages"])),
                *(("--certificate", tls[0], "--key", tls[1]) if tls else ()),
            ),
            lambda: _simulated(),
            check=answers_http(f"{pages}/", trust),
            port="pages",
            address=pages,
            protected=tls is not None,
        ),
        Service(
            "airflow-api-server",
            "Airflow's API and page",
            api_server,
            airflow_services_environment,
            depends_on=("airflow-metadata",),
            check=answers_http(f"{api}/api/v2/monitor/health", trust),
            port="airflow",
            address=api,
            protected=tls is not None,
            deadline=240,
        ),
        airflow(
            *("scheduler", "scheduler", "starts DAG runs and their tasks", "--skip-serve-logs"),
            after=("airflow-metadata", "schemas"),
        ),
        airflow(
            *("dag-processor", "dag_processor", "reads dags/"),
            after=("airflow-metadata", "schemas"),
        ),
        airflow(
            *("triggerer", "triggerer", "waits on behalf of tasks", "--skip-serve-logs"),
            after=("airflow-metadata",),
        ),
    ]
    return {service.name: service for service in listed}


def chosen(names: list[str] | None = None) -> dict[str, Service]:
    """The services to start for ``names`` (all where None), with all they need, in order.

    What the user has a real server for is left out, and so are its preparations that need its
    superuser. Raises KeyError for an unknown name.
    """
    services = catalogue()
    external = embedded.external_services()
    left_out = external | ({"databases"} if "postgres" in external else set())
    wanted: set[str] = set()

    def take(name: str) -> None:
        if name in wanted or name in left_out:
            return
        service = services[name]
        wanted.add(name)
        for other in (*service.depends_on, *service.brings):
            take(other)

    for name in services if names is None else names:
        take(name)
    return {name: service for name, service in services.items() if name in wanted}


def log_file(home: Path, name: str) -> Path:
    """Where a service's output goes."""
    return home / "logs" / f"{name}.log"


def _simulated(*names: str) -> dict[str, str]:
    """Environment of what plays another organisation's system: none of our addresses or keys."""
    given = {**embedded.environment(), **os.environ}
    kept = ("WAREHOUSE_HOME", "WAREHOUSE_PROFILE", "WAREHOUSE_SEED", *names)
    environment = {name: given[name] for name in (*_PYTHON_VARIABLES, *kept) if name in given}
    return environment | {"PYTHONPATH": str(PROJECT_ROOT), "PYTHONUNBUFFERED": "1"}
