"""What a county's analyst learns of the others from plans and statistics: what can be told, and
what cannot. PostgreSQL has no switch against EXPLAIN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.access.conftest import COUNTY, OTHER, Login, refused
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
        one(session, f"explain select 1 from marts.{mart} where {condition.format(value)}")[0]
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


@contextmanager
def as_role(admin_url: str, role: str) -> Iterator[psycopg.Connection]:
    """A session of the role, after one household of another county got values of its own."""
    with psycopg.connect(admin_url) as admin:
        admin.execute(
            "update marts.household_month set net_income_pp = 77777.77, monitored_ym = '209901'"
            " where household_key = (select min(household_key) from marts.household_month"
            " where county_code = %s)",
            [OTHER],
        )
        admin.execute(f"set local role {role}".encode())
        yield admin
        admin.rollback()


def passed_over(
    session: psycopg.Connection,
    condition: str,
    by_index: bool = False,
    mart: str = "household_month",
) -> int:
    """Rows that EXPLAIN ANALYZE says were read and left out."""
    session.execute(f"set local enable_seqscan = {'off' if by_index else 'on'}".encode())
    session.execute(f"set local enable_bitmapscan = {'off' if by_index else 'on'}".encode())
    query = f"select 1 from marts.{mart} where {condition}"
    ((plan,),) = one(session, f"explain (analyze, format json) {query}")
    return _removed(plan["Plan"])


def _removed(node: dict[str, Any]) -> int:
    return int(node.get("Rows Removed by Filter", 0)) + sum(map(_removed, node.get("Plans", [])))


def test_attack_explain_analyze_tells_no_value_of_another_county(admin_url: str) -> None:
    """Whatever the condition, all rows of the others are passed over by the policy."""
    conditions = {
        "net_income_pp": ("net_income_pp = 77777.77", "net_income_pp = 77777.78"),
        "an order": ("net_income_pp > 70000", "net_income_pp > 80000"),
        "monitored_ym": ("monitored_ym = '209901'", "monitored_ym = '209902'"),
        "the county": (f"county_code = '{OTHER}'", "county_code = '431099'"),
    }
    with as_role(admin_url, ANALYST) as county:
        for name, (theirs, nobodys) in conditions.items():
            for by_index in (False, True):
                told = {passed_over(county, each, by_index) for each in (theirs, nobodys)}
                assert len(told) == 1, name
    with as_role(admin_url, "bi_city") as city:  # who sees the rows sees the difference
        for theirs, nobodys in conditions.values():
            assert passed_over(city, theirs) < passed_over(city, nobodys)


def test_explain_analyze_does_tell_how_many_others_there_are_and_whether_a_key_is_theirs(
    admin_url: str,
) -> None:
    """Not which county's. docs/privacy.md says so."""
    with psycopg.connect(admin_url) as admin:
        everybody, own = one(
            admin,
            "select count(*), count(*) filter (where county_code = %s) from marts.household_month",
            COUNTY,
        )
        by_county = "select county_code, min(household_key) from marts.household_month group by 1"
        keys: dict[str, str] = dict(admin.execute(by_county.encode()).fetchall())
        findings = admin.execute(
            "select rule_code, count(*) filter (where county_code <> %s) from marts.data_finding"
            " group by 1",
            [COUNTY],
        ).fetchall()
    key = f"period = '{PERIOD}' and household_key = '{{}}'"
    rule = f"period = '{PERIOD}' and rule_code = '{{}}'"
    with as_role(admin_url, ANALYST) as county:
        assert passed_over(county, "true") == everybody - own
        told = {c: passed_over(county, key.format(keys[c]), by_index=True) for c in keys}
        assert told.pop(COUNTY) == passed_over(county, key.format("nobody"), by_index=True) == 0
        assert set(told.values()) == {1}  # the same for each of the other counties
        assert findings
        for code, of_others in findings:
            assert passed_over(county, rule.format(code), True, "data_finding") == of_others


def test_no_index_answers_a_condition_on_what_is_no_part_of_a_mart_s_key(admin_url: str) -> None:
    """Or EXPLAIN ANALYZE would count the others' rows that have a value."""
    with psycopg.connect(admin_url) as admin:
        of_marts = (
            "select count(*), count(*) filter (where i.indisprimary) from pg_index as i inner join"
            " pg_class as c on i.indrelid = c.oid where c.relnamespace = 'marts'::regnamespace"
        )
        everything, keys = one(admin, of_marts)
        assert everything == keys >= 20
        admin.execute("create index on marts.household_month (monitored_ym)")
        assert one(admin, of_marts) == (keys + 1, keys)
        admin.execute(BE.encode())
        told = [passed_over(admin, BY_MONTH.format(each), True) for each in ("202301", "209912")]
        assert told[0] > told[1] == 0  # what the index would tell
        admin.rollback()
