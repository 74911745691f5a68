"""One bad county of eleven stops nobody, and its correction is published without anybody's hand."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import psycopg

from include.readiness import rules
from tests.e2e.conftest import AWAITED, LATE, SPOILED, Stage
from tests.e2e.municipality import MONTHS, Finished, by_content, deliveries, published
from tests.receivers import Hook

HISTORY = {"arrivals", "versions", "resent", "rejected_versions", "rejection_reasons"}
"""Columns of data_health that tell how a delivery came, whatever counts now."""


def scorecard(stage: Stage) -> dict[str, dict[str, Any]]:
    rows = stage.marts["county_scorecard"].items()
    return {county: row for (period, county), row in rows if period == LATE}


def test_ten_counties_are_published_and_the_rejected_one_is_held_back(one_rejected: Stage) -> None:
    rows = scorecard(one_rejected)
    assert {county for county, row in rows.items() if row["data_status"] == "held_back"} == {
        SPOILED
    }
    assert len(rows) == 11
    held_back = rows[SPOILED]
    assert (held_back["households"], held_back["net_income_pp"]) == (None, None)
    assert held_back["shown_instead_period"] == MONTHS[-1]
    assert held_back["shown_instead_sent_on"].isoformat().startswith("2026-04-0")
    assert one_rejected.municipality.query(
        "select d.kind, a.outcome from ops.acceptance as a inner join ops.delivery as d"
        f" using (delivery_id) where d.county_code = '{SPOILED}' and d.period = '{LATE}'"
        " and a.outcome = 'rejected'"
    ) == [("county_income", "rejected")]


def test_the_gate_and_the_notice_say_so(one_rejected: Stage, put_right: Stage) -> None:
    municipality = put_right.municipality
    assert municipality.query(
        "select because, rejected, missing from ops.readiness"
        f" where period = '{LATE}' and source = 'county' order by readiness_id"
    ) == [("complete", [SPOILED], [])]
    subject = f"delivery county_income {SPOILED} {LATE}"
    municipality.wait_for(
        f"select kind, state = 'over' from ops.notice where subject = '{subject}' order by 1, 2",
        [("rejected", False), ("rejected", True)],
        within_s=180,
    )
    done = municipality.run("readiness", "show", "--period", LATE, "--json")
    (county, _, _) = json.loads(done.stdout)
    assert (county["because"], county["held_back"]) == ("complete", [])


def test_people_are_told_once_and_what_to_do(put_right: Stage, webhook: Hook) -> None:
    subject = f"delivery county_income {SPOILED} {LATE}"
    told = [n for each in webhook.got for n in each["notices"] if n["subject"] == subject]
    (notice,) = told
    assert notice["kind"] == "rejected"
    assert "was rejected: expected that" in notice["what"]
    assert "A corrected file is taken in by itself." in notice["remedy"]


def test_airflows_deadline_alert_tells_of_a_build_that_takes_long(
    put_right: Stage, webhook: Hook
) -> None:
    late = {n["subject"] for each in webhook.got for n in each["notices"] if n["kind"] == "late"}
    assert late >= {f"build {month}" for month in (*MONTHS, LATE)}


def test_the_correction_brings_the_eleventh(one_rejected: Stage, put_right: Stage) -> None:
    assert {row["data_status"] for row in scorecard(put_right).values()} == {"published"}
    assert put_right.municipality.query(
        f"select because, cardinality(deliveries) from ops.month_due where period = '{LATE}'"
    ) == [("inputs_changed", 1)]
    for mart, rows in put_right.marts.items():
        before = one_rejected.marts[mart]
        earlier = {key for key in rows | before if key[0] != LATE}
        assert all(rows.get(key) == before.get(key) for key in earlier), mart


def test_the_end_is_as_if_it_had_been_right_from_the_start(
    put_right: Stage, right_from_the_start: str
) -> None:
    put_right.municipality.build_elsewhere(right_from_the_start, LATE)
    with psycopg.connect(right_from_the_start) as connection:
        right = by_content(published(connection), deliveries(connection))
    with psycopg.connect(right_from_the_start) as connection:
        assert connection.execute(
            f"select state from ops.publication where period = '{LATE}'".encode()
        ).fetchall() == [("published",)]
    found = by_content(
        put_right.marts,
        dict(
            put_right.municipality.query(
                "select delivery_id, concat_ws('-', kind, county_code, period, sha256)"
                " from ops.delivery"
            )
        ),
    )
    once = found["data_health"][LATE, "county", "county_income", SPOILED]
    clean = right["data_health"][LATE, "county", "county_income", SPOILED]
    assert {name for name in once if once[name] != clean[name]} == HISTORY
    assert (once["arrivals"], once["rejected_versions"], clean["arrivals"]) == (2, 1, 1)
    once |= {name: clean[name] for name in HISTORY}
    assert set(found) == set(right)
    for mart, rows in right.items():
        assert found[mart] == rows, mart


def test_a_month_waits_while_too_few_have_delivered(waiting: Finished) -> None:
    assert waiting.code == 2
    assert "the month's gate waits for deliveries" in waiting.stderr
    assert f"readiness go-ahead {AWAITED}" in waiting.stderr


def test_an_operators_word_has_it_built_with_what_has_come(gone_ahead: Stage) -> None:
    rows = [row for (period, _), row in gone_ahead.marts["county_scorecard"].items()
            if period == AWAITED]  # fmt: skip
    shown = Counter((row["data_status"], row["shown_instead_period"]) for row in rows)
    enough = rules()["county"].minimum
    assert shown == {("published", None): enough - 1, ("held_back", LATE): 12 - enough}
    assert gone_ahead.municipality.query(
        f"select because from ops.month_due where period = '{AWAITED}'"
    ) == [("gates_opened",)]
    assert gone_ahead.municipality.query(
        f"select because from ops.readiness where period = '{AWAITED}' and source = 'county'"
        " order by readiness_id"
    ) == [("below_minimum",), ("operator",)]
