"""Counties' answers to alerts: about households below the line, after the alert, by its number."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from include.simulator import answers, clues
from include.simulator.areas import villages
from include.simulator.clues import Clue
from include.simulator.income_truth import net_per_head
from include.simulator.months import NEVER, epoch_day, month
from include.simulator.profiles import profile_of
from include.simulator.seeds import income_line
from include.simulator.village import VillageLife
from include.vault import identifier_key
from tests.conftest import PERSON_KEY_SECRET, only_environment

TINY = profile_of("tiny")
SINCE, UNTIL = month("2026-01"), month("2026-03")


@pytest.fixture(scope="module")
def lives() -> list[VillageLife]:
    here = [village for found in villages(TINY).values() for village in found]
    return [VillageLife(42, TINY, village, SINCE) for village in here]


@pytest.fixture
def told(lives: list[VillageLife], tmp_path: Path) -> list[tuple[VillageLife, Clue]]:
    with only_environment(home=str(tmp_path), person_key_secret=PERSON_KEY_SECRET):
        return [(life, clue) for life in lives for clue in answers.answers(life, UNTIL)]


def test_answers_are_about_alerts_of_months_before(
    told: list[tuple[VillageLife, Clue]], tmp_path: Path
) -> None:
    raised = Counter[str]()
    for life, clue in told:
        when = month(f"{clue.alert_no[2:6]}-{clue.alert_no[6:8]}")
        raised[clue.alert_no[2:8]] += 1
        line = income_line(when // 12)
        assert line is not None and net_per_head(life.at(when))[clue.household] < line
        assert clue.received >= epoch_day(when + 1)
    assert set(raised) == {"202601", "202602"}


def test_numbers_are_those_of_the_alerts(
    told: list[tuple[VillageLife, Clue]], tmp_path: Path
) -> None:
    life, clue = told[0]
    period = f"{clue.alert_no[2:6]}-{clue.alert_no[6:8]}"
    with only_environment(home=str(tmp_path), person_key_secret=PERSON_KEY_SECRET):
        key = identifier_key("household", life.people.household_no[clue.household])
    name = hashlib.sha256(f"R309/household/{key}/{period}".encode()).hexdigest()
    assert clue.alert_no == f"YJ{period.replace('-', '')}{name[:12].upper()}"


def test_every_kind_of_answer_is_given(told: list[tuple[VillageLife, Clue]]) -> None:
    kinds = Counter(
        "open" if clue.decided == NEVER else
        clue.result if clue.result == clues.ALREADY else
        "reviewed" if clue.reviewed < NEVER else "visited"
        for _, clue in told
    )  # fmt: skip
    assert set(kinds) == {"open", "reviewed", "visited", clues.ALREADY}
    assert all(bool(clue.reason) == (clue.result == clues.REFUSED) for _, clue in told)
    assert {clue.reason for _, clue in told} >= set(clues.REASONS)


def test_the_register_has_what_was_received_by_the_months_end(
    told: list[tuple[VillageLife, Clue]],
) -> None:
    life = told[0][0]
    own = [clue for other, clue in told if other is life]
    for when in (SINCE, UNTIL):
        here = {record["alert_no"] for record, _ in clues.rows(life.at(when), own)}
        due = {clue.alert_no for clue in own if clue.received < epoch_day(when + 1)}
        assert here & {clue.alert_no for clue in own} == due


def test_nothing_is_answered_without_the_secret_or_before_the_first_month(
    lives: list[VillageLife], tmp_path: Path
) -> None:
    with only_environment(home=str(tmp_path)):
        assert not [clue for life in lives for clue in answers.answers(life, UNTIL)]
    with only_environment(home=str(tmp_path), person_key_secret=PERSON_KEY_SECRET):
        assert not [clue for life in lives for clue in answers.answers(life, SINCE)]
