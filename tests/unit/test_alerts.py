"""The life cycle of an alert: each step in its order, once, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from include import alerts
from include.alerts import Alert, AlertRefused, Filter, advance, codes, listed
from include.cli.alert import register

KEYS = [digit * 64 for digit in "abc"] + ["a" * 20 + "0" * 44]
ONE, TWO, THREE, LIKE_ONE = KEYS


def number(key: str, month: str = "202602") -> str:
    return f"YJ{month}{key[:12].upper()}"


@pytest.fixture(scope="module")
def published(warehouse_module: str) -> Iterator[psycopg.Connection]:
    """Four published alerts: three of 2026-02, of which two in one county, and one of 2026-03."""
    with psycopg.connect(warehouse_module, autocommit=True) as db:
        with pytest.raises(AlertRefused, match="No month with alerts"):
            listed(Filter())
        db.execute(
            "create schema if not exists marts; create table marts.risk_alert (period text,"
            " alert_key text, rule_code text, rule_name_zh text, severity text, county_code text,"
            " township_code text, is_monitored boolean, value numeric, household_key text,"
            " alert_no text, person_key text);"
            " create table marts.alert_answer (period text, alert_no text,"
            " household_key text, state text, state_on date, result text, result_reason text)"
        )
        with db.cursor() as cursor:
            cursor.executemany(
                "insert into marts.risk_alert values (%s, %s, 'R309', '低于监测线', 'urgent', %s,"
                " '431026100000', false, 1234.56, 'household', %s)",
                [
                    ("2026-02", ONE, "431026", number(ONE)),
                    ("2026-02", TWO, "431026", number(TWO)),
                    ("2026-02", THREE, "431027", number(THREE)),
                    ("2026-03", LIKE_ONE, "431026", "YJ202603AAAAAAAAAAAA"),
                ],
            )  # fmt: skip
        yield db


@pytest.fixture
def db(published: psycopg.Connection) -> psycopg.Connection:
    """All alerts as they were raised."""
    published.execute(
        "alter table ops.alert_event disable trigger all; delete from ops.alert_event;"
        " alter table ops.alert_event enable trigger all; truncate marts.alert_answer"
    )
    return published


def states() -> dict[str, str]:
    return {alert.alert_key: alert.state for alert in listed(Filter())}


def to(state: str, *keys: str, result: str | None = None, reason: str | None = None) -> list[Alert]:
    return advance(keys, Filter(), state, "tester", result, reason)


def test_an_alert_goes_through_its_life(db: psycopg.Connection) -> None:
    assert set(states().values()) == {"raised"}
    assert to("dispatched", ONE)[0].state == "dispatched"
    (checked,) = to("checked", ONE, result="not_included", reason="no_risk")
    assert (checked.state, checked.result, checked.reason) == ("checked", "not_included", "no_risk")
    (closed,) = to("closed", ONE)
    assert (closed.state, closed.result, closed.reason) == ("closed", "not_included", "no_risk")
    assert states() == {ONE: "closed", TWO: "raised", THREE: "raised", LIKE_ONE: "raised"}
    assert db.execute("select state, actor from ops.alert_event order by 1").fetchall() == [
        ("checked", "tester"), ("closed", "tester"), ("dispatched", "tester")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("done", "state"),
    [
        ([], "checked"),
        ([], "closed"),
        (["dispatched"], "dispatched"),
        (["dispatched"], "closed"),
        (["dispatched", "checked"], "dispatched"),
        (["dispatched", "checked"], "checked"),
        (["dispatched", "checked", "closed"], "closed"),
    ],
)
def test_no_step_is_left_out_or_made_twice(
    db: psycopg.Connection, done: list[str], state: str
) -> None:
    outcome = {"checked": "included"}
    for step in done:
        to(step, ONE, result=outcome.get(step))
    before = states()
    with pytest.raises(AlertRefused, match=f"can not become {state}"):
        to(state, ONE, result=outcome.get(state))
    assert states() == before


def test_a_call_is_recorded_as_a_whole_or_not_at_all(db: psycopg.Connection) -> None:
    to("dispatched", TWO)
    with pytest.raises(AlertRefused, match="is dispatched"):
        to("dispatched", ONE, TWO)
    assert states()[ONE] == "raised"
    assert {alert.alert_key for alert in to("dispatched", ONE, ONE, THREE)} == {ONE, THREE}


def test_all_of_a_month_and_county_that_may(db: psycopg.Connection) -> None:
    to("dispatched", TWO)
    done = advance([], Filter(period="2026-02", county_code="431026"), "dispatched", "tester")
    assert [alert.alert_key for alert in done] == [ONE]
    assert advance([], Filter(period="2026-01"), "dispatched", "tester") == []
    assert states() == {
        ONE: "dispatched", TWO: "dispatched", THREE: "raised", LIKE_ONE: "raised"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "result", "reason", "match"),
    [
        ("checked", None, None, "no result"),
        ("checked", "perhaps", None, "no result"),
        ("checked", "not_included", None, "needs a reason"),
        ("checked", "not_included", "张三不同意", "none of the reasons"),
        ("checked", "included", "no_risk", "needs a reason, and no other"),
        ("dispatched", "included", None, "has no result"),
    ],
)
def test_results_and_reasons_are_of_the_code_list(
    db: psycopg.Connection, state: str, result: str | None, reason: str | None, match: str
) -> None:
    if state == "checked":
        to("dispatched", ONE)
    before = states()
    with pytest.raises(AlertRefused, match=match):
        to(state, ONE, result=result, reason=reason)
    assert states() == before


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("d" * 64, "No published alert"),
        ("a" * 12, "More than one alert"),
        ("a" * 11, "is no alert's number or key"),
        ("A" * 64, "is no alert's number or key"),
        ("%" * 12, "is no alert's number or key"),
    ],
)
def test_keys_that_name_no_alert(db: psycopg.Connection, key: str, match: str) -> None:
    with pytest.raises(AlertRefused, match=match):
        to("dispatched", key)


def test_the_beginning_of_a_key_is_enough(db: psycopg.Connection) -> None:
    assert to("dispatched", "a" * 21)[0].alert_key == ONE


def answer(db: psycopg.Connection, key: str, state: str, on: str, **row: str | None) -> None:
    """A published answer of the county to an alert."""
    told = {"period": "2026-03", "alert_no": number(key), "household_key": "household"} | row
    told |= {"state": state, "state_on": on}
    db.execute(
        f"insert into marts.alert_answer ({', '.join(told)})"
        f" values ({', '.join(['%s'] * len(told))})".encode(),
        list(told.values()),
    )


NOT_INCLUDED = {"result": "not_included", "result_reason": "declined"}


def test_what_the_county_answers_counts(db: psycopg.Connection) -> None:
    answer(db, ONE, "dispatched", "2026-03-02")
    answer(db, ONE, "checked", "2026-04-05", period="2026-04", **NOT_INCLUDED)
    answer(db, TWO, "checked", "2026-03-05", household_key="another", **NOT_INCLUDED)
    assert states() == {ONE: "checked", TWO: "raised", THREE: "raised", LIKE_ONE: "raised"}
    (one,) = (alert for alert in listed(Filter()) if alert.alert_key == ONE)
    assert (one.result, one.reason) == ("not_included", "declined")


def test_the_bureau_goes_on_from_the_countys_answer(db: psycopg.Connection) -> None:
    answer(db, ONE, "checked", "2026-03-05", **NOT_INCLUDED)
    (closed,) = to("closed", ONE)
    assert (closed.state, closed.result, closed.reason) == ("closed", "not_included", "declined")
    recorded = db.execute(
        "select state, actor, result, reason from ops.alert_event order by alert_event_id"
    ).fetchall()
    assert recorded == [
        ("dispatched", "county 431026", None, None),
        ("checked", "county 431026", "not_included", "declined"),
        ("closed", "tester", None, None),
    ]


def test_the_bureaus_later_word_on_the_result_counts(db: psycopg.Connection) -> None:
    to("dispatched", ONE)
    to("checked", ONE, result="included")
    answer(db, ONE, "checked", "2026-03-05", **NOT_INCLUDED)
    assert [a.result for a in listed(Filter()) if a.alert_key == ONE] == ["included"]
    db.execute("update marts.alert_answer set state_on = '2999-01-01'")
    assert [a.result for a in listed(Filter()) if a.alert_key == ONE] == ["not_included"]
    answer(db, THREE, "dispatched", "2999-01-01")
    to("checked", THREE, result="included")
    assert [a.result for a in listed(Filter()) if a.alert_key == THREE] == ["included"]


def test_an_alert_is_named_by_its_number(db: psycopg.Connection) -> None:
    assert to("dispatched", number(TWO).lower())[0].alert_key == TWO
    with pytest.raises(AlertRefused, match="No published alert"):
        to("dispatched", number(TWO, "202604"))
    with pytest.raises(AlertRefused, match="is no alert's number or key"):
        to("dispatched", number(TWO)[:-1])


def test_standing_alerts_apart_from_new_ones(published: psycopg.Connection) -> None:
    runs = {
        # county, household and rule: the months of its alerts, and since when each stands
        ("431002", "a", "R1"): {"2026-01": "2026-01", "2026-02": "2026-01", "2026-04": "2026-01"},
        ("431002", "b", "R1"): {"2026-01": "2026-01", "2026-04": "2026-04"},
        ("431002", "a", "R2"): {"2026-02": "2026-02"},
        ("431003", "a", "R1"): {"2026-02": "2026-02", "2026-03": "2026-02"},
    }
    rows = [
        (period, f"{n:064x}", rule, county, household, f"N{n}", since)
        for n, ((county, household, rule), months) in enumerate(runs.items())
        for n, (period, since) in enumerate(months.items(), start=10 * n)
    ]
    with published.cursor() as cursor, published.transaction(force_rollback=True):
        cursor.execute("truncate marts.risk_alert")
        cursor.executemany(
            "insert into marts.risk_alert (period, alert_key, rule_code, rule_name_zh, severity,"
            " county_code, is_monitored, household_key, alert_no)"
            " values (%s, %s, %s, '', 'notice', %s, false, %s, %s)",
            [row[:-1] for row in rows],
        )
        # April follows on February: in March the county shows nothing.
        found = alerts._standing(published, Filter())
        assert {alert.alert_key: alert.since for alert in found} == {r[1]: r[-1] for r in rows}
        new = alerts._standing(published, Filter(is_new=True))
        assert {a.alert_key for a in new} == {r[1] for r in rows if r[0] == r[-1]}


def test_events_are_for_good(db: psycopg.Connection) -> None:
    to("dispatched", ONE)
    for change in (
        "update ops.alert_event set actor = 'other'",
        "delete from ops.alert_event",
        "truncate ops.alert_event",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            db.execute(change)


def test_codes_are_those_the_table_allows(db: psycopg.Connection) -> None:
    checks = " ".join(
        text
        for (text,) in db.execute(
            "select pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = 'ops.alert_event'::regclass"
        )
    )
    for code in [*codes("result"), *codes("state")]:
        assert f"'{code}'" in checks or code == "raised"


def test_the_command_shows_nothing_of_a_person(db: psycopg.Connection) -> None:
    app = typer.Typer()
    register(app)
    call = CliRunner().invoke
    assert "2 alerts now dispatched" in call(
        app, ["alert", "dispatch", "--period", "2026-02", "--county", "431026"]
    ).output  # fmt: skip
    checked = call(app, ["alert", "check", ONE[:12] + "a" * 9, "--result", "included", "--json"])
    assert [alert["state"] for alert in json.loads(checked.output)] == ["checked"]
    shown = call(app, ["alert", "list", "--json"])
    assert len(json.loads(shown.output)) == 4
    for output in (shown.output, call(app, ["alert", "list"]).output):
        assert "1234" not in output and "household" not in output
    assert "4 alerts" in call(app, ["alert", "list"]).output
    nothing_named = call(app, ["alert", "close"])
    assert isinstance(nothing_named.exception, AlertRefused)
    both_named = call(app, ["alert", "close", ONE, "--period", "2026-02"])
    assert isinstance(both_named.exception, AlertRefused)
