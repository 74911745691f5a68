"""What holds of the readers for whatever stands in a file: nothing raises, nothing gets lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stdnum.cn import ric

from include.delimited import find_table
from include.encodings import detect
from include.errors import UnreadableDelivery
from include.landing import plain_name
from include.layout import find_header, is_structure, plain_header, stated_period
from include.load import load
from include.spreadsheet import find_sheet
from tests.unit.hostile import gbk_workbook, old_workbook, workbook
from tests.unit.landed import HEADER, csv_bytes, delivery, land, query, row

KNOWN = frozenset(HEADER)
QUICK = settings(max_examples=60, deadline=None)
IN_DATABASE = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
CELL = st.one_of(
    ANY_TEXT,
    st.text("汝城𠮷㐀①a1,\"\n\t;\\' 合计注：\u3000=+-@", max_size=8),
    st.sampled_from(
        ["", "=1+1", "@x", "-1", "'1", "\\.", "\\N", "NULL", "1e5", "０１", "合计", '"']
    ),
)
ROWS = st.lists(st.lists(CELL, min_size=6, max_size=6), max_size=8)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "delivery"
        path.write_bytes(content)
        return path

    return write


ANY_FILE = settings(QUICK, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY_FILE
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "gb18030", "utf-16", "utf-8-sig"]))
@example(b"", "utf-8")
@example(b'"', "utf-8")
@example(b"\r\r\n\n", "gb18030")
def test_text_is_a_table_or_refused(
    write: Callable[[bytes], Path], noise: bytes, encoding: str
) -> None:
    for content in (noise, csv_bytes([HEADER, row(1)], encoding=encoding) + noise):
        try:
            table = find_table(write(content), KNOWN)
        except UnreadableDelivery:
            continue
        assert 0 <= table.start <= table.end <= len(content)


@ANY_FILE
@given(ROWS, st.sampled_from(["utf-8", "gb18030"]), st.sampled_from(",\t;"))
def test_a_table_s_bytes_are_those_below_its_header(
    write: Callable[[bytes], Path], rows: list[list[str]], encoding: str, delimiter: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows([HEADER, *rows])
    content = text.getvalue().encode(encoding)
    table = find_table(write(content), KNOWN)
    kept = b"".join(table.chunks())
    assert content.endswith(kept) or content[table.end :].strip() != b"" or kept == b""
    assert content[table.start : table.end] == kept
    read = csv.reader(io.StringIO(kept.decode(encoding), newline=""), delimiter=delimiter)
    left_out = rows[len(list(read)) :]
    assert all(
        is_structure(cells[0], not any(c.strip(" \t\r\n\v\f\u00a0\u3000") for c in cells))
        for cells in left_out
    )


@ANY_FILE
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_text_in_either_encoding_is_recognised(write: Callable[[bytes], Path], text: str) -> None:
    assert detect(write(text.encode("utf-8")))[0] == "utf-8"
    try:
        codec, _ = detect(write(text.encode("gb18030")))
    except UnreadableDelivery:
        return  # by chance it reads as UTF-8 in part: refused, not misread
    assert text.encode("gb18030").decode(codec) == text or codec == "utf-8"


@ANY_FILE
@given(st.binary(max_size=400))
def test_a_workbook_is_a_table_or_refused(write: Callable[[bytes], Path], noise: bytes) -> None:
    sound = workbook([HEADER, row(1)])
    at = len(noise) * 7 % len(sound)
    for content in (noise, sound[:at] + noise + sound[at:], sound[:at] + noise):
        try:
            sheet = find_sheet(write(content), KNOWN, "5-帮扶措施.xlsx")
            list(sheet.records())
        except UnreadableDelivery:
            pass


SHEET_CELL = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]), max_size=20
).filter(lambda text: not text.startswith(("合计", "总计", "小计", "备注", "注", "{", "=", "http")))


@ANY_FILE
@given(
    st.lists(st.lists(SHEET_CELL.filter(str.strip), min_size=6, max_size=6), max_size=6),
    st.sampled_from([workbook, old_workbook]),
)
def test_what_is_written_into_a_workbook_is_read_from_it(
    write: Callable[[bytes], Path], rows: list[list[str]], make: Callable[..., bytes]
) -> None:
    rows = [["汝城县", *cells[1:]] for cells in rows]
    sheet = find_sheet(write(make([HEADER, *rows])), KNOWN, "5-帮扶措施.xlsx")
    assert list(sheet.records()) == list(enumerate(rows, start=2))


@ANY_FILE
@given(
    st.lists(
        st.lists(st.text("汝城镇村户养殖一二ab1", min_size=1, max_size=9), min_size=6, max_size=6),
        max_size=5,
    )
)
def test_gbk_texts_of_an_old_workbook_are_read(
    write: Callable[[bytes], Path], rows: list[list[str]]
) -> None:
    sheet = find_sheet(write(gbk_workbook([HEADER, *rows])), KNOWN, "5-帮扶措施.xls")
    assert list(sheet.records()) == list(enumerate(rows, start=2))


@QUICK
@given(st.text())
def test_headings_and_names_are_made_plain_once(text: str) -> None:
    assert plain_header(plain_header(text)) == plain_header(text)
    assert plain_name(plain_name(text)) == plain_name(text)
    assert not set("/\\\r\n\0") & set(plain_name(text))
    assert plain_name(text)


@QUICK
@given(st.lists(st.lists(ANY_TEXT, max_size=7), max_size=7))
def test_a_header_is_found_or_not(rows: list[list[str]]) -> None:
    assert find_header(rows, KNOWN) is None or any(
        plain_header(cell) for row in rows for cell in row
    )
    found = find_header([*rows[:4], HEADER], KNOWN)
    assert found is not None
    assert found.score == len(HEADER)


@QUICK
@given(st.permutations(HEADER), st.integers(0, 4), st.integers(1, 3))
def test_a_header_in_any_order_and_place(header: list[str], above: int, blanks: int) -> None:
    spaced = [f" {title[:1]}{' ' * blanks}{title[1:]}\n" for title in header]
    found = find_header([["台账"]] * above + [spaced], KNOWN)
    assert found is not None
    assert (found.titles, found.last_row) == (tuple(header), above)


@QUICK
@given(st.lists(st.text()), st.text())
def test_a_stated_month_is_a_month(titles: list[str], name: str) -> None:
    said = stated_period(titles, name, "2026-02")
    assert said is None or (len(said) == 7 and 1 <= int(said[5:]) <= 12)


@QUICK
@given(st.integers(2000, 2099), st.integers(1, 12), st.sampled_from(["{}年{}月", "{}年{:02}月份"]))
def test_a_month_in_a_title_is_found(year: int, month: int, spelling: str) -> None:
    said = stated_period(["汝城县(" + spelling.format(year, month) + ")"], "5.csv", "2026-02")
    assert said == f"{year}-{month:02}"


@IN_DATABASE
@given(ROWS, st.sampled_from(["csv", "xlsx"]))
def test_every_record_is_loaded_cell_for_cell(
    warehouse: str, rows: list[list[str]], form: str
) -> None:
    """What COPY or the workbook's reader makes of it is what was written: blanks become null."""
    rows = [["汝城县", *cells[1:]] for cells in rows]
    if form == "csv":
        content = csv_bytes([HEADER, *rows])
    else:
        rows = [[_in_xml(cell) for cell in cells] for cells in rows]
        content = workbook([HEADER, *rows])
    delivery_id = load(land(content, name=f"5-帮扶措施.{form}", modified=None))
    found = delivery(warehouse, delivery_id)
    assert (found["unreadable"], found["row_count"]) == (None, len(rows))
    kept = query(
        warehouse,
        "select county, household_no, measure_type, measure_detail, started_ym, implementation "
        "from raw.county_measure where _delivery_id = %s order by _row_no",
        [delivery_id],
    )
    assert [[cell or "" for cell in cells] for cells in kept] == rows


