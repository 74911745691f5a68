"""Text that would be a statement, a format, a template or a command where it is not taken as text;
and what shows that it became none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

HEARD = "notify injected"
"""What every account may say, whatever its rights are: a listener hears each injected statement."""
_CALL = "pg_notify('injected', 'x')"
QUOTED = (
    f"'; {HEARD}; --",
    f'"; {HEARD}; --',
    f"\\'; {HEARD}; --",
    f"縗'; {HEARD}; --",  # its second byte in GB18030 is a backslash
    f"＇; {HEARD}; --",
    f"'); {HEARD}; drop table raw.county_measure, marts.county_kpi; create role injected; --",
    f"' || {_CALL} || '",
    f"' union select {_CALL}::text --",
    f"$$; {HEARD}; $$",
    f"$body$ || {_CALL} || $body$",
    f"*/ {HEARD}; /*",
    f"E'\\x27; {HEARD}; --",
)
OTHERWISE = (
    "%s %(period)s %% %n",
    "{} {0} {period} {period.__class__.__mro__}",
    "{{ " + _CALL + " }}{% raw %}{{ var('period') }}",
    "${HOME} $(touch injected) `touch injected` ; touch injected",
    "\\.",
    "\\copy raw.county_measure to program 'touch injected'",
    "\\! touch injected",
)
TEXTS = (*QUOTED, *OTHERWISE)


def standing(admin: psycopg.Connection) -> set[tuple[str, ...]]:
    """Roles, settings of roles, schemas, functions, tables with their columns and owners, and how
    many rows the marts have. Without quality, whose tables are made anew by each judging."""
    found = set(
        admin.execute(
            "select 'role', rolname::text, rolsuper::text from pg_roles"
            " union all select 'setting', setrole::text, setconfig::text from pg_db_role_setting"
            " union all select 'schema', nspname::text, pg_get_userbyid(nspowner)::text"
            " from pg_namespace where nspname !~ '^pg_(toast_)?temp'"
            " union all select 'function', oid::regprocedure::text, prosrc from pg_proc"
            " where pronamespace <> 'pg_catalog'::regnamespace"
            " union all select 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname),"
            " pg_get_userbyid(c.relowner) || a.atttypid::regtype::text from pg_class as c"
            " inner join pg_namespace as n on c.relnamespace = n.oid"
            " inner join pg_attribute as a on c.oid = a.attrelid"
            " where n.nspname !~ '^(pg_|quality$)' and a.attnum > 0 and c.relkind in ('r', 'v')"
        ).fetchall()
    )
    marts = admin.execute(
        "select relname::text from pg_class where relnamespace = 'marts'::regnamespace"
        " and relkind = 'r'"
    ).fetchall()
    for (mart,) in marts:
        row = admin.execute(f"select count(*)::text from marts.{mart}".encode()).fetchone()
        assert row is not None
        found.add(("rows", mart, *row))
    return found


@contextmanager
def nothing_injected(admin_url: str) -> Iterator[psycopg.Connection]:
    """Whatever is done meanwhile runs no statement of the texts, and leaves all tables and roles.

    Gives the superuser's session that listens.
    """
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("listen injected")
        before = standing(admin)
        yield admin
        assert heard(admin) == []
        assert standing(admin) == before
    assert not [place for place in (Path.cwd(), tempfile.gettempdir()) if _touched(Path(place))]


def heard(listener: psycopg.Connection) -> list[str]:
    """What was notified up to now. The last word is ours, so that none is waited for in vain."""
    listener.execute("notify injected, 'the end'")
    found: list[str] = []
    while not found or found[-1] != "the end":
        found += [one.payload for one in listener.notifies(timeout=30, stop_after=1)]
    return found[:-1]


def _touched(folder: Path) -> bool:
    return (folder / "injected").exists()
