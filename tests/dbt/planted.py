"""People with identifiers of their own in a file of every kind, in all forms that files have."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import dataclass

import psycopg

from include.contracts import Column, Contract, contracts
from include.landing import Landed, store
from include.load import load
from include.settings import settings
from tests.dbt.test_build import COUNTY, PERIOD
from tests.unit import hostile


@dataclass(frozen=True)
class Planted:
    """A person, and all that he is named by; no two have anything in common but a household."""

    resident_id: str
    other_id: str
    name: str
    phone: str
    address: str
    bank_no: str
    certificate: str
    county_no: str
    insurance_no: str
    household_no: str
    is_head: bool

    @property
    def identifiers(self) -> list[str]:
        """What a search has to find of him; of the head of a household its telephone too."""
        own = [self.resident_id, self.other_id, self.name, self.bank_no, self.certificate,
               self.county_no, self.insurance_no]  # fmt: skip
        return own + ([self.phone, self.address] if self.is_head else [])


GONE = Planted(
    "431099195503020018", "431099195503020034", "佘甲乙丙", "13900001111", "卢阳镇云善村十七组八号",
    "6228480000000001111", "DB4310260001111", "43102600001111", "43000000000000001111",
    "1000000000000007", True,
)  # fmt: skip
WIFE = Planted(
    "431099195804040020", "431099195804040047", "禤丁戊己", "13900002222", "无",
    "6228480000000002222", "DB4310260002222", "43102600002222", "43000000000000002222",
    "1000000000000007", False,
)  # fmt: skip
OTHER = Planted(
    "43109919660505001X", "431099196605050036", "璩庚辛壬", "13900003333", "卢阳镇云善村九组一号",
    "6228480000000003333", "DB4310260003333", "43102600003333", "43000000000000003333",
    "1000000000000017", True,
)  # fmt: skip
EVERYBODY = (GONE, WIFE, OTHER)
FORMS = ("gb18030", "xlsx", "utf-8", "xls")
_FIXED = {
    "county": "汝城县", "township": "卢阳镇", "village": "云善村", "household_type": "普通农户",
    "member_count": "2", "status": "正常", "county_code": COUNTY, "insuplc_admdvs": COUNTY,
    "admdvs": COUNTY, "covered": "1", "members": "2", "class": "A", "start_ym": "202501",
    "refd_setl_flag": "0",
}  # fmt: skip
_OF_TYPE = {"date": "2026-01-15", "timestamp": "2026-01-15 10:00:00", "month": "202601",
            "money": "100.00", "integer": "1", "flag": "1"}  # fmt: skip


def cell(contract: Contract, column: Column, person: Planted, n: int) -> str:
    """What a row about a person has in a column."""
    if contract.kind == "county_welfare_post" and column.type == "resident_id":
        return person.other_id
    if column.type == "resident_id":
        return person.resident_id + ("44" if column.is_certificate else "")
    if column.type == "household_no":
        return person.household_no
    named = {
        "person_no": person.county_no, "psn_no": person.insurance_no, "phone": person.phone,
        "address": person.address, "bank_no": person.bank_no, "cert_no": person.certificate,
        # The head is the family's in every other register too.
        "guardian_name": GONE.name, "visitor": GONE.name, "helper_name": OTHER.name,
        "helper_phone": OTHER.phone, "relation": "01" if person.is_head else "02",
    }  # fmt: skip
    if column.name in named:
        return named[column.name]
    if column.privacy == "direct":
        return person.name
    if column.name in _FIXED:
        return _FIXED[column.name]
    if "death" in contract.kind and column.type in ("date", "timestamp"):
        return "2026-12-31"  # of people who are alive in the month
    if column.name in contract.grain:
        return f"{contract.kind}-{n}"
    return _OF_TYPE.get(column.type, "")


def rows_of(contract: Contract, people: tuple[Planted, ...] = EVERYBODY) -> list[dict[str, str]]:
    """A row about each; of a household's kinds about the household of each head."""
    households = "household_no" in {contract.column(name).type for name in contract.grain}
    of_person = "resident_id" in {contract.column(name).type for name in contract.grain}
    return [
        {column.name: cell(contract, column, person, n) for column in contract.columns}
        for n, person in enumerate(people)
        if person.is_head or of_person or not households
    ]


def content(contract: Contract, rows: list[dict[str, str]], form: str) -> tuple[bytes, str]:
    """(bytes, how the file's name ends) of rows under the contract's own headings."""
    if contract.source == "health_insurance":
        pages = [json.dumps({"data": [row]}, ensure_ascii=False) for row in rows]
        return "".join(f"{page}\n" for page in pages).encode(), ".jsonl"
    headings = [column.headers[0] for column in contract.columns]
    table = [headings, *([row[c.name] for c in contract.columns] for row in rows)]
    if form == "xlsx":
        return hostile.workbook(table), ".xlsx"
    if form == "xls":
        return hostile.old_workbook(table), ".xls"
    text = io.StringIO()
    csv.writer(text).writerows(table)
    return text.getvalue().encode("gb18030" if form == "gb18030" else "utf-8"), ".csv"


def everything() -> list[tuple[str, bytes, str]]:
    """(kind, bytes, name) of a file of every kind, and of files that are refused."""
    made = []
    for n, contract in enumerate(contracts().values()):
        data, suffix = content(contract, rows_of(contract), FORMS[n % len(FORMS)])
        made.append((contract.kind, data, f"{contract.kind}{suffix}"))
    lists = content(contracts()["county_person"], rows_of(contracts()["county_person"]), "utf-8")[0]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("名单.csv", lists)
    return [
        *made,
        ("county_person", packed.getvalue(), "packed.xlsx"),
        ("county_person", gzip.compress(lists), "packed.csv"),
        ("county_person", lists.replace("户编号".encode(), "编号".encode()), "other.csv"),
    ]


def send(kind: str, content: bytes, name: str, period: str = PERIOD) -> int:
    """Land and load a file, and accept it if it could be read; the delivery."""
    contract = contracts()[kind]
    path, size, sha256 = store([content])
    county = COUNTY if contract.source == "county" else "431000"
    delivery = load(
        Landed(contract.source, kind, county, period, f"test/{name}", name, path, size, sha256)
    )
    with psycopg.connect(settings().dsn) as connection:
        connection.execute(
            "insert into ops.acceptance (delivery_id, outcome) select delivery_id,"
            " case when unreadable is null and missing_headers = '{}' then 'accepted'"
            " else 'rejected' end from ops.delivery where delivery_id = %s on conflict do nothing",
            [delivery],
        )
    return delivery
