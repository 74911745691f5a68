"""The one place that talks to Great Expectations.

What leaves here holds counts and row keys, never values: its results are cut down to a list of
allowed fields before anything is stored or rendered, so that neither its defaults nor an SQL
error that quotes a cell can put personal data into logs, results or Data Docs.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expectations import data_docs
from expectations.check import Check, Subject
from include.database import dsn_of

_NUMBERS = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "observed_value",
)
_SHOWN_KEYS = 20


@dataclass(frozen=True)
class Outcome:
    """One expectation's result. ``row_keys`` holds at most as many as were asked for."""

    suite: str
    check: Check
    success: bool
    unexpected_count: int | None
    row_keys: tuple[str | int, ...]
    error: str | None
    """Class of the exception that kept the expectation from being evaluated."""

    @property
    def blocks(self) -> bool:
        """A critical expectation failed, or one of any severity could not be evaluated."""
        return not self.success and (self.check.severity == "critical" or self.error is not None)


@dataclass(frozen=True)
class Report:
    """All outcomes of one checkpoint run in the order of the suites, and the Data Docs pages."""

    outcomes: tuple[Outcome, ...]
    pages: Mapping[str, Path]
    """Data Docs page of this run by suite."""


def begin_import() -> None:
    """Let Great Expectations be imported, which takes seconds, while the database works."""
    _settle_down()
    threading.Thread(target=importlib.import_module, args=("great_expectations",)).start()


def _settle_down() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # What an expectation raises is in its outcome; GX's own log lines would quote SQL errors.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)


def run(name: str, run_name: str, subjects: Sequence[Subject], *, max_keys: int) -> Report:
    """Validate all subjects in one checkpoint and render Data Docs below ``settings().data_docs``.

    ``run_name`` titles the run in Data Docs; ``max_keys`` bounds the row keys per expectation.
    Failed expectations do not raise; an unreachable database does.
    """
    _settle_down()
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    context = data_docs.context_of(data_docs.memory("ValidationResultsStore"))
    source = context.data_sources.add_postgres("warehouse", connection_string=_sqlalchemy_url())
    definitions = []
    for subject in subjects:
        asset = source.add_query_asset(
            subject.suite, query=f"select *, {subject.row_key} as row_key from {subject.table}"
        )
        definition = gx.ValidationDefinition(
            name=subject.suite,
            data=asset.add_batch_definition_whole_table("all"),
            suite=context.suites.add(_suite(subject)),
        )
        definitions.append(context.validation_definitions.add(definition))
    checkpoint = gx.Checkpoint(
        name=name,
        validation_definitions=definitions,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["row_key"],
            "exclude_unexpected_values": True,
            "include_unexpected_rows": False,
            "return_unexpected_index_query": False,
            "partial_unexpected_count": max_keys,
        },
    )
    try:
        validations = (
            context.checkpoints.add(checkpoint)
            .run(run_id=RunIdentifier(run_name=run_name, run_time=datetime.now(UTC)))
            .run_results
        )
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()
    by_suite = {subject.suite: subject for subject in subjects}
    outcomes: dict[tuple[str, str], Outcome] = {}
    for validation in validations.values():
        checks = {check.id: check for check in by_suite[validation.suite_name].checks}
        for entry in validation.results:
            check = checks[entry.expectation_config.meta["id"]]
            outcomes[validation.suite_name, check.id] = _outcome(
                validation.suite_name, check, entry, max_keys
            )
            _redact(entry)
    ordered = tuple(outcomes[s.suite, check.id] for s in subjects for check in s.checks)
    pages = data_docs.render(
        {subject.suite: _suite(subject) for subject in subjects},
        validations,
        {subject.suite: _failures(ordered, subject.suite) for subject in subjects},
        run_name,
    )
    return Report(ordered, pages)


def _failures(outcomes: Sequence[Outcome], suite: str) -> tuple[int, int]:
    """(critical, warning) expectations of a suite that failed."""
    failed = [each.blocks for each in outcomes if each.suite == suite and not each.success]
    return sum(failed), len(failed) - sum(failed)


def _suite(subject: Subject) -> Any:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    from expectations.rows import ExpectNoRows

    classes = vars(gxe) | {"ExpectNoRows": ExpectNoRows}
    return gx.ExpectationSuite(
        name=subject.suite,
        expectations=[
            classes[check.expectation](
                **check.arguments,
                severity=check.severity,
                # Data Docs show the description alone, and so it says all a reader needs.
                description=f"{check.label_zh} · {check.description}. Why: {check.reason}"
                f" What to do: {check.remedy}",
                meta={"id": check.id, "label_zh": check.label_zh, "reason": check.reason},
            )
            for check in subject.checks
        ],
    )


def _outcome(suite: str, check: Check, entry: Any, max_keys: int) -> Outcome:
    error = _error(entry.exception_info)
    result = entry.result or {}
    count = result.get("unexpected_count")
    if count is None and check.expectation == "ExpectNoRows":
        count = result.get("observed_value")
    keys = _row_keys(result)
    return Outcome(suite, check, bool(entry.success), count, keys[:max_keys], error)


def _row_keys(result: Mapping[str, Any]) -> tuple[str | int, ...]:
    rows = result.get("unexpected_index_list") or []
    rows = rows or (result.get("details") or {}).get("unexpected_rows") or []
    keys: list[str | int] = []
    for row in rows:
        value = row["row_key"]
        keys.extend(value if isinstance(value, list) else [value])
    return tuple(key if isinstance(key, int) else str(key) for key in keys)


def _error(exception_info: Mapping[str, Any] | None) -> str | None:
    """Name of the exception class, from either of the two shapes GX gives it in; never its text."""
    for info in [exception_info or {}, *(exception_info or {}).values()]:
        if isinstance(info, Mapping) and info.get("raised_exception"):
            last = str(info.get("exception_traceback") or "").strip().rsplit("\n", 1)[-1]
            name = last.split(":", 1)[0].rsplit(".", 1)[-1]
            return name if name.isidentifier() else "Exception"
    return None


def _redact(entry: Any) -> None:
    """Keep numbers and row keys of a result; drop values, rows, queries and exception texts."""
    result, error = entry.result or {}, _error(entry.exception_info)
    kept: dict[str, Any] = {
        k: v for k, v in result.items() if k in _NUMBERS and isinstance(v, int | float | None)
    }
    if keys := _row_keys(result):
        kept["unexpected_index_column_names"] = ["row_key"]
        kept["partial_unexpected_index_list"] = [{"row_key": key} for key in keys[:_SHOWN_KEYS]]
    entry.result = kept
    message = f"{error}: the expectation could not be evaluated." if error else None
    entry.exception_info = {
        "raised_exception": error is not None,
        "exception_message": message,
        "exception_traceback": message,
    }


def _sqlalchemy_url() -> str:
    return dsn_of().replace("postgresql://", "postgresql+psycopg://", 1)
