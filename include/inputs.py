"""Which months read which deliveries, and whose inputs have changed since they were built last.

A build reads deliveries, and a delivery changes a month when it was accepted after the month's
build, or when it arrived anew and now counts instead of another. Which months a delivery reaches
is its contract's ``horizon``, and all later ones for the kinds in ``HISTORY`` and for deliveries
with quarantined rows. A later month that lacks the kind, or holds the county back, is reached too,
for it names the latest month that it has. ``readers_of`` asks the same of deliveries yet to come.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from include.contracts import contracts

HISTORY = ("county_household", "county_person")
"""Kinds of which every build reads all earlier months too: the history of households and of their
members (the dbt macro counted_deliveries)."""

_MONTHS_BACK = {"previous_month": 1, "year": 11, "ever": None}

_BUILT = """
with built as (
    select distinct on (b.period) b.period, b.known_at
    from ops.publication as p
    inner join ops.build as b on p.build_id = b.build_id
    order by b.period, b.build_id desc
),
"""

_NEWS = """
news as (
    select built.period as built_period, built.known_at as built_at, a.*, a.known_at as changed_at
    from built
    inner join ops.accepted_delivery as a
        on a.period <= built.period and a.known_at > built.known_at
    union all
    -- A sender that goes back to a version known before: only its arrival is new.
    select built.period, built.known_at, a.*, r.received_at
    from built
    inner join ops.accepted_delivery as a
        on a.period <= built.period and a.known_at <= built.known_at
    inner join ops.arrival as r
        on a.delivery_id = r.delivery_id and r.received_at > built.known_at
    where
        a.delivery_id is distinct from (
            select other.delivery_id
            from ops.accepted_delivery as other
            inner join ops.arrival as earlier on other.delivery_id = earlier.delivery_id
            where
                (other.kind, other.county_code, other.period) = (a.kind, a.county_code, a.period)
                and other.known_at <= built.known_at
                and earlier.received_at <= built.known_at
            order by earlier.arrival_id desc
            limit 1
        )
),
"""

_EXPECTED = """
expected as (
    select u.kind, u.county_code, p.period
    from unnest(%(of_kinds)s::text[], %(of_counties)s::text[]) as u (kind, county_code)
    cross join unnest(%(of_periods)s::text[]) as p (period)
),

news as (
    select
        built.period as built_period,
        built.known_at as built_at,
        built.known_at as changed_at,
        expected.kind,
        expected.county_code,
        expected.period,
        -- What counts now stands for what may come instead of it.
        (
            select a.delivery_id
            from ops.accepted_delivery as a
            where
                (a.kind, a.county_code, a.period)
                = (expected.kind, expected.county_code, expected.period)
            order by a.arrival_id desc
            limit 1
        ) as delivery_id
    from built
    inner join expected on expected.period <= built.period
),
"""

_REACHED = """
reach as (
    select *
    from unnest(%(kinds)s::text[], %(months_back)s::integer[]) as k (kind, months_back)
)

select
    news.built_period,
    array_agg(distinct news.delivery_id order by news.delivery_id),
    max(news.changed_at),
    array_agg(distinct news.kind order by news.kind)
from news
inner join reach on news.kind = reach.kind
where
    reach.months_back is null
    or news.period >= to_char(
        to_date(news.built_period, 'YYYY-MM') - make_interval(months => reach.months_back),
        'YYYY-MM'
    )
    -- Since when a row is quarantined is asked of all earlier months.
    or exists (
        select
        from ops.delivery_defect as d
        where d.delivery_id = news.delivery_id and d.treatment = 'quarantined'
    )
    -- A month without this kind, or without a county, shows the latest one before.
    or exists (
        select
        from unnest(
            case when news.kind = any(%(holds_back)s) then %(holds_back)s else array[news.kind] end
        ) as needed (kind)
        where
            not exists (
                select
                from ops.accepted_delivery as own
                where
                    (own.kind, own.county_code, own.period)
                    = (needed.kind, news.county_code, news.built_period)
                    and own.known_at <= news.built_at
            )
    )
group by news.built_period
order by news.built_period
"""


def months_back() -> dict[str, int | None]:
    """Kind -> how many months before its own a build reads it; None: all of them."""
    return {
        kind: None if kind in HISTORY else _MONTHS_BACK[contract.horizon]
        for kind, contract in contracts().items()
    }


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
    found = connection.execute((_BUILT + _NEWS + _REACHED).encode(), _reach())
    return [
        Changed(period, tuple(deliveries), changed_at)
        for period, deliveries, changed_at, _ in found
    ]


def readers_of(
    connection: psycopg.Connection[Any],
    units: Collection[tuple[str, str]],
    periods: Collection[str],
) -> dict[str, list[str]]:
    """The months with a build that would read other deliveries of (kind, county) of the periods.

    Month -> the kinds, earliest month first; the periods themselves are among them. A delivery yet
    to come may have quarantined rows where today's has none, and then reaches further.
    """
    found = connection.execute(
        (_BUILT + _EXPECTED + _REACHED).encode(),
        _reach()
        | {
            "of_kinds": [kind for kind, _ in units],
            "of_counties": [county for _, county in units],
            "of_periods": list(periods),
        },
    )
    return {period: kinds for period, _, _, kinds in found}


def _reach() -> dict[str, Any]:
    """What the contracts say of how far back a build reads each kind."""
    months_back = {
        kind: None if kind in HISTORY else _MONTHS_BACK[contract.horizon]
        for kind, contract in contracts().items()
    }
    return {
        "kinds": list(months_back),
        "months_back": list(months_back.values()),
        "holds_back": [kind for kind, contract in contracts().items() if contract.holds_back],
    }
