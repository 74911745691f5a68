"""A mart in two versions by dbt's own `versions:`, both published, the old one until its date."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.build import dbt_environment
from include.errors import GateBlocked
from include.marts import columns_of
from include.publish import publish
from include.settings import PROJECT_ROOT
from tests.unit.publications import OPEN, passed

PROJECT = """
name: versions
profile: {profile}
models:
  versions:
    +materialized: table
    +schema: candidate
"""
V1 = "select '2026-02'::text as period, 'k1'::text as household_key, 100::integer as net_income"
V2 = "select period, household_key, net_income::numeric(14, 2) * 12 as net_income_year"
V2 += " from {{ ref('household_month', v=1) }}"
COLUMNS = """
      - name: period
        data_type: text
        constraints: [{type: not_null}]
      - name: household_key
        data_type: text
        constraints: [{type: not_null}]
"""
MODELS = f"""
models:
  - name: household_month
    latest_version: 2
    description: Households.
    config: {{contract: {{enforced: true}}}}
    constraints: [{{type: primary_key, columns: [period, household_key]}}]
    columns: {COLUMNS}
      - name: net_income_year
        data_type: numeric
        description: Net income of the year, yuan.
    versions:
      - v: 1
        deprecation_date: 2099-01-31
        config: {{alias: household_month}}
        columns:
          - include: all
            exclude: [net_income_year]
          - name: net_income
            data_type: integer
      - v: 2
"""


@pytest.fixture
def project(warehouse: str, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    ours = PROJECT_ROOT / "dbt_project"
    profile = next(
        line.split(":")[1].strip()
        for line in (ours / "dbt_project.yml").read_text().splitlines()
        if line.startswith("profile:")
    )
    (folder / "dbt_project.yml").write_text(PROJECT.format(profile=profile))
    macro = "generate_schema_name.sql"
    (folder / "macros" / macro).write_text((ours / "macros" / macro).read_text())
    (folder / "models" / "household_month_v1.sql").write_text(V1)
    (folder / "models" / "household_month_v2.sql").write_text(V2)
    (folder / "models" / "models.yml").write_text(MODELS)
    return folder


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def dbt(project: Path, *arguments: str) -> Any:
    """Run dbt on the fixture; what `dbt ls` prints as JSON, else nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments],
        env=os.environ
        | dbt_environment()
        | {"DBT_PROJECT_DIR": str(project), "DBT_TARGET_PATH": str(project / "target")},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_both_versions_are_published_until_the_old_one_is_taken_out(
    project: Path, db: psycopg.Connection
) -> None:
    # Before: one version, which BI reads.
    (project / "models" / "models.yml").write_text(
        MODELS.replace("      - v: 2\n", "").replace("latest_version: 2", "latest_version: 1")
    )
    (project / "models" / "household_month_v2.sql").rename(project / "v2.sql")
    dbt(project, "build")
    publish(passed(db), now=OPEN)

    # A column is renamed and its unit changes: a second version beside the first.
    (project / "models" / "models.yml").write_text(MODELS)
    (project / "v2.sql").rename(project / "models" / "household_month_v2.sql")
    dbt(project, "build")
    publish(passed(db), now=OPEN)
    rows = db.execute(
        "select old.net_income, new.net_income_year::int from marts.household_month as old"
        " inner join marts.household_month_v2 as new using (period, household_key)"
    ).fetchall()
    assert rows == [(100, 1200)]
    (listed,) = dbt(
        *(project, "ls", "--select", "household_month.v1", "--output", "json"),
        *("--output-keys", "name", "version", "alias", "deprecation_date"),
    )
    assert (listed["version"], listed["alias"]) == (1, "household_month")
    assert str(listed.get("deprecation_date", "2099-01-31")).startswith("2099-01-31")

    # After the date: the model goes, and the publisher wants the mart taken out on purpose.
    db.execute("drop table candidate.household_month")
    build_id = passed(db)
    with pytest.raises(GateBlocked, match="no longer built: household_month"):
        publish(build_id, now=OPEN)
    db.execute("drop table marts.household_month cascade; drop table archive.household_month")
    publish(build_id, now=OPEN)
    assert columns_of(db, "marts", "household_month") == ()
    assert len(columns_of(db, "marts", "household_month_v2")) == 3
