"""H5 大病专项救治."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("wj_major_disease", register_figures("record_id"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H5 delivery."""
    return register_checks(may_be_empty=True)
