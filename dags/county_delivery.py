"""The eleven counties' files of a month: fetched, loaded, judged; then the month is ready.

### What
Fetches every county's folder of a month (xlsx, csv), loads each file once, lets Great
Expectations accept or reject each delivery as a whole, and asks the month's gate: it opens when
all counties have been judged, when the deadline has passed, or when an operator says so.
### Reads
`WAREHOUSE_COUNTY_URL/<period>/<county code>/` (file:// or sftp://).
### Writes
Landing, `raw.county_*`, `ops.delivery`, `ops.acceptance`, `ops.readiness`, receipts, Data Docs; the
asset `county_accepted`.
### How to rerun
`./warehouse backfill 2026-01 2026-01 --reason "…"`, or clear the run. What was loaded before is
not loaded again.
### Triage
`fetch_and_load` skipped: the county has not delivered. Red: its drop does not answer; the task
tries again. Neither stops the others: `late_deliveries` takes in what comes later. `ready`
skipped: the gate waits, and `./warehouse readiness show` says for whom; `late_deliveries` goes on
when it opens. A rejected county is held back on the scorecard until its correction has come, which
builds the month again by itself.
### Owner
data-engineering
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from include.acceptance import counties
from include.municipality import COUNTY, DEFAULTS, monthly, schedule_start
from include.services.airflow_environment import REPORTS_POOL

with DAG(
    dag_id="county_delivery",
    schedule=monthly(),
    start_date=schedule_start(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["source", "tier-1"],
    doc_md=__doc__,
):

    @task(map_index_template="{{ county }}")
    def fetch_and_load(county_code: str, dag_run: Any = None) -> list[int]:
        """Delivery ids of one county."""
        from airflow.sdk import get_current_context
        from airflow.sdk.exceptions import AirflowSkipException

        from include.errors import DeliveryMissing
        from include.load import load
        from include.sources.county import fetch

        get_current_context()["county"] = county_code
        try:
            landed = fetch(dag_run.partition_key, county_code)
        except DeliveryMissing as missing:
            raise AirflowSkipException(str(missing)) from None
        return [load(each) for each in landed]

    @task(trigger_rule="all_done")
    def judge(dag_run: Any = None) -> dict[str, int]:
        """How many deliveries were accepted and rejected."""
        from include.pipeline import judge_deliveries

        return judge_deliveries("county", dag_run.partition_key)

    @task(outlets=[COUNTY], pool=REPORTS_POOL)
    def ready(dag_run: Any = None) -> list[str]:
        """The counties that are held back; skipped while the month's gate waits."""
        from airflow.sdk.exceptions import AirflowSkipException

        from include.readiness import ask

        gate = ask(dag_run.partition_key, "county")
        if not gate.is_open:
            raise AirflowSkipException(gate.sentence)
        return gate.held_back

    fetch_and_load.expand(county_code=list(counties())) >> judge() >> ready()
