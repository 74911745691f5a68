"""C9 公益性岗位."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import county_checks, county_figures, profile_query

PROFILE = profile_query("county_welfare_post", county_figures("cert_no", "post_name"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C9 delivery."""
    return county_checks()
