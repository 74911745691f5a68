"""What the look into the drops takes in, and which months it sends to be built."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from include.areas import counties
from include.contracts import kinds_of
from include.errors import SourceUnavailable
from include.holds import hold, let_go
from include.landing import Landed
from include.load import load
from include.readiness import SOURCES, ask, record_go_ahead
from include.settings import settings
from include.watch import due_months, open_months, take_in
from tests.unit.landed import HEADER, NAME, csv_bytes, query, row
from tests.unit.register import PERIOD, accept, build, moment, send, send_all

COUNTY = "431026"
NOW = datetime(2026, 3, 4, tzinfo=UTC)
AFTER_DEADLINE = datetime(2026, 3, 6, tzinfo=UTC)


@pytest.fixture
def drop(warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    monkeypatch.setenv("WAREHOUSE_COUNTY_URL", f"file://{folder}")
    settings.cache_clear()
    return folder


def put(drop: Path, name: str, rows: int, *, day: int = 1, period: str = PERIOD) -> Path:
    path = drop / period / COUNTY / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(csv_bytes([HEADER, *(row(n) for n in range(rows))]))
    stamp = moment(day).timestamp()
    os.utime(path, (stamp, stamp))
    return path


def test_new_and_changed_files_are_taken_in_once(warehouse: str, drop: Path) -> None:
    assert take_in(NOW) == {"files": 0, "accepted": 0, "rejected": 0}
    path = put(drop, "5-帮扶措施.csv", 3)
    assert take_in(NOW) == {"files": 1, "accepted": 1, "rejected": 0}
    path.chmod(0)  # what is known is not opened
    if os.geteuid() == 0:
        shutil.rmtree(settings().landing)
    assert take_in(NOW) == {"files": 0, "accepted": 0, "rejected": 0}
    assert not settings().landing.exists() or os.geteuid() != 0
    path.chmod(0o600)
    put(drop, "5-帮扶措施.csv", 4, day=2)
    put(drop, "5-帮扶措施-又.csv", 0, day=2)
    assert take_in(NOW) == {"files": 2, "accepted": 1, "rejected": 1}
    assert query(warehouse, "select count(*) from ops.arrival") == [(3,)]


@pytest.mark.parametrize(("age", "taken"), [(0, 0), (59.9, 0), (60, 1), (-59.9, 0), (-60, 1)])
def test_a_file_that_may_still_be_written_is_left_for_the_next_look(
    warehouse: str, drop: Path, age: float, taken: int
) -> None:
    put(drop, "5-帮扶措施.csv", 3, day=1)
    assert take_in(moment(1) + timedelta(seconds=age))["files"] == taken


def test_a_silent_drop_does_not_stop_the_others(
    warehouse: str, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop, "5-帮扶措施.csv", 3)
    monkeypatch.setenv("WAREHOUSE_COUNTY_URL_OVERRIDES", '{"431002": "sftp://u@127.0.0.1:1/"}')
    settings.cache_clear()
    with pytest.raises(SourceUnavailable, match="not all could be taken in of 431002"):
        take_in(NOW)
    assert query(warehouse, "select outcome from ops.acceptance") == [("accepted",)]


def test_a_file_that_breaks_the_loader_does_not_stop_the_others(
    warehouse: str, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for county in ("431002", COUNTY):
        path = put(drop, "5-帮扶措施.csv", 3)
        (drop / PERIOD / county).mkdir(exist_ok=True)
        path.rename(drop / PERIOD / county / "5-帮扶措施.csv")

    def break_off(landed: Landed) -> int:
        if landed.county_code == "431002":
            raise ZeroDivisionError(NAME)
        return load(landed)

    monkeypatch.setattr("include.load.load", break_off)
    with pytest.raises(SourceUnavailable, match="of 431002: ZeroDivisionError") as refusal:
        take_in(NOW)
    assert NAME not in str(refusal.value)
    judged = "select county_code, outcome from ops.acceptance inner join ops.delivery"
    assert query(warehouse, f"{judged} using (delivery_id)") == [(COUNTY, "accepted")]


def test_what_came_by_another_door_is_judged_too(warehouse: str, drop: Path) -> None:
    send(warehouse, "yb_enrol", "431000")
    assert take_in(NOW) == {"files": 0, "accepted": 0, "rejected": 1}


def test_the_open_months_are_the_latest(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for month in ("2025-07", "2025-08", "2025-11"):
        send(warehouse, "county_income", COUNTY, period=month)
    send(warehouse, "mz_death", "431000", period="2025-01")
    monkeypatch.setenv("WAREHOUSE_OPEN_MONTHS", "3")
    settings.cache_clear()
    with psycopg.connect(warehouse) as connection:
        # New Year's Day in Beijing, while it is still the old year here.
        assert open_months(connection, datetime(2025, 12, 31, 16, tzinfo=UTC)) == [
            "2025-08", "2025-11", "2025-12",
        ]  # fmt: skip
        assert open_months(connection, datetime(2025, 12, 31, 15, tzinfo=UTC)) == [
            "2025-07", "2025-08", "2025-11",
        ]  # fmt: skip


def ready(warehouse: str, period: str = PERIOD) -> None:
    """The city's own systems are complete."""
    for source in SOURCES[1:]:
        for contract in kinds_of(source):
            accept(warehouse, send(warehouse, contract.kind, "431000", period=period))
        ask(period, source, NOW)


