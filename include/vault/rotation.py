"""Give every person and household a new key: a new secret, and everything that bears old keys.

In phases, each of which can be killed and taken up again: the *map* of all keys in one transaction;
the *months*, each in one transaction with all its versions and their hashes in the log; what goes
*across* months, together with the version in force; the *files* that show row keys; and then all
that leads from an old key to its new one is *forgotten*, after every cell was searched for one.

Builds, publications and backups wait meanwhile, and so do loads, rollbacks and decisions; they are
refused by name where it was interrupted. Readers go on: a month is seen as it was or as it is, and
``marts.key_version`` says which months can be joined.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from include import audit
from include.database import OWNER, connect
from include.errors import WarehouseError
from include.locks import working_schemas
from include.settings import settings
from include.vault import across, months
from include.vault.files import exchange_files
from include.vault.rekeyed import fill
from include.vault.renewal import new_secret, settle_secret
from include.vault.rotating import ROTATION_LOCK, RotationUnderWay, hold_alone
from include.vault.secrets import fingerprint, known_secrets
from include.vault.versions import Key, WrongSecret, in_force

_log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Is told what begins, and with an empty text that a step of those counted was done."""
PHASES = ("map", "months", "across", "files", "forget")


class RotationRefused(WarehouseError):
    """A rotation that cannot begin, or none that could be taken up; nothing was changed."""


@dataclass(frozen=True)
class Rotation:
    """A rotation on record; ``months`` are those done, of ``of_months`` published ones."""

    rotation_id: int
    from_version: int
    to_version: int
    phase: str
    requested_by: str
    reason: str
    begun_at: datetime
    ended_at: datetime | None
    months: int
    of_months: int
    rows: int


@dataclass(frozen=True)
class Status:
    """The version in force (0: no key was made yet), and the last rotation if there was one.

    ``versions_known`` are those of which this process has the secret. ``steps``: how many a
    rotation is counted in.
    """

    version: int
    steps: int
    versions_known: tuple[int, ...]
    is_at_work: bool
    is_interrupted: bool
    rotation: Rotation | None


def status() -> Status:
    """How the keys stand."""
    with connect(OWNER) as connection:
        known = {fingerprint(secret) for secret in known_secrets()}
        versions = connection.execute(
            "select version, fingerprint, state from vault.key_version order by version"
        ).fetchall()
        last = _last(connection)
        steps = len(PHASES) - 1 + len(months.left(0))
        is_at_work = connection.execute(
            "select exists (select from pg_locks where locktype = 'advisory' and granted"
            " and mode = 'ExclusiveLock' and (classid, objid, objsubid) = (0, %s, 1)"
            " and database = (select oid from pg_database where datname = current_database()))",
            [ROTATION_LOCK],
        ).fetchone() == (True,)
    is_open = last is not None and last.ended_at is None
    return Status(
        next((version for version, _, state in versions if state == "current"), 0),
        steps,
        tuple(version for version, print_, _ in versions if print_ in known),
        is_at_work,
        is_open and not is_at_work,
        last,
    )


def start(by: str, reason: str, tell: Tell = lambda _: None) -> Rotation:
    """Begin a rotation to the new secret and bring it to its end; what was done.

    The new secret is the one known here that no version has; with embedded services it is made.
    Raises RotationRefused where there is none, or more than one, where a large change waits for
    its approval, or where marts are not what was published; RotationUnderWay where one is open.
    """
    if not reason.strip():
        raise RotationRefused("the reason is empty.", remedy='say why, as in --reason "…".')
    with _alone():
        with connect(OWNER) as connection:
            last = _last(connection)
            if last and last.ended_at is None:
                raise RotationUnderWay(
                    f"a rotation to version {last.to_version} was begun and has not ended.",
                    remedy="take it up again: ./warehouse rotate-key resume.",
                )
            old = in_force(connection)
            _refuse_open_approvals(connection)
            tell("what is published is compared with the log")
            months.demand_untouched(connection)
            secret = new_secret(connection)
            connection.execute(
                "with made as (insert into vault.key_version (version, fingerprint, state)"
                " select max(version) + 1, %s, 'next' from vault.key_version returning version)"
                " insert into vault.rotation (from_version, to_version, requested_by, reason)"
                " select %s, version, %s, %s from made",
                [fingerprint(secret), old.version, by, reason.strip()],
            )
            audit.record(connection, "key_rotation_begun", detail={"from": old.version})
        return _go_on(tell)


