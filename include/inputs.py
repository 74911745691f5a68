"""Which months' inputs have changed since they were built last: what has to be built again.

A build reads deliveries, and a delivery changes a month when it was accepted after the month's
build, or when it arrived anew and now counts instead of another. Which months a delivery reaches
is its contract's ``horizon``, and from the beginning for the kinds in ``HISTORY``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from include.contracts import contracts

HISTORY = ("county_household", "county_person")
"""Kinds of which every build reads all earlier months too: the history of households and of their
members (the dbt macro counted_deliveries)."""

_MONTHS_BACK = {"previous_month": 1, "year": 11, "ever": None}

_CHANGED = """
with built as (
    select distinct on (b.period) b.period, b.known_at
    from ops.publication as p
    inner join ops.build as b on p.build_id = b.build_id
    order by b.period, b.build_id desc
),

reach as (
    select *
    from unnest(%(kinds)s::text[], %(months_back)s::integer[]) as k (kind, months_back)
),

in_scope as (
    select built.period as built_period, built.known_at as built_at, a.*
    from built
    inner join ops.accepted_delivery as a on a.period <= built.period
    inner join reach on a.kind = reach.kind
    where
        reach.months_back is null
        or a.period >= to_char(
            to_date(built.period, 'YYYY-MM') - make_interval(months => reach.months_back), 'YYYY-MM'
        )
),

came as (
    select s.built_period, s.delivery_id, s.known_at as changed_at
    from in_scope as s
    where s.known_at > s.built_at
    union all
    -- A sender that goes back to a version known before: only its arrival is new.
    select s.built_period, s.delivery_id, r.received_at
    from in_scope as s
    inner join ops.arrival as r
        on s.delivery_id = r.delivery_id and r.received_at > s.built_at
    where
        s.known_at <= s.built_at
        and s.delivery_id is distinct from (
            select other.delivery_id
            from ops.accepted_delivery as other
            inner join ops.arrival as earlier on other.delivery_id = earlier.delivery_id
            where
                (other.kind, other.county_code, other.period) = (s.kind, s.county_code, s.period)
                and other.known_at <= s.built_at
                and earlier.received_at <= s.built_at
            order by earlier.arrival_id desc
            limit 1
        )
)

select built_period, array_agg(distinct delivery_id order by delivery_id), max(changed_at)
from came
group by built_period
order by built_period
"""


@dataclass(frozen=True)
class Changed:
    """A month to build again: the deliveries that changed it, and when the last became known."""

    period: str
    deliveries: tuple[int, ...]
    changed_at: datetime


def changed_months(connection: psycopg.Connection[Any]) -> list[Changed]:
    """The months, earliest first, whose last build to reach its end lacks a delivery of today.

    Such a build was published, unchanged or blocked. A month without one is not listed: its first
    build is started by its sources.
    """
    months_back = {
        kind: None if kind in HISTORY else _MONTHS_BACK[contract.horizon]
        for kind, contract in contracts().items()
    }
    found = connection.execute(
        _CHANGED, {"kinds": list(months_back), "months_back": list(months_back.values())}
    )
    return [
        Changed(period, tuple(deliveries), changed_at) for period, deliveries, changed_at in found
    ]