def _in_xml(cell: str) -> str:
    """What a cell of a workbook can hold as text: nothing that its writer takes for a formula."""
    plain = "".join(c for c in cell if c >= " " and c not in "\ufffe\uffff")
    return (
        f"文{plain}" if plain.startswith(("=", "{", "http", "mailto")) or "_x" in plain else plain
    )


PARSERS = ("text", "money", "whole", "flag", "day", "month")
TYPES = (
    "text", "code", "flag", "integer", "money", "date", "month", "timestamp", "resident_id",
    "household_no",
)  # fmt: skip
ODD = st.one_of(
    ANY_TEXT,
    st.from_regex(r"-?\d{1,14}([.,]\d{0,4})?(元|万元|万)?", fullmatch=True),
    st.from_regex(r"\d{4}[-./年]?\d{0,2}[-./月]?\d{0,2}日?", fullmatch=True),
    st.from_regex(r"[0-9０-９GLx Xx'-]{14,23}", fullmatch=True),
    st.sampled_from(["", " ", "无", "0000-00-00", "99991231", "1e999", "٣", "²", "一", "12:30"]),
)


def ask(dsn: str, expression: str, values: list[str]) -> list[Any]:
    """The expression of each value v, in one query."""
    statement = (
        f"select {expression} from unnest(%s::text[]) with ordinality as u (v, n) order by n"
    )
    return [answer for (answer,) in query(dsn, statement, [values])]


