"""Extracts from a real database, through an account that may only read."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from include.contracts import contracts
from include.errors import ConfigurationMissing, SourceUnavailable
from include.landing import Landed
from include.load import load
from include.settings import settings
from include.sources.civil_affairs import extract
from tests.conftest import fresh_database
from tests.expectations.deliveries import resident_id
from tests.unit.landed import NAME, query

KIND = "mz_dibao_member"
READER = "test_reader"


@pytest.fixture
def civil_affairs(
    server_dsn: str, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The owner's URL of a civil-affairs database; settings have the reader's."""
    with fresh_database(server_dsn) as dsn:
        with psycopg.connect(dsn) as owner:
            columns = ", ".join(
                f"{c.name} {'timestamptz' if c.name == 'updated_at' else 'text'}"
                for c in contracts()[KIND].columns
            )
            owner.execute(f"create table {KIND} ({columns})".encode())
            owner.execute(f"create role {READER} login password '{READER}'".encode())
            owner.execute(f"grant select on {KIND} to {READER}".encode())
        parts = urlsplit(dsn)
        reader = f"{READER}:{READER}@{parts.netloc.rpartition('@')[2]}"
        monkeypatch.setenv("WAREHOUSE_CIVIL_AFFAIRS_DSN", urlunsplit(parts._replace(netloc=reader)))
        settings.cache_clear()
        yield dsn
        with psycopg.connect(dsn) as owner:
            owner.execute(f"drop owned by {READER}".encode())
            owner.execute(f"drop role {READER}".encode())


def insert(dsn: str, *members: tuple[int, str]) -> None:
    """(order, moment of the last change)."""
    with psycopg.connect(dsn) as owner:
        for order, moment in members:
            owner.execute(
                f"insert into {KIND} (cert_no, id_no, name, covered, updated_at) "
                "values (%s, %s, %s, '1', %s)",
                [f"D{order}", resident_id(order), NAME, moment],
            )


def accept(dsn: str, landed: Landed) -> None:
    delivery_id = load(landed)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into ops.acceptance (delivery_id, outcome) values (%s, 'accepted')",
            [delivery_id],
        )


def lines(landed: Landed) -> list[str]:
    return landed.path.read_text("utf-8").splitlines()


def certificates(landed: Landed) -> list[str]:
    return [line.split(",")[0] for line in lines(landed)[1:]]


def test_everything_first_and_then_a_window(civil_affairs: str, warehouse: str) -> None:
    insert(civil_affairs, (2, "2019-05-01 00:00+08"), (1, "2026-01-20 10:00+08"))
    first = extract("2026-01", KIND)
    assert certificates(first) == ["D1", "D2"]
    assert (first.source, first.county_code, first.period) == ("civil_affairs", "431000", "2026-01")
    accept(warehouse, first)

    # 62 days before the first of February is the first of December, in China.
    insert(civil_affairs, (3, "2025-12-01 00:00+08"), (4, "2025-11-30 23:59:59+08"))
    assert certificates(extract("2026-02", KIND)) == ["D1", "D3"]
    assert certificates(extract("2026-01", KIND)) == ["D1", "D2", "D3", "D4"]


def test_a_month_that_was_rejected_does_not_open_the_window(
    civil_affairs: str, warehouse: str
) -> None:
    insert(civil_affairs, (1, "2019-05-01 00:00+08"))
    load(extract("2026-01", KIND))
    assert certificates(extract("2026-02", KIND)) == ["D1"]


def test_an_unchanged_source_gives_the_same_bytes(civil_affairs: str) -> None:
    """Whatever the order of its rows, and with a key given twice."""
    members = [(n, f"2026-01-{n + 1:02} 10:00:00.5+08") for n in range(20)]
    twice = [(3, "2026-01-30 10:00+08")]
    insert(civil_affairs, *members, *twice)
    first = extract("2026-01", KIND)
    with psycopg.connect(civil_affairs) as owner:
        owner.execute(f"truncate {KIND}".encode())
    insert(civil_affairs, *twice, *members[::-1])
    assert extract("2026-01", KIND).sha256 == first.sha256
    assert lines(first)[0].startswith("cert_no,id_no,")
    assert "2026-01-01 10:00:00.5+08" in lines(first)[1]


def test_what_comes_out_goes_in(civil_affairs: str, warehouse: str) -> None:
    insert(civil_affairs, (1, "2026-01-20 10:00+08"))
    load(extract("2026-01", KIND))
    assert query(
        warehouse, f"select _row_no, cert_no, id_no, name, updated_at from raw.{KIND}"
    ) == [(2, "D1", resident_id(1), NAME, "2026-01-20 10:00:00+08")]


def test_an_empty_table(civil_affairs: str, warehouse: str) -> None:
    landed = extract("2026-01", KIND)
    assert len(lines(landed)) == 1
    assert query(
        warehouse, "select row_count from ops.delivery where delivery_id = %s", [load(landed)]
    ) == [(0,)]


def test_the_account_may_only_read(civil_affairs: str) -> None:
    with (
        psycopg.connect(settings().civil_affairs_dsn) as reader,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        reader.execute(f"delete from {KIND}".encode())


@pytest.mark.parametrize("kind", ["mz_death", "mz_dibao_payment"])
def test_a_missing_table(civil_affairs: str, kind: str) -> None:
    with pytest.raises(SourceUnavailable, match=f"{kind}.*UndefinedTable 42P01"):
        extract("2026-01", kind)


def test_a_table_without_a_column_of_the_contract(civil_affairs: str) -> None:
    with psycopg.connect(civil_affairs) as owner:
        owner.execute(f"alter table {KIND} drop column covered".encode())
    with pytest.raises(SourceUnavailable, match="UndefinedColumn"):
        extract("2026-01", KIND)


def test_a_table_we_may_not_read(civil_affairs: str) -> None:
    insert(civil_affairs, (1, "2026-01-20 10:00+08"))
    with psycopg.connect(civil_affairs) as owner:
        owner.execute(f"revoke select on {KIND} from {READER}".encode())
    with pytest.raises(SourceUnavailable, match="InsufficientPrivilege") as refusal:
        extract("2026-01", KIND)
    assert NAME not in str(refusal.value)
    assert not list(settings().landing.rglob(".incoming-*"))


def test_a_database_that_does_not_answer(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_CIVIL_AFFAIRS_DSN", "postgresql://x:secret-word@127.0.0.1:1/none")
    settings.cache_clear()
    with pytest.raises(SourceUnavailable) as refusal:
        extract("2026-01", KIND)
    assert "secret-word" not in str(refusal.value)


def test_no_address(warehouse: str) -> None:
    with pytest.raises(ConfigurationMissing, match="CIVIL_AFFAIRS_DSN"):
        extract("2026-01", KIND)
