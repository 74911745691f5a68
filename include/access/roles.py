"""Facts about roles: what they may by themselves, what their sessions begin with, who is in them,
what they may at the database, and what is granted of what they will make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from include.access.catalog import PUBLIC, quote
from include.access.declaration import Role, Schema, area_of, concrete, declaration
from include.access.fact import Fact, Facts

_OBJECTS = {"r": "tables", "S": "sequences", "f": "functions"}


def townships_of(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Codes of the townships for which a role was ever asked (``./warehouse grant``)."""
    if not _is_on_record(connection):
        return ()
    return tuple(
        code
        for (code,) in connection.execute(
            "select distinct substr(role, 13) from ops.access_grant"
            " where role ~ '^bi_township_\\d{9}$' order by 1"
        )
    )


def names(townships: tuple[str, ...]) -> dict[str, Role]:
    """The database's role -> what it is declared as."""
    return {
        name: role
        for declared, role in declaration().roles.items()
        for name in concrete(declared, townships)
    }


def owner_of(connection: psycopg.Connection[Any]) -> tuple[str, bool]:
    """The account that owns the database, and whether it is a superuser."""
    row = connection.execute(
        "select r.rolname::text, r.rolsuper from pg_database as d"
        " inner join pg_roles as r on d.datdba = r.oid where d.datname = current_database()"
    ).fetchone()
    assert row is not None
    return str(row[0]), bool(row[1])


def wanted(connection: psycopg.Connection[Any], townships: tuple[str, ...]) -> Facts:
    """What is wanted of roles, members and the database."""
    owner, is_superuser = owner_of(connection)
    database = _database(connection)
    found: Facts = {}
    for name, role in names(townships).items():
        login = "login" if role.logs_in else "nologin"
        found[Fact("role", name, login)] = f"create role {quote(name)} {login}"
        found |= _wanted_settings(name, {name: role})
        if not is_superuser:
            # What its run-time accounts own is as its own; into the others it only steps.
            inherits = str(role.duty in ("run", "definer")).lower()
            found[Fact("member", name, f"{owner}, inherit {inherits}, set true")] = (
                f"grant {quote(name)} to {quote(owner)} with inherit {inherits}, set true"
            )
        for maker in role.made_by:
            found[Fact("member", name, f"{maker}, inherit true, set true")] = (
                f"grant {quote(name)} to {quote(maker)} with inherit true, set true"
            )
    for role_name, account in _members_on_record(connection):
        found[Fact("member", role_name, f"{account}, inherit true, set false")] = (
            f"grant {quote(role_name)} to {quote(account)} with inherit true, set false"
        )
    declared = names(townships)
    for account, held in _accounts(connection, owner).items():
        # A role that is declared no more gives no settings, as it gives no rights.
        of_role = {name: declared[name] for name in held if name in declared}
        found |= _wanted_settings(account, of_role)
    for privilege, roles in declaration().database.items():
        for name in (each for role in roles for each in concrete(role, townships)):
            found[Fact("grant", f"database {database}", f"{privilege} to {name}")] = (
                f"grant {privilege} on database {quote(database)} to {quote(name)}"
            )
    for schema_name, schema in declaration().schemas.items():
        if "*" not in schema_name and schema.per is None:
            found |= _wanted_defaults(schema_name, schema, owner, townships)
        for reader in (name for role in schema.views for name in concrete(role, townships)):
            area = f"{schema_name}_{area_of(reader)}"
            found[Fact("schema", f"schema {area}", "is there")] = f"create schema {quote(area)}"
    found[Fact("role", owner, "login createrole")] = None
    return found


