"""Who holds which role: given, taken, and asked for."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.access import roles
from include.access.declaration import APART, Role, concrete, declaration
from include.access.enforce import AccessRefused, apply
from include.areas import counties, townships
from include.database import OWNER, acting_as, connect

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Grant:
    """Who got what. ``password`` is that of an account made for it, told once and kept nowhere.

    ``reads`` is the schema with what the role reads, of those that begin in one.
    """

    role: str
    account: str
    password: str | None = None
    reads: str | None = None


@acting_as(OWNER)
def grant(
    role: str,
    account: str,
    by: str,
    *,
    county: str | None = None,
    township: str | None = None,
    new: bool = False,
) -> Grant:
    """Give an account a role, on record. ``new`` makes the account.

    Raises AccessRefused where the role is none for people, the area is missing or none of ours, the
    account does not exist, or holds a role of a duty that has to stay apart.
    """
    name = named(role, county, township)
    duty = declaration().roles[role].duty
    if duty in ("run", "definer"):
        raise AccessRefused(
            f"{role} is what the warehouse itself works as, and not for people.",
            remedy=f"grant one of {', '.join(_for_people())}.",
        )
    if not _ACCOUNT.fullmatch(account) or account in roles.names(tuple(townships())):
        raise AccessRefused(
            f"{account} is no name of a person's account.",
            remedy="use lower-case letters, digits and _; not the name of a role.",
        )
    with connect() as connection:
        password = _account(connection, account, new)
        if apart := _held_apart(connection, account, duty):
            raise AccessRefused(
                f"{account} holds {apart} already: the duties {', '.join(APART)} are separate.",
                remedy=f"revoke that first, or grant {role} to somebody else.",
            )
        done = connection.execute(
            "insert into ops.access_grant (role, account, granted_by) values (%s, %s, %s)"
            " on conflict (role, account) where revoked_at is null do nothing"
            " returning access_grant_id",
            [name, account, by],
        ).fetchone()
        if done is None:
            raise AccessRefused(
                f"{account} holds {name} already.", remedy="nothing has to be done."
            )
        apply(connection)
    begins_in = roles.session_of({name: declaration().roles[role]}).get("search_path", "")
    return Grant(name, account, password, begins_in.partition(",")[0] or None)


@acting_as(OWNER)
def revoke(
    role: str,
    account: str,
    by: str,
    *,
    county: str | None = None,
    township: str | None = None,
) -> Grant:
    """Take a role from an account, at once, on record. Raises AccessRefused where it has it not."""
    name = named(role, county, township)
    with connect() as connection:
        done = connection.execute(
            "update ops.access_grant set revoked_by = %s, revoked_at = clock_timestamp()"
            " where role = %s and account = %s and revoked_at is null returning access_grant_id",
            [by, name, account],
        ).fetchone()
        if done is None:
            raise AccessRefused(
                f"{account} does not hold {name}.",
                remedy="./warehouse who-can tells who holds what.",
            )
        apply(connection)
    return Grant(name, account)


def named(role: str, county: str | None, township: str | None) -> str:
    """The database's role, such as bi_county_431002. Raises AccessRefused."""
    declared = declaration().roles.get(role)
    if declared is None:
        raise AccessRefused(
            f"there is no role {role}.", remedy=f"name one of {', '.join(_for_people())}."
        )
    given = {"county": county, "township": township}
    for kind, code in given.items():
        if (code is not None) != (declared.per == kind):
            raise AccessRefused(
                f"{role} is {'given for' if declared.per == kind else 'not for'} one {kind}.",
                remedy=f"{'add' if declared.per == kind else 'leave out'} --{kind}.",
            )
    area = county or township
    if area is not None and area not in (counties() if county else townships()):
        raise AccessRefused(
            f"{area} is no {declared.per} of the city.",
            remedy="codes are those of the seed ref_area: six digits of a county, nine of a"
            " township.",
        )
    return role if area is None else f"{role}_{area}"


def held(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Role -> accounts that hold it, from the catalogs."""
    found: dict[str, list[str]] = {}
    for role, account in connection.execute(
        "select r.rolname::text, m.rolname::text from pg_auth_members as a"
        " inner join pg_roles as r on a.roleid = r.oid"
        " inner join pg_roles as m on a.member = m.oid"
        " where a.inherit_option and m.rolname <> (select pg_get_userbyid(datdba)"
        " from pg_database where datname = current_database()) order by 1, 2"
    ):
        found.setdefault(role, []).append(account)
    return found


def _for_people() -> list[str]:
    people = declaration().roles.items()
    return [name for name, role in people if role.duty not in ("run", "definer")]


def _account(connection: psycopg.Connection[Any], account: str, new: bool) -> str | None:
    found = connection.execute(
        "select rolsuper or rolcreaterole or rolbypassrls from pg_roles where rolname = %s",
        [account],
    ).fetchone()
    if found is None and not new:
        raise AccessRefused(
            f"there is no account {account}.",
            remedy="see the spelling, or add --new to have it made.",
        )
    if found is not None and (new or found[0]):
        why = "exists already" if new else "may do more than any role here"
        raise AccessRefused(
            f"the account {account} {why}.",
            remedy="leave --new out." if new else "use an account of its own for the warehouse.",
        )
    if found is not None:
        return None
    password = secrets.token_urlsafe(18)
    # The server gets what SCRAM needs to check it, and never the password itself.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), account.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("create role {} login password {}").format(
            sql.Identifier(account), sql.Literal(verifier.decode())
        )
    )
    return password


def _held_apart(connection: psycopg.Connection[Any], account: str, duty: str) -> str | None:
    """A role that the account holds of another of the separate duties."""
    if duty not in APART:
        return None
    others: dict[str, Role] = {
        name: role
        for declared, role in declaration().roles.items()
        if role.duty in APART and role.duty != duty
        for name in concrete(declared)
    }
    row = connection.execute(
        "select role from ops.access_grant where account = %s and revoked_at is null"
        " and role = any(%s) order by 1 limit 1",
        [account, list(others)],
    ).fetchone()
    return None if row is None else str(row[0])
