"""A month's build: its recorded inputs, and dbt as one process over them."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from include import kept
from include.database import acting_as, connect, dsn_of
from include.errors import WarehouseError
from include.locks import begin_candidate, complete_candidate, working_schemas
from include.months import demand_month
from include.settings import PROJECT_ROOT, settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
_TLS_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_DBT_PROCESS = PROJECT_ROOT / "include" / "dbt_process.py"
_log = logging.getLogger(__name__)


class BuildFailed(WarehouseError):
    """dbt did not build the candidate; the last good month stays published."""


_KNOWLEDGE = "ops.arrival, ops.acceptance, ops.alert_event, vault.link_decision, vault.person_alias"
"""What a build reads by the time at which it was written."""


@dataclass(frozen=True)
class Workplace:
    """Where dbt works: a project, a folder for artefacts, and what its schemas' names begin with.

    Builds work on the project as it is, in the schemas that the gate and the publisher read.
    """

    project: Path = field(default_factory=lambda: DBT_PROJECT)
    target: Path = field(default_factory=lambda: settings().dbt_target)
    prefix: str = ""


def dbt_environment(workplace: Workplace | None = None) -> dict[str, str]:
    """What a dbt process of ours needs: the warehouse, the project, and where artefacts go."""
    place = workplace or Workplace()
    parts = conninfo_to_dict(dsn_of("transformer"))
    return {
        "DBT_HOST": str(parts.get("host", "")),
        "DBT_PORT": str(parts.get("port") or 5432),
        "DBT_USER": str(parts.get("user", "")),
        "DBT_PASSWORD": str(parts.get("password") or ""),
        "DBT_DATABASE": str(parts.get("dbname", "")),
        **{f"DBT_{name.upper()}": str(parts.get(name) or "") for name in _TLS_OPTIONS},
        "PGOPTIONS": str(parts.get("options") or ""),
        "DBT_TARGET_PATH": str(place.target),
        "DBT_LOG_PATH": str(settings().home / "logs" / "dbt"),
        "DBT_PROFILES_DIR": str(place.project),
        "DBT_PROJECT_DIR": str(place.project),
        "DBT_SCHEMA_PREFIX": place.prefix,
    }


@acting_as("transformer")
def open_build(
    period: str, known_at: datetime | None = None, *, is_trial: bool | None = None
) -> int:
    """Record a build of ``period`` on what is known at ``known_at`` (default: now).

    The time is read here, once; everything after is a function of the record. It is read when
    nobody is about to commit what bears an earlier time, so that the build and whoever repeats it
    know the same. What the build runs is kept (include/kept.py). A trial (default: where
    ``known_at`` is given) is nothing that has to be published. Raises NotAMonth.
    """
    demand_month(period)
    is_trial = known_at is not None if is_trial is None else is_trial
    code, seeds = kept.keep(DBT_PROJECT)
    with connect() as connection:
        connection.execute(f"lock table {_KNOWLEDGE} in share mode".encode())
        row = connection.execute(
            "insert into ops.build (period, known_at, seeds_sha256, code_sha256, linkage_sha256,"
            " functions_sha256, is_trial)"
            " values (%s, coalesce(%s, clock_timestamp()), %s, %s, %s, %s, %s) returning build_id",
            [
                period,
                known_at,
                seeds,
                code,
                kept.linkage_sha256(),
                kept.functions_sha256(connection),
                is_trial,
            ],
        ).fetchone()
    assert row is not None
    return int(row[0])


@acting_as("transformer")
def build_variables(build_id: int) -> dict[str, str]:
    """The build's month, knowledge time (ISO, UTC), number and seeds, for the macro build_var."""
    with connect() as connection:
        row = connection.execute(
            "select period, known_at, seeds_sha256 from ops.build where build_id = %s", [build_id]
        ).fetchone()
    if row is None:
        raise BuildFailed(f"there is no build {build_id}.", remedy="open one with open_build().")
    return {
        "period": row[0],
        "known_at": row[1].astimezone(UTC).isoformat(),
        "build_id": str(build_id),
        "seeds_sha256": row[2],
    }


@acting_as("transformer")
def link_persons(build_id: int) -> dict[str, int]:
    """Find the people of the rows without a valid ID that the build reads; how many by method."""
    from include.linkage.assign import link

    stated = build_variables(build_id)
    found = link(stated["period"], datetime.fromisoformat(stated["known_at"]))
    _log.info("rows without a valid ID: %s", found)
    return found