def actual(connection: psycopg.Connection[Any], townships: tuple[str, ...]) -> Facts:
    """What is the case of them."""
    owner, is_superuser = owner_of(connection)
    database = _database(connection)
    declared = names(townships)
    known = [*declared, owner]
    found: Facts = {}
    for name, attributes in connection.execute(_ATTRIBUTES, [known]):
        undo = None
        if name in declared:
            wanted_login = "login" if declared[name].logs_in else "nologin"
            undo = f"alter role {quote(name)} {wanted_login} {_NOTHING_MORE}"
        found[Fact("role", name, attributes)] = undo
    accounts = list(_accounts(connection, owner))
    of_ours = {key for role in declared.values() for key in role.set}
    for name, key, value in connection.execute(_SETTINGS, [[*declared, *accounts]]):
        if name in accounts and key not in of_ours:
            continue  # a person's own
        found[Fact("setting", name, f"{key}={value}")] = f"alter role {quote(name)} reset {key}"
    for name, member, inherits, sets in connection.execute(_MEMBERS, [list(declared)]):
        if member == owner and is_superuser:
            continue
        words = f"{member}, inherit {str(inherits).lower()}, set {str(sets).lower()}"
        found[Fact("member", name, words)] = (
            None if member == owner else f"revoke {quote(name)} from {quote(member)}"
        )
    for privilege, grantee in connection.execute(_DATABASE):
        found[Fact("grant", f"database {database}", f"{privilege} to {grantee}")] = (
            f"revoke {privilege} on database {quote(database)}"
            f" from {grantee if grantee == PUBLIC else quote(grantee)}"
        )
    creators = [owner, *(name for name, role in declared.items() if role.duty == "run")]
    for creator, schema, kind, privilege, grantee in connection.execute(
        _DEFAULTS, {"creators": creators}
    ):
        found[_default(creator, schema, _OBJECTS[kind], privilege, grantee)] = _alter_default(
            creator, schema, f"revoke {privilege} on {_OBJECTS[kind]} from", grantee
        )
    return found


def session_of(held: Mapping[str, Role]) -> dict[str, str]:
    """Setting -> value, with which sessions of an account begin: what all roles it holds ask for.

    Roles hand on rights to the accounts in them, and no settings. Of several areas it finds the
    names of each, those of the first one first.
    """
    asked = [
        {key: said.format(area=area_of(name)) for key, said in role.set.items()}
        for name, role in held.items()
    ]
    found: dict[str, str] = {}
    for key in dict.fromkeys(key for each in asked for key in each):
        values = list(dict.fromkeys(each[key] for each in asked if key in each))
        if any(key not in each for each in asked):
            continue
        if key == "search_path":
            *schemas, last = [part for value in values for part in value.split(", ")]
            found[key] = ", ".join([*dict.fromkeys(s for s in schemas if s != last), last])
        elif len(values) == 1:
            found[key] = values[0]
    return found


def _wanted_settings(name: str, held: Mapping[str, Role]) -> Facts:
    return {
        Fact("setting", name, f"{key}={value}"): (
            f"alter role {quote(name)} set {key} = {_setting(key, value)}"
        )
        for key, value in session_of(held).items()
    }


def _wanted_defaults(schema: str, said: Schema, owner: str, townships: tuple[str, ...]) -> Facts:
    """What is granted of all (the pattern ``*``) is granted of what its owner makes later."""
    found: Facts = {}
    for kind in ("tables", "sequences"):
        rules = getattr(said, kind).get("*")
        if rules is None:
            continue
        creator = said.owner_of(kind, "*") or owner
        for privilege, roles in rules.grants.items():
            for role in (name for each in roles for name in concrete(each, townships)):
                if role != creator:
                    found[_default(creator, schema, kind, privilege, role)] = _alter_default(
                        creator, schema, f"grant {privilege} on {kind} to", role
                    )
    return found


def _default(creator: str, schema: str, kind: str, privilege: str, role: str) -> Fact:
    place = f" in {schema}" if schema else ""
    return Fact("default", f"{kind} that {creator} makes{place}", f"{privilege} to {role}")


