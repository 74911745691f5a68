"""Delivery contracts: one YAML file per kind of delivery, read as data and validated at load."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from include.contracts.codes import defect_codes, is_listed
from include.contracts.parts import (
    Feeds,
    Misplaced,
    RowBounds,
    Synonym,
    demand_pattern,
    demand_plain,
)
from include.contracts.reading import read

FOLDER = Path(__file__).parent

Source = Literal["county", "civil_affairs", "health_insurance"]
ColumnType = Literal[
    "text",
    "code",
    "flag",
    "integer",
    "money",
    "date",
    "month",
    "timestamp",
    "resident_id",
    "household_no",
]
Privacy = Literal["direct", "quasi", "sensitive", "none"]
Severity = Literal["quarantine", "flag"]


_NUMBERS = frozenset({"money", "integer"})
_MOMENTS = frozenset({"date", "month", "timestamp"})
_ASKED_OF: dict[str, frozenset[str]] = {
    "not_before": _MOMENTS,
    "within_period": _MOMENTS,
    "sum_of": _NUMBERS,
    "at_least": _NUMBERS,
    "at_most": _NUMBERS,
    "age_at_most": frozenset({"date"}),
    "agrees_with_id": frozenset({"date", "code"}),
}
"""Condition of a rule -> types of column that it is asked of."""


class Column(BaseModel):
    """One column: its name in the warehouse, its headers as delivered, what it holds and feeds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    headers: tuple[str, ...]
    type: ColumnType = "text"
    required: bool = False
    """Whether a delivery without this header is refused as a whole."""
    privacy: Privacy
    """What it tells of a person; the classes are explained in ``include/dictionary/classes.py``."""
    severity: Severity = "flag"
    """What a cell that cannot be read leads to: its row does not go on, or goes on without it."""
    codes: str | None = None
    """Where its codes are listed: ``seed.column``, or ``source/code_system`` of ref_code."""
    is_certificate: bool = False
    """A resident ID that is rightly written as a disability certificate number."""
    filled: bool = False
    """Whether an empty cell is a defect."""
    filled_where: str | None = None
    """A flag column: an empty cell is a defect unless that flag is no."""


class Rule(BaseModel):
    """What must hold between cells of a row; exactly one condition besides code and column.

    A row that fails is flagged under ``column`` with the defect ``code``; an empty or unreadable
    cell fails nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    column: str
    not_before: str | None = None
    """The column's day or month is not before that of this one."""
    within_period: bool = False
    """The day or month is not after the delivery's period."""
    sum_of: tuple[str, ...] = ()
    """The amount is the sum of these, within ``tolerance``; not asked where none of them is filled
    or one cannot be read."""
    tolerance: float = 0.01
    at_least: float | None = None
    at_most: str | None = None
    """The number is not above that of this column."""
    age_at_most: int | None = None
    """At the period's end, whoever was born on this day is not older than so many years."""
    agrees_with_id: str | None = None
    """Sex or birth date is that of a valid resident ID in this column."""
    unless: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Not asked where one of these columns has one of the values."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions that are given: exactly one."""
        return tuple(
            name
            for name in (
                "not_before",
                "within_period",
                "sum_of",
                "at_least",
                "at_most",
                "age_at_most",
                "agrees_with_id",
            )
            if (value := getattr(self, name)) is not None and value is not False and value != ()
        )

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that the condition names."""
        others = (self.not_before, self.at_most, self.agrees_with_id)
        return (*(other for other in others if other), *self.sum_of)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns the rule reads."""
        return (self.column, *self.named, *self.unless)

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Rule:
        if len(self.conditions) != 1:
            raise ValueError(
                f"rule on {self.column}: one condition is needed, {len(self.conditions)} are given"
            )
        return self


