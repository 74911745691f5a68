"""Landed files into ``raw``, on a real warehouse."""

from __future__ import annotations

import csv
import json
import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from include.contracts import contracts
from include.errors import ConfigurationMissing, ServiceFailed
from include.landing import Landed
from include.load import ensure_raw_tables, load
from include.settings import settings
from tests.expectations.deliveries import resident_id
from tests.unit.hostile import workbook
from tests.unit.landed import (
    HEADER,
    KIND,
    NAME,
    PHONE,
    csv_bytes,
    delivery,
    household_no,
    land,
    query,
    raw_rows,
    row,
)

SOUND = csv_bytes([HEADER, row(1), row(2)])
OTHER = csv_bytes([HEADER, row(1), row(3)])


def in_order(dsn: str) -> list[int]:
    return [d for (d,) in query(dsn, "select delivery_id from ops.arrival order by arrival_id")]


def test_every_cell_is_text_and_every_row_has_its_number(warehouse: str) -> None:
    found = delivery(warehouse, load(land(SOUND, name="5-帮扶措施-2条.csv")))
    assert raw_rows(warehouse) == [(2, *row(1)), (3, *row(2))]
    facts = ("row_count", "control_total", "encoding", "unreadable")
    assert {fact: found[fact] for fact in facts} == {
        "row_count": 2, "control_total": 2, "encoding": "GB18030", "unreadable": None,
    }  # fmt: skip
    assert (found["bytes"], found["missing_headers"]) == (len(SOUND), [])


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_encodings_give_the_same_rows(warehouse: str, encoding: str) -> None:
    rare = row(1, "𠮷㐀䶮 €·养殖")
    load(land(csv_bytes([HEADER, rare], encoding=encoding)))
    assert raw_rows(warehouse) == [(2, *rare)]


def test_an_identical_file_sent_again_is_an_arrival_and_no_rows(warehouse: str) -> None:
    first, again = load(land(SOUND, modified=1)), load(land(SOUND, modified=2))
    assert first == again
    assert in_order(warehouse) == [first, first]
    assert len(raw_rows(warehouse)) == 2


def test_a_task_that_runs_twice_is_no_new_arrival(warehouse: str) -> None:
    first = load(land(SOUND))
    second = load(land(OTHER, modified=2))
    assert [load(land(SOUND)), load(land(OTHER, modified=2))] == [first, second]
    assert in_order(warehouse) == [first, second]


@pytest.mark.parametrize("stamps", [(1, 2, 3), (None, None, None)], ids=["file", "no time stamps"])
def test_a_sender_may_go_back_to_an_earlier_version(
    warehouse: str, stamps: tuple[int | None, ...]
) -> None:
    first, second, third = (
        load(land(content, modified=stamp))
        for content, stamp in zip((SOUND, OTHER, SOUND), stamps, strict=True)
    )
    assert first == third
    assert in_order(warehouse) == [first, second, first]
    assert load(land(SOUND, modified=stamps[2])) == first
    assert in_order(warehouse) == [first, second, first]


def test_the_same_bytes_for_another_month_are_another_delivery(warehouse: str) -> None:
    assert load(land(SOUND)) != load(land(SOUND, period="2026-03"))
    assert len(raw_rows(warehouse)) == 4


def test_a_missing_required_header_is_recorded_without_rows(warehouse: str) -> None:
    content = csv_bytes([HEADER[:5], row(1)[:5]])
    found = delivery(warehouse, load(land(content)))
    assert (found["row_count"], found["missing_headers"]) == (0, ["实施情况"])
    assert found["unreadable"] is None
    assert raw_rows(warehouse) == []


def test_an_optional_header_may_be_absent_and_columns_in_any_order(warehouse: str) -> None:
    header, cells = HEADER[::-1], row(1)[::-1]
    for each in (header, cells):
        del each[1]  # 开始时间
    load(land(csv_bytes([header, cells])))
    expected = row(1)
    assert raw_rows(warehouse) == [(2, *expected[:4], None, expected[5])]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_unknown_headings_are_kept_beside(warehouse: str, form: str) -> None:
    rows = [
        [*HEADER, "经办人", "", "空"],
        [*row(1), NAME, "无题", ""],
        ["小计", *[""] * 8],
        [*row(2), "", "", ""],
    ]
    content = csv_bytes(rows) if form == "csv" else workbook(rows)
    found = delivery(warehouse, load(land(content, name=f"5-帮扶措施.{form}")))
    assert found["row_count"] == 2
    assert raw_rows(warehouse) == [(2, *row(1)), (4, *row(2))]
    assert query(warehouse, "select _unmapped from raw.county_measure order by _row_no") == [
        ({"经办人": NAME, "column 8": "无题"},),
        (None,),
    ]


