"""M3 低保金发放: payments of minimum living allowance."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    is_blank,
    is_undue_month,
    is_unparsable_amount,
    is_unparsable_month,
    is_unparsable_time,
    median,
    number,
    share,
)
from expectations.deliveries.habits import ROWS, Habit, usual, usual_all
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import (
    defect,
    register_checks,
    undue,
    unparsable_amount,
    unparsable_month,
    unparsable_time,
)

HABITS = (
    Habit(
        "median_payment",
        "amount",
        "the middle payment",
        "发放金额中位数",
        median(number("amount")),
    ),
)

PROFILE = profile_query(
    "mz_dibao_payment",
    {
        **register_figures("payment_id", "cert_no"),
        "unparsable_amount_share": share(is_unparsable_amount("amount")),
        "unparsable_month_share": share(is_unparsable_month("pay_ym")),
        "unparsable_time_share": share(is_unparsable_time("updated_at")),
        "undue_share": share(is_undue_month("pay_ym")),
        "blank_kind_share": share(is_blank("kind")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M3 extract."""
    return (
        *register_checks(),
        *unparsable_amount(),
        *unparsable_month(),
        *unparsable_time(),
        *undue("a payment month"),
        *defect(
            "D21",
            "blank_kind_share",
            "no kind of payment",
            "发放类型已填",
            "a reclaim is told from a payment by it.",
        ),
        # Not beside last month: the first extract of all is the whole table.
        usual(ROWS),
        *usual_all(HABITS),
    )
