"""The working schemas are one build's at a time, and a killed build leaves nobody at work there."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from include.locks import (
    DBT_SESSIONS,
    SCHEMAS_LOCK,
    CandidateReplaced,
    SchemasBusy,
    begin_candidate,
    complete_candidate,
    demand_candidate,
    working_schemas,
)
from include.settings import PROJECT_ROOT, settings

WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


@contextmanager
def patience(seconds: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_SCHEMAS_WAIT_S", seconds)
        settings.cache_clear()
        yield
    settings.cache_clear()


@contextmanager
def another_process(source: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with our settings; it has said its first line."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", source],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


HOLDER = (
    "from include.locks import working_schemas\n"
    "with working_schemas(7):\n    print('ready', flush=True); input()"
)


def test_a_second_build_is_refused_by_name_when_it_waited_in_vain(
    warehouse: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        another_process(HOLDER),
        patience("0"),
        pytest.raises(SchemasBusy) as refused,
        working_schemas(8),
    ):
        pytest.fail("two builds at once")
    assert "warehouse build 8 waited 0 s in vain: warehouse build 7 is at work" in str(
        refused.value
    )
    assert "warehouse build 8 waits up to 0 s: warehouse build 7 is at work" in caplog.text


def test_a_second_build_goes_on_when_the_first_has_ended(warehouse: str) -> None:
    came: list[str] = []

    def second() -> None:
        with working_schemas(8):
            came.append("second")

    with psycopg.connect(warehouse, autocommit=True) as observer, working_schemas(7):
        thread = threading.Thread(target=second)
        thread.start()
        while observer.execute(WAITING).fetchone() == (0,):
            assert thread.is_alive()
        assert came == []
    thread.join()
    assert came == ["second"]


def test_a_killed_build_frees_the_schemas(warehouse: str) -> None:
    with another_process(HOLDER) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with working_schemas(8):
            pass


def test_steps_held_together_are_not_parted(warehouse: str) -> None:
    with working_schemas(7), psycopg.connect(warehouse) as other:
        with working_schemas(7):
            pass
        # The inner one has not freed what the outer one holds.
        assert other.execute("select pg_try_advisory_lock(%s)", [SCHEMAS_LOCK]).fetchone() == (
            False,
        )


def test_a_candidate_is_the_builds_that_made_the_whole_of_it(warehouse: str) -> None:
    with working_schemas(7):
        with pytest.raises(CandidateReplaced, match="no build has made a candidate"):
            demand_candidate(7)
        begin_candidate(7)
        with pytest.raises(CandidateReplaced, match="of build 7 is not whole"):
            demand_candidate(7)
        complete_candidate(7)
        demand_candidate(7)
        with pytest.raises(CandidateReplaced, match="of build 6 was replaced by that of build 7"):
            demand_candidate(6)
    with working_schemas(8):
        begin_candidate(8)
        with pytest.raises(CandidateReplaced, match="of build 7 was replaced by that of build 8"):
            demand_candidate(7)
    with working_schemas(8), pytest.raises(CandidateReplaced, match="is not whole"):
        demand_candidate(8)


def test_a_lost_lock_fails_the_step(warehouse: str) -> None:
    with (
        psycopg.connect(warehouse, autocommit=True) as killer,
        pytest.raises(SchemasBusy, match="was lost while warehouse build 7"),
        working_schemas(7),
    ):
        killer.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where application_name = 'warehouse build 7'"
        )


def test_what_a_killed_builds_dbt_left_at_work_is_ended(warehouse: str) -> None:
    with psycopg.connect(warehouse, application_name=DBT_SESSIONS) as left:
        left.execute("create table staging.half ()")
        with working_schemas(8):
            pass
        with pytest.raises(psycopg.OperationalError):
            left.execute("select 1")
    with psycopg.connect(warehouse) as reader:
        assert reader.execute("select to_regclass('staging.half')").fetchone() == (None,)


def test_the_profile_names_dbts_sessions() -> None:
    """Those of a rebuild, whose schemas have a prefix, are not a killed build's leftovers."""
    profile = (PROJECT_ROOT / "dbt_project" / "profiles.yml").read_text(encoding="utf-8")
    (name,) = re.findall(r'application_name: "(.*)"\n', profile)
    assert name.removeprefix("{{ env_var('DBT_SCHEMA_PREFIX', '') }}") == DBT_SESSIONS


def test_dbt_dies_with_the_process_that_started_it(warehouse: str) -> None:
    """Stopped, it could not end by itself."""
    parent = (
        "import os, subprocess, sys\n"
        "from include.build import _DBT_PROCESS, dbt_environment\n"
        "process = subprocess.Popen([sys.executable, '-P', str(_DBT_PROCESS), str(os.getpid()),"
        " 'debug'], env=os.environ | dbt_environment(), stdout=subprocess.PIPE)\n"
        "process.stdout.read(1)\n"
        "os.kill(process.pid, 19)\n"
        "print('ready', flush=True); print(process.pid, flush=True); input()"
    )
    with another_process(parent) as process:
        assert process.stdout is not None
        dbt = int(process.stdout.readline())
        end = os.pidfd_open(dbt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        poll = select.poll()
        poll.register(end)
        assert poll.poll(30_000), "dbt outlived its build"
        os.close(end)
