"""Airflow's REST API, as far as the command line needs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from include.errors import BackfillRefused, ServiceFailed
from include.services import embedded
from include.services.airflow_environment import OPERATOR, api_trust, api_url, password_file
from include.transport import distrust

PRODUCERS = ("county_delivery", "civil_affairs_delivery", "health_insurance_delivery")
BUILD = "monthly_build"
WATCH = "late_deliveries"
APPROVAL = "approval"
"""The task of a build in which it waits for a person."""
_PAGE = 100
ENDED = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})


@dataclass(frozen=True)
class Run:
    """One DAG run: ``period`` is its partition key; queued, running, success or failed."""

    dag_id: str
    run_id: str
    period: str
    state: str
    queued_at: datetime | None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    triggered_by: str | None = None
    """The account that asked for it; None for the schedule."""


@dataclass(frozen=True)
class AirflowBackfill:
    """Airflow's own backfill of one DAG, months ``first`` to ``last``; ``conf`` is its runs'."""

    backfill_id: int
    dag_id: str
    first: str
    last: str
    conf: dict[str, Any]
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True)
class Task:
    """One task instance; ``seconds`` is what it has run, None before it starts."""

    dag_id: str
    period: str
    task_id: str
    map_index: int
    state: str | None
    seconds: float | None


class Airflow:
    """A session with the API server as one of Airflow's accounts.

    Raises ServiceFailed where it does not answer.
    """

    def __init__(self, account: str = OPERATOR) -> None:
        self._http = httpx.Client(base_url=api_url(), timeout=60, verify=api_trust())
        secret = json.loads(password_file(embedded.home()).read_text())[account]
        answer = self._call("POST", "/auth/token", json={"username": account, "password": secret})
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def __enter__(self) -> Airflow:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def dags(self) -> set[str]:
        """Ids of the DAGs that the DAG processor has read."""
        return {dag["dag_id"] for dag in self._call("GET", "/api/v2/dags")["dags"]}

    def import_errors(self) -> list[str]:
        """File names of DAGs that cannot be read."""
        errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [error["filename"] for error in errors]

    def switch_on(self, dag_id: str) -> None:
        """Let the scheduler run this DAG."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str) -> None:
        """Have a DAG run once, now."""
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None})

    def backfill(self, dag_id: str, first: str, last: str, conf: dict[str, Any]) -> int:
        """Create Airflow's own backfill of the partitions ``first`` to ``last`` (months); its id.

        Months that ran before run again, one at a time and in order; ``conf`` are the DAG's params.
        Raises BackfillRefused where Airflow already has one of this DAG in flight.
        """
        answer = self._http.post(
            "/api/v2/backfills",
            json={
                "dag_id": dag_id,
                "from_date": f"{first}-01T00:00:00Z",
                "to_date": f"{last}-01T00:00:00Z",
                "reprocess_behavior": "completed",
                "max_active_runs": 1,
                "dag_run_conf": conf,
            },
        )
        if answer.status_code == httpx.codes.CONFLICT:
            raise BackfillRefused(
                f"Airflow has a backfill of {dag_id} in flight.",
                rule="overlap",
                remedy="wait until it has ended, or cancel it on Airflow's page.",
            )
        return int(self._answer(answer)["id"])

    def backfills(self) -> list[AirflowBackfill]:
        """The latest hundred backfills of each producer, whoever created them, oldest first."""
        return sorted(
            (
                AirflowBackfill(
                    found["id"],
                    dag_id,
                    *months_of(found["from_date"], found["to_date"]),
                    found["dag_run_conf"] or {},
                    datetime.fromisoformat(found["created_at"]),
                    found["completed_at"] and datetime.fromisoformat(found["completed_at"]),
                )
                for dag_id in PRODUCERS
                for found in self._call(
                    "GET",
                    "/api/v2/backfills",
                    params={"dag_id": dag_id, "limit": _PAGE, "order_by": "-id"},
                )["backfills"]
            ),
            key=lambda found: found.backfill_id,
        )

    def runs(self, since: datetime, dag_ids: Sequence[str] = (*PRODUCERS, BUILD)) -> list[Run]:
        """Runs of DAGs queued at ``since`` or later, those queued first first."""
        found: list[Run] = []
        for dag_id in dag_ids:
            offset, total = 0, 1
            while offset < total:
                page = self._call(
                    "GET",
                    f"/api/v2/dags/{dag_id}/dagRuns",
                    params={
                        "updated_at_gte": since.isoformat(),
                        "limit": _PAGE,
                        "offset": offset,
                        "order_by": "id",
                    },
                )
                found += [_run(each) for each in page["dag_runs"]]
                offset, total = offset + _PAGE, page["total_entries"]
        return sorted(
            (run for run in found if run.queued_at and run.queued_at >= since),
            key=lambda run: (str(run.queued_at), run.run_id),
        )

    def latest(self, dag_id: str, limit: int, state: Sequence[str] = ("success",)) -> list[Run]:
        """The latest runs of a DAG in one of these states."""
        return [
            _run(each)
            for each in self._call(
                "GET",
                f"/api/v2/dags/{dag_id}/dagRuns",
                params={"state": list(state), "limit": limit, "order_by": "-id"},
            )["dag_runs"]
        ]

    def tasks(self, run: Run) -> list[Task]:
        """All task instances of a run."""
        listed = self._call(
            "GET",
            f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances",
            params={"limit": 200},
        )["task_instances"]
        return [
            Task(
                run.dag_id,
                run.period,
                task["task_id"],
                task["map_index"],
                task["state"],
                task["duration"],
            )
            for task in listed
        ]

    def answer(self, run_id: str, option: str, reason: str) -> bool:
        """Give a waiting approval of a month's build its answer, as a person on the page does: the
        account has to be the approver's.

        False where nothing waits (any more) in that run.
        """
        answer = self._http.patch(
            f"/api/v2/dags/{BUILD}/dagRuns/{run_id}/taskInstances/{APPROVAL}/-1/hitlDetails",
            json={"chosen_options": [option], "params_input": {"reason": reason}},
        )
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT):
            return False
        self._answer(answer)
        return True

    def failure(self, run: Run, task: Task) -> str:
        """The last error line of a failed task's log."""
        log = self._call(
            "GET",
            f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task.task_id}/logs/1",
            params={"map_index": task.map_index},
        )
        events = [entry for entry in log["content"] if isinstance(entry, dict)]
        errors = [entry for entry in events if entry.get("level") in ("error", "critical")]
        details = [
            f"{detail.get('exc_type')}: {detail.get('exc_value')}"
            for entry in errors
            for detail in entry.get("error_detail") or []
        ]
        lines = details or [str(entry.get("event")) for entry in errors]
        return lines[0] if lines else "no error line; see the log on Airflow's page"

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            return self._answer(self._http.request(method, path, **options))
        except httpx.TransportError as error:
            if why := distrust(error):
                raise ServiceFailed(
                    f"Airflow's API at {api_url()} is not believed: {why}.",
                    remedy="see WAREHOUSE_TLS_AUTHORITY and WAREHOUSE_AIRFLOW_API_URL.",
                ) from None
            raise ServiceFailed(
                f"Airflow's API at {api_url()} does not answer ({type(error).__name__}).",
                remedy="see ./warehouse status; start it with ./warehouse up.",
            ) from None

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        if response.is_error:
            raise ServiceFailed(
                f"Airflow's API answered {response.status_code} to {response.request.method} "
                f"{response.request.url.path}.",
                remedy="read the log of airflow-api-server (./warehouse status shows where).",
            )
        answer: dict[str, Any] = response.json()
        return answer


def _run(found: dict[str, Any]) -> Run:
    queued, started, ended = (
        found[name] and datetime.fromisoformat(found[name])
        for name in ("queued_at", "start_date", "end_date")
    )
    return Run(
        found["dag_id"],
        found["dag_run_id"],
        found["partition_key"],
        found["state"],
        queued,
        started,
        ended,
        found["triggering_user_name"],
    )


def months_of(from_date: str, to_date: str) -> tuple[str, str]:
    """First and last month of an Airflow backfill whose ends are given (ISO 8601).

    Months whose first day lies between the ends, by their wall clock in UTC: so Airflow reads them
    for a timetable of months, whatever its time zone.
    """
    start, end = (datetime.fromisoformat(each).astimezone(UTC) for each in (from_date, to_date))
    is_first = start == start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = start.year * 12 + start.month - is_first
    return f"{month // 12:04}-{month % 12 + 1:02}", f"{end:%Y-%m}"
