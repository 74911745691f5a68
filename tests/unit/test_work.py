"""The simulated work: what is planted for the rules is there in each month, and just missed."""

from __future__ import annotations

from collections import Counter

import pytest

from include.simulator import posts, projects, work_files
from include.simulator.areas import counties, villages
from include.simulator.months import epoch_day, month, period
from include.simulator.profiles import profile_of
from include.simulator.village import VillageLife
from include.simulator.work import Work

SEED = 1
PROFILE = profile_of("tiny")
MONTHS = range(month("2026-01"), month("2027-12") + 1)


@pytest.fixture(scope="module")
def lives() -> list[VillageLife]:
    return [
        VillageLife(SEED, PROFILE, village)
        for county in counties()
        for village in villages(PROFILE)[county.code]
    ]


def ex_poor(life: VillageLife, work: Work) -> list[int]:
    homes = life.monitoring.ex_poor[life.people.household]
    return [i for i, poor in enumerate(homes) if poor and work.plans[i]]


def seen(lives: list[VillageLife], when: int) -> Counter[str]:
    """What there is of each case among those for whom the rules are."""
    found: Counter[str] = Counter()
    for life in lives:
        work = life.work
        months, lost = work.months_worked(when, 6), work.loses_job(when)
        end, arrears = work.end, work.arrears(when)
        on_file = work.of_working_age(when)
        for i in ex_poor(life, work):
            if not on_file[i]:
                continue
            found["two months"] += months[i] == 2
            found["three months"] += months[i] == 3
            found["ended on the last day"] += lost[i] and epoch_day(when + 1) - 1 in end[i]
            found["ended the day after"] += not lost[i] and epoch_day(when + 1) in end[i]
            found["found a new job"] += not lost[i] and epoch_day(when) + 9 in end[i]
            found["owed one fen"] += arrears[i] == 1
    return found


@pytest.mark.parametrize("when", MONTHS, ids=period)
def test_each_rule_is_met_and_just_missed_in_each_month(
    lives: list[VillageLife], when: int
) -> None:
    found = seen(lives, when)
    cases = {"two months", "three months", "ended on the last day", "ended the day after"}
    assert {case for case in cases if not found[case]} == set()
    assert found["found a new job"] > 0
    if when < month("2027-01"):
        assert found["owed one fen"] > 0


def test_a_month_counts_when_half_of_it_was_worked(lives: list[VillageLife]) -> None:
    work = lives[0].work
    first = epoch_day(month("2026-03"))
    for start, end, worked in (
        (first, first + 13, 0), (first, first + 14, 1), (first + 16, first + 60, 2),
        (first + 17, first + 60, 1),
    ):  # fmt: skip
        work.start[0], work.end[0] = 10**6, 10**6
        work.start[0, 0], work.end[0, 0] = start, end
        assert work.months_worked(month("2026-04"), 6)[0] == worked, (start, end)


def test_the_same_seed_gives_the_same_rows(lives: list[VillageLife]) -> None:
    here, again = lives[5], VillageLife(SEED, PROFILE, lives[5].village)
    for rows in (work_files.employment, work_files.welfare_posts, work_files.fund_projects):
        when = month("2026-05")
        assert list(rows(here.at(when))) == list(rows(again.at(when)))


def test_each_county_has_posts_projects_and_a_holder_of_two(lives: list[VillageLife]) -> None:
    when = month("2026-02")
    held: Counter[tuple[str, int]] = Counter()
    funded: Counter[str] = Counter()
    for life in lives:
        code = life.village.county.code
        held.update((life.village.code, post.person) for post in life.posts if post.is_filled(when))
        funded[code] += len(projects.listed(life.projects, when))
    assert {county.code for county in counties()} == set(funded)
    assert max(held.values()) == 2
    numbers = [project.number for life in lives for project in life.projects]
    assert len(numbers) == len(set(numbers))


def test_payments_grow_and_stop_where_a_project_stops(lives: list[VillageLife]) -> None:
    for life in lives:
        for project in life.projects:
            paid = [project.paid(when) for when in MONTHS]
            assert paid == sorted(paid)
            assert paid[-1] <= round(project.budget * 1.04)
            if project.state(MONTHS[0]) in (projects.HALTED, projects.FAILED):
                assert paid[0] == paid[-1]


def test_a_dead_holder_stays_until_the_county_learns_of_it(lives: list[VillageLife]) -> None:
    late = [
        (post, when)
        for life in lives
        for post in life.posts
        for when in MONTHS
        if post.ended < epoch_day(when + 1) and post.is_filled(when)
    ]
    assert late
    assert all(post.known_end(post.struck) == post.ended for post, _ in late)
    assert posts.UNKNOWN_TYPE not in {kind for _, kind, _ in posts.KINDS}
