"""The calendar seed is what the package says, day by day."""

from __future__ import annotations

import csv

from include import calendar_seed


def seed() -> dict[str, tuple[str, str]]:
    with calendar_seed.SEED.open(encoding="utf-8", newline="") as file:
        return {row["day"]: (row["is_workday"], row["verified"]) for row in csv.DictReader(file)}


def test_the_seed_is_what_the_package_knows() -> None:
    assert seed() == {day: (works, known) for day, works, known in calendar_seed.days()}


def test_holidays_and_make_up_days_are_in_it() -> None:
    days = seed()
    assert days["2024-02-14"] == ("false", "true")  # a Wednesday, Spring Festival
    assert days["2024-02-18"] == ("true", "true")  # a Sunday worked in its place
    assert days["2024-02-19"] == ("true", "true")
    assert days["2024-02-24"] == ("false", "true")  # an ordinary Saturday


def test_a_year_nobody_has_announced_has_weekends_only_and_says_so() -> None:
    days = seed()
    assert days["2027-10-01"] == ("true", "false")
    assert days["2027-10-02"] == ("false", "false")
    assert {known for day, (_, known) in days.items() if day.startswith("2027")} == {"false"}
