"""What would have been published of a month on the knowledge of some time, in its own schema.

The month is rebuilt beside the warehouse (include/rebuild.py) from the deliveries accepted and the
judgements made by then, with the code and the seeds of that time. The result stays readable for
engineers until it is dropped; BI does not see it.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from include import build, kept
from include.beside import MartDifference, Version, compare, versions_of
from include.database import acting_as, connect
from include.errors import WarehouseError
from include.marts import Mart
from include.rebuild import CANDIDATE, Inputs, rooms

BEIJING = ZoneInfo("Asia/Shanghai")
_DAY_ENDS = time(23, 59, 59, 999999)


class ReplayRefused(WarehouseError):
    """The replay asked for makes no sense, or does not exist."""


@dataclass(frozen=True)
class Beside:
    """A published version beside the replay."""

    version: int
    publication_id: int
    published_at: datetime
    marts: tuple[MartDifference, ...]

    @property
    def is_equal(self) -> bool:
        return all(mart.is_equal for mart in self.marts)


@dataclass(frozen=True)
class Replayed:
    """A replay that stands in ``schema``. ``rows`` by mart; ``deliveries`` are those it could read.

    ``ran`` says whose code and seeds. ``then`` is the version that was shown at that time, ``now``
    the one that is shown now; None where there was, or is, none.
    """

    schema: str
    period: str
    known_at: datetime
    ran: str
    code_sha256: str
    seeds_sha256: str
    deliveries: tuple[int, ...]
    rows: dict[str, int]
    then: Beside | None
    now: Beside | None


@dataclass(frozen=True)
class Kept:
    """A replay on record."""

    schema: str
    period: str
    known_at: datetime
    requested_by: str
    replayed_at: datetime
    rows: int


def known_at_of(text: str, now: datetime) -> datetime:
    """The time that ``2026-04-10`` (its end in Beijing) or an ISO time stamp names.

    A time stamp without an offset is Beijing time; a day that is not over yet stands for now.
    Raises ReplayRefused for anything else, and for what is still to come.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ReplayRefused(
            f"{text} is neither a day nor a time.",
            remedy="say 2026-04-10, or 2026-04-10T17:30 (Beijing time).",
        ) from None
    is_day = len(text) <= len("2026-04-10")
    if is_day:
        found = datetime.combine(found.date(), _DAY_ENDS)
    if found.tzinfo is None:
        found = found.replace(tzinfo=BEIJING)
    is_today = is_day and found.date() == now.astimezone(BEIJING).date()
    if found > now and not is_today:
        raise ReplayRefused(
            f"{text} is still to come, and nobody knows what will be known then.",
            remedy="name a day or a time that has been.",
        )
    return min(found, now)


@acting_as("transformer")
def replay(period: str, text: str, tell: Callable[[str], None] = lambda _: None) -> Replayed:
    """Rebuild ``period`` as known at ``text``; a replay of the same name is replaced.

    Raises ReplayRefused, RebuildRefused where another rebuild is at work, NotKept or BuildFailed
    where that code cannot be run any more.
    """
    with connect() as connection:
        known_at = known_at_of(text, _clock(connection))
        published = versions_of(connection, period)
        then = next((v for v in reversed(published) if v.published_at <= known_at), None)
        now = next((v for v in published if v.is_shown), None)
        ran, code, seeds = _code(connection, then, known_at)
        deliveries = _deliveries(connection, period, known_at)
    if not deliveries:
        raise ReplayRefused(
            f"nothing was known of {period} or earlier months at {known_at.isoformat()}.",
            remedy="name a later time, or another month.",
        )
    schema = _name(period, known_at)
    with rooms() as place:
        tell(f"{period} is built as known at {known_at:%Y-%m-%d %H:%M}")
        built = place.build(Inputs(period, known_at, code, seeds))
        tell("it is compared with what is and was published")
        with connect() as connection:
            found = Replayed(
                schema,
                period,
                known_at,
                ran,
                code,
                seeds,
                deliveries,
                {mart.name: _count(connection, mart) for mart in built},
                _beside(connection, then, built),
                _beside(connection, now, built),
            )
            _keep(connection, found, built)
    return found


