"""SQL injection by what people choose: a DAG run's month and parameters, and commands' arguments.

Each is refused by name, or goes to the database as a value; nothing else happens. Each has its
control: a sound value in the same place ends otherwise, so the hostile one was looked at.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from typer.testing import CliRunner

from include.airflow_api import Airflow, AirflowBackfill
from include.audit import verify
from include.backfill.record import adopt, recorded
from include.cli.main import app
from include.database import connect
from include.errors import WarehouseError
from include.load import load
from include.months import is_month
from include.services.airflow_environment import airflow_environment
from include.settings import PROJECT_ROOT
from tests.access.conftest import COUNTY, TOWNSHIP
from tests.access.injected import OTHERWISE, QUOTED, TEXTS, nothing_injected
from tests.expectations.candidate import PERIOD
from tests.unit.landed import HEADER, csv_bytes, land, query, row

SOUND = "2025-12"
TRIED = (QUOTED[0], QUOTED[5], OTHERWISE[0], OTHERWISE[2], OTHERWISE[5])
NO_MONTHS = (
    *TEXTS[:6],
    "2025-12'; notify injected; --",
    f"{SOUND}\n",
    " 2025-12",
    "２０２５-12",
    "0000-01",
    "../../etc",
    "",
)


def test_a_month_is_a_month_and_nothing_besides() -> None:
    assert is_month(SOUND)
    assert not any(map(is_month, (*NO_MONTHS, *TEXTS, None, 202512, "2025-13", "2025-1")))


@pytest.fixture(scope="module")
def runs(admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How the DAGs' tasks ended with each month, called as a worker calls them."""
    arguments = [
        PROJECT_ROOT / "dags",
        json.dumps([COUNTY, *TEXTS]),
        json.dumps([SOUND, *NO_MONTHS]),
    ]
    with nothing_injected(admin_url):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("dag_runs.py")), *map(str, arguments)],
            env=os.environ | _airflow(),
            cwd=tmp_path_factory.mktemp("airflow"),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"ended"') :])
    return found


def _airflow() -> dict[str, str]:
    """Airflow's own variables; the warehouse is the tests' and not the embedded one."""
    ours = airflow_environment().items()
    return {name: value for name, value in ours if not name.startswith("WAREHOUSE_")}


def test_attack_by_a_dag_run_s_month_is_refused_before_any_statement(
    runs: dict[str, Any], admin_url: str
) -> None:
    errors = {(one["dag"], one["task"], one["period"]): one["error"] for one in runs["ended"]}
    tasks = {(dag, task) for dag, task, _ in errors}
    assert tasks == {
        ("monthly_build", "open_build"),
        *(
            (f"{source}_delivery", "judge")
            for source in ("county", "civil_affairs", "health_insurance")
        ),
        ("county_delivery", "fetch_and_load"),
        ("civil_affairs_delivery", "extract_and_load"),
        ("health_insurance_delivery", "extract_and_load"),
    }
    assert {errors[(*task, month)] for task in tasks for month in NO_MONTHS} == {"NotAMonth"}
    # The control: a month is looked at further, and is the build's in the register.
    assert "NotAMonth" not in {errors[(*task, SOUND)] for task in tasks}
    assert errors["monthly_build", "open_build", SOUND] == ""
    months = query(admin_url, "select distinct period from ops.build order by 1")
    assert months == [(SOUND,), (PERIOD,)]
    assert ended(("build", "{}"), QUOTED[0]) == ended(("build", "{}"), "2025-13")
    quoted = [one["what"] for one in runs["ended"] if "notify" in one["what"]]
    assert quoted == []  # what was given as a month ends in logs


def test_attack_by_a_build_s_month_in_the_register_itself(admin_url: str) -> None:
    """Models have it in their statements, so the table takes none either."""
    build = (
        "insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
        " values (%s, now(), 's', 'c')"
    )
    with psycopg.connect(admin_url) as admin:
        admin.execute(build, [SOUND])
        for text in (*QUOTED, *NO_MONTHS):
            with pytest.raises(psycopg.errors.CheckViolation), admin.transaction():
                admin.execute(build, [text])
        admin.rollback()


