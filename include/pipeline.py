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


def deliver(period: str) -> None:
    """Extract, load and judge a month of all three sources in this process, without Airflow.

    What the three source DAGs do, for benchmarks and evaluations. Raises what they raise.
    """
    from include.acceptance import counties, ensure_judged
    from include.contracts import kinds_of
    from include.load import load
    from include.sources import civil_affairs, county, health_insurance

    for county_code in counties():
        for landed in county.fetch(period, county_code):
            load(landed)
    judge_deliveries("county", period)
    ensure_judged(period)
    for contract in kinds_of("civil_affairs"):
        load(civil_affairs.extract(period, contract.kind))
    demand_accepted("civil_affairs", period)
    for contract in kinds_of("health_insurance"):
        load(health_insurance.extract(period, contract.kind))
    demand_accepted("health_insurance", period)
