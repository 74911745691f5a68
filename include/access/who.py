"""Who may do what with one object, from the database's catalogs and not from the declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from include.access.enforce import AccessRefused
from include.access.people import held
from include.access.roles import owner_of

ACTIONS = {
    "table": ("select", "insert", "update", "delete", "truncate", "references", "trigger",
              "maintain"),
    "sequence": ("usage", "select", "update"),
    "function": ("execute",),
    "schema": ("usage", "create"),
    "database": ("connect", "temporary", "create"),
}  # fmt: skip
"""Kind of object -> what may be granted of it."""


@dataclass(frozen=True)
class Right:
    """A role (or account) that may do ``actions`` with the object.

    ``rows`` are the conditions of the rows it may do it with (none: all there are), ``columns``
    those it is confined to, ``accounts`` the people who hold the role.
    """

    role: str
    actions: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    accounts: tuple[str, ...]
    is_owner: bool


def who_can(
    connection: psycopg.Connection[Any], name: str, action: str | None = None
) -> tuple[str, list[Right]]:
    """(kind, who) for a schema, ``schema.table``, ``schema.function`` or ``database``.

    Superusers can do everything and are not listed. Raises AccessRefused where there is no such
    object or action.
    """
    kind, oid, owner = _find(connection, name)
    if action is not None and action not in ACTIONS[kind]:
        raise AccessRefused(
            f"{action} is nothing that is granted of a {kind}.",
            remedy=f"name one of {', '.join(ACTIONS[kind])}.",
        )
    asked = [action] if action else list(ACTIONS[kind])
    members = held(connection)
    database_owner, _ = owner_of(connection)
    found = []
    for role, actions in connection.execute(
        _RIGHTS.replace("{kind}", kind).encode(), {"oid": oid, "actions": asked}
    ).fetchall():
        found.append(
            Right(
                role,
                tuple(actions),
                _rows(connection, oid, role) if kind == "table" else (),
                (),
                tuple(members.get(role, ())),
                role in (owner, database_owner),
            )
        )
    if kind == "table":
        found += _by_column(connection, oid, asked, {right.role for right in found}, members)
    return kind, found


def _find(connection: psycopg.Connection[Any], name: str) -> tuple[str, int, str]:
    row = connection.execute(_FIND, {"name": name}).fetchone()
    if row is None:
        raise AccessRefused(
            f"there is no {name}.",
            remedy="name a schema, schema.table, schema.function, or database.",
        )
    return str(row[0]), int(row[1]), str(row[2])


def _rows(connection: psycopg.Connection[Any], oid: int, role: str) -> tuple[str, ...]:
    below = connection.execute(_BELOW, [oid]).fetchall()
    if below:  # a view that runs as its owner shows what the owner sees
        return tuple(
            sorted({row for table, owner in below for row in _rows(connection, table, owner)})
        )
    secured = connection.execute(
        "select relrowsecurity from pg_class where oid = %s", [oid]
    ).fetchone()
    if secured != (True,):
        return ()
    policies = connection.execute(
        "select distinct pg_get_expr(p.polqual, p.polrelid) from pg_policy as p"
        " where p.polrelid = %s and exists (select from unnest(p.polroles) as r (oid)"
        " where r.oid = 0 or pg_has_role(%s, r.oid, 'usage')) order by 1",
        [oid, role],
    ).fetchall()
    return tuple(str(condition) for (condition,) in policies) or ("false",)


def _by_column(
    connection: psycopg.Connection[Any],
    oid: int,
    asked: list[str],
    known: set[str],
    members: dict[str, list[str]],
) -> list[Right]:
    rows = connection.execute(
        "select pg_get_userbyid(x.grantee)::text, array_agg(distinct lower(x.privilege_type)),"
        " array_agg(distinct a.attname::text)"
        " from pg_attribute as a cross join lateral aclexplode(a.attacl) as x"
        " where a.attrelid = %s and lower(x.privilege_type) = any(%s) group by 1 order by 1",
        [oid, asked],
    ).fetchall()
    return [
        Right(role, tuple(actions), (), tuple(columns), tuple(members.get(role, ())), False)
        for role, actions, columns in rows
        if role not in known
    ]


_FIND = """
select 'database' as kind, d.oid::bigint, pg_get_userbyid(d.datdba)::text
from pg_database as d
where %(name)s = 'database' and d.datname = current_database()
union all
select 'schema', n.oid::bigint, pg_get_userbyid(n.nspowner)::text
from pg_namespace as n
where n.nspname = %(name)s
union all
select case when c.relkind = 'S' then 'sequence' else 'table' end, c.oid::bigint,
    pg_get_userbyid(c.relowner)::text
from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname || '.' || c.relname = %(name)s and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
union all
select 'function', p.oid::bigint, pg_get_userbyid(p.proowner)::text
from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid
where n.nspname || '.' || p.proname = %(name)s
limit 1
"""
_BELOW = """
select distinct d.refobjid::bigint, pg_get_userbyid(v.relowner)::text
from pg_class as v
inner join pg_rewrite as r on r.ev_class = v.oid
inner join pg_depend as d
    on
        d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
where
    v.oid = %s and v.relkind = 'v'
    and not coalesce('security_invoker=true' = any(v.reloptions), false)
"""
_RIGHTS = """
select r.rolname::text, array_agg(a.action order by a.position)
from pg_roles as r
cross join lateral unnest(%(actions)s::text[]) with ordinality as a (action, position)
where
    not r.rolsuper
    and r.rolname !~ '^pg_'
    and has_{kind}_privilege(r.oid, %(oid)s::oid, a.action)
    -- Whoever may not enter the schema may do nothing with what is in it.
    and coalesce(has_schema_privilege(r.oid, (
        select relnamespace from pg_class
        where oid = %(oid)s::oid and '{kind}' in ('table', 'sequence')
        union all
        select pronamespace from pg_proc where oid = %(oid)s::oid and '{kind}' = 'function'
    ), 'usage'), true)
group by r.rolname
order by r.rolname
"""
