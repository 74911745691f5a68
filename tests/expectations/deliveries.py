"""Deliveries for tests: sound rows of each kind, and the cells that make a row defective."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import psycopg
from stdnum.cn import ric

from include.contracts import contracts

Row = Mapping[str, str | None]

PERIOD = "2026-02"
COUNTY = "431026"
COUNTY_NAME = "汝城县"


def resident_id(order: int, birth: str = "19700101") -> str:
    """A valid ID in the unassigned area 431099."""
    first17 = f"431099{birth}{order:03d}"
    return first17 + str(ric.calc_check_digit(first17 + "-"))  # stdnum takes the whole number


def household_no(order: int) -> str:
    """A household number that does not end in 0."""
    return f"990000000000{order:03d}7"


_COUNTY = {"county": COUNTY_NAME, "household_no": household_no(1)}
SOUND: dict[str, Row] = {
    "county_household": {
        **_COUNTY,
        "township": "卢阳镇",
        "village": "云善村",
        "head_id_no": resident_id(1),
        "household_type": "脱贫户",
        "monitor_category": "01",
        "first_identified_ym": "202301",
        "monitored_ym": "202301",
        "risk_cleared": "否",
        "member_count": "3",
        "net_income_pp": "12,000.50",
    },
    "county_person": {
        **_COUNTY,
        "cert_type": "01",
        "cert_no": resident_id(1),
        "relation": "01",
        "status": "正常",
    },
    "county_income": {
        **_COUNTY,
        "a_wage": "30000",
        "a1_migrant_work": "29000",
        "a5_picking": "1000",
        "b_business": "无",
        "c_property": "",
        "d_transfer": "1200元",
        "e_business_expense": "0",
    },
    "county_measure": {
        **_COUNTY,
        "measure_type": "产业帮扶",
        "implementation": "已实施",
        "started_ym": "2026.1",
    },
    "county_clue": {
        **_COUNTY,
        "clue_no": "XS1",
        "channel": "农户自主申报",
        "received_on": "2026/02/02",
        "verified_on": "20260203",
        "reviewed_on": "2026-02-03",
        "notice_start": "2026.2.4",
        "notice_end": "2026年2月9日",
        "county_approved_on": "2026-02-28",
        "result": "纳入",
        "first_measure_on": "2026-02-01",
    },
    "county_employment": {
        **_COUNTY,
        "cert_no": resident_id(1),
        "is_employed": "是",
        "is_planned": "是",
        "channel": "自主就业",
        "place": "县内",
        "started_on": "2024年3月1日",
        "months_last_6": "6",
        "wage_m": "3,200元",
        "wage_arrears": "0",
    },
    "county_welfare_post": {
        **_COUNTY,
        "cert_no": resident_id(1),
        "post_name": "护林员",
        "post_type": "护林护草",
        "started_on": "2025.1.1",
        "ended_on": "20260228",
        "allowance_m": "1000",
        "paid_amt": "0",
    },
    "county_fund_project": {
        "county": COUNTY_NAME,
        "fund_year": "2026",
        "fund_level": "中央",
        "project_no": "P1",
        "project_type": "产业发展",
        "budget_amt": "35.60万元",
        "paid_amt": "356000",
        "benefit_households": "20",
        "started_on": "2026-02-28",
        "completed_on": "2026-02-28",
        "state": "已完工",
    },
    "county_visit": {
        **_COUNTY,
        "visited_on": "2026年2月28日",
        "visit_type": "入户走访",
        "food_ok": "是",
        "clothing_ok": "是",
        "housing_problem": "否",
        "dropout_problem": "否",
        "water_problem": "0",
        "uninsured_problem": "否",
    },
    "county_helper": {
        **_COUNTY,
        "helper_name": "某某",
        "helper_unit": "教育局",
        "started_on": "2026-02-28",
        "ended_on": "2026-02-28",
    },
    "county_dwelling": {
        **_COUNTY,
        "has_house": "是",
        "is_only_house": "是",
        "grade": "C级",
        "assessed_on": "2026.2.1",
        "damaged_on": "2026-02-01",
        "damage_cause": "洪涝",
        "works_done_on": "2026-02-28",
        "grade_after": "B级",
    },
    "county_water": {
        **_COUNTY,
        "supply_type": "集中供水",
        "quality_ok": "是",
        "litres_per_day": "60",
        "fetch_minutes": "0",
        "assurance_pct": "100",
        "outage_days": "28",
    },
    "mz_dibao_family": {
        "cert_no": "D1",
        "head_id": resident_id(1),
        "county_code": COUNTY,
        "members": "3",
        "covered": "3",
        "amount_m": "485.00",
        "start_ym": "202501",
        "updated_at": "2026-02-03 04:05:06+08",
    },
    "mz_dibao_member": {
        "cert_no": "D1",
        "id_no": resident_id(1),
        "covered": "1",
        "updated_at": "2026-02-03 04:05:06+08",
    },
    "mz_dibao_payment": {
        "payment_id": "P1",
        "cert_no": "D1",
        "pay_ym": "202602",
        "amount": "-485.00",
        "kind": "追回",
        "updated_at": "2026-02-03 04:05:06+08",
    },
    "mz_tekun": {
        "id_no": resident_id(1),
        "county_code": COUNTY,
        "amount_m": "1000",
        "start_ym": "202501",
        "updated_at": "2026-02-03 04:05:06+08",
    },
    "mz_temp_aid": {
        "aid_id": "A1",
        "id_no": resident_id(1),
        "county_code": COUNTY,
        "applied_on": "2026-02-01",
        "approved_on": "2026-02-28",
        "amount": "800",
        "updated_at": "2026-03-03 04:05:06+08",
    },
    "mz_low_income": {
        "record_id": "L1",
        "head_id": resident_id(1),
        "county_code": COUNTY,
        "layer": "低保边缘",
        "members": "3",
        "recognised_on": "2026-02-01",
        "valid_to": "2029-01-31",
        "ended_on": "2026-02-01",
        "updated_at": "2026-02-03 04:05:06+08",
    },
    "mz_disab_subsidy": {
        "cert_no": resident_id(1) + "43B1",
        "county_code": COUNTY,
        "issued_on": "2026-02-10",
        "disability_type": "4",
        "disability_grade": "3",
        "living_subsidy_m": "100.00",
        "care_subsidy_m": "0.00",
        "start_ym": "202603",
        "updated_at": "2026-02-28 04:05:06+08",
    },
    "mz_orphan": {
        "id_no": resident_id(1, "20080301"),
        "county_code": COUNTY,
        "orphan_kind": "孤儿",
        "amount_m": "1100",
        "start_ym": "202603",
        "end_ym": "202603",
        "updated_at": "2026-02-03 04:05:06+08",
    },
    "mz_death": {
        "death_id": "T1",
        "id_no": resident_id(1),
        "died_on": "2026-02-27",
        "cremated_on": "2026-03-01",
        "updated_at": "2026-03-01 04:05:06+08",
    },
    "yb_enrol": {
        "psn_no": "N1",
        "certno": resident_id(1),
        "insutype": "390",
        "psn_insu_stas": "1",
        "insuplc_admdvs": COUNTY,
        "begntime": "2026-01-01",
        "endtime": "2026-12-31",
    },
    "yb_settle": {
        "setl_id": "S1",
        "certno": resident_id(1),
        "insuplc_admdvs": COUNTY,
        "setl_time": "2026-02-28 23:59:59",
        "medfee_sumamt": "1000.00",
        "hifp_pay": "600.00",
        "hifmi_pay": "100.00",
        "fund_pay_sumamt": "700.00",
        "psn_part_amt": "300.00",
        "refd_setl_flag": "0",
    },
    "yb_chronic": {
        "psn_no": "N1",
        "certno": resident_id(1),
        "insuplc_admdvs": COUNTY,
        "dise_code": "I10.x00x002",
        "begndate": "2026-02-28",
        "enddate": "2026-02-28",
    },
    "yb_med_aid": {
        "aid_id": "Y1",
        "certno": resident_id(1),
        "insuplc_admdvs": COUNTY,
        "aid_type": "3",
        "aid_amt": "0.01",
        "aid_date": "2026-02-28",
    },
    "wj_major_disease": {
        "record_id": "MD1",
        "certno": resident_id(1),
        "admdvs": COUNTY,
        "category": "30",
        "dise_code": "C34.900",
        "confirmed_on": "2026-02-28",
        "is_treated": "0",
    },
    "wj_contract": {
        "certno": resident_id(1),
        "admdvs": COUNTY,
        "signed_on": "2025-12-31",
        "service_year": "2026",
        "chronic_kind": "4",
    },
    "wj_followup": {
        "followup_id": "F1",
        "certno": resident_id(1),
        "admdvs": COUNTY,
        "chronic_kind": "1",
        "visited_on": "2026-02-28",
        "is_controlled": "1",
    },
    "wj_death": {
        "record_id": "DC1",
        "certno": resident_id(1),
        "admdvs": COUNTY,
        "died_on": "2026-02-28",
        "cause_code": "",
    },
    "wj_birth": {
        "record_id": "BC1",
        "child_sex": "9",
        "birth_date": "2026-02-28",
        "mother_certno": resident_id(1),
        "admdvs": COUNTY,
        "birth_defect": "0",
    },
}

_KEYED = {
    "foreign_county_share": {"county": "桂东县"},
    "malformed_key_share": {"household_no": "9.9E+15"},
}
_BAD_ID = resident_id(1)[:-1] + ("0" if resident_id(1)[-1] != "0" else "1")
DEFECTS: dict[str, dict[str, Row]] = {
    "county_household": {
        **_KEYED,
        "unplaced_share": {"village": " "},
        "bad_member_count_share": {"member_count": "0"},
        "bad_head_id_share": {"head_id_no": _BAD_ID},
        "unparsable_month_share": {"cleared_ym": "上个月"},
        "future_month_share": {"monitored_ym": "202603"},
        "undated_monitoring_share": {"monitored_ym": None},
        "unparsable_amount_share": {"net_income_pp": "不详"},
    },
    "county_person": {
        **_KEYED,
        "bad_id_share": {"cert_no": _BAD_ID},
        "blank_relation_share": {"relation": None},
    },
    "county_income": {
        **_KEYED,
        "unparsable_amount_share": {"e3_forestry_expense": "若干"},
        "negative_amount_share": {"claims_income": "-1"},
        "differing_sum_share": {"a5_picking": "1000.02"},
    },
    "county_measure": {
        **_KEYED,
        "blank_measure_share": {"measure_type": None},
        "blank_implementation_share": {"implementation": ""},
        "unparsable_month_share": {"started_ym": "春节后"},
        "future_month_share": {"started_ym": "202603"},
    },
    "county_clue": {
        **_KEYED,
        "blank_channel_share": {"channel": "  "},
        "unreceived_share": {"received_on": None},
        "unparsable_day_share": {"first_measure_on": "春节后"},
        "future_day_share": {"first_measure_on": "2026-03-01"},
        "disordered_days_share": {"reviewed_on": "2026-02-02"},
        "undated_inclusion_share": {"county_approved_on": None},
        "unreasoned_refusal_share": {"result": "不纳入"},
    },
    "county_employment": {
        **_KEYED,
        "bad_id_share": {"cert_no": _BAD_ID},
        "blank_employed_share": {"is_employed": "/"},
        "unparsable_day_share": {"started_on": "春节后"},
        "reversed_job_share": {"ended_on": "2024-02-29"},
        "future_job_share": {"ended_on": "2026-03-01"},
        "impossible_months_share": {"months_last_6": "7"},
        "placeless_work_share": {"place": None},
        "unparsable_amount_share": {"wage_m": "三千"},
        "negative_wage_share": {"wage_arrears": "-0.01"},
    },
    "county_welfare_post": {
        **_KEYED,
        "bad_id_share": {"cert_no": _BAD_ID},
        "blank_post_share": {"post_type": None},
        "undated_post_share": {"started_on": None},
        "unparsable_day_share": {"ended_on": "月底"},
        "reversed_post_share": {"ended_on": "2024-12-31"},
        "future_post_share": {"ended_on": "2026-03-01"},
        "blank_allowance_share": {"allowance_m": None},
        "unparsable_amount_share": {"paid_amt": "全额"},
        "negative_pay_share": {"paid_amt": "-1"},
    },
    "county_fund_project": {
        "blank_key_share": {"project_no": None},
        "foreign_county_share": {"county": "桂东县"},
        "blank_class_share": {"state": None},
        "impossible_year_share": {"fund_year": "2027"},
        "unparsable_day_share": {"started_on": "开春"},
        "reversed_project_share": {"completed_on": "2026-02-27"},
        "future_completion_share": {"completed_on": "2026-03-01"},
        "blank_amount_share": {"paid_amt": ""},
        "unparsable_amount_share": {"budget_amt": "约30万"},
        "negative_fund_share": {"paid_amt": "-0.01"},
        "overpaid_share": {"paid_amt": "356000.01"},
        "bad_benefit_share": {"benefit_households": "若干"},
    },
    "county_visit": {
        **_KEYED,
        "undated_visit_share": {"visited_on": " "},
        "unparsable_day_share": {"visited_on": "月底"},
        "future_day_share": {"visited_on": "2026-03-01"},
        "unanswered_share": {"uninsured_problem": "不清楚"},
    },
    "county_helper": {
        **_KEYED,
        "blank_helper_share": {"helper_name": None},
        "blank_unit_share": {"helper_unit": None},
        "undated_term_share": {"started_on": None},
        "unparsable_day_share": {"ended_on": "换届后"},
        "future_day_share": {"started_on": "2026-03-01", "ended_on": None},
        "reversed_term_share": {"ended_on": "2026-02-27"},
    },
    "county_dwelling": {
        **_KEYED,
        "houseless_unknown_share": {"has_house": "租住"},
        "ungraded_share": {"grade": None},
        "unparsable_day_share": {"assessed_on": "去年"},
        "future_day_share": {"works_done_on": "2026-03-01"},
        "ungraded_works_share": {"grade_after": ""},
        "causeless_damage_share": {"damage_cause": None},
    },
    "county_water": {
        **_KEYED,
        "blank_supply_share": {"supply_type": None},
        "untested_share": {"quality_ok": "待检"},
        "impossible_litres_share": {"litres_per_day": "1001"},
        "impossible_minutes_share": {"fetch_minutes": "约十分钟"},
        "unmeasured_share": {"assurance_pct": None},
        "unparsable_amount_share": {"assurance_pct": "较高"},
        "impossible_assurance_share": {"assurance_pct": "100.01"},
        "impossible_outage_share": {"outage_days": "32"},
    },
    "mz_dibao_family": {
        "blank_key_share": {"cert_no": None},
        "bad_id_share": {"head_id": None},
        "outside_city_share": {"county_code": "439999"},
        "unparsable_amount_share": {"amount_m": "四百"},
        "unparsable_month_share": {"end_ym": "年底"},
        "unparsable_time_share": {"updated_at": "昨天"},
        "overcovered_share": {"covered": "4"},
    },
    "mz_dibao_member": {
        "blank_key_share": {"cert_no": ""},
        "bad_id_share": {"id_no": _BAD_ID},
        "blank_covered_share": {"covered": None},
        "unparsable_time_share": {"updated_at": "2026-02-30"},
    },
    "mz_dibao_payment": {
        "blank_key_share": {"payment_id": None},
        "unparsable_amount_share": {"amount": "1.2.3"},
        "unparsable_month_share": {"pay_ym": "2"},
        "unparsable_time_share": {"updated_at": "?"},
        "undue_share": {"pay_ym": "299912"},
        "blank_kind_share": {"kind": None},
    },
    "mz_tekun": {
        "blank_key_share": {"start_ym": None},
        "bad_id_share": {"id_no": "X"},
        "outside_city_share": {"county_code": None},
        "unparsable_amount_share": {"amount_m": "N/A"},
        "unparsable_month_share": {"start_ym": "去年"},
        "unparsable_time_share": {"updated_at": "?"},
    },
    "mz_temp_aid": {
        "blank_key_share": {"aid_id": None},
        "bad_id_share": {"id_no": _BAD_ID},
        "outside_city_share": {"county_code": "43"},
        "unparsable_amount_share": {"amount": "?"},
        "unparsable_time_share": {"approved_on": "?"},
        "undue_share": {"approved_on": "2999-12-31"},
        "early_approval_share": {"approved_on": "2026-01-31"},
        "no_aid_share": {"amount": "0"},
    },
    "mz_low_income": {
        "blank_key_share": {"record_id": None},
        "bad_id_share": {"head_id": _BAD_ID},
        "outside_city_share": {"county_code": "43"},
        "unparsable_time_share": {"valid_to": "长期"},
        "undue_share": {"recognised_on": "2999-12-31", "ended_on": None, "valid_to": None},
        "blank_layer_share": {"layer": " "},
        "early_end_share": {"ended_on": "2026-01-31"},
    },
    "mz_disab_subsidy": {
        "blank_key_share": {"start_ym": None},
        "bad_id_share": {"cert_no": _BAD_ID + "43"},
        "outside_city_share": {"county_code": None},
        "unparsable_amount_share": {"living_subsidy_m": "一百"},
        "unparsable_month_share": {"end_ym": "年底"},
        "unparsable_time_share": {"issued_on": "去年"},
        "undue_share": {"issued_on": "2999-12-31"},
        "unknown_disability_share": {"disability_type": "8", "cert_no": resident_id(1)},
        "other_disability_share": {"disability_grade": "4"},
        "undeserved_care_share": {"care_subsidy_m": "0.01"},
    },
    "mz_orphan": {
        "blank_key_share": {"start_ym": ""},
        "bad_id_share": {"id_no": "X"},
        "outside_city_share": {"county_code": "439999"},
        "unparsable_amount_share": {"amount_m": "?"},
        "unparsable_month_share": {"end_ym": "成年"},
        "unparsable_time_share": {"updated_at": "?"},
        "blank_kind_share": {"orphan_kind": None},
        "grown_up_share": {"start_ym": "202604"},
    },
    "mz_death": {
        "blank_key_share": {"death_id": None},
        "bad_id_share": {"id_no": _BAD_ID},
        "unparsable_time_share": {"died_on": "0000-00-00"},
        "undue_share": {"died_on": "2999-12-31"},
        "early_cremation_share": {"cremated_on": "2026-02-26"},
    },
    "yb_enrol": {
        "blank_key_share": {"insutype": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"insuplc_admdvs": "439900"},
        "unparsable_time_share": {"endtime": "长期"},
        "blank_status_share": {"psn_insu_stas": None},
        "reversed_period_share": {"endtime": "2025-12-31"},
    },
    "yb_settle": {
        "blank_key_share": {"setl_id": None},
        "bad_id_share": {"certno": None},
        "outside_city_share": {"insuplc_admdvs": "439900"},
        "unparsable_amount_share": {"hifp_pay": "六百"},
        "unparsable_time_share": {"setl_time": "?"},
        "future_share": {"setl_time": "2026-03-01 00:00:00"},
        "unbalanced_bill_share": {"medfee_sumamt": "1000.06"},
        "unbalanced_fund_share": {"hifmi_pay": "99.94"},
        "wrong_sign_share": {"refd_setl_flag": "1"},
    },
    "yb_chronic": {
        "blank_key_share": {"psn_no": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"insuplc_admdvs": "439900"},
        "unparsable_day_share": {"enddate": "长期"},
        "future_day_share": {"begndate": "2026-03-01"},
        "reversed_days_share": {"enddate": "2026-02-27"},
        "malformed_diagnosis_share": {"dise_code": "高血压"},
    },
    "yb_med_aid": {
        "blank_key_share": {"aid_id": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"insuplc_admdvs": None},
        "blank_kind_share": {"aid_type": " "},
        "unparsable_amount_share": {"aid_amt": "若干"},
        "no_aid_share": {"aid_amt": "0"},
        "unparsable_day_share": {"aid_date": "月底"},
        "future_day_share": {"aid_date": "2026-03-01"},
    },
    "wj_major_disease": {
        "blank_key_share": {"record_id": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"admdvs": "439900"},
        "unlisted_disease_share": {"category": "31"},
        "malformed_diagnosis_share": {"dise_code": "C34"},
        "unparsable_day_share": {"confirmed_on": "上月"},
        "future_day_share": {"confirmed_on": "2026-03-01"},
    },
    "wj_contract": {
        "blank_key_share": {"chronic_kind": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"admdvs": "439900"},
        "unknown_chronic_share": {"chronic_kind": "5"},
        "unparsable_day_share": {"signed_on": "年初"},
        "future_day_share": {"signed_on": "2026-03-01"},
        "stray_service_year_share": {"service_year": "2027"},
    },
    "wj_followup": {
        "blank_key_share": {"followup_id": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"admdvs": "439900"},
        "unknown_chronic_share": {"chronic_kind": "0"},
        "unparsable_day_share": {"visited_on": "?"},
        "future_day_share": {"visited_on": "2026-03-01"},
    },
    "wj_death": {
        "blank_key_share": {"record_id": None},
        "bad_id_share": {"certno": _BAD_ID},
        "outside_city_share": {"admdvs": "439900"},
        "malformed_diagnosis_share": {"cause_code": "心脏病"},
        "unparsable_day_share": {"died_on": "0000"},
        "future_day_share": {"died_on": "2026-03-01"},
    },
    "wj_birth": {
        "blank_key_share": {"record_id": None},
        "bad_id_share": {"mother_certno": None},
        "outside_city_share": {"admdvs": "439900"},
        "unknown_sex_share": {"child_sex": "男"},
        "unparsable_day_share": {"birth_date": "?"},
        "future_day_share": {"birth_date": "2026-03-01"},
    },
}
"""kind -> figure -> cells that make exactly this figure (at least) see a defect."""

_CITY = "431000"


def deliver(
    db: psycopg.Connection,
    kind: str,
    rows: Sequence[Row],
    *,
    period: str = PERIOD,
    county_code: str | None = None,
    row_count: int | None = None,
    control_total: int | None = None,
    missing_headers: Sequence[str] = (),
    unreadable: str | None = None,
    stated_period: str | None = None,
    accepted: bool = False,
) -> int:
    """Register a delivery with its rows as the loader does; returns its delivery_id."""
    contract = contracts()[kind]
    county = county_code or (COUNTY if contract.source == "county" else _CITY)
    serial = db.execute("select count(*) from ops.delivery").fetchone()
    assert serial is not None
    row = db.execute(
        "insert into ops.delivery (source, kind, county_code, period, file_name, bytes, sha256,"
        " row_count, control_total, missing_headers, unreadable, stated_period, contract_version)"
        " values (%s, %s, %s, %s, %s, 1, %s, %s, %s, %s, %s, %s, '1.0') returning delivery_id",
        [
            contract.source, kind, county, period, f"{kind}-{serial[0]}.csv",
            hashlib.sha256(str(serial[0]).encode()).hexdigest(),
            len(rows) if row_count is None else row_count,
            control_total, list(missing_headers), unreadable, stated_period,
        ],
    ).fetchone()  # fmt: skip
    assert row is not None
    delivery_id = int(row[0])
    db.execute(
        "insert into ops.arrival (delivery_id, uri) values (%s, 'file:///drop')", [delivery_id]
    )
    columns = [column.name for column in contract.columns]
    with db.cursor().copy(
        f"copy raw.{kind} ({', '.join(columns)}, _delivery_id, _row_no) from stdin"
    ) as copy:
        for number, cells in enumerate(rows, start=1):
            copy.write_row([*(cells.get(name) for name in columns), delivery_id, number])
    if accepted:
        db.execute(
            "insert into ops.acceptance (delivery_id, outcome) values (%s, 'accepted')",
            [delivery_id],
        )
    return delivery_id
