"""Take a publication back: the month shows an earlier version again, as a version of its own.

One transaction, under the publisher's lock: what is shown goes to ``archive``, the earlier
version's archived rows come back into ``marts``. Tables stay, and with them comments; grants
and policies are seen to again. The month is then held (include/holds.py), or the next build would
undo the rollback.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from include import difference, holds
from include.access.enforce import protect
from include.database import acting_as, connect
from include.errors import RollbackRefused
from include.marts import Mart, content, published_marts
from include.publication_log import Version, versions
from include.publish import PUBLISH_LOCK, archive
from include.stale import annotate
from include.vault.rotating import settled


@acting_as("publisher")
def rollback(period: str, to: int | None = None, *, reason: str, by: str) -> int:
    """Show version ``to`` of a month again and hold it; the new publication's number.

    Without ``to`` it is the version before the one whose rows are shown. Raises RollbackRefused,
    changing nothing, where there is no such version, its rows were dropped by retention, they are
    shown already, a mart of it is gone, or they are not what was published.
    """
    if not reason.strip():
        raise RollbackRefused("the reason is empty.", remedy='say why, as in --reason "…".')
    with connect() as connection:
        settled(connection)
        connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
        known = versions(connection, period)
        current, target = _target(period, known, to)
        marts = {mart.name: mart for mart in published_marts(connection)}
        if gone := sorted(set(target.marts) - set(marts)):
            raise RollbackRefused(
                f"version {target.version} of {period} held {', '.join(gone)}, which is no longer"
                " among the marts.",
                remedy=f"build {period} again instead: what is no longer a mart cannot come back.",
            )
        publication_id = _record(connection, current, target, reason.strip(), by)
        for name in sorted(set(current.marts) | set(target.marts)):
            if name in marts:
                _restore(connection, marts[name], current, target, publication_id)
        _is_what_was_published(connection, marts, target)
        annotate(connection, period)
        protect(connection)
        holds.hold(connection, period, publication_id, reason.strip(), by)
        return publication_id


def _target(period: str, known: list[Version], to: int | None) -> tuple[Version, Version]:
    if not known:
        raise RollbackRefused(f"{period} is not published.", remedy="name a published month.")
    current = known[0]
    by_id = {version.publication_id: version for version in known}
    origin = by_id[current.origin]
    if to is None:
        before = [v for v in known if v.version < origin.version and v.restores is None]
        if not before:
            raise RollbackRefused(
                f"{period} has no version before {origin.version}.",
                remedy="a first publication is put right by building the month again.",
            )
        named = before[0]
    else:
        found = [version for version in known if version.version == to]
        if not found:
            raise RollbackRefused(
                f"{period} has no version {to}.",
                remedy=f"see ./warehouse publications {period}; the latest is {current.version}.",
            )
        named = found[0]
    target = by_id[named.origin]
    if target == origin:
        raise RollbackRefused(
            f"{period} shows the rows of version {target.version} already.",
            remedy=f"name another version with --to; see ./warehouse publications {period}.",
        )
    if target.is_dropped:
        raise RollbackRefused(
            f"the rows of version {target.version} of {period} were dropped by retention.",
            remedy="name a later version, or rebuild it: ./warehouse replay.",
        )
    return current, target


def _record(
    connection: psycopg.Connection[Any], current: Version, target: Version, reason: str, by: str
) -> int:
    row = connection.execute(
        "insert into ops.publication (period, version, build_id, state, reason, deliveries, marts,"
        " columns, restores, requested_by)"
        " select period, %s, build_id, 'published', %s, deliveries, marts, columns,"
        " publication_id, %s from ops.publication where publication_id = %s"
        " returning publication_id",
        [current.version + 1, reason, by, target.publication_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _restore(
    connection: psycopg.Connection[Any],
    mart: Mart,
    current: Version,
    target: Version,
    publication_id: int,
) -> None:
    """Put the difference on record, then exchange the rows. The archive keeps the target's too."""
    period = current.period
    new = difference.rows_of("archive", mart, period, target.publication_id)
    if current.marts.get(mart.name) != target.marts.get(mart.name):
        old = difference.rows_of("marts", mart, period)
        changes = difference.compare(connection, mart, old, new)
        difference.store(connection, publication_id, changes)
    archive(connection, mart, period, current.publication_id)
    columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in mart.columns)
    connection.execute(
        sql.SQL("insert into {marts} ({columns}) select {columns} from {rows} as r").format(
            marts=sql.Identifier("marts", mart.name), columns=columns, rows=new
        )
    )


def _is_what_was_published(
    connection: psycopg.Connection[Any], marts: dict[str, Mart], target: Version
) -> None:
    """What came back is what the log says: by hash, by number of rows where a type is wider now."""
    widened = {
        mart
        for (mart,) in connection.execute(
            "select distinct mart from ops.mart_change"
            " where change = 'widened' and publication_id > %s",
            [target.publication_id],
        )
    }
    for name, logged in target.marts.items():
        types = dict(marts[name].columns)
        columns = tuple((column, types[column]) for column in target.columns.get(name, types))
        found = content(connection, "marts", Mart(name, columns, marts[name].grain), target.period)
        is_same = found["rows"] == logged["rows"] if name in widened else found == logged
        if not is_same:
            raise RollbackRefused(
                f"what the archive holds of version {target.version} of {target.period} is not"
                " what was published.",
                remedy="find out who wrote it; rebuild the version with ./warehouse replay.",
                file=f"archive.{name}",
            )
