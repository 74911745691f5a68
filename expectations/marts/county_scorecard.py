"""candidate.county_scorecard: one row per month and county, held back or with figures."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    REBUILD,
    has_rows,
    identity,
    key,
    no_identifiers,
    one_period,
)

TABLE = "candidate.county_scorecard"
ROW_KEY = "county_code"

COUNTIES = 11
_FIGURES = (
    "households",
    "persons",
    "monitored_households",
    "new_monitored_households",
    "relapsed_monitored_households",
    "cleared_monitored_households",
    "households_below_line",
    "insured_persons",
    "high_burden_households",
)
_GRADES = ", ".join(
    f"grade_{group}" for group in ("households", "income", "health", "assistance", "living", "work")
)
_IN_FORCE = "count(*) filter (where h.monitor_status = 'in_force'"
_RECOMPUTED = {
    "households": "count(*)",
    "persons": "coalesce(sum(h.persons_on_file), 0)",
    "monitored_households": f"{_IN_FORCE})",
    "monitored_unstable_households": f"{_IN_FORCE} and h.monitor_category = '01')",
    "monitored_marginal_households": f"{_IN_FORCE} and h.monitor_category = '02')",
    "monitored_sudden_hardship_households": f"{_IN_FORCE} and h.monitor_category = '03')",
    "new_monitored_households": "count(*) filter (where h.is_new)",
    "relapsed_monitored_households": "count(*) filter (where h.is_relapsed)",
    "cleared_monitored_households": "count(*) filter (where h.is_cleared)",
    "moved_in_monitored_households": "count(*) filter (where h.is_moved_in)",
    "households_below_line": "count(*) filter (where h.is_below_line)",
    "insured_persons": "coalesce(sum(h.insured_persons), 0)",
    "out_of_pocket_ytd_amt": "coalesce(sum(h.out_of_pocket_ytd_amt), 0)",
    "high_burden_households": "count(*) filter (where h.is_high_burden)",
}


def _recomputes() -> str:
    sums = ", ".join(f"{sql} as {name}" for name, sql in _RECOMPUTED.items())
    differs = " or ".join(f"abs(j.{name} - h.{name}) > 0.01" for name in _RECOMPUTED)
    return (
        "select j.row_key from judged as j inner join"
        f" (select h.county_code, {sums} from candidate.household_month as h"
        f" group by h.county_code) as h using (county_code) where {differs}"
    )


def _net_income_pp_recomputes() -> str:
    return (
        "select j.row_key from judged as j inner join (select county_code,"
        " sum(net_income) / nullif(sum(members), 0) as pp from candidate.household_month"
        " where net_income is not null group by county_code) as h using (county_code)"
        " where abs(j.net_income_pp - h.pp) > 0.01"
    )


def _share(column: str, label_zh: str) -> Check:
    return Check(
        id=f"{column}_is_a_share",
        expectation="ExpectColumnValuesToBeBetween",
        severity="critical",
        description=f"{column} is between 0 and 1",
        label_zh=label_zh,
        reason="a share above one says that numerator and denominator count different people.",
        remedy=REBUILD,
        arguments={"column": column, "min_value": 0, "max_value": 1},
    )


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    published = published_counties(period, known_at)
    some_null = " or ".join(f"{name} is null" for name in _FIGURES)
    some_filled = " or ".join(f"{name} is not null" for name in (*_FIGURES, "net_income_pp"))
    return (
        has_rows("county"),
        Check(
            id="all_counties",
            expectation="ExpectTableRowCountToEqual",
            severity="critical",
            description=f"all {COUNTIES} counties are listed, held back or not",
            label_zh="十一个县市区齐全",
            reason="a county that is missing cannot be seen to be held back.",
            remedy=REBUILD,
            arguments={"value": COUNTIES},
        ),
        *key("county_code"),
        one_period(period),
        identity(
            "stock_is_explained_by_flows",
            "previous_monitored_households is not null and monitored_households is distinct from"
            " previous_monitored_households + new_monitored_households"
            " + relapsed_monitored_households - cleared_monitored_households"
            " + moved_in_monitored_households - moved_out_monitored_households",
            description="monitored households = last month's + new + relapsed - cleared"
            " + moved in - moved out",
            label_zh="监测户存量等于上月加新增加返贫减消除加迁入减迁出",
            reason="a stock that its flows do not explain has lost or gained households unseen.",
            remedy="compare the county's household files of the two months.",
        ),
        identity(
            "kinds_sum_to_monitored",
            "monitored_households is distinct from monitored_unstable_households"
            " + monitored_marginal_households + monitored_sudden_hardship_households",
            description="the three monitored kinds add up to the monitored households",
            label_zh="三类监测户之和等于监测户总数",
            reason="a kind the code list does not know would be in the total and in no kind.",
            remedy="map the new code in the seed of monitored kinds.",
        ),
        no_rows(
            "recomputes_from_households",
            _recomputes(),
            description="every count equals the one recomputed from household_month",
            label_zh="与户表汇总一致",
            reason="two marts that disagree discredit both.",
            remedy=REBUILD,
        ),
        no_rows(
            "net_income_pp_recomputes",
            _net_income_pp_recomputes(),
            description="net income per capita is the households' net income by their members",
            label_zh="人均纯收入与户表汇总一致",
            reason="an average of averages would weigh small households too much.",
            remedy=REBUILD,
        ),
        no_rows(
            "held_back_as_accepted",
            "select row_key from judged where (data_status = 'held_back')"
            f" is distinct from (county_code not in ({published}))",
            description="exactly the counties without four accepted files are held back",
            label_zh="暂缓县与接收情况一致",
            reason="a number from an incomplete delivery would be taken for the county's state.",
            remedy=REBUILD,
        ),
        identity(
            "held_back_without_figures",
            f"data_status = 'held_back' and ({some_filled})",
            description="a county held back has no figures",
            label_zh="暂缓县无数值",
            reason="last month's figure under this month's name misleads.",
        ),
        identity(
            "shown_instead_when_held_back",
            "(data_status is distinct from 'held_back' and shown_instead_period is not null)"
            " or shown_instead_period >= period"
            " or (shown_instead_period is null and shown_instead_sent_on is not null)",
            description="only a county held back names a month to show instead, an earlier one",
            label_zh="暂缓县标明代替展示的月份",
            reason="a figure shown under another month's name misleads.",
        ),
        identity(
            "published_with_figures",
            f"data_status is distinct from 'held_back' and ({some_null})",
            description="a county not held back has every figure",
            label_zh="已发布县数值齐全",
            reason="an empty figure reads as zero on a dashboard.",
        ),
        identity(
            "published_with_households",
            "data_status is distinct from 'held_back' and coalesce(households, 0) = 0",
            description="a county not held back has households",
            label_zh="已发布县有户数",
            reason="a county lost on the way looks like a county without poor households.",
        ),
        identity(
            "parts_within_wholes",
            "monitored_households > households or households_below_line > households"
            " or high_burden_households > households or insured_persons > persons",
            description="no part is larger than its whole",
            label_zh="部分不大于整体",
            reason="every share of the scorecard is such a part.",
        ),
        _share("insured_share", "参保率在0到1之间"),
        _share("monitored_insured_share", "监测户参保率在0到1之间"),
        identity(
            "grades_known",
            f"num_nulls({_GRADES}) > 0 or not array[{_GRADES}] <@ case data_status"
            " when 'held_back' then array['held_back'] else array['A', 'B', 'C', 'D'] end",
            description="each group of figures has a grade A to D, or held_back with its county",
            label_zh="数据质量等级齐全",
            reason="a figure without its grade is taken for a sound one.",
        ),
        no_rows(
            "previous_as_published",
            "select j.row_key from judged as j inner join quality.published_before as p"
            " on p.mart = 'county_scorecard' and p.county_code = j.county_code"
            " where j.previous_monitored_households <> p.monitored_households",
            severity="warning",
            description="last month's stock is the one published for last month",
            label_zh="上月存量与已发布一致",
            reason="a difference means last month was corrected and should be published again.",
            remedy="run a backfill of the previous month.",
        ),
        *no_identifiers("county_scorecard"),
    )
