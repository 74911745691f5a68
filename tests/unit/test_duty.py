"""Which account code connects as: what it said at its entry, and nothing after it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from include.database import acting_as, connect


def account() -> str:
    with connect() as connection:
        row = connection.execute("select current_user::text").fetchone()
    assert row is not None
    return str(row[0])


def test_without_a_word_it_is_the_operator(warehouse: str) -> None:
    assert account() == "operator"


def test_a_duty_holds_for_the_call_and_within_another(warehouse: str) -> None:
    @acting_as("loader")
    def loads(depth: int) -> list[str]:
        return [account(), *(loads(depth - 1) if depth else [publishes()]), account()]

    @acting_as("publisher")
    def publishes() -> str:
        return account()

    assert loads(1) == ["loader", "loader", "publisher", "loader", "loader"]
    assert account() == "operator"


def test_a_duty_ends_with_a_failure(warehouse: str) -> None:
    with pytest.raises(ZeroDivisionError), acting_as("loader"):
        _ = 1 / 0
    assert account() == "operator"


def test_a_duty_of_a_generator_is_refused() -> None:
    def rows() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="rows is a generator"):
        acting_as("loader")(rows)
    with pytest.raises(TypeError, match="rows is a generator"):
        acting_as("loader")(contextmanager(rows))
