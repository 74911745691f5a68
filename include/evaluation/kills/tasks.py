"""What the tasks of the DAGs call, each in a process of its own as a worker runs it.

Run as ``python -m include.evaluation.kills.tasks TASK ARGUMENTS``: the result is printed as JSON in
the last line. A task is named ``dag.task`` as in Airflow, its arguments are JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from include.evaluation.kills.hooks import VARIABLE, install
from include.readiness import SOURCES


def _fetch_and_load(county_code: str, period: str) -> list[int]:
    from include.load import load
    from include.sources.county import fetch

    return [load(each) for each in fetch(period, county_code)]


def _extract_civil_affairs(kind: str, period: str) -> int:
    from include.load import load
    from include.sources.civil_affairs import extract

    return load(extract(period, kind))


def _extract_health_insurance(kind: str, period: str) -> int:
    from include.load import load
    from include.sources.health_insurance import extract

    return load(extract(period, kind))


def _judge(source: Any, period: str) -> str | None:
    from include.pipeline import report

    return report(source, period, {"together": True})


def _take_in() -> dict[str, int]:
    from include.watch import take_in

    return take_in()


def _due(run_id: str) -> list[str]:
    from include.watch import due_months

    return due_months(run_id)


def _tell() -> int:
    from include.notices import tell

    return tell()


def _open_build(period: str) -> int:
    from include.build import open_build

    return open_build(period)


def _dbt(build_id: int) -> None:
    from include.build import run_dbt

    run_dbt(build_id)


def _audit(build_id: int) -> str | None:
    from include.gate import audit
    from include.publish import ask

    audit(build_id)
    return ask(build_id)


def _publish(build_id: int) -> int:
    from include.publish import publish

    return publish(build_id)


def _drop() -> int:
    from include.retention import drop

    return len(drop("airflow").files)


def _emit(**_: Any) -> None:
    """A task that only emits its asset: Airflow does that when the task has ended well."""


TASKS: dict[str, Callable[..., Any]] = {
    "county_delivery.fetch_and_load": _fetch_and_load,
    "civil_affairs_delivery.extract_and_load": _extract_civil_affairs,
    "health_insurance_delivery.extract_and_load": _extract_health_insurance,
    **{f"{source}_delivery.judge": partial(_judge, source) for source in SOURCES},
    **{f"{source}_delivery.{task}": _emit for source in SOURCES for task in ("ready", "due")},
    "late_deliveries.take_in": _take_in,
    "late_deliveries.due": _due,
    "late_deliveries.tell": _tell,
    "late_deliveries.send": _emit,
    "monthly_build.open_build": _open_build,
    "monthly_build.dbt": _dbt,
    "monthly_build.audit": _audit,
    "monthly_build.publish": _publish,
    "retention.drop": _drop,
}


def main(task: str, arguments: str) -> None:
    """Run a task, patched where the environment names a point."""
    if VARIABLE in os.environ:
        install()
    print(json.dumps(TASKS[task](**json.loads(arguments))))  # noqa: T201  # for who started it


if __name__ == "__main__":
    main(*sys.argv[1:])
