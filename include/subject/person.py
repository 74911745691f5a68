"""What a person is in the warehouse, once he has been found (include/subject/identity.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg import sql

from include.contracts import Contract
from include.vault.places import Place


@dataclass(frozen=True, order=True)
class DeliveredRow:
    """A row of ``raw`` about the person. ``is_shared``: others' too, his cells alone are his."""

    kind: str
    delivery_id: int
    row_no: int
    is_shared: bool = False


@dataclass(frozen=True)
class Subject:
    """One person. ``tokens`` are {(holds, value)}: what names him, as delivered and as keyed.

    ``households`` are keys of households in which nobody else was ever listed.
    """

    person_keys: frozenset[str]
    ids: frozenset[str]
    record_keys: frozenset[str]
    households: frozenset[str]
    household_nos: frozenset[str]
    alert_keys: frozenset[str]
    rows: tuple[DeliveredRow, ...]
    tokens: frozenset[tuple[str, str]] = field(default=frozenset())

    @property
    def key(self) -> str:
        """The key that the audit chain knows him by: the first of his, which stays the first."""
        return min(self.person_keys)

    @property
    def keys(self) -> frozenset[str]:
        """All keyed hashes by which he, his records or his household are known."""
        return self.person_keys | self.record_keys | self.households


def condition(place: Place, subject: Subject) -> sql.Composed:
    """Whether the cell of a place, one or several keys, holds a key of his."""
    wanted = sorted(
        subject.alert_keys
        if place.holds == "alert_key"
        else {value for holds, value in subject.tokens if holds == "alert_no"}
        if place.holds == "alert_no"
        else subject.keys
    )
    return sql.SQL("{} {}({}::text[])").format(
        sql.Identifier(place.column),
        sql.SQL("&&" if place.shape == "array" else "= any"),
        sql.Literal(wanted),
    )


def is_shared(contract: Contract) -> bool:
    """Whether a row is about a household whatever person it names: others need it."""
    of_grain = [contract.column(name).type for name in contract.grain]
    return "household_no" in of_grain and "resident_id" not in of_grain
