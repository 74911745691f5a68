"""Judging real deliveries with real Great Expectations: verdicts, reasons, and what may be seen."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.acceptance import judge
from include.areas import counties
from include.contracts import contracts, kinds_of
from include.errors import DeliveryMissing, WarehouseError
from include.readiness import demand
from include.settings import settings
from tests.expectations.deliveries import (
    COUNTY,
    PERIOD,
    SOUND,
    Row,
    deliver,
    household_no,
    resident_id,
)

COUNTY_KINDS = [contract.kind for contract in kinds_of("county")]
NAME = "欧阳测试"
PHONE = "13800000000"


def rows_of(kind: str, county_code: str, count: int = 40) -> list[Row]:
    """Sound rows with names, IDs and phones in them."""
    rows: list[Row] = []
    for n in range(count):
        row = dict(SOUND[kind]) | {
            "household_no": household_no(n),
            "county": counties()[county_code],
        }
        if kind == "county_household":
            row |= {"head_name": NAME, "head_id_no": resident_id(n), "phone": PHONE}
        if kind == "county_person":
            row |= {"name": NAME, "cert_no": resident_id(n)}
        for column in contracts()[kind].columns:
            if column.name in contracts()[kind].grain and column.type == "resident_id":
                row[column.name] = resident_id(n)
            elif column.name in contracts()[kind].grain and column.type == "text":
                row[column.name] = f"{row[column.name]}{n}"
        rows.append(row)
    return rows


def deliver_month(db: psycopg.Connection, period: str) -> dict[tuple[str, str], int]:
    return {
        (county, kind): deliver(
            db, kind, rows_of(kind, county), period=period, county_code=county, control_total=40
        )
        for county in counties()
        for kind in COUNTY_KINDS
    }


def test_a_sound_month_is_accepted_and_decided_once(db: psycopg.Connection) -> None:
    delivered = deliver_month(db, "2027-01")
    verdicts = judge("county", "2027-01")
    assert {v.delivery_id: v.outcome for v in verdicts} == dict.fromkeys(
        delivered.values(), "accepted"
    )
    assert [v.warnings for v in verdicts] == [[]] * len(delivered)
    assert demand("2027-01", "county").held_back == []
    assert judge("county", "2027-01") == []
    decided = db.execute(
        "select count(*) from ops.acceptance inner join ops.delivery using (delivery_id)"
        " where period = '2027-01'"
    ).fetchone()
    assert decided == (len(delivered),)


def test_nothing_to_judge_is_no_error(warehouse: str) -> None:
    assert judge("health_insurance", "2019-01") == []


BAD_FILES: dict[str, dict[str, Any]] = {
    "missing_headers": {"rows": [], "missing_headers": ["户编号"], "control_total": 40},
    "unreadable_files": {"rows": [], "unreadable": "not a workbook"},
    "control_total_difference": {"control_total": 41},
    "rows_beyond_bounds": {"rows": []},
    "other_period": {"stated_period": "2026-01"},
    "rows_not_loaded": {"row_count": 42},
    "foreign_county_share_limit": {
        "rows": [{**row, "county": "桂东县"} for row in rows_of("county_household", COUNTY)]
    },
    "malformed_key_share_limit": {
        "rows": [
            {**row, "household_no": "1.23E+15"} if n < 9 else row
            for n, row in enumerate(rows_of("county_household", COUNTY))
        ]
    },
}
"""The expectation that rejects -> what is wrong with the file."""


@pytest.fixture(scope="module")
def bad_files(warehouse: str) -> dict[str, dict[str, Any]]:
    """The acceptance record of each of BAD_FILES, judged together with a sound file."""
    with psycopg.connect(warehouse, autocommit=True) as db:
        ids = {
            name: deliver(
                db,
                "county_household",
                facts.get("rows", rows_of("county_household", COUNTY)),
                **{k: v for k, v in facts.items() if k != "rows"},
            )
            for name, facts in {**BAD_FILES, "sound": {}}.items()
        }
        few_bad = [
            {**row, "household_no": "1.23E+15"} if n < 8 else row
            for n, row in enumerate(rows_of("county_household", COUNTY))
        ]
        ids["few_malformed"] = deliver(db, "county_household", few_bad)
        judge("county", PERIOD)
        found = {
            key: {"outcome": outcome, "reasons": reasons, "warnings": warnings}
            for key, outcome, reasons, warnings in db.execute(
                "select delivery_id, outcome, reasons, warnings from ops.acceptance"
            )
        }
    return {name: found[key] for name, key in ids.items()}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_rejected_for_what_is_wrong_with_it(
    bad_files: dict[str, dict], name: str
) -> None:
    record = bad_files[name]
    assert record["outcome"] == "rejected"
    assert name in [reason["expectation"] for reason in record["reasons"]]
    if name != "malformed_key_share_limit":  # its unusable keys are duplicates of each other too
        assert [reason["expectation"] for reason in record["reasons"]] == [name]


def test_a_reason_says_what_was_expected_and_seen_and_what_to_do(
    bad_files: dict[str, dict],
) -> None:
    (reason,) = bad_files["missing_headers"]["reasons"]
    assert reason["missing_headers"] == ["户编号"]
    assert reason["file"].startswith("county_household-")
    assert reason["observed"] == 1
    (reason,) = bad_files["control_total_difference"]["reasons"]
    assert reason["observed"] == -1
    assert all(reason[key] for key in ("expected", "label_zh", "remedy"))


def test_a_sound_file_among_bad_ones_is_accepted(bad_files: dict[str, dict]) -> None:
    assert bad_files["sound"] == {"outcome": "accepted", "reasons": [], "warnings": []}


def test_few_malformed_keys_are_a_warning(bad_files: dict[str, dict]) -> None:
    record = bad_files["few_malformed"]
    assert record["outcome"] == "accepted"
    warned = {w["expectation"]: w["observed"] for w in record["warnings"]}
    assert warned["malformed_key_share"] == 0.2


def test_civil_affairs_may_have_nothing_new(db: psycopg.Connection) -> None:
    deliver(db, "mz_death", [])
    deliver(db, "mz_tekun", [SOUND["mz_tekun"]])
    assert [v.outcome for v in judge("civil_affairs", PERIOD)] == ["accepted"] * 2


def test_an_empty_enrolment_register_is_rejected(db: psycopg.Connection) -> None:
    deliver(db, "yb_enrol", [])
    deliver(db, "yb_settle", [])
    verdicts = {v.kind: v.outcome for v in judge("health_insurance", PERIOD)}
    assert verdicts == {"yb_enrol": "rejected", "yb_settle": "accepted"}


def test_a_county_with_a_rejected_file_is_held_back_until_it_is_replaced(
    db: psycopg.Connection,
) -> None:
    period = "2027-03"
    for county in counties():
        for kind in COUNTY_KINDS:
            if county != COUNTY:
                deliver(db, kind, rows_of(kind, county), period=period, county_code=county)
            elif kind != "county_income":
                deliver(db, kind, rows_of(kind, county), period=period)
    judge("county", period)
    with pytest.raises(DeliveryMissing, match=r"431026 汝城县: county_income \(收入情况\) missing"):
        demand(period, "county")
    deliver(db, "county_income", [], period=period, missing_headers=["户编号"])
    judge("county", period)
    assert demand(period, "county").held_back == [COUNTY]
    deliver(db, "county_income", rows_of("county_income", COUNTY), period=period)
    judge("county", period)
    assert demand(period, "county").held_back == []


def test_a_profile_that_cannot_be_judged_decides_nothing(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from expectations.deliveries import mz_death

    deliver(db, "mz_death", [SOUND["mz_death"]], period="2027-05")
    monkeypatch.setattr(mz_death, "PROFILE", mz_death.PROFILE.replace("bad_id_share", "renamed"))
    with pytest.raises(WarehouseError, match="bad_id_share_limit could not be evaluated"):
        judge("civil_affairs", "2027-05")
    monkeypatch.undo()
    assert [v.outcome for v in judge("civil_affairs", "2027-05")] == ["accepted"]


def test_no_value_of_a_row_leaves_the_database(
    db: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Every row is defective in every expectation's sense; nothing of them is seen anywhere."""
    period = "2027-06"
    spoiled = [
        {**row, "household_no": f"X{row['household_no']}", "head_id_no": f"{row['head_id_no']}9"}
        for row in rows_of("county_household", COUNTY)
    ]
    deliver(db, "county_household", spoiled, period=period, control_total=1)
    with caplog.at_level(logging.DEBUG):
        verdicts = judge("county", period)
    assert verdicts[0].outcome == "rejected"
    written = {
        path: path.read_text(encoding="utf-8")
        for folder in ("data_docs", "gx")
        for path in Path(settings().home, folder).rglob("*")
        if path.is_file() and path.suffix in {".html", ".json", ""}
    }
    assert any("bad_head_id_share" in text for text in written.values())
    seen = {
        **{str(path): text for path, text in written.items()},
        "log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "verdicts": json.dumps([v.reasons + v.warnings for v in verdicts], ensure_ascii=False),
    }
    for planted in (NAME, PHONE, resident_id(1), resident_id(39), household_no(1)):
        assert [place for place, text in seen.items() if planted in text] == [], "planted value"
