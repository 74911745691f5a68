"""What is wanted of the objects there are, and what is the case: both as sets of facts.

A fact says one thing of one object. What is wanted and not the case can be made, what is the case
and not wanted can be undone: each fact comes with the statement that does it, or with none where
people have to look first.
"""

from __future__ import annotations

from collections.abc import Iterable

from include.access import rows
from include.access.catalog import PUBLIC, Thing, quote
from include.access.declaration import Rules, Schema, declaration, roles_in
from include.access.fact import Fact, Facts, name_of


def wanted_of(thing: Thing, owner: str, townships: tuple[str, ...]) -> Facts:
    """What the declaration wants of it; ``owner`` is the database's own account."""
    said = declaration().schema_of(thing.schema)
    if said is None:
        return {}
    found: Facts = {}
    whose = _owner(said, thing, townships) or owner
    if not thing.is_dependent:
        found[Fact("owner", name_of(thing), whose)] = (
            f"alter {_kind(thing)} {thing.address} owner to {quote(whose)}"
        )
    for privilege, role in _granted(said, thing, townships):
        if role != whose:
            found[Fact("grant", name_of(thing), f"{privilege} to {role}")] = (
                f"grant {privilege} on {_on(thing)} to {quote(role)}"
            )
    if thing.kind == "table":
        found |= _columns(said, thing, townships)
        found |= rows.wanted_of(said, thing, townships)
    return found


def actual_of(thing: Thing) -> Facts:
    """What is the case."""
    found: Facts = {}
    said = declaration().schema_of(thing.schema)
    if thing.kind == "schema" and said is None:
        found[Fact("schema", name_of(thing), "is not declared in roles.yml")] = None
    if thing.kind == "schema" and said is not None and said.per is not None:
        found[Fact("schema", name_of(thing), "is there")] = None
    if said is None:
        return found
    if not thing.is_dependent:
        found[Fact("owner", name_of(thing), thing.owner)] = None
    for privilege, role in thing.granted:
        found[Fact("grant", name_of(thing), f"{privilege} to {role}")] = (
            f"revoke {privilege.removesuffix(' with grant option')} on {_on(thing)}"
            f" from {_grantee(role)}"
        )
    for column, privilege, role in thing.column_grants:
        found[Fact("grant", f"{name_of(thing)}.{column}", f"{privilege} to {role}")] = (
            f"revoke {privilege} ({quote(column)}) on {thing.address} from {_grantee(role)}"
        )
    if thing.kind == "table":
        found |= rows.actual_of(said, thing)
    return found


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
                for name in roles_in(thing.schema, role, townships):
                    yield privilege, name


def _columns(said: Schema, thing: Thing, townships: tuple[str, ...]) -> Facts:
    found: Facts = {}
    there = {name for name, _, _ in thing.columns}
    for column, rules in said.columns.get(thing.name, {}).items():
        for privilege, roles in rules.grants.items():
            named = (name for each in roles for name in roles_in(thing.schema, each, townships))
            for role in named:
                if column in there:
                    found[Fact("grant", f"{name_of(thing)}.{column}", f"{privilege} to {role}")] = (
                        f"grant {privilege} ({quote(column)}) on {thing.address} to {quote(role)}"
                    )
    return found


def _owner(said: Schema, thing: Thing, townships: tuple[str, ...]) -> str | None:
    if thing.owner == "pg_database_owner":
        return thing.owner
    if thing.kind == "schema":
        # A schema that a migration made stays the database's: its owner could give it away.
        whose = said.owner if thing.name not in declaration().schemas else None
    else:
        whose = said.owner_of(f"{thing.kind}s", thing.name)
    return next(iter(roles_in(thing.schema, whose, townships)), None) if whose else None


def _kind(thing: Thing) -> str:
    kinds = {"v": "view", "m": "materialized view", "f": "foreign table"}
    return "routine" if thing.kind == "function" else kinds.get(thing.relkind, thing.kind)


def _on(thing: Thing) -> str:
    return f"{'routine' if thing.kind == 'function' else thing.kind} {thing.address}"


def _grantee(role: str) -> str:
    return role if role == PUBLIC else quote(role)
