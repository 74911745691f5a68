"""candidate.monitoring_episode: one row per month, household and monitoring episode."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    REBUILD,
    has_rows,
    identity,
    keys_are_hashes,
    no_identifiers,
    one_period,
)

TABLE = "candidate.monitoring_episode"
ROW_KEY = "household_key || '/' || episode_no"

_STEPS = {
    "notice": "notice_end",
    "procedure": "county_approved_on",
    "recognition": "county_approved_on",
    "first_measure": "first_measure_on",
}


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    undecided = " or ".join(
        f"({day} is not null and {step}_days is not null and is_{step}_kept is null)"
        for step, day in _STEPS.items()
    )
    return (
        has_rows("episode"),
        no_rows(
            "episode_once",
            "select row_key from judged group by row_key having count(*) > 1",
            description="no episode of a household is given twice",
            label_zh="监测轮次唯一",
            reason="an episode given twice is counted twice.",
            remedy=REBUILD,
        ),
        one_period(period),
        no_rows(
            "episodes_are_numbered",
            "select min(row_key) as row_key from judged group by household_key having"
            " min(episode_no) <> 1 or max(episode_no) <> count(distinct episode_no)"
            " or max(episode_no) <> max(episodes) or count(*) filter (where is_latest) <> 1",
            description="a household's episodes are numbered from 1 without a gap, the last marked",
            label_zh="监测轮次连续编号",
            reason="relapses are counted by the number.",
            remedy=REBUILD,
        ),
        identity(
            "relapse_is_a_later_episode",
            "is_relapse is distinct from (episode_no > 1)",
            description="exactly the episodes after the first are relapses",
            label_zh="返贫与轮次一致",
            reason="the relapse rate is their share.",
        ),
        identity(
            "state_known",
            "coalesce(state, '') not in ('in_force', 'cleared', 'ended_unreported')"
            " or (state = 'cleared') is distinct from (cleared_ym is not null)",
            description="the state is in_force, cleared with its month, or ended_unreported",
            label_zh="月末状态合法",
            reason="an episode in no state is in no stock and no flow.",
        ),
        identity(
            "only_the_latest_in_force",
            "state = 'in_force' and not is_latest",
            description="only a household's latest episode is in force",
            label_zh="仅最近一轮在监测",
            reason="one household would be monitored twice.",
        ),
        no_rows(
            "in_force_as_in_household_month",
            "select h.household_key as row_key from candidate.household_month as h full join"
            " (select * from judged where state = 'in_force') as j using (household_key)"
            " where (coalesce(h.monitor_status, '') = 'in_force')"
            " is distinct from (j.row_key is not null)",
            description="exactly the households in force have an episode in force",
            label_zh="在监测户与户表一致",
            reason="two marts that disagree discredit both.",
            remedy=REBUILD,
        ),
        identity(
            "months_in_order",
            "cleared_ym < monitored_ym or monitored_ym > period",
            description="no episode ends before it begins or begins after the month",
            label_zh="监测起止有序",
            reason="its duration would be negative.",
        ),
        identity(
            "finished_steps_are_judged",
            f"sla_regime is not null and ({undecided})",
            description="every finished step is within its time limit or not",
            label_zh="已完成步骤均有时限判定",
            reason="a step that is neither is missing from the share of steps in time.",
        ),
        identity(
            "criteria_follow_from_parts",
            "are_criteria_met is distinct from (meets_months and meets_income and meets_measures"
            " and meets_guarantees and meets_labour)",
            description="all criteria of elimination hold exactly if each does",
            label_zh="消除条件合取一致",
            reason="who may leave monitoring is read from it.",
        ),
        identity(
            "clue_is_there_if_matched",
            "(clue_status = 'matched') is distinct from (clue_no is not null)"
            " or coalesce(clue_status, '') not in ('matched', 'missing', 'no_register')",
            description="an episode has a clue exactly if it is called matched",
            label_zh="线索匹配状态一致",
            reason="an empty step would be taken for one not done.",
        ),
        identity(
            "clue_found",
            "clue_status = 'missing' and start_basis = 'household_file'",
            severity="warning",
            description="every episode of a county with a register has its clue in it",
            label_zh="监测轮次有对应线索",
            reason="a household was recognised without a procedure on record.",
            remedy="ask the county for the clue, or for the right month of recognition.",
        ),
        no_rows(
            "only_published_counties",
            "select distinct county_code as row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="episodes are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        keys_are_hashes("household_key"),
        *no_identifiers("monitoring_episode"),
    )
