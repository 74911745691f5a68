"""That the keys are being rotated: whoever writes keys, or goes by them, waits or is refused.

A rotation holds a lock while it is at work, and its record stays open when it is killed. So there
are two questions: whether one is at work, which ends by itself, and whether one was begun and not
ended, which somebody has to take up again.
"""

from __future__ import annotations

from typing import Any

import psycopg

from include.errors import WarehouseError
from include.settings import settings

ROTATION_LOCK = 431024
"""Advisory lock: the rotation's own, shared by those who must not run beside one. Taken after the
lock of the working schemas (include/locks.py) and before the publisher's."""


class RotationUnderWay(WarehouseError):
    """The person keys are being rotated, or a rotation of them was begun and not ended."""


class KeysInUse(WarehouseError):
    """Loads or decisions that bear keys did not end in time for a rotation to begin."""


def settled(connection: psycopg.Connection[Any]) -> None:
    """Until the transaction ends (the session, in autocommit) no rotation begins.

    One at work is waited for, up to ``WAREHOUSE_SCHEMAS_WAIT_S`` seconds. Raises RotationUnderWay
    where it goes on after that, and where one was interrupted.
    """
    lock = "advisory_lock_shared" if connection.autocommit else "advisory_xact_lock_shared"
    if not _take(connection, lock):
        raise RotationUnderWay(
            "the person keys are being rotated, and that did not end in time.",
            remedy="see ./warehouse rotate-key status, and run this again when it has ended.",
        )
    demand_settled(connection)


def demand_settled(connection: psycopg.Connection[Any]) -> None:
    """Raises RotationUnderWay where a rotation was begun and has not ended."""
    row = connection.execute(
        "select from_version, to_version, to_char(begun_at at time zone 'UTC',"
        " 'YYYY-MM-DD HH24:MI') from ops.open_rotation()"
    ).fetchone()
    if row:
        raise RotationUnderWay(
            f"the person keys are being rotated from version {row[0]} to {row[1]}, since {row[2]}"
            " UTC.",
            remedy="see ./warehouse rotate-key status; where it was interrupted, run ./warehouse"
            " rotate-key resume, then this again.",
        )


def hold_alone(session: psycopg.Connection[Any]) -> None:
    """Keep all others off until the session ends. Raises KeysInUse where they do not end."""
    if not _take(session, "advisory_lock"):
        raise KeysInUse(
            "loads, rollbacks or decisions are at work with the keys and did not end in time.",
            remedy="wait until they have ended, then run this again.",
        )


def _take(connection: psycopg.Connection[Any], lock: str) -> bool:
    """Take a lock, waiting as long as one waits for the working schemas; whether it was had."""
    (taken,) = connection.execute(
        f"select pg_try_{lock}(%s)".encode(), [ROTATION_LOCK]
    ).fetchone() or (False,)
    if taken:
        return True
    milliseconds = max(round(settings().schemas_wait_s * 1000), 1)  # 0 would be for ever
    is_local = not connection.autocommit
    connection.execute("select set_config('lock_timeout', %s, %s)", [f"{milliseconds}ms", is_local])
    try:
        connection.execute(f"select pg_{lock}(%s)".encode(), [ROTATION_LOCK])
    except psycopg.errors.LockNotAvailable:
        return False
    connection.execute("select set_config('lock_timeout', '0', %s)", [is_local])
    return True
