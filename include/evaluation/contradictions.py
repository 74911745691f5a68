"""The contradictions that were published beside those in the simulated truth, code by code.

``data_finding`` holds what the cross-field rules find in one office's files, ``reconciliation``
where two records contradict each other. What they must find lies in ``truth/<period>/``: the
simulator works it out from the village's life, and not from the files it wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from include.build import DBT_PROJECT
from include.database import OWNER, connect
from include.evaluation.comparison import Case, Figures, compare
from include.evaluation.rules import published
from include.vault import identifier_key

NEAR = "near"
"""Outcome of a truth's row that is no case, but would be with a little more."""


@dataclass(frozen=True)
class Kind:
    """A mart of contradictions and the csv of its truth.

    ``code`` and ``key`` are SQL over the mart; the key is that of the subject, behind the
    household's and a slash where one subject may have a case per household. ``seed`` names the
    codes. ``has_near`` are codes with a threshold. ``needs_members``: the households' cases rest on
    their members' own records.
    """

    mart: str
    code: str
    key: str
    seed: str
    truth: str
    has_near: frozenset[str]
    needs_members: bool


FINDINGS = Kind(
    "data_finding",
    "rule_code",
    "household_key || '/' || finding_key",
    "ref_cross_rule",
    "findings",
    frozenset(("X03", "X05", "X06", "X12")),
    needs_members=False,
)
CONFLICTS = Kind(
    "reconciliation",
    "case_type",
    "case when strpos(case_key, ':') > 0 then household_key || '/' || person_key else case_key end",
    "ref_reconciliation_case",
    "conflicts",
    frozenset(),
    needs_members=True,
)


def figures(kind: Kind, home: Path, periods: list[str], unlinked: set[str]) -> Figures:
    """Compare a mart of the settings' warehouse with the truth of ``periods``.

    ``unlinked`` people (see ``linkage.unlinked_people``) are left out on both sides, with their
    households' cases where these rest on members.
    """
    persons = pd.concat(_csv(home, period, "persons") for period in periods)
    truth = pd.concat(
        here[here["county_code"].isin(published(period))].assign(period=period)
        for period in periods
        for here in (_csv(home, period, kind.truth),)
    )
    homes = persons.loc[persons["person_id"].isin(unlinked), "household_no"]
    left_out = _keys("person", unlinked) | (
        _keys("household", set(homes)) if kind.needs_members else set()
    )
    known = (
        _keys("person", set(persons["person_id"]))
        | _keys("household", set(persons["household_no"]))
        | _keys("person", set(truth.loc[truth["subject"] == "person", "id"]))
    ) - left_out
    expected, near = expected_cases(truth, known)
    published_cases = found_cases(kind, periods)
    found = {case for case in published_cases if is_known(case, known)}
    names = seed_names(kind)
    return Figures(
        compare(names, expected, found, {code: near.get(code, 0) for code in kind.has_near}),
        len(published_cases) - len(found),
    )


def expected_cases(truth: pd.DataFrame, known: set[str]) -> tuple[set[Case], dict[str, int]]:
    """The cases that must be found, and near-misses by code.

    ``truth`` has ``code``, ``subject``, ``id``, ``household_no`` (or empty), ``period`` and
    perhaps ``outcome``; only cases whose keys are all ``known`` count.
    """
    expected: set[Case] = set()
    near: dict[str, int] = {}
    for row in truth.to_dict("records"):
        key = identifier_key(row["subject"], row["id"])
        if row["household_no"]:
            key = f"{identifier_key('household', row['household_no'])}/{key}"
        case = (row["code"], row["period"], key)
        if not is_known(case, known):
            continue
        if row.get("outcome") == NEAR:
            near[row["code"]] = near.get(row["code"], 0) + 1
        else:
            expected.add(case)
    return expected, near


def is_known(case: Case, known: set[str]) -> bool:
    """Whether all keys of a case are ``known``."""
    return all(part in known for part in case[2].split("/"))


def found_cases(kind: Kind, periods: list[str]) -> set[Case]:
    """The published cases of the months."""
    query = f"select {kind.code}, period, {kind.key} from marts.{kind.mart} where period = any(%s)"
    with connect(OWNER) as connection:
        return set(connection.execute(query.encode(), [periods]).fetchall())


def seed_names(kind: Kind) -> dict[str, str]:
    """Code -> Chinese name, in the order of the seed."""
    rows = pd.read_csv(DBT_PROJECT / "seeds" / f"{kind.seed}.csv", dtype=str)
    return dict(zip(rows[kind.code], rows["name_zh"], strict=True))


def _keys(subject: str, numbers: set[str]) -> set[str]:
    return {identifier_key(subject, number) for number in numbers}


def _csv(home: Path, period: str, name: str) -> pd.DataFrame:
    return pd.read_csv(home / "truth" / period / f"{name}.csv", dtype=str, keep_default_na=False)
