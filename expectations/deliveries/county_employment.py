"""C8 务工监测."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import county_checks, county_figures, profile_query

PROFILE = profile_query("county_employment", county_figures("household_no", "cert_no"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C8 delivery."""
    return county_checks()
