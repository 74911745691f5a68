"""Retention: once a week, what is kept longer than the policy says is dropped.

### What
Drops archived versions and delivered files whose time is over by the seed `ref_retention`; never a
file that a version still kept was built from. Switched off until you switch it on.
### Reads
`ops.publication`, `ops.delivery`, `ops.hold`.
### Writes
`archive`, landing; `ops.retention`, `ops.landing_dropped`.
### How to rerun
`./warehouse retention`; `./warehouse retention --dry-run` shows what would go.
### Triage
Red: its last line says why; nothing is dropped twice, so run it again.
### Owner
data-engineering
"""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, task

from include.municipality import DEFAULTS, TIMEZONE

with DAG(
    dag_id="retention",
    schedule=CronTriggerTimetable("0 3 * * 0", timezone=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["housekeeping", "tier-1"],
    doc_md=__doc__,
):

    @task
    def drop() -> dict[str, int]:
        """How many archived versions and files were dropped."""
        from include.retention import drop as clear

        found = clear("airflow")
        return {"versions": len(found.versions), "files": len(found.files)}

    drop()
