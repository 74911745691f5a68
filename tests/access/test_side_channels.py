"""What a reader learns of rows that a policy hides, without being shown one: PostgreSQL tries some
conditions before the policy's, and a subquery is run when the first row comes to it. Whether it was
run can be seen: it fails, it waits, or EXPLAIN says so.

Each attack is tried on the reader's view, and on the table below as somebody whom a plain policy
lets read it: there it comes through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.access.conftest import COUNTY, OTHER, TOWNSHIP
from tests.access.test_rows import one
from tests.expectations.candidate import PERIOD

KEY = "7" * 64
FAILS = "(select 1 / (random() * 0)::integer = 1)"
WHEN_A_ROW_COMES = f"is_new = any(array[{FAILS}])"
CONDITIONS = {
    "whether a household is anybody's": "household_key = any('{{{key}}}') and {when}",
    "a value of it": "household_key = any('{{{key}}}') and monitored_ym = any('{{209901}}')"
    " and {when}",
    "a value of it, by halves": "household_key = any('{{{key}}}')"
    " and monitored_ym > any('{{205001}}') and {when}",
    "a number": "members = any('{{77}}') and {when}",
    "what is filled": "cleared_ym is not null and household_type is null and village_code is null"
    " and (is_new or {fails})",
    "what is true": "is_moved_in and is_relapsed and is_high_burden and (is_new or {fails})",
    "a look into an object": "('{{\"{key}\": 1}}'::jsonb)[household_key] is not null"
    " and ('{{\"209901\": 1}}'::jsonb)[monitored_ym] is not null and (is_new or {fails})",
}
"""Each begins with conditions that are no dearer for the planner than an equality."""
QUERIES = {
    "plain": "select 1 from {mart} where {{}}",
    "beside itself": "select 1 from (select * from {mart} union all select * from {mart}) as u"
    " where {{}}",
    "as one of two": "select 1 from (select period, '' as kpi from {mart} where {{}}"
    " union all select period, kpi from {schema}.county_kpi) as u where kpi = ''",
    "joined": "select 1 from {schema}.county_kpi as k left join {mart} as h"
    " on k.county_code = h.county_code and {{}}",
    "asked for": "select 1 from {schema}.county_kpi where exists (select from {mart} where {{}})",
    "named": "with h as not materialized (select * from {mart}) select 1 from h where {{}}"
    " order by household_key limit 1",
    "in a lateral": "select 1 from (values (1), (2)) as v (n) cross join lateral (select from"
    " {mart} where members >= n and {{}}) as x",
}
READERS = {f"bi_county_{COUNTY}": OTHER, f"bi_township_{TOWNSHIP}": COUNTY}
PLAINLY = (
    "reset role; drop policy {0}_reader_{1} on marts.household_month; create policy plain"
    " on marts.household_month for select to {0}_reader_{1} using ({0}_code = '{1}');"
    " set local role {0}_reader_{1}"
)
ROW_BY_ROW = (
    "set local enable_indexscan = off; set local enable_indexonlyscan = off;"
    " set local enable_bitmapscan = off"
)


@contextmanager
def hidden(admin_url: str, reader: str, is_there: bool = True) -> Iterator[psycopg.Connection]:
    """The reader's session, after a household of another county or township was listed, or not."""
    county = READERS[reader]
    with psycopg.connect(admin_url) as admin:
        if is_there:
            admin.execute(
                "insert into marts.household_month (period, household_key, county_code,"
                " township_code, monitored_ym, members, cleared_ym, is_moved_in, is_relapsed,"
                " is_high_burden, is_new) values"
                " (%s, %s, %s, %s, '209901', 77, '209912', true, true, true, false)",
                [PERIOD, KEY, county, f"{county}009"],
            )
        admin.execute(f"set local role {reader}; {ROW_BY_ROW}".encode())
        yield admin
        admin.rollback()


