"""Steps of the DAGs that are more than one call of one module."""

from __future__ import annotations

from collections import Counter
from typing import Any

from include.contracts import Source, kinds_of
from include.database import connect
from include.errors import DeliveryRejected


def judge_deliveries(source: Source, period: str) -> dict[str, int]:
    """Judge what has no verdict yet; returns how many of the period's deliveries have which one."""
    from include.acceptance import judge

    judge(source, period)
    with connect() as connection:
        outcomes = connection.execute(
            "select outcome from ops.acceptance inner join ops.delivery using (delivery_id) "
            "where source = %s and period = %s",
            [source, period],
        ).fetchall()
    return dict(Counter(outcome for (outcome,) in outcomes))


def demand_accepted(source: Source, period: str) -> dict[str, int]:
    """Judge, and insist that every kind of a source which the whole city shares is accepted.

    Raises DeliveryRejected with the kinds and what was expected of them.
    """
    outcomes = judge_deliveries(source, period)
    with connect() as connection:
        reasons: dict[str, Any] = dict(
            connection.execute(
                "select d.kind, string_agg(distinct reason ->> 'expected', '; ') "
                "from ops.delivery as d inner join ops.acceptance as a using (delivery_id) "
                "cross join lateral jsonb_array_elements(a.reasons) as reason "
                "where d.source = %(source)s and d.period = %(period)s and d.kind = any(%(kinds)s) "
                "and not exists (select from ops.accepted_delivery as other "
                "where other.kind = d.kind and other.period = d.period) group by d.kind",
                {
                    "source": source,
                    "period": period,
                    "kinds": [contract.kind for contract in kinds_of(source)],
                },
            ).fetchall()
        )
    if reasons:
        listed = "; ".join(f"{kind} ({expected})" for kind, expected in sorted(reasons.items()))
        raise DeliveryRejected(
            f"{source} of {period} was rejected: {listed}.",
            remedy="ask the sender to correct the data, then clear the extraction of this month.",
        )
    return outcomes


def load_counties(period: str) -> None:
    """Fetch and load every county's files, in this process."""
    from include.acceptance import counties
    from include.load import load
    from include.sources.county import fetch

    for county_code in counties():
        for landed in fetch(period, county_code):
            load(landed)


def load_civil_affairs(period: str) -> None:
    """Extract and load every civil-affairs table, in this process."""
    from include.load import load
    from include.sources.civil_affairs import extract

    for contract in kinds_of("civil_affairs"):
        load(extract(period, contract.kind))


def load_health_insurance(period: str) -> None:
    """Extract and load every kind of the health-insurance API, in this process."""
    from include.load import load
    from include.sources.health_insurance import extract

    for contract in kinds_of("health_insurance"):
        load(extract(period, contract.kind))


def judge_counties(period: str) -> None:
    """Judge the counties' files; raises DeliveryMissing while one has not delivered."""
    from include.acceptance import ensure_judged

    judge_deliveries("county", period)
    ensure_judged(period)
