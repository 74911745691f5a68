"""Every row of ref_risk_rule, on and beside its threshold, through dbt on a real database."""

from __future__ import annotations

import csv
import operator
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from include import build

PERIOD = "2026-02"
COMPARE = {
    ">=": operator.ge, ">": operator.gt, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
HOUSEHOLDS = {
    "plain": ("ordinary", "none"),
    "once_watched": ("ordinary", "cleared"),
    "ex_poor": ("ex_poor_without_policy", "cleared"),
    "watched": ("ordinary", "in_force"),
    "both": ("ex_poor_with_policy", "in_force"),
}
"""household -> its type and state of monitoring."""
POPULATIONS = {
    "all_rural": set(HOUSEHOLDS),
    "ex_poor": {"ex_poor", "both"},
    "monitored": {"watched", "both"},
    "ex_poor_or_monitored": {"ex_poor", "watched", "both"},
    "other_rural": {"plain", "once_watched"},
}


def seed(name: str) -> list[dict[str, str]]:
    with (build.DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


RULES = seed("ref_risk_rule")


def bound(rule: dict[str, str]) -> Decimal:
    """What the rule's values are compared with in 2026, worked out without dbt."""
    share = Decimal(rule["threshold"])
    base, year = {
        "fixed": ("", ""),
        "share_of_income_line": ("ref_income_line", "2026"),
        "share_of_prev_yr_rural_income": ("ref_rural_income", "2025"),
    }[rule["basis"]]
    if not base:
        return share
    (line,) = (row for row in seed(base) if row["year"] == year)
    return share * Decimal(line["yuan_pp"])


def cases(rule: dict[str, str]) -> Iterator[tuple[str, str, Decimal]]:
    """(subject_key, household_key, value): on, just under and just over, in each household."""
    step = Decimal("0.01") if rule["basis"] != "fixed" or rule["unit"] == "yuan" else Decimal(1)
    if rule["basis"] == "fixed" and rule["unit"] == "share":
        step = Decimal("0.000001")
    for household in HOUSEHOLDS:
        for place, value in (
            ("under", bound(rule) - step), ("on", bound(rule)), ("over", bound(rule) + step)
        ):  # fmt: skip
            yield f"{household}_{place}_{rule['rule_code']}", household, value


def expected() -> set[tuple[str, str]]:
    """(rule_code, subject_key) of every hit; a rule sees its neighbours' cases of its metric."""
    return {
        (rule["rule_code"], subject_key)
        for rule in RULES
        for other in RULES
        if (other["metric"], other["subject"]) == (rule["metric"], rule["subject"])
        for subject_key, household, value in cases(other)
        if household in POPULATIONS[rule["population"]]
        and COMPARE[rule["operator"]](value, bound(rule))
    }


def run(period: str = PERIOD) -> None:
    stated = {"period": period, "known_at": "2100-01-01T00:00:00+00:00", "build_id": "0"}
    stated["seeds_sha256"] = "0123456789abcdef"
    build.dbt(
        "run",
        "--select",
        "risk_rule",
        "risk_hit",
        "alert_standing",
        "risk_alert",
        stated=stated,
    )


@pytest.fixture(scope="module")
def db(warehouse_module: str) -> Iterator[psycopg.Connection[Any]]:
    """A warehouse with the rules' seeds, five households, and every rule's cases as metrics."""
    build.dbt(
        "seed", "--select", "ref_risk_rule", "ref_income_line", "ref_rural_income",
        "ref_alert_answer",
    )  # fmt: skip
    with psycopg.connect(warehouse_module, autocommit=True) as connection:
        connection.execute(
            "create schema if not exists core; create table core.dim_household (household_key text,"
            " county_code text, township_code text, village_code text, household_type text,"
            " monitor_status text); create table core.risk_metric (subject text, subject_key text,"
            " person_key text, household_key text, county_code text, metric text, value numeric,"
            " event_on date, source_rows text[]);"
            " create schema if not exists staging;"
            " create table staging.stg_county_clue (period text, alert_no text,"
            " household_key text, county_code text, received_on date,"
            " verified_on date, reviewed_on date, entered_on date, result text,"
            " reject_reason text, delivery_id bigint, row_no integer)"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into core.dim_household (household_key, county_code, household_type,"
                " monitor_status) values (%s, '431026', %s, %s)",
                [(key, *kind) for key, kind in HOUSEHOLDS.items()],
            )
            cursor.executemany(
                "insert into core.risk_metric (subject, subject_key, person_key, household_key,"
                " county_code, metric, value, source_rows)"
                " values (%s, %s, %s, %s, '431026', %s, %s, array['kind/1/1'])",
                [
                    (
                        rule["subject"], key, key if rule["subject"] == "person" else None,
                        household, rule["metric"], value,
                    )
                    for rule in RULES
                    for key, household, value in cases(rule)
                ],
            )  # fmt: skip
        run()
        yield connection


def test_every_rule_hits_on_its_side_of_the_threshold_and_in_its_population(
    db: psycopg.Connection[Any],
) -> None:
    wanted = expected()
    found = set(db.execute("select rule_code, subject_key from core.risk_hit").fetchall())
    assert found - wanted == set()
    assert wanted - found == set()
    assert {code for code, _ in found} == {rule["rule_code"] for rule in RULES}


def test_every_rule_has_cases_that_do_not_hit() -> None:
    wanted = expected()
    for rule in RULES:
        places = {
            key.split("_")[-2]
            for code, key in wanted
            if code == rule["rule_code"] and key.endswith(rule["rule_code"])
        }
        assert places == {
            ">=": {"on", "over"}, ">": {"over"}, "<": {"under"}, "<=": {"under", "on"},
            "=": {"on"},
        }[rule["operator"]]  # fmt: skip


def test_alerts_are_explained_in_full(db: psycopg.Connection[Any]) -> None:
    alerts = db.execute(
        "select rule_code, explanation_zh, value, seeds_version from candidate.risk_alert"
    ).fetchall()
    assert len(alerts) == len(expected())
    assert all(text and "{" not in text for _, text, *_ in alerts)
    assert {version for *_, version in alerts} == {"0123456789ab"}
    (drop,) = {
        text for code, text, value, *_ in alerts if (code, value) == ("R310", Decimal("0.3"))
    }
    assert drop == "人均纯收入较上月下降30%，达到30%"


def test_a_file_sent_again_raises_no_second_alert(db: psycopg.Connection[Any]) -> None:
    keys = "select array_agg(alert_key order by alert_key) from candidate.risk_alert"
    before = db.execute(keys).fetchone()
    db.execute("update core.risk_metric set source_rows = array['kind/2/1']")
    run()
    assert db.execute(keys).fetchone() == before
    assert db.execute("select distinct source_rows from candidate.risk_alert").fetchall() == [
        (["kind/2/1"],)
    ]


def test_no_rule_is_in_force_before_its_time_and_nothing_comes_of_nothing(
    db: psycopg.Connection[Any],
) -> None:
    run("2021-04")
    assert db.execute("select count(*) from core.risk_rule").fetchone() == (0,)
    assert db.execute("select count(*) from candidate.risk_alert").fetchone() == (0,)
    db.execute("truncate core.risk_metric")
    run()
    assert db.execute("select count(*) from core.risk_rule").fetchone() == (len(RULES),)
    assert db.execute("select count(*) from candidate.risk_alert").fetchone() == (0,)
