"""Two builds, two publishers, a build and a rollback at once: one waits or is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from include.errors import MonthHeld
from include.evaluation.kills.observer import look
from include.gate import audit
from include.locks import CandidateReplaced, begin_candidate, working_schemas
from include.publish import publish as release
from include.rollback import rollback
from tests.conftest import drop_tables
from tests.expectations.candidate import PERIOD, fill, open_build

_WAITERS = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
_GATE = 431777


@pytest.fixture
def db(delivered: str) -> Iterator[psycopg.Connection]:
    """A warehouse with deliveries and no builds."""
    with psycopg.connect(delivered, autocommit=True) as connection:
        drop_tables(connection, "marts", "archive")
        connection.execute("truncate ops.publication, ops.gate_result, ops.build cascade")
        yield connection


def publish(build_id: int) -> int:
    """While the month is not closed: its changes need nobody's approval."""
    return release(build_id, now=datetime(2026, 3, 1, tzinfo=UTC))


def audited(db: psycopg.Connection, wage: int) -> int:
    fill(db, wage=wage)
    build_id = open_build(db)
    audit(build_id)
    return build_id


def view(dsn: str) -> dict[str, str]:
    with psycopg.connect(dsn) as reader:
        return look(reader)


class Beside(threading.Thread):
    """Calls in a thread of its own; ``said`` is what it returned or raised."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self._call = call
        self.said: object = None
        self.start()

    def run(self) -> None:
        try:
            self.said = self._call()
        except Exception as error:  # noqa: BLE001  # looked at by the test
            self.said = error

    def ended(self) -> object:
        self.join()
        return self.said


@contextmanager
def held_between_marts(db: psycopg.Connection, dsn: str) -> Iterator[None]:
    """Whoever writes household_month waits until the end of the context."""
    db.execute(
        "create or replace function quality.hold_up() returns trigger language plpgsql"
        f" as $$ begin perform pg_advisory_xact_lock({_GATE}); return new; end $$;"
        " create or replace trigger hold_up before insert on marts.household_month"
        " for each statement execute function quality.hold_up()".encode()
    )
    with psycopg.connect(dsn) as holder:
        holder.execute("select pg_advisory_lock(%s)", [_GATE])
        yield
    db.execute("drop trigger hold_up on marts.household_month")


def wait_for(db: psycopg.Connection, waiters: int, *threads: Beside) -> None:
    while db.execute(_WAITERS).fetchone() != (waiters,):
        assert all(thread.is_alive() for thread in threads), [t.said for t in threads]


def test_a_candidate_that_another_build_has_taken_is_not_judged_or_published(
    db: psycopg.Connection, delivered: str
) -> None:
    publish(audited(db, 30000))
    build_id = audited(db, 30001)
    old = view(delivered)
    with working_schemas(None):
        begin_candidate(build_id + 1)
    for step in (audit, publish):
        with pytest.raises(CandidateReplaced, match=f"build {build_id} was replaced"):
            step(build_id)
    assert view(delivered) == old


def test_of_two_publishers_one_waits(db: psycopg.Connection, delivered: str) -> None:
    publish(audited(db, 30000))
    old, build_id = view(delivered), audited(db, 30001)
    with held_between_marts(db, delivered):
        first = Beside(lambda: publish(build_id))
        wait_for(db, 1, first)
        second = Beside(lambda: publish(build_id))
        wait_for(db, 2, first, second)
        assert view(delivered) == old
    numbers = [first.ended(), second.ended()]
    states = db.execute(
        "select state, version from ops.publication order by publication_id"
    ).fetchall()
    assert states == [("published", 1), ("published", 2), ("unchanged", 2)]
    assert all(isinstance(number, int) for number in numbers)


def test_a_build_waits_for_the_publisher_of_the_candidate(
    db: psycopg.Connection, delivered: str
) -> None:
    publish(audited(db, 30000))
    build_id = audited(db, 30001)

    def build() -> None:
        with working_schemas(build_id + 1):
            begin_candidate(build_id + 1)

    with held_between_marts(db, delivered):
        publisher = Beside(lambda: publish(build_id))
        wait_for(db, 1, publisher)
        builder = Beside(build)
        wait_for(db, 2, publisher, builder)
    assert isinstance(publisher.ended(), int)
    assert builder.ended() is None


def test_a_rollback_waits_for_a_publisher(db: psycopg.Connection, delivered: str) -> None:
    publish(audited(db, 30000))
    old, build_id = view(delivered), audited(db, 30001)
    with held_between_marts(db, delivered):
        publisher = Beside(lambda: publish(build_id))
        wait_for(db, 1, publisher)
        back = Beside(lambda: rollback(PERIOD, reason="wrong", by="somebody"))
        wait_for(db, 2, publisher, back)
        assert view(delivered) == old
    assert isinstance(publisher.ended(), int)
    assert isinstance(back.ended(), int), back.said
    assert view(delivered) == old


def test_a_publisher_that_waited_for_a_rollback_is_refused(
    db: psycopg.Connection, delivered: str
) -> None:
    publish(audited(db, 30000))
    old = view(delivered)
    publish(audited(db, 30001))
    new, build_id = view(delivered), audited(db, 30002)
    with held_between_marts(db, delivered):
        back = Beside(lambda: rollback(PERIOD, reason="wrong", by="somebody"))
        wait_for(db, 1, back)
        publisher = Beside(lambda: publish(build_id))
        wait_for(db, 2, back, publisher)
        assert view(delivered) == new
    assert isinstance(back.ended(), int), back.said
    assert isinstance(publisher.ended(), MonthHeld), publisher.said
    assert view(delivered) == old
