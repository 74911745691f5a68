"""The candidate's assistance and contradictions, and what breaks them."""

from __future__ import annotations

import psycopg

MARTS = ("assistance_coverage", "reconciliation")
_C, _R = "candidate.assistance_coverage", "candidate.reconciliation"
_FLAGS = (
    "has_dibao", "has_tekun", "has_low_income_edge", "has_rigid_expense", "has_layer",
    "signal_below_line", "signal_high_burden", "signal_repeated_aid", "signal_unsafe_dwelling",
    "signal_severe_disability", "possible_missed_dibao", "possible_missed_monitoring",
)  # fmt: skip
_COUNTS = (
    "dibao_members", "tekun_members", "temp_aid_12m_count", "temp_aid_12m_amt",
    "living_subsidy_members", "care_subsidy_members", "disability_subsidy_amt", "orphan_members",
    "measures_in_place", "risk_signals",
)  # fmt: skip
COVERAGE = {
    **dict.fromkeys(("period", "household_key", "county_code", "monitor_status"), "text"),
    **dict.fromkeys(_FLAGS, "boolean"),
    **dict.fromkeys(_COUNTS, "numeric"),
    "net_income_pp": "numeric",
    "dibao_standard_year_pp": "numeric",
    "dibao_standard_verified": "boolean",
}
RECONCILIATION = {
    **dict.fromkeys(
        (
            "period", "case_type", "case_key", "subject", "person_key", "household_key",
            "county_code", "severity", "left_source", "left_value", "right_source", "right_value",
            "corrected_by_zh", "first_step_zh",
        ),
        "text",
    ),
    "left_rows": "text[]",
    "right_rows": "text[]",
}  # fmt: skip

_ONE = f"household_key = (select min(household_key) from {_C} where county_code = '431026')"
COVERAGE_BREAKS = {
    "has_rows": f"delete from {_C}",
    "household_key_filled": f"alter table {_C} drop constraint assistance_coverage_pkey,"
    f" alter household_key drop not null; update {_C} set household_key = null where {_ONE}",
    "household_key_unique": f"alter table {_C} drop constraint assistance_coverage_pkey;"
    f" insert into {_C} select * from {_C} where {_ONE}",
    "one_period": f"update {_C} set period = '2026-01' where {_ONE}",
    "same_households_as_household_month": f"delete from {_C} where {_ONE}",
    "layers_have_members": f"update {_C} set tekun_members = 1 where {_ONE}",
    "has_layer_is_any_layer": f"update {_C} set has_layer = not has_layer where {_ONE}",
    "signals_add_up": f"update {_C} set risk_signals = risk_signals + 1 where {_ONE}",
    "missed_dibao_as_defined": f"update {_C} set possible_missed_dibao = true where {_ONE}",
    "missed_monitoring_as_defined": f"update {_C} set possible_missed_monitoring"
    f" = not possible_missed_monitoring where {_ONE}",
    "counts_not_negative": f"update {_C} set orphan_members = -1 where {_ONE}",
    "standard_verified": f"update {_C} set dibao_standard_verified = false where {_ONE}",
    "keys_are_hashes": f"update {_C} set household_key = '9900000000000017' where {_ONE}",
    "no_identifier_columns": f"alter table {_C} add column head_name text",
    "no_identifier_values": f"update {_C} set monitor_status = '13800000000' where {_ONE}",
    "steady_volume": f"delete from {_C} where county_code = '431026' and monitor_status <> 'none'",
}
_CASE = "case_type = 'dibao_income_differs' and county_code = '431026'"
_PERSON = "case_type = 'deceased_on_file' and county_code = '431026'"
RECONCILIATION_BREAKS = {
    "row_key_filled": f"alter table {_R} drop constraint reconciliation_pkey,"
    f" alter case_key drop not null; update {_R} set case_key = null where {_CASE}",
    "row_key_unique": f"alter table {_R} drop constraint reconciliation_pkey;"
    f" insert into {_R} select * from {_R} where {_CASE}",
    "one_period": f"update {_R} set period = '2026-01' where {_CASE}",
    "case_type_in_the_seed": f"update {_R} set case_type = 'hearsay' where {_CASE}",
    "subject_is_keyed": f"update {_R} set person_key = null where {_PERSON}",
    "both_sides_shown": f"update {_R} set right_value = null where {_CASE}",
    "evidence_is_named": f"update {_R} set left_rows = '{{}}' where {_CASE}",
    "keys_are_hashes": f"update {_R} set case_key = '5800000000000015' where {_PERSON}",
    "only_published_counties": f"update {_R} set county_code = '439999' where {_CASE}",
    "missed_as_in_coverage": f"update {_R} set case_type = 'possible_missed_dibao' where {_CASE}",
    "few_contradictions": f"insert into {_R} select period, case_type, case_key || n, subject,"
    " person_key, household_key, county_code, severity, left_source, left_value, right_source,"
    " right_value, corrected_by_zh, first_step_zh, left_rows, right_rows"
    f" from {_R} cross join generate_series(1, 9) as n where {_PERSON}",
    "no_identifier_columns": f"alter table {_R} add column phone text",
    "no_identifier_values": f"update {_R} set left_value = '13800000000' where {_CASE}",
}


def fill(db: psycopg.Connection, period: str) -> None:
    """Cover each household of the candidate: the monitored ones by dibao, the cleared by none.

    Each county has a household whose income contradicts the payments, and a dead man on file.
    """
    for name, columns, grain in (
        ("assistance_coverage", COVERAGE, "period, household_key"),
        ("reconciliation", RECONCILIATION, "period, case_type, case_key"),
    ):
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        db.execute(f"drop table if exists candidate.{name}")
        db.execute(f"create table candidate.{name} ({listed}, primary key ({grain}))")
        db.execute(f"comment on table candidate.{name} is 'the table {name}'")
        db.execute(f"comment on column candidate.{name}.period is 'month, YYYY-MM'")
    db.execute(
        "drop table if exists seeds.ref_reconciliation_case;"
        " create table seeds.ref_reconciliation_case (case_type text);"
        " insert into seeds.ref_reconciliation_case values ('dibao_income_differs'),"
        " ('deceased_on_file'), ('possible_missed_dibao'), ('possible_missed_monitoring')"
    )
    zero = ", ".join("0" for _ in _COUNTS[:-1])
    names = ", ".join(_COUNTS[:-1])
    db.execute(
        f"insert into {_C} (period, household_key, county_code, monitor_status,"
        f" {', '.join(_FLAGS)}, {names}, risk_signals, net_income_pp, dibao_standard_year_pp,"
        " dibao_standard_verified)"
        " select period, household_key, county_code, monitor_status,"
        f" {', '.join('false' for _ in _FLAGS)}, {zero}, 0, net_income_pp, 6060, true"
        " from candidate.household_month where period = %s",
        [period],
    )
    db.execute(
        f"update {_C} set has_dibao = true, has_layer = true, dibao_members = 1"
        " where monitor_status = 'in_force'"
    )
    for case_type, subject, person in (
        ("dibao_income_differs", "household", "null"),
        ("deceased_on_file", "person", "reverse(household_key)"),
    ):
        db.execute(
            f"insert into {_R} select distinct on (county_code) period, '{case_type}',"
            f" household_key, '{subject}', {person}, household_key, county_code, 'notice',"
            " 'county_income', '5820.00', 'mz_dibao_payment', '5335.00', '县农业农村局', '核对',"
            " array['county_income/1/1'], array['mz_dibao_payment/1/1']"
            f" from {_C} order by county_code, household_key"
        )
