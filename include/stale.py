"""Published months that leave out what a backfill without cascade brought to earlier months.

They are marked in the publication log (``ops.stale_publication``) and on the scorecard
(``stale_since``). A mark belongs to a publication, so the month's next one ends it. Until then
nobody builds the month by itself: whoever said ``--no-cascade`` wants it to stay as it is. As soon
as something else of the month changes, it is built again as any other, with all that is known.
"""

from __future__ import annotations

from typing import Any

import psycopg

from include.database import connect
from include.inputs import Changed, changed_months

SHOWN = """
select distinct on (period) period, publication_id
from ops.publication
where state <> 'blocked'
order by period, publication_id desc
"""
"""The publication that says what is shown of each month; a blocked one left it as it was."""

_BROUGHT = """
select
    b.backfill_id,
    b.from_period,
    b.to_period,
    array_agg(distinct d.delivery_id order by d.delivery_id)
from ops.backfill as b
inner join ops.delivery as d
    on
        d.period between b.from_period and b.to_period
        and d.source = coalesce(b.source, d.source)
        and d.county_code = coalesce(b.county_code, d.county_code)
inner join ops.acceptance as a on d.delivery_id = a.delivery_id and a.outcome = 'accepted'
cross join lateral (
    select greatest(a.decided_at, max(r.received_at)) as known_at
    from ops.arrival as r
    where r.delivery_id = d.delivery_id
) as last
where
    b.state <> 'refused'
    and last.known_at between b.requested_at and coalesce(b.ended_at, 'infinity')
    -- What comes after the backfill has built the delivery's month is nobody's of it.
    and not exists (
        select
        from ops.publication as p
        inner join ops.build as built on p.build_id = built.build_id
        where
            p.period = d.period
            and built.known_at between b.requested_at and last.known_at
    )
    and (%(backfill)s::bigint is null or b.backfill_id = %(backfill)s)
    and (%(backfill)s::bigint is not null or not b.cascades)
group by b.backfill_id
"""


def brought(connection: psycopg.Connection[Any], backfill_id: int) -> set[int]:
    """The deliveries that a backfill has brought or counted anew so far."""
    found = connection.execute(_BROUGHT, {"backfill": backfill_id}).fetchone()
    return set(found[3]) if found else set()


def mark() -> None:
    """Mark the other months that read what backfills without cascade have brought.

    As the publisher: on the scorecard too.
    """
    with connect("publisher") as connection:
        backfills = connection.execute(_BROUGHT, {"backfill": None}).fetchall()
        if not backfills:
            return
        shown = dict(connection.execute(SHOWN).fetchall())
        for changed in changed_months(connection):
            for backfill_id, first, last, deliveries in backfills:
                held = sorted(set(changed.deliveries) & set(deliveries))
                if held and not first <= changed.period <= last and changed.period in shown:
                    connection.execute(
                        "insert into ops.stale_publication"
                        " (publication_id, backfill_id, deliveries)"
                        " values (%s, %s, %s) on conflict (publication_id, backfill_id)"
                        " do update set deliveries = excluded.deliveries",
                        [shown[changed.period], backfill_id, held],
                    )
                    annotate(connection, changed.period)


def annotate(connection: psycopg.Connection[Any], period: str) -> None:
    """Have the scorecard of a published month say whether it is stale, as the log does."""
    if connection.execute("select to_regclass('marts.county_scorecard')").fetchone() == (None,):
        return
    connection.execute(
        "update marts.county_scorecard as c set stale_since = s.since from ("
        "select (min(m.marked_at) at time zone 'Asia/Shanghai')::date as since"
        f" from ({SHOWN}) as shown left join ops.stale_publication as m using (publication_id)"
        " where shown.period = %(period)s) as s"
        " where c.period = %(period)s and c.stale_since is distinct from s.since".encode(),
        {"period": period},
    )


def due(connection: psycopg.Connection[Any]) -> list[Changed]:
    """The changed months to build again: all but those of which only held deliveries are news."""
    held = {
        period: set(deliveries)
        for period, deliveries in connection.execute(
            f"select shown.period, array_agg(delivery_id) from ({SHOWN}) as shown"
            " inner join ops.stale_publication as m using (publication_id)"
            " cross join lateral unnest(m.deliveries) as delivery_id group by 1".encode()
        )
    }
    return [
        changed
        for changed in changed_months(connection)
        if not set(changed.deliveries) <= held.get(changed.period, set())
    ]
