"""Looking at a person: who may, for what, masked, and never without a record."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from include import audit
from include.cli.main import app
from include.database import connect
from include.settings import settings
from include.subject import look
from include.subject.look import LookRefused
from include.vault import identifier_key
from include.vault.rotating import ROTATION_LOCK, RotationUnderWay
from tests.conftest import only_environment
from tests.unit.landed import household_no

ID, NAME, PHONE = "431099198001010017", "欧阳测试", "13812345678"
OURS, OTHERS = "431026", "431027"
_WORKER = "look_test_worker"
_MARTS = """
create table marts.person_month
(period text, person_key text, household_key text, county_code text, sex text, age_band text);
create table marts.household_month (
    period text, household_key text, county_code text, township_code text, village_code text,
    household_type text, monitor_category text, monitor_status text, monitored_ym text,
    members integer, net_income_pp numeric, income_line_pp numeric
);
create table marts.risk_alert (
    period text, alert_key text, alert_no text, household_key text, county_code text,
    rule_name_zh text, severity text, explanation_zh text, state text
);
create table seeds.ref_look_purpose (purpose text);
insert into seeds.ref_look_purpose values ('alert_check'), ('household_visit');
create table seeds.ref_area (area_code text, name_zh text);
create table seeds.ref_household_type (label text, household_type text);
create table seeds.ref_monitor_category (monitor_category text, name_zh text);
create table seeds.ref_code (code_system text, source text, code text, label_zh text);
create table seeds.ref_age_band (age_band text, label_zh text);
insert into seeds.ref_area values ('431026000000', '汝城县'), ('431026100200', '泉水村');
"""


@pytest.fixture(scope="module")
def people(warehouse_module: str) -> Iterator[str]:
    """One household in each of two counties, published; a case worker of the first."""
    with psycopg.connect(warehouse_module) as connection:
        connection.execute(_MARTS.encode())
        for n, county in enumerate((OURS, OTHERS)):
            _household(connection, n, county)
        connection.execute(f"create role {_WORKER} login password 'look'".encode())
        connection.execute(f"grant case_worker, bi_county_{OURS} to {_WORKER}".encode())
    yield warehouse_module
    with psycopg.connect(warehouse_module) as connection:
        connection.execute(f"drop role {_WORKER}".encode())  # it would be of all databases


def _household(connection: psycopg.Connection[Any], n: int, county: str) -> None:
    number, resident = household_no(n), f"{ID[:16]}{n}{ID[17]}"
    keys = identifier_key("household", number), identifier_key("person", resident)
    connection.execute(
        "insert into vault.identifier (kind, value, key, key_version)"
        " values ('household', %s, %s, 1), ('person', %s, %s, 1)",
        [number, keys[0], resident, keys[1]],
    )
    connection.execute(
        "insert into marts.household_month values ('2026-02', %s, %s, null, '431026100200',"
        " 'ordinary', null, 'none', null, 1, 12000, 9000)",
        [keys[0], county],
    )
    connection.execute(
        "insert into marts.person_month values ('2026-02', %s, %s, %s, '1', '18_59')",
        [keys[1], keys[0], county],
    )
    for kind, columns, cells in (
        ("county_person", "household_no, name, cert_no, relation", [number, NAME, resident, "01"]),
        ("county_household", "household_no, phone", [number, PHONE]),
        ("county_helper", "household_no, helper_name, helper_phone", [number, "张三丰", PHONE]),
        ("county_measure", "household_no, measure_type", [number, "产业帮扶"]),
    ):
        delivery = connection.execute(
            "insert into ops.delivery (source, kind, county_code, period, file_name, bytes, sha256,"
            " row_count, contract_version) values ('county', %s, %s, '2026-02', 'f', 1, %s, 1, '1')"
            " returning delivery_id",
            [kind, county, f"{kind}{county}"],
        ).fetchone()
        assert delivery is not None
        connection.execute(
            "insert into ops.acceptance (delivery_id, outcome) values (%s, 'accepted')", delivery
        )
        connection.execute(
            sql.SQL("insert into raw.{} ({}, _delivery_id, _row_no) values ({}, %s, 2)").format(
                sql.Identifier(kind),
                sql.SQL(columns),
                sql.SQL(", ").join(map(sql.Literal, cells)),
            ),
            delivery,
        )


@pytest.fixture
def worker(people: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The environment of a case worker of the first county."""
    host = people.split("@")[1]
    with only_environment(
        case_worker_dsn=f"postgresql://{_WORKER}:look@{host}",
        home=str(settings().home),
        person_key_secret="not-a-secret",
    ):
        yield people


