"""Connections to the warehouse, each as the account of a duty, and the migrations that make its
fixed schemas.

What each account may do is said in ``include/access/roles.yml``. Code says at its entry for which
duty it works (``acting_as``), and everything below it connects as that account. Without a word it
is the operator, who reads the register and no row of a person.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from include.errors import ConfigurationMissing
from include.settings import settings

MIGRATIONS = Path(__file__).parent / "migrations"
OWNER = "owner"
"""The duty of the account that owns the database: migrations, ``access apply``, backups."""
_MIGRATION_LOCK = 431000
_duty: ContextVar[str] = ContextVar("_duty", default="operator")
_F = TypeVar("_F", bound=Callable[..., Any])


class acting_as(ContextDecorator):  # noqa: N801 - read as a verb, like contextlib's own
    """Connect for ``duty`` meanwhile: a role of roles.yml, or OWNER. Also a decorator.

    Of a generator it would only be the call that makes it, not its work: TypeError.
    """

    def __init__(self, duty: str) -> None:
        self.duty = duty

    def __enter__(self) -> None:
        self._before = _duty.set(self.duty)

    def __exit__(self, *_: object) -> None:
        _duty.reset(self._before)

    def __call__(self, function: _F) -> _F:
        if inspect.isgeneratorfunction(inspect.unwrap(function)):
            raise TypeError(f"{function.__qualname__} is a generator: state the duty within it")
        return super().__call__(function)

    def _recreate_cm(self) -> Self:
        return type(self)(self.duty)  # of each call its own: one may run within another


def dsn_of(duty: str | None = None) -> str:
    """libpq URL of the duty's account (default: of the one at work).

    Where no account of its own is configured it is the owner's, who takes the role on: it may then
    do no more than the role, but whoever holds the URL may. Raises ConfigurationMissing.
    """
    duty = duty or _duty.get()
    own, owner = settings().duty_dsns.get(duty), settings().dsn
    if own:
        return own
    if not owner:
        raise ConfigurationMissing(
            "WAREHOUSE_DSN is not set.",
            remedy="start the embedded services with ./warehouse up, or set WAREHOUSE_DSN.",
        )
    return owner if duty == OWNER else in_role(owner, duty)


def in_role(dsn: str, role: str) -> str:
    """A URL whose sessions begin with SET ROLE."""
    options = f"{conninfo_to_dict(dsn).get('options') or ''} -c role={role}".strip()
    if "://" not in dsn:
        return make_conninfo(dsn, options=options)
    return f"{dsn}{'&' if '?' in dsn else '?'}options={quote(options, safe='')}"


@contextmanager
def connect(duty: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """One connection, one transaction: commits on success, rolls back on any exception.

    As the account of ``duty``, by default of the one at work (``acting_as``). Raises
    ConfigurationMissing where no DSN is configured.
    """
    with psycopg.connect(dsn_of(duty)) as connection:
        yield connection


def migrate() -> list[str]:
    """Apply the numbered SQL files not applied yet, all in one transaction; returns their names."""
    with connect(OWNER) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [_MIGRATION_LOCK])
        connection.execute("create schema if not exists ops")
        connection.execute(
            "create table if not exists ops.migration ("
            "name text primary key, applied_at timestamptz not null default now())"
        )
        done = {name for (name,) in connection.execute("select name from ops.migration")}
        fresh = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name not in done]
        for path in fresh:
            connection.execute(path.read_text(encoding="utf-8").encode())
            connection.execute("insert into ops.migration (name) values (%s)", [path.name])
    return [path.name for path in fresh]