def test_a_month_is_due_when_the_last_gate_that_waited_opens(warehouse: str) -> None:
    send_all(warehouse, without=[COUNTY])
    ask(PERIOD, "county", NOW)
    assert due_months("a", AFTER_DEADLINE) == []  # the other two wait
    ready(warehouse)
    assert due_months("b", AFTER_DEADLINE) == [PERIOD]
    assert due_months("b", AFTER_DEADLINE) == [PERIOD]  # tried again
    build(warehouse, PERIOD, AFTER_DEADLINE)
    assert due_months("c", AFTER_DEADLINE) == []  # sent once
    assert query(warehouse, "select period, because, run_id from ops.month_due") == [
        (PERIOD, "gates_opened", "b")
    ]


def test_a_month_whose_gates_never_waited_is_started_by_its_sources(warehouse: str) -> None:
    send_all(warehouse)
    ready(warehouse)
    ask(PERIOD, "county", NOW)
    assert due_months("a", NOW) == []


def test_a_waiting_month_opens_with_its_last_delivery_or_an_operators_word(warehouse: str) -> None:
    ready(warehouse)
    send_all(warehouse, without=[COUNTY])
    ask(PERIOD, "county", NOW)
    assert due_months("a", NOW) == []
    record_go_ahead(PERIOD, None, "the fair begins", "somebody")
    assert due_months("b", NOW) == [PERIOD]


def test_changed_months_are_due_once_per_change_and_in_order(warehouse: str) -> None:
    build(warehouse, "2026-03", moment(10))
    build(warehouse, "2026-02", moment(10))
    assert due_months("a", NOW) == []
    delivery = accept(warehouse, send(warehouse, "county_income", COUNTY), moment(11))
    assert due_months("b", NOW) == ["2026-02", "2026-03"]
    build(warehouse, "2026-02", moment(11))
    build(warehouse, "2026-03", moment(11))
    assert due_months("c", NOW) == []
    assert query(warehouse, "select distinct because, deliveries from ops.month_due") == [
        ("inputs_changed", [delivery])
    ]
    accept(warehouse, send(warehouse, "county_income", "431027"), moment(12))
    assert due_months("d", NOW) == ["2026-02", "2026-03"]


def test_every_county_is_looked_at(warehouse: str, drop: Path) -> None:
    for county in counties():
        path = put(drop, f"5-帮扶措施-{county}.csv", 2)
        (drop / PERIOD / county).mkdir(exist_ok=True)
        path.rename(drop / PERIOD / county / "5-帮扶措施.csv")
    assert take_in(NOW)["files"] == len(counties())


def test_a_held_month_is_not_built_until_it_is_let_go(
    warehouse: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Rolled back, corrected by a county, and let go by an operator."""
    correction = send(warehouse, "county_income", COUNTY)
    build(warehouse, PERIOD, moment(2))
    with psycopg.connect(warehouse) as connection:
        hold(connection, PERIOD, 1, "recalled", "li")
    accept(warehouse, correction, moment(3))
    assert due_months("run-1") == []
    assert "2026-02 is held since li rolled it back, and is not built: recalled" in caplog.text
    with psycopg.connect(warehouse) as connection:
        let_go(connection, PERIOD, "corrected", "li")
    assert due_months("run-2") == [PERIOD]
    build(warehouse, PERIOD, moment(4))
    assert due_months("run-3") == []
    reasons = query(warehouse, "select because from ops.month_due order by because")
    assert reasons == [("inputs_changed",), ("released",)]