def test_many_unknown_headings(warehouse: str) -> None:
    names = [f"{'很长的标题' * 30}{n}" for n in range(200)]
    load(land(csv_bytes([[*HEADER, *names], [*row(1), *["x"] * 200]])))
    ((kept,),) = query(warehouse, "select _unmapped from raw.county_measure")
    assert kept == dict.fromkeys(names, "x")


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "known header twice": (
        csv_bytes([[*HEADER, "措施类型"], [*row(1), NAME]]), "措施类型",
    ),
    "unknown header twice": (csv_bytes([[*HEADER, "备注", "备注"], [*row(1), NAME, ""]]), "备注"),
    "too few cells": (csv_bytes([HEADER, row(1), [NAME, PHONE], row(2)]), "line 3"),
    "too many cells": (csv_bytes([["题\n目"], HEADER, [*row(1), NAME]]), "line 4"),
    "quote not closed": (
        csv_bytes([HEADER, row(1)]) + f'汝城县,"{NAME}\r\n'.encode("gb18030"), "quotation",
    ),
    "bad bytes below the head": (
        csv_bytes([HEADER, *[row(1, NAME)] * 40_000]) + b"\x80\xff,1,2,3,4,5\r\n", "neither",
    ),
    "utf-8 with a cut character": (
        csv_bytes([HEADER, row(1, NAME)], encoding="utf-8-sig") + b"\xe6\xb1,1,2,3,4,5\r\n",
        "line 3",
    ),
    "nul": (csv_bytes([HEADER, row(1, f"{NAME}\0")]), "neither"),
    "no header": (csv_bytes([[NAME, PHONE]] * 3), "header"),
    "too many columns": (csv_bytes([[*HEADER, *map(str, range(300))]]), "306 columns"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_unreadable_file_is_recorded_with_where_and_without_what(
    warehouse: str, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    content, told = UNREADABLE[case]
    with caplog.at_level(logging.DEBUG):
        found = delivery(warehouse, load(land(content)))
    assert told in found["unreadable"]
    assert found["row_count"] == 0
    assert raw_rows(warehouse) == []
    assert query(warehouse, "select count(*) from vault.identifier") == [(0,)]
    for planted in (NAME, PHONE, household_no(1)):
        assert planted not in found["unreadable"] + caplog.text


def test_an_unreadable_file_does_not_hold_up_the_next(warehouse: str) -> None:
    load(land(UNREADABLE["too few cells"][0]))
    load(land(SOUND, modified=2))
    assert raw_rows(warehouse) == [(2, *row(1)), (3, *row(2))]


FORM_ROWS = [
    ["汝城县帮扶措施台账", *[""] * 5], HEADER, row(1), [""] * 6, row(2),
    ["小计", "", "2", "", "", ""],
    ["", *row(3)[1:]], [" ", "\u3000", *[""] * 4], row(4, "两行\n备注"), ["合计", *[""] * 5],
]  # fmt: skip


def test_csv_and_workbook_of_the_same_rows_are_the_same(warehouse: str) -> None:
    load(land(csv_bytes(FORM_ROWS)))
    from_csv = raw_rows(warehouse)
    assert [number for number, *_ in from_csv] == [3, 5, 7, 9]
    quoted = "\n".join(",".join(f'"{cell}"' for cell in cells) for cells in FORM_ROWS)
    for order, (content, name) in enumerate(
        [
            (workbook(FORM_ROWS), "5-帮扶措施.xlsx"),
            (quoted.encode("utf-8"), "5-帮扶措施.csv"),
            (csv_bytes([*FORM_ROWS, [], ["注：完"]], newline="\n"), "5-帮扶措施.txt"),
        ],
        start=3,
    ):
        found = delivery(warehouse, load(land(content, name=name, period=f"2026-{order:02}")))
        assert found["row_count"] == 4
        assert raw_rows(warehouse)[-4:] == from_csv


def test_an_identifier_typed_as_a_number_stays_recognisable(warehouse: str) -> None:
    damaged = [*row(1)[:1], 9900000000000017.0, *row(1)[2:]]
    load(land(workbook([HEADER, damaged]), name="5-帮扶措施.xlsx"))
    assert raw_rows(warehouse)[0][2] == "9.90000000000002e+15"
    assert query(warehouse, "select count(*) from vault.identifier") == [(0,)]


@pytest.mark.parametrize("content", [csv_bytes([HEADER]), csv_bytes([HEADER, [], ["合计"]])])
def test_zero_rows(warehouse: str, content: bytes) -> None:
    found = delivery(warehouse, load(land(content)))
    assert (found["row_count"], found["missing_headers"], found["unreadable"]) == (0, [], None)
    assert raw_rows(warehouse) == []


def pages(*data: list[dict[str, object]], nulls: bool = False) -> bytes:
    return b"".join(
        json.dumps({"data": records, "next_cursor": None}, ensure_ascii=False).encode() + b"\n"
        for records in data
    )


def enrolled(order: int, **more: object) -> dict[str, object]:
    names = [column.name for column in contracts()["yb_enrol"].columns if column.required]
    return dict.fromkeys(names, "1") | {"psn_no": f"N{order}", "certno": resident_id(order)} | more


def load_pages(content: bytes) -> int:
    return load(land(content, name="yb_enrol.jsonl", kind="yb_enrol", modified=None))


def test_api_pages_in_their_order(warehouse: str) -> None:
    said = 'a"b\\,\n备注'
    content = pages([enrolled(3, psn_name=said), enrolled(1)], [], [enrolled(2, extra=[1], x=None)])
    assert delivery(warehouse, load_pages(content))["row_count"] == 3
    assert query(
        warehouse, "select _row_no, psn_no, psn_name, _unmapped from raw.yb_enrol order by 1"
    ) == [(1, "N3", said, None), (2, "N1", None, None), (3, "N2", None, {"extra": [1], "x": None})]


@pytest.mark.parametrize("content", [b"", pages([]), pages([], [])])
def test_api_pages_without_records(warehouse: str, content: bytes) -> None:
    found = delivery(warehouse, load_pages(content))
    assert (found["row_count"], found["missing_headers"], found["unreadable"]) == (0, [], None)


def test_a_field_that_no_record_has_is_missing(warehouse: str) -> None:
    content = pages([{"psn_no": "N1", "certno": resident_id(1)}])
    found = delivery(warehouse, load_pages(content))
    assert "insutype" in found["missing_headers"]
    assert raw_rows(warehouse, "yb_enrol") == []


@pytest.mark.parametrize(
    "content",
    [
        pages([enrolled(1)]) + f'{{"data": [{{"psn_name": "{NAME}"'.encode(),
        pages([enrolled(1)]) + b'{"data": {"psn_name": "x"}}\n',
        pages([enrolled(1, psn_name=f"{NAME}\0")]),
    ],
    ids=["cut off", "no list", "nul"],
)
def test_unreadable_pages(warehouse: str, content: bytes) -> None:
    found = delivery(warehouse, load_pages(content))
    assert found["unreadable"]
    assert NAME not in found["unreadable"]
    assert raw_rows(warehouse, "yb_enrol") == []


def at_once(*jobs: Callable[[], int]) -> list[int]:
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], int]) -> int:
        barrier.wait(timeout=30)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_the_same_file_twice_at_once_is_loaded_once(warehouse: str) -> None:
    landed = [land(csv_bytes([HEADER, *map(row, range(500))]), modified=n) for n in range(4)]
    found = at_once(*(partial(load, each) for each in landed))
    assert len(set(found)) == 1
    assert len(raw_rows(warehouse)) == 500
    assert len(in_order(warehouse)) == 4


