"""Which rows who sees: policies, the views of areas, and what of the others an index or the
planner's statistics would tell. All as facts.

Why views, when there are policies: PostgreSQL tries cheap conditions first, and those that it
trusts to tell nothing it lets go before a policy. `household_key = any('{…}') and is_new =
any(array[(select 1 / (random() * 0)::int = 1)])` fails if that household is anybody's, since the
subquery is run when the first row comes to it. So a policy of an area begins with a condition for
which the planner counts no cost, and before which nothing goes, in a view that is a barrier: in a
union of the table itself a reader's own conditions would come first.
tests/access/test_side_channels.py tries it.
"""

from __future__ import annotations

from collections.abc import Iterable

from include.access.catalog import Thing, quote
from include.access.declaration import Schema, area_of, concrete, declaration
from include.access.fact import Fact, Facts, name_of

PERSONAL = ("household_key", "person_key")
"""A table with one of these has rows of persons or households; townships see none that does not
say the township."""


def wanted_of(said: Schema, thing: Thing, townships: tuple[str, ...]) -> Facts:
    """What the declaration wants of a table or view."""
    found: Facts = {}
    if said.rows is None:
        return found
    if thing.relkind == "v":
        found[Fact("view", name_of(thing), "runs as its reader")] = (
            f"alter view {thing.address} set (security_invoker = true)"
        )
    if thing.relkind not in ("r", "p"):
        return found
    table, name = f"alter table {thing.address}", name_of(thing)
    found[Fact("rows", name, "secured")] = f"{table} enable row level security"
    found[Fact("rows", name, "also from their owner")] = f"{table} force row level security"
    columns = [column for column, _, _ in thing.columns]
    for declared, rows in said.rows.items():
        action = "all" if rows == "write" else "select"
        for role in concrete(declared, townships):
            condition = _condition(said, declared, columns, area_of(role))
            if condition is not None:
                found[_policy(thing, role, action, role, condition, "")] = (
                    f"create policy {quote(role)} on {thing.address} for {action}"
                    f" to {quote(role)} using {_bracketed(condition)}"
                )
    for role in (name for declared in said.views for name in concrete(declared, townships)):
        view = thing.address.replace(thing.schema, f"{thing.schema}_{area_of(role)}", 1)
        found[Fact("view", f"table {view}", _barrier(columns, thing))] = (
            f"create view {view} with (security_barrier = true) as"
            f" select {', '.join(map(quote, columns))} from {thing.address}"
        )
    for column in columns:
        if said.statistics is not None and column not in said.statistics:
            found[Fact("statistics", f"{name}.{column}", "none are kept")] = (
                f"{table} alter column {quote(column)} set statistics 0; select"
                f" pg_clear_attribute_stats('{thing.schema}', '{thing.name}', '{column}', false)"
            )
    return found


def actual_of(said: Schema, thing: Thing) -> Facts:
    """What is the case of a table or view."""
    found: Facts = {}
    table, name = f"alter table {thing.address}", name_of(thing)
    if thing.relkind == "v" and thing.is_invoker and said.rows is not None:
        found[Fact("view", name, "runs as its reader")] = None
    if thing.relkind == "v" and said.per is not None:
        kind = "a barrier" if thing.is_barrier and not thing.is_invoker else "no barrier"
        words = " ".join((thing.definition or "").split()).removesuffix(";")
        found[Fact("view", name, f"{kind}: {words}")] = f"drop view {thing.address}"
    if thing.relkind in ("m", "f") and said.rows is not None:
        found[Fact("view", name, "cannot hold row-level security")] = None
    if thing.is_secured:
        found[Fact("rows", name, "secured")] = f"{table} disable row level security"
    if thing.is_forced:
        found[Fact("rows", name, "also from their owner")] = f"{table} no force row level security"
    found |= _telling_indexes(said, thing)
    for policy, action, roles, using, check in thing.policies:
        found[_policy(thing, policy, action, roles, using, check)] = (
            f"drop policy {quote(policy)} on {thing.address}"
        )
    if said.statistics is not None and thing.relkind in ("r", "p"):
        for column, _, is_kept in thing.columns:
            if not is_kept:
                found[Fact("statistics", f"{name}.{column}", "none are kept")] = (
                    f"{table} alter column {quote(column)} set statistics -1"
                )
    return found


def area_schemas() -> list[str]:
    """Schemas with views of their tables for each area, such as marts for marts_431002."""
    return [name for name, said in declaration().schemas.items() if said.views]


def _condition(schema: Schema, role: str, columns: Iterable[str], area: str) -> str | None:
    """The condition of the role's rows of a table, as PostgreSQL writes it back; None: no row."""
    rows, names = (schema.rows or {})[role], set(columns)
    match rows:
        case "write" | "all":
            return "true"
        case "county" if "county_code" in names:
            return _of_area(county_code=area)
        case "township" if "township_code" in names:
            return _of_area(township_code=area, county_code=area[:6])
        case "township" if "county_code" in names and names.isdisjoint(PERSONAL):
            return _of_area(county_code=area[:6])
    return None


def _of_area(**codes: str) -> str:
    """A look into a JSON object, which costs nothing, and equalities that an index answers."""
    (column, code), *_ = codes.items()
    equal = "".join(f" AND ({name} = '{area}'::text)" for name, area in codes.items())
    return f"((('{{\"{code}\": true}}'::jsonb)[{column}] IS NOT NULL){equal})"


def _telling_indexes(said: Schema, thing: Thing) -> Facts:
    """Those that would find rows of others; a key is made anew, with its columns behind."""
    found: Facts = {}
    there = {name for name, _, _ in thing.columns}
    first = [name for name in said.indexes or () if name in there]
    for name, columns, is_key, is_whole in thing.indexes:
        if said.indexes is None or (is_whole and columns[: len(first)] == first):
            continue
        key = [*first, *(column for column in columns if column and column not in first)]
        of = ", ".join(column or "an expression" for column in columns)
        found[Fact("index", name_of(thing), f"{name} ({of}) finds rows of others")] = (
            f"alter table {thing.address} drop constraint {quote(name)},"
            f" add constraint {quote(thing.name + '_key')}"
            f" unique nulls not distinct ({', '.join(map(quote, key))})"
            if is_key
            else None
        )
    return found


def _barrier(columns: list[str], thing: Thing) -> str:
    """A view of the table, as PostgreSQL writes it back."""
    return f"a barrier: SELECT {', '.join(columns)} FROM {thing.address}"


def _policy(thing: Thing, name: str, action: str, roles: str, using: str, check: str) -> Fact:
    words = f"{name} for {action} to {roles} using {using}"
    return Fact("policy", name_of(thing), words + (f" with check {check}" if check else ""))


def _bracketed(condition: str) -> str:
    return condition if condition.startswith("(") else f"({condition})"
