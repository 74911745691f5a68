"""The eleven counties' files of a month: fetched, loaded, judged; then the month is ready.

### What
Fetches every county's folder of a month (xlsx, csv), loads each file once, lets Great
Expectations accept or reject each delivery as a whole, and asks the month's gate: it opens when
all counties have been judged, when the deadline has passed, or when an operator says so.
### Reads
`WAREHOUSE_COUNTY_URL/<period>/<county code>/` (file:// or sftp://).
### Writes
Landing, `raw.county_*`, `ops.delivery`, `ops.acceptance`, `ops.readiness`, receipts, Data Docs; the
assets `county_accepted` and `month_due`.
### How to rerun
`./warehouse backfill 2026-01 2026-01 --source county --reason "…"` (`--county` for one of them),
clear the run, or a backfill of this DAG in Airflow. What was loaded before is not loaded again.
### Triage
`fetch_and_load` skipped: the county has not delivered. Red: its drop does not answer; the task
tries again. Neither stops the others: `late_deliveries` takes in what comes later. `ready` and
`due` skipped: the gate waits, and `./warehouse readiness show` says for whom; `late_deliveries`
goes on when it opens. `due` runs instead of `ready` where the month was built before and this
source alone is fetched. A rejected county is held back on the scorecard until its correction has
come, which builds the month again by itself.
### Owner
data-engineering
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task

from include.areas import counties
from include.municipality import (
    COUNTY,
    DEFAULTS,
    MONTH_DUE,
    REASON,
    TOGETHER,
    monthly,
    schedule_start,
)
from include.services.airflow_environment import REPORTS_POOL

with DAG(
    dag_id="county_delivery",
    schedule=monthly(),
    start_date=schedule_start(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["source", "tier-1"],
    params={
        "county": Param(
            None,
            type=["null", "string"],
            enum=[None, *counties()],
            title="County",
            description="Only this county's files; empty: all eleven.",
        ),
        "together": TOGETHER,
        "reason": REASON,
    },
    doc_md=__doc__,
):

    @task(map_index_template="{{ county }}")
    def fetch_and_load(county_code: str, dag_run: Any = None, params: Any = None) -> list[int]:
        """Delivery ids of one county; skipped where another is asked for."""
        from airflow.sdk import get_current_context
        from airflow.sdk.exceptions import AirflowSkipException

        from include.errors import DeliveryMissing
        from include.load import load
        from include.sources.county import fetch

        get_current_context()["county"] = county_code
        if params["county"] not in (None, county_code):
            raise AirflowSkipException(f"only {params['county']} is asked for.")
        try:
            landed = fetch(dag_run.partition_key, county_code)
        except DeliveryMissing as missing:
            raise AirflowSkipException(str(missing)) from None
        return [load(each) for each in landed]

    @task.branch(trigger_rule="all_done")
    def judge(dag_run: Any = None, params: Any = None) -> str | None:
        """The task that goes on with the month; none while the month's gate waits."""
        from include.pipeline import report

        return report("county", dag_run.partition_key, params)

    @task(outlets=[COUNTY], pool=REPORTS_POOL)
    def ready() -> None:
        """The month's deliveries of this source are here; who is not usable is held back."""

    @task(outlets=[MONTH_DUE], pool=REPORTS_POOL)
    def due() -> None:
        """The month was built before and is built again."""

    fetch_and_load.expand(county_code=list(counties())) >> judge() >> [ready(), due()]
