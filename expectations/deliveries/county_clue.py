"""C4 识别线索与程序."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import county_checks, county_figures, profile_query

PROFILE = profile_query("county_clue", county_figures("clue_no"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C4 delivery."""
    return county_checks()
