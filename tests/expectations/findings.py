"""The candidate's findings, a person's and a household's per county, and what breaks them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import psycopg

_F = "candidate.data_finding"
COLUMNS = {
    **dict.fromkeys(
        (
            "period", "rule_code", "finding_key", "subject", "household_key", "person_key",
            "county_code", "rule_name_zh", "sender", "reason", "remedy_zh",
        ),
        "text",
    ),
    "value": "numeric",
    "source_rows": "text[]",
    "rule_verified": "boolean",
}  # fmt: skip

_ONE = "county_code = '431026' and subject = 'household'"
BREAKS = {
    "finding_once": f"alter table {_F} drop constraint data_finding_pkey;"
    f" insert into {_F} select * from {_F} where {_ONE}",
    "one_period": f"update {_F} set period = '2026-01' where {_ONE}",
    "subject_is_keyed": f"update {_F} set subject = 'person' where {_ONE}",
    "keys_are_hashes": f"update {_F} set finding_key = '9900000000000017' where {_ONE}",
    "reason_is_complete": f"update {_F} set reason = '识别后{{value}}个月' where {_ONE}",
    "rests_on_source_rows": f"update {_F} set source_rows = array[]::text[] where {_ONE}",
    "household_on_file": f"update {_F} set household_key = repeat('0', 64) where {_ONE}",
    "only_published_counties": f"update {_F} set county_code = '431081' where {_ONE}",
    "few_per_rule": "insert into candidate.household_month (period, household_key, county_code)"
    " select period, 'h' || n, '431026' from candidate.household_month,"
    " generate_series(1, 27) as n where county_code = '431026' and is_new;"
    f" alter table {_F} drop constraint data_finding_pkey;"
    f" insert into {_F} select f.* from {_F} as f, generate_series(1, 7) where {_ONE}",
    "no_identifier_columns": f"alter table {_F} add column head_name text",
    "no_identifier_values": f"update {_F} set reason = '电话13800000000' where {_ONE}",
}  # fmt: skip
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def fill(db: psycopg.Connection, period: str, monitored: Sequence[tuple[str, str]]) -> None:
    """A household's and a person's finding for each (county, key of a household in force)."""
    listed = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    db.execute(
        f"drop table if exists {_F}; create table {_F} ({listed},"
        " primary key (period, rule_code, household_key, finding_key));"
        f" comment on table {_F} is 'the table data_finding';"
        f" comment on column {_F}.period is 'month, YYYY-MM'"
    )
    for county_code, household_key in monitored:
        person_key = hashlib.sha256(f"person of {household_key}".encode()).hexdigest()
        common = {
            "period": period, "household_key": household_key, "county_code": county_code,
            "sender": "县级乡村振兴部门", "remedy_zh": "核实后更正", "rule_verified": False,
        }  # fmt: skip
        late = {
            "rule_code": "X03", "finding_key": household_key, "subject": "household",
            "rule_name_zh": "帮扶滞后", "reason": "识别已满2个月，帮扶措施仍未实施", "value": 2,
            "source_rows": ["county_household/1/1"],
        }  # fmt: skip
        number = {
            "rule_code": "X01", "finding_key": person_key, "subject": "person",
            "person_key": person_key, "rule_name_zh": "监测对象证件号码长度异常",
            "reason": "监测对象证件号码长度为15位", "value": 15,
            "source_rows": ["county_person/2/1", "county_person/2/7"],
        }  # fmt: skip
        for row in (common | late, common | number):
            db.execute(
                f"insert into {_F} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
                list(row.values()),
            )
