"""A custom expectation: a query that finds no row, evaluated once."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations import UnexpectedRowsExpectation


class ExpectNoRows(UnexpectedRowsExpectation):
    """Great Expectations' own, which asks the database twice, for the rows and for their number.

    The query's column ``failing_rows`` holds the number, the same in each row.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.table"]
        return {
            "success": not rows,
            "result": {
                "observed_value": rows[0]["failing_rows"] if rows else 0,
                "details": {"unexpected_rows": rows},
            },
        }
