"""Call what the DAGs' tasks run, with the months given, and print how each ended as JSON.

A process of its own: Airflow reads its configuration from the environment when it is imported.
"""

from __future__ import annotations

import copy
import inspect
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PARAMS = {"county": None, "together": False, "reason": None}
GIVEN = {"county_code": "431026", "kind": {"civil": "mz_dibao_member", "health": "yb_enrol"}}


def main(folder: Path, counties: list[str], periods: list[str]) -> None:
    """Print [{dag, task, period, error, what}], and whether each county is let into a run."""
    import airflow.sdk
    from airflow.dag_processing.dagbag import DagBag

    airflow.sdk.get_current_context = dict  # there is no run
    bag = DagBag(dag_folder=folder)
    assert not bag.import_errors
    ended = [
        {"dag": dag_id, "task": task.task_id, "period": period} | _ended(dag_id, function, period)
        for dag_id, dag in sorted(bag.dags.items())
        for task in dag.tasks
        if (function := _function(task))
        and "build_id" not in inspect.signature(function).parameters
        for period in periods
    ]
    let_in = [_lets_in(bag.dags["county_delivery"], county) for county in counties]
    json.dump({"ended": ended, "let_in": let_in}, sys.stdout)


def _function(task: Any) -> Any:
    """The function of a task that reads the run's month."""
    found = getattr(task, "python_callable", None) or getattr(task, "partial_kwargs", {}).get(
        "python_callable"
    )
    return found if found and "dag_run" in inspect.signature(found).parameters else None


def _ended(dag_id: str, function: Any, period: str) -> dict[str, str]:
    accepted = inspect.signature(function).parameters
    given: dict[str, Any] = {
        "dag_run": SimpleNamespace(partition_key=period, run_id="run"),
        "params": PARAMS,
        "county_code": GIVEN["county_code"],
        "kind": GIVEN["kind"].get(dag_id.split("_")[0]),  # type: ignore[attr-defined]
    }
    try:
        function(**{name: value for name, value in given.items() if name in accepted})
    except Exception as error:  # noqa: BLE001  # whatever it is, the test judges it
        return {"error": type(error).__name__, "what": getattr(error, "what", "")}
    return {"error": "", "what": ""}


def _lets_in(dag: Any, county: str) -> bool:
    """Whether Airflow takes the county as the run's parameter."""
    from airflow.sdk.exceptions import ParamValidationError

    params = copy.deepcopy(dag.params)
    try:
        params["county"] = county
    except ParamValidationError:
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))