@acting_as("transformer")
def run_dbt(build_id: int, select: str | None = None) -> dict[str, int]:
    """Seeds, models and their data tests of one build, in one dbt process; how many ended how.

    Seeds are loaded where they are not the ones loaded last. dbt's ``run_results.json`` is kept in
    ``home/builds/<build_id>/``. Unit tests belong to development and are left out. Raises
    BuildFailed, naming the nodes.

    First the rows without a valid ID are linked to people: the models join the result. The working
    schemas are held meanwhile (include/locks.py; raises SchemasBusy); with ``select`` the candidate
    is not whole afterwards.
    """
    _is_what_was_opened(build_id)
    with working_schemas(build_id):
        begin_candidate(build_id)
        link_persons(build_id)
        ended = _build(build_id, select)
        if not select:
            complete_candidate(build_id)
    return ended


def _build(build_id: int, select: str | None) -> dict[str, int]:
    stated = build_variables(build_id)
    left_out = ["unit_test"] + (["seed"] if _is_seeded(stated["seeds_sha256"]) else [])
    arguments = ["--exclude-resource-type", *left_out]
    if select:
        arguments += ["--select", select]
    if "seed" not in left_out:
        _remember_seeding(None)  # until all are loaded, they are neither the old nor the new
    try:
        dbt("build", *arguments, stated=stated)
    finally:
        nodes = _run_results(Workplace())
        _keep_run_results(build_id)
        for node in nodes:
            _log.info("%-8s %6.2f s  %s", node["status"], node["execution_time"], node["unique_id"])
    if not select and "seed" not in left_out:
        _remember_seeding(stated["seeds_sha256"])
    return dict(Counter(node["status"] for node in nodes))


def docs() -> Path:
    """Write the dbt documentation, which the service ``pages`` shows; returns its page."""
    with working_schemas(None):
        dbt("docs", "generate", "--no-compile")
    return settings().dbt_target / "index.html"


def dbt(
    *arguments: str,
    stated: Mapping[str, str] | None = None,
    workplace: Workplace | None = None,
) -> None:
    """Run dbt; ``stated`` are what the macro build_var gives, by name. Raises BuildFailed."""
    place = workplace or Workplace()
    place.target.mkdir(parents=True, exist_ok=True)
    (place.target / "run_results.json").unlink(missing_ok=True)
    process = subprocess.run(
        [sys.executable, "-P", str(_DBT_PROCESS), str(os.getpid()), "--no-use-colors", *arguments],
        env=os.environ
        | dbt_environment(place)
        | {f"DBT_ENV_CUSTOM_ENV_{name}": value for name, value in (stated or {}).items()},
        cwd=place.project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        raise BuildFailed(
            f"dbt {arguments[0]} failed: {_failed_nodes(place) or process.stdout[-1500:]}",
            remedy=f"read {settings().home / 'logs' / 'dbt' / 'dbt.log'}, correct the model or its "
            "input, and build again; marts are as they were.",
        )


def _is_what_was_opened(build_id: int) -> None:
    """The record has to say what ran. Raises BuildFailed where the project changed meanwhile."""
    with connect() as connection:
        opened = connection.execute(
            "select code_sha256, seeds_sha256 from ops.build where build_id = %s", [build_id]
        ).fetchone()
    if opened != (kept.digest("code", DBT_PROJECT), kept.digest("seeds", DBT_PROJECT)):
        raise BuildFailed(
            f"the dbt project changed after build {build_id} was opened.",
            file=str(DBT_PROJECT),
            remedy="open a new build: start the month's DAG run anew, or ./warehouse build.",
        )


def _is_seeded(seeds_sha256: str) -> bool:
    with connect() as connection:
        last = connection.execute(
            "select seeds_sha256 from ops.seeding order by seeding_id desc limit 1"
        ).fetchone()
    return last == (seeds_sha256,)


def _remember_seeding(seeds_sha256: str | None) -> None:
    with connect() as connection:
        connection.execute("insert into ops.seeding (seeds_sha256) values (%s)", [seeds_sha256])


def _run_results(place: Workplace) -> list[dict[str, Any]]:
    """dbt's record of each node of the last run. Its messages may quote rows: not for logs."""
    path = place.target / "run_results.json"
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"] if path.exists() else []
    return results


def _keep_run_results(build_id: int) -> None:
    path = settings().dbt_target / "run_results.json"
    if path.exists():
        folder = settings().home / "builds" / str(build_id)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)


def _failed_nodes(place: Workplace) -> str:
    return ", ".join(
        f"{node['unique_id']} ({node['status']})"
        for node in _run_results(place)
        if node["status"] in ("error", "fail", "runtime error")
    )
