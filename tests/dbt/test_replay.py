"""A month as it was known at a time: what was published then, and what never was."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from include.cli.main import app
from include.replay import ReplayRefused, known_at_of
from tests.dbt.test_build import HOUSEHOLDS, PERIOD, deliver, deliver_a_county
from tests.dbt.test_verify import publish_unjudged, rows

NOW = datetime(2026, 4, 11, 4, 0, tzinfo=UTC)  # noon in Beijing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-10", datetime(2026, 4, 10, 15, 59, 59, 999999, tzinfo=UTC)),
        ("2026-04-10T17:30", datetime(2026, 4, 10, 9, 30, tzinfo=UTC)),
        ("2026-04-10T17:30:00+00:00", datetime(2026, 4, 10, 17, 30, tzinfo=UTC)),
        ("2026-04-11T12:00", NOW),
        ("2026-04-11", NOW),  # the day is not over: what is known now
    ],
)
def test_a_day_is_its_end_in_beijing_and_a_time_is_itself(text: str, expected: datetime) -> None:
    assert known_at_of(text, NOW) == expected


@pytest.mark.parametrize("text", ["2026-04-12", "2026-04-11T12:00:01", "2027-01-01"])
def test_what_is_to_come_is_refused(text: str) -> None:
    with pytest.raises(ReplayRefused, match="still to come"):
        known_at_of(text, NOW)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ReplayRefused, match="neither a day nor a time"):
        known_at_of(text, NOW)


def run(*arguments: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    return told.exit_code, told.stdout


def clock() -> str:
    ((now,),) = rows("select clock_timestamp()")
    assert isinstance(now, datetime)
    return now.isoformat()


def test_nothing_known_is_refused(warehouse: str) -> None:
    with pytest.raises(ReplayRefused, match="nothing was known"):
        run("replay", PERIOD, "--as-known-at", "2020-01-01")


def test_then_and_now(warehouse: str) -> None:
    """Published, corrected and not built, and corrected and published: three times to ask for."""
    deliver_a_county()
    before = clock()
    publish_unjudged()
    first = clock()
    deliver("county_income", [{"county": "汝城县", "household_no": HOUSEHOLDS[0], "a_wage": "9"}])
    known = clock()
    publish_unjudged()
    log = rows("table ops.publication")
    wage = "select sum(wage_income) from {}.household_month"
    marts = rows(wage.format("marts"))

    made = {}
    for at in (before, first, known):
        code, told = run("replay", PERIOD, "--as-known-at", at, "--json")
        assert code == 0
        made[at] = json.loads(told)
    assert made[before]["then"] is None  # known, and not yet published
    assert made[before]["now"]["is_equal"] is False
    assert (made[first]["then"]["version"], made[first]["then"]["is_equal"]) == (1, True)
    assert (made[first]["now"]["version"], made[first]["now"]["is_equal"]) == (2, False)
    income = {mart["mart"]: mart for mart in made[first]["now"]["marts"]}["household_month"]
    assert (income["changed"], income["columns"]["wage_income"]) == (1, 1)
    assert (made[known]["then"]["version"], made[known]["then"]["is_equal"]) == (1, False)
    assert (made[known]["now"]["version"], made[known]["now"]["is_equal"]) == (2, True)
    assert "build 1, published then" in made[known]["ran"]
    assert "today" in made[before]["ran"]
    assert len(made[known]["deliveries"]) == len(made[first]["deliveries"]) + 1

    assert rows(wage.format(made[known]["schema"])) == marts == rows(wage.format("marts"))
    assert rows(wage.format(made[first]["schema"])) != marts
    assert rows("table ops.publication") == log
    listed = json.loads(run("replay", "--list", "--json")[1])
    assert [one["schema"] for one in listed] == [
        made[at]["schema"] for at in (known, first, before)
    ]
    for one in listed:
        assert run("replay", "--drop", one["schema"])[0] == 0
    assert json.loads(run("replay", "--list", "--json")[1]) == []
    assert not rows("select nspname from pg_namespace where nspname ~ '^re(play|build)_'")
    for gone in (listed[0]["schema"], "marts"):
        with pytest.raises(ReplayRefused, match="no replay"):
            run("replay", "--drop", gone)
