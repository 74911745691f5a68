"""What all DAGs share: who owns them, how they retry, what months are, and the accepted assets."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, CronPartitionTimetable

from include.settings import settings

TIMEZONE = "Asia/Shanghai"
PERIOD_FORMAT = "%Y-%m"

COUNTY = Asset(name="county_accepted", uri="x-warehouse://accepted/county")
CIVIL_AFFAIRS = Asset(name="civil_affairs_accepted", uri="x-warehouse://accepted/civil_affairs")
HEALTH_INSURANCE = Asset(
    name="health_insurance_accepted", uri="x-warehouse://accepted/health_insurance"
)


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
    """On failure, put the refusal's remedy (no personal value is in it) last in the log."""
    error = context.get("exception")
    remedy = getattr(error, "remedy", "read the task's log above.")
    logging.getLogger("warehouse.failure").error(
        "%s of %s failed. What to do: %s",
        context["task_instance"].task_id,
        context["dag_run"].partition_key,
        remedy,
    )


DEFAULTS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(hours=1),
    "on_failure_callback": say_what_to_do,
}
