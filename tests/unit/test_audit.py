"""The audit chain against those who own the table, and those who rule the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from typer.testing import CliRunner

from include import audit
from include.cli.main import app
from include.database import connect

KEY = "a" * 64
_FORGE = "set session_replication_role = replica;"
"""What a superuser does so that triggers do not fire."""


@pytest.fixture
def empty(warehouse_module: str) -> str:
    """No event and no copied head."""
    _as_superuser(warehouse_module, "delete from audit.event", "delete from audit.subject")
    audit.heads_file().unlink(missing_ok=True)
    return warehouse_module


@pytest.fixture
def chain(empty: str) -> str:
    """Five events, two of one person; the heads are copied as they come."""
    for number in range(5):
        with connect() as connection:
            subject = ("person", KEY) if number % 2 else None
            audit.record(connection, "look", subject, reason=f"case {number}")
        audit.copy_head()
    return empty


def _as_superuser(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn) as connection:
        for statement in (_FORGE, *statements):
            connection.execute(statement.encode())


def test_an_empty_chain_is_whole(empty: str) -> None:
    assert audit.verify() == audit.Verdict(0, 0)


def test_a_chain_nobody_touched_is_whole_and_its_head_is_copied(chain: str) -> None:
    verdict = audit.verify()
    assert (verdict.rows, verdict.heads, verdict.is_whole) == (5, 5, True)
    assert audit.heads_file().read_text().splitlines()[-1] == f"5 {verdict.head}"


def test_the_chain_names_a_person_by_a_pseudonym_of_its_own(chain: str) -> None:
    with connect("auditor") as connection:
        rows = connection.execute("select e::text from audit.event as e").fetchall()
    assert not [row for row in rows if KEY in row[0]]
    assert [event.seq for event in audit.events(9, KEY)] == [4, 2]
    assert [event.seq for event in audit.events(2)] == [5, 4]


@pytest.mark.parametrize(
    "attack",
    [
        "update audit.event set reason = 'x' where seq = 2",
        "delete from audit.event where seq = 5",
        "truncate audit.event",
    ],
)
def test_the_tables_owner_changes_nothing_by_a_statement(chain: str, attack: str) -> None:
    with psycopg.connect(chain) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attack.encode())
    assert audit.verify().is_whole


def _rehashed(dsn: str, first: int) -> None:
    """All hashes from a row on, made to fit: the forger knows how."""
    with psycopg.connect(dsn) as connection:
        connection.execute(_FORGE.encode())
        for seq in range(first, 6):
            connection.execute(
                "update audit.event as e set previous = (select b.hash from audit.event as b"
                " where b.seq = e.seq - 1) where seq = %s and seq > 1",
                [seq],
            )
            connection.execute(
                "update audit.event as e set hash = audit.hash_of(e) where seq = %s", [seq]
            )


def _changed(dsn: str) -> None:
    _as_superuser(dsn, "update audit.event set reason = 'other' where seq = 3")


def _changed_and_rehashed(dsn: str) -> None:
    _changed(dsn)
    _rehashed(dsn, 3)


def _removed(dsn: str) -> None:
    _as_superuser(dsn, "delete from audit.event where seq = 3")


def _removed_and_closed_up(dsn: str) -> None:
    _removed(dsn)
    _as_superuser(dsn, "update audit.event set seq = 3 where seq = 4",
                  "update audit.event set seq = 4 where seq = 5")  # fmt: skip


def _first_removed(dsn: str) -> None:
    _as_superuser(dsn, "delete from audit.event where seq = 1")


def _inserted(dsn: str) -> None:
    _as_superuser(
        dsn,
        "update audit.event set seq = 6 where seq = 5",
        "update audit.event set seq = 5 where seq = 4",
        "insert into audit.event select 4, at, account, operator, action, subject, purpose,"
        " reason, detail, hash, repeat('f', 64) from audit.event where seq = 3",
    )


def _inserted_before_the_first(dsn: str) -> None:
    _as_superuser(
        dsn,
        "insert into audit.event select 0, at, account, operator, action, subject, purpose,"
        " reason, detail, repeat('0', 64), repeat('f', 64) from audit.event where seq = 1",
    )


def _reordered(dsn: str) -> None:
    _as_superuser(
        dsn,
        "update audit.event set seq = 9 where seq = 3",
        "update audit.event set seq = 3 where seq = 4",
        "update audit.event set seq = 4 where seq = 9",
    )


def _cut_off(dsn: str) -> None:
    _as_superuser(dsn, "delete from audit.event where seq > 3")


def _all_gone(dsn: str) -> None:
    _as_superuser(dsn, "delete from audit.event")


@pytest.mark.parametrize(
    ("forge", "first_bad", "why"),
    [
        (_changed, 3, "changed"),
        (_changed_and_rehashed, 3, "written anew"),
        (_removed, 3, "gone"),
        (_removed_and_closed_up, 3, "does not follow"),
        (_first_removed, 1, "gone"),
        (_inserted, 4, "changed"),
        (_inserted_before_the_first, 0, "before the first"),
        (_reordered, 3, "does not follow"),
        (_cut_off, 4, "cut off"),
        (_all_gone, 1, "cut off"),
    ],
)
def test_what_a_superuser_does_to_the_chain_shows(
    chain: str, forge: Callable[[str], None], first_bad: int, why: str
) -> None:
    forge(chain)
    verdict = audit.verify()
    assert verdict.bad == first_bad
    assert why in str(verdict.why)
    ended = CliRunner().invoke(app, ["audit", "verify", "--json"])
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["bad"] == first_bad


def test_a_tail_cut_off_and_grown_again_shows(chain: str) -> None:
    _cut_off(chain)
    with connect() as connection:
        audit.record(connection, "look")
        audit.record(connection, "look")
    audit.copy_head()
    assert audit.verify().bad == 4


def test_concurrent_writers_keep_one_chain(empty: str) -> None:
    def write(number: int) -> None:
        with connect() as connection:
            audit.record(connection, "look", ("person", f"{number % 3:064x}"))
        audit.copy_head()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert audit.verify().rows == 40
    assert audit.verify().is_whole


def test_what_is_rolled_back_leaves_no_gap(empty: str) -> None:
    with connect() as connection:
        audit.record(connection, "look")
        connection.rollback()
    with connect() as connection:
        audit.record(connection, "look")
    assert audit.verify().rows == 1


def test_a_reason_with_a_persons_number_is_refused(empty: str) -> None:
    with connect() as connection, pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        audit.record(connection, "look", reason="for 431099199001011234")
    assert "431099" not in str(refused.value)


def test_list_and_verify_print_what_is_there(chain: str) -> None:
    shown = CliRunner().invoke(app, ["audit", "list", "--json", "--limit", "2"])
    assert [event["seq"] for event in json.loads(shown.stdout)] == [5, 4]
    assert "whole" in CliRunner().invoke(app, ["audit", "verify"]).stdout
    assert "case 4" in CliRunner().invoke(app, ["audit", "list"]).stdout
