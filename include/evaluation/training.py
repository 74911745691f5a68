"""Parameters of the linkage learned from a simulated month, beside the shipped ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.database import OWNER, connect
from include.linkage import training
from include.linkage.model import fixed_settings
from include.linkage.records import references, scope, stated

_LEFT, _RIGHT = "county_person", "yb_enrol"
"""Two lists of nearly the same people, written by two systems."""


@dataclass(frozen=True)
class Parameter:
    """m and u of one level, shipped and trained."""

    comparison: str
    level: str
    shipped_m: float
    shipped_u: float
    m: float
    u: float


@dataclass(frozen=True)
class Trained:
    """What EM found in ``left`` and ``right`` rows, and why it is not to be used."""

    left: int
    right: int
    parameters: list[Parameter]
    degenerate: list[str]
    settings: dict[str, Any]


def train(period: str) -> Trained:
    """Learn from the loaded deliveries of ``period``; reads no truth and writes nothing."""
    with connect(OWNER) as connection:
        scope(connection, period, datetime.now(UTC))
        left = stated(connection, _LEFT)
        right = list(references(connection, left, (_RIGHT,)))
    settings = training.train(left, right)
    found = parameters(fixed_settings(), settings)
    reasons = degenerate(found, min(len(left), len(right)))
    return Trained(len(left), len(right), found, reasons, settings)


def parameters(shipped: dict[str, Any], trained: dict[str, Any]) -> list[Parameter]:
    """Each level of the comparisons that are learned; what EM never saw keeps nothing (0)."""
    return [
        Parameter(
            old["output_column_name"],
            before["label_for_charts"],
            before["m_probability"],
            before["u_probability"],
            after.get("m_probability") or 0.0,
            after.get("u_probability") or 0.0,
        )
        for old, new in zip(shipped["comparisons"], trained["comparisons"], strict=True)
        if old["output_column_name"] in training.LEARNED
        for before, after in zip(old["comparison_levels"], new["comparison_levels"], strict=True)
        if not before.get("is_null_level")
    ]


def degenerate(found: list[Parameter], pairs: int) -> list[str]:
    """What speaks against the parameters: levels hardly seen, and levels out of order.

    ``pairs`` is how many matches the lists can have. A level that less than one of them shows has
    an m of no meaning, which would decide a pair alone. Exact agreement has to speak for a match
    and difference, the last level, against it.
    """
    said = [
        f"{p.comparison}={p.level}: seen in less than one match"
        for p in found
        if p.m * pairs < 1 or not p.u
    ]
    levels: dict[str, list[Parameter]] = {}
    for one in found:
        levels.setdefault(one.comparison, []).append(one)
    for comparison, (first, *_, last) in levels.items():
        if first.m <= first.u:
            said.append(f"{comparison}={first.level}: speaks against a match")
        if last.m >= last.u:
            said.append(f"{comparison}={last.level}: speaks for a match")
    return said
