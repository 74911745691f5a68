"""Steps of the DAGs that are more than one call of one module."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from include.contracts import Source, kinds_of
from include.database import connect
from include.months import demand_month

_log = logging.getLogger(__name__)


def judge_deliveries(source: Source, period: str) -> dict[str, int]:
    """Judge what has no verdict yet, write the receipts that are due, tell of what was rejected.

    Returns how many of the period's deliveries have which verdict. Raises NotAMonth.
    """
    demand_month(period)
    from include.acceptance import judge
    from include.notices import tell
    from include.receipts import write_due

    judge(source, period)
    write_due(source, period)
    tell()
    with connect() as connection:
        outcomes = connection.execute(
            "select outcome from ops.acceptance inner join ops.delivery using (delivery_id) "
            "where source = %s and period = %s",
            [source, period],
        ).fetchall()
    counted = dict(Counter(outcome for (outcome,) in outcomes))
    _log.info("%s of %s: %s", source, period, counted)
    return counted


def demand_open(source: Source, period: str) -> dict[str, int]:
    """Judge, and insist that the source's gate is open (see include.readiness.demand)."""
    from include.readiness import demand

    outcomes = judge_deliveries(source, period)
    demand(period, source)
    return outcomes


def report(source: Source, period: str, params: Mapping[str, Any]) -> str | None:
    """Judge, and say by which task of the source's DAG the month goes on.

    ``ready`` reports the source, and the month's build waits for the other two. ``due`` has a month
    that was built before built again at once: a source that is fetched again by itself must not
    wait for others that will not come. Whoever fetches all three says so (``together``), or the
    month would be built three times. None while the counties' gate waits. Raises
    DeliveryMissing or DeliveryRejected where the city's own systems lack something.
    """
    from include.readiness import ask

    if source == "county":
        judge_deliveries(source, period)
        gate = ask(period, source)
        _log.info("%s Held back: %s", gate.sentence, ", ".join(gate.held_back) or "nobody")
        if not gate.is_open:
            return None
    else:
        demand_open(source, period)
    with connect() as connection:
        built = connection.execute("select from ops.build where period = %s limit 1", [period])
        return "due" if built.fetchone() is not None and not params["together"] else "ready"


def load_counties(period: str) -> None:
    """Fetch and load every county's files, in this process."""
    from include.areas import counties
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
