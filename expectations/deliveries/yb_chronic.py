"""H3 门诊慢特病备案."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("yb_chronic", register_figures("psn_no", "dise_code", "begndate"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H3 delivery."""
    return register_checks(may_be_empty=True)
