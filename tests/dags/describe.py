"""Read dags/ as the DAG processor does, and print what is there as JSON.

A process of its own: Airflow reads its configuration from the environment when it is imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Print {"errors": ..., "dags": {dag_id: ...}, "imported": modules that parsing imported}."""
    from airflow.dag_processing.dagbag import DagBag

    before = set(sys.modules)
    bag = DagBag(dag_folder=folder)
    imported = set(sys.modules) - before
    json.dump(
        {
            "errors": bag.import_errors,
            "dags": {dag_id: _describe(dag) for dag_id, dag in bag.dags.items()},
            "imported": sorted(imported),
        },
        sys.stdout,
    )


def _callbacks(given: Any) -> list[str]:
    """Airflow keeps one callback as it is and several as a sequence."""
    several = given if isinstance(given, list | tuple) else [given] if given else []
    return [call.__name__ for call in several]


def _assets(condition: Any) -> list[str]:
    """Names of the assets in a condition; a timetable without assets has none."""
    members = getattr(condition, "objects", None)
    if members is None:
        return [condition.name] if hasattr(condition, "name") else []
    return sorted(name for member in members for name in _assets(member))


def _describe(dag: Any) -> dict[str, Any]:
    return {
        "file": Path(dag.fileloc).name,
        "tags": sorted(dag.tags),
        "doc_md": dag.doc_md or "",
        "timetable": type(dag.timetable).__name__,
        "waits_for": _assets(dag.timetable.asset_condition),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "tasks": {
            task.task_id: {
                "owner": task.owner,
                "retries": task.retries,
                "callbacks": _callbacks(task.on_failure_callback),
                "outlets": [outlet.name for outlet in task.outlets],
                "pool": task.pool,
                "before": sorted(task.downstream_task_ids),
            }
            for task in dag.tasks
        },
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
