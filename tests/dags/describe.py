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
    bag = DagBag(dag_folder=folder, include_examples=False)
    imported = set(sys.modules) - before
    json.dump(
        {
            "errors": bag.import_errors,
            "dags": {dag_id: _describe(dag) for dag_id, dag in bag.dags.items()},
            "imported": sorted(imported),
        },
        sys.stdout,
    )


def _describe(dag: Any) -> dict[str, Any]:
    return {
        "file": Path(dag.fileloc).name,
        "tags": sorted(dag.tags),
        "doc_md": dag.doc_md or "",
        "timetable": type(dag.timetable).__name__,
        "waits_for": sorted(asset.name for _, asset in dag.timetable.asset_condition.iter_assets()),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "tasks": {
            task.task_id: {
                "owner": task.owner,
                "retries": task.retries,
                "callbacks": [call.__name__ for call in task.on_failure_callback],
                "outlets": [outlet.name for outlet in task.outlets],
                "before": sorted(task.downstream_task_ids),
            }
            for task in dag.tasks
        },
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
