"""Build a month again beside the live warehouse: dbt in rooms of its own, on what was kept.

Nothing of the warehouse is written: links go into a table of their own, seeds and models into
schemas whose names begin with ``rebuild_``. So months can be built, judged and published meanwhile,
and a rebuild that was killed leaves nothing but these rooms, which the next one clears.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from include import kept
from include.build import Workplace, dbt
from include.database import acting_as, connect
from include.errors import WarehouseError
from include.linkage.assign import link
from include.locks import DBT_SESSIONS, end_sessions
from include.marts import Mart, candidate_marts
from include.settings import settings
from include.vault.rotating import settled

PREFIX = "rebuild_"
CANDIDATE = f"{PREFIX}candidate"
_ROOMS = ("staging", "spine", "core", "candidate", "seeds")
LOCK = 431017
"""Advisory lock of the rooms."""


class RebuildRefused(WarehouseError):
    """A month cannot be rebuilt now."""


@dataclass(frozen=True)
class Inputs:
    """All that a build is a function of. ``build_id`` is what the build says of itself."""

    period: str
    known_at: datetime
    code_sha256: str
    seeds_sha256: str
    build_id: int = 0

    @property
    def stated(self) -> dict[str, str]:
        return {
            "period": self.period,
            "known_at": self.known_at.astimezone(UTC).isoformat(),
            "build_id": str(self.build_id),
            "seeds_sha256": self.seeds_sha256,
        }


@dataclass
class Rooms:
    """The rooms while they are ours. What is in them stands until the next ``build``."""

    _ran: tuple[str, str] | None = field(default=None)

    @acting_as("transformer")
    def build(self, inputs: Inputs) -> tuple[Mart, ...]:
        """Build the month's marts in ``rebuild_candidate``; which there are.

        Raises NotKept where the code or the seeds are not there, BuildFailed where dbt fails.
        """
        project = kept.project(inputs.code_sha256, inputs.seeds_sha256)
        version = inputs.code_sha256, inputs.seeds_sha256
        if self._ran != version:
            _clear()
        link(inputs.period, inputs.known_at, project / "seeds", aside=PREFIX)
        left_out = ["test", "unit_test"] + (["seed"] if self._ran == version else [])
        self._ran = None
        dbt(
            "build",
            *("--exclude-resource-type", *left_out, "--select", "+path:models/marts"),
            stated=inputs.stated,
            workplace=Workplace(project, _target(project), PREFIX),
        )
        self._ran = version
        with connect() as connection:
            return candidate_marts(connection, CANDIDATE)


@contextmanager
def rooms() -> Iterator[Rooms]:
    """The rooms for rebuilding, empty; cleared again at the end.

    Raises RebuildRefused where another rebuild is at work.
    """
    with connect("transformer") as guard:
        guard.autocommit = True
        if guard.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone() != (True,):
            raise RebuildRefused(
                "another replay or verification is at work.",
                remedy="wait until it has ended; it disturbs no build.",
            )
        settled(guard)
        end_sessions(guard, f"{PREFIX}{DBT_SESSIONS}")
        _clear()
        try:
            yield Rooms()
        finally:
            _clear()


@acting_as("transformer")
def _clear() -> None:
    """Drop the rooms. One by one: a transaction may not hold as many locks as they have tables."""
    with connect() as connection:
        connection.autocommit = True
        for room in _ROOMS:
            _drop_schema(connection, f"{PREFIX}{room}")
        connection.execute(
            sql.SQL("drop table if exists {}").format(
                sql.Identifier("vault", f"{PREFIX}person_link")
            )
        )


def _drop_schema(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _target(project: Path) -> Path:
    """dbt's artefacts of a kept project: it is parsed once, however often it is run."""
    return settings().home / "builds" / "targets" / project.name
