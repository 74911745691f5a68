"""SQL about what a build may read, from the registers of deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from include.contracts import contracts, kinds_of


def _accepted(known_at: datetime) -> str:
    return f"ops.accepted_delivery as a where a.known_at <= '{known_at.isoformat()}'"


def published_counties(period: str, known_at: datetime) -> str:
    """SQL: county_code of each county of which no kind that holds it back lacks for ``period``."""
    kinds = [contract.kind for contract in kinds_of("county") if contract.holds_back]
    return (
        f"select a.county_code from {_accepted(known_at)} and a.kind in ({_listed(kinds)})"
        f" and a.period = '{period}' group by a.county_code"
        f" having count(distinct a.kind) = {len(kinds)}"
    )


def accepted_counties(kind: str, period: str, known_at: datetime) -> str:
    """SQL: county_code of each county whose file of this kind was accepted for ``period``."""
    return (
        f"select a.county_code from {_accepted(known_at)} and a.kind = '{kind}'"
        f" and a.period = '{period}'"
    )


def deliveries_in_scope(period: str, known_at: datetime) -> str:
    """SQL: delivery_id, row_count of every accepted delivery a build of ``period`` reads.

    How far back a kind is read is its contract's ``horizon``.
    """
    month, year, ever = (
        _listed(k for k, c in contracts().items() if c.horizon == horizon)
        for horizon in ("previous_month", "year", "ever")
    )
    before, year_back = (
        f"to_char(to_date('{period}', 'YYYY-MM') - interval '{n} months', 'YYYY-MM')"
        for n in (1, 11)
    )
    return (
        f"select a.delivery_id, a.row_count from {_accepted(known_at)} and a.period <= '{period}'"
        f" and ((a.kind in ({month}) and a.period >= {before})"
        f" or (a.kind in ({year}) and a.period >= {year_back})"
        f" or a.kind in ({ever}))"
    )


def _listed(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
