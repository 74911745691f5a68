"""Every role at every object: what the declaration says, and what happens when it is tried.

A try is the statement itself, under the role's own login, in a savepoint that is rolled back. A
refusal for want of privilege is a no; anything else, also another error, means that the role got
through.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from include.access import roles
from include.access.catalog import Thing, quote, things
from include.access.facts import wanted_of

TABLE_ACTIONS = ("select", "insert", "update", "delete", "truncate")
_BATCH = 500


@dataclass(frozen=True)
class Cell:
    """One role, one object, one action; the statement that tries it, and whether it may."""

    role: str
    object: str
    action: str
    statement: str
    is_allowed: bool


def cells(connection: psycopg.Connection[Any]) -> list[Cell]:
    """The matrix of all roles that log in and all objects there are, by the declaration.

    As somebody who may look into all catalogs.
    """
    townships = roles.townships_of(connection)
    owner, _ = roles.owner_of(connection)
    who = sorted(name for name, role in roles.names(townships).items() if role.logs_in)
    there = things(connection)
    shapes = _shapes(connection)
    granted: dict[str, dict[str, set[str]]] = {}
    owners: dict[str, str] = {}
    for thing in there:
        name = f"{thing.kind} {thing.address}"
        granted[name] = {}
        owners[name] = thing.owner
        for fact in wanted_of(thing, owner, townships):
            if fact.kind == "owner":
                owners[name] = fact.what
            elif fact.kind == "grant" and fact.object == name:
                privilege, _, role = fact.what.rpartition(" to ")
                granted[name].setdefault(role, set()).add(privilege)
    schemas = {thing.schema: thing for thing in there if thing.kind == "schema"}

    declared = roles.names(townships).items()
    # Who makes what another owns may do what that one may.
    acting = {role: {role} | {name for name, it in declared if role in it.made_by} for role in who}

    def may(role: str, thing: Thing, action: str) -> bool:
        name = f"{thing.kind} {thing.address}"
        return any(
            owners[name] == each or action in granted[name].get(each, ()) for each in acting[role]
        )

    found = []
    for role in who:
        for thing in there:
            enters = may(role, schemas[thing.schema], "usage")
            for action, statement in _tries(thing, shapes):
                allowed = may(role, thing, action)
                found.append(
                    Cell(
                        role,
                        f"{thing.kind} {thing.address}",
                        action,
                        statement,
                        allowed if action == "create" else allowed and enters,
                    )
                )
        found += _of_database(connection, role, townships)
    return found


def tried(connection: psycopg.Connection[Any], those: Iterable[Cell]) -> Iterator[tuple[Cell, str]]:
    """Each cell of the connection's role with what came of it: done, refused, or an error's code.

    ``connection`` is in autocommit and is the role's own login.
    """
    waiting = list(those)
    connection.execute("set default_transaction_read_only = off")  # whoever reads may say so
    for start in range(0, len(waiting), _BATCH):
        batch = waiting[start : start + _BATCH]
        statements = json.dumps([cell.statement for cell in batch])
        with connection.transaction(force_rollback=True):
            connection.execute(_TRY.replace("$statements$", _literal(statements)).encode())
            row = connection.execute("select current_setting('matrix.outcomes')").fetchone()
        assert row is not None
        yield from zip(batch, json.loads(row[0]), strict=True)


def differing(connection: psycopg.Connection[Any], those: Iterable[Cell]) -> list[tuple[Cell, str]]:
    """The cells in which a try came out otherwise than declared."""
    return [
        (cell, outcome)
        for cell, outcome in tried(connection, those)
        if (outcome != "refused") != cell.is_allowed
    ]


def _tries(thing: Thing, shapes: dict[str, str]) -> Iterator[tuple[str, str]]:
    match thing.kind:
        case "schema":
            # A table that is not there is missed only by those who may look for it.
            yield "usage", f"select from {thing.address}.matrix_no_such_table"
            yield "create", f"create table {thing.address}.matrix_try ()"
        case "table":
            # Of a view that joins, PostgreSQL says that it cannot be written before it asks who.
            actions = TABLE_ACTIONS if thing.relkind in ("r", "p") else TABLE_ACTIONS[:1]
            column = shapes.get(f"{thing.kind} {thing.address}")
            statements = {
                "select": f"select * from {thing.address} limit 0",
                "insert": f"insert into {thing.address} default values",
                "update": f"update {thing.address} set {column} = default where false",
                "delete": f"delete from {thing.address} where false",
                "truncate": f"truncate {thing.address}",
            }
            for action in actions:
                if action != "update" or column:
                    yield action, statements[action]
        case "sequence" if not thing.is_dependent:
            yield "usage", f"select currval('{thing.address}')"
        case "function":
            # The arguments are no constants: a strict function of a null is never called.
            arguments = shapes[f"function {thing.address}"]
            yield "execute", arguments


def _shapes(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Table -> a column that can be set; function -> a call with unknown arguments."""
    found = {
        f"table {address}": quote(column)
        for address, column in connection.execute(
            "select format('%I.%I', n.nspname, c.relname), min(a.attname::text)"
            " from pg_attribute as a inner join pg_class as c on a.attrelid = c.oid"
            " inner join pg_namespace as n on c.relnamespace = n.oid"
            " where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped"
            " and a.attgenerated = '' group by 1"
        )
    }
    for schema, name, identity, kind, types in connection.execute(
        "select n.nspname::text, p.proname::text, pg_get_function_identity_arguments(p.oid),"
        " p.prokind::text, array(select format_type(t, null) from unnest(p.proargtypes) as t)"
        " from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid"
        " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    ).fetchall():
        address = f"{_bare(schema)}.{_bare(name)}"
        given = ", ".join(f"x.a{i}" for i in range(len(types)))
        columns = ", ".join(f"null::{kind_of} as a{i}" for i, kind_of in enumerate(types))
        if kind == "p":
            call = f"call {address}({', '.join(f'null::{each}' for each in types)})"
        else:
            call = f"select {address}({given}) from (select {columns} offset 0) as x"
        found[f"function {address}({identity})"] = call
    return found


def _of_database(
    connection: psycopg.Connection[Any], role: str, townships: tuple[str, ...]
) -> Iterator[Cell]:
    wanted = roles.wanted(connection, townships)
    may = {
        fact.what.removesuffix(f" to {role}")
        for fact in wanted
        if fact.kind == "grant"
        and fact.object.startswith("database ")
        and fact.what.endswith(f" to {role}")
    }
    yield Cell(role, "database", "create", "create schema matrix_try", "create" in may)
    yield Cell(
        role, "database", "temporary", "create temporary table matrix_try ()", "temporary" in may
    )


def _bare(name: str) -> str:
    """As quote_ident() has it for our names."""
    return name if name.replace("_", "a").isalnum() and name.islower() else quote(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_TRY = """
do $do$
declare
    statements jsonb := $statements$;
    outcomes jsonb := '[]';
    outcome text;
    statement text;
begin
    for statement in select value from jsonb_array_elements_text(statements) as value loop
        begin
            execute statement;
            raise exception using errcode = 'ZZ001';
        exception
            when insufficient_privilege then outcome := 'refused';
            when sqlstate 'ZZ001' then outcome := 'done';
            when others then outcome := sqlstate;
        end;
        outcomes := outcomes || to_jsonb(outcome);
    end loop;
    perform set_config('matrix.outcomes', outcomes::text, true);
end
$do$
"""
