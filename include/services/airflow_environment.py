"""All of Airflow's configuration, as ``AIRFLOW__*`` variables; there is no airflow.cfg."""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

from include.access.declaration import declaration
from include.errors import ConfigurationMissing
from include.services import embedded
from include.services.credentials import credentials, write_private
from include.services.ports import ports
from include.settings import DUTIES, PROJECT_ROOT, settings
from include.transport import trusting

ROLES = ("operator", "approver", "auditor", "admin")
"""Airflow's roles (include/access/airflow.yml), each with an account of its name."""
OPERATOR, APPROVER = ROLES[:2]
"""The accounts with which our commands ask Airflow."""
REPORTS_POOL = "accepted_reports"
"""Pool of one slot for the tasks that emit an asset. Where two sources report in the same instant,
Airflow opens the month twice, each waits for the other's report, and the month is never built
(apache/airflow#71070)."""
_ACCOUNTS_FILE = "passwords.json"


def airflow_home(home: Path) -> Path:
    """Airflow's own folder (``AIRFLOW_HOME``)."""
    return home / "airflow"


def password_file(home: Path) -> Path:
    """Where the passwords of Airflow's accounts are kept (JSON by account, owner-readable)."""
    return airflow_home(home) / _ACCOUNTS_FILE


def api_url() -> str:
    """Base address of Airflow's API server and page, without a slash at the end."""
    given = settings().airflow_api_url.rstrip("/")
    return given or f"{_scheme()}://{embedded.host('airflow')}:{ports(embedded.home())['airflow']}"


def pages_url() -> str:
    """Base address of Data Docs and dbt docs, under the name that the certificate is for."""
    host = urlsplit(settings().airflow_api_url).hostname if settings().tls_certificate else None
    return f"{_scheme()}://{host or '127.0.0.1'}:{ports(embedded.home())['pages']}"


def api_trust() -> ssl.SSLContext | bool:
    """What those who ask Airflow trust: the authority of its certificate."""
    return trusting(settings().tls_authority, "WAREHOUSE_TLS_AUTHORITY")


def certificate() -> tuple[str, str] | None:
    """(certificate, key) files of what this machine serves; None where that is plain HTTP."""
    chosen = settings()
    if not chosen.tls_certificate:
        return None
    for name, path in (("CERTIFICATE", chosen.tls_certificate), ("KEY", chosen.tls_key)):
        if not Path(path).is_file():
            raise ConfigurationMissing(
                f"WAREHOUSE_TLS_{name} is {path or 'not set'}, which is no file.",
                remedy="name the certificate's and the key's files (PEM); it takes both.",
            )
    return str(Path(chosen.tls_certificate).absolute()), str(Path(chosen.tls_key).absolute())


def _scheme() -> str:
    return "https" if settings().tls_certificate else "http"


def passwords(home: Path) -> dict[str, str]:
    """The passwords of Airflow's accounts, by account."""
    secret = credentials(home)
    return {role: secret[f"airflow_{role}"] for role in ROLES}


def write_passwords(home: Path) -> None:
    """Put the passwords where people and our commands find them."""
    write_private(password_file(home), json.dumps(passwords(home), indent=1) + "\n")


