"""A month's build: dbt into the candidate, the gate, the publication.

### What
Builds the candidate of one month from all accepted deliveries, audits it and publishes it.
Starts by itself when the last of the three sources has reported the month, or when
`late_deliveries` says that it is due.
### Reads
`raw.*` through `ops.accepted_delivery`, seeds.
### Writes
`staging`, `spine`, `core`, `candidate`; `marts` and `archive` in one transaction; `ops.build`,
`ops.gate_result`, `ops.publication`; Data Docs; `builds/<number>/run_results.json`.
### How to rerun
`./warehouse backfill 2026-01 2026-01 --reason "…"`, or trigger this DAG with the month as
partition key. The same inputs publish the same rows.
### Triage
`dbt` red: its log names the failed nodes; `run_results.json` of the build and `dbt.log` in the
state folder have their messages. `audit` red: the gate has blocked the
month; its log and Data Docs name expectation, counties and remedy, and `marts` is as it was.
### Owner
data-engineering
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.municipality import (
    CIVIL_AFFAIRS,
    COUNTY,
    DEFAULTS,
    HEALTH_INSURANCE,
    MONTH_DUE,
    say_build_is_late,
)
from include.settings import settings

with DAG(
    dag_id="monthly_build",
    schedule=PartitionedAssetTimetable(
        assets=(COUNTY & CIVIL_AFFAIRS & HEALTH_INSURANCE) | MONTH_DUE
    ),
    catchup=False,
    # Two builds at once would write the same candidate.
    max_active_runs=1,
    # A partitioned run has no logical date that a deadline could refer to.
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=settings().build_minutes),
        callback=SyncCallback(say_build_is_late),
    ),
    # A build is one dbt process; trying half of it again is a new build (see How to rerun).
    default_args=DEFAULTS | {"retries": 0},
    tags=["build", "tier-1"],
    doc_md=__doc__,
):

    @task
    def open_build(dag_run: Any = None) -> int:
        """The build's number: its month and what is known by now are on record under it."""
        from include.build import open_build as record

        return record(dag_run.partition_key)

    @task
    def dbt(build_id: int) -> dict[str, int]:
        """How many seeds, models and data tests ended in which state; each one's line in the log.

        One process for all of them: one per model would cost seconds each.
        """
        from include.build import run_dbt

        return run_dbt(build_id)

    @task
    def audit(build_id: int) -> None:
        """Great Expectations judges the candidate."""
        from include.gate import audit as judge

        judge(build_id)

    @task
    def publish(build_id: int) -> int:
        """The publication's number."""
        from include.publish import publish as release

        return release(build_id)

    build = open_build()
    dbt(build) >> audit(build) >> publish(build)