def _key(n: int, kind: str = "household") -> str:
    number = household_no(n) if kind == "household" else f"{ID[:16]}{n}{ID[17]}"
    return identifier_key(kind, number)


def _events(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "select account, purpose, detail ->> 'outcome' from audit.event order by seq"
        ).fetchall()


@pytest.mark.parametrize(
    ("function", "cell", "shown"),
    [
        ("name", "张三", "张*"),
        ("name", "张三丰", "张*"),
        ("name", "欧阳修", "欧阳*"),
        ("name", "欧阳", "欧*"),
        ("name", "买买提·艾力", "买*"),
        ("name", " ", None),
        ("id", "431099199001011234", "431099********1234"),
        ("id", "43109919900101123x", "431099********123X"),
        ("id", "431099 19900101 1234", "431099********1234"),
        ("id", "431099900101123", "431099*****1123"),
        ("id", "43109990010112", "****"),
        ("phone", "13800008000", "138****8000"),
        ("phone", "138-0000-8000", "138****8000"),
        ("phone", "07351234567", "073****4567"),
        ("phone", "1234567", "****"),
        ("bank", "6222 0211 0300 9876", "****9876"),
        ("bank", "1234567", "****"),
        ("bank", "", None),
    ],
)
def test_masked_forms(people: str, function: str, cell: str, shown: str | None) -> None:
    with psycopg.connect(people) as connection:
        row = connection.execute(f"select person.masked_{function}(%s)".encode(), [cell])
        assert row.fetchone() == (shown,)


@pytest.mark.parametrize("kind", ["household", "person"])
def test_a_case_worker_sees_his_countys_case_masked(worker: str, kind: str) -> None:
    before = len(_events(worker))
    found = look.look_up(_key(0, kind)[:12], "alert_check", "预警核查")
    assert found["household"]["village"] == "泉水村"
    assert found["household"]["phone"] == "138****5678"
    assert [(m["name"], m["id"]) for m in found["members"]] == [("欧阳*", "431099********0007")]
    assert [(h["name"], h["phone"]) for h in found["helpers"]] == [("张*", "138****5678")]
    assert [m["measure"] for m in found["measures"]] == ["产业帮扶"]
    assert not any(secret in str(found) for secret in (NAME, PHONE, ID[:17]))
    assert _events(worker)[before:] == [(_WORKER, "alert_check", "shown")]


def test_a_number_finds_the_case_too(worker: str) -> None:
    assert look.look_up(household_no(0), "household_visit", "走访")["outcome"] == "shown"


def test_a_household_of_another_county_is_refused_and_the_attempt_on_record(worker: str) -> None:
    before = len(_events(worker))
    with pytest.raises(LookRefused, match="of a county"):
        look.look_up(_key(1), "alert_check", "预警核查")
    assert _events(worker)[before:] == [(_WORKER, "alert_check", "other_county")]


def test_an_unknown_key_is_refused_and_the_attempt_on_record(worker: str) -> None:
    before = len(_events(worker))
    with pytest.raises(LookRefused, match="no person or household"):
        look.look_up("f" * 64, "alert_check", "预警核查")
    assert _events(worker)[before:] == [(_WORKER, "alert_check", "unknown")]


