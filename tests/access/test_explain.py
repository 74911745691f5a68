"""What a county's or township's analyst learns of the others from plans and statistics: how many
there are. PostgreSQL has no switch against EXPLAIN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from include.access.enforce import differences, protect
from tests.access.conftest import COUNTY, OTHER, TOWNSHIP, Login, refused
from tests.access.test_rows import ANALYST, one
from tests.expectations.candidate import PERIOD

BE = f"set local role {ANALYST}"
BY_MONTH = "monitored_ym = '{}'"


def test_attack_estimates_of_a_value_that_only_others_have_are_those_of_one_that_nobody_has(
    admin_url: str,
) -> None:
    with psycopg.connect(admin_url) as admin:
        # So many that estimates do not all come to one row.
        admin.execute(
            "insert into marts.household_month (period, household_key, county_code, monitored_ym)"
            " select %s, 'more-' || n, %s, '202301' from generate_series(1, 2000) as n",
            [PERIOD, OTHER],
        )
        admin.execute(f"analyze marts.household_month, marts.county_scorecard; {BE}".encode())
        for mart, condition in (
            ("county_scorecard", "net_income_pp = {}"),
            ("county_scorecard", "net_income_pp < {}"),
            ("household_month", "wage_income > {}"),
            ("household_month", BY_MONTH),
        ):
            assert len(estimates(admin, mart, condition)) == 1, (mart, condition)
        # The control: with statistics of that column the estimates would tell.
        admin.execute(
            "reset role; alter table marts.household_month alter column monitored_ym"
            f" set statistics -1; analyze marts.household_month; {BE}".encode()
        )
        assert len(estimates(admin, "household_month", BY_MONTH)) > 1
        admin.rollback()


def estimates(session: psycopg.Connection, mart: str, condition: str) -> set[str]:
    """How many rows the planner expects of values that some have, and of such as nobody has."""
    return {
        # Of the scan: the view's own line comes before it.
        session.execute(
            f"explain select 1 from marts_{COUNTY}.{mart} where {condition.format(value)}".encode()
        )
        .fetchall()[0][0]
        .rsplit("rows=")[1]
        for value in ("11667.00", "0.5", "202301", "99999999")
    }  # fmt: skip


def test_attack_statistics_of_the_marts_are_read_by_nobody_who_reads_marts(
    login: Login, accessible: str, admin_url: str
) -> None:
    with psycopg.connect(accessible, autocommit=True) as owner:
        owner.execute("analyze marts.household_month")
    kept = "select count(*) from pg_stats where schemaname = 'marts' and attname = %s"
    with psycopg.connect(admin_url) as admin:
        assert one(admin, kept, "period") > (0,)
        assert one(admin, kept, "net_income_pp") == (0,)
        assert one(login(ANALYST), kept, "period") == (0,)
        for catalogue in ("pg_statistic", "pg_authid", "pg_statistic_ext_data"):
            read = f"select count(*) from pg_catalog.{catalogue}"
            with refused():
                one(login(ANALYST), read)
            one(admin, read)


THEIRS, NOBODYS = "7" * 64, "8" * 64
VALUES = (
    "insert into marts.household_month"
    " (period, household_key, county_code, township_code, net_income_pp, monitored_ym)"
    f" values ('{PERIOD}', '{THEIRS}', '{{1}}', '{{0}}', 77777.77, '209901')"
)
"""One household of others, with values of its own."""
PLANS = {
    "as the planner likes": "",
    "row by row": "set local enable_indexscan = off; set local enable_indexonlyscan = off;"
    " set local enable_bitmapscan = off",
    "by an index": "set local enable_seqscan = off; set local enable_bitmapscan = off",
    "by a bitmap": "set local enable_seqscan = off; set local enable_indexscan = off;"
    " set local enable_indexonlyscan = off; set local work_mem = '64kB'",
}
KEYS = {
    "the key": "household_key = '{}'",
    "the key in its month": f"period = '{PERIOD}' and household_key = '{{}}'",
    "one key or another": "household_key = '{}' or household_key = 'x'",
    "a key, or one of a month": "household_key = '{}' or (period = '1999-01'"
    " and household_key = 'x')",
    "a key from a list": "household_key in (values ('{}'), ('x'))",
    "keys in order": "household_key between '{0}' and '{0} '",
}
COLUMNS = {
    "a value": ("net_income_pp = 77777.77", "net_income_pp = 77777.78"),
    "an order": ("net_income_pp > 70000", "net_income_pp > 80000"),
    "a month": ("monitored_ym = '209901'", "monitored_ym = '209902'"),
    "a month from a list": ("monitored_ym = any('{209901}')", "monitored_ym = any('{209902}')"),
    "the county": (f"county_code = '{OTHER}'", "county_code = '431099'"),
}


def told(session: psycopg.Connection, mart: str, condition: str) -> list[object]:
    """All that EXPLAIN ANALYZE counts, and the blocks that were read."""
    query = f"explain (analyze, buffers, format json) select 1 from {mart} where {condition}"
    one(session, query)  # what it reads first is kept
    ((plan,),) = one(session, query)
    nodes = list(_nodes(plan["Plan"]))
    return [_blocks(plan["Plan"]), *(node.get(name) for node in nodes for name in COUNTED)]


COUNTED = (
    "Node Type", "Actual Rows", "Actual Loops", "Rows Removed by Filter", "Heap Fetches",
    "Rows Removed by Index Recheck", "Exact Heap Blocks", "Lossy Heap Blocks", "Index Searches",
)  # fmt: skip


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from _nodes(each)


def _blocks(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def passed_over(session: psycopg.Connection, condition: str) -> int:
    """By the scan below the county's view."""
    query = f"explain (analyze, format json) select 1 from marts_{COUNTY}.household_month where "
    ((plan,),) = one(session, query + condition)
    (scan,) = (each for each in _nodes(plan["Plan"]) if "Relation Name" in each)
    return int(scan.get("Rows Removed by Filter", 0))


