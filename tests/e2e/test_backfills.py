"""A part of a month again, by the command and by Airflow's own: the same marts as the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from include.services.airflow_environment import airflow_environment
from tests.e2e.conftest import Stage, correct_income
from tests.e2e.municipality import Municipality, Rows, by_content, deliveries, published

MONTH, NEXT = "2026-02", "2026-03"
NARROW, BY_HAND = "431023", "431081"
"""Counties whose corrections come by the command and by Airflow's own backfill."""


@dataclass(frozen=True)
class Corrected:
    """The marts after a county's correction of a month, by a part of the month's deliveries and by
    all of them, and what was told of it."""

    part: dict[str, Rows]
    whole: dict[str, Rows]
    told: Any = None


def corrected(municipality: Municipality, told: Any, elsewhere: str) -> Corrected:
    """Have all sources bring the months into a copy from before the correction, and compare."""
    names = municipality.query(
        "select delivery_id, concat_ws('-', kind, county_code, period, sha256) from ops.delivery"
    )
    part = by_content(municipality.marts(), dict(names))
    for month in (MONTH, NEXT):
        municipality.build_elsewhere(elsewhere, month)
    with psycopg.connect(elsewhere) as connection:
        whole = by_content(published(connection), deliveries(connection))
    return Corrected(part, whole, told)


def send_correction(municipality: Municipality, county: str) -> None:
    """Put it into the drop, so new that the look into the drops leaves it alone for a while."""
    correct_income(municipality, MONTH, county, time.time() + 50)


@pytest.fixture(scope="module")
def narrow(backfill: Stage) -> Corrected:
    """One county's correction by the command."""
    municipality = backfill.municipality
    elsewhere = municipality.copy("whole_after_the_command")
    send_correction(municipality, NARROW)
    done = municipality.run(
        *("backfill", MONTH, MONTH, "--county", NARROW, "--reason", "one county's", "--json")
    )
    assert done.code == 0, done.stderr[-3000:]
    return corrected(municipality, json.loads(done.stdout), elsewhere)


@pytest.fixture(scope="module")
def by_hand(backfill: Stage, narrow: Corrected) -> Corrected:
    """Another county's by Airflow's own command, and what follows by itself."""
    municipality = backfill.municipality
    elsewhere = municipality.copy("whole_after_airflows_own")
    ((before,),) = municipality.query("select max(publication_id) from ops.publication")
    send_correction(municipality, BY_HAND)
    conf = json.dumps({"county": BY_HAND, "reason": "by hand"})
    with municipality.as_settings():
        environment = os.environ | airflow_environment()
    subprocess.run(
        [
            *(sys.executable, "-m", "airflow", "backfill", "create"),
            *("--dag-id", "county_delivery", "--dag-run-conf", conf),
            *("--from-date", f"{MONTH}-01", "--to-date", f"{MONTH}-01"),
            *("--reprocess-behavior", "completed"),
        ],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    municipality.wait_for(
        "select period, count(*) from ops.publication where state = 'published'"
        f" and publication_id > {before} group by 1 order by 1",
        [(MONTH, 1), (NEXT, 1)],
        within_s=420,
    )
    return corrected(municipality, None, elsewhere)


@pytest.mark.parametrize("way", ["narrow", "by_hand"])
def test_one_county_of_one_source_gives_what_the_whole_gives(
    way: str, request: pytest.FixtureRequest
) -> None:
    found: Corrected = request.getfixturevalue(way)
    for mart, rows in found.whole.items():
        assert found.part[mart] == rows, mart


def test_the_command_tells_and_keeps_what_it_changed(backfill: Stage, narrow: Corrected) -> None:
    record = narrow.told["backfill"]
    assert (record["state"], record["county_code"], list(record["airflow_backfills"])) == (
        "done",
        NARROW,
        ["county_delivery"],
    )
    changed = {(c["mart"], c["period"], c["county_code"]): c for c in narrow.told["changes"]}
    household = changed["household_month", MONTH, NARROW]
    assert (household["added"], household["changed"], household["removed"]) == (0, 1, 0)
    assert {period for _, period, _ in changed} <= {MONTH, NEXT}
    assert backfill.municipality.query(
        "select p.period, b.is_cascaded from ops.backfill_publication as b"
        " inner join ops.publication as p using (publication_id)"
        f" where backfill_id = {record['backfill_id']} order by 1"
    ) == [(MONTH, False), (NEXT, True)]
    assert backfill.municipality.query(
        "select d.kind, d.county_code, d.period from ops.delivery as d where received_at >"
        f" '{record['requested_at']}' and received_at < '{record['ended_at']}'"
    ) == [("county_income", NARROW, MONTH)]


def test_all_of_them_are_on_record(backfill: Stage, by_hand: Corrected) -> None:
    municipality = backfill.municipality
    refused = municipality.run("backfill", MONTH, MONTH, "--reason", " ")
    assert refused.code == 2
    done = municipality.run("backfills", "--json")
    assert done.code == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    told = [(each["reason"], each["state"], each["refused_by"]) for each in found]
    assert told[:4] == [
        (" ", "refused", "empty_reason"),
        ("by hand", "done", None),
        ("one county's", "done", None),
        ("corrected income", "done", None),
    ]
    assert {each["requested_by"] for each in found} != {None}
    for each in found[1:4]:
        assert each["marts"]["household_month"]["changed"] >= 1


def test_a_dry_run_says_what_a_backfill_touches(backfill: Stage, by_hand: Corrected) -> None:
    municipality = backfill.municipality
    before = municipality.query("select count(*) from ops.backfill")
    done = municipality.run(
        *("backfill", MONTH, MONTH, "--source", "county", "--reason", "what if"),
        *("--dry-run", "--json"),
    )
    assert done.code == 0, done.stderr[-3000:]
    plan = json.loads(done.stdout)
    income = next(each for each in plan["deliveries"] if each["kind"] == "county_income")
    assert (income["owed"], income["known"], income["not_in_landing"]) == (11, 11, 0)
    assert [each["period"] for each in plan["later"]] == [NEXT]
    assert {"household_month", "county_scorecard"} <= set(plan["marts"]) <= set(plan["models"])
    assert 0 < plan["seconds"] < plan["seconds_with_later"]
    assert municipality.query("select count(*) from ops.backfill") == before
