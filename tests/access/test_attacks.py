"""Attacks on row-level security and on the database from a county analyst's own login.

Each has its control: the same statement as somebody who may. Names without a schema are the
reader's own: marts_431002.household_month, or the city's marts.household_month.
"""

from __future__ import annotations

import io

import psycopg
import pytest

from include.access.enforce import differences
from include.database import in_role
from tests.access.conftest import COUNTY, OTHER, TOWNSHIP, Login, refused
from tests.access.test_rows import ANALYST, one
from tests.conftest import database_url

ROWS = "select 1 from household_month"
ATTACKS = {
    "the other county by name": f"{ROWS} where county_code = '{OTHER}'",
    "all but one's own": f"{ROWS} where county_code <> '{COUNTY}' or false",
    "a union": "select 1 from (table household_month union all table household_month)"
    f" as u where county_code = '{OTHER}'",
    "a lateral join": "select 1 from county_scorecard as s cross join lateral (select from"
    " household_month as h where h.county_code <> s.county_code) as x"
    f" where s.county_code = '{COUNTY}'",
    "a prepared statement": f"execute of_other('{OTHER}')",
    "a cursor": "fetch all from of_other",
    "a copy out": f"copy ({ROWS} where county_code = '{OTHER}') to stdout",
    "a recursive query": "with recursive r as (select county_code from household_month union"
    " select h.county_code from household_month as h, r)"
    f" select 1 from r where county_code = '{OTHER}'",
    "a subquery in a limit": "select 1 from generate_series(1, 9) limit (select count(*) from"
    f" household_month where county_code = '{OTHER}')",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_rows_of_another_county_do_not_come_by(name: str, login: Login) -> None:
    assert _rows(login(ANALYST), ATTACKS[name]) == 0
    assert _rows(login("bi_city"), ATTACKS[name]) > 0


def _rows(session: psycopg.Connection, statement: str) -> int:
    by_county = "select 1 from household_month where county_code = $1"
    with session.transaction(force_rollback=True):
        session.execute(f"prepare of_other (text) as {by_county}".encode())
        session.execute(
            f"declare of_other cursor for {by_county.replace('$1', repr(OTHER))}".encode()
        )
        if statement.startswith("copy"):
            taken = io.BytesIO()
            with session.cursor().copy(statement.encode()) as copy:
                for piece in copy:
                    taken.write(bytes(piece))
            found = taken.getvalue().count(b"\n")
        else:
            found = len(session.execute(statement.encode()).fetchall())
        session.execute("deallocate of_other")
    return found


# Conditions that break, or speak, when they meet a row of another county.
LEAKS = {
    "division by zero": (
        f"1 / (case when county_code = '{OTHER}' then 0 else 1 end) = 1",
        psycopg.errors.DivisionByZero,
    ),
    "a cast that quotes the value": (
        f"(case when county_code = '{OTHER}' then household_key else '1' end)::numeric > 0",
        psycopg.errors.InvalidTextRepresentation,
    ),
    "a regular expression from the row": (
        f"'x' !~ (case when county_code = '{OTHER}' then '(' else 'y' end)",
        psycopg.errors.InvalidRegularExpression,
    ),
    "a date from the row": (
        f"to_date(case when county_code = '{OTHER}' then '9999999' else '20260101' end,"
        " 'YYYYMMDD') > '2020-01-01'",
        psycopg.errors.DatetimeFieldOverflow,
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_attack_an_error_message_tells_nothing_of_rows_not_seen(name: str, login: Login) -> None:
    condition, error = LEAKS[name]
    statement = f"select count(*) from household_month where {condition}"
    login(ANALYST).execute(statement.encode())
    with refused(error):
        login("bi_city").execute(statement.encode())


REFUSED = {
    "set role": "set role bi_city",
    "set role of a duty": "set role publisher",
    "set session authorization": "set session authorization publisher",
    "the table below the view": "select count(*) from marts.household_month",
    "a township's view": f"select count(*) from marts_{TOWNSHIP}.household_month",
    "row security off": "set row_security = off; select count(*) from"
    f" marts_{COUNTY}.household_month",
    "a view that is no barrier": f"alter view marts_{COUNTY}.household_month"
    " reset (security_barrier)",
    "another view in its place": f"create or replace view marts_{COUNTY}.county_kpi as"
    " select * from marts.county_kpi",
    "the role that owns the views": f"set role county_reader_{COUNTY}",
    "a view of one's own": "create view marts.mine as table marts.household_month",
    "a table of one's own": "create table public.mine (a integer)",
    "a temporary table before a mart": "create temporary table household_month (a integer)",
    "a temporary function": "create function pg_temp.leak(text) returns boolean language plpgsql"
    " cost 0.0001 as $$begin raise notice '%', $1; return true; end$$",
    "a function in a schema": "create function marts.leak() returns integer language sql"
    " as 'select 1'",
    "an operator": "create operator marts.=== (leftarg = text, rightarg = text, function = texteq)",
    "a policy": "create policy mine on marts.household_month for select using (true)",
    "no more policies": "alter table marts.household_month disable row level security",
    "a foreign key": "create table marts.mine (p text, c text, k text, foreign key (p, c, k)"
    " references marts.county_kpi (period, county_code, kpi))",
    "a trigger": "create trigger mine before insert on marts.household_month"
    " execute function suppress_redundant_updates_trigger()",
    "a rule": "create rule mine as on insert to marts.household_month do instead nothing",
    "copy to a program": "copy marts.household_month to program 'cat > /dev/null'",
    "copy from a program": "copy marts.household_month from program 'true'",
    "copy to a file": "copy marts.household_month to '/dev/null'",
    "a file of the server": "select pg_read_file('/etc/passwd')",
    "a folder of the server": "select pg_ls_dir('/')",
    "a large object from a file": "select lo_import('/etc/passwd')",
    "a large object to a file": "select lo_export(1, '/dev/null')",
    "statistics by hand": "select pg_clear_attribute_stats('marts', 'household_month', 'period',"
    " false)",
    "an extension": "create extension if not exists dblink",
    "a role": "create role mine",
    "a member": "grant bi_city to " + ANALYST,
    "a lock": "do $$begin lock table marts.household_month in share mode; end$$",
    "a listing of the vault": "select * from vault.identifier",
    "a look without a record": "select person.found('431099')",
    "the chain": "select * from audit.event",
    "core": "select * from core.dim_person",
    "the archive": "select * from archive.household_month",
    "a setting of the server": "alter system set application_name = 'x'",
    "another's setting": "alter role bi_city set search_path = public",
}
BEFORE = {
    "core": "create table core.dim_person ()",  # no build has made it here
    "a large object to a file": "select lo_create(1)",
    # Of a view that is not its maker's PostgreSQL refuses it to anybody.
    "row security off": "alter table marts.household_month disable row level security",
}
"""What has to be there for the statement to work for whoever may."""


@pytest.mark.parametrize("name", REFUSED)
def test_attack_is_refused(name: str, login: Login, admin_url: str) -> None:
    session = login(ANALYST)
    try:
        with refused(
            psycopg.errors.InsufficientPrivilege,
            *([psycopg.errors.InvalidSchemaName] if name == "a temporary function" else []),
        ):
            session.execute(REFUSED[name].encode())
    finally:
        session.execute("reset all; set default_transaction_read_only = off")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        if name == "a setting of the server":  # in no transaction
            admin.execute(REFUSED[name].encode())
            admin.execute("alter system reset application_name")
            return
        with admin.transaction(force_rollback=True):
            admin.execute(f"{BEFORE.get(name, '')};{REFUSED[name]}".encode())


def test_attack_another_s_session_goes_on(login: Login, accessible: str, admin_url: str) -> None:
    with psycopg.connect(accessible, autocommit=True) as victim:
        for end in ("pg_cancel_backend", "pg_terminate_backend"):
            with refused():
                login(ANALYST).execute(f"select {end}({victim.info.backend_pid})".encode())
        assert one(victim, "select 1") == (1,)
        with psycopg.connect(admin_url) as admin:
            ended = one(admin, "select pg_terminate_backend(%s, 5000)", victim.info.backend_pid)
        assert ended == (True,)
        with refused(psycopg.OperationalError):
            victim.execute("select 1")


def test_attack_a_view_shows_its_reader_s_rows_and_not_its_maker_s(
    owner: psycopg.Connection, accessible: str
) -> None:
    owner.execute("set role publisher")
    owner.execute("create view marts.older_name as table marts.household_month")
    owner.execute(f"grant select on marts.older_name to {ANALYST}".encode())
    owner.execute("reset role")
    count = "select count(*) from marts.older_name"
    as_analyst = f"set local role {ANALYST}"
    with owner.transaction(force_rollback=True):
        owner.execute(as_analyst.encode())
        open_to_all = one(owner, count)
    drift = [each for each in differences(owner) if "older_name" in each.fact.object]
    for each in drift:
        if each.fact.kind == "view" and each.statement:
            owner.execute(each.statement.encode())
    owner.execute(as_analyst.encode())
    assert one(owner, f"select count(*) from marts_{COUNTY}.household_month") < open_to_all
    with refused():  # what the repair is for
        one(owner, count)


def test_attack_a_search_path_of_ones_own_changes_no_policy(login: Login) -> None:
    county = login(ANALYST)
    before = one(county, f"select count(*) from marts_{COUNTY}.household_month")
    for session, schema in ((county, f"marts_{COUNTY}"), (login("bi_city"), "marts")):
        session.execute(f"set search_path = pg_temp, public, {schema}".encode())
    assert one(county, "select count(*) from household_month") == before
    assert one(login("bi_city"), "select count(*) from household_month") > before
    for session in (county, login("bi_city")):
        session.execute("reset search_path")


def test_attack_large_objects_of_others_are_closed_and_none_can_be_made(
    login: Login, server_dsn: str
) -> None:
    with psycopg.connect(database_url(server_dsn, "test_access"), autocommit=True) as admin:
        (number,) = one(admin, "select lo_from_bytea(0, 'secret')")
        try:
            assert one(admin, "select lo_get(%s)", number) == (b"secret",)
            for attack in (
                f"lo_get({number})",
                f"lo_put({number}, 0, 'x')",
                f"lo_unlink({number})",
                "lo_from_bytea(0, 'mine')",
                "lo_create(0)",
                "lo_creat(0)",
            ):
                with refused():
                    login(ANALYST).execute(f"select {attack}".encode())
                with admin.transaction(force_rollback=True):
                    admin.execute(f"select {attack}".encode())
        finally:
            admin.execute("select lo_unlink(%s)", [number])


def test_attack_what_one_session_says_to_others_holds_no_row(login: Login, accessible: str) -> None:
    """NOTIFY cannot be forbidden; nothing of ours uses it, so there is nothing to overhear."""
    county = login(ANALYST)
    functions = one(
        county,
        "select count(*) from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid"
        " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        " and p.prosrc ~* 'notify'",
    )
    assert functions == (0,)
    with psycopg.connect(in_role(accessible, "publisher"), autocommit=True) as other:
        county.execute("listen anything")
        other.execute("select count(*) from marts.household_month")
        assert list(county.notifies(timeout=0, stop_after=1)) == []
        other.execute("notify anything, 'control'")
        assert [each.payload for each in county.notifies(timeout=5, stop_after=1)] == ["control"]
    county.execute("unlisten *")


def test_attack_a_session_s_own_statements_are_not_seen_by_others(login: Login) -> None:
    county, city = login(ANALYST), login("bi_city")
    city.execute("select 'a value that city asked for'")
    seen = "select count(*) from pg_stat_activity where usename = %s and query ~ 'city asked for'"
    assert one(county, seen, "bi_city") == (0,)
    assert one(city, seen, "bi_city") == (1,)
