"""Published versions built again: equal to the row, whatever came and changed since; and not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from include import build
from include.beside import MartDifference, compare
from include.cli.main import app
from include.database import connect
from include.marts import Mart, candidate_marts, content
from include.publish import publish
from include.rebuild import PREFIX, RebuildRefused, rooms
from include.settings import PROJECT_ROOT, settings
from include.verify import VerificationRefused, Verified, verify, versions
from tests.dbt.test_build import HOUSEHOLDS, PERIOD, deliver, deliver_a_county, edit

PLACE = {"county": "汝城县", "township": "卢阳镇", "village": "云善村"}


def publish_unjudged(period: str = PERIOD, now: datetime | None = None) -> int:
    """A build that goes public without a gate: what is judged is not the question here."""
    build_id = build.open_build(period)
    build.run_dbt(build_id)
    with connect("transformer") as connection:
        found = {
            mart.name: content(connection, "candidate", mart, period)
            for mart in candidate_marts(connection)
        }
        connection.execute(
            "insert into ops.gate_result (build_id, suite, expectation, severity, success)"
            " values (%s, 'none', 'none', 'critical', true)",
            [build_id],
        )
        connection.execute(
            "update ops.build set candidate = %s where build_id = %s", [Jsonb(found), build_id]
        )
    return publish(build_id, now=now)


def resend(delivery: int) -> None:
    """The same bytes come again: an arrival, and nothing to load."""
    with connect("loader") as connection:
        connection.execute(
            "insert into ops.arrival (delivery_id, uri, modified_at)"
            " values (%s, 'again', clock_timestamp())",
            [delivery],
        )


@pytest.fixture(scope="module")
def published(warehouse_module: str) -> str:
    """A month published three times: at first, corrected, and back at the first version."""
    deliver_a_county()
    publish_unjudged()
    (first,) = (
        delivery
        for (delivery,) in rows("select delivery_id from ops.delivery where kind = 'county_income'")
    )
    deliver("county_income", [{"county": "汝城县", "household_no": HOUSEHOLDS[0], "a_wage": "9"}])
    publish_unjudged()
    resend(int(str(first)))
    publish_unjudged()
    return warehouse_module


@pytest.fixture
def untouched(published: str) -> Iterator[None]:
    """Whatever is verified: nothing of the warehouse is another one afterwards."""
    before = everything()
    yield
    assert everything() == before
    assert not rows(f"select nspname from pg_namespace where nspname like '{PREFIX}%'")
    assert not rows(f"select relname from pg_class where relname like '{PREFIX}%'")


def rows(query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(settings().dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def everything() -> dict[str, object]:
    """All tables that a build or an operator reads or writes, by their rows' hash."""
    tables = rows(
        "select schemaname || '.' || tablename from pg_tables where schemaname in ('marts',"
        " 'archive', 'ops', 'vault', 'seeds', 'candidate', 'core', 'spine', 'raw')"
    )
    return {
        str(table): rows(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} as t")
        for (table,) in tables
    }


def verified(period: str | None = None, version: int | None = None) -> list[Verified]:
    return list(verify(versions(period, version)))


def test_every_version_is_built_again_as_it_was(untouched: None) -> None:
    """Also where arrivals, a correction and the project came and changed since."""
    outcomes = verified()
    assert not [o.failure for o in outcomes if o.failure]
    assert not [mart for o in outcomes for mart in o.marts if not mart.is_equal]
    assert [(o.version, o.is_shown, o.is_proven) for o in outcomes] == [
        (1, False, True), (2, False, True), (3, True, True),
    ]  # fmt: skip
    assert {o.differences for o in outcomes} == {0}
    assert all(len(o.marts) == 21 and sum(m.rebuilt for m in o.marts) > 50 for o in outcomes)


def test_a_single_month_is_its_shown_version_unless_one_is_named(published: str) -> None:
    assert [one.version for one in versions(PERIOD)] == [3]
    assert [one.version for one in versions(PERIOD, 1)] == [1]


def test_what_was_never_published_is_refused(published: str) -> None:
    with pytest.raises(VerificationRefused, match="2020-01 has not been published"):
        versions("2020-01")
    with pytest.raises(VerificationRefused, match=f"version 4 of {PERIOD}"):
        versions(PERIOD, 4)


def test_with_nothing_published_there_is_nothing_to_verify(warehouse: str) -> None:
    assert versions() == []
    assert verified() == []


