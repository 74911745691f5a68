"""C3 收入情况: one row per household, income tree A-D and expense E."""

from __future__ import annotations

import re

from expectations.check import Check, between
from expectations.deliveries.cells import is_unparsable_amount, number, share
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect
from include.contracts import contracts

_AMOUNTS = tuple(c.name for c in contracts()["county_income"].columns if c.type == "money")
_PARENTS = tuple(name for name in _AMOUNTS if re.match(r"[a-e]_", name))
_INCOMES = tuple(name for name in _PARENTS if not name.startswith("e_"))


def _children(parent: str) -> tuple[str, ...]:
    return tuple(name for name in _AMOUNTS if re.match(rf"{parent[0]}\d_", name))


def _sum(columns: tuple[str, ...]) -> str:
    return " + ".join(f"coalesce({number(column)}, 0)" for column in columns)


def _differs_from_children(parent: str) -> str:
    children = _children(parent)
    given = ", ".join(number(child) for child in children)
    return f"(coalesce({given}) is not null and abs({_sum((parent,))} - ({_sum(children)})) > 0.01)"


HABITS = (
    Habit(
        "median_gross_income",
        "amount",
        "the middle gross income",
        "家庭总收入中位数",
    ),
    Habit(
        "wage_share",
        "share",
        "the share of wages in all income",
        "工资性收入占比",
        f"case when sum({_sum(_INCOMES)}) > 0 then round(least(greatest("
        f"sum({_sum((_PARENTS[0],))}) / sum({_sum(_INCOMES)}), 0), 1), 6) end",
    ),
)

PROFILE = profile_query(
    "county_income",
    {
        **county_figures("household_no"),
        "unparsable_amount_share": share(is_unparsable_amount(*_AMOUNTS)),
        "negative_amount_share": share(
            " or ".join(f"coalesce({number(name)} < 0, false)" for name in _AMOUNTS)
        ),
        "differing_sum_share": share(" or ".join(_differs_from_children(p) for p in _PARENTS)),
        "median_gross_income": (
            "case when count(*) >= 10 then"
            f" percentile_cont(0.5) within group (order by {_sum(_INCOMES)}) end"
        ),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C3 delivery."""
    return (
        *county_checks(),
        *defect(
            "D13",
            "unparsable_amount_share",
            "an amount that cannot be read",
            "金额可识别",
            "an unread amount counts as zero and pushes the household below the line.",
        ),
        *defect(
            "D12",
            "negative_amount_share",
            "a negative amount",
            "金额不为负",
            "refunds do not belong into this file: a negative amount is a typing error.",
        ),
        *defect(
            "D23",
            "differing_sum_share",
            "a class of income that is not the sum of its parts",
            "分项之和等于大类",
            "net income is computed from the classes, D2 and D4 are compared with other systems.",
        ),
        between(
            "median_gross_income",
            minimum=500,
            maximum=2_000_000,
            severity="critical",
            description="the middle yearly gross income is between 500 and 2,000,000 yuan",
            label_zh="金额单位为元",
            reason="a file in units of 10,000 yuan would put a whole county below the line.",
            remedy="give amounts in yuan per year and send the file again.",
            defect="D13",
            remedy_zh="金额单位应为元（全年）：请换算后重新报送。",
        ),
        *usual_all(HABITS),
    )
