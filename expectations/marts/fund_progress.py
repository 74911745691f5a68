"""candidate.fund_progress: a row per month, county, fund year, level and type of project."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.county_status import status_checks
from expectations.marts.shared import (
    REBUILD,
    has_rows,
    identity,
    key,
    no_identifiers,
    one_period,
    steady_volume,
)

TABLE = "candidate.fund_progress"
ROW_KEY = "county_code || '/' || fund_year || '/' || fund_level || '/' || project_type"

_STATES = (
    "not_begun_projects",
    "under_way_projects",
    "done_projects",
    "halted_projects",
    "failed_projects",
)
_FIGURES = (
    "projects",
    *_STATES,
    "unmoved_projects",
    "overpaid_projects",
    "budget_amt",
    "paid_amt",
    "target_share",
    "behind_target_amt",
    "is_behind_target",
    "benefit_households",
)


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        has_rows("row"),
        *key("row_key"),
        one_period(period),
        *status_checks("county_fund_project", period, known_at, _FIGURES),
        identity(
            "states_sum_to_projects",
            f"projects <> {' + '.join(_STATES)}",
            description="the states of the projects add up to their number",
            label_zh="项目状态合计等于项目数",
            reason="a project in no state is neither done nor late.",
        ),
        identity(
            "counts_not_negative",
            "least(projects, unmoved_projects, overpaid_projects, budget_amt, paid_amt,"
            " behind_target_amt, benefit_households) < 0",
            description="no count and no amount is negative",
            label_zh="数量和金额不为负",
            reason="a negative part hides in a sum.",
        ),
        identity(
            "parts_within_wholes",
            "projects < 1 or unmoved_projects > under_way_projects or overpaid_projects > projects",
            description="no part is larger than its whole",
            label_zh="部分不大于整体",
            reason="every share of the mart is such a part.",
        ),
        identity(
            "shares_between_0_and_1",
            "target_share not between 0 and 1 or industry_share not between 0 and 1",
            description="target and industry share are between 0 and 1",
            label_zh="目标和产业占比在0到1之间",
            reason="a share above one says that numerator and denominator are of different money.",
        ),
        identity(
            "paid_share_recomputes",
            "abs(paid_share * budget_amt - paid_amt) > 0.000001 * budget_amt + 0.01",
            description="progress is what is paid by the budget",
            label_zh="支付进度等于支付除以预算",
            reason="progress is what the target is compared with.",
        ),
        identity(
            "behind_target_recomputes",
            "is_behind_target <> (behind_target_amt > 0)"
            " or abs(behind_target_amt - greatest(target_share * budget_amt - paid_amt, 0)) > 0.01",
            description="what lacks to the target is the target's share less what is paid",
            label_zh="滞后金额与目标一致",
            reason="a county is asked about money by this amount.",
        ),
        no_rows(
            "industry_share_recomputes",
            "select j.row_key from judged as j inner join (select county_code, fund_year,"
            " coalesce(sum(budget_amt) filter (where is_industry), 0)"
            " / nullif(sum(budget_amt), 0) as share from judged group by county_code, fund_year)"
            " as y using (county_code, fund_year)"
            " where abs(coalesce(j.industry_share, 0) - y.share) > 0.000001",
            description="the industry share is of the county's budget of the fund year",
            label_zh="产业占比与预算一致",
            reason="the share repeated on each row must be that of their sum.",
            remedy=REBUILD,
        ),
        identity(
            "paid_within_budget",
            "paid_amt > budget_amt",
            severity="warning",
            description="no more is paid than budgeted",
            label_zh="支付不超过预算",
            reason="a budget was changed and not reported, or an amount has another unit.",
            remedy="ask the county for the projects counted in overpaid_projects.",
        ),
        *no_identifiers("fund_progress"),
        steady_volume("fund_progress"),
    )
