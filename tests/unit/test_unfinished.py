"""A month whose build did not come to its end is begun again by itself, a few times."""

from __future__ import annotations

import psycopg
import pytest

from include.locks import working_schemas
from include.notices import tell
from include.settings import settings
from include.watch import due_months
from tests.unit.landed import query
from tests.unit.register import PERIOD, build, moment

NOW = moment(4)
ORDERS = "select period, because, run_id from ops.month_due order by month_due_id"


def trial(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into ops.build (period, known_at, seeds_sha256, code_sha256, is_trial)"
            " values (%s, %s, '', '', true)",
            [PERIOD, moment(9)],
        )


def test_a_first_build_that_ended_early_is_begun_again(warehouse: str) -> None:
    build(warehouse, PERIOD, moment(1), state=None)
    assert due_months("a", NOW) == [PERIOD]
    assert due_months("a", NOW) == [PERIOD]  # tried again
    assert query(warehouse, ORDERS) == [(PERIOD, "ended_early", "a")]
    build(warehouse, PERIOD, moment(2))
    assert due_months("b", NOW) == []


def test_a_rebuild_that_ended_early_is_begun_again(warehouse: str) -> None:
    build(warehouse, PERIOD, moment(1))
    build(warehouse, PERIOD, moment(2), state=None)
    assert due_months("a", NOW) == [PERIOD]


@pytest.mark.parametrize("state", ["published", "unchanged", "blocked"])
def test_a_build_with_an_end_is_left_alone(warehouse: str, state: str) -> None:
    build(warehouse, PERIOD, moment(1), state=state)
    assert due_months("a", NOW) == []


def test_a_trial_is_left_alone(warehouse: str) -> None:
    build(warehouse, PERIOD, moment(1))
    trial(warehouse)
    assert due_months("a", NOW) == []


def test_nothing_is_begun_while_a_build_is_at_work(warehouse: str) -> None:
    build(warehouse, PERIOD, moment(1), state=None)
    with working_schemas(1):
        assert due_months("a", NOW) == []
    assert due_months("b", NOW) == [PERIOD]


def test_an_order_whose_run_never_came_is_given_again(warehouse: str) -> None:
    build(warehouse, PERIOD, moment(1), state=None)
    assert due_months("killed before it was sent", NOW) == [PERIOD]
    build(warehouse, PERIOD, moment(2))
    with psycopg.connect(warehouse) as connection:
        connection.execute("update ops.build set opened_at = '2026-01-01'")
    assert due_months("b", NOW) == [PERIOD]
    assert query(warehouse, ORDERS)[1:] == [(PERIOD, "never_built", "b")]
    build(warehouse, PERIOD, moment(3))
    assert due_months("c", NOW) == []


@pytest.mark.parametrize(("tries", "is_begun"), [(1, True), (2, True), (3, False), (4, False)])
def test_it_is_given_up_after_a_few_tries_and_people_are_told(
    warehouse: str, tries: int, is_begun: bool
) -> None:
    assert settings().build_tries == 3
    build(warehouse, PERIOD, moment(1))
    for day in range(tries):
        build(warehouse, PERIOD, moment(2 + day), state=None)
    assert (due_months("a", NOW) == [PERIOD]) == is_begun
    assert tell(now=NOW) == (not is_begun)
    told = "select kind, subject, what from ops.notice where state <> 'over'"
    if not is_begun:
        assert query(warehouse, told) == [
            (
                "blocked",
                f"unfinished {PERIOD}",
                f"{PERIOD} is not published, marts stay as they were: {tries} times its build did"
                " not come to an end, and it is not begun again by itself.",
            )
        ]
        build(warehouse, PERIOD, moment(20))
        tell(now=NOW)
        assert query(warehouse, "select count(*) from ops.notice where state = 'over'") == [(1,)]


def test_an_order_in_vain_is_given_a_few_times(warehouse: str) -> None:
    build(warehouse, PERIOD, moment(1), state=None)
    assert due_months("0", NOW) == [PERIOD]
    with psycopg.connect(warehouse) as connection:
        connection.execute("delete from ops.build")
    given = [due_months(str(look), NOW) for look in range(1, 5)]
    assert given == [[PERIOD], [PERIOD], [], []]
    assert tell(now=NOW) == 1
