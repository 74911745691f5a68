"""Changes of closed months: within their limits, beyond them, approved, refused, answered once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from include.approval import (
    APPROVE,
    REFUSE,
    Limit,
    answer,
    beyond_limits,
    closes_at,
    is_answered,
    is_closed,
    limit_of,
    limits,
    record_airflow,
    requests,
    to_build,
)
from include.cli.main import app
from include.difference import Change
from include.errors import ApprovalNeeded, ApprovalRefused
from include.holds import let_go
from include.notices import register_says
from include.publication_log import Version
from include.publications import lines
from include.publish import ask, publish
from include.rollback import rollback
from include.settings import PROJECT_ROOT
from tests.unit.publications import (
    CLOSED,
    COUNTIES,
    OPEN,
    PERIOD,
    Row,
    fill,
    household_rows,
    passed,
    published,
    shown,
)


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def corrected(counties: int, each: int = 10) -> list[Row]:
    """So many counties with other wages."""
    return [
        (*row[:3], 200, row[4]) if row[2] in COUNTIES[:counties] else row
        for row in household_rows(each)
    ]


def waiting(db: psycopg.Connection) -> int:
    """A build beyond the limits that was refused for want of an approval."""
    published(db, household_rows(10))
    fill(db, corrected(3))
    build_id = passed(db)
    with pytest.raises(ApprovalNeeded):
        publish(build_id, now=CLOSED)
    return build_id


@pytest.mark.parametrize(
    ("count", "of", "passes"),
    [
        (0, 0, True), (3, 0, True), (4, 0, False),  # few rows pass whatever they are of
        (3, 4, True), (4, 4, False),
        (24, 100, True), (25, 100, True), (26, 100, False),
    ],
)  # fmt: skip
def test_a_limit_is_rows_or_share_whichever_is_more(count: int, of: int, passes: bool) -> None:
    assert Limit(3, 0.25).allows(count, of) is passes


def test_the_seed_has_a_limit_for_each_mart_and_change() -> None:
    models = PROJECT_ROOT / "dbt_project" / "models" / "marts"
    marts = {path.stem for path in models.glob("*.sql")}
    assert {mart for mart, _ in limits()} <= {"*", *marts}
    for mart in marts:
        for change in ("added", "removed", "changed"):
            limit = limit_of(mart, change)
            assert limit.rows >= 0
            assert 0 <= limit.share <= 1, mart


def test_a_month_is_closed_in_the_middle_of_the_next() -> None:
    assert closes_at("2026-02").astimezone(UTC) == CLOSED
    assert closes_at("2026-12").astimezone(UTC) == datetime(2027, 1, 14, 16, tzinfo=UTC)
    assert [is_closed(PERIOD, moment) for moment in (OPEN, CLOSED)] == [False, True]
    assert is_closed("2020-01")


def test_a_mart_of_its_own_kind_is_judged_by_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced = Version(1, PERIOD, 1, 1, {"a": {"rows": 100}, "b": {"rows": 100}}, {}, None, False)
    monkeypatch.setitem(limits(), ("b", "changed"), Limit(0, 0))
    changes = [
        Change("a", "431001", None, 0, 0, 1),
        Change("b", "431001", None, 0, 0, 1),
        Change("b", "431001", "wage", 0, 0, 99),  # columns have no limits
        Change("new", None, None, 100, 0, 0),  # a mart the old version lacks
    ]
    assert [each.mart for each in beyond_limits(replaced, changes)] == ["b"]
    assert beyond_limits(replaced, []) == []


@pytest.mark.parametrize("case", ["first", "open", "one county", "two counties", "the same"])
def test_what_needs_no_approval(db: psycopg.Connection, case: str) -> None:
    if case != "first":
        published(db, household_rows(10), now=CLOSED)
    counties = {"open": 11, "one county": 1, "two counties": 2}.get(case, 0)
    fill(db, corrected(counties))
    build_id = passed(db)
    now = OPEN if case == "open" else CLOSED
    assert ask(build_id, now=now) is None
    publish(build_id, now=now)
    assert shown(db) == shown(db, "candidate")
    assert requests(db, answered=True) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (corrected(3), "30 of 110 rows (27%) changed; at most 25% or 3 rows"),
        (household_rows(9), "11 of 110 rows (10%) removed; at most 5% or 3 rows"),
        (household_rows(13), "33 of 110 rows (30%) added"),
    ],
)
def test_what_is_beyond_waits_and_the_old_month_stays(
    db: psycopg.Connection, rows: list[Row], words: str
) -> None:
    published(db, household_rows(10))
    before = shown(db)
    fill(db, rows)
    build_id = passed(db)
    with pytest.raises(ApprovalNeeded) as needed:
        publish(build_id, now=CLOSED)
    assert words in needed.value.what
    assert f"approval approve {build_id} " in needed.value.remedy
    assert shown(db) == before
    assert shown(db, "archive") == []
    (found,) = requests(db)
    assert (found.build_id, found.period, found.answer) == (build_id, PERIOD, None)
    last = lines(db, PERIOD)[-1]
    assert (last.state, last.version) == ("blocked", 2)
    notice = next(n for n in register_says(db, CLOSED) if n.kind == "blocked")
    assert words in notice.what
    assert "./warehouse approval list" in notice.remedy


def test_it_is_published_when_approved(db: psycopg.Connection) -> None:
    build_id = waiting(db)
    answer(db, build_id, "approved", "the county sent all again", "li", "cli")
    publish(build_id, now=CLOSED)
    assert shown(db) == shown(db, "candidate")
    last = lines(db, PERIOD)[-1]
    assert (last.state, last.version, last.by) == ("published", 2, "li")
    assert last.reason == "the county sent all again"
    assert to_build(db) == []


def test_a_build_that_gives_the_same_again_is_covered(db: psycopg.Connection) -> None:
    build_id = waiting(db)
    assert to_build(db) == []
    answer(db, build_id, "approved", "known", "li", "cli")
    assert [period for period, _ in to_build(db)] == [PERIOD]
    fill(db, corrected(3))
    publish(passed(db), now=CLOSED)
    assert lines(db, PERIOD)[-1].state == "published"


def test_a_build_that_gives_something_else_is_asked_about_anew(db: psycopg.Connection) -> None:
    answer(db, waiting(db), "approved", "known", "li", "cli")
    fill(db, corrected(4))
    with pytest.raises(ApprovalNeeded):
        publish(passed(db), now=CLOSED)


def test_an_approval_is_for_the_version_it_replaces(db: psycopg.Connection) -> None:
    """What was rolled back does not come again by an old approval."""
    build_id = waiting(db)
    answer(db, build_id, "approved", "known", "li", "cli")
    publish(build_id, now=CLOSED)
    rollback(PERIOD, reason="it was wrong", by="li")
    let_go(db, PERIOD, "sent again", "li")
    fill(db, corrected(3))
    with pytest.raises(ApprovalNeeded):
        publish(passed(db), now=CLOSED)


def test_a_refused_build_is_not_published_and_says_who(db: psycopg.Connection) -> None:
    build_id = waiting(db)
    answer(db, build_id, "refused", "wrong month", "wang", "airflow")
    with pytest.raises(ApprovalNeeded, match=r"wang refused build \d+ \(wrong month\)"):
        publish(build_id, now=CLOSED)
    assert "wang refused" in (lines(db, PERIOD)[-1].reason or "")
    assert to_build(db) == []
    fill(db, corrected(3))
    with pytest.raises(ApprovalNeeded, match="needs an approval"):  # built again: asked again
        publish(passed(db), now=CLOSED)


def test_who_answers_first_counts(db: psycopg.Connection) -> None:
    build_id = waiting(db)
    answer(db, build_id, "refused", "no", "wang", "airflow")
    with pytest.raises(ApprovalRefused, match="was refused by wang already: no"):
        answer(db, build_id, "approved", "yes", "li", "cli")


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_answer_needs_a_reason_and_a_question(db: psycopg.Connection, reason: str) -> None:
    build_id = waiting(db)
    with pytest.raises(ApprovalRefused, match="has no reason"):
        answer(db, build_id, "approved", reason, "li", "cli")
    with pytest.raises(ApprovalRefused, match="no approval was asked for build 99"):
        answer(db, 99, "approved", "yes", "li", "cli")
    assert [each.build_id for each in requests(db)] == [build_id]


def test_a_request_that_was_overtaken_waits_no_more(db: psycopg.Connection) -> None:
    waiting(db)
    published(db, corrected(1), now=CLOSED)
    assert requests(db) == []
    assert len(requests(db, answered=True)) == 1


def test_asking_twice_is_one_question(db: psycopg.Connection) -> None:
    build_id = waiting(db)
    words = ask(build_id, "run-1", now=CLOSED)
    assert words is not None
    assert "30 of 110" in words
    assert [(each.build_id, each.run_id) for each in requests(db)] == [(build_id, "run-1")]
    assert len(lines(db, PERIOD)) == 2


def on_the_page(option: str, reason: str | None, by: str | None = "admin") -> dict[str, Any]:
    """What Airflow's task has for an answer; nobody: its own at the end of its time."""
    return {
        "chosen_options": [option],
        "params_input": {"reason": reason},
        "responded_by_user": by and {"id": by, "name": by},
    }


