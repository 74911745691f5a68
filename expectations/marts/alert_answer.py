"""candidate.alert_answer: one row per month, alert and household that a clue register names."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    REBUILD,
    identity,
    key,
    keys_are_hashes,
    no_identifiers,
    one_period,
)

TABLE = "candidate.alert_answer"
ROW_KEY = "alert_no || '/' || household_key"


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``; it may be without rows."""
    return (
        *key("row_key"),
        one_period(period),
        identity(
            "alert_no_is_a_number",
            "coalesce(alert_no, '') !~ '^YJ[0-9]{{4}}(0[1-9]|1[0-2])[0-9A-F]{{12}}$'"
            " or alert_period is distinct from substr(alert_no, 3, 4) || '-' ||"
            " substr(alert_no, 7, 2)",
            description="alert_no has the form of an alert's number, and alert_period is its month",
            label_zh="预警编号格式正确",
            reason="free text that stands in the number's place can name a person.",
        ),
        identity(
            "no_answer_before_its_alert",
            f"alert_period > '{period}' or alert_period is null",
            description="the alert is of the register's month or an earlier one",
            label_zh="答复不早于预警",
            reason="nobody can answer what nobody has asked.",
        ),
        identity(
            "life_cycle_is_consistent",
            "coalesce(state, '') not in ('dispatched', 'checked', 'closed')"
            " or (result is not null) is distinct from (state in ('checked', 'closed'))"
            " or (result_reason is not null) is distinct from (result is not distinct from"
            " 'not_included') or state_on is null or said_by not in ('county', 'bureau')",
            description="a result is there once checked, a reason where not included, and a day",
            label_zh="办理状态一致",
            reason="open alerts are counted by their state.",
            remedy="correct models/core/alert_standing.sql and build the month again.",
        ),
        identity(
            "codes_in_the_seed",
            "coalesce(result, 'included') not in"
            " (select code from seeds.ref_alert_code where code_type = 'result')"
            " or coalesce(result_reason, 'other') not in"
            " (select code from seeds.ref_alert_code where code_type = 'reason')",
            description="results and reasons are codes of ref_alert_code",
            label_zh="结果和原因为代码",
            reason="a county's own words could name a person.",
            remedy="correct ref_alert_answer.",
        ),
        identity(
            "rests_on_source_rows",
            "coalesce(cardinality(source_rows), 0) not between 1 and 10"
            " or array_to_string(source_rows, ' ', '?')"
            " !~ '^county_clue/[0-9]+/[0-9]+( county_clue/[0-9]+/[0-9]+)*$'",
            description="one to ten rows of the register are named",
            label_zh="依据记录完整",
            reason="who disputes an answer must be shown the row it came from.",
        ),
        keys_are_hashes("household_key"),
        no_rows(
            "only_published_counties",
            "select row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="answers are only of counties that are published",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows nothing.",
            remedy=REBUILD,
        ),
        *no_identifiers("alert_answer"),
    )