def resume(tell: Tell = lambda _: None) -> Rotation:
    """Bring an interrupted rotation to its end; what was done. Raises RotationRefused without one,
    WrongSecret where one of the two secrets is not known here."""
    with _alone():
        return _go_on(tell)


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody builds, publishes, loads, decides or rolls back meanwhile."""
    with (
        working_schemas(None, "a rotation of the person keys", is_rotation=True),
        psycopg.connect(settings().dsn, autocommit=True) as guard,
    ):
        hold_alone(guard)
        yield


def _go_on(tell: Tell) -> Rotation:
    with connect(OWNER) as connection:
        rotation = _last(connection)
        if rotation is None or rotation.ended_at is not None:
            raise RotationRefused(
                "no rotation of the person keys was interrupted.",
                remedy="begin one with ./warehouse rotate-key start.",
            )
        old, new = (_secret_of(connection, v) for v in (rotation.from_version, rotation.to_version))
    phase = rotation.phase
    if phase == "map":
        with connect(OWNER) as connection:
            fill(connection, old, new, tell)
            _enter(connection, "months")
        tell("")
        phase = "months"
    if phase == "months":
        for period in months.left(rotation.rotation_id):
            tell(period)
            months.rotate(rotation.rotation_id, rotation.to_version, period)
            tell("")
        with connect(OWNER) as connection:
            _enter(connection, "across")
        phase = "across"
    if phase == "across":
        tell("what goes across months")
        across.empty_scratch()
        with connect(OWNER) as connection:
            across.rotate(connection, rotation.to_version)
            _enter(connection, "files")
        tell("")
        phase = "files"
    if phase == "files":
        tell("files that name rows")
        with connect(OWNER) as connection:
            exchange_files(connection)
            _enter(connection, "forget")
        tell("")
    tell("every cell is searched for an old key")
    with connect(OWNER) as connection:
        if unknown := across.forget(connection, rotation.to_version):
            _log.warning("keys lay where no register knew of them: %s", ", ".join(unknown))
        connection.execute(
            "update vault.rotation set phase = 'done', ended_at = clock_timestamp()"
            " where ended_at is null"
        )
        audit.record(connection, "key_rotation_ended", detail={"to": rotation.to_version})
    audit.copy_head()
    settle_secret()
    across.vacuum()
    tell("")
    with connect(OWNER) as connection:
        ended = _last(connection)
    assert ended is not None
    return ended


def _enter(connection: psycopg.Connection[Any], phase: str) -> None:
    connection.execute("update vault.rotation set phase = %s where ended_at is null", [phase])


def _secret_of(connection: psycopg.Connection[Any], version: int) -> Key:
    row = connection.execute(
        "select fingerprint from vault.key_version where version = %s", [version]
    ).fetchone()
    for secret in known_secrets():
        if row == (fingerprint(secret),):
            return Key(version, secret)
    raise WrongSecret(
        f"the rotation needs the secret of version {version}, and it is not known here.",
        remedy="give the old secret and the new one (WAREHOUSE_PERSON_KEY_SECRET and "
        "WAREHOUSE_PERSON_KEY_NEXT_SECRET, or both in WAREHOUSE_PERSON_KEY_FILE), then resume.",
    )


def _last(connection: psycopg.Connection[Any]) -> Rotation | None:
    row = connection.execute(
        "select r.rotation_id, r.from_version, r.to_version, r.phase, r.requested_by, r.reason,"
        " r.begun_at, r.ended_at, count(m.period)::integer, (select count(distinct p.period)"
        " from ops.publication as p where p.state = 'published')::integer,"
        " coalesce(sum(m.changed_rows), 0)::bigint"
        " from vault.rotation as r left join vault.rotation_month as m using (rotation_id)"
        " group by r.rotation_id order by r.rotation_id desc limit 1"
    ).fetchone()
    return Rotation(*row) if row else None


def _refuse_open_approvals(connection: psycopg.Connection[Any]) -> None:
    waiting = connection.execute(
        "select period from ops.approval where answer is null order by period"
    ).fetchall()
    if waiting:
        raise RotationRefused(
            f"changes of {', '.join(p for (p,) in waiting)} wait for an approval, and that is for"
            " their rows as they are.",
            remedy="answer them first: ./warehouse approval list.",
        )
