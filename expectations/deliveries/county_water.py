"""C12 饮水安全."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import county_checks, county_figures, profile_query

PROFILE = profile_query("county_water", county_figures("household_no"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C12 delivery."""
    return county_checks()
