"""A person is erased: a search over all that is kept finds nothing, and all else is as it was.

Half of the files lie encrypted. The search is the tests' own (tests/dbt/searching.py).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from include import audit
from include.cli.main import app
from include.contracts import contracts
from include.database import OWNER, connect
from include.landing import is_sealed, keep, opened, path_of, store
from include.linkage import decisions
from include.marts import content, published_marts
from include.notices import register_says
from include.receipts import receipts, write
from include.rollback import rollback
from include.settings import settings
from include.subject import correction, erasure, files, hashes, steps
from include.subject.copy import write_copy
from include.subject.correction import CorrectionRefused
from include.subject.erasure import ErasureRefused
from include.subject.holdings import holdings
from include.subject.identity import SubjectRefused
from include.subject.steps import ErasureIncomplete
from include.vault import identifier_key
from include.verify import verify, versions
from tests.dbt.planted import (
    EVERYBODY,
    FORMS,
    GONE,
    OTHER,
    WIFE,
    Planted,
    everything,
    rows_of,
    send,
)
from tests.dbt.planted import (
    content as file_content,
)
from tests.dbt.searching import SEALED, searched, unpacked
from tests.dbt.test_build import PERIOD
from tests.dbt.test_verify import publish_unjudged

Rows = dict[str, list[str]]
OPEN = datetime(2026, 4, 1, tzinfo=UTC)
"""While the month is not closed: no change of it needs an approval."""
KEY, LOST = "01" * 32, "02" * 32
"""Of landing: ours, and one that is not here any more."""


@dataclass
class World:
    """What was before the erasure of GONE, what the search found, and what was sent."""

    dsn: str
    sent: list[tuple[str, bytes, str]]
    sealed: set[str]
    """Hashes of what was sent while landing was encrypted."""
    before: Rows
    found_before: dict[str, set[str]]
    held: dict[str, Any]
    proof: erasure.Erasure


def keys(person: Planted) -> list[str]:
    return [identifier_key("person", each) for each in (person.resident_id, person.other_id)]


def published(dsn: str) -> Rows:
    """Each row of marts and archive as text, by table, in order."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('marts', 'archive') order by 1"
        ).fetchall()
        return {
            table: [
                row
                for (row,) in connection.execute(
                    f"select t::text from {table} as t order by t::text".encode()
                )
            ]
            for (table,) in tables
        }


def without(rows: Rows, *values: str) -> Rows:
    return {t: [r for r in all_ if not any(v in r for v in values)] for t, all_ in rows.items()}


def query(dsn: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement.encode(), values).fetchall()


def _encrypt(patch: pytest.MonkeyPatch, key: str) -> None:
    patch.setenv("WAREHOUSE_LANDING_KEY", key)
    settings.cache_clear()


def _page(number: int) -> Path:
    folder = settings().landing / "parts" / "health_insurance" / "yb_settle" / "2026-04"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{number:06}.json"


def _plant_elsewhere(dsn: str) -> None:
    """What gates, clerks, logs and reports may have kept."""
    home, key = settings().home, keys(GONE)[0]
    for folder, name, text in (
        ("logs", "task.log", f"quoted {GONE.resident_id} by mistake\nnext line\n"),
        ("data_docs", "page.html", f"<p>{key}</p>"),
        ("builds/9", "run_results.json", json.dumps({"message": GONE.name}, ensure_ascii=False)),
    ):
        (home / folder).mkdir(parents=True, exist_ok=True)
        (home / folder / name).write_text(text, encoding="utf-8")
    (home / "logs" / "old.log.gz").write_bytes(gzip.compress(f"of {GONE.phone}".encode()))
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update ops.gate_result set row_keys = %s::jsonb",
            [json.dumps([f"{PERIOD} {key}", f"{PERIOD} {keys(OTHER)[0]}"])],
        )
        connection.execute(
            "insert into vault.link_decision (subject_key, candidate_key, verdict, decided_by,"
            " reason) values (repeat('a', 64), %s, 'same', 'clerk', 'why')",
            [key],
        )
        connection.execute(
            "insert into ops.alert_event (alert_key, period, state, actor)"
            " select alert_key, period, 'dispatched', 'x' from marts.risk_alert"
        )
        # A rotation of keys, when the planner's samples of its map stayed after it.
        connection.execute("insert into vault.rekeyed select repeat(n::text, 64), %s || n"
                           " from generate_series(1, 9) as n", [key])  # fmt: skip
        connection.execute("analyze vault.rekeyed")
        connection.execute("truncate vault.rekeyed")
    # An extraction of which the first page names him, and a file that nobody can open any more.
    keep(_page(1), GONE.resident_id.encode())
    keep(_page(2), b"{}")
    with pytest.MonkeyPatch.context() as patch:
        _encrypt(patch, LOST)
        store([b"unknown"])
    settings.cache_clear()
    decisions.merge(keys(GONE)[1], key, "two numbers", "clerk")


