"""Where a csv file's table begins and ends, and in which encoding it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.delimited import find_table
from include.errors import UnreadableDelivery
from include.layout import STRUCTURE_WORDS, is_structure, plain_header
from tests.unit.landed import HEADER, csv_bytes, row

KNOWN = frozenset(HEADER)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "delivery.csv"
    path.write_bytes(content)
    return path


def records(folder: Path, content: bytes) -> bytes:
    """What COPY would get."""
    return b"".join(find_table(write(folder, content), KNOWN).chunks())


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("gb18030", "GB18030"), ("gbk", "GB18030"), ("utf-8", "UTF8"), ("utf-8-sig", "UTF8")],
)
def test_encoding_is_found(tmp_path: Path, encoding: str, expected: str) -> None:
    table = find_table(write(tmp_path, csv_bytes([HEADER, row(1)], encoding=encoding)), KNOWN)
    assert table.encoding == expected
    assert table.header == tuple(HEADER)
    assert b"".join(table.chunks()).decode(encoding.removesuffix("-sig")) == (
        csv_bytes([row(1)]).decode("gb18030")
    )


def test_utf_8_is_told_by_its_last_byte(tmp_path: Path) -> None:
    content = csv_bytes([["table", "户编号"], ["x" * 3_000_000, "1"]], encoding="utf-8")
    assert find_table(write(tmp_path, content), KNOWN).encoding == "UTF8"
    ascii_then_gb = content + "，".encode("gb18030")
    ascii_only_head = b"code,measure_type\n" + b"1,2\n" * 500_000 + "，".encode("gb18030")
    assert find_table(write(tmp_path, ascii_only_head), frozenset({"code"})).encoding == "GB18030"
    with pytest.raises(UnreadableDelivery, match="line 3"):  # the header is UTF-8, the end is not
        find_table(write(tmp_path, ascii_then_gb), KNOWN)


def test_title_rows_stand_above_the_header(tmp_path: Path) -> None:
    titles = [["汝城县帮扶措施台账"], ["填报单位：", "", "2026年2月"], []]
    table = find_table(write(tmp_path, csv_bytes([*titles, HEADER, row(1)])), KNOWN)
    assert table.header_row == 4
    assert b"".join(table.chunks()) == csv_bytes([row(1)])


def test_cells_above_and_in_the_header_may_go_over_lines(tmp_path: Path) -> None:
    header = ["县\n（市、区）", *HEADER[1:]]
    table = find_table(write(tmp_path, csv_bytes([["台账\n2026年2月"], header, row(1)])), KNOWN)
    assert (table.header_row, table.header_line) == (2, 4)
    assert table.header == tuple(HEADER)
    assert b"".join(table.chunks()) == csv_bytes([row(1)])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, newline: str) -> None:
    content = csv_bytes([HEADER, row(1), row(2), ["合计"]], newline=newline)
    assert records(tmp_path, content) == csv_bytes([row(1), row(2)], newline=newline)


@pytest.mark.parametrize("newline", ["", "\r\n"])
def test_a_file_of_only_a_header_has_no_records(tmp_path: Path, newline: str) -> None:
    assert records(tmp_path, csv_bytes([HEADER]).rstrip() + newline.encode()) == b""


def test_totals_notes_and_blank_lines_at_the_end_are_left_out(tmp_path: Path) -> None:
    end = [
        ["合计", "", "2 条"],
        [],
        [""] * 6,
        ["  \u3000", " "],
        ["注：本表一式两份"],
        ["填表人", "李"],
    ]
    assert records(tmp_path, csv_bytes([HEADER, row(1), row(2), *end])) == csv_bytes(
        [row(1), row(2)]
    )


def test_a_last_line_without_an_end_is_a_record(tmp_path: Path) -> None:
    content = csv_bytes([HEADER, row(1)]).rstrip()
    assert records(tmp_path, content) == csv_bytes([row(1)]).rstrip()


@pytest.mark.parametrize(
    "cell", ["第一行\n\n", "第一行\n备注：第二行", "第一行\n合计\n", '说"好"\n\n', "\n小计,"]
)
def test_a_quoted_cell_that_looks_like_the_end_is_none(tmp_path: Path, cell: str) -> None:
    last = [*row(2)[:-1], cell]
    content = csv_bytes([HEADER, row(1), last, ["合计"], []], newline="\n")
    assert records(tmp_path, content) == csv_bytes([row(1), last], newline="\n")


def test_the_end_of_a_file_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    """Blank lines of full width may be any number: COPY leaves out those that remain."""
    rows = [row(n, "养殖𠮷\n两行") for n in range(3000)]
    content = csv_bytes([HEADER, *rows, ["合计"]], newline="\n")
    assert records(tmp_path, content) == csv_bytes(rows, newline="\n")
    blank = csv_bytes([[""] * 6] * 20_000)
    rest = records(tmp_path, csv_bytes([HEADER, row(1)]) + blank + csv_bytes([["制表人"]]))
    assert rest.startswith(csv_bytes([row(1)]))
    assert set(rest[len(csv_bytes([row(1)])) :]) <= set(b",\r\n")


def test_a_quote_that_is_not_closed_is_told_with_its_line(tmp_path: Path) -> None:
    content = csv_bytes([HEADER, row(1)]) + '汝城县,"1\r\n合计\r\n'.encode("gb18030")
    with pytest.raises(UnreadableDelivery, match="line 3") as refusal:
        records(tmp_path, content)
    assert (refusal.value.code, refusal.value.row) == ("F05", 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        csv_bytes([row(1), row(2)]),
        csv_bytes([[""]] * 5 + [HEADER, row(1)]),
        "县,户编号\n".encode("utf-16"),
        b"\x80\x81\xff\xff,\n",
        b"\x89PNG\r\n\x1a\n\x00\x00" * 50,
        b"x" * 3_000_000,
        b'"' + b"x" * 200_000 + b'"\n',
    ],
    ids=["empty", "blank", "no header", "header too low", "utf-16", "no text", "png", "one line",
         "long cell"],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableDelivery) as refusal:
        find_table(write(tmp_path, content), KNOWN)
    assert refusal.value.__context__ is None  # it would carry the bytes
    assert "汝城县" not in str(refusal.value)


def test_headings_are_compared_without_what_layout_adds() -> None:
    assert plain_header(" 县\r\n（市、区）\u3000") == "县(市、区)"
    assert plain_header("") == ""


@pytest.mark.parametrize("word", STRUCTURE_WORDS)
def test_form_rows(word: str) -> None:
    assert is_structure(f"\u3000{word}：", is_empty=False)
    assert is_structure(None, is_empty=True)
    assert not is_structure("汝城县", is_empty=False)
    assert not is_structure(None, is_empty=False)


CELL = st.text(alphabet=st.sampled_from([*'汝城𠮷㐀①a1,"\n 合计备注：', "\u3000"]), max_size=8)


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6),
    end=st.lists(st.sampled_from([["合计", "3"], ["备注：无"], [], ["", "", ""]]), max_size=3),
    encoding=st.sampled_from(["gb18030", "utf-8"]),
)
def test_records_are_all_but_the_trailing_form_rows(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    end: list[list[str]],
    encoding: str,
) -> None:
    header = ["县(市、区)", "户编号", "帮扶措施类型"]
    sound = list(rows)
    while sound and is_structure(
        sound[-1][0], not any(cell.strip(" \n\u3000") for cell in sound[-1])
    ):
        if "\n" in "".join(sound[-1]):
            break  # over several lines: left in, COPY's condition judges it
        sound.pop()
    content = csv_bytes([header, *rows, *end], encoding=encoding, newline="\n")
    expected = csv_bytes(sound, encoding=encoding, newline="\n")
    assert records(tmp_path_factory.mktemp("csv"), content) == expected