def airflow_environment() -> dict[str, str]:
    """The variables each Airflow process and ``airflow`` command needs, to put over ``os.environ``.

    Includes the ``WAREHOUSE_*`` values, ``PYTHONPATH`` for the DAGs' imports and a ``PATH`` that
    finds the environment's own ``airflow`` and ``dbt``.
    """
    home = embedded.home()
    secret = credentials(home)
    dsn = settings().airflow_dsn or embedded.environment()["WAREHOUSE_AIRFLOW_DSN"]
    address = dsn[dsn.index("://") :]
    executables = str(Path(sys.executable).parent)
    values = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": "4",  # two cores; a task is a process of about 300 MB
            "max_active_tasks_per_dag": "4",
            "dags_folder": str(PROJECT_ROOT / "dags"),
            "plugins_folder": str(airflow_home(home) / "plugins"),
            "load_examples": "False",
            # Nothing starts by itself until someone switches a DAG on (./warehouse demo does).
            "dags_are_paused_at_creation": "True",
            "fernet_key": secret["airflow_fernet"],
            "execution_api_server_url": f"{api_url()}/execution/",
            "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "default_timezone": "utc",
            "test_connection": "Disabled",
        },
        "database": {
            "sql_alchemy_conn": f"postgresql+psycopg2{address}",
            # Not asyncpg, which does not know libpq's words: sslmode, sslrootcert.
            "sql_alchemy_conn_async": f"postgresql+psycopg{address}",
            "sql_alchemy_pool_size": "5",
            "sql_alchemy_max_overflow": "5",
        },
        "api": {
            "host": embedded.bind_address(),
            "port": str(ports(home)["airflow"]),
            # What a browser calls it; containers publish it on loopback too.
            "base_url": settings().airflow_api_url
            or f"{_scheme()}://127.0.0.1:{ports(home)['airflow']}",
            **_tls(),
            "workers": "1",
            "secret_key": secret["airflow_api"],
            "expose_config": "False",
            "expose_stacktrace": "False",
        },
        "api_auth": {"jwt_secret": secret["airflow_jwt"], "jwt_issuer": "rural-warehouse"},
        "fab": {
            # Roles are ours (include/access/airflow.yml); its own are not made at each start.
            "update_fab_perms": "False",
            "cookie_secure": str(settings().tls_certificate != ""),
            "session_lifetime_minutes": "60",
            "session_max_lifetime_minutes": "720",
        },
        "scheduler": {
            "scheduler_idle_sleep_time": "0.5",
            "scheduler_heartbeat_sec": "2",
            "enable_tracemalloc": "False",
            # Tasks of a killed scheduler are taken up again after this many seconds (default 300).
            "orphaned_tasks_check_interval": "60",
        },
        "dag_processor": {
            "refresh_interval": "60",
            "min_file_process_interval": "120",  # parsing costs a core for seconds
            "parsing_processes": "1",
            "dag_file_processor_timeout": "180",
        },
        "logging": {
            "base_log_folder": str(home / "logs" / "airflow"),
            # Whatever the umask: a log is for its owner.
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
            "dag_processor_child_process_log_directory": str(home / "logs" / "dag-processor"),
            "colored_console_log": "False",
            "logging_level": "INFO",
        },
    }
    return {
        **embedded.environment(),
        **{key: value for key, value in os.environ.items() if key.startswith("WAREHOUSE_")},
        **{
            f"AIRFLOW__{section.upper()}__{option.upper()}": value
            for section, options in values.items()
            for option, value in options.items()
        },
        "AIRFLOW_HOME": str(airflow_home(home)),
        "PYTHONPATH": str(PROJECT_ROOT),
        "PATH": os.pathsep.join([executables, os.environ.get("PATH", os.defpath)]),
        # No tool that runs below Airflow reports to its makers.
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        "GX_ANALYTICS_ENABLED": "False",
        # Line by line into the log files.
        "PYTHONUNBUFFERED": "1",
    }


def airflow_services_environment() -> dict[str, str]:
    """``airflow_environment`` without the accounts that no task works as: the owner's, people's.

    Where a task's duty has no account of its own it works through the owner's, which then stays.
    """
    own = settings().duty_dsns
    tasks = {name for name, role in declaration().roles.items() if role.duty in ("run", "system")}
    left_out = {f"WAREHOUSE_{DUTIES[duty].upper()}" for duty in own if duty not in tasks}
    if all(own[duty] for duty in tasks):
        left_out.add("WAREHOUSE_DSN")
    return {name: value for name, value in airflow_environment().items() if name not in left_out}


def _tls() -> dict[str, str]:
    """Airflow's words for the certificate it shows, and for the authority its workers trust."""
    shown, authority = certificate(), settings().tls_authority
    return {
        **({"ssl_cert": shown[0], "ssl_key": shown[1]} if shown else {}),
        **({"ssl_ca_file": str(Path(authority).absolute())} if authority else {}),
    }
