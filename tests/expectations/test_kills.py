"""A few points of the kill matrix (./warehouse evaluate kills) on a warehouse of the tests' own."""

from __future__ import annotations

import psycopg
import pytest

from include.approval import answer
from include.evaluation.kills.hooks import Trigger
from include.evaluation.kills.observer import Observer, View, look
from include.evaluation.kills.strike import run, strike
from include.gate import audit
from include.publish import ask, publish
from include.settings import settings
from tests.conftest import drop_tables
from tests.expectations.candidate import fill, open_build
from tests.unit.landed import query

PUT, LOGGED = 'insert into "marts"', "insert into ops.publication "


@pytest.fixture
def released(delivered: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """A published month, and an audited build that is to replace it."""
    monkeypatch.setenv("WAREHOUSE_BI_DSN", delivered)
    settings.cache_clear()
    with psycopg.connect(delivered, autocommit=True) as connection:
        drop_tables(connection, "marts", "archive")
        connection.execute("truncate ops.publication, ops.gate_result, ops.build cascade")
        for wage in (30000, 30001):
            fill(connection, wage=wage)
            build_id = open_build(connection)
            audit(build_id)
            if wage == 30000:
                publish(build_id)
            elif ask(build_id):  # the month is closed
                answer(connection, build_id, "approved", "a test", "somebody", "cli")
    return delivered, build_id


def view(dsn: str) -> View:
    with psycopg.connect(dsn) as connection:
        return look(connection)


@pytest.mark.parametrize(
    ("trigger", "is_published"),
    [
        (Trigger(call="include.publish:publish"), False),
        (Trigger(sql="with moved as"), False),
        (Trigger(sql=PUT), False),
        (Trigger(sql=PUT, nth=10), False),
        (Trigger(sql=LOGGED), False),
        (Trigger(commit=LOGGED), False),
        (Trigger(commit=LOGGED, after=True), True),
    ],
    ids=["before", "archiving", "first mart", "half", "all", "commit", "committed"],
)
def test_a_killed_publisher_leaves_the_old_month_or_the_new(
    released: tuple[str, int], trigger: Trigger, is_published: bool
) -> None:
    dsn, build_id = released
    old = view(dsn)
    with Observer() as observer:
        faults = strike(
            "monthly_build.publish",
            {"build_id": build_id},
            trigger,
            "task",
            observer.wait_for_a_look,
        )
        assert faults == []
        killed = view(dsn)
        observer.wait_for_a_look()
        assert run("monthly_build.publish", {"build_id": build_id}).code == 0
        observer.wait_for_a_look()
    new = view(dsn)
    assert new != old
    assert killed == (new if is_published else old)
    assert observer.views in ([old, new], [old])
    published = "select version from ops.publication where state = 'published' order by version"
    assert query(dsn, published) == [(1,), (2,)]