class Contract(BaseModel):
    """What one kind of delivery looks like.

    ``delivery`` says how a later delivery supersedes an earlier one: a ``snapshot`` replaces the
    whole of its (county, period); in an ``increment`` a row replaces the row of the same grain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    layout: str
    source: Source
    title_zh: str
    version: str
    delivery: Literal["snapshot", "increment"]
    horizon: Literal["previous_month", "year", "ever"]
    """Which deliveries a month's build reads: the month's and the one before's, those of the twelve
    months up to it, or all."""
    holds_back: bool = False
    """Whether a county without an accepted delivery of this kind is held back for the month."""
    grain: tuple[str, ...]
    file_stem: str | None = None
    """How the county's file names begin, e.g. ``1-户信息``; None where the source has no files."""
    rows: RowBounds
    control_total: str | None = None
    """Pattern of a file's name without its ending; its group is the number of rows announced."""
    columns: tuple[Column, ...]
    synonyms: tuple[Synonym, ...] = ()
    rules: tuple[Rule, ...] = ()
    feeds: dict[str, Feeds | Literal["raw only"]] = Field(default_factory=dict)
    """Column -> what it goes into; ``./warehouse docs`` writes it, and a test compares the two."""

    @model_validator(mode="after")
    def _names_are_of_columns(self) -> Contract:
        names = [column.name for column in self.columns]
        named: list[tuple[str, tuple[str | int, ...]]] = [
            *((name, ("grain", n)) for n, name in enumerate(self.grain)),
            *((s.column, ("synonyms", n, "column")) for n, s in enumerate(self.synonyms)),
            *((name, ("rules", n)) for n, r in enumerate(self.rules) for name in r.columns),
            *((name, ("feeds", name)) for name in self.feeds),
            *(
                (column.filled_where, ("columns", n, "filled_where"))
                for n, column in enumerate(self.columns)
                if column.filled_where
            ),
        ]
        for name, place in named:
            if name not in names:
                raise Misplaced(f"there is no column {name}", *place)
        for n, name in enumerate(names):
            if name in names[:n]:
                raise Misplaced(f"column given twice: {name}", "columns", n)
        if self.control_total is not None:
            demand_pattern(self.control_total, "control_total")
        return self

    @model_validator(mode="after")
    def _codes_are_listed_and_rules_fit(self) -> Contract:
        for n, column in enumerate(self.columns):
            if column.codes and not is_listed(column.codes):
                raise Misplaced(f"there is no code list {column.codes}", "columns", n, "codes")
        for n, rule in enumerate(self.rules):
            if rule.code not in defect_codes():
                raise Misplaced(f"ref_defect has no code {rule.code}", "rules", n, "code")
            (condition,) = rule.conditions
            for name in {rule.column, *(rule.named if condition != "agrees_with_id" else ())}:
                if (found := self.column(name).type) not in _ASKED_OF[condition]:
                    raise Misplaced(f"{condition} is not asked of {found} ({name})", "rules", n)
        return self

    @model_validator(mode="after")
    def _a_heading_has_one_meaning(self) -> Contract:
        meaning: dict[str, str] = {}
        for n, column in enumerate(self.columns):
            for m, header in enumerate(column.headers):
                place = ("columns", n, "headers", m)
                demand_plain(header, *place)
                if header in meaning:
                    raise Misplaced(f"header given twice: {header}", *place)
                meaning[header] = column.name
        for n, synonym in enumerate(self.synonyms):
            demand_plain(synonym.header, "synonyms", n, "header")
            others = [s for s in self.synonyms[:n] if s.header == synonym.header]
            if synonym.header in meaning or any(map(synonym.meets, others)):
                raise Misplaced(f"header given twice: {synonym.header}", "synonyms", n, "header")
        return self

    def headers_in(self, county_code: str, period: str) -> dict[str, Column]:
        """Every heading known in a county's file for a month, and the column it stands for."""
        spelt = {header: column for column in self.columns for header in column.headers}
        return spelt | {
            synonym.header: self.column(synonym.column)
            for synonym in self.synonyms
            if synonym.holds(county_code, period)
        }

    def announced_rows(self, file_name: str) -> int | None:
        """The number of rows that a file's name announces, such as 608 in ``…-608人.xlsx``."""
        if self.control_total is None:
            return None
        found = re.search(self.control_total, Path(file_name).stem)
        return int(found.group(1)) if found else None

    def column(self, name: str) -> Column:
        """The column of this name. Raises StopIteration where there is none."""
        return next(column for column in self.columns if column.name == name)

    @property
    def identifiers(self) -> tuple[Column, ...]:
        """Columns whose values get a keyed hash in the vault."""
        return tuple(c for c in self.columns if c.type in ("resident_id", "household_no"))


@cache
def contracts() -> dict[str, Contract]:
    """All contracts by kind, in the order of their files. Raises BadContract."""
    return {contract.kind: contract for contract in map(read, sorted(FOLDER.glob("*.yml")))}


def kinds_of(source: Source) -> tuple[Contract, ...]:
    """The contracts of one source family."""
    return tuple(contract for contract in contracts().values() if contract.source == source)