def test_an_answer_on_airflows_page_is_the_same_record(db: psycopg.Connection) -> None:
    build_id = waiting(db)
    assert not is_answered(build_id)
    record_airflow(build_id, None)
    record_airflow(build_id, on_the_page(REFUSE, None, by=None))
    with pytest.raises(ApprovalRefused, match="has no reason"):
        record_airflow(build_id, on_the_page(APPROVE, None))
    assert not is_answered(build_id)
    record_airflow(build_id, on_the_page(APPROVE, "known"))
    (found,) = requests(db, answered=True)
    assert (found.answer, found.reason, found.answered_by, found.answered_in) == (
        *("approved", "known", "admin", "airflow"),
    )
    record_airflow(build_id, on_the_page(REFUSE, "late"))
    assert requests(db, answered=True) == [found]
    publish(build_id, now=CLOSED)


def test_the_commands(db: psycopg.Connection) -> None:
    run = CliRunner().invoke
    assert "Nothing waits" in run(app, ["approval", "list"]).output
    build_id = waiting(db)
    assert f"build {build_id}, {PERIOD}: waits since" in run(app, ["approval", "list"]).output
    told = ["approval", "approve", str(build_id), "--reason", "known", "--actor", "li", "--json"]
    done = json.loads(run(app, told).output)
    assert (done["answer"], done["answered_in"], done["answered_by"]) == ("approved", "cli", "li")
    assert done["airflow_goes_on"] is False
    assert json.loads(run(app, ["approval", "list", "--json"]).output) == []
    assert len(json.loads(run(app, ["approval", "list", "--all", "--json"]).output)) == 1
    with pytest.raises(ApprovalRefused):
        run(app, ["approval", "refuse", str(build_id), "--reason", "no"], catch_exceptions=False)
