"""What an expectation says, as data: suites are lists of these, read without importing GX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

Severity = Literal["critical", "warning"]


MOST_KEYS = 20_000
"""Failing rows whose keys are fetched; the number of failing rows is always whole."""


@dataclass(frozen=True)
class Check:
    """One expectation: a Great Expectations class with its arguments, and why it is there.

    ``critical`` rejects a delivery or blocks a publication; ``warning`` is recorded beside it.
    ``figure`` is the column that holds the observed number, where there is one.
    """

    id: str
    expectation: str
    """Class name in ``great_expectations.expectations``, or ExpectNoRows of this package."""
    severity: Severity
    description: str
    """What is expected, in words a reader of the result understands without the code."""
    label_zh: str
    reason: str
    """Why this is expected: what goes wrong downstream when it does not hold."""
    remedy: str
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    figure: str | None = None
    defect: str | None = None
    """Of a delivery's expectation: the code of ref_defect that says the same of a single row."""
    remedy_zh: str = ""
    """What the sender should do, where ref_defect does not say it."""
    habit: str | None = None
    """The figure compared with the county's history; ``<habit>_middle`` and so on are usual."""


@dataclass(frozen=True)
class Subject:
    """One table judged by one suite; the value of ``row_key`` is all a result may show of a row."""

    suite: str
    """Title in Data Docs: ``deliveries.<kind>`` or ``marts.<mart>``."""
    table: str
    """Schema-qualified name."""
    row_key: str
    """SQL expression that names a row without a personal value."""
    checks: Sequence[Check]


def between(
    figure: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    id: str | None = None,
    severity: Severity,
    description: str,
    label_zh: str,
    reason: str,
    remedy: str,
    defect: str | None = None,
    remedy_zh: str = "",
) -> Check:
    """Every non-null value of ``figure`` lies in [minimum, maximum].

    One query; Great Expectations' own expectation of this name asks the database eight times.
    """
    outside = [
        f"{figure} {operator} {bound}"
        for operator, bound in (("<", minimum), (">", maximum))
        if bound is not None
    ]
    return replace(
        no_rows(
            id or figure,
            f"select row_key from judged where {' or '.join(outside)}",
            severity=severity,
            description=description,
            label_zh=label_zh,
            reason=reason,
            remedy=remedy,
        ),
        figure=figure,
        defect=defect,
        remedy_zh=remedy_zh,
    )


def no_rows(
    id: str,
    query: str,
    *,
    severity: Severity = "critical",
    description: str,
    label_zh: str,
    reason: str,
    remedy: str,
) -> Check:
    """``query`` over ``judged``, the judged table with its ``row_key``, returns no row.

    It selects ``row_key`` alone. Braces in it are doubled: Great Expectations formats it.
    """
    return Check(
        id=id,
        expectation="ExpectNoRows",
        severity=severity,
        description=description,
        label_zh=label_zh,
        reason=reason,
        remedy=remedy,
        arguments={
            "unexpected_rows_query": "select row_key, count(*) over () as failing_rows from"
            f" (with judged as (select * from {{batch}}) {query}) as failing"
            f" order by row_key limit {MOST_KEYS}"
        },
    )
