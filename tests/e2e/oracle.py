"""What the marts must say, computed with pandas from the generator's truth and not from the SQL.

Amounts of the truth are in fen and stay whole numbers until the last division.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from include.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
KINDS = {1: "unstable", 2: "marginal", 3: "sudden_hardship"}


def truth(home: Path, period: str, subject: str) -> pd.DataFrame:
    """One csv of a month's truth; identifiers stay text."""
    names = ["household_no", "successor_household_no", "person_id", "county_code", "village_code"]
    text = dict.fromkeys(names, str)
    return pd.read_csv(home / "truth" / period / f"{subject}.csv", dtype=text)


def households(home: Path, period: str, first: str) -> pd.DataFrame:
    """Per household what ``marts.household_month`` says of it; ``first`` is the first month."""
    found = truth(home, period, "households").set_index("household_no")
    persons = truth(home, period, "persons")
    persons = persons[persons.is_present == 1]
    enrolled = truth(home, period, "enrolments")
    insured = set(enrolled.person_id[enrolled.status == 1])
    own = _own_payments(home, period, first)
    persons = persons.assign(
        # What the departments know of a person listed by a former number leads elsewhere (D07).
        insured=(persons.person_id.isin(insured) & (persons.is_lost == 0)).astype(int),
        out_of_pocket=persons.person_id.map(own).fillna(0).astype("int64") * (1 - persons.is_lost),
        deceased=persons.died_on.notna().astype(int) * (1 - persons.is_lost),
    )
    by_home = persons.groupby("household_no")
    found["persons_on_file"] = by_home.size().reindex(found.index, fill_value=0)
    for column in ("insured", "out_of_pocket", "deceased"):
        found[column] = by_home[column].sum().reindex(found.index, fill_value=0)
    found["gross"] = found.wage + found.business + found.property + found.transfer
    found["net"] = found.gross - found.expense
    found["reference"] = found.net + found.claims - found.self_pay
    line = _income_line(period)
    heads = found.members.clip(lower=1)
    found["net_pp"] = _exact(_yuan(*pair) for pair in zip(found.net, heads, strict=True))
    found["reference_pp"] = _exact(
        _yuan(*pair) for pair in zip(found.reference, heads, strict=True)
    )
    found["is_below_line"] = [value < line for value in found.net_pp]
    share = _threshold("high_burden_share")
    found["is_high_burden"] = [
        paid > share * net if net > 0 else paid > 0
        for paid, net in zip(found.out_of_pocket, found.net, strict=True)
    ]
    return found


def scorecard(home: Path, period: str, first: str) -> pd.DataFrame:
    """Per county what ``marts.county_scorecard`` says of it."""
    found = households(home, period, first)
    monitored = found[found.in_force == 1]
    by_county, of_monitored = found.groupby("county_code"), monitored.groupby("county_code")
    result = pd.DataFrame(index=sorted(found.county_code.unique()))

    def counted(frame: pd.DataFrame) -> pd.Series:
        return frame.groupby("county_code").size().reindex(result.index, fill_value=0)

    result["households"] = counted(found)
    result["persons"] = by_county.persons_on_file.sum()
    result["monitored_households"] = counted(monitored)
    for kind, name in KINDS.items():
        result[f"monitored_{name}_households"] = counted(monitored[monitored.kind == kind])
    result["new_monitored_households"] = counted(found[found.is_new == 1])
    result["relapsed_monitored_households"] = counted(found[found.is_relapsed == 1])
    result["cleared_monitored_households"] = counted(found[found.is_cleared == 1])
    if period > first:
        before = truth(home, _month_before(period), "households")
        monitored_before = before[before.in_force == 1]
        result["previous_monitored_households"] = counted(monitored_before)
        changes = truth(home, period, "household_changes")
        left = changes[changes.kind == "relocated"].merge(monitored_before, on="household_no")
        result["moved_out_monitored_households"] = counted(left)
        came = found[found.index.isin(left.successor_household_no)]
        result["moved_in_monitored_households"] = counted(came)
    else:
        for name in ("previous", "moved_in", "moved_out"):
            result[f"{name}_monitored_households"] = None
    net, members = by_county.net.sum(), by_county.members.sum()
    result["net_income_pp"] = _exact(_yuan(net[code], members[code]) for code in result.index)
    result["households_below_line"] = counted(found[found.is_below_line])
    result["insured_persons"] = by_county.insured.sum()
    result["insured_share"] = _exact(_shares(by_county, result.index))
    result["monitored_insured_share"] = _exact(_shares(of_monitored, result.index))
    result["out_of_pocket_ytd_amt"] = _exact(
        Decimal(int(fen)) / 100 for fen in by_county.out_of_pocket.sum()
    )
    result["high_burden_households"] = counted(found[found.is_high_burden])
    return result


def _own_payments(home: Path, period: str, first: str) -> pd.Series:
    """Fen per person, settled since January and uploaded since ``first``."""
    months = [p for p in _months(period) if p >= first]
    settled = pd.concat([truth(home, month, "settlements") for month in months])
    settled = settled[settled.settled_on >= f"{period[:4]}-01-01"]
    return settled.groupby("person_id").own_payment.sum()


def _months(period: str) -> list[str]:
    return [f"{period[:4]}-{number:02}" for number in range(1, int(period[5:]) + 1)]


def _month_before(period: str) -> str:
    return str(pd.Period(period, freq="M") - 1)


def _income_line(period: str) -> Decimal:
    lines = pd.read_csv(SEEDS / "ref_income_line.csv", dtype=str)
    (yuan,) = lines.yuan_pp[(lines.area_code == "431000") & (lines.year == period[:4])]
    return Decimal(yuan)


def _threshold(code: str) -> Decimal:
    thresholds = pd.read_csv(SEEDS / "ref_threshold.csv", dtype=str)
    (value,) = thresholds.value[thresholds.code == code]
    return Decimal(value)


def _shares(groups: object, counties: pd.Index) -> list[Decimal | None]:
    insured, persons = groups.insured.sum(), groups.persons_on_file.sum()  # type: ignore[attr-defined]
    return [
        _rounded(Decimal(int(insured[c])) / int(persons[c]), 6) if persons.get(c) else None
        for c in counties
    ]


def _exact(values: Iterable[Decimal | None]) -> np.ndarray:
    """Decimals as they are: pandas would make floats of them."""
    return np.array(list(values), dtype=object)


def _yuan(fen: int, by: int) -> Decimal:
    return _rounded(Decimal(int(fen)) / 100 / int(by), 2)


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
