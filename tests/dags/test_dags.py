"""The DAGs as Airflow reads them: what is there, and what every one of them must have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.services.airflow_environment import REPORTS_POOL, airflow_environment
from include.settings import PROJECT_ROOT
from tests.conftest import only_environment

SOURCES = {
    "county_delivery": "county_accepted",
    "civil_affairs_delivery": "civil_affairs_accepted",
    "health_insurance_delivery": "health_insurance_accepted",
}
SECTIONS = ["What", "Reads", "Writes", "How to rerun", "Triage", "Owner"]
HEAVY = ("pandas", "numpy", "great_expectations", "dbt", "sqlalchemy.dialects.postgresql.psycopg")


def describe(folder: Path, home: Path) -> dict[str, Any]:
    """What Airflow finds in a folder of DAG files."""
    with only_environment(home=str(home)):
        environment = os.environ | airflow_environment()
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("describe.py")), str(folder)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"errors"') :])
    return found


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return describe(PROJECT_ROOT / "dags", tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def dags(parsed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = parsed["dags"]
    assert found
    return found


def test_all_dags_are_read(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == {*SOURCES, "late_deliveries", "monthly_build", "retention"}


def test_a_broken_dag_file_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "broken_dag.py").write_text("from airflow.sdk import DAG\nimport nothing_such\n")
    found = describe(folder, tmp_path)
    assert found["dags"] == {}
    assert len(found["errors"]) == 1


def test_reading_the_dags_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    packages = {name.split(".")[0] for name in parsed["imported"]} | set(parsed["imported"])
    assert "include" in packages
    assert packages.isdisjoint(HEAVY)


@pytest.mark.parametrize("dag_id", [*SOURCES, "late_deliveries", "monthly_build", "retention"])
def test_policy(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert dag["file"] == f"{dag_id}.py"
    assert "tier-1" in dag["tags"]
    assert re.findall(r"^### (.+)$", dag["doc_md"], re.MULTILINE) == SECTIONS
    assert all(
        text.strip() for text in re.split(r"^### .+$", dag["doc_md"], flags=re.MULTILINE)[1:]
    )
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
    for task in dag["tasks"].values():
        assert task["owner"] == "data-engineering"
        assert task["callbacks"] == ["say_what_to_do"]


@pytest.mark.parametrize("dag_id", SOURCES)
def test_a_source_tries_again_and_says_when_it_is_accepted(
    dags: dict[str, Any], dag_id: str
) -> None:
    dag = dags[dag_id]
    assert dag["timetable"] == "CronPartitionTimetable"
    assert all(task["retries"] >= 2 for task in dag["tasks"].values())
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    # The source's report, or the month at once where no other source is fetched with it.
    assert outlets == {"ready": [SOURCES[dag_id]], "due": ["month_due"]}
    assert dag["tasks"]["judge"]["before"] == ["due", "ready"]
    assert {name for name, task in dag["tasks"].items() if not task["before"]} == set(outlets)
    # No two sources at the same time, or Airflow may open the month twice and build it never.
    pooled = {name for name, task in dag["tasks"].items() if task["pool"] == REPORTS_POOL}
    assert pooled == set(outlets)


def test_the_look_into_the_drops_sends_months_one_after_the_other(dags: dict[str, Any]) -> None:
    dag = dags["late_deliveries"]
    assert dag["timetable"] == "DeltaTriggerTimetable"
    assert dag["tasks"]["take_in"]["before"] == ["due", "tell"]
    assert dag["tasks"]["due"]["before"] == ["send"]
    assert dag["tasks"]["send"]["outlets"] == ["month_due"]
    assert dag["tasks"]["send"]["pool"] == REPORTS_POOL


def test_the_build_waits_for_all_sources_and_goes_in_order(dags: dict[str, Any]) -> None:
    dag = dags["monthly_build"]
    assert dag["timetable"] == "PartitionedAssetTimetable"
    assert dag["waits_for"] == sorted([*SOURCES.values(), "month_due"])
    after = {name: task["before"] for name, task in dag["tasks"].items()}
    assert after["dbt"] == ["audit"]
    assert after["audit"] == ["approval"]
    assert after["approval"] == ["publish"]
    assert after["publish"] == []
    assert "dbt" in after["open_build"]
    assert {task["retries"] for task in dag["tasks"].values()} == {2}


def test_documents_name_commands_that_exist(dags: dict[str, Any]) -> None:
    from include.cli.main import COMMAND_MODULES

    for dag in dags.values():
        named = set(re.findall(r"\./warehouse (\w+)", dag["doc_md"]))
        assert named
        assert named <= set(COMMAND_MODULES)


def test_every_task_is_killed_somewhere(dags: dict[str, Any]) -> None:
    """The kill matrix has points in each task: before, in the middle, just before it commits."""
    from include.evaluation.kills.points import points
    from include.evaluation.kills.tasks import TASKS

    tasks = {f"{dag_id}.{name}" for dag_id, dag in dags.items() for name in dag["tasks"]}
    tasks.remove("monthly_build.approval")  # waits without a process, and writes nothing of ours
    moments: dict[str, set[str]] = {task: set() for task in tasks}
    for point in points():
        moments[point.task].add(point.moment)
    assert set(TASKS) == tasks
    for task, of_task in moments.items():
        emits = task.endswith((".ready", ".send", "_delivery.due"))
        assert of_task >= ({"before"} if emits else {"before", "middle", "commit"}), task
    assert len({point.name for point in points()}) == len(points()) >= 60
