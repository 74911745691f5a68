"""Archives on, under and over each bound; and a reading process that does not come to an end."""

from __future__ import annotations

import io
import shlex
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include import archive, delimited, load, reader
from include.delimited import Table
from include.errors import ServiceFailed, UnreadableDelivery
from include.landing import plain_name
from include.settings import settings
from tests.unit import hostile
from tests.unit.landed import HEADER, csv_bytes, row

KNOWN = frozenset(HEADER)


def parts(*sizes: int) -> bytes:
    """A workbook's archive with further parts of so many blanks."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/workbook.xml", b"x")
        for number, size in enumerate(sizes):
            made.writestr(f"xl/{number}.xml", b" " * size)
    return content.getvalue()


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[bytes], str | None]:
    """What an archive is refused for."""

    def refused(content: bytes) -> str | None:
        path = tmp_path / "file"
        path.write_bytes(content)
        try:
            archive.check(path, "5-帮扶措施.xlsx")
        except UnreadableDelivery as refusal:
            return f"{refusal.code} {refusal.what}"
        return None

    return refused


Refused = Callable[[bytes], str | None]


def test_unpacked_size(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 3 << 20)
    assert refused(parts((3 << 20) - 1)) is None
    over = refused(parts(3 << 20))
    assert over is not None
    assert over.startswith("F04 the workbook unpacks to more than 3 MB")


def test_ratio_counts_from_a_size_on(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    content = parts(2 << 20)
    unpacked = (2 << 20) + 1
    monkeypatch.setattr(archive, "_BOMB_BYTES", unpacked)
    assert refused(content) is None
    monkeypatch.setattr(archive, "_BOMB_BYTES", unpacked - 1)
    assert "times its size" in (refused(content) or "")
    monkeypatch.setattr(archive, "BOMB_RATIO", unpacked // len(content) + 1)
    assert refused(content) is None
    monkeypatch.setattr(archive, "BOMB_RATIO", unpacked // len(content))
    assert "times its size" in (refused(content) or "")


def test_number_of_parts(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_ENTRIES", 3)
    assert refused(parts(1, 1)) is None
    assert "4 parts" in (refused(parts(1, 1, 1)) or "")


def test_a_part_with_a_password(refused: Refused) -> None:
    content = bytearray(parts(10))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    assert (refused(bytes(content)) or "").startswith("F01")


@pytest.mark.parametrize("at", [2, -8])
def test_a_damaged_archive(refused: Refused, at: int) -> None:
    content = bytearray(parts(10))
    content[at] ^= 0xFF
    assert (refused(bytes(content)) or "").startswith("F02")


@pytest.mark.parametrize(
    ("cell", "is_refused"),
    [
        ("<f>1+1</f>", True),
        ("<f>1+1</f><v></v>", True),
        ("<f>1+1</f><v/>", True),
        ('<f t="shared" si="0"/>', True),
        ("<f>1+1</f><v>2</v>", False),
        ('<f t="shared" si="0"/><v>2</v>', False),
        ("<v>2</v>", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("before", [0, (1 << 20) - 20], ids=["whole", "over two pieces"])
def test_formulas_without_a_result(
    refused: Refused, cell: str, is_refused: bool, before: int
) -> None:
    sound = '<c r="A7"><f>1</f><v>1</v></c>' * 9
    xml = f'<row r="7">{sound}{" " * before}<c r="D7">{cell}</c>'
    content = hostile.patched(hostile.SHEET, lambda _: xml.encode())
    assert ((refused(content) or "").startswith("F06")) is is_refused


@pytest.fixture
def read(home: Path) -> Callable[[bytes], Table | None]:
    def read(content: bytes) -> Table | None:
        path = home / "file"
        path.write_bytes(content)
        with reader.table(path, "5-帮扶措施", KNOWN) as found:
            return found

    return read


Read = Callable[[bytes], Table | None]
Starts = Callable[[str], None]


def test_largest_file(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_LARGEST_FILE_MB", "1")
    settings.cache_clear()
    head = csv_bytes([HEADER, row(1)])
    full = head + b"\n" * ((1 << 20) - len(head))
    assert read(full)
    with pytest.raises(UnreadableDelivery, match="larger than 1 MB"):
        read(full + b"\n")


def test_longest_record(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "LONGEST_RECORD", 3000)
    head, end = csv_bytes([HEADER]), b",2,3,4,5,6\r\n"
    for quote in (b"", b'"'):
        longest = quote + b"x" * (3000 - len(end) - 2 * len(quote)) + quote + end
        assert read(head + longest)
        # A chunk of the file may end in the record, so a little more is taken.
        with pytest.raises(UnreadableDelivery, match=r"line 2\)"):
            read(head + longest[:-2] * (1 << 10))


def test_memory_of_the_reading_process(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    content = hostile.far_cell("A1048576")
    assert read(content)
    monkeypatch.setenv("WAREHOUSE_READER_MEMORY_MB", "100")
    settings.cache_clear()
    with pytest.raises(UnreadableDelivery, match="100 MB") as refusal:
        read(content)
    assert refusal.value.code == "F04"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Starts]:
    """Have the process that reads workbooks be another script than ours."""

    def starts(script: str) -> None:
        reader.close()
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(python))

    yield starts
    reader.close()


def ends_in(signal: int) -> str:
    """The process that reads workbooks, its forked ones ended by a signal."""
    return (
        f"exec {shlex.quote(sys.executable)} -P -c 'import os, include.reader_process as process;"
        f" process._read = lambda _: os.kill(os.getpid(), {signal}); process.main()'"
    )


@pytest.mark.parametrize("signal", [9, 15])
def test_a_reading_process_that_is_ended_from_outside_is_no_verdict(
    read: Read, starts: Starts, signal: int
) -> None:
    starts(ends_in(signal))
    for _ in range(2):
        with pytest.raises(ServiceFailed, match=f"signal {signal}"):
            read(hostile.workbook([HEADER, row(1)]))


@pytest.mark.parametrize("script", ["kill -9 $$", "read request; kill -15 $$", "exit 0"])
def test_the_process_that_forks_them_may_end_too(
    read: Read, starts: Starts, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    ours, content = sys.executable, hostile.workbook([HEADER, row(1)])
    starts(script)
    with pytest.raises(ServiceFailed, match="was ended"):
        read(content)
    monkeypatch.setattr(sys, "executable", ours)
    assert read(content)


@pytest.mark.parametrize(("signal", "told"), [(6, "F04"), (24, "F04"), (11, "F02")])
def test_a_reading_process_that_the_file_ends_refuses_it(
    read: Read, starts: Starts, signal: int, told: str
) -> None:
    starts(ends_in(signal))
    with pytest.raises(UnreadableDelivery) as refusal:
        read(hostile.workbook([HEADER, row(1)]))
    assert refusal.value.code == told


def test_number_of_headings_and_columns() -> None:
    named = tuple(map(str, range(load._MOST_HEADINGS)))
    blank = ("",) * (load._MOST_COLUMNS - load._MOST_HEADINGS)
    assert len(load._headings({}, (*named, *blank))) == load._MOST_COLUMNS
    for over in ((*named, "one more"), (*named, *blank, "")):
        with pytest.raises(UnreadableDelivery, match="columns"):
            load._headings({}, over)


def test_longest_name() -> None:
    assert plain_name("长" * 120) == "长" * 120
    assert len(plain_name("长" * 121)) == 121
    assert "…" in plain_name("长" * 121)


def test_the_reading_process_has_no_secrets(
    read: Read, starts: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    starts(f"env > {tmp_path}/environment")
    monkeypatch.setenv("WAREHOUSE_PERSON_KEY_SECRET", "a secret")
    with pytest.raises(ServiceFailed):
        read(hostile.workbook([HEADER, row(1)]))
    assert "WAREHOUSE" not in (tmp_path / "environment").read_text()
