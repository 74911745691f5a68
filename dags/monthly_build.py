"""A month's build: dbt into the candidate, the gate, the publication."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, task
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, LoadMode, TestBehavior

from include.municipality import CIVIL_AFFAIRS, COUNTY, DEFAULTS, HEALTH_INSURANCE
from include.settings import PROJECT_ROOT, settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"

with DAG(
    dag_id="monthly_build",
    schedule=PartitionedAssetTimetable(assets=COUNTY & CIVIL_AFFAIRS & HEALTH_INSURANCE),
    catchup=False,
    # Two builds at once would write the same candidate.
    max_active_runs=1,
    # A build is one dbt process; trying half of it again is a new build (see How to rerun).
    default_args=DEFAULTS | {"retries": 0},
    tags=["build", "tier-1"],
    doc_md="""
    ### What
    Builds the candidate of one month from all accepted deliveries, audits it and publishes it.
    Starts by itself when the last of the three sources has been accepted for the month.
    ### Reads
    `raw.*` through `ops.accepted_delivery`, seeds.
    ### Writes
    `staging`, `spine`, `core`, `candidate`; `marts` and `archive` in one transaction; `ops.build`,
    `ops.gate_result`, `ops.publication`; Data Docs.
    ### How to rerun
    `./warehouse backfill 2026-01 2026-01 --reason "…"`, or trigger this DAG with the month as
    partition key. The same inputs publish the same rows.
    ### Triage
    A model red: read its dbt message in the producer's log. `audit` red: the gate has blocked the
    month; its log and Data Docs name expectation, counties and remedy, and `marts` is as it was.
    ### Owner
    data-engineering
    """,
):

    @task
    def open_build(dag_run: Any = None) -> dict[str, Any]:
        """The build's number and dbt variables."""
        import json

        from include.build import dbt_vars
        from include.build import open_build as record

        build_id = record(dag_run.partition_key)
        return {"build_id": build_id, "vars": json.dumps(dbt_vars(build_id))}

    @task
    def audit(build: dict[str, Any]) -> None:
        """Great Expectations judges the candidate."""
        from include.gate import audit as judge

        judge(build["build_id"])

    @task
    def publish(build: dict[str, Any]) -> int:
        """The publication's number."""
        from include.publish import publish as release

        return release(build["build_id"])

    build = open_build()
    candidate = DbtTaskGroup(
        group_id="dbt",
        project_config=ProjectConfig(
            dbt_project_path=DBT_PROJECT,
            manifest_path=settings().dbt_target / "manifest.json",
            project_name="rural_warehouse",
        ),
        profile_config=ProfileConfig(
            profile_name="rural_warehouse",
            target_name="warehouse",
            profiles_yml_filepath=DBT_PROJECT / "profiles.yml",
        ),
        execution_config=ExecutionConfig(execution_mode=ExecutionMode.WATCHER),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            test_behavior=TestBehavior.NONE,
            emit_datasets=False,
        ),
        operator_args={
            "vars": "{{ ti.xcom_pull(task_ids='open_build')['vars'] }}",
            # The one dbt process runs the models' data tests too; unit tests are for development.
            "dbt_cmd_flags": ["--resource-type", "test"],
            "install_deps": False,
            "emit_datasets": False,
        },
    )
    build >> candidate >> audit(build) >> publish(build)
