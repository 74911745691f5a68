"""All of Airflow's configuration, as ``AIRFLOW__*`` variables; there is no airflow.cfg."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from include.services import embedded
from include.services.credentials import credentials, write_private
from include.services.ports import ports
from include.settings import PROJECT_ROOT, settings

ADMIN = "admin"
REPORTS_POOL = "accepted_reports"
"""Pool of one slot for the tasks that emit an asset. Where two sources report in the same instant,
Airflow opens the month twice, each waits for the other's report, and the month is never built
(apache/airflow#71070)."""
_PASSWORD_FILE = "simple_auth_manager_passwords.json.generated"


def airflow_home(home: Path) -> Path:
    """Airflow's own folder (``AIRFLOW_HOME``)."""
    return home / "airflow"


def password_file(home: Path) -> Path:
    """Where the password of the one user of Airflow's page is kept (JSON, owner-readable)."""
    return airflow_home(home) / _PASSWORD_FILE


def api_url() -> str:
    """Base address of Airflow's API server and page, without a slash at the end."""
    given = os.environ.get("WAREHOUSE_AIRFLOW_API_URL")
    return given or f"http://{embedded.host('airflow')}:{ports(embedded.home())['airflow']}"


def write_admin_password(home: Path) -> None:
    """Put the admin password where Airflow looks for it, lest it print one of its own."""
    secret = credentials(home)["airflow_admin"]
    write_private(password_file(home), json.dumps({ADMIN: secret}) + "\n")


def airflow_environment() -> dict[str, str]:
    """The variables each Airflow process and ``airflow`` command needs, to put over ``os.environ``.

    Includes the ``WAREHOUSE_*`` values, ``PYTHONPATH`` for the DAGs' imports and a ``PATH`` that
    finds the environment's own ``airflow`` and ``dbt``.
    """
    home = embedded.home()
    secret = credentials(home)
    dsn = settings().airflow_dsn or embedded.environment()["WAREHOUSE_AIRFLOW_DSN"]
    sqlalchemy_dsn = "postgresql+psycopg2" + dsn[dsn.index("://") :]
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
            "auth_manager": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "simple_auth_manager_users": f"{ADMIN}:admin",
            "simple_auth_manager_passwords_file": str(password_file(home)),
            "default_timezone": "utc",
            "test_connection": "Disabled",
        },
        "database": {
            "sql_alchemy_conn": sqlalchemy_dsn,
            "sql_alchemy_pool_size": "5",
            "sql_alchemy_max_overflow": "5",
        },
        "api": {
            "host": embedded.bind_address(),
            "port": str(ports(home)["airflow"]),
            # What a browser calls it; containers publish it on loopback too.
            "base_url": f"http://127.0.0.1:{ports(home)['airflow']}",
            "workers": "1",
            "secret_key": secret["airflow_api"],
            "expose_config": "False",
            "expose_stacktrace": "False",
        },
        "api_auth": {"jwt_secret": secret["airflow_jwt"], "jwt_issuer": "rural-warehouse"},
        "scheduler": {
            "scheduler_idle_sleep_time": "0.5",
            "scheduler_heartbeat_sec": "2",
            "enable_tracemalloc": "False",
        },
        "dag_processor": {
            "refresh_interval": "60",
            "min_file_process_interval": "120",  # parsing costs a core for seconds
            "parsing_processes": "1",
            "dag_file_processor_timeout": "180",
        },
        "logging": {
            "base_log_folder": str(home / "logs" / "airflow"),
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
