"""H2 医保结算: settlements of medical bills; refunds are negative mirrors."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    duplicate_share,
    is_future_day,
    is_invalid_id,
    is_outside_city,
    is_unparsable_amount,
    is_unparsable_time,
    median,
    number,
    share,
)
from expectations.deliveries.habits import Habit, usual_all, usual_rows
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import (
    bad_id,
    defect,
    future,
    outside_city,
    register_checks,
    unparsable_amount,
    unparsable_time,
)

_AMOUNTS = ("medfee_sumamt", "hifp_pay", "fund_pay_sumamt", "psn_part_amt")
_FUNDS = (
    "hifp_pay", "hifmi_pay", "maf_pay", "cvlserv_pay", "hifes_pay", "hifob_pay", "oth_pay"
)  # fmt: skip
_TOLERANCE = 0.05
"""Yuan by which a sum may differ from its parts: the insurers round each part."""


def _amount(column: str) -> str:
    return f"coalesce({number(column)}, 0)"


_BILL = " - ".join(
    map(_amount, ("medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "hosp_part_amt"))
)
_FUND = f"{_amount('fund_pay_sumamt')} - ({' + '.join(map(_amount, _FUNDS))})"
_REFUND = f"coalesce({clean('refd_setl_flag')} in ('1', '是', 'true', 't'), false)"

HABITS = (
    Habit(
        "median_bill",
        "amount",
        "the middle bill",
        "医疗总费用中位数",
        median(number("medfee_sumamt")),
    ),
    Habit(
        "refund_share",
        "share",
        "the share of refunds",
        "退费占比",
        share(_REFUND),
    ),
)

PROFILE = profile_query(
    "yb_settle",
    {
        **register_figures("setl_id"),
        "bad_id_share": share(is_invalid_id("certno")),
        "outside_city_share": share(is_outside_city("insuplc_admdvs")),
        "unparsable_amount_share": share(is_unparsable_amount(*_AMOUNTS)),
        "unparsable_time_share": share(is_unparsable_time("setl_time")),
        "future_share": share(is_future_day("setl_time")),
        "unbalanced_bill_share": share(f"abs({_BILL}) > {_TOLERANCE}"),
        "unbalanced_fund_share": share(f"abs({_FUND}) > {_TOLERANCE}"),
        "wrong_sign_share": share(
            f"({_amount('psn_part_amt')} < 0 and not {_REFUND})"
            f" or ({_amount('psn_part_amt')} > 0 and {_REFUND})"
        ),
        "duplicate_share": duplicate_share("setl_id"),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H2 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_amount(),
        *unparsable_time(),
        *future("a settlement"),
        *defect(
            "D23",
            "unbalanced_bill_share",
            "a bill that is not fund, person and hospital together",
            "总额等于各方负担之和",
            "the person's own part is the burden the warnings are computed from.",
        ),
        *defect(
            "D23",
            "unbalanced_fund_share",
            "a fund total that is not the sum of the payers",
            "基金支付等于各基金之和",
            "a payer left out makes the burden look smaller or larger than it is.",
        ),
        *defect(
            "D12",
            "wrong_sign_share",
            "a sign that does not go with its refund flag",
            "退费标志与金额符号一致",
            "a refund counted as a bill doubles the burden instead of undoing it.",
        ),
        *defect(
            "D24",
            "duplicate_share",
            "the settlement number of another row",
            "结算号不重复",
            "a page read twice shows as this, and so does pre-settlement beside settlement.",
        ),
        *usual_rows(),
        *usual_all(HABITS),
    )
