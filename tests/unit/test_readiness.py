"""Gates per source and month: when a month may be built, and what is put on record of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from include import readiness
from include.areas import counties
from include.cli.main import app
from include.contracts import kinds_of
from include.errors import DeliveryMissing, DeliveryRejected, GoAheadRefused
from include.readiness import ask, assess, demand, record_go_ahead, rules
from tests.unit.register import PERIOD, accept, reject, send, send_all

COUNTY = "431026"
DEADLINE = datetime(2026, 3, 5, 10, tzinfo=UTC)  # 18:00 in Beijing
BEFORE, AFTER = DEADLINE - timedelta(microseconds=1), DEADLINE + timedelta(microseconds=1)


def says(dsn: str, now: datetime, source: str = "county") -> readiness.Readiness:
    with psycopg.connect(dsn) as connection:
        return assess(connection, PERIOD, source, now)  # type: ignore[arg-type]


def test_all_judged_opens_before_the_deadline(warehouse: str) -> None:
    send_all(warehouse)
    gate = says(warehouse, BEFORE)
    assert (gate.because, gate.is_open, gate.held_back) == ("complete", True, [])
    assert gate.deadline == DEADLINE


def test_nothing_delivered_waits_and_never_opens_by_itself(warehouse: str) -> None:
    assert says(warehouse, BEFORE).because == "incomplete"
    gate = says(warehouse, AFTER)
    assert (gate.because, gate.is_open) == ("below_minimum", False)
    assert gate.missing == gate.units == tuple(counties())
    assert gate.held_back == list(counties())


@pytest.mark.parametrize(
    ("now", "because"), [(BEFORE, "incomplete"), (DEADLINE, "deadline"), (AFTER, "deadline")]
)
def test_a_missing_county_is_waited_for_until_the_deadline(
    warehouse: str, now: datetime, because: str
) -> None:
    send_all(warehouse, without=[COUNTY])
    gate = says(warehouse, now)
    assert gate.because == because
    assert gate.missing == (COUNTY,)
    assert gate.held_back == [COUNTY]


def test_what_arrived_and_waits_for_its_verdict_is_missing(warehouse: str) -> None:
    send_all(warehouse, without=[COUNTY])
    for contract in kinds_of("county"):
        send(warehouse, contract.kind, COUNTY)
    gate = says(warehouse, BEFORE)
    assert (gate.because, gate.missing) == ("incomplete", (COUNTY,))
    assert {a.state for a in gate.arrivals if a.county_code == COUNTY} == {"not_judged"}


def test_a_rejected_county_stops_nobody_and_is_held_back(warehouse: str) -> None:
    send_all(warehouse, without=[COUNTY])
    for contract in kinds_of("county"):
        delivery = send(warehouse, contract.kind, COUNTY)
        (reject if contract.kind == "county_income" else accept)(warehouse, delivery)
    gate = says(warehouse, BEFORE)
    assert (gate.because, gate.rejected, gate.held_back) == ("complete", (COUNTY,), [COUNTY])
    assert gate.lacking(COUNTY) == ["county_income (收入情况) rejected"]
    accept(warehouse, send(warehouse, "county_income", COUNTY))
    gate = says(warehouse, BEFORE)
    assert (gate.rejected, gate.held_back) == ((), [])


def test_a_file_that_holds_nobody_back_may_be_rejected(warehouse: str) -> None:
    send_all(warehouse, without=[COUNTY])
    for contract in kinds_of("county"):
        delivery = send(warehouse, contract.kind, COUNTY)
        (reject if contract.kind == "county_water" else accept)(warehouse, delivery)
    gate = says(warehouse, BEFORE)
    assert (gate.because, gate.rejected, gate.held_back) == ("complete", (), [])


@pytest.mark.parametrize(
    ("more", "because"), [(-1, "below_minimum"), (0, "deadline"), (1, "deadline")]
)
def test_the_minimum_of_counties(warehouse: str, more: int, because: str) -> None:
    enough = rules()["county"].minimum + more
    send_all(warehouse, without=list(counties())[enough:])
    gate = says(warehouse, AFTER)
    assert len(gate.usable) == enough
    assert gate.because == because


def test_too_many_rejections_wait_for_corrections_or_an_operator(warehouse: str) -> None:
    enough = rules()["county"].minimum - 1
    send_all(warehouse, without=list(counties())[enough:])
    for county in list(counties())[enough:]:
        for contract in kinds_of("county"):
            reject(warehouse, send(warehouse, contract.kind, county))
    assert says(warehouse, BEFORE).because == "below_minimum"
    with pytest.raises(DeliveryRejected, match="fewer are usable than the minimum"):
        demand(PERIOD, "county")
    record_go_ahead(PERIOD, "county", "the fair begins", "somebody")
    assert says(warehouse, BEFORE).because == "operator"
    assert demand(PERIOD, "county").held_back == list(counties())[enough:]


def test_each_kind_of_the_citys_systems_is_needed(warehouse: str) -> None:
    kinds = [contract.kind for contract in kinds_of("civil_affairs")]
    for kind in kinds[1:]:
        accept(warehouse, send(warehouse, kind, "431000"))
    gate = says(warehouse, AFTER, "civil_affairs")
    assert (gate.because, gate.missing) == ("below_minimum", (kinds[0],))
    with pytest.raises(DeliveryMissing, match=rf"{kinds[0]}: {kinds[0]} .* missing"):
        demand(PERIOD, "civil_affairs")
    reject(warehouse, send(warehouse, kinds[0], "431000"))
    with pytest.raises(DeliveryRejected, match=kinds[0]):
        demand(PERIOD, "civil_affairs")
    accept(warehouse, send(warehouse, kinds[0], "431000"))
    assert demand(PERIOD, "civil_affairs").because == "complete"


def test_a_go_ahead_is_of_its_month_and_source(warehouse: str) -> None:
    record_go_ahead("2026-01", None, "another month", "somebody")
    record_go_ahead(PERIOD, "civil_affairs", "another source", "somebody")
    assert says(warehouse, AFTER).because == "below_minimum"
    record_go_ahead(PERIOD, None, "all of it", "somebody")
    assert says(warehouse, AFTER).because == "operator"


def test_another_month_does_not_count(warehouse: str) -> None:
    send_all(warehouse, period="2026-01")
    assert says(warehouse, AFTER).usable == ()


def test_what_a_gate_says_is_recorded_when_it_is_new(warehouse: str) -> None:
    for now in (BEFORE, BEFORE, AFTER):
        ask(PERIOD, "county", now)
    send_all(warehouse)
    for now in (BEFORE, AFTER):
        ask(PERIOD, "county", now)
    with psycopg.connect(warehouse) as connection:
        said = connection.execute(
            "select state, because, cardinality(usable) from ops.readiness order by readiness_id"
        ).fetchall()
    assert said == [("waiting", "incomplete", 0), ("waiting", "below_minimum", 0),
                    ("open", "complete", 11)]  # fmt: skip


@pytest.mark.parametrize(
    ("period", "deadline"),
    [
        ("2026-02", DEADLINE),
        ("2025-12", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("2028-01", datetime(2028, 2, 5, 10, tzinfo=UTC)),
    ],
)
def test_the_deadline_is_a_day_and_hour_of_the_next_month(period: str, deadline: datetime) -> None:
    rule = readiness.Rule(deadline_day=5, deadline_hour=18, minimum=1, verified=False)
    assert readiness.deadline_of(period, rule) == deadline


def test_every_source_has_a_rule_and_it_says_that_it_is_not_verified() -> None:
    assert set(rules()) == set(readiness.SOURCES)
    assert not any(rule.verified for rule in rules().values())


def cli(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["readiness", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_command_shows_who_lacks_what(warehouse: str) -> None:
    assert "Nothing has been delivered" in cli("show")
    send_all(warehouse, without=[COUNTY, "431027"])
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    lines = json.loads(cli("show", "--json"))
    (county,) = (line for line in lines if line["source"] == "county")
    assert county["period"] == PERIOD
    assert county["held_back"] == [COUNTY, "431027"]
    assert (county["because"], county["last_build"]) == ("deadline", None)
    states = {(a["county_code"], a["kind"]): a for a in county["arrivals"]}
    assert states[COUNTY, "county_income"]["state"] == "rejected"
    assert states[COUNTY, "county_income"]["since"]
    assert states["431027", "county_income"] | {"title_zh": ""} == {
        "county_code": "431027", "kind": "county_income", "title_zh": "", "state": "missing",
        "since": None,
    }  # fmt: skip
    table = cli("show")
    assert "收入情况 rejected" in table
    assert "431027: everything missing" in table


def test_the_operators_word_opens_what_waits_and_is_on_record(warehouse: str) -> None:
    printed = cli("go-ahead", PERIOD, "--reason", "the fair begins", "--actor", "somebody")
    assert printed.count("open: an operator said so") == 3
    with psycopg.connect(warehouse) as connection:
        assert connection.execute(
            "select period, source, reason, requested_by from ops.go_ahead"
        ).fetchall() == [(PERIOD, None, "the fair begins", "somebody")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["2026-13", "--reason", "x"], "no month"),
        ([PERIOD, "--reason", " "], "reason is empty"),
        ([PERIOD, "--reason", "x", "--source", "police"], "no source"),
    ],
)
def test_a_go_ahead_without_sense_is_refused(
    warehouse: str, arguments: list[str], words: str
) -> None:
    with pytest.raises(GoAheadRefused, match=words):
        cli("go-ahead", *arguments)


def test_a_go_ahead_for_what_does_not_wait_is_refused(warehouse: str) -> None:
    send_all(warehouse)
    with pytest.raises(GoAheadRefused, match="nothing of 2026-02 waits"):
        cli("go-ahead", PERIOD, "--reason", "x", "--source", "county")
