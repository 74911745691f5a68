"""SQL injection by what senders choose: a file's name, a header, a cell, a field of the API, a
column of civil affairs. It arrives as text, or is refused by name; nothing else happens.

Each has its control: the text is read back from the database, or the refusal says what it met.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.contracts import contracts
from include.database import connect
from include.landing import plain_name
from include.layout import plain_header
from include.load import load
from include.pipeline import judge_deliveries
from include.receipts import receipts
from include.settings import settings
from include.sources import civil_affairs
from include.sources.county import fetch
from tests.access.injected import HEARD, OTHERWISE, QUOTED, TEXTS, heard, nothing_injected, standing
from tests.conftest import fresh_database
from tests.unit import hostile
from tests.unit.landed import COUNTY, HEADER, csv_bytes, land, query, row

PERIOD, KIND, CITY = "2025-11", "county_measure", "431000"
FIELD, MEMBER = "yb_enrol", "mz_dibao_member"
CELLS = [[*row(n)[:3], text, *row(n)[4:]] for n, text in enumerate(TEXTS)] + [
    [text] * len(HEADER) for text in TEXTS
]
FORMS: dict[str, Callable[[list[list[str]]], bytes]] = {
    "csv": lambda rows: csv_bytes(rows, encoding="utf-8-sig"),
    "txt": lambda rows: csv_bytes(rows),
    "xlsx": hostile.workbook,
    "xls": hostile.old_workbook,
}
HEADINGS = {plain_header(text): text for text in TEXTS}
"""In plain spelling two of the texts are the same heading, which is refused by another name."""
NAMES = [
    f"5-帮扶措施{text.replace('/', '∕')}.csv" for text in (QUOTED[0], QUOTED[4], *OTHERWISE[:4])
]


@dataclass
class Taken:
    """Delivery numbers of what was sent, and how many of a source have a verdict."""

    by_form: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, int] = field(default_factory=dict)
    headed: int = 0
    unheaded: int = 0
    page: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def taken(admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """Everything sent, loaded, judged and answered; the listener hears nothing of it."""
    sent = Taken()
    with nothing_injected(admin_url):
        for form, written in FORMS.items():
            sent.by_form[form] = _county(written([HEADER, *CELLS]), f"5-帮扶措施.{form}")
        odd = [[*HEADER, *HEADINGS.values()], [*row(1), *HEADINGS.values()]]
        sent.headed = _county(hostile.workbook(odd), "5-帮扶措施-a.xlsx")
        sent.unheaded = _county(
            csv_bytes([[HEADER[0], QUOTED[0], *HEADER[2:]], row(1)]), "5-帮扶措施-b.csv"
        )
        with _drop(tmp_path_factory.mktemp("drop")) as drop:
            for number, name in enumerate(NAMES):
                (drop / name).write_bytes(csv_bytes([HEADER, row(number)]))
            for landed in fetch(PERIOD, COUNTY):
                sent.by_name[landed.file_name] = load(landed)
        names = [column.name for column in contracts()[FIELD].columns]
        page = {"data": [dict.fromkeys([*names, text], text) for text in TEXTS]}
        sent.page = load(
            land(
                json.dumps(page, ensure_ascii=False).encode(),
                name=f"{FIELD}_{PERIOD}.jsonl", kind=FIELD, period=PERIOD, county_code=CITY,
            )
        )  # fmt: skip
        for source in ("county", "health_insurance"):
            sent.outcomes[source] = sum(judge_deliveries(source, PERIOD).values())
    return sent


def _county(content: bytes, name: str) -> int:
    return load(land(content, name=name, period=PERIOD))


@contextmanager
def _drop(root: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_COUNTY_URL", f"file://{root}")
        settings.cache_clear()
        folder = root / PERIOD / COUNTY
        folder.mkdir(parents=True)
        yield folder
    settings.cache_clear()


def _rows(url: str, kind: str, number: int) -> list[tuple[Any, ...]]:
    names = ", ".join(column.name for column in contracts()[kind].columns)
    return query(
        url, f"select {names} from raw.{kind} where _delivery_id = %s order by _row_no", [number]
    )


def test_the_control_an_injected_statement_is_heard_and_seen(admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("listen injected")
        for duty in ("loader", "transformer", "operator"):
            with connect(duty) as session:
                session.execute(f"select 'a{QUOTED[0]}".encode())
        assert heard(admin) == ["", "", ""]
        before = standing(admin)
        for harm in (
            "drop table marts.county_kpi cascade",
            "delete from marts.county_kpi",
            "create role x",
        ):
            with admin.transaction(force_rollback=True):
                admin.execute(harm.encode())
                assert standing(admin) != before
        assert standing(admin) == before


@pytest.mark.parametrize("form", FORMS)
def test_attack_by_a_cell(form: str, taken: Taken, admin_url: str) -> None:
    assert _rows(admin_url, KIND, taken.by_form[form]) == [tuple(cells) for cells in CELLS]


def test_attack_by_a_header(taken: Taken, admin_url: str) -> None:
    of_delivery = f"select _unmapped from raw.{KIND} where _delivery_id = %s"
    ((unmapped,),) = query(admin_url, of_delivery, [taken.headed])
    assert unmapped == HEADINGS
    refused = "select missing_headers, row_count from ops.delivery where delivery_id = %s"
    assert query(admin_url, refused, [taken.unheaded]) == [(["户编号"], 0)]


def test_attack_by_a_file_s_name(taken: Taken, admin_url: str) -> None:
    named = "select delivery_id, file_name, row_count from ops.delivery where delivery_id = any(%s)"
    found = query(admin_url, named, [list(taken.by_name.values())])
    assert {name for _, name, _ in found} == {plain_name(name) for name in NAMES}
    assert {rows for _, _, rows in found} == {1}
    assert any(HEARD in name for _, name, _ in found)


def test_attack_by_a_field_of_the_api(taken: Taken, admin_url: str) -> None:
    width = len(contracts()[FIELD].columns)
    assert _rows(admin_url, FIELD, taken.page) == [(text,) * width for text in TEXTS]
    beside = f"select _unmapped from raw.{FIELD} where _delivery_id = %s order by _row_no"
    assert query(admin_url, beside, [taken.page]) == [({text: text},) for text in TEXTS]


def test_attacks_go_on_to_verdicts_defects_and_receipts(taken: Taken, admin_url: str) -> None:
    sent = len(FORMS) + len(NAMES) + 2  # with the two of other headings
    assert taken.outcomes == {"county": sent, "health_insurance": 1}
    # The cells that are no text of their kind have been met by the rules, and not only by COPY.
    of_cells = "select count(distinct row_no) from ops.delivery_defect where delivery_id = %s"
    ((met,),) = query(admin_url, of_cells, [taken.by_form["xlsx"]])
    assert met >= len(TEXTS)
    shown = {one.file_name for one in receipts(list(taken.by_name.values()))}
    assert shown == set(taken.by_name)


def test_attack_by_a_column_of_civil_affairs(
    server_dsn: str, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [column.name for column in contracts()[MEMBER].columns]
    with fresh_database(server_dsn) as source, nothing_injected(admin_url):
        with psycopg.connect(source) as owner:
            columns = ", ".join(f"{name} text" for name in names)
            owner.execute(f"create table {MEMBER} ({columns})".encode())
            for text in TEXTS:
                cells = ", ".join(["%s"] * len(names))
                owner.execute(f"insert into {MEMBER} values ({cells})", [text] * len(names))
        monkeypatch.setenv("WAREHOUSE_CIVIL_AFFAIRS_DSN", source)
        settings.cache_clear()
        number = load(civil_affairs.extract(PERIOD, MEMBER))
        judge_deliveries("civil_affairs", PERIOD)
    found = _rows(admin_url, MEMBER, number)
    assert sorted(found) == sorted((text,) * len(names) for text in TEXTS)


SOUND = csv_bytes([HEADER, row(1)])
ZEROES = {
    "cell": (SOUND.replace("养殖".encode("gb18030"), b"a\0'"), KIND, "5-帮扶措施.csv"),
    "header": (csv_bytes([[*HEADER, "a\0'; --"], [*row(1), "x"]]), KIND, "5-帮扶措施.csv"),
    "field": (json.dumps({"data": [{"psn_no": "a\0'"}]}).encode(), FIELD, f"{FIELD}.jsonl"),
}


@pytest.mark.parametrize("place", ZEROES)
def test_attack_by_a_zero_byte_is_refused_by_name(place: str, admin_url: str) -> None:
    content, kind, name = ZEROES[place]
    with nothing_injected(admin_url):
        number = load(land(content, name=name, kind=kind, period="2025-10"))
    told = "select refusal_code, row_count from ops.delivery where delivery_id = %s"
    ((code, rows),) = query(admin_url, told, [number])
    assert (code in ("D18", "F02"), rows) == (True, 0)
