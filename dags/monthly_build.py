"""A month's build: dbt into the candidate, the gate, a person's word where needed, the publication.

### What
Builds the candidate of one month from all accepted deliveries, audits it and publishes it.
What would change more of a closed month than its limits allow waits for a person first: on this
page under Required Actions, or by `./warehouse approval`.
Starts by itself when the last of the three sources has reported the month, or when
`late_deliveries` says that it is due.
### Reads
`raw.*` through `ops.accepted_delivery`, seeds.
### Writes
`staging`, `spine`, `core`, `candidate`; `marts` and `archive` in one transaction; `ops.build`,
`ops.gate_result`, `ops.approval`, `ops.publication`; Data Docs; `builds/<number>/run_results.json`.
### How to rerun
`./warehouse backfill 2026-01 2026-01 --reason "…"`, or trigger this DAG with the month as
partition key. The same inputs publish the same rows.
### Triage
`dbt` red: its log names the failed nodes; `run_results.json` of the build and `dbt.log` in the
state folder have their messages. `audit` red: the gate has blocked the month; its log and Data Docs
name expectation, counties and remedy, and `marts` is as it was; or the month was rolled back and is
held, and its log says what lets it go. `publish` red after `approval`: nobody has answered in time,
or somebody refused; its last line says who and why. An approval that comes later
(`./warehouse approval approve`) has the month built again by itself.
### Owner
data-engineering
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import (
    DAG,
    ExceptionRetryPolicy,
    Param,
    PartitionedAssetTimetable,
    RetryAction,
    RetryRule,
    task,
)
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowSkipException

from include.airflow_api import APPROVAL
from include.approval import APPROVE, REFUSE
from include.errors import WarehouseError
from include.municipality import (
    CIVIL_AFFAIRS,
    COUNTY,
    DEFAULTS,
    HEALTH_INSURANCE,
    MONTH_DUE,
    say_build_is_late,
)
from include.settings import settings


class UnlessAnswered(HITLOperator):
    """Asks nobody where the command has answered before.

    Once it has asked it never ends as skipped, which is slow: Airflow would take the late end of
    the process that asked for a failure of the one that goes on (apache/airflow#71580).
    """

    def execute(self, context: Any) -> Any:
        from include.approval import is_answered

        if is_answered(context["ti"].xcom_pull(task_ids="open_build")):
            raise AirflowSkipException("The answer is on record already.")
        return super().execute(context)


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
    # Each step may be done again: after a killed process or a server that was away it is. What we
    # refuse by name would only be refused again.
    default_args=DEFAULTS
    | {
        "retries": 2,
        "retry_policy": ExceptionRetryPolicy([RetryRule(WarehouseError, RetryAction.FAIL)]),
    },
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

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def audit(build_id: int, dag_run: Any = None) -> str | None:
        """Great Expectations judges the candidate; what of it needs an approval, in words."""
        from include.gate import audit as judge
        from include.publish import ask

        judge(build_id)
        return ask(build_id, dag_run.run_id)

    # Waits without a process; skipped where audit found nothing to ask about.
    approval = UnlessAnswered(
        task_id=APPROVAL,
        subject="{{ dag_run.partition_key }} is closed: publish so large a change?",
        body="{{ ti.xcom_pull(task_ids='audit') }}",
        options=[APPROVE, REFUSE],
        defaults=[REFUSE],
        # Null is what Airflow answers with when nobody has; a person's word without a reason fails.
        params={
            "reason": Param(None, type=["null", "string"], title="Reason: needed, kept on record")
        },
        response_timeout=timedelta(hours=settings().approval_hours),
    )

    @task(trigger_rule="none_failed")
    def publish(build_id: int, ti: Any = None) -> int:
        """The publication's number."""
        from include.approval import record_airflow
        from include.publish import publish as release

        record_airflow(build_id, ti.xcom_pull(task_ids=APPROVAL))
        return release(build_id)

    build = open_build()
    dbt(build) >> audit(build) >> approval >> publish(build)
