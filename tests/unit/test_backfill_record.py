"""What became of a backfill, told from Airflow's runs and the publication log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.airflow_api import BUILD, PRODUCERS, AirflowBackfill, Run, months_of
from include.backfill import state as states
from include.backfill.plan import estimate
from include.backfill.record import Record, changes, open_record, recorded, refuse
from include.backfill.request import InFlight, Request
from include.backfill.state import Seen, derive
from include.cli.backfill import backfill, backfills
from include.errors import BackfillRefused
from tests.unit.register import accept, build, moment, send

ASKED = moment(10)
COUNTY = "431026"
MINUTE = timedelta(minutes=1)


def record(**how: Any) -> Record:
    return replace(
        Record(
            7, "2026-01", "2026-02", None, None, True, "why", "me", ASKED, "running", None, None,
            None, {},
        ),
        **how,
    )  # fmt: skip


def airflow_backfill(dag_id: str, *, ended: bool = True, **conf: Any) -> AirflowBackfill:
    return AirflowBackfill(
        PRODUCERS.index(dag_id) + 1, dag_id, "2026-01", "2026-02", conf, ASKED,
        ASKED + 9 * MINUTE if ended else None,
    )  # fmt: skip


def run(dag_id: str, period: str, state: str = "success", minute: int = 1) -> Run:
    at = ASKED + minute * MINUTE
    ended = at + MINUTE if state in ("success", "failed") else None
    return Run(dag_id, f"{dag_id} {period} {minute}", period, state, at, at, ended, "me")


BACKFILLS = tuple(airflow_backfill(dag_id) for dag_id in PRODUCERS)
FETCHED = tuple(run(dag_id, period) for dag_id in PRODUCERS for period in ("2026-01", "2026-02"))
BUILT = (run(BUILD, "2026-01", minute=3), run(BUILD, "2026-02", minute=4))
LATER = ("2026-03",)


def state(seen: Seen, minute: float = 5, **how: Any) -> tuple[str, str | None]:
    return derive(record(**how), seen, ASKED + minute * MINUTE)


@pytest.mark.parametrize(
    ("backfills", "minute", "expected"),
    [
        ((), 0, "requested"),
        ((), 5, "requested"),
        ((), 5.1, "failed"),  # the command broke off before Airflow had it
        (BACKFILLS[:1], 5, "running"),
        (BACKFILLS[:1], 5.1, "failed"),
    ],
)
def test_until_airflow_has_it(
    backfills: tuple[AirflowBackfill, ...], minute: float, expected: str
) -> None:
    assert state(Seen(backfills), minute)[0] == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen(BACKFILLS, FETCHED + BUILT), "done"),
        (
            Seen(BACKFILLS, (*FETCHED[1:], *BUILT, run(PRODUCERS[0], "2026-01", "queued"))),
            "running",
        ),
        (Seen(BACKFILLS, (*FETCHED, BUILT[0], run(BUILD, "2026-02", "running"))), "running"),
        (Seen(BACKFILLS, (*FETCHED, BUILT[0], run(BUILD, "2026-02", "failed"))), "failed"),
        (Seen(BACKFILLS, (*FETCHED[1:], *BUILT, run(PRODUCERS[0], "2026-01", "failed"))), "failed"),
        # What failed first and was run again has not failed.
        (Seen(BACKFILLS, (*FETCHED, run(BUILD, "2026-02", "failed", 2), *BUILT)), "done"),
        # A build from before the sources began does not know what they brought.
        (
            Seen(BACKFILLS, (run(BUILD, "2026-01", minute=0), *FETCHED, BUILT[1])),
            "failed",
        ),
        # Later months: due and not sent, under way, sent in vain.
        (Seen(BACKFILLS, FETCHED + BUILT, due=LATER), "running"),
        (Seen(BACKFILLS, FETCHED + BUILT, True, LATER, frozenset(LATER)), "running"),
        (
            Seen(
                BACKFILLS,
                (*FETCHED, *BUILT, run(BUILD, "2026-03", "running", 5)),
                due=LATER,
                sent=frozenset(LATER),
            ),
            "running",
        ),
        (Seen(BACKFILLS, FETCHED + BUILT, due=LATER, sent=frozenset(LATER)), "failed"),
        # The look into the drops has it tried again, a few times.
        (
            Seen(
                BACKFILLS,
                FETCHED + BUILT,
                due=LATER,
                sent=frozenset(LATER),
                retried=frozenset(LATER),
            ),
            "running",
        ),
        (
            Seen(
                BACKFILLS,
                (*FETCHED, BUILT[0], run(BUILD, "2026-02", "failed")),
                retried=frozenset(["2026-02"]),
            ),
            "running",
        ),
    ],
)
def test_from_the_runs(seen: Seen, expected: str) -> None:
    assert state(seen, 9)[0] == expected


def test_without_cascade_later_months_are_not_waited_for() -> None:
    assert state(Seen(BACKFILLS, FETCHED + BUILT, due=LATER), cascades=False) == ("done", None)


@pytest.mark.parametrize(
    ("minute", "ended", "expected"),
    [(6, True, "running"), (6.1, True, "failed"), (6.1, False, "running")],
)
def test_a_build_follows_within_minutes_or_the_gate_waits(
    minute: float, ended: bool, expected: str
) -> None:
    backfills = tuple(airflow_backfill(dag_id, ended=ended) for dag_id in PRODUCERS)
    found, failure = state(Seen(backfills, (*FETCHED, BUILT[0])), minute)
    assert found == expected
    assert failure is None or "no build of 2026-02 followed" in failure


def test_one_source_is_its_own_dag_alone() -> None:
    county = tuple(each for each in (*FETCHED, *BUILT) if each.dag_id in (PRODUCERS[0], BUILD))
    assert state(Seen(BACKFILLS[:1], county), county_code=COUNTY) == ("done", None)
    assert state(Seen(BACKFILLS[:1], county), source="civil_affairs")[0] == "running"


class Airflow:
    """What Airflow would answer."""

    def __init__(self, backfills: tuple[AirflowBackfill, ...], runs: tuple[Run, ...]) -> None:
        self.known, self.all_runs = list(backfills), runs

    def backfills(self) -> list[AirflowBackfill]:
        return self.known

    def runs(self, since: datetime, dag_ids: tuple[str, ...] = (*PRODUCERS, BUILD)) -> list[Run]:
        return [r for r in self.all_runs if r.dag_id in dag_ids and (r.queued_at or since) >= since]

    def latest(self, dag_id: str, limit: int, state: tuple[str, ...] = ()) -> list[Run]:
        return []


Settle = Callable[..., list[Record]]


@pytest.fixture
def settle(warehouse: str) -> Settle:
    def call(*answers: Any) -> list[Record]:
        with psycopg.connect(warehouse) as connection:
            states.settle(connection, Airflow(*answers))  # type: ignore[arg-type]
            return recorded(connection)

    return call


def begin(dsn: str, request: Request) -> int:
    with psycopg.connect(dsn) as connection:
        number = open_record(connection, request, "me")
        connection.execute("update ops.backfill set requested_at = %s", [ASKED])
    return number


def test_no_record_and_no_backfill(settle: Settle) -> None:
    assert settle((), ()) == []


def test_a_command_that_died_leaves_nothing_running(warehouse: str, settle: Settle) -> None:
    number = begin(warehouse, Request("2026-01", "2026-02", "why"))
    backfills = tuple(airflow_backfill(dag_id, backfill=number) for dag_id in PRODUCERS)
    (found,) = settle(backfills, FETCHED)
    assert (found.state, found.ended_at) == ("failed", ASKED + 2 * MINUTE)
    begin(warehouse, Request("2026-01", "2026-02", "again"))
    found = settle((), ())[0]
    assert (found.state, found.failure) == (
        "failed",
        "Airflow has no backfill of civil_affairs_delivery, county_delivery,"
        " health_insurance_delivery: the command broke off",
    )


def test_what_it_led_to_is_on_record(warehouse: str, settle: Settle) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute("delete from ops.backfill")
    for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
        accept(warehouse, send(warehouse, "county_income", COUNTY, period=month))
        build(warehouse, month, moment(9))
    number = begin(warehouse, Request("2026-01", "2026-02", "why"))
    accept(warehouse, send(warehouse, "county_income", COUNTY, at=ASKED), ASKED + MINUTE)
    backfills = tuple(airflow_backfill(dag_id, backfill=number) for dag_id in PRODUCERS)
    assert settle(backfills, FETCHED)[0].state == "failed"
    with psycopg.connect(warehouse) as connection:
        connection.execute("update ops.backfill set state = 'running', ended_at = null")
    for month in ("2026-01", "2026-02"):
        publish(warehouse, month)
    (found,) = settle(backfills, FETCHED + BUILT)
    assert found.state == "running"  # March reads February's income
    publish(warehouse, "2026-03")
    publish(warehouse, "2026-04")
    (found,) = settle(backfills, FETCHED + BUILT)
    assert (found.state, found.airflow_backfills) == (
        "done",
        {dag_id: index for index, dag_id in enumerate(PRODUCERS, start=1)},
    )
    with psycopg.connect(warehouse) as connection:
        assert connection.execute(
            "select p.period, b.is_cascaded from ops.backfill_publication as b"
            " inner join ops.publication as p using (publication_id) order by 1"
        ).fetchall() == [("2026-01", False), ("2026-02", False), ("2026-03", True)]
        assert [tuple(each.values()) for each in changes(connection, number)] == [
            ("household_month", "2026-01", COUNTY, 1, 2, 3),
            ("household_month", "2026-02", COUNTY, 1, 2, 3),
            ("household_month", "2026-03", COUNTY, 1, 2, 3),
        ]


def publish(dsn: str, month: str) -> None:
    """A publication on all that is known by now, and what it changed: rows, and one column."""
    build(dsn, month, ASKED + 2 * MINUTE)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update ops.publication set deliveries = array(select delivery_id"
            " from ops.accepted_delivery where kind = 'county_income' and %(month)s between period"
            " and to_char(to_date(period, 'YYYY-MM') + interval '1 month', 'YYYY-MM'))"
            " where publication_id = (select max(publication_id) from ops.publication)",
            {"month": month},
        )
        connection.execute(
            "insert into ops.publication_change"
            " (publication_id, mart, county_code, column_name, added, changed, removed)"
            " select max(publication_id), 'household_month', %s, name, 1, 2, 3"
            " from ops.publication, unnest(array[null, 'net_income']) as name group by name",
            [COUNTY],
        )


def test_airflows_own_backfills_are_taken_in_once(settle: Settle) -> None:
    narrow = airflow_backfill("county_delivery", county=COUNTY, reason="a hunch")
    plain = airflow_backfill("civil_affairs_delivery", ended=False)
    for _ in range(2):
        second, first = settle((narrow, plain), FETCHED + BUILT)
    assert (first.source, first.county_code, first.reason, first.requested_by, first.state) == (
        "county", COUNTY, "a hunch", "me", "done",
    )  # fmt: skip
    assert (second.source, second.reason, second.requested_at) == (
        "civil_affairs",
        "created in Airflow, which asks for no reason",
        ASKED,
    )


def test_a_refusal_is_kept_with_its_rule(warehouse: str) -> None:
    refusal = BackfillRefused("the reason is empty.", rule="empty_reason", remedy="say why.")
    with psycopg.connect(warehouse) as connection:
        refuse(connection, Request("2026-1", "x", "", "weather", "nowhere"), "me", refusal)
        (found,) = recorded(connection)
    assert (found.state, found.refused_by, found.failure) == (
        "refused",
        "empty_reason",
        "the reason is empty.",
    )
    assert found.ended_at is not None
    with psycopg.connect(warehouse) as connection, pytest.raises(psycopg.errors.CheckViolation):
        open_record(connection, Request("2026-01", "2026-01", " "), "me")


def test_what_is_in_flight(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        assert states.in_flight(connection, Airflow((), ())) == []  # type: ignore[arg-type]
    begin(warehouse, Request("2025-01", "2025-02", "why", county=COUNTY))
    answers = Airflow((airflow_backfill(PRODUCERS[1], ended=False), BACKFILLS[2]), ())
    with psycopg.connect(warehouse) as connection:
        assert states.in_flight(connection, answers) == [  # type: ignore[arg-type]
            InFlight("civil_affairs_delivery", "2026-01", "2026-02"),
            InFlight("county_delivery", "2025-01", "2025-02"),
        ]


@pytest.mark.parametrize(
    ("spent", "later", "expected"),
    [
        ({}, 0, (None, None)),
        ({"build": 50.0}, 0, (None, None)),
        ({"county_delivery": 20.0}, 1, (None, None)),
        # Two months: the slower step of each, and the other one once.
        ({"county_delivery": 20.0, "yb": 99.0, "build": 50.0}, 0, (120.0, 120.0)),
        (
            {"county_delivery": 60.0, "civil_affairs_delivery": 80.0, "build": 50.0},
            2,
            (210.0, 310.0),
        ),
    ],
)
def test_the_estimate(
    spent: dict[str, float], later: int, expected: tuple[float | None, float | None]
) -> None:
    assert estimate(Request("2026-01", "2026-02", "why"), later, spent) == expected


def test_jsonb_keeps_airflows_numbers(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        open_record(connection, Request("2026-01", "2026-01", "why"), "me")
        connection.execute(
            "update ops.backfill set airflow_backfills = %s", [Jsonb({"county_delivery": 3})]
        )
        assert recorded(connection)[0].airflow_backfills == {"county_delivery": 3}


def test_the_command_keeps_what_it_refuses_and_shows_it_without_airflow(
    warehouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    backfills(as_json=True)
    assert json.loads(capsys.readouterr().out) == []
    for dry_run in (False, True):  # what is only asked about is no request
        with pytest.raises(BackfillRefused):
            backfill("2026-03", "2026-02", "why", dry_run=dry_run)
    backfills(as_json=True)
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["state"], found["refused_by"], found["reason"], found["marts"]) == (
        "refused",
        "from_after_to",
        "why",
        {},
    )
    backfills()
    shown = capsys.readouterr()
    assert "why (from_after_to: FROM lies after TO)" in shown.out
    assert "Airflow does not answer" in shown.out


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", ("2026-01", "2026-03")),
        ("2026-01-01T00:00:00Z", "2026-03-31T23:59:59Z", ("2026-01", "2026-03")),
        ("2026-01-01T00:00:01Z", "2026-03-01T00:00:00Z", ("2026-02", "2026-03")),
        ("2025-12-02T00:00:00Z", "2026-01-15T00:00:00Z", ("2026-01", "2026-01")),
        ("2025-11-30T16:00:00Z", "2025-12-31T16:00:00Z", ("2025-12", "2025-12")),
        ("2025-12-01T00:00:00+08:00", "2026-01-01T00:00:00+08:00", ("2025-12", "2025-12")),
    ],
)
def test_the_months_of_airflows_own(first: str, last: str, expected: tuple[str, str]) -> None:
    assert months_of(first, last) == expected
