"""The candidate's alerts, two per county, an answer to one, the seeds, and what breaks them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence

import psycopg

from include.build import DBT_PROJECT

_SEEDS = {
    "ref_risk_rule": {"threshold": "numeric", "effective_from": "date", "effective_to": "date"},
    "ref_income_line": {"year": "integer", "yuan_pp": "numeric"},
    "ref_rural_income": {"year": "integer", "yuan_pp": "numeric"},
    "ref_alert_code": {},
}
COLUMNS = {
    **dict.fromkeys(
        (
            "period", "alert_key", "rule_code", "rule_name_zh", "source_family", "dept_zh",
            "severity", "subject", "person_key", "household_key", "county_code", "township_code",
            "village_code", "alert_no",
        ),
        "text",
    ),
    "is_monitored": "boolean",
    "metric": "text",
    "value": "numeric",
    "operator": "text",
    "threshold": "numeric",
    "unit": "text",
    "basis": "text",
    "event_on": "date",
    "explanation_zh": "text",
    "source_rows": "text[]",
    "rule_verified": "boolean",
    "seeds_version": "text",
    "state": "text",
    "result": "text",
    "result_reason": "text",
    "state_on": "date",
}  # fmt: skip

_A = "candidate.risk_alert"
_ONE = f"alert_key = (select min(alert_key) from {_A} where rule_code = 'R309')"
_PERSON = f"alert_key = (select min(alert_key) from {_A} where rule_code = 'R106')"
BREAKS = {
    "alert_key_filled": f"alter table {_A} drop constraint risk_alert_pkey,"
    f" alter alert_key drop not null; update {_A} set alert_key = null where {_ONE}",
    "alert_key_unique": f"alter table {_A} drop constraint risk_alert_pkey;"
    f" insert into {_A} select * from {_A} where {_ONE}",
    "one_period": f"update {_A} set period = '2026-01' where {_ONE}",
    "alert_key_recomputes": f"update {_A} set alert_key = repeat('0', 64) where {_ONE}",
    "alert_no_recomputes": f"update {_A} set alert_no = lower(alert_no) where {_ONE}",
    "alert_no_unique": f"update {_A} set alert_no = (select max(alert_no) from {_A}) where {_ONE}",
    "one_alert_per_subject_and_rule": f"alter table {_A} drop constraint risk_alert_pkey;"
    f" insert into {_A} select * from {_A} where {_ONE};"
    f" update {_A} set alert_key = repeat('0', 64) where ctid = (select max(ctid) from {_A})",
    "subject_is_keyed": f"update {_A} set person_key = null where {_PERSON}",
    "rule_in_force": f"update {_A} set rule_code = 'R999' where {_ONE}",
    "threshold_as_in_the_seeds": f"update {_A} set threshold = 9000.01 where {_ONE}",
    "value_meets_the_rule": f"update {_A} set value = 9000 where {_ONE}",
    "household_on_file": f"update {_A} set is_monitored = false where {_ONE}",
    "population_as_in_the_seed": "update candidate.household_month set monitor_status = 'cleared'"
    " where monitor_status = 'in_force' and county_code = '431026'",
    "only_published_counties": f"update {_A} set county_code = '431081' where {_ONE}",
    "explained": f"update {_A} set explanation_zh = '低于{{threshold}}元' where {_ONE}",
    "explanation_without_long_numbers": f"update {_A} set explanation_zh = '账号123456789012345'"
    f" where {_ONE}",
    "rests_on_source_rows": f"update {_A} set source_rows = array[null]::text[] where {_ONE}",
    "life_cycle_is_consistent": f"update {_A} set state = 'checked' where {_ONE}",
    "keys_are_hashes": f"update {_A} set person_key = '9900000000000017' where {_PERSON}",
    "no_identifier_columns": f"alter table {_A} add column head_name text",
    "no_identifier_values": f"update {_A} set explanation_zh = '电话13800000000' where {_ONE}",
}  # fmt: skip
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""

ANSWER_COLUMNS = {
    **dict.fromkeys(
        (
            "period", "alert_no", "household_key", "county_code", "alert_period", "state",
            "said_by", "result", "result_reason",
        ),
        "text",
    ),
    "state_on": "date",
    "source_rows": "text[]",
}  # fmt: skip
_N = "candidate.alert_answer"
_ANSWER = f"alert_no = (select min(alert_no) from {_N})"
ANSWER_BREAKS = {
    "row_key_filled": f"alter table {_N} drop constraint alert_answer_pkey,"
    f" alter household_key drop not null; update {_N} set household_key = null where {_ANSWER}",
    "row_key_unique": f"alter table {_N} drop constraint alert_answer_pkey;"
    f" insert into {_N} select * from {_N} where {_ANSWER}",
    "one_period": f"update {_N} set period = '2026-01' where {_ANSWER}",
    "alert_no_is_a_number": f"update {_N} set alert_no = 'YJ202601张三' where {_ANSWER}",
    "no_answer_before_its_alert": f"update {_N} set alert_period = '2099-01' where {_ANSWER}",
    "life_cycle_is_consistent": f"update {_N} set state = 'dispatched' where {_ANSWER}",
    "codes_in_the_seed": f"update {_N} set result_reason = '不在家' where {_ANSWER}",
    "rests_on_source_rows": f"update {_N} set source_rows = '{{}}' where {_ANSWER}",
    "keys_are_hashes": f"update {_N} set household_key = '9900000000000017' where {_ANSWER}",
    "only_published_counties": f"update {_N} set county_code = '431081' where {_ANSWER}",
    "no_identifier_columns": f"alter table {_N} add column head_name text",
    "no_identifier_values": f"update {_N} set said_by = '电话13800000000' where {_ANSWER}",
}


def alert_key(rule_code: str, subject: str, subject_key: str, period: str) -> str:
    """An alert's name, computed here independently of the model."""
    return hashlib.sha256(f"{rule_code}/{subject}/{subject_key}/{period}".encode()).hexdigest()


