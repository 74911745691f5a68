"""``psql``: SQL as the read-only BI account."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer

_EXTRA = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


def register(app: typer.Typer) -> None:
    app.command(context_settings=_EXTRA)(psql)


def psql(
    context: typer.Context,
    as_etl: Annotated[
        bool,
        typer.Option("--etl", help="As the account that owns the warehouse: engineers alone."),
    ] = False,
) -> None:
    """Open psql on the warehouse as the read-only BI account, over TCP; ARGS go to psql.

    For example: ./warehouse psql -c 'table marts.county_scorecard'. The register (schema ops) and
    replays are read with --etl.
    """
    from include.errors import ConfigurationMissing, ServiceFailed
    from include.services import postgres
    from include.services.embedded import client_environment
    from include.settings import settings

    name, dsn = (
        ("WAREHOUSE_DSN", settings().dsn) if as_etl else ("WAREHOUSE_BI_DSN", settings().bi_dsn)
    )
    if not dsn:
        raise ConfigurationMissing(f"{name} is not set.", remedy="set it to a libpq URL.")
    program = postgres.client("psql", dsn)
    server = client_environment(dsn)
    address = (server.get("PGHOST", "127.0.0.1"), int(server.get("PGPORT", "5432")))
    try:
        socket.create_connection(address, timeout=10).close()
    except OSError as error:
        raise ServiceFailed(
            f"No PostgreSQL answers at {address[0]}:{address[1]} ({error.strerror}).",
            remedy=f"./warehouse up postgres, or check {name}.",
        ) from None
    os.execvpe(program, ["psql", *context.args], {**os.environ, **server})