READERS = {
    ANALYST: (f"{OTHER}001", OTHER),
    f"bi_township_{TOWNSHIP}": (f"{COUNTY}002", COUNTY),  # of another township of its county
}
MART = "marts.household_month"


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("reader", READERS)
def test_attack_explain_analyze_counts_the_same_whatever_others_have(
    reader: str, plan: str, admin_url: str
) -> None:
    with psycopg.connect(admin_url) as admin:
        admin.execute(VALUES.format(*READERS[reader]).encode())
        conditions = {
            name: (condition.format(THEIRS), condition.format(NOBODYS))
            for name, condition in KEYS.items()
        } | COLUMNS
        admin.execute(f"set local role {reader}; {PLANS[plan]}".encode())
        mart = f"marts_{reader.rsplit('_', 1)[1]}.household_month"
        for name, (has, has_not) in conditions.items():
            assert told(admin, mart, has) == told(admin, mart, has_not), name
        admin.execute(b"reset role; set local role bi_city")
        for name, (has, has_not) in conditions.items():  # who may see, does
            assert told(admin, MART, has) != told(admin, MART, has_not), name
        admin.rollback()


def test_attack_explain_analyze_counts_no_findings_of_others_by_rule(admin_url: str) -> None:
    by_rule = "rule_code = '{}' and household_key > ''"
    with psycopg.connect(admin_url) as admin:
        theirs = admin.execute(
            "update marts.data_finding set rule_code = 'theirs' where county_code <> %s", [COUNTY]
        )
        assert theirs.rowcount > 0
        for plan in PLANS.values():
            admin.execute(f"reset role; {BE}; {plan}".encode())
            theirs_and_nobodys = [
                told(admin, f"marts_{COUNTY}.data_finding", by_rule.format(rule))
                for rule in ("theirs", "nobodys")
            ]
            assert theirs_and_nobodys[0] == theirs_and_nobodys[1]
        admin.rollback()


def test_explain_analyze_does_tell_how_many_others_there_are(admin_url: str) -> None:
    """All of them together: docs/privacy.md says so."""
    with psycopg.connect(admin_url) as admin:
        everybody, own = one(
            admin,
            "select count(*), count(*) filter (where county_code = %s) from marts.household_month",
            COUNTY,
        )
        admin.execute(f"{BE}; {PLANS['row by row']}".encode())
        assert passed_over(admin, "true") == everybody - own > 0


def test_an_index_that_finds_rows_of_others_is_drift_and_tells(owner: psycopg.Connection) -> None:
    assert differences(owner) == []
    owner.execute("set role publisher")
    owner.execute("create index told on marts.household_month (monitored_ym)")
    owner.execute("create index in_part on marts.household_month (period, county_code,"
                  " township_code) where is_new")  # fmt: skip
    owner.execute("create index worked_out on marts.county_kpi (period, (county_code || kpi))")
    owner.execute("create index own on marts.household_month"
                  " (period, county_code, township_code, monitored_ym)")  # fmt: skip
    owner.execute("reset role")
    found = differences(owner)
    assert [(each.state, each.fact.what.split()[0], each.statement) for each in found] == [
        ("extra", "worked_out", None),
        ("extra", "in_part", None),
        ("extra", "told", None),
    ]


def test_what_an_index_on_another_column_would_tell(admin_url: str) -> None:
    with psycopg.connect(admin_url) as admin:
        admin.execute(VALUES.format(*READERS[ANALYST]).encode())
        admin.execute(
            "alter table marts.household_month drop constraint household_month_key;"
            " create index on marts.household_month (monitored_ym);"
            f" {BE}; {PLANS['by an index']}".encode()
        )
        theirs, nobodys = (
            passed_over(admin, BY_MONTH.format(month)) for month in ("209901", "209902")
        )
        assert (theirs, nobodys) == (1, 0)
        admin.rollback()


def test_a_key_that_finds_rows_of_others_is_made_anew(owner: psycopg.Connection) -> None:
    """As a warehouse has it that is older, or a mart that comes to say the township."""
    key = (
        "select array_agg(pg_get_constraintdef(oid)) from pg_constraint"
        " where conrelid = 'marts.household_month'::regclass and contype in ('p', 'u')"
    )
    wanted = one(owner, key)
    assert wanted == (
        ["UNIQUE NULLS NOT DISTINCT (period, county_code, township_code, household_key)"],
    )
    owner.execute("set role publisher")
    owner.execute(
        "alter table marts.household_month drop constraint household_month_key,"
        " add primary key (period, household_key)"
    )
    owner.execute("reset role")
    (drift,) = differences(owner)
    assert drift.fact.kind == "index"
    protect_as_publisher(owner)
    assert (one(owner, key), differences(owner)) == (wanted, [])


def protect_as_publisher(session: psycopg.Connection) -> None:
    session.execute("set role publisher")
    protect(session)
    session.execute("reset role")
