"""staging.delivery_accounting: where every row of every accepted delivery went."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import deliveries_in_scope
from expectations.marts.shared import has_rows, identity, key

TABLE = "staging.delivery_accounting"
ROW_KEY = "delivery_id"


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the accounting of the build of ``period`` as known at ``known_at``."""
    scope = deliveries_in_scope(period, known_at)
    staging = "find the staging model of the kind: a row was dropped or multiplied there."
    return (
        has_rows("delivery"),
        *key("delivery_id"),
        identity(
            "rows_are_accounted_for",
            "row_count is distinct from staged + quarantined + superseded",
            description="accepted rows = staged + quarantined + superseded",
            label_zh="行数平衡",
            reason="no row of an accepted delivery may vanish or appear.",
            remedy=staging,
        ),
        identity(
            "parts_not_negative",
            "least(staged, quarantined, superseded) < 0",
            description="staged, quarantined and superseded rows are not negative",
            label_zh="各部分不为负",
            reason="a negative part would balance rows counted twice.",
            remedy=staging,
        ),
        no_rows(
            "row_count_as_registered",
            f"select j.row_key from judged as j inner join ({scope}) as s using (delivery_id)"
            " where j.row_count is distinct from s.row_count",
            description="the row count is the one registered when the delivery was loaded",
            label_zh="行数与登记一致",
            reason="a balance of a wrong total proves nothing.",
            remedy=staging,
        ),
        no_rows(
            "every_delivery_accounted_for",
            f"select s.delivery_id as row_key from ({scope}) as s"
            " left join judged as j using (delivery_id) where j.delivery_id is null",
            description="every accepted delivery the build reads is accounted for",
            label_zh="报送无遗漏",
            reason="a delivery left out balances perfectly.",
            remedy="find out why its staging model does not read the delivery.",
        ),
        no_rows(
            "only_deliveries_in_scope",
            f"select j.row_key from judged as j left join ({scope}) as s using (delivery_id)"
            " where s.delivery_id is null",
            description="only deliveries accepted by the build's cut-off are read",
            label_zh="仅使用已接收的报送",
            reason="a replay must see what was known on the day and nothing later.",
            remedy="filter the staging model by known_at and period.",
        ),
        identity(
            "little_quarantine",
            "quarantined > 0.2 * row_count",
            severity="warning",
            description="at most 20 % of a delivery's rows are quarantined",
            label_zh="隔离比例不超过20%",
            reason="figures of a county that loses many rows are not comparable.",
            remedy="read the defect codes in quarantine and ask the sender to correct them.",
        ),
    )
