"""What the database's own catalogs say of its schemas, tables, functions and roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

PUBLIC = "public"
"""How everybody is called among grantees."""


@dataclass(frozen=True)
class Thing:
    """A schema, table, view, sequence or function. ``granted`` is [(privilege, role)] without the
    owner's own; ``address`` is how a statement names it. ``columns`` is [(name, type, whether the
    planner keeps statistics)] of tables, ``policies`` [(name, for, to, using, with check)],
    ``indexes`` [(name, columns, whether it is a key, whether of all rows)]; an expression
    in an index is a column None.
    """

    kind: str
    schema: str
    name: str
    address: str
    owner: str
    granted: list[tuple[str, str]]
    relkind: str = ""
    is_dependent: bool = False
    is_secured: bool = False
    is_forced: bool = False
    is_invoker: bool = False
    is_barrier: bool = False
    definition: str | None = None
    columns: tuple[tuple[str, str, bool], ...] = ()
    column_grants: tuple[tuple[str, str, str], ...] = ()
    policies: tuple[tuple[str, str, str, str, str], ...] = ()
    indexes: tuple[tuple[str, list[str | None], bool, bool], ...] = ()


def quote(name: str) -> str:
    """An identifier, as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def things(connection: psycopg.Connection[Any], schemas: list[str] | None = None) -> list[Thing]:
    """All of them in our schemas (all but PostgreSQL's own), or in some."""
    found: list[Thing] = []
    for query in (_SCHEMAS, _RELATIONS, _FUNCTIONS):
        with connection.cursor(row_factory=class_row(Thing)) as cursor:
            found += cursor.execute(query.encode(), {"schemas": schemas}).fetchall()
    return found


_OURS = (
    "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    " and (%(schemas)s::text[] is null or n.nspname = any(%(schemas)s))"
)


def _granted(acl: str, kind: str, owner: str) -> str:
    return (
        "array(select array[lower(a.privilege_type) || case when a.is_grantable"
        " then ' with grant option' else '' end,"
        f" case when a.grantee = 0 then '{PUBLIC}' else pg_get_userbyid(a.grantee)::text end]"
        f" from aclexplode(coalesce({acl}, acldefault({kind}, {owner}))) as a"
        f" where a.grantee <> {owner})"
    )


_SCHEMAS = f"""
select
    'schema' as kind,
    n.nspname::text as schema,
    n.nspname::text as name,
    quote_ident(n.nspname) as address,
    pg_get_userbyid(n.nspowner)::text as owner,
    {_granted("n.nspacl", "'n'", "n.nspowner")} as granted
from pg_namespace as n
where {_OURS}
order by 2
"""

_KIND = """(case when c.relkind = 'S' then 's' else 'r' end)::"char\""""
_RELATIONS = f"""
select
    case when c.relkind = 'S' then 'sequence' else 'table' end as kind,
    n.nspname::text as schema,
    c.relname::text as name,
    format('%%I.%%I', n.nspname, c.relname) as address,
    pg_get_userbyid(c.relowner)::text as owner,
    {_granted("c.relacl", _KIND, "c.relowner")} as granted,
    c.relkind::text as relkind,
    exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
        and c.relkind = 'S'
    ) as is_dependent,
    c.relrowsecurity as is_secured,
    c.relforcerowsecurity as is_forced,
    coalesce('security_invoker=true' = any(c.reloptions), false) as is_invoker,
    coalesce('security_barrier=true' = any(c.reloptions), false) as is_barrier,
    case when c.relkind = 'v' then pg_get_viewdef(c.oid) end as definition,
    coalesce((
        select jsonb_agg(jsonb_build_array(
            t.attname, format_type(t.atttypid, t.atttypmod), t.attstattarget is distinct from 0
        ) order by t.attnum)
        from pg_attribute as t
        where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
    ), '[]') as columns,
    coalesce((
        select jsonb_agg(jsonb_build_array(
            t.attname, lower(a.privilege_type),
            case when a.grantee = 0 then '{PUBLIC}' else pg_get_userbyid(a.grantee)::text end
        ))
        from pg_attribute as t cross join lateral aclexplode(t.attacl) as a
        where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
    ), '[]') as column_grants,
    coalesce((
        select jsonb_agg(jsonb_build_array(
            p.policyname, lower(p.cmd), array_to_string(p.roles, ','), coalesce(p.qual, ''),
            coalesce(p.with_check, '')
        ))
        from pg_policies as p
        where p.schemaname = n.nspname and p.tablename = c.relname
    ), '[]') as policies,
    coalesce((
        select jsonb_agg(jsonb_build_array(
            (select x.relname from pg_class as x where x.oid = i.indexrelid),
            (
                select jsonb_agg(t.attname order by k.position)
                from unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
                left join pg_attribute as t
                on t.attrelid = c.oid and t.attnum = k.attnum
                where k.position <= i.indnkeyatts
            ),
            exists (
                select from pg_constraint as s
                where s.conindid = i.indexrelid and s.contype in ('p', 'u')
            ),
            i.indpred is null
        ))
        from pg_index as i
        where i.indrelid = c.oid
    ), '[]') as indexes
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where {_OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
order by 2, 3
"""

_FUNCTIONS = f"""
select
    'function' as kind,
    n.nspname::text as schema,
    p.proname::text as name,
    format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
    as address,
    pg_get_userbyid(p.proowner)::text as owner,
    {_granted("p.proacl", "'f'", "p.proowner")} as granted
from pg_proc as p
inner join pg_namespace as n on p.pronamespace = n.oid
where {_OURS}
order by 2, 4
"""
