"""C10 衔接资金项目."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.profile import profile_query, register_checks, register_figures

PROFILE = profile_query("county_fund_project", register_figures("project_no"))


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C10 delivery."""
    return register_checks(may_be_empty=True)
