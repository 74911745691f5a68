"""Deliveries in the register alone, without rows, for what is decided from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from include.areas import counties
from include.contracts import contracts, kinds_of

PERIOD = "2026-02"
_content = itertools.count()


def moment(day: int) -> datetime:
    """A day of March 2026."""
    return datetime(2026, 3, day, tzinfo=UTC)


FIRST, SECOND = moment(1), moment(2)


def send(dsn: str, kind: str, county: str, *, period: str = PERIOD, at: datetime = FIRST) -> int:
    """A delivery that has arrived and waits for its verdict; its id."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "insert into ops.delivery (source, kind, county_code, period, file_name, bytes, sha256,"
            " row_count, contract_version, received_at)"
            " values (%s, %s, %s, %s, 'f.csv', 1, %s, 1, '1', %s) returning delivery_id",
            [contracts()[kind].source, kind, county, period, str(next(_content)), at],
        ).fetchone()
        assert row is not None
        arrive(connection, row[0], at)
    return int(row[0])


def arrive(connection: psycopg.Connection, delivery_id: int, at: datetime) -> None:
    """The delivery's bytes come (again)."""
    connection.execute(
        "insert into ops.arrival (delivery_id, uri, modified_at, received_at)"
        " values (%s, 'file:///drop/f.csv', %s, %s)",
        [delivery_id, at, at],
    )


def accept(dsn: str, delivery_id: int, at: datetime = SECOND) -> int:
    _judge(dsn, delivery_id, "accepted", at)
    return delivery_id


def reject(dsn: str, delivery_id: int, at: datetime = SECOND) -> int:
    _judge(dsn, delivery_id, "rejected", at)
    return delivery_id


def send_all(dsn: str, *, without: Sequence[str] = (), period: str = PERIOD) -> None:
    """Every kind of every county, accepted."""
    for county in counties():
        if county not in without:
            for contract in kinds_of("county"):
                accept(dsn, send(dsn, contract.kind, county, period=period))


def build(dsn: str, period: str, at: datetime, state: str | None = "published") -> None:
    """A build on what was known at ``at``; without a state it did not reach its end."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
            " values (%s, %s, '', '') returning build_id",
            [period, at],
        ).fetchone()
        assert row is not None
        if state:
            connection.execute(
                "insert into ops.publication (period, version, build_id, state)"
                " values (%s, 1, %s, %s)",
                [period, row[0], state],
            )


def _judge(dsn: str, delivery_id: int, outcome: str, at: datetime) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into ops.acceptance (delivery_id, outcome, decided_at) values (%s, %s, %s)",
            [delivery_id, outcome, at],
        )
