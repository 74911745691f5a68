"""Civil affairs' tables of a month: extracted through COPY, loaded, judged.

### What
Extracts the civil-affairs tables, rows changed within the lookback window, and lets Great
Expectations accept or reject each table.
### Reads
`WAREHOUSE_CIVIL_AFFAIRS_DSN`, tables `mz_*`.
### Writes
Landing, `raw.mz_*`, `ops.delivery`, `ops.acceptance`, receipts, Data Docs; the assets
`civil_affairs_accepted` and `month_due`.
### How to rerun
`./warehouse backfill 2026-01 2026-01 --source civil_affairs --reason "…"`, clear the run, or a
backfill of this DAG in Airflow.
### Triage
`extract_and_load` red: the database does not answer or a table lacks a column. `judge` red: a
table was rejected; the month waits, since every county depends on it,
unless an operator says otherwise: `./warehouse readiness go-ahead 2026-01 --reason "…"`.
`ready` or `due` waiting: another source is reporting; the pool `accepted_reports` lets one at a
time. `due` runs instead of `ready` where the month was built before and this source alone is
fetched.
### Owner
data-engineering
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from include.contracts import kinds_of
from include.municipality import (
    CIVIL_AFFAIRS,
    DEFAULTS,
    MONTH_DUE,
    REASON,
    TOGETHER,
    monthly,
    schedule_start,
)
from include.services.airflow_environment import REPORTS_POOL

with DAG(
    dag_id="civil_affairs_delivery",
    schedule=monthly(),
    start_date=schedule_start(),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["source", "tier-1"],
    params={"together": TOGETHER, "reason": REASON},
    doc_md=__doc__,
):

    @task(map_index_template="{{ table }}")
    def extract_and_load(kind: str, dag_run: Any = None) -> int:
        """Delivery id of one table."""
        from airflow.sdk import get_current_context

        from include.load import load
        from include.sources.civil_affairs import extract

        get_current_context()["table"] = kind
        return load(extract(dag_run.partition_key, kind))

    @task.branch
    def judge(dag_run: Any = None, params: Any = None) -> str | None:
        """The task that goes on with the month; fails where the month's gate is not open."""
        from include.pipeline import report

        return report("civil_affairs", dag_run.partition_key, params)

    @task(outlets=[CIVIL_AFFAIRS], pool=REPORTS_POOL)
    def ready() -> None:
        """The month's deliveries of this source are here."""

    @task(outlets=[MONTH_DUE], pool=REPORTS_POOL)
    def due() -> None:
        """The month was built before and is built again."""

    kinds = [contract.kind for contract in kinds_of("civil_affairs")]
    extract_and_load.expand(kind=kinds) >> judge() >> [ready(), due()]
