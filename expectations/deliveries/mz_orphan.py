"""M8 孤儿和事实无人抚养儿童."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("mz_orphan", register_figures("id_no", "start_ym"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M8 delivery."""
    return register_checks(may_be_empty=True)
