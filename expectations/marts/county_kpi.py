"""candidate.county_kpi: each key figure of each county, with its grade, trend, rank and target."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import REBUILD, has_rows, identity, no_identifiers, one_period

TABLE = "candidate.county_kpi"
ROW_KEY = "county_code || '/' || kpi"

_FROM_SCORECARD = {
    "households": "c.households",
    "monitored_households": "c.monitored_households",
    "net_income_pp": "c.net_income_pp",
    "insured_share": "c.insured_share",
    "monitored_insured_share": "c.monitored_insured_share",
    "below_line_share": "c.households_below_line::numeric / nullif(c.households, 0)",
    "high_burden_share": "c.high_burden_households::numeric / nullif(c.households, 0)",
}


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    published = published_counties(period, known_at)
    expected = " ".join(f"when '{kpi}' then {sql}" for kpi, sql in _FROM_SCORECARD.items())
    listed = ", ".join(f"'{kpi}'" for kpi in _FROM_SCORECARD)
    return (
        has_rows("key figure"),
        no_rows(
            "figure_once",
            "select row_key from judged group by row_key having count(*) > 1",
            description="each key figure is there once per county",
            label_zh="主键唯一",
            reason="a figure given twice is ranked twice.",
            remedy=REBUILD,
        ),
        one_period(period),
        no_rows(
            "every_county_has_every_figure",
            "select c.county_code || '/' || k.kpi as row_key from candidate.county_scorecard as c"
            " cross join (select distinct kpi from judged) as k left join judged as j"
            " on c.county_code = j.county_code and k.kpi = j.kpi where j.kpi is null",
            description="all counties have the same key figures, held back or not",
            label_zh="各县指标齐全",
            reason="a county that is missing cannot be seen to be held back.",
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
            "(data_status = 'held_back') is distinct from (grade = 'held_back')"
            " or grade not in ('A', 'B', 'C', 'D', 'held_back') or (data_status = 'held_back' and"
            " num_nonnulls(value, previous_value, change, trend, rank, is_target_met) > 0)",
            description="a county held back has no figure and no grade but held_back",
            label_zh="暂缓县无数值",
            reason="a figure without its grade is taken for a sound one.",
        ),
        no_rows(
            "values_as_in_the_scorecard",
            "select j.row_key from judged as j inner join candidate.county_scorecard as c"
            f" using (county_code) where j.kpi in ({listed}) and"
            f" abs(j.value - case j.kpi {expected} end) > 0.000001",
            description="key figures equal those of county_scorecard",
            label_zh="与县级记分卡一致",
            reason="two marts that disagree discredit both.",
            remedy=REBUILD,
        ),
        identity(
            "shares_are_shares",
            "unit like 'share%' and (value not between 0 and 1 or previous_value not between 0"
            " and 1)",
            description="shares are between 0 and 1",
            label_zh="占比在0到1之间",
            reason="a share above one says that numerator and denominator count different things.",
        ),
        identity(
            "trend_follows_change",
            "change is distinct from value - previous_value"
            " or (trend is null) is distinct from (change is null)"
            " or trend not in ('up', 'down', 'flat')"
            " or (trend = 'up' and change <= 0) or (trend = 'down' and change >= 0)",
            description="the trend is the direction of the change to the month before",
            label_zh="趋势与变化一致",
            reason="an arrow that points the wrong way is all that many readers see.",
        ),
        no_rows(
            "rank_recomputes",
            "select j.row_key from judged as j where j.rank is distinct from"
            " case when j.value is not null and j.direction is not null then (select count(*) + 1"
            " from judged as o where o.kpi = j.kpi and ((j.direction = 'higher' and o.value >"
            " j.value) or (j.direction = 'lower' and o.value < j.value))) end",
            description="a county's rank is one more than the counties that do better",
            label_zh="排名正确",
            reason="counties are judged by it.",
            remedy=REBUILD,
        ),
        identity(
            "target_is_judged",
            "is_target_met is distinct from case direction when 'higher' then value >= target"
            " when 'lower' then value <= target end",
            description="the target is met where the value reaches it",
            label_zh="达标判定一致",
            reason="counties are judged by it.",
        ),
        *no_identifiers("county_kpi"),
    )
