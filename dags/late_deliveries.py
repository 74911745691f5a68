"""Late and corrected deliveries: taken in every few minutes; the months they touch are built again.

### What
Looks into the counties' drops for files of open months that have not arrived yet, or have changed
(by name, size and time stamp; nothing known is fetched again), loads and judges them, and has those
months built whose gates have opened or whose inputs have changed since their last build. It also
finds deliveries that came by another door. People are told of what was rejected, blocked or is
late.
### Reads
`WAREHOUSE_COUNTY_URL/<period>/<county code>/`; `ops.arrival`, `ops.acceptance`, `ops.build`.
### Writes
Landing, `raw.county_*`, `ops.delivery`, `ops.acceptance`, `ops.readiness`, `ops.month_due`,
`ops.notice`, receipts, Data Docs; the asset `month_due`, one partition per month, earliest first.
### How to rerun
It runs every `WAREHOUSE_WATCH_MINUTES`; trigger it to look at once. What is missing and what each
gate says is told by `./warehouse readiness show`.
### Triage
`take_in` red: its last line names the counties whose drop does not answer or whose file breaks the
loader; the others were taken in. `due` empty though a correction has come: deliveries or builds are
under way and the next look goes on, `monthly_build` is switched off, or the file was rejected (see
its receipt).
### Owner
data-engineering
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, DeltaTriggerTimetable, task

from include.airflow_api import BUILD, PRODUCERS
from include.municipality import DEFAULTS, MONTH_DUE
from include.services.airflow_environment import REPORTS_POOL
from include.settings import settings

with DAG(
    dag_id="late_deliveries",
    schedule=DeltaTriggerTimetable(timedelta(minutes=settings().watch_minutes)),
    catchup=False,
    max_active_runs=1,
    # The next look comes soon enough.
    default_args=DEFAULTS | {"retries": 0},
    tags=["source", "tier-1"],
    doc_md=__doc__,
):

    @task
    def take_in() -> dict[str, int]:
        """How many new files came, and how many deliveries were accepted and rejected."""
        from include.watch import take_in as look

        return look()

    @task(trigger_rule="all_done")
    def due(ti: Any = None, run_id: Any = None) -> list[str]:
        """The months to build.

        None while sources report or builds run, so that none runs twice; none while builds are
        switched off, for Airflow would forget them.
        """
        from include.watch import due_months

        under_way = ["queued", "running"]
        if any(ti.get_dr_count(dag_id, states=under_way) for dag_id in (*PRODUCERS, BUILD)):
            return []
        return [] if ti.get_dag(BUILD).is_paused else due_months(run_id)

    @task(trigger_rule="all_done")
    def tell() -> int:
        """How many rejections, blocks and late senders are new; people are told."""
        from include.notices import tell as notify

        return notify()

    @task(outlets=[MONTH_DUE], pool=REPORTS_POOL, map_index_template="{{ month }}")
    def send(period: str, outlet_events: Any = None) -> None:
        """One after the other (the pool has one slot), so that months are built in order."""
        from airflow.sdk import get_current_context

        get_current_context()["month"] = period
        outlet_events[MONTH_DUE].add_partitions(period)

    months = due()
    take_in() >> [months, tell()]
    send.expand(period=months)