def test_two_files_at_once_each_count_their_own_rows(warehouse: str) -> None:
    contents = [csv_bytes([["题"]] * n + [HEADER, *map(row, range(300))]) for n in (0, 3)]
    landed = [land(content, modified=n) for n, content in enumerate(contents)]
    found = at_once(*(partial(load, each) for each in landed))
    for delivery_id, first in zip(found, (2, 5), strict=True):
        assert query(
            warehouse,
            "select min(_row_no), max(_row_no), count(*) from raw.county_measure "
            "where _delivery_id = %s",
            [delivery_id],
        ) == [(first, first + 299, 300)]


def person_file(orders: list[int]) -> bytes:
    header = ["县", "户编号", "证件号码", "与户主关系", "人员状态"]
    return csv_bytes(
        [header, *(["汝城县", household_no(n), resident_id(n), "01", "正常"] for n in orders)]
    )


def household_file(orders: list[int]) -> bytes:
    columns = [c for c in contracts()["county_household"].columns if c.required]
    cells: dict[str, Callable[[int], str]] = {
        "household_no": household_no,
        "head_id_no": resident_id,
    }
    header = [*(c.headers[0] for c in columns), "户主证件号码"]
    names = [*(c.name for c in columns), "head_id_no"]
    return csv_bytes(
        [header, *([cells[n](k) if n in cells else "1" for n in names] for k in orders)]
    )


