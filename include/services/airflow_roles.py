"""Airflow's roles and accounts, made to be what include/access/airflow.yml says.

By statements on the access manager's own tables: its own ways import half of Airflow for seconds at
each start, add permissions and take none away.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import psycopg
import yaml
from psycopg import sql
from werkzeug.security import check_password_hash, generate_password_hash

from include.settings import PROJECT_ROOT

_DECLARATION = PROJECT_ROOT / "include" / "access" / "airflow.yml"
_LOCK = 431003
BUILT_IN = ("Admin", "Op", "User")
"""The access manager's own roles that may start things; nobody should have one."""


@cache
def permissions() -> dict[str, frozenset[tuple[str, str]]]:
    """Role -> what it may: (action, resource) in the access manager's words."""
    declared = yaml.safe_load(_DECLARATION.read_text(encoding="utf-8"))
    common = _pairs(declared["everyone"])
    return {name: common | _pairs(role) for name, role in declared["roles"].items()}


def _pairs(granted: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (action, resource)
        for action, resources in granted.items()
        if action != "about"
        for resource in resources
    )


def enforce(connection: psycopg.Connection[Any], passwords: Mapping[str, str]) -> list[str]:
    """Make the roles and one account of each role's name; tells what was otherwise.

    ``passwords`` are by role. Raises nothing where all is as declared, and changes nothing then.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    wanted = [(role, *pair) for role, pairs in permissions().items() for pair in sorted(pairs)]
    columns = [list(column) for column in zip(*wanted, strict=True)]
    names = {"roles": columns[0], "actions": columns[1], "resources": columns[2]}
    for table, key in (("role", "roles"), ("permission", "actions"), ("view_menu", "resources")):
        connection.execute(
            sql.SQL(
                "insert into {table} (id, name) select nextval({sequence}), name"
                " from (select distinct unnest({wanted}::text[]) as name) as w"
                " where not exists (select from {table} as t where t.name = w.name) order by name"
            ).format(
                table=sql.Identifier(f"ab_{table}"),
                sequence=sql.Literal(f"ab_{table}_id_seq"),
                wanted=sql.Placeholder(key),
            ),
            names,
        )
    connection.execute(_MAKE_PAIRS, names)
    taken = connection.execute(_TAKE, names).fetchall()
    given = connection.execute(_GIVE, names).fetchall()
    changes = [f"{role} may no longer {action} {what}" for role, action, what in sorted(taken)]
    changes += [f"{role} may {action} {what}" for role, action, what in sorted(given)]
    for role in permissions():
        changes += _account(connection, role, passwords[role])
    return changes


def too_mighty(connection: psycopg.Connection[Any]) -> list[str]:
    """Accounts with one of the access manager's own roles that may start things."""
    return [
        name
        for (name,) in connection.execute(
            "select distinct u.username from ab_user as u"
            " inner join ab_user_role as ur on u.id = ur.user_id"
            " inner join ab_role as r on ur.role_id = r.id"
            " where r.name = any(%s) order by 1",
            [list(BUILT_IN)],
        )
    ]


_WANTED = (
    "with wanted as (select r.id as role_id, pv.id as pair_id, r.name as role, p.name as action,"
    " v.name as resource from unnest(%(roles)s::text[], %(actions)s::text[], %(resources)s::text[])"
    " as w (role, action, resource) inner join ab_role as r on w.role = r.name"
    " inner join ab_permission as p on w.action = p.name"
    " inner join ab_view_menu as v on w.resource = v.name"
    " inner join ab_permission_view as pv on (p.id, v.id) = (pv.permission_id, pv.view_menu_id)) "
)
_MAKE_PAIRS = (
    "insert into ab_permission_view (id, permission_id, view_menu_id)"
    " select nextval('ab_permission_view_id_seq'), p.id, v.id from (select distinct action,"
    " resource from unnest(%(actions)s::text[], %(resources)s::text[]) as w (action, resource))"
    " as w inner join ab_permission as p on w.action = p.name"
    " inner join ab_view_menu as v on w.resource = v.name where not exists (select from"
    " ab_permission_view as pv where (pv.permission_id, pv.view_menu_id) = (p.id, v.id))"
)
_TAKE = (
    _WANTED + "delete from ab_permission_view_role as g using ab_role as r, ab_permission_view as"
    " pv, ab_permission as p, ab_view_menu as v where g.role_id = r.id"
    " and g.permission_view_id = pv.id and pv.permission_id = p.id and pv.view_menu_id = v.id"
    " and r.name = any(%(roles)s) and not exists (select from wanted as w"
    " where (w.role_id, w.pair_id) = (g.role_id, g.permission_view_id))"
    " returning r.name, p.name, v.name"
)
_GIVE = (
    _WANTED + ", given as (insert into ab_permission_view_role (id, permission_view_id, role_id)"
    " select nextval('ab_permission_view_role_id_seq'), w.pair_id, w.role_id from wanted as w"
    " where not exists (select from ab_permission_view_role as g"
    " where (g.role_id, g.permission_view_id) = (w.role_id, w.pair_id))"
    " returning role_id, permission_view_id) select w.role, w.action, w.resource from given as g"
    " inner join wanted as w on (w.role_id, w.pair_id) = (g.role_id, g.permission_view_id)"
)


def _account(connection: psycopg.Connection[Any], role: str, password: str) -> list[str]:
    """One account of the role's name, with this password and this role alone."""
    found = connection.execute(
        "select u.password, u.active, array(select r.name from ab_user_role as ur"
        " inner join ab_role as r on ur.role_id = r.id where ur.user_id = u.id order by 1)"
        " from ab_user as u where u.username = %s",
        [role],
    ).fetchone()
    if found and found[1] and found[2] == [role] and check_password_hash(found[0] or "", password):
        return []
    connection.execute(
        "insert into ab_user (id, first_name, last_name, username, email, active, password,"
        " created_on, changed_on) values (nextval('ab_user_id_seq'), %(role)s::text, 'account',"
        " %(role)s::text, %(role)s::text || '@localhost', true, %(hash)s, now(), now())"
        " on conflict (username) do update set active = true, password = excluded.password",
        {"role": role, "hash": generate_password_hash(password)},
    )
    connection.execute(
        "delete from ab_user_role where user_id = (select id from ab_user where username = %s)",
        [role],
    )
    connection.execute(
        "insert into ab_user_role (id, user_id, role_id) select nextval('ab_user_role_id_seq'),"
        " u.id, r.id from ab_user as u inner join ab_role as r on u.username = r.name"
        " where u.username = %s",
        [role],
    )
    return [f"account {role} {'was put right' if found else 'was made'}"]