def test_attack_by_a_dag_run_s_county(runs: dict[str, Any]) -> None:
    assert runs["let_in"] == [True, *[False] * len(TEXTS)]


def test_attack_by_a_dag_run_s_reason(admin_url: str) -> None:
    """What Airflow's page took is put on record by the next command."""
    now = datetime.now(UTC)
    made = [
        AirflowBackfill(
            number, "county_delivery", SOUND, SOUND, {"reason": text, "county": text}, now, None
        )
        for number, text in enumerate(TEXTS)
    ]
    airflow = cast("Airflow", SimpleNamespace(runs=lambda *_: []))
    with nothing_injected(admin_url), connect("operator") as operator:
        adopt(operator, airflow, made)
        found = recorded(operator)
        operator.rollback()
    assert {(one.reason, one.county_code) for one in found} == {(text, text) for text in TEXTS}


@pytest.fixture(scope="module")
def purposes(admin_url: str) -> Iterator[None]:
    """The seed without which nobody is looked up."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("create table seeds.ref_look_purpose (purpose text)")
        admin.execute("insert into seeds.ref_look_purpose values ('alert_check')")
        yield
        admin.execute("drop table seeds.ref_look_purpose")


NUMBER, WHY = "abcdefabcdef", ("--reason", "why")
LOOK = ("look-up", NUMBER, "--purpose", "alert_check", *WHY)
ALERT = ("alert", "list", "--json")
NONE = (r"^\[\]", r"^\[\s*{")
Case = tuple[tuple[str, ...], tuple[str, str], str]
# A command with {} for the text; words of its refusal, or of what is printed, for a hostile text
# and for the sound value that comes last.
COMMANDS: list[Case] = [
    (("grant", "bi_county", "{}", "--county", COUNTY),
     ("no name of a person's account", "there is no account"), "nobody"),
    (("grant", "bi_county", "{}", "--county", COUNTY, "--new"),
     ("no name of a person's account", "exists already"), "person_a"),
    (("grant", "{}", "person_a"),
     ("there is no role", "not for people"), "loader"),
    (("grant", "bi_county", "nobody", "--county", "{}"),
     ("no county of the city", "there is no account"), COUNTY),
    (("grant", "bi_township", "nobody", "--township", "{}"),
     ("no township of the city", "there is no account"), TOWNSHIP),
    (("revoke", "bi_city", "{}"),
     ("does not hold bi_city", "person_a does not"), "person_a"),
    (("who-can", "{}", "--json"),
     ("there is no ", '^{"object": "marts"'), "marts"),
    (("who-can", "marts.county_kpi", "{}", "--json"),
     ("nothing that is granted of a table", '^{"object"'), "select"),
    ((*ALERT, "--period", "{}"), NONE, PERIOD),
    ((*ALERT, "--county", "{}"), NONE, COUNTY),
    ((*ALERT, "--rule", "{}"), NONE, "R309"),
    ((*ALERT, "--severity", "{}"), NONE, "urgent"),
    ((*ALERT, "--state", "{}"), NONE, "raised"),
    (("alert", "dispatch", "{}"),
     ("is no alert's number or key", "No published alert"), NUMBER),
    (("alert", "check", NUMBER, "--result", "{}"),
     ("is no result", "No published alert"), "included"),
    (("alert", "check", NUMBER, "--result", "not_included", "--reason", "{}"),
     ("That is none of the reasons", "No published alert"), "no_risk"),
    (("extract", "{}", "2025-12", *WHY),
     ("there is no extract", "2025-12 is not"), "research_persons"),
    (("extract", "research_persons", "{}", *WHY),
     ("is not published", "2025-12 is not published"), "2025-12"),
    (("look-up", "{}", *LOOK[2:]),
     ("no person or household is known", "in no published"), NUMBER),
    ((*LOOK[:3], "{}", *WHY),
     ("this is no purpose", "in no published"), "alert_check"),
    (("quarantine", "--json", "--period", "{}"), NONE, PERIOD),
    (("quarantine", "--json", "--county", "{}"), NONE, "431026"),
    (("receipt", "--json", "--period", "{}"), NONE, PERIOD),
    (("receipt", "--json", "--county", "{}"), NONE, COUNTY),
    (("readiness", "show", "--json", "--period", "{}"), ("the month is none", NONE[1]), PERIOD),
    (("readiness", "go-ahead", "{}", "--reason", " "),
     ("is no month", "the reason is empty"), "2025-12"),
    (("backfill", "{}", "2025-01", *WHY),
     ("FROM is no month", "FROM lies after TO"), "2025-12"),
    (("replay", "{}", "--as-known-at", "2020-01-01"),
     ("nothing was known of ", "nothing was known of 2025"), "2025-12"),
    (("replay", PERIOD, "--as-known-at", "{}"),
     ("neither a day nor a time", "nothing was known"), "2020-01-01"),
    (("replay", "--drop", "{}"),
     ("is no replay", "there is no replay"), "replay_2026_03_20260410"),
    (("verify", "{}"),
     ("has not been published", "2025-12 has"), "2025-12"),
    (("publications", "{}", "--json"), NONE, PERIOD),
    (("rollback", "{}", *WHY),
     ("is not published", "2025-12 is not published"), "2025-12"),
    (("release", "{}", *WHY),
     ("is not held", "2025-12 is not held"), "2025-12"),
    (("link", "decide", "{}", "{}", "--same", *WHY),
     ("0 pairs", "0 pairs"), NUMBER),
    (("link", "merge", "{}", NUMBER, *WHY),
     ("one of the two", "one of the two"), NUMBER),
    (("subject", "{}", *WHY), ("no persons are known", "[0-9]+ keys"), NUMBER),
    (("ingest", "FILE", "--period", "{}"), ("is no month", "收到时间"), "2025-12"),
    (("ingest", "FILE", "--county", "{}"),
     ("its county is not certain", "nothing in it says of which period"), "431026"),
    (("ingest", "FILE", "--source", "{}"),
     ("there is no source", "nothing in it says of which period"), "county"),
]  # fmt: skip


@pytest.fixture(scope="module")
def somebody(admin_url: str) -> Iterator[None]:
    """A key of somebody who was never published, and the seed without which nobody is asked."""
    load(land(csv_bytes([HEADER, row(1)]), period=SOUND))  # the secret's version is on record now
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(
            "create table seeds.ref_look_purpose as select 'alert_check'::text as purpose;"
            " grant select on seeds.ref_look_purpose to case_reader;"
            f" insert into vault.identifier values ('person', 'nobody', '{(NUMBER * 6)[:64]}', 1)"
        )
        yield
        admin.execute(
            "drop table seeds.ref_look_purpose; delete from vault.identifier where value = 'nobody'"
        )


def ended(command: tuple[str, ...], text: str) -> str:
    """What is printed, or the sentence of a refusal by name. Raises what else ends the command."""
    done = CliRunner().invoke(app, [part.replace("{}", text) for part in command])
    if isinstance(done.exception, WarehouseError):
        return done.exception.what
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output.strip()


@pytest.mark.usefixtures("somebody")
def test_attack_by_an_argument_of_a_command(admin_url: str, tmp_path: Path) -> None:
    file = tmp_path / "5-帮扶措施.csv"
    file.write_bytes(csv_bytes([HEADER, row(1)]))
    with nothing_injected(admin_url):
        for command, (refused, looked_at), sound in COMMANDS:
            given = tuple(str(file) if part == "FILE" else part for part in command)
            for text in TRIED:
                assert re.search(refused, ended(given, text)), (command, text)
            assert re.search(looked_at, ended(given, sound)), (command, sound)


@pytest.mark.usefixtures("somebody")
def test_attack_by_the_words_that_are_kept(admin_url: str) -> None:
    """A reason arrives in the audit chain as it was given, and the chain holds."""
    with nothing_injected(admin_url):
        for text in TEXTS:
            assert "in no published month" in ended((*LOOK[:5], "{}"), text)
    kept = query(admin_url, "select distinct reason from audit.event where action = 'look_up'")
    assert {text for (text,) in kept} >= set(TEXTS)
    assert verify().is_whole