def _killed_and_resumed(number: int, patch: pytest.MonkeyPatch) -> erasure.Erasure:
    """Killed before it commits, between landing and the rest, and over the vacuum; then resumed."""

    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    for module, name, reached in (
        (hashes, "record", "ordered"),
        (files, "strike_out", "database"),
        (steps, "vacuum", "files"),
        (steps, "prove", "vacuumed"),
    ):
        with patch.context() as within:
            within.setattr(module, name, kill)
            with pytest.raises(Killed):
                erasure.carry_out(number)
        _autovacuum_looks()
        assert erasure.described(number).state == reached
        with pytest.raises(ErasureRefused, match="not done"):
            erasure.order(keys(OTHER)[0], "consent_withdrawn", "another")
    return erasure.carry_out(number)


def _autovacuum_looks() -> None:
    """At what the erasure itself keeps until it is done."""
    with psycopg.connect(settings().dsn) as connection:
        connection.execute("analyze vault.erasure_token, audit.subject")
        kept = connection.execute(
            "select count(*) from pg_stats where tablename = 'erasure_token' and attname = 'value'"
        ).fetchone()
    assert kept == (1,)


@pytest.fixture(scope="module")
def world(warehouse_module: str) -> Iterator[World]:
    """Two versions of a month published from files of every kind; then GONE was erased."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_ERASURE_SECRET", "erasure-secret")
        settings.cache_clear()
        sent = everything()
        for n, (kind, data, name) in enumerate(sent):
            _encrypt(patch, KEY if n // len(FORMS) % 2 else "")
            send(kind, data, name)
        _encrypt(patch, KEY)
        sealed = {path.name.partition(".")[0] for path in settings().landing.glob("??/*.sealed")}
        publish_unjudged(now=OPEN)
        income = contracts()["county_income"]
        first, *others = rows_of(income)
        rows = [first, *(row | {"a_wage": "101.00"} for row in others)]
        send("county_income", file_content(income, rows, "utf-8")[0], "corrected.csv")
        publish_unjudged(now=OPEN)
        known = query(warehouse_module, "select delivery_id from ops.delivery")
        write(*receipts(number for (number,) in known))
        _plant_elsewhere(warehouse_module)
        wanted = [each for person in EVERYBODY for each in (*person.identifiers, *keys(person))]
        found, before = searched(warehouse_module, wanted), published(warehouse_module)
        held = holdings(keys(GONE)[0], "asked in writing")
        number = erasure.order(keys(GONE)[0][:16], "consent_withdrawn", "本人申请")
        proof = _killed_and_resumed(number, patch)
        yield World(warehouse_module, sent, sealed, before, found, held, proof)
    settings.cache_clear()


def test_control_the_search_finds_everybody_before(world: World) -> None:
    for person in EVERYBODY:
        for value in person.identifiers:
            assert "dump" in world.found_before[value]
            assert {"landing", SEALED} & world.found_before[value], value
        assert {"landing", SEALED} <= world.found_before[person.resident_id]
        assert "dump" in world.found_before[keys(person)[0]]
    assert "logs" in world.found_before[GONE.resident_id]
    assert "logs" in world.found_before[GONE.phone]
    assert "builds" in world.found_before[GONE.name]
    assert "data_docs" in world.found_before[keys(GONE)[0]]


def test_the_copy_had_all_that_was_held_on_him_and_nothing_of_others(
    world: World, tmp_path: Path
) -> None:
    told = json.dumps(world.held, ensure_ascii=False, default=str)
    assert not [value for value in (*GONE.identifiers, *keys(GONE)) if value not in told]
    # The helper of his household is named in its row, as it was delivered.
    named = {OTHER.name, OTHER.phone}
    assert not [v for v in (*OTHER.identifiers, *keys(OTHER)) if v in told and v not in named]
    assert not [v for v in (*WIFE.identifiers, *keys(WIFE)) if v in told]
    kinds = {row["kind"] for row in world.held["rows"]}
    assert kinds >= {"county_person", "county_household", "yb_settle", "mz_dibao_payment"}
    assert {d["delivery_id"] for d in world.held["deliveries"]} == {
        row["delivery_id"] for row in world.held["rows"]
    }
    assert world.held["marts"]["person_month"]
    assert world.held["archived_versions"]["person_month"]
    assert [look["action"] for look in world.held["looks"]] == ["subject_access"]
    write_copy(tmp_path / "copy.xlsx", world.held)
    assert (tmp_path / "copy.xlsx").stat().st_mode & 0o077 == 0
    parts = b"".join(d for _, d in unpacked("copy", (tmp_path / "copy.xlsx").read_bytes()))
    assert GONE.resident_id.encode() in parts
    assert OTHER.resident_id.encode() not in parts


def test_nothing_of_the_erased_person_is_left_anywhere(world: World) -> None:
    found = searched(world.dsn, [*GONE.identifiers, *keys(GONE)])
    assert {value: places for value, places in found.items() if places} == {}


def test_all_others_are_still_there(world: World) -> None:
    wanted = [each for person in (WIFE, OTHER) for each in (*person.identifiers, *keys(person))]
    found = searched(world.dsn, wanted)
    # The certificate is his who was its head; hers names no family any more.
    for value, places in found.items():
        before = {"landing" if p == SEALED else p for p in world.found_before[value]}
        assert before <= {"landing" if p == SEALED else p for p in places}


def test_all_other_rows_of_all_marts_are_unchanged(world: World) -> None:
    now = published(world.dsn)
    assert now == without(world.before, *keys(GONE))
    gone = {t for t in now if len(now[t]) < len(world.before[t])}
    assert {"marts.person_month", "archive.person_month"} <= gone
    assert "marts.household_month" not in gone


def test_the_log_says_what_is_there_now_and_what_was(world: World) -> None:
    with connect(OWNER) as connection:
        marts = {mart.name: mart for mart in published_marts(connection)}
        for publication_id, is_shown, told in connection.execute(
            "select publication_id, version = max(version) over (), marts from ops.publication"
            " where state = 'published'"
        ).fetchall():
            for name, entry in told.items():
                place = "marts" if is_shown else "archive"
                number = None if is_shown else publication_id
                assert content(connection, place, marts[name], PERIOD, number) == entry
        changed = connection.execute(
            "select mart, removed, sha256_before <> sha256_after from ops.erasure_publication"
        ).fetchall()
    assert {mart for mart, _, _ in changed} >= {"person_month"}
    assert all(removed and differs for _, removed, differs in changed)


def test_an_encrypted_file_is_replaced_by_an_encrypted_copy(world: World) -> None:
    copies = query(
        world.dsn,
        "select d.sha256, d.file_name, x.redacted_sha256 from ops.delivery as d"
        " inner join ops.redaction as x using (sha256) where x.redacted_sha256 is not null",
    )
    was_sealed = {Path(name).suffix for sha256, name, _ in copies if sha256 in world.sealed}
    assert was_sealed >= {".csv", ".xlsx", ".xls", ".jsonl"}
    for sha256, name, copy in copies:
        assert not path_of(sha256).exists()
        assert is_sealed(path_of(copy)), name
        with opened(path_of(copy)) as file:
            assert file.readline()
    assert list(settings().landing.rglob("*.json*")) == []


def test_the_proof_says_where_and_how_much_and_nothing_else(world: World) -> None:
    proof = world.proof
    assert proof.state == "done"
    assert proof.proof["found"] == 0
    assert proof.proof["closed_files"] == 1
    assert proof.proof["tables"] > 150
    assert {"raw.county_person", "vault.identifier", "marts.person_month", "landing"} <= set(
        proof.places
    )
    assert audit.verify().is_whole
    events = query(
        world.dsn, "select action, subject from audit.event where action like 'eras%%' order by seq"
    )
    assert [action for action, _ in events] == ["erasure_ordered", "erased"]
    assert len({subject for _, subject in events}) == 1
    assert query(world.dsn, "select count(*) from vault.erasure_token") == [(0,)]
    shown = CliRunner().invoke(app, ["subject", "erasures", "--json"])
    assert json.loads(shown.output)[0]["proof"]["found"] == 0


def test_the_erased_person_is_known_no_more(world: World) -> None:
    for wanted in (GONE.resident_id, keys(GONE)[0]):
        with pytest.raises(SubjectRefused):
            erasure.order(wanted, "consent_withdrawn", "again")


def test_no_receipt_and_no_file_of_others_is_lost(world: World) -> None:
    assert all(
        (settings().home / "receipts").rglob(f"*-{number}.xlsx")
        for (number,) in query(world.dsn, "select delivery_id from ops.receipt")
    )
    kept = query(
        world.dsn,
        "select coalesce(x.redacted_sha256, d.sha256), d.row_count from ops.delivery as d"
        " left join ops.redaction as x using (sha256) where d.row_count > 0",
    )
    assert all(path_of(sha256).exists() for sha256, _ in kept)


def test_the_same_files_sent_again_do_not_bring_the_person_back(world: World) -> None:
    deliveries = query(world.dsn, "select count(*) from ops.delivery")
    for kind, data, name in world.sent:
        send(kind, data, name)
    assert query(world.dsn, "select count(*) from ops.delivery") == deliveries
    test_nothing_of_the_erased_person_is_left_anywhere(world)


@pytest.mark.parametrize(
    "kind",
    ["county_person", "county_household", "yb_enrol", "mz_dibao_family", "mz_dibao_payment",
     "mz_disab_subsidy"],
)  # fmt: skip
def test_a_new_file_with_the_person_is_loaded_without_him(world: World, kind: str) -> None:
    contract = contracts()[kind]
    data, suffix = file_content(contract, rows_of(contract), "xlsx")
    delivery = send(kind, data, f"next{suffix}", "2026-04")
    ((loaded, caught),) = query(
        world.dsn,
        "select d.row_count, e.is_caught from ops.delivery as d"
        " inner join ops.erasure_delivery as e using (delivery_id) where delivery_id = %s",
        delivery,
    )
    assert caught
    shared = kind == "county_household"
    assert loaded == len(rows_of(contract)) - (0 if shared else 1)
    left = searched(world.dsn, [GONE.resident_id, GONE.bank_no, GONE.insurance_no, GONE.phone])
    assert not any(left.values())
    assert not [n for n, data in files.landed() if data and GONE.resident_id.encode() in data]


def test_a_version_of_before_is_explained_by_the_erasure(world: World) -> None:
    (shown,) = verify(versions(PERIOD))
    assert shown.failure is None
    assert (shown.is_proven, shown.is_explained) == (False, True)
    assert shown.erasures == (world.proof.erasure_id,)


def test_the_month_built_again_does_without_him_and_can_be_rolled_back(world: World) -> None:
    publish_unjudged(now=OPEN)
    assert not any(keys(GONE)[0] in row for row in published(world.dsn)["marts.person_month"])
    assert any(keys(OTHER)[0] in row for row in published(world.dsn)["marts.person_month"])
    rollback(PERIOD, reason="as it was", by="test")
    assert published(world.dsn)["marts.household_month"]
    test_nothing_of_the_erased_person_is_left_anywhere(world)


def test_a_correction_goes_to_the_sender_and_is_tracked(world: World) -> None:
    held = holdings(keys(OTHER)[0])
    row = next(r for r in held["rows"] if r["kind"] == "county_person")
    place = row["delivery_id"], row["row_no"]
    number = correction.request(keys(OTHER)[0], *place, "性别", "登记的性别有误")
    (made,) = correction.listed(number)
    assert (made.state, made.column_name, made.kind) == ("open", "sex", "county_person")
    told = next(f for f in receipts([place[0]])[0].findings if f.defect == "P01")
    assert (told.first_rows, told.place.heading) == ((place[1],), "性别")
    with connect() as connection:
        notices = [
            n for n in register_says(connection, datetime.now(UTC)) if n.kind == "correction"
        ]
        late = [n.state for n in register_says(connection, datetime.now(UTC) + timedelta(days=99))
                if n.kind == "correction"]  # fmt: skip
    assert [(n.state, n.county_code) for n in notices] == [("open", "431026")]
    assert late == ["overdue"]
    assert OTHER.name not in str(notices)
    for refused in (
        (keys(OTHER)[0], place[0], 99, "性别", "x"),
        (keys(OTHER)[0], *place, "no_such", "x"),
        (keys(OTHER)[0], *place, "性别", f"应为{OTHER.resident_id}"),
        (keys(WIFE)[0], *place, "性别", "x"),
    ):
        with pytest.raises(CorrectionRefused):
            correction.request(*refused)
    correction.answer(number, "refused", "与本人核实无误")
    assert correction.listed(number)[0].state == "refused"
    assert not [f for f in receipts([place[0]])[0].findings if f.defect == "P01"]
    with pytest.raises(CorrectionRefused):
        correction.answer(number, "corrected", "again")


def test_an_order_needs_a_reason_and_a_legal_basis(world: World) -> None:
    for basis, reason in (("whim", "why"), ("consent_withdrawn", " "),
                          ("consent_withdrawn", f"of {OTHER.resident_id}")):  # fmt: skip
        with pytest.raises(ErasureRefused) as refused:
            erasure.order(keys(OTHER)[0], basis, reason)
        assert OTHER.resident_id not in str(refused.value)


def test_an_erasure_that_leaves_something_is_not_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place that nobody knows of is found by the search, named without a value, and not done."""
    with psycopg.connect(world.dsn) as connection:
        connection.execute("create schema unknown; create table unknown.t (note text)")
        connection.execute("insert into unknown.t values (%(x)s), (%(x)s)",
                           {"x": f"x{WIFE.resident_id}"})  # fmt: skip
        # Of this one only what the index is made of is known to the planner.
        connection.execute("create table unknown.indexed as table unknown.t;"
                           " alter table unknown.indexed alter note set statistics 0;"
                           " create index on unknown.indexed (lower(note))")  # fmt: skip
        connection.execute("analyze unknown.t, unknown.indexed")
    number = erasure.order(keys(WIFE)[0], "purpose_fulfilled", "test")
    left = "statistics of unknown.indexed, statistics of unknown.t, unknown.indexed, unknown.t."
    with pytest.raises(ErasureIncomplete, match=f"left in {re.escape(left)}") as refused:
        erasure.carry_out(number)
    assert WIFE.resident_id not in str(refused.value)
    with psycopg.connect(world.dsn) as connection:
        connection.execute("drop schema unknown cascade")
    ended = CliRunner().invoke(app, ["subject", "erase", "--resume", "--json"])
    assert ended.exit_code == 0, ended.output
    # Her other number is nobody's whom she was merged with.
    named = [value for value in WIFE.identifiers if value != WIFE.other_id]
    found = searched(world.dsn, [*named, keys(WIFE)[0]])
    assert {v: p for v, p in found.items() if p} == {}
    assert Path(settings().home / "audit" / "heads").exists()


def test_a_third_person_of_the_same_files_is_gone_at_once(world: World) -> None:
    """Copies that replaced copies lead to the last one, and nothing else is kept; files that came
    with the same rows share one."""
    shared = (
        "select count(*) from (select from ops.redaction inner join ops.delivery using (sha256)"
        " group by redacted_sha256 having count(distinct sha256) > 1)"
    )
    assert query(world.dsn, shared) > [(0,)]
    done = erasure.carry_out(erasure.order(keys(OTHER)[0], "purpose_fulfilled", "test"))
    assert done.state == "done"
    named = [value for value in OTHER.identifiers if value != OTHER.other_id]
    found = searched(world.dsn, [*named, keys(OTHER)[0]])
    assert {v: p for v, p in found.items() if p} == {}
    replaced, copies = (
        {value for (value,) in query(world.dsn, f"select {column} from ops.redaction")}
        for column in ("sha256", "redacted_sha256")
    )
    assert not [sha256 for sha256 in replaced if path_of(sha256).exists()]
    assert not [sha256 for sha256 in copies - {None} if not path_of(sha256).exists()]