@pytest.mark.parametrize(
    ("purpose", "reason", "why"),
    [
        ("", "预警核查", "no purpose"),
        ("curiosity", "预警核查", "no purpose"),
        ("alert_check", " ", "reason is empty"),
        ("alert_check", f"{ID}的预警", "number of a person"),
    ],
)
def test_without_purpose_or_reason_nothing_is_looked_at(
    worker: str, purpose: str, reason: str, why: str
) -> None:
    before = len(_events(worker))
    with pytest.raises(LookRefused, match=why) as refused:
        look.look_up(_key(0), purpose, reason)
    assert ID not in str(refused.value)
    with connect("case_worker") as connection, pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute("select person.ask(%s, %s, %s)", [_key(0), purpose, reason])
    assert len(_events(worker)) == before


def test_attack_a_look_whose_record_is_rolled_back_gives_no_answer(worker: str) -> None:
    """In one transaction, and in a savepoint of it; the control is a commit between the two."""
    with connect("case_worker") as connection:
        asked = connection.execute(
            "select person.ask(%s, 'alert_check', 'x')", [_key(0)]
        ).fetchone()
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="not on record yet"):
            connection.execute("select person.answer(%s)", asked)
    with connect("case_worker") as connection:
        connection.execute("savepoint a")
        asked = connection.execute(
            "select person.ask(%s, 'alert_check', 'x')", [_key(0)]
        ).fetchone()
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="not on record yet"):
            connection.execute("select person.answer(%s)", asked)
    with connect("case_worker") as connection:
        asked = connection.execute(
            "select person.ask(%s, 'alert_check', 'x')", [_key(0)]
        ).fetchone()
        connection.commit()
        told = connection.execute("select person.answer(%s)", asked).fetchone()
        assert told is not None
        assert told[0]["outcome"] == "shown"


def test_attack_the_answer_to_anothers_or_an_old_question_is_not_given(worker: str) -> None:
    with psycopg.connect(worker) as superuser:
        asked = superuser.execute("select person.ask(%s, 'alert_check', 'x')", [_key(0)]).fetchone()
    with connect("case_worker") as connection, pytest.raises(psycopg.errors.NoDataFound):
        connection.execute("select person.answer(%s)", asked)


@pytest.mark.parametrize(
    "attack",
    [
        "select * from raw.county_person",
        "select * from vault.identifier",
        "select * from audit.event",
        "insert into audit.event (seq) values (99)",
        "select audit.record('look_up')",
        "select person.members_shown('2026-02', 'x', '431027')",
        "select person.found('431099')",
    ],
)
def test_attack_what_the_functions_read_is_not_read_beside_them(worker: str, attack: str) -> None:
    with connect("case_worker") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attack.encode())


def test_attack_a_search_path_of_ones_own_changes_nothing(worker: str) -> None:
    with psycopg.connect(worker) as superuser:
        superuser.execute(f"create schema if not exists own authorization {_WORKER}".encode())
    with connect("case_worker") as connection:
        connection.execute(
            "create or replace function own.btrim(text) returns text language sql"
            " as $$select 'owned'$$"
        )
        connection.execute("set search_path = own, pg_catalog")
        asked = connection.execute("select person.ask(%s, 'alert_check', 'why')", [_key(0)])
        (seq,) = asked.fetchone() or (0,)
    with psycopg.connect(worker) as superuser:
        row = superuser.execute("select reason from audit.event where seq = %s", [seq]).fetchone()
        superuser.execute("drop schema own cascade")
    assert row == ("why",)


