"""Parts of a contract beside its columns and rules: spellings, size, what columns feed."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from include.layout import plain_header

CountyCode = Annotated[str, BeforeValidator(str), Field(pattern=r"^4310\d\d$")]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Place = tuple[str | int, ...]
"""Keys and positions that lead to a part of a contract, such as ("columns", 2, "headers", 0)."""


class Misplaced(ValueError):
    """What is wrong with a contract, and in which part of it."""

    def __init__(self, what: str, *place: str | int) -> None:
        self.place: Place = place
        super().__init__(what)


class Synonym(BaseModel):
    """A heading that stands for a column in some counties' files, for some months.

    Without ``counties`` in those of all; ``from`` and ``to`` are the first and the last month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    header: str
    counties: tuple[CountyCode, ...] = ()
    since: Month = Field(default="0001-01", alias="from")
    until: Month = Field(default="9999-12", alias="to")

    @model_validator(mode="after")
    def _runs_forward(self) -> Synonym:
        if self.until < self.since:
            raise ValueError(f"synonym {self.header}: it ends before it begins")
        return self

    def holds(self, county_code: str, period: str) -> bool:
        """Whether the heading has this meaning in a county's file for a month."""
        is_there = not self.counties or county_code in self.counties
        return is_there and self.since <= period <= self.until

    def meets(self, other: Synonym) -> bool:
        """Whether there is a county and a month in which both hold."""
        share = not (self.counties and other.counties) or set(self.counties) & set(other.counties)
        return bool(share) and self.since <= other.until and other.since <= self.until


class RowBounds(BaseModel):
    """How many rows a delivery of one county (or of the city) can have; others are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: int = Field(ge=0)
    most: int = Field(ge=1)

    @model_validator(mode="after")
    def _are_bounds(self) -> RowBounds:
        if self.most < self.least:
            raise ValueError("rows: most is less than least")
        return self


class Feeds(BaseModel):
    """What a column's cells go into: columns of the staging model, and marts computed from them.

    A mart that is only joined or filtered by it (such as by the name of a village) is not named.
    Those for the ``linkage`` help to find whom a row without a usable ID is about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    linkage: bool = False
    staging: tuple[str, ...] = ()
    marts: tuple[str, ...] = ()


RAW_ONLY: Literal["raw only"] = "raw only"
"""A column that is kept as delivered and that nothing is computed from."""


def demand_plain(header: str, *place: str | int) -> None:
    """A heading is compared in plain spelling, so it has to be written so."""
    if header != plain_header(header) or not header:
        raise Misplaced(
            f"heading {header!r} is never met: files' headings are compared as "
            f"{plain_header(header)!r}",
            *place,
        )


def demand_pattern(pattern: str, *place: str | int) -> None:
    """A pattern that finds one number."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise Misplaced(f"control_total is no pattern ({error})", *place) from None
    if groups != 1:
        raise Misplaced(f"control_total has {groups} groups in brackets; one is needed", *place)
