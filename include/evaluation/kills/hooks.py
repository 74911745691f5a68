"""Stop this process at a named point of its work, and say so: who listens kills it there.

Nothing of the product knows of it: functions and the database driver are patched in the process
that is to be killed. Between the point and the kill the process is stopped (SIGSTOP), so that what
others see of it meanwhile can be looked at for as long as it takes.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

VARIABLE = "WAREHOUSE_KILL_TRIGGER"
REPORT = "WAREHOUSE_KILL_REPORT"
"""A named pipe that the stopped process writes its number to."""


@dataclass(frozen=True)
class Trigger:
    """Where a process stops; exactly one of ``call``, ``sql``, ``commit``.

    ``call`` is ``module:attribute.path``, ``sql`` a pattern of a statement, ``commit`` that of one
    in the transaction about to be committed. The ``nth`` time counts; with ``after`` it is left
    alone until it is done. ``in_dbt`` means the dbt process and its statements.
    """

    call: str = ""
    sql: str = ""
    commit: str = ""
    nth: int = 1
    after: bool = False
    in_dbt: bool = False

    def environment(self) -> dict[str, str]:
        """The variable that ``install`` reads."""
        return {VARIABLE: json.dumps(asdict(self))}


def install(*, in_dbt: bool = False) -> None:
    """Patch this process as the environment says (not at all where it is the other's turn)."""
    trigger = Trigger(**json.loads(os.environ[VARIABLE]))
    if trigger.in_dbt and not in_dbt:
        _lead_dbt_here()
    if trigger.in_dbt != in_dbt:
        return
    stop = _Counter(trigger)
    if trigger.call:
        _patch_call(trigger.call, stop)
    elif in_dbt:
        _patch_dbt(trigger.sql, stop)
    elif trigger.sql:
        _patch_statements(trigger.sql, stop)
    else:
        _patch_commit(trigger.commit, stop)


class _Counter:
    """Stops the process when it was passed so often; once."""

    def __init__(self, trigger: Trigger) -> None:
        self._left, self._after = trigger.nth, trigger.after

    def around(self, original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self._left -= 1
        is_due = self._left == 0
        if is_due and not self._after:
            _stop()
        found = original(*arguments, **named)
        if is_due and self._after:
            _stop()
        return found


def _stop() -> None:
    with Path(os.environ[REPORT]).open("w") as report:
        report.write(f"{os.getpid()}\n")
    os.kill(os.getpid(), signal.SIGSTOP)


def _patch_call(path: str, stop: _Counter) -> None:
    module, _, attributes = path.partition(":")
    *owners, name = attributes.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)

    @wraps(original)
    def patched(*arguments: Any, **named: Any) -> Any:
        return stop.around(original, *arguments, **named)

    setattr(owner, name, patched)


def _patch_statements(pattern: str, stop: _Counter) -> None:
    import psycopg

    matches = re.compile(pattern, re.IGNORECASE | re.DOTALL).search
    for name in ("execute", "executemany", "copy"):
        original = getattr(psycopg.Cursor, name)

        def patched(
            self: Any, query: Any, *rest: Any, _original: Any = original, **named: Any
        ) -> Any:
            if matches(_text(query, self)):
                return stop.around(_original, self, query, *rest, **named)
            return _original(self, query, *rest, **named)

        setattr(psycopg.Cursor, name, patched)


def _patch_commit(pattern: str, stop: _Counter) -> None:
    """Connections that have run such a statement stop at their commit."""
    import psycopg

    matches = re.compile(pattern, re.IGNORECASE | re.DOTALL).search
    armed: set[int] = set()
    for name in ("execute", "executemany", "copy"):
        original = getattr(psycopg.Cursor, name)

        def patched(
            self: Any, query: Any, *rest: Any, _original: Any = original, **named: Any
        ) -> Any:
            if matches(_text(query, self)):
                armed.add(id(self.connection))
            return _original(self, query, *rest, **named)

        setattr(psycopg.Cursor, name, patched)
    commit = psycopg.Connection.commit

    def patched_commit(self: Any) -> None:
        if id(self) in armed:
            armed.discard(id(self))
            stop.around(commit, self)
        else:
            commit(self)

    psycopg.Connection.commit = patched_commit  # type: ignore[method-assign]


def _text(query: Any, cursor: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else str(query.as_string(cursor))


def _patch_dbt(pattern: str, stop: _Counter) -> None:
    """dbt sends each statement, BEGIN and COMMIT too, through one method."""
    from dbt.adapters.sql.connections import SQLConnectionManager

    matches = re.compile(pattern, re.IGNORECASE | re.DOTALL).search
    original = SQLConnectionManager.add_query

    def patched(self: Any, sql: str, *rest: Any, **named: Any) -> Any:
        if matches(sql):
            return stop.around(original, self, sql, *rest, **named)
        return original(self, sql, *rest, **named)

    SQLConnectionManager.add_query = patched


def _lead_dbt_here() -> None:
    """Have the build start dbt through ``include.evaluation.kills.dbt``, patched as well."""
    from include import build

    build._DBT_PROCESS = Path(__file__).with_name("dbt.py")