def test_a_project_that_changes_between_opening_and_running_is_refused(
    published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "dbt_project"
    shutil.copytree(build.DBT_PROJECT, copy)
    monkeypatch.setattr(build, "DBT_PROJECT", copy)
    build_id = build.open_build(PERIOD)
    edit(copy / "seeds/ref_threshold.csv", "high_burden_share,0.", "high_burden_share,0.9")
    with pytest.raises(build.BuildFailed, match="changed after build"):
        build.run_dbt(build_id)


@pytest.fixture(scope="class")
def built(published: str) -> Iterator[tuple[Mart, ...]]:
    """The shown version, rebuilt: it stands while the class's tests run."""
    with rooms() as place:
        yield place.build(versions(PERIOD)[0].inputs)


class TestDifferences:
    """What stands rebuilt beside published rows that somebody spoilt."""

    @pytest.fixture
    def spoil(self, built: tuple[Mart, ...]) -> Iterator[psycopg.Connection]:
        """A transaction that may spoil what is published: it is undone at the end."""
        with psycopg.connect(settings().dsn) as connection:
            yield connection
            connection.rollback()

    def differing(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...], version: int = 3
    ) -> list[MartDifference]:
        found = compare(spoil, versions(PERIOD, version)[0], built)
        assert len(found) == len(built)
        return [mart for mart in found if not mart.is_equal]

    def test_untouched_there_is_none(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...]
    ) -> None:
        assert self.differing(spoil, built) == []

    def test_rows_are_named_by_key_and_column(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...]
    ) -> None:
        keys = [
            key for (key,) in rows("select household_key from marts.household_month order by 1")
        ]
        where = "where household_key = %s"
        spoil.execute(f"update marts.household_month set members = 9 {where}".encode(), [keys[0]])
        spoil.execute(f"delete from marts.household_month {where}".encode(), [keys[1]])
        spoil.execute(
            f"update marts.household_month set household_key = 'nobody' {where}".encode(), [keys[2]]
        )
        (found,) = self.differing(spoil, built)
        assert (found.mart, found.rebuilt, found.stored) == ("household_month", 3, 2)
        assert (found.changed, found.columns) == (1, {"members": 1})
        assert (found.only_rebuilt, found.only_stored, found.differences) == (2, 1, 4)
        assert {key.split()[-1] for key in found.keys} == {*keys, "nobody"}

    def test_a_value_that_is_null_on_one_side_differs(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...]
    ) -> None:
        spoil.execute("alter table marts.household_month alter column members drop not null")
        spoil.execute("update marts.household_month set members = null")
        assert [mart.columns for mart in self.differing(spoil, built)] == [{"members": 3}]

    def test_a_column_that_a_migration_added_later_is_told_and_not_compared(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...]
    ) -> None:
        spoil.execute("alter table marts.household_month add column later integer default 1")
        found = compare(spoil, versions(PERIOD)[0], built)
        assert {mart.not_compared for mart in found if mart.not_compared} == {("later",)}
        assert all(mart.is_equal for mart in found)

    def test_what_is_noted_of_a_published_month_is_no_difference(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...]
    ) -> None:
        spoil.execute("update marts.county_scorecard set stale_since = now()")
        assert self.differing(spoil, built) == []

    def test_rows_that_are_gone_are_compared_by_hash(
        self, spoil: psycopg.Connection, built: tuple[Mart, ...]
    ) -> None:
        spoil.execute("truncate archive.household_month")
        found = compare(spoil, versions(PERIOD, 1)[0], built)
        (gone,) = (mart for mart in found if mart.by_hash)
        assert (gone.mart, gone.rebuilt, gone.stored, gone.is_equal) == (
            "household_month", 3, 3, True,
        )  # fmt: skip
        (other,) = (
            mart
            for mart in compare(spoil, versions(PERIOD, 2)[0], built)
            if mart.mart == "household_month"
        )
        assert (other.by_hash, other.is_equal) == (True, False)

    def test_another_rebuild_is_refused(self, built: tuple[Mart, ...]) -> None:
        with pytest.raises(RebuildRefused, match="another replay"):
            verified(PERIOD)


def test_the_command_tells_what_it_could_not_prove_and_goes_on(published: str) -> None:
    """The first version's code is gone, the second's deliveries are others, the third's rows."""
    of_version = "where build_id = (select build_id from ops.publication where version = 1)"
    (code,) = rows(f"select code_sha256 from ops.build {of_version}")
    with psycopg.connect(published) as connection:
        connection.execute(f"update ops.build set code_sha256 = 'gone' {of_version}".encode())
        connection.execute(
            "update ops.publication set deliveries = deliveries || 999::bigint where version = 2"
        )
        connection.execute("update marts.household_month set members = members + 1")
    told = CliRunner().invoke(app, ["verify", "--all", "--json"], catch_exceptions=False)
    with psycopg.connect(published) as connection:
        connection.execute(f"update ops.build set code_sha256 = %s {of_version}".encode(), code)
        connection.execute("update ops.publication set deliveries = array_remove(deliveries, 999)")
        connection.execute("update marts.household_month set members = members - 1")
    figures = json.loads(told.stdout)
    first, second, third = figures["outcomes"]
    assert told.exit_code == 1
    assert (figures["versions"], figures["proven"], figures["differences"]) == (3, 0, 3)
    assert "the code gone of this build is not kept" in first["failure"]
    assert (second["lost"], second["differences"]) == ([999], 0)
    assert (third["lost"], third["differences"]) == ([], 3)


def test_killed_in_the_middle_it_leaves_all_as_it_was(published: str) -> None:
    before = everything()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "include.cli.main", "verify", PERIOD, "--json"],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 600
    while not rows(f"select 1 from pg_tables where schemaname = '{PREFIX}core'"):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert {k: v for k, v in everything().items() if PREFIX not in k} == before
    assert verified(PERIOD)[0].is_proven
    assert everything() == before
