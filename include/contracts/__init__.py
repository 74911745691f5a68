"""Delivery contracts: one YAML file per kind of delivery, read as data and validated at load."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

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


class Column(BaseModel):
    """One column: its name in the warehouse, its headers as delivered, what it holds and feeds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    headers: tuple[str, ...]
    type: ColumnType = "text"
    required: bool = False
    """Whether a delivery without this header is refused as a whole."""
    privacy: Privacy = "none"


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

    @model_validator(mode="after")
    def _grain_and_headers_are_sound(self) -> Contract:
        names = [column.name for column in self.columns]
        headers = [header for column in self.columns for header in column.headers]
        if missing := set(self.grain) - set(names):
            raise ValueError(f"{self.kind}: grain names unknown columns {sorted(missing)}")
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
