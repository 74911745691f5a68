"""A part of a month again, by the command and by Airflow's own: the same marts as the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from include.services.airflow_environment import airflow_environment
from tests.e2e.conftest import correct_income
from tests.e2e.municipality import (
    Municipality,
    Rows,
    by_content,
    deliveries,
    published,
    published_months,
)

MONTH, NEXT = "2026-02", "2026-03"
NARROW, BY_HAND, ALONE = "431023", "431081", "431021"
"""Counties whose corrections of the month come by the command, by Airflow's own backfill, and by
the command without cascade."""


@dataclass(frozen=True)
class After:
    """What is published after a backfill, and what the command told of it."""

    marts: dict[str, Rows]
    told: Any = None


@pytest.fixture(scope="module")
def municipality() -> Iterator[Municipality]:
    """Two published months."""
    with published_months(MONTH, NEXT) as found:
        yield found


@pytest.fixture(scope="module")
def before(municipality: Municipality) -> str:
    """A second warehouse, as it was before the corrections; its URL."""
    return municipality.copy("before_the_corrections")


def send_correction(municipality: Municipality, county: str) -> None:
    """Put it into the drop, so new that the look into the drops leaves it alone for a while."""
    correct_income(municipality, MONTH, county, time.time() + 50)


@pytest.fixture(scope="module")
def narrow(municipality: Municipality, before: str) -> After:
    """One county's correction by the command."""
    send_correction(municipality, NARROW)
    done = municipality.run(
        *("backfill", MONTH, MONTH, "--county", NARROW, "--reason", "one county's", "--json")
    )
    assert done.code == 0, done.stderr[-3000:]
    return After(municipality.marts(), json.loads(done.stdout))


@pytest.fixture(scope="module")
def by_hand(municipality: Municipality, narrow: After) -> After:
    """Another county's by Airflow's own command, and what follows by itself."""
    ((last,),) = municipality.query("select max(publication_id) from ops.publication")
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
        f" and publication_id > {last} group by 1 order by 1",
        [(MONTH, 1), (NEXT, 1)],
        within_s=600,
    )
    return After(municipality.marts())


@pytest.fixture(scope="module")
def alone(municipality: Municipality, by_hand: After) -> After:
    """A third county's by the command, which leaves the next month as it is."""
    send_correction(municipality, ALONE)
    done = municipality.run(
        *("backfill", MONTH, MONTH, "--source", "county", "--no-cascade"),
        *("--reason", "only this month", "--json"),
    )
    assert done.code == 0, done.stderr[-3000:]
    return After(municipality.marts(), json.loads(done.stdout))


def test_a_part_gives_what_the_whole_gives(
    municipality: Municipality, before: str, by_hand: After
) -> None:
    """Of two counties' corrections one came by the command and one by Airflow's own backfill."""
    names = municipality.query(
        "select delivery_id, concat_ws('-', kind, county_code, period, sha256) from ops.delivery"
    )
    part = by_content(by_hand.marts, dict(names))
    for month in (MONTH, NEXT):
        municipality.build_elsewhere(before, month)
    with psycopg.connect(before) as connection:
        whole = by_content(published(connection), deliveries(connection))
    assert set(part) == set(whole)
    for mart, rows in whole.items():
        assert part[mart] == rows, mart


def test_the_command_tells_and_keeps_what_it_changed(
    municipality: Municipality, narrow: After
) -> None:
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
    assert municipality.query(
        "select p.period, b.is_cascaded from ops.backfill_publication as b"
        " inner join ops.publication as p using (publication_id)"
        f" where backfill_id = {record['backfill_id']} order by 1"
    ) == [(MONTH, False), (NEXT, True)]
    assert municipality.query(
        "select d.kind, d.county_code, d.period from ops.delivery as d where received_at >"
        f" '{record['requested_at']}' and received_at < '{record['ended_at']}'"
    ) == [("county_income", NARROW, MONTH)]


def test_without_cascade_the_next_month_stays_and_says_so(
    municipality: Municipality, by_hand: After, alone: After
) -> None:
    assert {change["period"] for change in alone.told["changes"]} == {MONTH}
    for mart, rows in alone.marts.items():
        for key, row in rows.items():
            if key[0] == NEXT:
                assert row | {"stale_since": None} == by_hand.marts[mart][key] | {
                    "stale_since": None
                }
    stale = {
        (key[0], row["stale_since"] is not None)
        for key, row in alone.marts["county_scorecard"].items()
    }
    assert stale == {(MONTH, False), (NEXT, True)}
    assert municipality.query(
        "select p.period, cardinality(m.deliveries) from ops.stale_publication as m"
        " inner join ops.publication as p using (publication_id)"
    ) == [(NEXT, 1)]


def test_all_of_them_are_on_record(municipality: Municipality, alone: After) -> None:
    refused = municipality.run("backfill", MONTH, MONTH, "--reason", " ")
    assert refused.code == 2
    done = municipality.run("backfills", "--json")
    assert done.code == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    # In the order of recording: Airflow's own was found when the next command looked.
    assert [(each["reason"], each["state"], each["refused_by"]) for each in found] == [
        (" ", "refused", "empty_reason"),
        ("only this month", "done", None),
        ("by hand", "done", None),
        ("one county's", "done", None),
        ("the first months", "done", None),
    ]
    for each in found[1:4]:
        assert each["marts"]["household_month"]["changed"] >= 1


def test_a_dry_run_says_what_a_backfill_touches(municipality: Municipality, alone: After) -> None:
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
