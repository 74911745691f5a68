"""candidate.data_health: one row per delivery that the month owes, arrived or not."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.shared import REBUILD, has_rows, identity, no_identifiers, one_period
from include.contracts import contracts

TABLE = "candidate.data_health"
ROW_KEY = "kind || '/' || county_code"

CITY = "431000"
_UNMAPPED = 0.05
"""Share of code cells above which a code list is out of date and figures by code mislead."""


def _due() -> str:
    """SQL: kind, county_code of what every month owes; counties are those of the scorecard."""
    kinds: dict[str, list[str]] = {"county": [], "other": []}
    for kind, contract in contracts().items():
        kinds["county" if contract.source == "county" else "other"].append(f"('{kind}')")
    return (
        f"select k.kind, c.county_code from (values {', '.join(kinds['county'])}) as k (kind)"
        " cross join candidate.county_scorecard as c"
        f" union all select k.kind, '{CITY}' from (values {', '.join(kinds['other'])}) as k (kind)"
    )


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    accepted = (
        "select kind, county_code from ops.accepted_delivery"
        f" where period = '{period}' and known_at <= '{known_at.isoformat()}'"
    )
    return (
        has_rows("delivery due"),
        no_rows(
            "delivery_once",
            "select row_key from judged group by row_key having count(*) > 1",
            description="each kind is there once per county",
            label_zh="主键唯一",
            reason="a delivery given twice is counted twice.",
            remedy=REBUILD,
        ),
        one_period(period),
        no_rows(
            "all_that_is_due",
            f"select d.kind || '/' || d.county_code as row_key from ({_due()}) as d"
            " left join judged as j on d.kind = j.kind and d.county_code = j.county_code"
            " where j.kind is null",
            description="every kind of delivery is listed for every county that owes it",
            label_zh="应报数据齐全",
            reason="a delivery that is not listed cannot be seen to be missing.",
            remedy="add the kind to the seed ref_delivery_due.",
        ),
        no_rows(
            "accepted_as_registered",
            "select j.row_key from judged as j where (j.delivery_state = 'accepted')"
            f" is distinct from ((j.kind, j.county_code) in ({accepted}))",
            description="exactly the accepted deliveries are shown as accepted",
            label_zh="接收状态与登记一致",
            reason="a scorecard's grade rests on this state.",
            remedy=REBUILD,
        ),
        identity(
            "states_follow_from_counts",
            "delivery_state is distinct from case when accepted_versions > 0 then 'accepted'"
            " when rejected_versions > 0 then 'rejected' when arrivals > 0 then 'not_judged'"
            " else 'missing' end or versions > arrivals or resent <> greatest(arrivals - 1, 0)",
            description="the state follows from what arrived and how it was judged",
            label_zh="报送状态与次数一致",
            reason="a rejected delivery shown as missing is asked for in vain.",
        ),
        identity(
            "late_by_the_due_day",
            "is_late is distinct from first_sent_on > due_on"
            " or days_late is distinct from case when first_sent_on > due_on"
            " then first_sent_on - due_on when first_sent_on is not null then 0 end",
            description="late is what was first sent after its due day",
            label_zh="迟报判定一致",
            reason="a sender is told that it was late.",
        ),
        identity(
            "rows_add_up",
            "delivered_rows <> staged_rows + quarantined_rows + superseded_rows"
            " or quarantine_share not between 0 and 1 or unmapped_cells > coded_cells",
            description="rows are staged, quarantined or superseded",
            label_zh="行数平衡",
            reason="a share of a wrong total grades the county wrongly.",
        ),
        no_rows(
            "few_unmapped_codes",
            f"select row_key from judged where unmapped_share > {_UNMAPPED}",
            severity="warning",
            description=f"at most {_UNMAPPED:.0%} of the code cells are on no code list",
            label_zh="未映射代码占比不超过5%",
            reason="a code list has changed, or free text is written into a code column.",
            remedy="add the new codes to the seed ref_code with their first day.",
        ),
        no_rows(
            "in_time",
            "select row_key from judged where is_late",
            severity="warning",
            description="every delivery was sent by its due day",
            label_zh="按时报送",
            reason="a late file delays every county's scorecard.",
            remedy="remind the sender.",
        ),
        *no_identifiers("data_health"),
    )
