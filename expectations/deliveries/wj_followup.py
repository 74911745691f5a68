"""H7 慢病随访."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("wj_followup", register_figures("followup_id"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H7 delivery."""
    return register_checks(may_be_empty=True)