@IN_DATABASE
@given(st.lists(ODD, min_size=100, max_size=100))
def test_no_cell_breaks_a_parser(warehouse_module: str, cells: list[str]) -> None:
    for name in PARSERS:
        ask(warehouse_module, f"parse.{name}(v)", cells)
    for kind in TYPES:
        codes = ask(warehouse_module, f"parse.defect('{kind}', v)", cells)
        assert all(code is None or code.rstrip("!")[0] == "D" for code in codes)


@IN_DATABASE
@given(st.lists(ODD, min_size=100, max_size=100))
def test_what_a_parser_gives_it_reads_as_the_same(warehouse_module: str, cells: list[str]) -> None:
    for name in ("text", "money", "whole", "day", "month"):
        once = f"parse.{name}(v)"
        twice = f"parse.{name}(parse.{name}(v)::text)"
        assert ask(warehouse_module, twice, cells) == ask(warehouse_module, once, cells), name
    for name in ("money", "whole", "flag", "day", "month"):  # what says nothing has no value
        said = f"parse.text(v) is not null or parse.{name}(v) is null"
        assert all(ask(warehouse_module, said, cells)), name


@IN_DATABASE
@given(
    st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=2), min_size=50, max_size=50),
    st.lists(st.dates(), min_size=50, max_size=50),
    st.lists(st.integers(0, 10**9 - 1), min_size=50, max_size=50),
)
def test_values_are_read_in_every_spelling(
    warehouse_module: str, amounts: list[Any], days: list[Any], counts: list[int]
) -> None:
    for spelling in ("{}", "{:,}", "{}元", " {:,} 元 ", "'{}"):
        said = [spelling.format(amount) for amount in amounts]
        assert ask(warehouse_module, "parse.money(v)", said) == amounts, spelling
    spellings = (
        "{0:04}{1:02}{2:02}", "{0:04}-{1:02}-{2:02}", "{0:04}.{1}.{2}", "{0:04}/{1}/{2}",
        "{0:04}年{1}月{2}日", "{0:04}-{1:02}-{2:02} 08:30:00",
    )  # fmt: skip
    for spelling in spellings:
        said = [spelling.format(day.year, day.month, day.day) for day in days]
        assert ask(warehouse_module, "parse.day(v)", said) == days, spelling
        months = [f"{day.year:04}-{day.month:02}" for day in days]
        assert ask(warehouse_module, "parse.month(v)", said) == months, spelling
    for spelling in ("{}", "{}.0", "{}人", " {} "):
        assert ask(warehouse_module, "parse.whole(v)", list(map(spelling.format, counts))) == counts


@IN_DATABASE
@given(st.lists(ODD, min_size=200, max_size=200))
def test_an_id_is_made_plain_once(warehouse_module: str, cells: list[str]) -> None:
    once = "vault.normalise_resident_id(v)"
    plain = ask(warehouse_module, once, cells)
    again = ask(warehouse_module, once, [cell or "" for cell in plain])
    valid = ask(warehouse_module, f"vault.is_resident_id({once})", cells)
    for first, second, is_valid in zip(plain, again, valid, strict=True):
        assert second == first or (not is_valid and first is not None)


ID = st.builds(
    lambda day, order: f"431099{day:%Y%m%d}{order:03}",
    st.dates(date(1900, 1, 1), date(1999, 12, 31)),
    st.integers(0, 999),
)  # fmt: skip


@IN_DATABASE
@given(st.lists(ID, min_size=50, max_size=50))
def test_every_spelling_of_an_id_is_one_id(warehouse_module: str, firsts: list[str]) -> None:
    numbers = [first + str(ric.calc_check_digit(first + "-")) for first in firsts]
    assert all(ask(warehouse_module, "vault.is_resident_id(v)", numbers))
    wide = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
    spellings: list[Callable[[str], str]] = [
        str.lower, lambda n: f"G{n}", lambda n: f"L{n}", lambda n: f"'{n}",
        lambda n: n.translate(wide), lambda n: f" {n[:6]} {n[6:14]}\t{n[14:]} ",
        lambda n: f"{n}42", lambda n: f"{n}71B1", lambda n: n[:6] + n[8:17],
    ]  # fmt: skip
    for spelt in spellings:
        said = list(map(spelt, numbers))
        assert ask(warehouse_module, "vault.normalise_resident_id(v)", said) == numbers
    mistyped = [f"{n[:17]}{'0' if n[17] != '0' else '1'}" for n in numbers]
    assert not any(ask(warehouse_module, "vault.is_resident_id(v)", mistyped))


def test_no_parser_is_left_out(warehouse_module: str) -> None:
    with psycopg.connect(warehouse_module) as connection:
        found = connection.execute(
            "select p.proname from pg_proc as p inner join pg_namespace as n "
            "on p.pronamespace = n.oid where n.nspname = 'parse' and p.pronargs = 1"
        ).fetchall()
    assert {name for (name,) in found} - {"is_mojibake"} == set(PARSERS)
