"""The alerts that were published beside those the simulated truth asks for, rule by rule.

What should have been raised is worked out here a second time, from ``truth/`` and the seeds alone,
with pandas: no model, macro or table of the build has a part in it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from include.build import DBT_PROJECT
from include.database import OWNER, connect
from include.evaluation.comparison import Case, Figures, compare
from include.vault import identifier_key

CITY = "431000"
NEEDS_MONTH_BEFORE = frozenset({"income_drop_share"})
"""Metrics that compare with the month before, and so are not there in the first delivered month."""
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_NEAR = 0.01
"""A near-miss is within this share of the threshold; of what is counted, within one or a tenth."""
_FLAG = "flag"
_COUNTED = frozenset({"days", "months", "persons", "times", "cases", "items", "grade", _FLAG})


@dataclass(frozen=True)
class Truth:
    """One month's csv files below ``truth/``, as text."""

    households: pd.DataFrame
    persons: pd.DataFrame
    metrics: pd.DataFrame

    @classmethod
    def read(cls, home: Path, period: str) -> Truth:
        """The month's files of a simulated municipality's home."""
        folder = home / "truth" / period
        return cls(
            *(
                pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
                for name in ("households", "persons", "metrics")
            )
        )


def figures(home: Path, periods: list[str], unlinked: set[str]) -> Figures:
    """Compare marts.risk_alert of the settings' warehouse with the truth of ``periods``.

    ``unlinked`` people (see ``linkage.unlinked_people``) are left out on both sides, and so are
    their households where members are counted: whether they are found is the linkage's matter.
    """
    rules = read_rules()
    truths = {period: Truth.read(home, period) for period in periods}
    known = _keys(truths, unlinked)
    expected: set[Case] = set()
    raised: set[Case] = set()
    near: dict[str, int] = dict.fromkeys(rules["rule_code"], 0)
    counting = {rule["rule_code"] for rule in rules.to_dict("records") if _counts_members(rule)}
    published_alerts = raised_alerts(periods)
    for position, (period, truth) in enumerate(truths.items()):
        wanted, close = expected_alerts(
            truth, rules, period, published(period), unlinked, is_first=position == 0
        )
        expected |= {
            (rule, period, identifier_key(subject, number)) for rule, subject, number in wanted
        }
        for rule, count in close.items():
            near[rule] += count
        homes = truth.persons.loc[truth.persons["person_id"].isin(unlinked), "household_no"]
        affected = {identifier_key("household", number) for number in homes}
        raised |= {
            alert
            for alert in published_alerts
            if alert[1] == period
            and alert[2] in known
            and not (alert[0] in counting and alert[2] in affected)
        }
    names = dict(zip(rules["rule_code"], rules["name_zh"], strict=True))
    return Figures(
        compare(names, expected, raised, near_misses(rules, near)),
        len(published_alerts) - len(raised),
    )


def near_misses(rules: pd.DataFrame, counted: Mapping[str, int]) -> dict[str, int | None]:
    """What was counted by rule; None where something is so or not, and the truth names no case
    that is not."""
    flags = set(rules.loc[rules["unit"] == _FLAG, "rule_code"])
    return {code: count or (None if code in flags else 0) for code, count in counted.items()}


def _keys(truths: Mapping[str, Truth], unlinked: set[str]) -> set[str]:
    """Keys of all households, and of all people but the unlinked."""
    numbers: set[str] = set()
    people: set[str] = set()
    for truth in truths.values():
        numbers |= set(truth.households["household_no"])
        people |= set(truth.persons["person_id"])
    return {identifier_key("household", number) for number in numbers} | {
        identifier_key("person", number) for number in people - unlinked
    }


def read_rules() -> pd.DataFrame:
    """The rows of ref_risk_rule as text; no effective_to is the empty string."""
    return pd.read_csv(
        DBT_PROJECT / "seeds" / "ref_risk_rule.csv", dtype=str, keep_default_na=False
    )


