"""The eleven counties' files of a month: fetched, loaded, judged; then the month is ready.

### What
Fetches every county's folder of a month (xlsx, csv), loads each file once, and lets Great
Expectations accept or reject each delivery as a whole.
### Reads
`WAREHOUSE_COUNTY_URL/<period>/<county code>/` (file:// or sftp://).
### Writes
Landing, `raw.county_*`, `ops.delivery`, `ops.acceptance`, Data Docs; the asset
`county_accepted`.
### How to rerun
`./warehouse backfill 2026-01 2026-01 --reason "…"`, or clear the run. What was loaded before is
not loaded again.
### Triage
`fetch_and_load` red: the county has not delivered, or its drop does not answer; the task tries
again. A rejected county does not stop the others: `judge` logs file, reason and remedy, and the
county is held back on the scorecard until it sends a corrected file and the month is run again.
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

        from include.load import load
        from include.sources.county import fetch

        get_current_context()["county"] = county_code
        return [load(landed) for landed in fetch(dag_run.partition_key, county_code)]

    @task
    def judge(dag_run: Any = None) -> dict[str, int]:
        """How many deliveries were accepted and rejected."""
        from include.pipeline import judge_deliveries

        return judge_deliveries("county", dag_run.partition_key)

    @task(outlets=[COUNTY], pool=REPORTS_POOL)
    def ready(dag_run: Any = None) -> list[str]:
        """The counties that are held back; fails while one has not been judged at all."""
        from include.acceptance import ensure_judged, held_back

        ensure_judged(dag_run.partition_key)
        return held_back(dag_run.partition_key)

    fetch_and_load.expand(county_code=list(counties())) >> judge() >> ready()
