"""Notices: what is told, once, to real receivers, and what stays until it can be told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from include.errors import SourceUnavailable
from include.notices import build_is_late, task_failed, task_recovered, tell
from include.readiness import ask
from include.settings import settings
from tests.unit.landed import NAME, query
from tests.unit.register import PERIOD, accept, build, reject, send, send_all

COUNTY = "431026"
DEADLINE = datetime(2026, 3, 5, 10, tzinfo=UTC)


class Hook:
    """A webhook; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 204
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status < 300:
                    hook.got.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Not into the tests' output."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def told(self) -> list[tuple[str, str]]:
        return [(n["kind"], n["subject"]) for each in self.got for n in each["notices"]]


@pytest.fixture
def hook(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    receiver = Hook()
    monkeypatch.setenv("WAREHOUSE_ALERT_WEBHOOK", receiver.url)
    settings.cache_clear()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


class Post:
    """A mail server's inbox."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    late = [each for each in hook.told() if each[1].startswith("late county ")]
    assert late == [("late", f"late county {COUNTY} {PERIOD}")] * told
    tell(now=now)
    assert len(hook.got) == told


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
    tell([build_is_late(PERIOD)])
    assert hook.told() == [("late", f"build {PERIOD}")]


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
