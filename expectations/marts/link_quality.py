"""candidate.link_quality: the month's rows about people, by kind, county and way of linking."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check
from expectations.marts.shared import has_rows, identity, key, no_identifiers, one_period

TABLE = "candidate.link_quality"
ROW_KEY = "kind || '/' || county_code"

_LEAST = 0.95
"""Share of linked rows under which a source's figures by person miss too many people."""
_WAYS = ("resident_id", "splink", "decision", "review", "provisional", "unlinked")


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        has_rows("row"),
        *key("row_key"),
        one_period(period),
        identity(
            "ways_sum_to_rows",
            f"person_rows <> {' + '.join(f'{way}_rows' for way in _WAYS)}",
            description="every row is linked in exactly one way, or not at all",
            label_zh="各关联方式之和等于总行数",
            reason="a row in two ways is counted for two people.",
        ),
        identity(
            "counts_not_negative",
            " or ".join(f"{way}_rows < 0" for way in _WAYS),
            description="no count of rows is negative",
            label_zh="行数不为负",
            reason="a negative count hides in a sum.",
        ),
        identity(
            "rate_is_linked_by_rows",
            "abs(link_rate - (resident_id_rows + splink_rows + decision_rows)::numeric"
            " / greatest(person_rows, 1)) > 0.000001",
            description="the rate is the rows linked by ID, score or hand by all rows",
            label_zh="关联率等于已关联行数除以总行数",
            reason="the rate is published beside the figures that rest on the links.",
        ),
        identity(
            "mostly_linked",
            f"link_rate < {_LEAST}",
            severity="warning",
            description=f"at least {_LEAST:.0%} of the rows of each kind and county are linked",
            label_zh="关联率偏低",
            reason="people who are not found are missing from every figure across sources.",
            remedy="ask the sender for the missing numbers, and see ./warehouse link review.",
        ),
        *no_identifiers("link_quality"),
    )
