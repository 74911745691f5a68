"""C4 识别线索与程序: one row per clue, with the days of its procedure so far."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_blank,
    is_day_after_period,
    is_disordered,
    is_unparsable_day,
    share,
)
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect

_STEPS = ("received_on", "verified_on", "reviewed_on", "notice_start", "notice_end")
_DAYS = (*_STEPS, "county_approved_on", "entered_on", "first_measure_on")

PROFILE = profile_query(
    "county_clue",
    {
        **county_figures("clue_no"),
        "blank_channel_share": share(is_blank("channel")),
        "unreceived_share": share(is_blank("received_on")),
        "unparsable_day_share": share(is_unparsable_day(*_DAYS)),
        "future_day_share": share(is_day_after_period(*_DAYS)),
        # Help may come before the paper does (green channel), and is no step of the procedure.
        "disordered_days_share": share(is_disordered(*_STEPS, "county_approved_on", "entered_on")),
        "undated_inclusion_share": share(
            f"coalesce({clean('result')} = '纳入', false) and {is_blank('county_approved_on')}"
        ),
        "unreasoned_refusal_share": share(
            f"coalesce({clean('result')} = '不纳入', false) and {is_blank('reject_reason')}"
        ),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C4 delivery."""
    return (
        *county_checks(),
        *defect(
            "D21",
            "blank_channel_share",
            "no channel the clue came by",
            "线索来源已填",
            "which channel finds whom, and which misses whom, is counted by it.",
        ),
        *defect(
            "D14",
            "unreceived_share",
            "no day on which the clue was received",
            "线索接收日期已填",
            "every time limit of the procedure begins on that day.",
        ),
        *defect(
            "D14",
            "unparsable_day_share",
            "a day that cannot be read",
            "日期可识别",
            "whether a time limit was kept is counted in days.",
        ),
        *defect(
            "D22",
            "future_day_share",
            "a day after the period",
            "日期不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D22",
            "disordered_days_share",
            "a step dated before the one it follows",
            "程序日期先后有序",
            "a step that seems to take less than no time hides one that took too long.",
        ),
        *defect(
            "D14",
            "undated_inclusion_share",
            "a household included without a day of approval",
            "纳入线索有审定日期",
            "the episode cannot be matched with the clue it began with.",
        ),
        *defect(
            "D21",
            "unreasoned_refusal_share",
            "a refusal without a reason",
            "不纳入已注明原因",
            "a household turned away may ask why.",
        ),
    )