def make_tables(db: psycopg.Connection) -> None:
    """The empty candidate, and the seeds as dbt would load them."""
    db.execute("create schema if not exists seeds")
    for name, types in _SEEDS.items():
        if db.execute("select to_regclass(%s)", [f"seeds.{name}"]).fetchone() != (None,):
            continue
        with (DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        columns = ", ".join(f"{column} {types.get(column, 'text')}" for column in header)
        db.execute(f"create table seeds.{name} ({columns})")
        with db.cursor() as cursor:
            cursor.executemany(
                f"insert into seeds.{name} values ({', '.join(['%s'] * len(header))})",
                [[cell or None for cell in row] for row in rows],
            )
    listed = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    db.execute(f"drop table if exists {_A}")
    db.execute(
        f"create table {_A} ({listed}, primary key (period, alert_key, household_key));"
        f" comment on table {_A} is 'the table risk_alert';"
        f" comment on column {_A}.period is 'month, YYYY-MM'"
    )
    listed = ", ".join(f"{column} {kind}" for column, kind in ANSWER_COLUMNS.items())
    db.execute(
        f"drop table if exists {_N}; create table {_N} ({listed},"
        " primary key (period, alert_no, household_key));"
        f" comment on table {_N} is 'the table alert_answer';"
        f" comment on column {_N}.period is 'month, YYYY-MM'"
    )


def fill(db: psycopg.Connection, period: str, monitored: Sequence[tuple[str, str]]) -> None:
    """A household's and a person's alert for each (county, key of a monitored household)."""
    make_tables(db)
    for county_code, household_key in monitored:
        person_key = hashlib.sha256(f"person of {household_key}".encode()).hexdigest()
        common = {
            "period": period, "household_key": household_key, "county_code": county_code,
            "is_monitored": True, "rule_verified": False, "seeds_version": "0123456789ab",
        }  # fmt: skip
        income = {
            "alert_key": alert_key("R309", "household", household_key, period),
            "rule_code": "R309", "subject": "household", "severity": "urgent",
            "metric": "net_income_pp", "value": 8999.99, "operator": "<", "threshold": 9000,
            "unit": "yuan", "basis": "share_of_income_line", "state": "raised",
            "explanation_zh": "人均纯收入8999.99元，低于监测线9000元",
            "source_rows": ["county_income/1/1"],
        }  # fmt: skip
        uninsured = {
            "alert_key": alert_key("R106", "person", person_key, period),
            "rule_code": "R106", "subject": "person", "person_key": person_key,
            "severity": "warning", "metric": "uninsured", "value": 1, "operator": ">=",
            "threshold": 1, "unit": "flag", "basis": "fixed", "state": "closed",
            "result": "not_included", "result_reason": "no_risk", "state_on": f"{period}-28",
            "explanation_zh": "本年度没有有效的基本医保参保记录",
            "source_rows": ["county_person/2/1", "yb_enrol/3/7"],
        }  # fmt: skip
        for row in (common | income, common | uninsured):
            row["alert_no"] = f"YJ{period.replace('-', '')}{str(row['alert_key'])[:12].upper()}"
            _insert(db, _A, row)
        before = alert_key("R309", "household", household_key, "2025-12")
        answer = {
            "period": period, "household_key": household_key, "county_code": county_code,
            "alert_no": f"YJ202512{before[:12].upper()}", "alert_period": "2025-12",
            "state": "checked", "state_on": f"{period}-09", "said_by": "county",
            "result": "not_included", "result_reason": "declined",
            "source_rows": ["county_clue/5/1"],
        }  # fmt: skip
        _insert(db, _N, answer)


def _insert(db: psycopg.Connection, table: str, row: Mapping[str, object]) -> None:
    db.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})".encode(),
        list(row.values()),
    )
