"""M7 残疾人两项补贴."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("mz_disab_subsidy", register_figures("cert_no", "start_ym"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M7 delivery."""
    return register_checks(may_be_empty=True)