def fails(session: psycopg.Connection, query: str, name: str) -> bool:
    try:
        with session.transaction(force_rollback=True):
            session.execute(_asked(query, name).encode())
    except psycopg.errors.DivisionByZero:
        return True
    return False


def runs(session: psycopg.Connection, query: str, name: str) -> list[int]:
    """How often each subquery of the statement was run, as EXPLAIN ANALYZE has it."""
    asked = _asked(query, name).replace(FAILS, "(select true)")
    ((plan,),) = one(session, f"explain (analyze, format json) {asked}")
    return [
        node["Actual Loops"]
        for node in _nodes(plan)
        if node.get("Parent Relationship") == "InitPlan"
    ]


def _asked(query: str, name: str) -> str:
    return query.format(CONDITIONS[name].format(key=KEY, when=WHEN_A_ROW_COMES, fails=FAILS))


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for each in plan:
            yield from _nodes(each)
    elif isinstance(plan, dict):
        yield plan
        for each in plan.values():
            yield from _nodes(each)


@pytest.fixture(params=QUERIES)
def query(request: pytest.FixtureRequest) -> str:
    return QUERIES[request.param]


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("reader", READERS)
def test_attack_a_subquery_does_not_tell_that_a_hidden_row_came_to_it(
    reader: str, name: str, query: str, admin_url: str
) -> None:
    schema = f"marts_{reader.rsplit('_', 1)[1]}"
    of_view = query.format(schema=schema, mart=f"{schema}.household_month")
    ran = []
    for is_there in (True, False):
        with hidden(admin_url, reader, is_there) as session:
            assert not fails(session, of_view, name)
            ran.append(runs(session, of_view, name))
    assert ran[0] == ran[1]


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("reader", READERS)
def test_the_control_a_plain_policy_does_not_keep_it_from_telling(
    reader: str, name: str, admin_url: str
) -> None:
    _, of, code = reader.split("_")
    told = set()
    with hidden(admin_url, reader) as session:
        session.execute(PLAINLY.format(of, code).encode())
        for kind, each in QUERIES.items():
            if fails(session, each.format(schema="marts", mart="marts.household_month"), name):
                told.add(kind)
    assert {"plain", "beside itself"} <= told
    with hidden(admin_url, reader, is_there=False) as session:
        session.execute(PLAINLY.format(of, code).encode())
        asked = QUERIES["plain"].format(schema="marts", mart="marts.household_month")
        assert not fails(session, asked, name)


@pytest.mark.parametrize("reader", READERS)
def test_the_control_a_policy_alone_does_not_keep_a_union_from_telling(
    reader: str, admin_url: str
) -> None:
    """Not even ours: what the view is for."""
    asked = QUERIES["beside itself"].format(schema="marts", mart="marts.household_month")
    with hidden(admin_url, reader) as session:
        reads = f"reset role; grant select on marts.household_month to {reader};"
        own = f" alter policy {reader[3:].replace('_', '_reader_')} on marts.household_month"
        session.execute(f"{reads}{own} to {reader}; set local role {reader}".encode())
        assert fails(session, asked, "what is true")


@pytest.mark.parametrize("setting", ["default", "0", "1e10"])
@pytest.mark.parametrize("reader", READERS)
def test_a_policy_s_guard_is_the_first_condition(
    reader: str, setting: str, query: str, admin_url: str
) -> None:
    schema = f"marts_{reader.rsplit('_', 1)[1]}"
    with hidden(admin_url, reader) as session:
        session.execute(f"set local cpu_operator_cost = {setting}".encode())
        for name in CONDITIONS:
            asked = _asked(query.format(schema=schema, mart=f"{schema}.household_month"), name)
            plan = one(session, f"explain (format json) {asked}")[0]
            scans = [n for n in _nodes(plan) if n.get("Relation Name") == "household_month"]
            assert scans
            for scan in scans:
                assert re.match(r"\(+'{\"\d+\": true}'::jsonb\)\[", scan["Filter"]), (
                    asked,
                    scan["Filter"],
                )