def test_nobody_is_looked_at_while_keys_are_rotated(
    worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At work or interrupted, by the command and by the functions alone. Nothing is on record."""
    monkeypatch.setenv("WAREHOUSE_SCHEMAS_WAIT_S", "0.1")
    settings.cache_clear()
    with connect("case_worker") as connection:
        asked = connection.execute(
            "select person.ask(%s, 'alert_check', 'x')", [_key(0)]
        ).fetchone()
    before = _events(worker)

    def refused(why: str) -> None:
        with pytest.raises(RotationUnderWay, match=why):
            look.look_up(_key(0), "alert_check", "x")
        for statement, values in (
            ("select person.ask(%s, 'alert_check', 'x')", [_key(0)]),
            ("select person.answer(%s)", asked),
        ):
            with (
                connect("case_worker") as connection,
                pytest.raises(
                    psycopg.errors.ObjectNotInPrerequisiteState, match="keys are being rotated"
                ),
            ):
                connection.execute(statement.encode(), values)

    with psycopg.connect(worker, autocommit=True) as rotation:
        rotation.execute("select pg_advisory_lock(%s)", [ROTATION_LOCK])
        refused("did not end in time")
    with psycopg.connect(worker, autocommit=True) as rotation:
        rotation.execute(
            "insert into vault.key_version (version, fingerprint, state)"
            " values (1, repeat('a', 64), 'current'), (2, repeat('b', 64), 'next');"
            "insert into vault.rotation (from_version, to_version, requested_by, reason)"
            " values (1, 2, 'li', 'r')"
        )
        refused("from version 1 to 2")
        rotation.execute("delete from vault.rotation; delete from vault.key_version")
    assert _events(worker) == before
    with connect("case_worker") as connection:
        told = connection.execute("select person.answer(%s)", asked).fetchone()
    assert told is not None
    assert told[0]["outcome"] == "shown"


def test_a_look_waits_for_the_end_of_a_rotation_at_work(worker: str) -> None:
    told: list[dict[str, Any]] = []
    looking = threading.Thread(
        target=lambda: told.append(look.look_up(_key(0), "alert_check", "x"))
    )
    with psycopg.connect(worker, autocommit=True) as rotation:
        rotation.execute("select pg_advisory_lock(%s)", [ROTATION_LOCK])
        looking.start()
        while not rotation.execute(
            "select 1 from pg_locks where locktype = 'advisory' and objid = %s and not granted"
            " and database = (select oid from pg_database where datname = current_database())",
            [ROTATION_LOCK],
        ).fetchone():
            assert looking.is_alive()
        assert told == []
    looking.join(30)
    assert [each["outcome"] for each in told] == ["shown"]


def test_the_procedure_asks_and_answers_in_a_session_of_its_own(worker: str) -> None:
    with connect("case_worker") as connection:
        connection.autocommit = True
        told = connection.execute(
            "call person.look_up(%s, 'alert_check', 'x', null)", [_key(0)]
        ).fetchone()
    assert told is not None
    assert told[0]["outcome"] == "shown"
    with (
        connect("case_worker") as connection,
        pytest.raises(psycopg.errors.InvalidTransactionTermination),
    ):
        connection.execute("call person.look_up(%s, 'alert_check', 'x', null)", [_key(0)])


def test_the_command_prints_the_case_and_refuses_a_number_in_the_command_line(worker: str) -> None:
    run = CliRunner()
    words = ["--purpose", "alert_check", "--reason", "预警核查"]
    shown = run.invoke(app, ["look-up", _key(0), *words])
    assert shown.exit_code == 0, shown.output
    for part in ("泉水村", "欧阳*", "431099********0007", "产业帮扶"):
        assert part in shown.output
    assert NAME not in shown.output
    by_number = run.invoke(app, ["look-up", "-", *words, "--json"], input=household_no(0) + "\n")
    assert '"outcome": "shown"' in by_number.output
    refused = run.invoke(app, ["look-up", household_no(0), *words])
    assert isinstance(refused.exception, LookRefused)
    assert household_no(0) not in str(refused.exception)


def test_all_looks_are_in_one_chain(worker: str) -> None:
    look.look_up(_key(0), "alert_check", "预警核查")
    with only_environment(dsn=worker, home=str(settings().home)):
        assert audit.verify().is_whole