def test_kinds_that_meet_the_same_new_identifiers_at_once(warehouse: str) -> None:
    orders = list(range(999))
    jobs: list[Landed] = [
        land(person_file(orders), kind="county_person", name="2-家庭成员.csv"),
        land(household_file(orders[::-1]), kind="county_household", name="1-户信息.csv"),
    ]
    at_once(*(partial(load, each) for each in jobs))
    assert query(
        warehouse,
        "select kind, count(*), count(distinct key) from vault.identifier group by 1 order by 1",
    ) == [("household", 999, 999), ("person", 999, 999)]


def test_without_the_secret_nothing_stays(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_PERSON_KEY_SECRET", "")
    settings.cache_clear()
    with pytest.raises(ConfigurationMissing, match="PERSON_KEY_SECRET"):
        load(land(SOUND))
    for table in ("raw.county_measure", "ops.delivery", "ops.arrival", "vault.identifier"):
        assert query(warehouse, f"select count(*) from {table}") == [(0,)]


def test_a_database_error_is_told_without_the_row_it_quotes(
    warehouse: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "create function pg_temp_fail() returns trigger language plpgsql as "
            "$$ begin raise exception 'full: %', new using errcode = '53100'; end $$"
        )
        connection.execute(
            "create trigger fail before insert on raw.county_measure "
            "for each row execute function pg_temp_fail()"
        )
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(ServiceFailed, match="DiskFull 53100") as failed,
    ):
        load(land(csv_bytes([HEADER, row(1, NAME)])))
    shown = "".join(traceback.format_exception(failed.value)) + caplog.text
    assert NAME not in shown
    assert failed.value.__context__ is None
    assert query(warehouse, "select count(*) from ops.delivery") == [(0,)]


def test_a_warehouse_that_does_not_answer(home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    with pytest.raises(ServiceFailed, match="broke off"):
        load(land(SOUND))


@pytest.mark.parametrize(
    ("kind", "name", "total"),
    [("county_person", "2-家庭成员-608人.xlsx", 608), ("county_household", "1-户信息-12户.csv", 12),
     ("county_household", "1-户信息-12人.csv", None), (KIND, "5-帮扶措施.csv", None),
     (KIND, "5-帮扶措施-3条-更正.csv", None), ("county_household", "1-户信息2026.xls", None),
     ("yb_enrol", "yb_enrol-3人.jsonl", None)],
)  # fmt: skip
def test_control_total(kind: str, name: str, total: int | None) -> None:
    assert contracts()[kind].announced_rows(name) == total


def test_raw_tables_take_on_new_columns_and_keep_their_rows(warehouse: str) -> None:
    load(land(SOUND))
    with psycopg.connect(warehouse) as connection:
        connection.execute("alter table raw.county_measure drop column measure_detail")
    ensure_raw_tables()
    ensure_raw_tables()
    assert query(
        warehouse,
        "select count(*), count(measure_detail), count(household_no) from raw.county_measure",
    ) == [(2, 0, 2)]
    load(land(OTHER, modified=2))
    assert query(warehouse, "select count(measure_detail) from raw.county_measure") == [(2,)]


def test_a_contract_s_csv_module_limit_is_no_limit_of_a_cell(warehouse: str) -> None:
    long = "长" * csv.field_size_limit()
    load(land(csv_bytes([HEADER, row(1, long)])))
    assert raw_rows(warehouse)[0][4] == long


def test_the_same_content_under_a_name_that_announces_rightly_counts_anew(warehouse: str) -> None:
    wrong = load(land(SOUND, name="5-帮扶措施-9条.csv", modified=1))
    right = load(land(SOUND, name="5-帮扶措施-2条.csv", modified=2))
    again = load(land(SOUND, name="5-帮扶措施(重报).csv", modified=3))
    assert wrong != right == again
    assert load(land(SOUND, name="5-帮扶措施-9条.csv", modified=1)) == wrong
    assert in_order(warehouse) == [wrong, right, right]
