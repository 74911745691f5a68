"""Where the database differs from the declaration, and making it agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from include.access import roles
from include.access.catalog import things
from include.access.fact import Fact, Facts
from include.access.facts import actual_of, wanted_of
from include.access.rows import area_schemas
from include.database import OWNER, connect
from include.errors import WarehouseError
from include.settings import DUTIES, settings

_LOCK = 431023
_ORDER = (
    "role", "setting", "member", "schema", "owner", "grant", "default", "rows", "index", "policy",
    "view", "statistics",
)  # fmt: skip
_ROUNDS = 4
"""A change of owner rewrites grants, so what is left is looked at again."""
PROTECTED = ("marts", "archive")


class AccessRefused(WarehouseError):
    """The declaration cannot be enforced, or a grant not be made."""


@dataclass(frozen=True)
class Difference:
    """A fact that is ``missing`` or ``extra``, and the statement that puts it right (or None)."""

    state: Literal["missing", "extra"]
    fact: Fact
    statement: str | None


def differences(connection: psycopg.Connection[Any]) -> list[Difference]:
    """Everything in which the database differs from roles.yml and the grants on record."""
    townships = roles.townships_of(connection)
    owner, _ = roles.owner_of(connection)
    wanted, actual = roles.wanted(connection, townships), roles.actual(connection, townships)
    for thing in things(connection):
        wanted |= wanted_of(thing, owner, townships)
        actual |= actual_of(thing)
    return _compared(wanted, actual)


def apply(connection: psycopg.Connection[Any]) -> list[Difference]:
    """Make the database agree, in the caller's transaction; what people have to look at is left.

    As the account that owns the database. Idempotent. Raises AccessRefused where it may not.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    left: list[Difference] = []
    for _ in range(_ROUNDS):
        left = differences(connection)
        statements = [each.statement for each in left if each.statement]
        if not statements:
            break
        _execute(connection, statements)
    return left


def enforce() -> list[str]:
    """``apply`` as the owner, in a transaction of its own; in words what people have to look at."""
    with connect(OWNER) as connection:
        left = apply(connection)
    return [
        *(f"{each.state}: {each.fact.object}: {each.fact.what}" for each in left),
        *(
            f"warning: {duty} works through the account that owns the warehouse;"
            f" set WAREHOUSE_{DUTIES[duty].upper()} to an account of its own"
            for duty, dsn in settings().duty_dsns.items()
            if not dsn
        ),
    ]


def protect(connection: psycopg.Connection[Any]) -> None:
    """Grants, policies, forced row-level security and views of all marts and archived versions.

    As the publisher who owns them, in the transaction that makes, fills or changes them.
    """
    townships = roles.townships_of(connection)
    owner, _ = roles.owner_of(connection)
    schemas = [*PROTECTED, *_of_areas(connection, PROTECTED)]
    for _ in range(_ROUNDS):  # a view is made first, and then given to whom it belongs
        mine = {
            name
            for (name,) in connection.execute(
                "select rolname::text from pg_roles where pg_has_role(oid, 'usage')"
            )
        }
        wanted: Facts = {}
        actual: Facts = {}
        for thing in things(connection, schemas):
            if thing.relkind in ("r", "p", "v") and thing.owner in mine:
                wanted |= wanted_of(thing, owner, townships)
                actual |= actual_of(thing)
        statements = [each.statement for each in _compared(wanted, actual) if each.statement]
        if not statements:
            break
        _execute(connection, statements)


def unprotect(connection: psycopg.Connection[Any], schema: str, table: str) -> None:
    """Take away the views of a table whose columns are to change; ``protect`` makes them again."""
    for area in _of_areas(connection, [schema]):
        connection.execute(sql.SQL("drop view if exists {}").format(sql.Identifier(area, table)))


def _of_areas(connection: psycopg.Connection[Any], schemas: Iterable[str]) -> list[str]:
    """The schemas of areas that belong to some."""
    named = "|".join(set(area_schemas()) & set(schemas))
    return [
        name
        for (name,) in connection.execute(
            "select nspname::text from pg_namespace where nspname ~ %s order by 1",
            [f"^({named})_[0-9]+$"],
        )
    ]


def _compared(wanted: Facts, actual: Facts) -> list[Difference]:
    found = [
        Difference("missing", fact, statement)
        for fact, statement in wanted.items()
        if fact not in actual
    ] + [
        Difference("extra", fact, statement)
        for fact, statement in actual.items()
        if fact not in wanted
    ]
    # A role that is otherwise than wanted is altered; made anew it is only where there is none.
    altered = {each.fact.object for each in found if each.fact.kind == "role"} & {
        fact.object for fact in actual if fact.kind == "role"
    }
    return sorted(
        (
            Difference(each.state, each.fact, None)
            if each.state == "missing" and each.fact.kind == "role" and each.fact.object in altered
            else each
            for each in found
        ),
        key=lambda each: (_rank(each.fact), each.state == "missing", each.fact),
    )


def _rank(fact: Fact) -> int:
    """Who is to own what is in a schema has to be let into it before."""
    is_of_schema = fact.kind == "grant" and fact.object.startswith("schema ")
    return _ORDER.index("schema" if is_of_schema else fact.kind)


def _execute(connection: psycopg.Connection[Any], statements: list[str]) -> None:
    try:
        connection.execute(";\n".join(statements).encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise AccessRefused(
            f"the declared rights cannot be enforced: {error.diag.message_primary}.",
            remedy="have an administrator run what ./warehouse access drift --sql prints, or give"
            " the database's owner CREATEROLE and the roles with admin option.",
            file="include/access/roles.yml",
        ) from None
