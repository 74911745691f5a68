"""Delivery contracts: one YAML file per kind of delivery, read as data and validated at load."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

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


class Column(BaseModel):
    """One column: its name in the warehouse, its headers as delivered, what it holds and feeds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    headers: tuple[str, ...]
    type: ColumnType = "text"
    required: bool = False
    """Whether a delivery without this header is refused as a whole."""
    privacy: Privacy = "none"
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
    def columns(self) -> tuple[str, ...]:
        """All columns the rule reads."""
        others = (self.not_before, self.at_most, self.agrees_with_id)
        named = (other for other in others if other)
        return (self.column, *named, *self.sum_of, *self.unless)

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
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _grain_and_headers_are_sound(self) -> Contract:
        names = [column.name for column in self.columns]
        headers = [header for column in self.columns for header in column.headers]
        if missing := set(self.grain) - set(names):
            raise ValueError(f"{self.kind}: grain names unknown columns {sorted(missing)}")
        asked = {name for rule in self.rules for name in rule.columns}
        asked |= {column.filled_where for column in self.columns if column.filled_where}
        if missing := asked - set(names):
            raise ValueError(f"{self.kind}: rules name unknown columns {sorted(missing)}")
        for label, values in (("column", names), ("header", headers)):
            if doubles := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"{self.kind}: {label} given twice: {doubles}")
        return self

    def column_of(self, header: str) -> Column | None:
        """The column a delivered header stands for, or None where the contract does not know it."""
        return self._by_header.get(header.strip())

    @property
    def _by_header(self) -> dict[str, Column]:
        return {header: column for column in self.columns for header in column.headers}

    def column(self, name: str) -> Column:
        """The column of this name. Raises StopIteration where there is none."""
        return next(column for column in self.columns if column.name == name)

    @property
    def identifiers(self) -> tuple[Column, ...]:
        """Columns whose values get a keyed hash in the vault."""
        return tuple(c for c in self.columns if c.type in ("resident_id", "household_no"))


@cache
def contracts() -> dict[str, Contract]:
    """All contracts by kind, in the order of their files. Raises pydantic.ValidationError."""
    loaded = [
        Contract.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*.yml"))
    ]
    return {contract.kind: contract for contract in loaded}


def kinds_of(source: Source) -> tuple[Contract, ...]:
    """The contracts of one source family."""
    return tuple(contract for contract in contracts().values() if contract.source == source)
