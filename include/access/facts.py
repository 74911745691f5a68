"""What is wanted of the objects there are, and what is the case: both as sets of facts.

A fact says one thing of one object. What is wanted and not the case can be made, what is the case
and not wanted can be undone: each fact comes with the statement that does it, or with none where
people have to look first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from include.access.catalog import PUBLIC, Thing, quote
from include.access.declaration import Rules, Schema, concrete, declaration

PERSONAL = ("household_key", "person_key")
"""A table with one of these has rows of persons or households; townships see none that does not
say the township."""


@dataclass(frozen=True, order=True)
class Fact:
    """One thing of one object: ('grant', 'table marts.employment', 'select to bi_city')."""

    kind: str
    object: str
    what: str


Facts = dict[Fact, str | None]
"""Fact -> the statement that makes it (of what is wanted) or undoes it (of what is the case)."""


def wanted_of(thing: Thing, owner: str, townships: tuple[str, ...]) -> Facts:
    """What the declaration wants of it; ``owner`` is the database's own account."""
    said = declaration().schema_of(thing.schema)
    if said is None:
        return {}
    found: Facts = {}
    whose = _owner(said, thing) or owner
    if not thing.is_dependent:
        found[Fact("owner", _name(thing), whose)] = (
            f"alter {_kind(thing)} {thing.address} owner to {quote(whose)}"
        )
    for privilege, role in _granted(said, thing, townships):
        if role != whose:
            found[Fact("grant", _name(thing), f"{privilege} to {role}")] = (
                f"grant {privilege} on {_on(thing)} to {quote(role)}"
            )
    if thing.kind == "table":
        found |= _columns(said, thing, townships)
        found |= _rows(said, thing, townships)
    return found


def actual_of(thing: Thing) -> Facts:
    """What is the case."""
    found: Facts = {}
    said = declaration().schema_of(thing.schema)
    if thing.kind == "schema" and said is None:
        found[Fact("schema", _name(thing), "is not declared in roles.yml")] = None
    if said is None:
        return found
    if not thing.is_dependent:
        found[Fact("owner", _name(thing), thing.owner)] = None
    for privilege, role in thing.granted:
        found[Fact("grant", _name(thing), f"{privilege} to {role}")] = (
            f"revoke {privilege.removesuffix(' with grant option')} on {_on(thing)}"
            f" from {_grantee(role)}"
        )
    for column, privilege, role in thing.column_grants:
        found[Fact("grant", f"{_name(thing)}.{column}", f"{privilege} to {role}")] = (
            f"revoke {privilege} ({quote(column)}) on {thing.address} from {_grantee(role)}"
        )
    if thing.kind == "table":
        found |= _actual_rows(said, thing)
    return found


def readable(schema: Schema, role: str, columns: Iterable[str]) -> str | None:
    """The condition of the role's rows of a table, as PostgreSQL writes it back; None: no row.

    It begins with a look into a JSON object, for which the planner counts no cost. PostgreSQL
    tries cheap conditions first, and those that it trusts to tell nothing it lets go before a
    policy: `household_key = any('{…}') and is_new = any(array[(select 1 / n = 1 …)])` would fail
    if that household is anybody's, since the subquery is run when a row comes to it. In a view
    that is a barrier nothing goes before what costs nothing. The rest is what an index answers.
    """
    rows, names = (schema.rows or {})[role], set(columns)
    match rows:
        case "write" | "all":
            return "true"
        case "county" if "county_code" in names:
            return _of_areas("county", ("county_code", 6))
        case "township" if "township_code" in names:
            return _of_areas("township", ("township_code", 9), ("county_code", 6))
        case "township" if "county_code" in names and names.isdisjoint(PERSONAL):
            return _of_areas("township", ("county_code", 6))
    return None


def _of_areas(reader: str, *columns: tuple[str, int]) -> str:
    (narrowest, digits), *_ = columns
    scope = f"( SELECT marts.scope('{reader}'::text, {digits}) AS scope)"
    answered = "".join(
        f" AND ({column} = ANY (( SELECT marts.areas('{reader}'::text, {n}) AS areas)::text[]))"
        for column, n in columns
    )
    return f"((({scope})[{narrowest}] IS NOT NULL){answered})"


