"""Notices: what is told, once, to real receivers, and what stays until it can be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from include.cli.main import app
from include.contracts import kinds_of
from include.errors import GateBlocked, SourceUnavailable
from include.municipality import say_it_recovered, say_what_to_do
from include.notices import build_is_late, task_failed, task_recovered, tell
from include.readiness import ask
from include.settings import settings
from tests.receivers import Hook, Post, free_port
from tests.unit.landed import NAME, query
from tests.unit.register import PERIOD, accept, build, reject, send, send_all

COUNTY = "431026"
DEADLINE = datetime(2026, 3, 5, 10, tzinfo=UTC)


@pytest.fixture
def hook(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    receiver = Hook()
    monkeypatch.setenv("WAREHOUSE_ALERT_WEBHOOK", receiver.url)
    settings.cache_clear()
    yield receiver
    receiver.close()


@pytest.fixture
def inbox(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=free_port())
    controller.start()
    for name, value in (
        ("EMAIL", "duty@example.org, chief@example.org"),
        ("SMTP_PORT", str(controller.port)),
    ):
        monkeypatch.setenv(f"WAREHOUSE_ALERT_{name}", value)
    settings.cache_clear()
    yield post
    controller.stop()


def record(dsn: str) -> list[tuple[Any, ...]]:
    return query(dsn, "select kind, subject, state from ops.notice order by notice_id")


def test_nothing_to_tell(hook: Hook) -> None:
    assert tell() == 0
    assert hook.got == []


def test_without_receivers_it_is_on_record(warehouse: str) -> None:
    delivery = reject(warehouse, send(warehouse, "county_income", COUNTY))
    assert tell() == 1
    assert record(warehouse) == [
        ("rejected", f"delivery county_income {COUNTY} {PERIOD}", f"delivery {delivery}")
    ]
    assert query(warehouse, "select webhook_at, email_at from ops.notice") == [(None, None)]


def test_a_rejection_is_told_once_to_both(warehouse: str, hook: Hook, inbox: Post) -> None:
    delivery = send(warehouse, "county_income", COUNTY)
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into ops.acceptance (delivery_id, outcome, reasons) values (%s, 'rejected',"
            """ '[{"expected": "all columns are there", "remedy": "send it again."}]')""",
            [delivery],
        )
    assert [tell(), tell()] == [1, 0]
    ((notice,),) = (each["notices"] for each in hook.got)
    assert notice["kind"] == "rejected"
    assert (notice["period"], notice["county_code"]) == (PERIOD, COUNTY)
    assert "收入情况" in notice["what"]
    assert "all columns are there" in notice["what"]
    assert notice["remedy"] == "send it again. A corrected file is taken in by itself."
    ((receivers, mail),) = inbox.got
    assert receivers == ["duty@example.org", "chief@example.org"]
    assert mail["Subject"] == "Warehouse: 1 rejected"
    text = mail.get_payload(decode=True).decode()
    assert "What to do: send it again." in text


def test_a_second_rejection_is_news_and_an_acceptance_ends_it(warehouse: str, hook: Hook) -> None:
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    assert tell() == 1
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    assert tell() == 1
    accept(warehouse, send(warehouse, "county_income", COUNTY))
    assert tell() == 0
    assert [state for _, _, state in record(warehouse)][-1] == "over"
    assert len(hook.told()) == 2
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    assert tell() == 1


@pytest.mark.parametrize(("after", "told"), [(-1, 0), (0, 1), (1, 1)])
def test_who_is_missing_at_the_deadline_is_late(
    warehouse: str, hook: Hook, after: int, told: int
) -> None:
    send_all(warehouse, without=[COUNTY])
    now = DEADLINE + timedelta(microseconds=after)
    ask(PERIOD, "county", now)
    tell(now=now)
    assert hook.told() == [("late", f"late county {COUNTY} {PERIOD}")] * told
    for each in hook.got:
        assert each["notices"][0]["what"] == (
            f"汝城县 ({COUNTY}) has delivered nothing for {PERIOD},"
            " due 2026-03-05 18:00 Beijing time."
        )
    tell(now=now)
    assert len(hook.got) == told


def test_nobody_is_late_before_the_source_has_reported(warehouse: str, hook: Hook) -> None:
    ask(PERIOD, "civil_affairs", DEADLINE)
    tell(now=DEADLINE)
    assert {subject.split()[1] for _, subject in hook.told()} == {"civil_affairs"}


def test_what_a_late_sender_owes_is_named(warehouse: str, hook: Hook) -> None:
    send_all(warehouse, without=[COUNTY])
    for contract in kinds_of("county")[4:]:
        accept(warehouse, send(warehouse, contract.kind, COUNTY))
    ask(PERIOD, "county", DEADLINE)
    tell(now=DEADLINE)
    titles = [contract.title_zh for contract in kinds_of("county")[:3]]
    assert f"has not delivered {', '.join(titles)} and 1 more" in hook.got[0]["notices"][0]["what"]


def test_a_late_sender_who_delivers_is_late_no_more(warehouse: str) -> None:
    send_all(warehouse, without=[COUNTY])
    ask(PERIOD, "county", DEADLINE)
    tell(now=DEADLINE)
    send_all(warehouse, without=[])
    assert tell(now=DEADLINE) == 0
    assert ("late", f"late county {COUNTY} {PERIOD}", "over") in record(warehouse)


def test_a_blocked_month_is_told_until_it_is_published(warehouse: str, hook: Hook) -> None:
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    for state in ("blocked", "blocked", "published", "blocked"):
        build(warehouse, PERIOD, moment, state)
        query(
            warehouse,
            "update ops.publication set reason = 'two rows are wrong' where state = 'blocked'"
            " returning 1",
        )
        tell(now=moment)
    assert hook.told() == [("blocked", f"month {PERIOD}")] * 2
    assert "two rows are wrong" in hook.got[0]["notices"][0]["what"]


def test_a_failed_task_is_told_once_until_it_has_recovered(warehouse: str, hook: Hook) -> None:
    refusal = SourceUnavailable("the drop is silent.", remedy="look at the server.")
    for _ in range(2):
        tell([task_failed("late_deliveries", "take_in", None, refusal)])
    assert len(hook.got) == 1
    assert hook.got[0]["notices"][0]["remedy"] == "look at the server."
    task_recovered("late_deliveries", "due", None)
    tell([task_failed("late_deliveries", "take_in", None, refusal)])
    assert len(hook.got) == 1
    task_recovered("late_deliveries", "take_in", None)
    tell([task_failed("late_deliveries", "take_in", None, refusal)])
    assert len(hook.got) == 2


def test_an_unknown_error_is_named_and_not_quoted(warehouse: str, hook: Hook) -> None:
    tell([task_failed("monthly_build", "dbt", PERIOD, ValueError(f"{NAME} is wrong"))])
    assert NAME not in json.dumps(hook.got, ensure_ascii=False)
    assert "dbt of monthly_build, 2026-02, failed: ValueError" in hook.got[0]["notices"][0]["what"]


def test_a_build_that_takes_too_long_is_told(warehouse: str, hook: Hook) -> None:
    for run_id in ("first", "first", "second"):
        tell([build_is_late(PERIOD, run_id)])
    assert hook.told() == [("late", f"build {PERIOD}")] * 2
    build(warehouse, PERIOD, datetime.now(UTC))
    tell()
    assert record(warehouse)[-1] == ("late", f"build {PERIOD}", "over")


def test_what_a_receiver_does_not_take_is_tried_again(
    warehouse: str, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_ALERT_EMAIL", "duty@example.org")
    monkeypatch.setenv("WAREHOUSE_ALERT_SMTP_PORT", str(free_port()))  # nobody listens
    settings.cache_clear()
    hook.status = 500
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    assert tell() == 1
    assert hook.got == []
    hook.status = 204
    assert tell() == 0
    assert hook.told() == [("rejected", f"delivery county_income {COUNTY} {PERIOD}")]
    assert query(warehouse, "select webhook_at is null, email_at is null from ops.notice") == [
        (False, True)
    ]


def test_airflows_callbacks_tell_of_failures_and_recoveries(warehouse: str, hook: Hook) -> None:
    def context(error: Exception | None, *, map_index: int = -1) -> dict[str, Any]:
        return {
            "exception": error,
            "task_instance": SimpleNamespace(
                dag_id="county_delivery", task_id="fetch_and_load", map_index=map_index
            ),
            "dag_run": SimpleNamespace(partition_key=PERIOD),
        }

    say_what_to_do(context(OSError(NAME), map_index=3))
    say_what_to_do(context(OSError(NAME), map_index=3))
    assert hook.told() == [("failed", f"task county_delivery.fetch_and_load[3] {PERIOD}")]
    say_it_recovered(context(None, map_index=3))
    say_what_to_do(context(OSError(NAME), map_index=3))
    assert len(hook.got) == 2
    # What the register says by itself is not told a second time as a failed task.
    say_what_to_do(context(GateBlocked("blocked.", remedy="look.")))
    assert len(hook.got) == 2


def test_the_command_lists_what_was_told(warehouse: str, hook: Hook) -> None:
    def printed(*arguments: str) -> str:
        return CliRunner().invoke(app, ["readiness", "notices", *arguments]).output

    assert "Nobody had to be told" in printed()
    assert json.loads(printed("--json")) == []
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    tell()
    accept(warehouse, send(warehouse, "county_income", COUNTY))
    tell()
    tell([build_is_late(PERIOD, "run")])
    late, rejected = json.loads(printed("--json"))
    assert (late["kind"], late["over_at"]) == ("late", None)
    assert rejected["over_at"]
    assert "told by webhook" in printed()
    assert json.loads(printed("--json", "--limit", "1")) == [late]


@pytest.mark.parametrize(("hours", "told"), [(23, 1), (25, 0)])
def test_old_news_is_not_told_to_a_new_receiver(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, hook: Hook, hours: int, told: int
) -> None:
    hook.status = 500
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    tell()
    hook.status = 204
    tell(now=datetime.now(UTC) + timedelta(hours=hours))
    assert len(hook.got) == told
