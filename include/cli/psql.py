"""``psql``: SQL as the read-only BI account."""

from __future__ import annotations

import os
import shutil
import socket

import typer

_EXTRA = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


def register(app: typer.Typer) -> None:
    app.command(context_settings=_EXTRA)(psql)


def psql(context: typer.Context) -> None:
    """Open psql on the warehouse as the read-only BI account, over TCP; ARGS go to psql.

    For example: ./warehouse psql -c 'table marts.county_scorecard'
    """
    from include.errors import ConfigurationMissing, ServiceFailed
    from include.services.embedded import client_environment
    from include.services.postgres import bundled_bin
    from include.settings import settings

    if not settings().bi_dsn:
        raise ConfigurationMissing("WAREHOUSE_BI_DSN is not set.", remedy="set it to a libpq URL.")
    bundled = bundled_bin() / "psql"
    program = str(bundled) if bundled.exists() else shutil.which("psql")
    if program is None:
        raise ConfigurationMissing(
            "No psql is installed.",
            remedy="install requirements.txt, or the postgresql-client package.",
        )
    server = client_environment(settings().bi_dsn)
    address = (server.get("PGHOST", "127.0.0.1"), int(server.get("PGPORT", "5432")))
    try:
        socket.create_connection(address, timeout=10).close()
    except OSError as error:
        raise ServiceFailed(
            f"No PostgreSQL answers at {address[0]}:{address[1]} ({error.strerror}).",
            remedy="./warehouse up postgres, or check WAREHOUSE_BI_DSN.",
        ) from None
    os.execvpe(program, ["psql", *context.args], {**os.environ, **server})
