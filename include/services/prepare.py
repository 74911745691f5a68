"""What comes between PostgreSQL's start and Airflow's: ``python -m include.services.prepare NAME``.

Each is idempotent and runs as a process of its own, so that they go side by side and write their
own log.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import psycopg

from include.errors import ServiceFailed, WarehouseError
from include.services import airflow_roles, embedded
from include.services.airflow_environment import (
    REPORTS_POOL,
    ROLES,
    airflow_environment,
    airflow_home,
    passwords,
)
from include.services.bootstrap import bootstrap, close_large_objects, let_reader_read
from include.services.credentials import credentials, write_private
from include.settings import settings


def secrets() -> None:
    """Make secrets.json, and the superuser's password as a file for the postgres image."""
    home = embedded.home()
    write_private(home / "postgres_password", credentials(home)["postgres"])


def databases() -> None:
    """Accounts and databases, as the embedded server's superuser."""
    with psycopg.connect(embedded.dsn("postgres", "postgres"), autocommit=True) as connection:
        bootstrap(connection, credentials(embedded.home()))
    with psycopg.connect(embedded.dsn("postgres", "warehouse")) as connection:
        close_large_objects(connection)
    with psycopg.connect(embedded.dsn("postgres", "civil_affairs")) as connection:
        let_reader_read(connection)


def schemas() -> None:
    """Migrations, raw tables and access rights of the warehouse."""
    from include.access.enforce import enforce
    from include.database import migrate
    from include.defects import record_missing
    from include.load import ensure_raw_tables

    for name in migrate():
        print(f"applied {name}")
    ensure_raw_tables()
    for line in enforce():
        print(line)
    record_missing()


def airflow_metadata() -> None:
    """Airflow's tables and the pool, unless this version's are there already; roles, accounts."""
    _migrate_airflow()
    with psycopg.connect(settings().airflow_dsn) as connection:
        for change in airflow_roles.enforce(connection, passwords(embedded.home())):
            print(change)
        for name in airflow_roles.too_mighty(connection):
            print(f"account {name} may start and approve: give it one of {', '.join(ROLES)}")


def _migrate_airflow() -> None:
    stamp = airflow_home(embedded.home()) / "metadata_version.json"
    wanted = " ".join(map(version, ("apache-airflow", "apache-airflow-providers-fab")))
    if stamp.exists() and json.loads(stamp.read_text()) == _metadata_state(wanted, REPORTS_POOL):
        print(f"Airflow's tables are at {wanted} already")
        return
    for command in (
        ("db", "migrate"),
        ("pools", "set", REPORTS_POOL, "1", "One source at a time reports that its month is here"),
    ):
        argv = [sys.executable, "-m", "airflow", *command]
        outcome = subprocess.run(argv, env={**os.environ, **airflow_environment()}, check=False)
        if outcome.returncode != 0:
            raise ServiceFailed(
                f"airflow {' '.join(command[:2])} ended with exit code {outcome.returncode}.",
                remedy="read the lines above in this log.",
            )
    write_private(stamp, json.dumps(_metadata_state(wanted, REPORTS_POOL)) + "\n")


PREPARATIONS = {
    "secrets": secrets,
    "databases": databases,
    "schemas": schemas,
    "airflow-metadata": airflow_metadata,
}


def _metadata_state(wanted: str, pool: str) -> dict[str, str | None]:
    tables = ("alembic_version", "alembic_version_fab")
    return {wanted: " ".join(map(str, map(_revision, tables))), "pool": pool}


def _revision(table: str) -> str | None:
    with psycopg.connect(settings().airflow_dsn) as connection:
        if connection.execute("select to_regclass(%s)", [f"public.{table}"]).fetchone() == (None,):
            return None
        row = connection.execute(f"select version_num from public.{table}".encode()).fetchone()
    return None if row is None else str(row[0])


if __name__ == "__main__":
    embedded.apply()
    try:
        PREPARATIONS[sys.argv[1]]()
    except WarehouseError as refusal:
        sys.exit(str(refusal))
