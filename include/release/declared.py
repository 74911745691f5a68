"""``extracts.yml``: figures that may leave the bureau, how they add up, and the tables of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from include.errors import WarehouseError
from include.settings import PROJECT_ROOT

FILE = Path(__file__).with_name("extracts.yml")
_LIMITS = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_small_cell.csv"
_MARTS = PROJECT_ROOT / "dbt_project" / "models" / "marts"
Level = Literal["county", "township"]


class ExtractRefused(WarehouseError):
    """An extract of no such name or month, without a reason, or that cannot be made safe."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Category(_Part):
    """One figure of an area; exactly one of the three ways to count it."""

    name: str
    label_zh: str
    level: Level
    condition: str | None = None
    amount: str | None = None
    scorecard: str | None = None
    implied: bool = False
    month_before: str | None = None
    """The category whose figure of the month before this repeats."""

    @model_validator(mode="after")
    def _is_counted_one_way(self) -> Category:
        if sum(way is not None for way in (self.condition, self.amount, self.scorecard)) != 1:
            raise ValueError(f"{self.name}: one of condition, amount, scorecard")
        return self


class Sum(_Part):
    """``whole`` = sum of ``parts`` less those of ``less``, in each area that has all of them."""

    whole: str
    parts: tuple[str, ...]
    less: tuple[str, ...] = ()


class Table(_Part):
    """Areas by categories; ``reads`` are the columns of marts that the figures rest on."""

    name: str
    title_zh: str
    level: Level
    columns: tuple[str, ...]
    reads: dict[str, tuple[str, ...]]


class Rows(_Part):
    """Rows of persons for research: what others may know of them, generalised, and what is told."""

    name: str
    title_zh: str
    mart: str
    known: tuple[str, ...]
    told: tuple[str, ...]


class Declared(_Part):
    """The whole file. Its names are checked against each other and against the marts' columns."""

    categories: tuple[Category, ...]
    sums: tuple[Sum, ...]
    tables: tuple[Table, ...]
    rows: tuple[Rows, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Declared:
        names = {category.name for category in self.categories}
        named = {
            *(name for s in self.sums for name in (s.whole, *s.parts, *s.less)),
            *(name for table in self.tables for name in table.columns),
            *(c.month_before for c in self.categories if c.month_before),
        }
        if unknown := sorted(named - names):
            raise ValueError(f"no such category: {', '.join(unknown)}")
        for mart, columns in self.read():
            for column in columns:
                if classes(mart).get(column) in (None, "direct"):
                    raise ValueError(f"{mart}.{column} has no class that may leave")
        return self

    def category(self, name: str) -> Category:
        """The category of this name."""
        return next(category for category in self.categories if category.name == name)

    @property
    def extracts(self) -> list[Table | Rows]:
        """All extracts, tables first."""
        return [*self.tables, *self.rows]

    def extract(self, name: str) -> Table | Rows:
        """The extract of this name. Raises ExtractRefused."""
        for extract in self.extracts:
            if extract.name == name:
                return extract
        known = ", ".join(extract.name for extract in self.extracts)
        raise ExtractRefused(f"there is no extract {name}.", remedy=f"there are: {known}.")

    def read(self) -> list[tuple[str, tuple[str, ...]]]:
        """(mart, columns) that extracts read."""
        return [
            *((mart, columns) for table in self.tables for mart, columns in table.reads.items()),
            *((rows.mart, (*rows.known, *rows.told)) for rows in self.rows),
        ]


@dataclass(frozen=True)
class Limits:
    """``ref_small_cell``: counts below ``limit`` are hidden; shares are in percent."""

    limit: int
    money_contributors: int
    money_p_percent: int
    money_width_percent: int
    k: int
    rows_months_apart: int


@cache
def declared() -> Declared:
    """The extracts of this project."""
    return Declared.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


@cache
def limits() -> Limits:
    """The seed's values."""
    with _LIMITS.open(encoding="utf-8", newline="") as file:
        return Limits(**{row["code"]: int(row["value"]) for row in csv.DictReader(file)})


@cache
def classes(mart: str) -> dict[str, str]:
    """Column -> privacy class."""
    return {name: meta["privacy"] for name, meta in _metas(mart).items()}


@cache
def labels(mart: str) -> dict[str, str]:
    """Column -> Chinese label."""
    return {name: meta["label_zh"] for name, meta in _metas(mart).items()}


def _metas(mart: str) -> dict[str, dict[str, str]]:
    text = (_MARTS / f"{mart}.yml").read_text(encoding="utf-8")
    (model,) = (m for m in yaml.safe_load(text)["models"] if m["name"] == mart)
    return {column["name"]: column["config"]["meta"] for column in model["columns"]}
