"""What a reader learns of rows that a policy hides, without being shown one: PostgreSQL tries some
conditions before the policy's, and a subquery is run when the first row comes to it. Whether it was
run can be seen: it fails, it waits, or EXPLAIN says so.
"""

from __future__ import annotations

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
    "whether a household is anybody's": "household_key = any('{{{0}}}') and {1}",
    "a value of it": "household_key = any('{{{0}}}') and monitored_ym = any('{{209901}}') and {1}",
    "a value of it, by halves": "household_key = any('{{{0}}}')"
    " and monitored_ym > any('{{205001}}') and {1}",
    "a number": "members = any('{{{2}}}') and {1}",
    "what is filled": "cleared_ym is not null and household_type is null and (is_new or {3})",
    "what is true": "is_moved_in and is_relapsed and is_high_burden and (is_new or {3})",
    "what lies in a place": "ctid = '{4}' and household_type is null and (is_new or {3})",
}
"""Each begins with conditions that are cheaper for the planner than an equality."""
READERS = {f"bi_county_{COUNTY}": OTHER, f"bi_township_{TOWNSHIP}": COUNTY}
UNGUARDED = (
    "reset role; drop policy {0} on marts.household_month; create policy {0}"
    " on marts.household_month for select to {0} using ({1}_code = '{2}'); set local role {0}"
)


@contextmanager
def hidden(admin_url: str, reader: str, is_there: bool) -> Iterator[psycopg.Connection]:
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
        admin.execute(f"set local role {reader}".encode())
        admin.execute("set local enable_indexscan = off; set local enable_indexonlyscan = off")
        admin.execute("set local enable_bitmapscan = off")
        yield admin
        admin.rollback()


def place(session: psycopg.Connection) -> str:
    """Where the hidden household lies, or would."""
    with session.transaction(force_rollback=True):
        session.execute("reset role")
        row = session.execute(
            b"select ctid::text from marts.household_month where household_key = %s", [KEY]
        ).fetchone()
    return str(row[0]) if row else "(0,9999)"


def fails(session: psycopg.Connection, condition: str) -> bool:
    try:
        with session.transaction(force_rollback=True):
            session.execute(f"select 1 from marts.household_month where {condition}".encode())
    except psycopg.errors.DivisionByZero:
        return True
    return False


def condition(name: str, session: psycopg.Connection) -> str:
    return CONDITIONS[name].format(KEY, WHEN_A_ROW_COMES, 77, FAILS, place(session))


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("reader", READERS)
def test_attack_a_subquery_does_not_tell_that_a_hidden_row_came_to_it(
    reader: str, name: str, admin_url: str
) -> None:
    with hidden(admin_url, reader, is_there=True) as session:
        assert not fails(session, condition(name, session))
        # The controls: who sees the row, and the reader under the plain policy.
        session.execute("reset role; set local role bi_city")
        assert fails(session, condition(name, session))
        _, of, code = reader.split("_")
        session.execute(UNGUARDED.format(reader, of, code).encode())
        assert fails(session, condition(name, session))
    with hidden(admin_url, reader, is_there=False) as session:
        session.execute("reset role; set local role bi_city")
        assert not fails(session, condition(name, session))


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("reader", READERS)
def test_attack_explain_does_not_say_that_a_subquery_ran(
    reader: str, name: str, admin_url: str
) -> None:
    told = []
    for is_there in (True, False):
        with hidden(admin_url, reader, is_there) as session:
            told.append(runs(session, condition(name, session).replace(FAILS, "(select true)")))
    assert told == [0, 0]
    with hidden(admin_url, reader, is_there=True) as session:
        session.execute("reset role; set local role bi_city")
        assert runs(session, condition(name, session).replace(FAILS, "(select true)")) == 1


def runs(session: psycopg.Connection, condition: str) -> int:
    """How often the condition's subquery was run, as EXPLAIN ANALYZE has it."""
    query = f"explain (analyze, format json) select 1 from marts.household_month where {condition}"
    ((plan,),) = one(session, query)
    (subquery,) = (
        node
        for node in plan["Plan"].get("Plans", [])
        if node.get("Parent Relationship") == "InitPlan"
    )
    return int(subquery["Actual Loops"])


@pytest.mark.parametrize("reader", READERS)
def test_a_policy_s_guard_is_the_first_condition(reader: str, admin_url: str) -> None:
    """Whatever a reader may set, and in whatever kind of query."""
    queries = (
        "select 1 from marts.household_month where {}",
        "select 1 from marts.county_kpi as k left join marts.household_month as h"
        " on k.county_code = h.county_code and {} where k.period = '" + PERIOD + "'",
        "select 1 from (select * from marts.household_month union all"
        " select * from marts.household_month) as u where {}",
        "select 1 from marts.county_kpi where exists (select from marts.household_month where {})",
        "with h as not materialized (select * from marts.household_month)"
        " select 1 from h where {} order by household_key limit 1",
    )
    settings = ("", "set local cpu_operator_cost = 0", "set local cpu_operator_cost = 1e10")
    with hidden(admin_url, reader, is_there=True) as session:
        for setting in settings:
            session.execute(setting.encode())
            for name in CONDITIONS:
                for query in queries:
                    text = query.format(condition(name, session))
                    filters = list(_filters(one(session, f"explain (format json) {text}")[0][0]))
                    assert filters
                    for each in filters:
                        assert each.lstrip("(").startswith("'{\""), (text, each)


def _filters(plan: Any) -> Iterator[str]:
    """Of each scan of the mart."""
    if isinstance(plan, list):
        for each in plan:
            yield from _filters(each)
    elif isinstance(plan, dict):
        if plan.get("Relation Name") == "household_month":
            yield plan.get("Filter", "none")
        for each in plan.values():
            yield from _filters(each)
