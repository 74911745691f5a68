"""C7 帮扶责任人."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import county_checks, county_figures, profile_query

PROFILE = profile_query("county_helper", county_figures("household_no", "helper_name"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C7 delivery."""
    return county_checks()
