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
    role: Annotated[
        str,
        typer.Option("--as", help="As the account of a duty, such as operator or auditor."),
    ] = "bi_city",
) -> None:
    """Open psql on the warehouse as the read-only BI account, over TCP; ARGS go to psql.

    For example: ./warehouse psql -c 'table marts.county_scorecard'. The register (schema ops) is
    read with --as operator, replays and the working schemas with --as transformer; --as owner is
    the account that owns all of it.
    """
    from include.database import OWNER, dsn_of
    from include.errors import ConfigurationMissing, ServiceFailed
    from include.services import postgres
    from include.services.embedded import client_environment
    from include.settings import DUTIES

    if role not in (*DUTIES, OWNER):
        raise ConfigurationMissing(
            f"no account is kept for {role}.",
            remedy=f"name one of {', '.join(DUTIES)}; people log in with their own accounts.",
        )
    name, dsn = f"WAREHOUSE_{DUTIES.get(role, 'dsn').upper()}", dsn_of(role)
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
