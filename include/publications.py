"""What has been published, when, by whom and why; for the command and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from include import difference
from include.errors import WarehouseError


class NoSuchPublication(WarehouseError):
    """A month or a version that was never published."""


@dataclass(frozen=True)
class Line:
    """One entry of ops.publication.

    ``by`` is who rolled back or answered a question about it, None where the scheduler or a
    command published it without one. ``added``, ``removed`` and ``changed`` are rows of all marts
    against the version replaced. ``not_filled`` names mart.column that this version lacks.
    """

    publication_id: int
    period: str
    version: int
    state: str
    is_shown: bool
    restores_version: int | None
    build_id: int
    published_at: datetime
    by: str | None
    reason: str | None
    rows: int
    added: int
    removed: int
    changed: int
    not_filled: list[str]
    is_dropped: bool
    is_held: bool


def lines(connection: psycopg.Connection[Any], period: str | None = None) -> list[Line]:
    """All entries of a month, or each month's shown version and what came after it, in order."""
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        return cursor.execute(_LINES, {"period": period}).fetchall()


def changes(
    connection: psycopg.Connection[Any], period: str, version: int | None = None
) -> tuple[Line, list[difference.Change]]:
    """A version of the month, the one shown by default, and its difference on record.

    Raises NoSuchPublication.
    """
    published = [line for line in lines(connection, period) if line.state == "published"]
    for line in published:
        if line.version == version or (version is None and line.is_shown):
            return line, difference.stored(connection, line.publication_id)
    known = ", ".join(str(line.version) for line in published) or "none"
    raise NoSuchPublication(
        f"{period} has no version {version}." if version else f"{period} is not published.",
        remedy=f"its versions are: {known}." if published else "see ./warehouse publications.",
    )


_LINES = """
with shown as (
    select distinct on (period) period, publication_id, version
    from ops.publication
    where state = 'published'
    order by period, version desc
)

select
    p.publication_id,
    p.period,
    p.version,
    p.state,
    coalesce(p.publication_id = s.publication_id, false) as is_shown,
    r.version as restores_version,
    p.build_id,
    p.published_at,
    coalesce(p.requested_by, a.answered_by) as by,
    coalesce(p.reason, a.reason) as reason,
    coalesce((
        select sum((m.value ->> 'rows')::bigint)::bigint
        from jsonb_each(p.marts) as m
    ), 0) as rows,
    coalesce(c.added, 0) as added,
    coalesce(c.removed, 0) as removed,
    coalesce(c.changed, 0) as changed,
    array(
        select u.mart || '.' || u.column_name
        from ops.unfilled_column as u
        where u.publication_id = p.publication_id
        order by 1
    ) as not_filled,
    p.dropped_at is not null as is_dropped,
    h.period is not null as is_held
from ops.publication as p
left join shown as s on p.period = s.period
left join ops.publication as r on p.restores = r.publication_id
left join ops.approval as a on p.build_id = a.build_id and p.restores is null
left join ops.hold as h on p.publication_id = h.publication_id and h.released_at is null
left join (
    select
        publication_id,
        sum(added)::bigint as added,
        sum(removed)::bigint as removed,
        sum(changed)::bigint as changed
    from ops.publication_change
    where column_name is null
    group by publication_id
) as c on p.publication_id = c.publication_id
where p.period = %(period)s
    or %(period)s::text is null and p.publication_id >= coalesce(s.publication_id, 0)
order by p.period, p.publication_id
"""
