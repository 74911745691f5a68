"""A reader of the marts, as a BI tool is one, who asks all the time."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from include.database import dsn_of

View = dict[str, str]
"""period -> one hash over all rows of all marts of it."""
_BETWEEN_S = 0.2
_TABLES = (
    "select relname::text from pg_class where relnamespace = 'marts'::regnamespace"
    " and relkind in ('r', 'p') order by relname"
)


def look(connection: psycopg.Connection[Any]) -> View:
    """All months of all marts in one snapshot; the connection is in repeatable read."""
    with connection.transaction():
        marts = [row[0] for row in connection.execute(_TABLES)]
        if not marts:
            return {}
        each = [
            sql.SQL(
                "select period, {name} as mart, count(*)::text || coalesce(string_agg("
                "md5(m::text), '' order by md5(m::text)), '') as content from {table} as m"
                " group by period"
            ).format(name=sql.Literal(mart), table=sql.Identifier("marts", mart))
            for mart in marts
        ]
        query = sql.SQL(
            "select period, md5(string_agg(mart || md5(content), ' ' order by mart))"
            " from ({}) as one group by period"
        ).format(sql.SQL(" union all ").join(each))
        return dict(connection.execute(query).fetchall())


class Observer:
    """Looks at all months from its own thread while the context lasts; ``views`` is what it saw.

    A server that does not answer is no view: the reader comes again.
    """

    def __init__(self) -> None:
        self.views: list[View] = []
        self.looks = 0
        self.unanswered = 0
        self._stop = threading.Event()
        self._turn = threading.Condition()
        self._begun = self._ended = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_a_look(self) -> None:
        """Return when a look that began after this call has ended."""
        with self._turn:
            awaited = self._begun + 1
            self._turn.wait_for(lambda: self._ended >= awaited or not self._thread.is_alive())

    def _watch(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while not self._stop.is_set():
            with self._turn:
                self._begun += 1
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(dsn_of("bi_city"))
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                seen = look(connection)
                self.looks += 1
                if seen not in self.views:
                    self.views.append(seen)
            except psycopg.Error:
                self.unanswered += 1
                connection = None
            with self._turn:
                self._ended = self._begun
                self._turn.notify_all()
            self._stop.wait(_BETWEEN_S)
        if connection is not None:
            connection.close()
