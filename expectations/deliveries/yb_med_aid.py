"""H4 医疗救助."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("yb_med_aid", register_figures("aid_id"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H4 delivery."""
    return register_checks(may_be_empty=True)
