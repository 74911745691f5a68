"""Months whose build did not come to its end: they are taken up again, a few times.

Whatever kills a process in the middle (a worker, the scheduler, PostgreSQL, the machine) leaves one
of two traces: a build without a publication, or an order (``ops.month_due``) without a build. Who
asks has made sure that Airflow runs no build; one without Airflow holds the working schemas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from include.locks import SCHEMAS_LOCK
from include.settings import settings

_UNFINISHED = """
with ended as (
    select b.period, max(b.build_id) as build_id
    from ops.publication as p
    inner join ops.build as b on p.build_id = b.build_id
    group by b.period
),

early as (
    select b.period, count(*) as tries, max(b.build_id) as build_id, max(b.opened_at) as began_at
    from ops.build as b
    left join ended on b.period = ended.period
    where not b.is_trial and b.build_id > coalesce(ended.build_id, 0)
    group by b.period
),

ordered as (
    select m.period, count(*) as tries, max(m.requested_at) as began_at
    from ops.month_due as m
    where
        m.run_id is distinct from %(run_id)s
        and not exists (
            select from ops.build as b
            where b.period = m.period and b.opened_at >= m.requested_at
        )
    group by m.period
)

select period, 'ended_early' as because, tries, began_at, build_id from early
union all
select o.period, 'never_built', o.tries, o.began_at, null
from ordered as o
where not exists (select from early as e where e.period = o.period)
order by period
"""

_AT_WORK = """
select exists (
    select from pg_locks as l inner join pg_database as d on l.database = d.oid
    where
        d.datname = current_database() and l.locktype = 'advisory' and l.granted
        and (l.classid, l.objid, l.objsubid) = (0, %s, 1)
)
"""


@dataclass(frozen=True)
class Unfinished:
    """A month that was begun ``tries`` times since its last end, or ordered so often in vain.

    ``began_at`` is when that was tried last, ``build_id`` that build.
    """

    period: str
    because: Literal["ended_early", "never_built"]
    tries: int
    began_at: datetime
    build_id: int | None

    @property
    def is_given_up(self) -> bool:
        """It was tried as often as it may be: something is wrong that trying does not mend."""
        return self.tries >= settings().build_tries


def unfinished_months(
    connection: psycopg.Connection[Any], run_id: str | None = None
) -> list[Unfinished]:
    """Months without an end, earliest first; none while a build is at work.

    The orders of ``run_id`` do not count: they have only just been given.
    """
    at_work = connection.execute(_AT_WORK, [SCHEMAS_LOCK]).fetchone()
    if at_work == (True,):
        return []
    found = connection.execute(_UNFINISHED, {"run_id": run_id}).fetchall()
    return [Unfinished(*row) for row in found]
