"""Build a published version again from its log entry, and compare it row by row.

The log names month, knowledge time, code and seeds; the register has the deliveries. Whatever
differs is told by mart, column and row key, never by value. Marts and log are only read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from include import kept
from include.beside import MartDifference, Version, compare, versions_of
from include.database import acting_as, connect
from include.errors import WarehouseError
from include.rebuild import Rooms, rooms


class VerificationRefused(WarehouseError):
    """There is no such published version."""


@dataclass(frozen=True)
class Verified:
    """The outcome for one version. ``failure``: it could not be rebuilt at all, and why.

    ``lost`` are deliveries that it read and the register does not have as it had; ``notes`` say
    what of the past cannot be repeated because it is not the same any more.
    """

    period: str
    version: int
    publication_id: int
    build_id: int
    known_at: datetime
    code_sha256: str
    seeds_sha256: str
    is_shown: bool
    seconds: float
    marts: tuple[MartDifference, ...] = ()
    lost: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str | None = None
    erasures: tuple[int, ...] = ()
    """Of persons who were erased after it was built: it was made with rows that are gone."""

    @property
    def differences(self) -> int:
        return sum(one.differences for one in self.marts)

    @property
    def is_proven(self) -> bool:
        """Rebuilt, and nothing differs."""
        return self.failure is None and not self.lost and not self.differences

    @property
    def is_explained(self) -> bool:
        """Proven, or what differs are rows that stand so for want of persons who were erased."""
        return (
            self.failure is None
            and not self.lost
            and not sum(one.unexplained for one in self.marts)
        )


@acting_as("transformer")
def versions(period: str | None = None, version: int | None = None) -> list[Version]:
    """Published versions by month and version: of all months, of one, or one of them.

    Without ``version`` a single month's is the shown one. Raises VerificationRefused where a month
    or a version was asked for that was never published.
    """
    with connect() as connection:
        found = [
            version_
            for version_ in versions_of(connection, period)
            if (version_.version == version if version else period is None or version_.is_shown)
        ]
    if period and not found:
        what = f"version {version} of {period}" if version else f"{period}"
        raise VerificationRefused(
            f"{what} has not been published.",
            remedy="./warehouse verify --all names what has been.",
        )
    return found


def verify(
    chosen: list[Version], begins: Callable[[Version], None] = lambda _: None
) -> Iterator[Verified]:
    """Rebuild each version and compare it; one outcome after the other.

    ``begins`` is told each version before its turn.

    Raises RebuildRefused where another rebuild is at work.
    """
    with rooms() as place:
        for version in chosen:
            begins(version)
            yield _verify(place, version)


@acting_as("transformer")
def _verify(place: Rooms, version: Version) -> Verified:
    began = time.monotonic()
    marts: tuple[MartDifference, ...] = ()
    lost: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    erasures: tuple[int, ...] = ()
    failure = None
    try:
        built = place.build(version.inputs)
        with connect() as connection:
            erasures, counties = _erased(connection, version)
            marts = compare(connection, version, built, counties if erasures else None)
            lost = _lost(connection, version)
            notes = _notes(connection, version)
    except WarehouseError as refusal:
        failure = str(refusal)
    return Verified(
        version.period,
        version.version,
        version.publication_id,
        version.inputs.build_id,
        version.inputs.known_at,
        version.inputs.code_sha256,
        version.inputs.seeds_sha256,
        version.is_shown,
        time.monotonic() - began,
        marts,
        lost,
        notes,
        failure,
        erasures,
    )


def _erased(
    connection: psycopg.Connection[Any], version: Version
) -> tuple[tuple[int, ...], set[str]]:
    """Erasures that took rows from what the version read, and the counties of those persons."""
    found = connection.execute(
        "select e.erasure_id, e.proof -> 'counties' from ops.erasure as e where exists ("
        " select from ops.erasure_delivery as d where d.erasure_id = e.erasure_id"
        " and d.delivery_id = any(%s) and d.at > %s) order by e.erasure_id",
        [list(version.deliveries), version.inputs.known_at],
    ).fetchall()
    counties = {county for _, named in found for county in named or ()}
    return tuple(number for number, _ in found), counties


def _lost(connection: psycopg.Connection[Any], version: Version) -> tuple[int, ...]:
    """Deliveries on which the log and the register do not agree."""
    now = {
        delivery
        for (delivery,) in connection.execute(
            "select delivery_id from ops.accepted_delivery where period <= %s and known_at <= %s",
            [version.period, version.inputs.known_at],
        )
    }
    return tuple(sorted(now ^ set(version.deliveries)))


def _notes(connection: psycopg.Connection[Any], version: Version) -> tuple[str, ...]:
    """What ran then and does not run now: it is code of this project, not of the dbt project."""
    notes = []
    if version.linkage_sha256 not in (None, kept.linkage_sha256()):
        notes.append("persons were linked by other code then")
    if version.functions_sha256 not in (None, kept.functions_sha256(connection)):
        notes.append("the database's functions that read cells have changed by a migration")
    if version.are_keys_old:
        notes.append("person keys were rotated since, and retention had dropped its rows: of those"
                     " only the number is compared")  # fmt: skip
    return tuple(notes)
