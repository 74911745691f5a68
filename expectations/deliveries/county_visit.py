"""C6 走访记录."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import county_checks, county_figures, profile_query

PROFILE = profile_query("county_visit", county_figures("household_no", "visited_on"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C6 delivery."""
    return county_checks()