def _alter_default(creator: str, schema: str, action: str, role: str) -> str:
    place = f" in schema {quote(schema)}" if schema else ""
    grantee = role if role == PUBLIC else quote(role)
    return f"alter default privileges for role {quote(creator)}{place} {action} {grantee}"


def _is_on_record(connection: psycopg.Connection[Any]) -> bool:
    """Whether there is a record of grants yet: roles are made before the migrations."""
    return connection.execute("select to_regclass('ops.access_grant')").fetchone() != (None,)


def _members_on_record(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    if not _is_on_record(connection):
        return []
    return connection.execute(
        "select g.role, g.account from ops.access_grant as g"
        " inner join pg_roles as r on g.account = r.rolname where g.revoked_at is null"
    ).fetchall()


def _accounts(connection: psycopg.Connection[Any], owner: str) -> dict[str, list[str]]:
    """Account that was ever granted a role, and that the owner may change -> the roles it holds."""
    if not _is_on_record(connection):
        return {}
    return dict(
        connection.execute(
            "select g.account, coalesce("
            "array_agg(g.role order by g.role) filter (where g.revoked_at is null), '{}')"
            " from ops.access_grant as g inner join pg_roles as r on g.account = r.rolname"
            " where pg_has_role(%s, r.oid, 'member with admin option') group by 1",
            [owner],
        ).fetchall()
    )


def _database(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("select current_database()::text").fetchone()
    assert row is not None
    return str(row[0])


def _setting(key: str, value: str) -> str:
    return value if key == "search_path" else f"'{value}'"


_NOTHING_MORE = "nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
_ATTRIBUTES = """
select
    rolname::text,
    case when rolsuper then 'superuser' else
        case when rolcanlogin then 'login' else 'nologin' end
        || case when rolcreaterole then ' createrole' else '' end
        || case when rolcreatedb then ' createdb' else '' end
        || case when rolbypassrls then ' bypassrls' else '' end
        || case when rolreplication then ' replication' else '' end
    end
from pg_roles
where rolname = any(%s)
"""
_SETTINGS = """
select r.rolname::text, split_part(s.setting, '=', 1), substr(s.setting, strpos(s.setting, '=') + 1)
from pg_db_role_setting as c
inner join pg_roles as r on c.setrole = r.oid
cross join lateral unnest(c.setconfig) as s (setting)
where c.setdatabase = 0 and r.rolname = any(%s)
"""
_MEMBERS = """
select r.rolname::text, m.rolname::text, bool_or(a.inherit_option), bool_or(a.set_option)
from pg_auth_members as a
inner join pg_roles as r on a.roleid = r.oid
inner join pg_roles as m on a.member = m.oid
where r.rolname = any(%s)
group by 1, 2
"""
_DATABASE = f"""
select
    lower(a.privilege_type),
    case when a.grantee = 0 then '{PUBLIC}' else pg_get_userbyid(a.grantee)::text end
from pg_database as d
cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
where d.datname = current_database() and a.grantee <> d.datdba
"""
_DEFAULTS = f"""
select
    pg_get_userbyid(d.role)::text,
    coalesce(n.nspname::text, ''),
    d.kind::text,
    lower(a.privilege_type),
    case when a.grantee = 0 then '{PUBLIC}' else pg_get_userbyid(a.grantee)::text end
from (
    select defaclrole as role, defaclnamespace as schema, defaclobjtype as kind, defaclacl as acl
    from pg_default_acl
    union all
    -- What nobody has spoken of: PUBLIC may execute what is made.
    select r.oid, 0, 'f', acldefault('f', r.oid)
    from pg_roles as r
    where r.rolname = any(%(creators)s) and not exists (
        select from pg_default_acl as s
        where s.defaclrole = r.oid and s.defaclnamespace = 0 and s.defaclobjtype = 'f'
    )
) as d
left join pg_namespace as n on d.schema = n.oid
cross join lateral aclexplode(d.acl) as a
where a.grantee <> d.role and d.kind in ('r', 'S', 'f')
"""
