"""H8 死亡医学证明."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("wj_death", register_figures("record_id"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H8 delivery."""
    return register_checks(may_be_empty=True)
