"""Grants on record, separate duties, who can do what, and drift in whatever was changed by hand."""

from __future__ import annotations

import json

import psycopg
import pytest
from typer.testing import CliRunner

from include.access.enforce import AccessRefused, apply, differences
from include.access.people import grant, revoke
from include.access.who import who_can
from include.cli.main import app
from include.database import OWNER, connect
from tests.access.conftest import COUNTY, OTHER, PASSWORD, TOWNSHIP, login_url, refused

HOUSEHOLDS = f"select count(*) from marts_{COUNTY}.household_month"


def count(url: str, account: str) -> int:
    with psycopg.connect(login_url(url, account)) as session:
        row = session.execute(HOUSEHOLDS.encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_grant_opens_a_county_and_its_end_closes_it(accessible: str) -> None:
    done = grant("bi_county", "person_b", "test", county=COUNTY, new=True)
    assert (done.role, len(done.password or "") >= 20) == (f"bi_county_{COUNTY}", True)
    with connect(OWNER) as owner:
        owner.execute(f"alter role person_b password '{PASSWORD}'".encode())
    assert count(accessible, "person_b") > 0
    with connect(OWNER) as owner:
        assert differences(owner) == []
    revoke("bi_county", "person_b", "test", county=COUNTY)
    with refused(psycopg.OperationalError):  # no role is left by which to connect
        count(accessible, "person_b")
    with connect(OWNER) as owner:
        record = owner.execute(
            "select role, granted_by, revoked_by from ops.access_grant where account = 'person_b'"
        ).fetchall()
        assert differences(owner) == []
    assert record == [(f"bi_county_{COUNTY}", "test", "test")]


def begins_with(url: str, account: str) -> tuple[str, ...]:
    """The settings with which a session of the account begins."""
    with psycopg.connect(login_url(url, account)) as session:
        row = session.execute(
            "select current_setting('search_path'), current_setting('statement_timeout'),"
            " current_setting('default_transaction_read_only')"
        ).fetchone()
    assert row is not None
    return row


def test_a_person_s_session_begins_as_that_of_the_roles_held(accessible: str) -> None:
    own = '"$user", public', "0", "off"
    told = CliRunner().invoke(
        app, ["grant", "bi_county", "person_c", "--county", COUNTY, "--new"], env={"COLUMNS": "99"}
    )
    assert f"in the schema marts_{COUNTY}." in told.output
    with connect(OWNER) as owner:
        owner.execute(f"alter role person_c password '{PASSWORD}'".encode())
        owner.execute("alter role person_c set work_mem = '8MB'")  # his own, and left alone
    assert begins_with(accessible, "person_c") == (f"marts_{COUNTY}, pg_catalog", "15min", "on")
    with psycopg.connect(login_url(accessible, "person_c")) as session:
        assert session.execute("select count(*) > 0 from household_month").fetchone() == (True,)
    grant("bi_county", "person_c", "test", county=OTHER)
    both = ", ".join(f"marts_{county}" for county in sorted((COUNTY, OTHER)))
    assert begins_with(accessible, "person_c") == (f"{both}, pg_catalog", "15min", "on")
    with connect(OWNER) as owner:
        owner.execute("alter role person_c reset statement_timeout")
        (found,) = differences(owner)
        assert (found.state, found.fact.kind, found.fact.object) == (
            "missing",
            "setting",
            "person_c",
        )
        assert apply(owner) == differences(owner) == []
    assert begins_with(accessible, "person_c")[1] == "15min"
    grant("case_worker", "person_c", "test")  # who writes: nothing is asked for by both
    assert begins_with(accessible, "person_c") == own
    revoke("case_worker", "person_c", "test")
    revoke("bi_county", "person_c", "test", county=OTHER)
    assert begins_with(accessible, "person_c") == (f"marts_{COUNTY}, pg_catalog", "15min", "on")
    revoke("bi_county", "person_c", "test", county=COUNTY)
    with connect(OWNER) as owner:
        left = owner.execute(
            "select setconfig from pg_db_role_setting as s inner join pg_roles as r"
            " on s.setrole = r.oid where r.rolname = 'person_c'"
        ).fetchall()
        assert (left, differences(owner)) == ([(["work_mem=8MB"],)], [])


@pytest.mark.parametrize(
    ("role", "account", "areas", "words"),
    [
        ("nobody", "person_a", {}, "no role nobody"),
        ("loader", "person_a", {}, "not for people"),
        ("bi_county", "person_a", {}, "given for one county"),
        ("bi_county", "person_a", {"county": "431099"}, "no county of the city"),
        ("bi_city", "person_a", {"county": COUNTY}, "not for one county"),
        ("bi_township", "person_a", {"township": "431002999"}, "no township of the city"),
        ("bi_city", "person_z", {}, "no account person_z"),
        ("bi_city", 'x"; drop role bi_city; --', {}, "no name of a person's account"),
        ("bi_city", "publisher", {}, "no name of a person's account"),
        ("bi_city", "postgres", {}, "may do more than any role"),
        ("bi_township", "person_a", {"township": TOWNSHIP}, "holds bi_township_.* already"),
    ],
)
def test_what_cannot_be_granted(
    role: str, account: str, areas: dict[str, str], words: str, accessible: str
) -> None:
    with pytest.raises(AccessRefused, match=words):
        grant(role, account, "test", **areas)  # type: ignore[arg-type]


def test_system_security_and_audit_are_never_one_person_s(accessible: str) -> None:
    grant("operator", "person_a", "test")
    try:
        for role in ("privacy_officer", "auditor"):
            with pytest.raises(AccessRefused, match="separate"):
                grant(role, "person_a", "test")
        grant("case_worker", "person_a", "test")
        revoke("case_worker", "person_a", "test")
    finally:
        revoke("operator", "person_a", "test")
    grant("auditor", "person_a", "test")
    revoke("auditor", "person_a", "test")
    with pytest.raises(AccessRefused, match="does not hold"):
        revoke("auditor", "person_a", "test")


@pytest.mark.parametrize(
    ("by_hand", "state", "kind", "what"),
    [
        ("grant select on vault.identifier to bi_city", "extra", "grant", "select to bi_city"),
        ("grant select (value) on vault.identifier to operator", "extra", "grant", "to operator"),
        ("grant select on ops.build to public", "extra", "grant", "select to public"),
        ("grant usage on schema raw to auditor", "extra", "grant", "usage to auditor"),
        ("grant execute on function person.found to bi_city", "extra", "grant", "execute to bi"),
        ("revoke select on marts.county_kpi from bi_city", "missing", "grant", "select to bi_city"),
        ("grant temporary on database test_access to bi_city", "extra", "grant", "temporary to bi"),
        ("alter table marts.county_kpi owner to access_owner", "extra", "owner", "access_owner"),
        ("alter table marts.county_kpi no force row level security", "missing", "rows", "owner"),
        ("alter table marts.county_kpi disable row level security", "missing", "rows", "secured"),
        (f"drop policy county_reader_{OTHER} on marts.county_kpi", "missing", "policy", OTHER),
        ("create policy mine on marts.county_kpi using (true)", "extra", "policy", "to public"),
        (f"alter policy county_reader_{OTHER} on marts.county_kpi using (true)", "extra", "policy",
         "using true"),
        (f"alter view marts_{COUNTY}.county_kpi set (security_barrier = false)", "extra", "view",
         "no barrier"),
        (f"alter view marts_{COUNTY}.county_kpi set (security_invoker = true)", "extra", "view",
         "no barrier"),
        (f"drop view marts_{TOWNSHIP}.county_kpi", "missing", "view", "a barrier"),
        (f"drop view marts_{COUNTY}.county_kpi; create view marts_{COUNTY}.county_kpi"
         " with (security_barrier) as select * from marts.county_kpi limit 1", "extra", "view",
         "LIMIT 1"),
        (f"alter view marts_{COUNTY}.county_kpi owner to publisher", "extra", "owner", "publisher"),
        ("alter table marts.household_month drop constraint household_month_key, add primary key"
         " (period, household_key)", "extra", "index", "finds rows of others"),
        (f"revoke county_reader_{OTHER} from publisher", "missing", "member", "publisher"),
        ("create view marts.mine as select 1 as a", "missing", "view", "as its reader"),
        ("create schema unknown", "extra", "schema", "not declared"),
        ("alter role bi_city createdb", "extra", "role", "createdb"),
        ("alter role bi_city createrole", "extra", "role", "createrole"),
        ("alter role bi_city bypassrls", "extra", "role", "bypassrls"),
        ("alter role bi_city superuser", "extra", "role", "superuser"),
        ("alter role bi_city reset statement_timeout", "missing", "setting", "statement_timeout"),
        (f"grant bi_city to bi_county_{COUNTY}", "extra", "member", f"bi_county_{COUNTY}"),
        ("alter default privileges for role publisher in schema marts grant insert on tables to"
         " operator", "extra", "default", "insert to operator"),
        ("alter table marts.county_kpi alter column county_code set statistics 100", "missing",
         "statistics", "none are kept"),
    ],
)  # fmt: skip
def test_what_is_changed_by_hand_is_drift(
    by_hand: str, state: str, kind: str, what: str, accessible: str, server_dsn: str
) -> None:
    from tests.conftest import database_url

    with psycopg.connect(database_url(server_dsn, "test_access")) as admin:
        assert differences(admin) == []
        admin.execute(by_hand.encode())
        found = differences(admin)
        assert [
            each for each in found
            if each.state == state and each.fact.kind == kind and what in each.fact.what
        ], found  # fmt: skip
        if kind not in ("schema",):
            apply(admin)
            assert [each for each in differences(admin) if each.fact.kind == kind] == []
        admin.rollback()


def test_the_commands_tell_drift_and_who_can(accessible: str) -> None:
    run = CliRunner()
    clean = run.invoke(app, ["access", "drift", "--json"])
    assert (clean.exit_code, json.loads(clean.stdout)) == (0, [])
    with connect(OWNER) as owner:
        owner.execute("grant usage on schema raw to auditor")
    drifted = run.invoke(app, ["access", "drift", "--json"])
    assert (drifted.exit_code, len(json.loads(drifted.stdout))) == (1, 1)
    assert run.invoke(app, ["access", "drift", "--sql"]).stdout.strip() == (
        'revoke usage on schema raw from "auditor";'
    )
    assert json.loads(run.invoke(app, ["access", "apply", "--json"]).stdout)["left"]
    assert run.invoke(app, ["access", "drift", "--json"]).exit_code == 0
    rights = {}
    for schema in ("marts", f"marts_{COUNTY}", f"marts_{TOWNSHIP}"):
        told = run.invoke(app, ["who-can", f"{schema}.household_month", "select", "--json"])
        rights[schema] = {each["role"]: each for each in json.loads(told.stdout)["rights"]}
    (of_county,) = rights[f"marts_{COUNTY}"][f"bi_county_{COUNTY}"]["rows"]
    assert f"[county_code] IS NOT NULL) AND (county_code = '{COUNTY}'" in of_county
    assert rights[f"marts_{TOWNSHIP}"][f"bi_township_{TOWNSHIP}"]["accounts"] == ["person_a"]
    (of_township,) = rights[f"marts_{TOWNSHIP}"]["person_a"]["rows"]
    assert "[township_code] IS NOT NULL) AND" in of_township
    assert "bi_city" in rights["marts"]
    assert not {f"bi_county_{COUNTY}", "person_a", "operator", "loader"} & rights["marts"].keys()


def test_who_can_knows_columns_functions_schemas_and_the_database(accessible: str) -> None:
    with connect(OWNER) as owner:
        _, identifier = who_can(owner, "vault.identifier", "select")
        by_column = [right for right in identifier if right.columns]
        assert [(right.role, right.columns) for right in by_column] == [
            ("case_worker", ("key", "kind"))
        ]
        kind, may = who_can(owner, "person.ask")
        assert kind == "function"
        assert {"case_worker", "privacy_officer"} <= {right.role for right in may}
        assert "bi_city" not in {right.role for right in may}
        kind, may = who_can(owner, "candidate", "create")
        assert (kind, {right.role for right in may}) == ("schema", {"transformer", "access_owner"})
        assert "person_a" in {right.role for right in who_can(owner, "database", "connect")[1]}
        for name, action in (("marts.nothing", None), ("marts", "select")):
            with pytest.raises(AccessRefused):
                who_can(owner, name, action)
