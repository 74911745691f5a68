"""What all DAGs share: who owns them, how they retry, what months are, and the accepted assets."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, CronPartitionTimetable, Param

from include.settings import settings

TIMEZONE = "Asia/Shanghai"
PERIOD_FORMAT = "%Y-%m"

COUNTY = Asset(name="county_accepted", uri="x-warehouse://accepted/county")
CIVIL_AFFAIRS = Asset(name="civil_affairs_accepted", uri="x-warehouse://accepted/civil_affairs")
HEALTH_INSURANCE = Asset(
    name="health_insurance_accepted", uri="x-warehouse://accepted/health_insurance"
)
MONTH_DUE = Asset(name="month_due", uri="x-warehouse://month/due")
"""A month to build though not all three sources have just reported (include/watch.py)."""


TOGETHER = Param(
    False,
    type="boolean",
    title="All three sources",
    description="The other two sources are fetched for these months too: build each month once,"
    " when the last of the three has reported.",
)
REASON = Param(
    None, type=["null", "string"], title="Reason", description="Why; it is kept on record."
)
"""Params of the sources' DAGs, the configuration of a backfill."""


def schedule_start() -> pendulum.DateTime | None:
    """The first day of the first month fetched by schedule; None: the last month that has ended."""
    first = settings().schedule_from
    return pendulum.from_format(first, "YYYY-MM", tz=TIMEZONE) if first else None


def monthly() -> CronPartitionTimetable:
    """On the first of each month for the month before; the partition key is that month."""
    return CronPartitionTimetable(
        "0 0 1 * *", timezone=TIMEZONE, run_offset=-1, key_format=PERIOD_FORMAT
    )


def say_what_to_do(context: dict[str, Any]) -> None:
    """On failure, tell people (include/notices.py) and put the remedy last in the log.

    What the register of deliveries and publications says by itself is not told twice.
    """
    from include.errors import DeliveryRejected, GateBlocked
    from include.notices import task_failed, tell

    error = context.get("exception")
    dag_id, task, period = _named(context)
    remedy = getattr(error, "remedy", "read the task's log above.")
    found = [] if isinstance(error, DeliveryRejected | GateBlocked) else [error]
    tell(task_failed(dag_id, task, period, each) for each in found)
    logging.getLogger("warehouse.failure").error(
        "%s of %s failed. What to do: %s", task, period or dag_id, remedy
    )


def say_it_recovered(context: dict[str, Any]) -> None:
    """On success, have the task's next failure told again."""
    from include.notices import task_recovered

    task_recovered(*_named(context))


def _named(context: dict[str, Any]) -> tuple[str, str, str | None]:
    """DAG, task with its map index, and the month, None where the run has none."""
    instance = context["task_instance"]
    task = (
        instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"
    )
    return instance.dag_id, task, context["dag_run"].partition_key


def say_build_is_late(context: dict[str, Any], **_: Any) -> None:
    """A month's build has not ended by its deadline (Airflow's DeadlineAlert)."""
    from include.notices import build_is_late, tell

    run = context["dag_run"]
    tell([build_is_late(run["partition_key"], run["dag_run_id"])])


DEFAULTS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(hours=1),
    "on_failure_callback": say_what_to_do,
    "on_success_callback": say_it_recovered,
}