@acting_as("transformer")
def kept_replays() -> list[Kept]:
    """Replays that stand, the latest first."""
    with connect() as connection:
        return [
            Kept(*row)
            for row in connection.execute(
                "select schema_name, period, known_at, requested_by, replayed_at,"
                " (select sum(rows::bigint) from jsonb_each_text(compared -> 'rows')"
                " as counted (mart, rows)) from ops.replay order by replay_id desc"
            )
        ]


@acting_as("transformer")
def drop(schema: str) -> None:
    """Drop a replay and its record. Raises ReplayRefused where there is none of that name."""
    with connect() as connection:
        _drop(connection, schema)
        gone = connection.execute("delete from ops.replay where schema_name = %s", [schema])
        if gone.rowcount != 1:
            connection.rollback()
            raise ReplayRefused(
                f"there is no replay {schema}.", remedy="./warehouse replay --list names them."
            )


def _clock(connection: psycopg.Connection[Any]) -> datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def _code(
    connection: psycopg.Connection[Any], then: Version | None, known_at: datetime
) -> tuple[str, str, str]:
    """(whose, code, seeds) that were run at that time.

    Those of what was published then; else of the last build of any month by then; else today's.
    """
    last = connection.execute(
        "select build_id, period, code_sha256, seeds_sha256 from ops.build where opened_at <= %s"
        " order by opened_at desc, build_id desc limit 1",
        [known_at],
    ).fetchone()
    if then:
        version = then.inputs
        ran = f"build {version.build_id}, published then", version.code_sha256, version.seeds_sha256
    elif last:
        ran = f"build {last[0]} of {last[1]}, the last one by then", last[2], last[3]
    else:
        return "the project as it is today: nothing had been built by then", *kept.keep(
            build.DBT_PROJECT
        )
    return ran


def _deliveries(
    connection: psycopg.Connection[Any], period: str, known_at: datetime
) -> tuple[int, ...]:
    return tuple(
        delivery
        for (delivery,) in connection.execute(
            "select delivery_id from ops.accepted_delivery where period <= %s and known_at <= %s"
            " order by delivery_id",
            [period, known_at],
        )
    )


def _beside(
    connection: psycopg.Connection[Any], version: Version | None, built: tuple[Mart, ...]
) -> Beside | None:
    if version is None:
        return None
    return Beside(
        version.version,
        version.publication_id,
        version.published_at,
        compare(connection, version, built),
    )


def _name(period: str, known_at: datetime) -> str:
    at = known_at.astimezone(BEIJING)
    if at.time() == _DAY_ENDS:
        moment = f"{at:%Y%m%d}"
    else:  # two moments of one second are two replays
        moment = f"{at:%Y%m%dt%H%M%S}" + (f"{at:%f}" if at.microsecond else "")
    return f"replay_{period.replace('-', '_')}_{moment}"


def _count(connection: psycopg.Connection[Any], mart: Mart) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from {}").format(sql.Identifier(CANDIDATE, mart.name))
    ).fetchone()
    assert row is not None
    return int(row[0])


def _keep(connection: psycopg.Connection[Any], found: Replayed, built: tuple[Mart, ...]) -> None:
    """Move the rebuilt marts into the replay's schema, and put it on record with what differs."""
    _drop(connection, found.schema)
    connection.execute("delete from ops.replay where schema_name = %s", [found.schema])
    schema = sql.Identifier(found.schema)
    connection.execute(sql.SQL("create schema {}").format(schema))
    for mart in built:
        # What a build makes is unlogged: it would not outlive a crash of the server.
        connection.execute(
            sql.SQL("alter table {0} set logged; alter table {0} set schema {1}").format(
                sql.Identifier(CANDIDATE, mart.name), schema
            )
        )
    compared = {
        "rows": found.rows,
        "then": asdict(found.then) if found.then else None,
        "now": asdict(found.now) if found.now else None,
    }
    connection.execute(
        "insert into ops.replay (schema_name, period, known_at, code_sha256, seeds_sha256,"
        " deliveries, compared, requested_by) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            found.schema,
            found.period,
            found.known_at,
            found.code_sha256,
            found.seeds_sha256,
            list(found.deliveries),
            Jsonb(compared, dumps=_dumps),
            getpass.getuser(),
        ],
    )


def _dumps(value: object) -> str:
    return json.dumps(value, default=str)


def _drop(connection: psycopg.Connection[Any], schema: str) -> None:
    if not schema.startswith("replay_"):
        raise ReplayRefused(
            f"{schema} is no replay.", remedy="./warehouse replay --list names them."
        )
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
