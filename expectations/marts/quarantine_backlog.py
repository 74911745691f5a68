"""candidate.quarantine_backlog: the rows that wait for a correction, by kind, county and defect."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.shared import identity, key, no_identifiers, one_period

TABLE = "candidate.quarantine_backlog"
ROW_KEY = "kind || '/' || county_code || '/' || defect_code"

_LONG = 3
"""Months after which a row that nobody corrected is worth a telephone call."""
_UNEXPLAINED = """
select q.kind || '/' || q.county_code || '/' || q.defect_code as row_key
from staging.quarantine as q
where not exists (
    select from ops.delivery_defect as d
    where d.delivery_id = q.delivery_id and d.row_no = q.row_no
)
"""
"""Of the rows themselves: empty where the month quarantined nothing."""


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``; it may be empty."""
    return (
        *key("row_key"),
        one_period(period),
        identity(
            "something_to_tell",
            "open_rows + released_rows < 1 or open_rows < 0 or released_rows < 0"
            " or new_rows not between 0 and open_rows",
            description="each row counts open or released records, and of the open ones some new",
            label_zh="待更正与已解除行数合理",
            reason="a count that is more than its whole hides in a sum.",
        ),
        identity(
            "age_of_the_open",
            "(open_rows > 0) <> (oldest_age_months is not null) or oldest_age_months < 0"
            " or oldest_period > period",
            description="open records have an age, of a month not after this one; others none",
            label_zh="未更正月数与待更正行数一致",
            reason="senders are reminded by the age.",
        ),
        no_rows(
            "each_is_explained",
            f"select row_key from ({_UNEXPLAINED}) as unexplained",
            description="each quarantined row is among the defects that its receipt lists",
            label_zh="每个隔离行都在回执中说明",
            reason="a row held back in silence is corrected by nobody.",
            remedy="this is a fault of the warehouse: include/defects.py and the base model of the"
            " kind judge a cell differently.",
        ),
        identity(
            "corrected_in_time",
            f"oldest_age_months > {_LONG}",
            severity="warning",
            description=f"no record stays quarantined for more than {_LONG} months",
            label_zh="隔离数据长期未更正",
            reason="the household or person of such a row is in no figure all that time.",
            remedy="send the county its receipt again, and call.",
        ),
        *no_identifiers("quarantine_backlog"),
    )