def _granted(said: Schema, thing: Thing, townships: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    if thing.kind == "schema":
        creators = {rules.owner for rules in said.tables.values()} | {said.owner}
        owners = sorted(role for role in creators if role)
        rules = [
            Rules(usage=[*said.usage, *owners], create=[*said.create, *owners])  # type: ignore[call-arg]
        ]
    else:
        rules = said.rules(f"{thing.kind}s", thing.name)
    for each in rules:
        for privilege, roles in each.grants.items():
            for role in roles:
                for name in concrete(role, townships):
                    yield privilege, name


def _columns(said: Schema, thing: Thing, townships: tuple[str, ...]) -> Facts:
    found: Facts = {}
    there = {name for name, _, _ in thing.columns}
    for column, rules in said.columns.get(thing.name, {}).items():
        for privilege, roles in rules.grants.items():
            for role in (name for each in roles for name in concrete(each, townships)):
                if column in there:
                    found[Fact("grant", f"{_name(thing)}.{column}", f"{privilege} to {role}")] = (
                        f"grant {privilege} ({quote(column)}) on {thing.address} to {quote(role)}"
                    )
    return found


def _rows(said: Schema, thing: Thing, townships: tuple[str, ...]) -> Facts:
    found: Facts = {}
    if said.rows is None:
        return found
    if thing.relkind == "v":
        found[Fact("view", _name(thing), "runs as its reader")] = (
            f"alter view {thing.address} set (security_invoker = true)"
        )
    if thing.relkind not in ("r", "p"):
        return found
    table = f"alter table {thing.address}"
    found[Fact("rows", _name(thing), "secured")] = f"{table} enable row level security"
    found[Fact("rows", _name(thing), "also from their owner")] = f"{table} force row level security"
    columns = [name for name, _, _ in thing.columns]
    for role, rows in said.rows.items():
        action = "all" if rows == "write" else "select"
        for name in concrete(role, townships):
            condition = readable(said, role, columns)
            if condition is not None:
                found[_policy(thing, name, action, name, condition, "")] = (
                    f"create policy {quote(name)} on {thing.address} for {action}"
                    f" to {quote(name)} using {_bracketed(condition)}"
                )
    for schema in said.views:
        view = f"{schema}.{thing.address.removeprefix(f'{thing.schema}.')}"
        listed = ", ".join(map(quote, columns))
        found[Fact("view", f"table {view}", _barrier(f"SELECT {', '.join(columns)}", thing))] = (
            f"create view {view} with (security_barrier = true) as"
            f" select {listed} from {thing.address}"
        )
    if said.statistics is not None:
        for column in columns:
            if column not in said.statistics:
                found[Fact("statistics", f"{_name(thing)}.{column}", "none are kept")] = (
                    f"{table} alter column {quote(column)} set statistics 0"
                )
    return found


def _actual_rows(said: Schema, thing: Thing) -> Facts:
    found: Facts = {}
    table = f"alter table {thing.address}"
    if thing.relkind == "v" and thing.is_invoker and said.rows is not None:
        found[Fact("view", _name(thing), "runs as its reader")] = None
    if thing.relkind == "v" and any(
        thing.schema in s.views for s in declaration().schemas.values()
    ):
        kind = "a barrier" if thing.is_barrier and not thing.is_invoker else "no barrier"
        words = " ".join((thing.definition or "").split()).removesuffix(";")
        found[Fact("view", _name(thing), f"{kind}: {words}")] = f"drop view {thing.address}"
    if thing.relkind in ("m", "f") and said.rows is not None:
        found[Fact("view", _name(thing), "cannot hold row-level security")] = None
    if thing.is_secured:
        found[Fact("rows", _name(thing), "secured")] = f"{table} disable row level security"
    if thing.is_forced:
        found[Fact("rows", _name(thing), "also from their owner")] = (
            f"{table} no force row level security"
        )
    found |= _telling_indexes(said, thing)
    for name, action, roles, using, check in thing.policies:
        found[_policy(thing, name, action, roles, using, check)] = (
            f"drop policy {quote(name)} on {thing.address}"
        )
    if said.statistics is not None and thing.relkind in ("r", "p"):
        for column, _, is_kept in thing.columns:
            if not is_kept:
                found[Fact("statistics", f"{_name(thing)}.{column}", "none are kept")] = (
                    f"{table} alter column {quote(column)} set statistics -1"
                )
    return found


def _telling_indexes(said: Schema, thing: Thing) -> Facts:
    """Those that would find rows of others; a key is made anew, with its columns behind."""
    found: Facts = {}
    there = {name for name, _, _ in thing.columns}
    first = [name for name in said.indexes or () if name in there]
    for name, columns, is_key, is_whole in thing.indexes:
        if said.indexes is None or (is_whole and columns[: len(first)] == first):
            continue
        key = [*first, *(column for column in columns if column and column not in first)]
        listed = ", ".join(map(quote, key))
        of = ", ".join(column or "an expression" for column in columns)
        found[Fact("index", _name(thing), f"{name} ({of}) finds rows of others")] = (
            f"alter table {thing.address} drop constraint {quote(name)},"
            f" add constraint {quote(thing.name + '_key')} unique nulls not distinct ({listed})"
            if is_key
            else None
        )
    return found


def _barrier(select: str, thing: Thing) -> str:
    """A view of the table, as PostgreSQL writes it back."""
    return f"a barrier: {select} FROM {thing.address}"


def _policy(thing: Thing, name: str, action: str, roles: str, using: str, check: str) -> Fact:
    words = f"{name} for {action} to {roles} using {using}"
    return Fact("policy", _name(thing), words + (f" with check {check}" if check else ""))


def _owner(said: Schema, thing: Thing) -> str | None:
    if thing.owner == "pg_database_owner":
        return thing.owner
    if thing.kind == "schema":
        # A schema that a migration made stays the database's: its owner could give it away.
        return said.owner if thing.name not in declaration().schemas else None
    return said.owner_of(f"{thing.kind}s", thing.name)


def _name(thing: Thing) -> str:
    return f"{thing.kind} {thing.address}"


def _kind(thing: Thing) -> str:
    kinds = {"v": "view", "m": "materialized view", "f": "foreign table"}
    return "routine" if thing.kind == "function" else kinds.get(thing.relkind, thing.kind)


def _on(thing: Thing) -> str:
    return f"{'routine' if thing.kind == 'function' else thing.kind} {thing.address}"


def _grantee(role: str) -> str:
    return role if role == PUBLIC else quote(role)


def _bracketed(condition: str) -> str:
    return condition if condition.startswith("(") else f"({condition})"