def expected_alerts(
    truth: Truth,
    rules: pd.DataFrame,
    period: str,
    counties: set[str],
    unlinked: set[str],
    *,
    is_first: bool,
) -> tuple[set[tuple[str, str, str]], dict[str, int]]:
    """({(rule_code, subject, person_id or household_no)}, near-misses by rule) of one month.

    ``counties`` are the published ones, ``unlinked`` the person_ids nobody can find; ``is_first``
    says that no month was delivered before.
    """
    end = f"{pd.Period(period, 'M').end_time:%Y-%m-%d}"
    cases = _cases(truth, counties, unlinked)
    found: set[tuple[str, str, str]] = set()
    near: dict[str, int] = {}
    for rule in rules.to_dict("records"):
        if rule["effective_from"] > end or (rule["effective_to"] and rule["effective_to"] < end):
            continue
        if is_first and rule["metric"] in NEEDS_MONTH_BEFORE:
            continue
        here = cases[
            (cases["metric"] == rule["metric"])
            & (cases["subject"] == rule["subject"])
            & cases["county_code"].str.startswith(_prefix(rule["area_code"]))
            & _population(cases, rule["population"])
            & ~(cases["has_unlinked"] & _counts_members(rule))
        ]
        bound = threshold(rule, int(period[:4]))
        hit = _COMPARE[rule["operator"]](here["number"], bound)
        found |= {(rule["rule_code"], rule["subject"], number) for number in here.loc[hit, "id"]}
        reach = max(1.0, bound / 10) if rule["unit"] in _COUNTED else abs(bound) * _NEAR
        near[rule["rule_code"]] = int((~hit & ((here["number"] - bound).abs() <= reach)).sum())
    return found, near


def threshold(rule: Mapping[Hashable, Any], year: int) -> float:
    """What a rule's values are compared with in ``year``."""
    share = Decimal(rule["threshold"])
    if rule["basis"] == "share_of_income_line":
        return float(share * _yearly("ref_income_line", year))
    if rule["basis"] == "share_of_prev_yr_rural_income":
        return float(share * _yearly("ref_rural_income", year - 1))
    return float(share)


def raised_alerts(periods: list[str]) -> list[Case]:
    """The published alerts of the months."""
    with connect(OWNER) as connection:
        return connection.execute(
            "select rule_code, period, coalesce(person_key, household_key) from marts.risk_alert"
            " where period = any(%s)",
            [periods],
        ).fetchall()


def published(period: str) -> set[str]:
    """Counties that show figures for the month."""
    with connect(OWNER) as connection:
        return {
            code
            for (code,) in connection.execute(
                "select county_code from marts.county_scorecard"
                " where period = %s and data_status = 'published'",
                [period],
            )
        }


def _counts_members(rule: Mapping[Hashable, Any]) -> bool:
    """The rule's household metric is found by its members' own records."""
    return bool(rule["subject"] == "household" and rule["source_family"] != "county")


def _cases(truth: Truth, counties: set[str], unlinked: set[str]) -> pd.DataFrame:
    """Metrics of who is on file, with the household's county, ex_poor and in_force, and whether a
    member is unlinked."""
    is_unlinked = truth.persons["person_id"].isin(unlinked)
    on_file = truth.persons[(truth.persons["is_present"] == "1") & ~is_unlinked]
    affected = set(truth.persons.loc[is_unlinked, "household_no"])
    homes = pd.concat(
        [
            on_file[["person_id", "household_no"]]
            .rename(columns={"person_id": "id"})
            .assign(subject="person"),
            truth.households[["household_no"]].assign(
                id=truth.households["household_no"], subject="household"
            ),
        ]
    )
    cases = (
        truth.metrics.merge(homes, on=["subject", "id"])
        .merge(
            truth.households[["household_no", "county_code", "ex_poor", "in_force"]],
            on="household_no",
        )
        .query("county_code in @counties")
    )
    return cases.assign(
        number=cases["value"].astype(float),
        is_ex_poor=cases["ex_poor"] == "1",
        is_monitored=cases["in_force"] == "1",
        has_unlinked=cases["household_no"].isin(affected),
    )


def _population(cases: pd.DataFrame, name: str) -> pd.Series[bool]:
    either = cases["is_ex_poor"] | cases["is_monitored"]
    return {
        "all_rural": either | ~either,
        "ex_poor": cases["is_ex_poor"],
        "monitored": cases["is_monitored"],
        "ex_poor_or_monitored": either,
        "other_rural": ~either,
    }[name]


def _prefix(area_code: str) -> str:
    while area_code.endswith("00"):
        area_code = area_code[:-2]
    return area_code


def _yearly(seed: str, year: int) -> Decimal:
    rows = pd.read_csv(DBT_PROJECT / "seeds" / f"{seed}.csv", dtype=str)
    found = rows[(rows["area_code"] == CITY) & (rows["year"] == str(year))]
    return Decimal(found["yuan_pp"].item())
