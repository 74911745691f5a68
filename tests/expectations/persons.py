"""The candidate's persons, three to each household, and what breaks each of their expectations."""

from __future__ import annotations

import csv
import hashlib

import psycopg
import yaml

from include.build import DBT_PROJECT

_P = "candidate.person_month"
_ONE = f"person_key = (select min(person_key) from {_P} where county_code = '431026')"
BREAKS = {
    "has_rows": f"delete from {_P}",
    "person_key_filled": f"alter table {_P} drop constraint person_month_pkey,"
    f" alter person_key drop not null; update {_P} set person_key = null where {_ONE}",
    "person_key_unique": f"alter table {_P} drop constraint person_month_pkey;"
    f" insert into {_P} select * from {_P} where {_ONE}",
    "one_period": f"update {_P} set period = '2026-01' where {_ONE}",
    "keys_are_hashes": f"update {_P} set person_key = '9900000000000017' where {_ONE}",
    "only_published_counties": f"update {_P} set county_code = '431081' where {_ONE}",
    "persons_add_up_to_households": f"update {_P} set is_insured = false where {_ONE}",
    "state_of_the_household": f"update {_P} set monitor_category = '03' where {_ONE}",
    "alerts_as_raised": "update candidate.risk_alert set state = 'checked'"
    " where subject = 'person' and county_code = '431026'",
    "work_as_in_employment": f"update {_P} set is_employed = false, work_place = 'not_working'"
    " where is_employed and county_code = '431026'",
    "work_known_as_delivered": f"update {_P} set has_welfare_post = null where {_ONE}",
    "ages_in_a_band": f"update {_P} set age_band = '06_14' where {_ONE}",
    "certificate_has_a_grade": f"update {_P} set has_disability_certificate = true where {_ONE}",
    "counts_not_negative": f"update {_P} set work_months_last_6 = 7 where {_ONE}",
    "link_has_a_way": f"update {_P} set link_score = 1.000001 where {_ONE}",
    "mostly_born_on_a_known_day": f"update {_P} set age_band = null where {_ONE}",
    "no_identifier_columns": f"alter table {_P} add column head_name text",
    "no_identifier_values": f"update {_P} set labour_code = '13800000000' where {_ONE}",
    "steady_volume": f"delete from {_P} where county_code = '431026' and person_key not in"
    f" (select person_key from {_P} where county_code = '431026' order by 1 limit 4)",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""

_PERSON = {
    "is_ex_poor": False, "age_band": "25_44", "sex": "1", "is_new_member": False,
    "is_deceased": False, "is_insured": True, "is_dibao_covered": False, "is_tekun": False,
    "is_orphan": False, "temp_aid_12m_count": 0, "temp_aid_12m_amt": 0,
    "has_disability_certificate": False, "disability_subsidy_amt": 0, "is_on_work_list": True,
    "has_welfare_post": False, "open_alerts": 0, "link_method": "resident_id", "link_score": 1,
    "households_claiming": 1,
}  # fmt: skip
_WORK = (
    {"is_employed": True, "work_place": "in_county"},
    {"is_employed": True, "work_place": "unknown"},
    {"is_employed": False, "work_place": "not_working"},
)
"""Of each household two work: as many per county as in employment of tests.expectations."""


def make_tables(db: psycopg.Connection) -> None:
    """The empty candidate with the columns of its contract, and the seed of the age bands."""
    (model,) = yaml.safe_load(
        (DBT_PROJECT / "models" / "marts" / "person_month.yml").read_text(encoding="utf-8")
    )["models"]
    listed = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
    db.execute(
        f"drop table if exists {_P};"
        f" create table {_P} ({listed}, primary key (period, person_key));"
        " create schema if not exists seeds; drop table if exists seeds.ref_age_band;"
        " create table seeds.ref_age_band (age_band text)"
    )
    with (DBT_PROJECT / "seeds" / "ref_age_band.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            db.execute("insert into seeds.ref_age_band values (%s)", [row["age_band"]])


def fill(db: psycopg.Connection, period: str) -> None:
    """Three insured persons per household of candidate.household_month; the first paid it all."""
    make_tables(db)
    households = db.execute(
        "select household_key, county_code, village_code, monitor_category, monitor_status,"
        " out_of_pocket_ytd_amt from candidate.household_month"
    ).fetchall()
    with db.cursor() as cursor:
        for household_key, county_code, village_code, category, status, paid in households:
            rows = [
                {
                    "period": period, "person_key": person_key(household_key, number),
                    "household_key": household_key, "county_code": county_code,
                    "village_code": village_code, "monitor_category": category,
                    "monitor_status": status, "out_of_pocket_ytd_amt": 0 if number else paid,
                } | _PERSON | work
                for number, work in enumerate(_WORK)
            ]  # fmt: skip
            cursor.executemany(
                f"insert into {_P} ({', '.join(rows[0])})"
                f" values ({', '.join(['%s'] * len(rows[0]))})",
                [list(row.values()) for row in rows],
            )


def person_key(household_key: str, number: int) -> str:
    """The key of a household's person; the alerts of tests.expectations.alerts are of the first."""
    whose = f"member {number}" if number else "person"
    return hashlib.sha256(f"{whose} of {household_key}".encode()).hexdigest()
