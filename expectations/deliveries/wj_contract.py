"""H6 家庭医生签约."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("wj_contract", register_figures("certno", "chronic_kind"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H6 delivery."""
    return register_checks(may_be_empty=True)
