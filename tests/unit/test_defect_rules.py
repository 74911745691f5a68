"""What a row's cells must be to one another, names of areas, habits, and what names a row."""

from __future__ import annotations

import psycopg
import pytest

from include.contracts import contracts
from include.defects import record_missing
from tests.conftest import PERSON_KEY_SECRET
from tests.unit.landed import query
from tests.unit.test_defects import PERSON, delivered, found, sound

Case = tuple[str, dict[str, str], tuple[str, str] | None]
"""kind, what differs from a sound record, (column, defect) or None."""
CASES: list[Case] = [
    ("county_visit", {"visited_on": "2026-02-28"}, None),
    ("county_visit", {"visited_on": "2026-03-01"}, ("visited_on", "D22")),
    ("county_household", {"monitored_ym": "202602", "cleared_ym": "202602"}, None),
    ("county_household", {"cleared_ym": "202603"}, ("cleared_ym", "D22")),
    ("county_household", {"cleared_ym": "202512"}, ("cleared_ym", "D22")),
    ("county_household", {"monitored_ym": "", "cleared_ym": "202512"}, None),
    ("county_employment", {"ended_on": "2026-01-05"}, None),
    ("county_employment", {"ended_on": "2026-01-04"}, ("ended_on", "D22")),
    ("county_employment", {"wage_m": "0"}, None),
    ("county_employment", {"wage_m": "-0.01"}, ("wage_m", "D12")),
    ("county_income", {"a_wage": "5000.01"}, None),
    ("county_income", {"a_wage": "5000.02"}, ("a_wage", "D23")),
    ("county_income", {"a_wage": ""}, None),
    ("county_income", {"a1_migrant_work": ""}, ("a_wage", "D23")),
    (
        "county_income",
        dict.fromkeys(
            ("a1_migrant_work", "a2_department_post", "a3_township_post", "a4_village_post",
             "a5_picking"), "",
        ),
        None,
    ),
    ("mz_dibao_family", {"covered": "3", "members": "3"}, None),
    ("mz_dibao_family", {"covered": "4", "members": "3"}, ("covered", "D23")),
    ("mz_dibao_payment", {"amount": "-10.00", "kind": "追回"}, None),
    ("mz_dibao_payment", {"amount": "-10.00", "kind": "正常"}, ("amount", "D12")),
    ("yb_settle", {"medfee_sumamt": "9000.05"}, None),
    ("yb_settle", {"medfee_sumamt": "9000.06"}, ("medfee_sumamt", "D23")),
    ("county_person", {"sex": "1"}, ("sex", "D04")),
    ("county_person", {"sex": "9"}, None),
    ("county_person", {"birth_date": "19900106"}, ("birth_date", "D04")),
    ("county_person", {"cert_no": PERSON[:17], "sex": "1"}, ("cert_no", "D04")),
    ("county_person", {"birth_date": "1905-03-01", "cert_no": "O43"}, ("cert_no", "D04")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "defect"), CASES)
def test_cells_agree_with_one_another(
    warehouse: str, kind: str, change: dict[str, str], defect: tuple[str, str] | None
) -> None:
    contract = contracts()[kind]
    record = sound(contract) | change
    form = "jsonl" if contract.source == "health_insurance" else "gb18030"
    told = {
        (name, code) for _, name, code, _ in found(warehouse, delivered(contract, form, [record]))
    }
    assert told == ({defect} if defect else set())


@pytest.mark.parametrize(
    ("born", "is_told"), [("1905-02-28", True), ("1905-03-01", False)], ids=["121", "120"]
)
def test_nobody_is_older_than_120(warehouse: str, born: str, is_told: bool) -> None:
    contract = contracts()["county_person"]
    record = sound(contract) | {"birth_date": born, "cert_no": "O43"}
    told = found(warehouse, delivered(contract, "gb18030", [record]))
    assert ((2, "birth_date", "D22", "flagged") in told) == is_told


@pytest.mark.parametrize(
    ("township", "village", "defect"),
    [
        ("卢阳镇", "津江村", None),
        ("卢阳", "津江村", ("township", "D11", "repaired")),
        ("卢阳镇", "津江", ("village", "D11", "repaired")),
        ("某某镇", "津江村", ("township", "D10", "flagged")),
        ("卢阳镇", "某某村", ("village", "D10", "flagged")),
        ("", "", None),
    ],
)
def test_areas_are_written_as_they_are_called_today(
    warehouse: str, township: str, village: str, defect: tuple[str, str, str] | None
) -> None:
    contract = contracts()["county_household"]
    record = sound(contract) | {"township": township, "village": village}
    told = {cell[1:] for cell in found(warehouse, delivered(contract, "gb18030", [record]))}
    assert told == ({defect} if defect else set())


def test_an_offices_habit_is_told_once(warehouse: str) -> None:
    contract = contracts()["county_visit"]
    rows = [
        sound(contract) | {"visited_on": day, "household_no": f"99000000000000{n}7"}
        for n, day in enumerate(("2026.1.5", "2026.1.6", "2026-01-07", ""))
    ]
    assert query(
        warehouse,
        "select row_no, column_name, defect_code, treatment from ops.delivery_defect "
        "where delivery_id = %s and defect_code = 'D14'",
        [delivered(contract, "gb18030", rows)],
    ) == [(None, "visited_on", "D14", "repaired")]


def test_half_of_a_column_is_no_habit(warehouse: str) -> None:
    contract = contracts()["county_visit"]
    rows = [
        sound(contract) | {"visited_on": day, "household_no": f"99000000000000{n}7"}
        for n, day in enumerate(("2026.1.5", "2026.1.6", "2026-01-07", "2026-01-08"))
    ]
    told = found(warehouse, delivered(contract, "gb18030", rows))
    assert {(row, name) for row, name, _, _ in told} == {(2, "visited_on"), (3, "visited_on")}


def test_a_quarantined_row_is_named_by_the_same_key_next_time(warehouse: str) -> None:
    contract = contracts()["county_income"]
    ill = sound(contract) | {"e_business_expense": "不详"}
    other = ill | {"household_no": "9900000000000027"}
    deliveries = [
        delivered(contract, "gb18030", rows) for rows in ([ill, other], [sound(contract), ill])
    ]
    keys = query(
        warehouse,
        "select delivery_id, row_no, subject_key from ops.delivery_defect "
        "where treatment = 'quarantined' order by 1, 2",
    )
    (first, _, key), (_, _, another), (second, row_no, again) = keys
    assert [first, second] == deliveries
    assert key == again != another
    assert row_no == 3
    assert PERSON_KEY_SECRET not in key and ill["household_no"] not in key


def test_what_was_loaded_before_is_judged_once(warehouse: str) -> None:
    contract = contracts()["county_income"]
    ill = sound(contract) | {"e_business_expense": "不详"}
    delivery_id = delivered(contract, "gb18030", [ill])
    told = found(warehouse, delivery_id)
    with psycopg.connect(warehouse, autocommit=True) as connection:
        connection.execute("delete from ops.delivery_defect")
        connection.execute("update ops.delivery set cells_judged_at = null")
    assert record_missing() == 1
    assert found(warehouse, delivery_id) == told != set()
    assert record_missing() == 0


def test_a_file_without_rows_has_no_defective_cells(warehouse: str) -> None:
    contract = contracts()["county_income"]
    assert found(warehouse, delivered(contract, "gb18030", [])) == set()
