"""Every key a new one: month by month, interrupted anywhere, and no figure another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include import audit
from include.database import OWNER, connect
from include.errors import RollbackRefused
from include.linkage.decisions import merge
from include.load import load
from include.locks import working_schemas
from include.publish import publish
from include.rollback import rollback
from include.settings import PROJECT_ROOT, settings
from include.subject import correction, erasure
from include.subject.holdings import holdings
from include.vault import rotation
from include.vault.months import NotAsPublished, demand_untouched
from include.vault.places import keys, places
from include.vault.renewal import SecretRefused
from include.vault.rotating import RotationUnderWay, settled
from include.vault.rotation import RotationRefused, Status
from include.vault.search import ALERT_NO, KEY, search
from include.vault.secrets import keyed
from include.vault.versions import WrongSecret, identifier_key, in_force
from tests.conftest import PERSON_KEY_SECRET
from tests.expectations.deliveries import resident_id
from tests.unit.landed import csv_bytes, household_no, land
from tests.unit.publications import fill, passed

NEXT = "the secret of the second version, long enough"
PEOPLE = 6
OPEN = datetime(2026, 1, 20, tzinfo=UTC)
"""No month is closed yet."""
MONTHS = ("2026-01", "2026-02", "2026-03")
MART = (
    "create table candidate.person_month (period text not null, person_key text not null,"
    " household_key text not null, county_code text, wage integer, household_keys text[],"
    " case_key text, primary key (period, person_key))"
)
ALERTS = (
    "create table candidate.risk_alert (period text not null, alert_key text not null,"
    " alert_no text not null, rule_code text, subject text, person_key text,"
    " household_key text not null, county_code text, primary key (period, alert_key))"
)


@pytest.fixture
def db(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    monkeypatch.setenv("WAREHOUSE_PERSON_KEY_NEXT_SECRET", NEXT)
    monkeypatch.setenv("WAREHOUSE_SCHEMAS_WAIT_S", "0.2")
    settings.cache_clear()
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def load_people(modified: int = 1) -> int:
    header = ["县", "户编号", "姓名", "证件号码", "出生日期", "与户主关系", "人员状态"]
    rows = [
        ["汝城县", household_no(n), "欧阳测试", resident_id(n), "19700101", "01", "正常"]
        for n in (*range(PEOPLE), *([modified] if modified > 1 else []))
    ]
    rows.append(["汝城县", household_no(9), "欧阳无号", "", "19800101", "01", "正常"])
    content = csv_bytes([header, *rows])
    return load(land(content, kind="county_person", name="2-家庭成员.csv", modified=modified))


def publish_month(db: psycopg.Connection, period: str, wage: int = 100) -> int:
    """A version of the month with a row and an alert for everybody."""
    for mart, made in (("person_month", MART), ("risk_alert", ALERTS)):
        db.execute(f"drop table if exists candidate.{mart}".encode())
        db.execute(made.encode())
    fill(db, [(period, f"the county {n}", "431026", n, n) for n in range(3)], mart="county_sums")
    people = db.execute("select key from vault.identifier where kind = 'person' order by value")
    homes = db.execute("select key from vault.identifier where kind = 'household' order by value")
    for person, home in zip([k for (k,) in people], [k for (k,) in homes], strict=False):
        db.execute(
            "insert into candidate.person_month values (%s, %s, %s, '431026', %s, %s, %s)",
            [period, person, home, wage, [home, person], f"{person}:{home}"],
        )
        db.execute(
            "insert into candidate.risk_alert select %(period)s::text, a.key, 'YJ' ||"
            " replace(%(period)s::text, '-', '') || upper(left(a.key, 12)), 'R1', 'person',"
            " %(person)s, %(home)s, '431026' from (select encode(sha256(convert_to(concat_ws("
            "'/', 'R1', 'person', %(person)s::text, %(period)s::text), 'UTF8')), 'hex'))"
            " as a (key)",
            {"period": period, "person": person, "home": home},
        )
    return publish(passed(db, period), now=OPEN)


def warehouse_with(db: psycopg.Connection, months: tuple[str, ...] = MONTHS) -> None:
    """People, published months, one of them twice, and what goes across months."""
    load_people()
    for period in months:
        publish_month(db, period)
    publish_month(db, months[0], wage=200)
    people = [k for (k,) in db.execute("select key from vault.identifier where kind = 'person'")]
    merge(people[0], people[1], "one person", "li")
    db.execute(
        "insert into ops.alert_event (alert_key, period, state, actor) select alert_key, period,"
        " 'dispatched', 'li' from marts.risk_alert"
    )
    db.execute("insert into audit.subject (kind, key) values ('person', %s)", [people[0]])
    build = db.execute("select max(build_id) from ops.build").fetchone()
    if build and build[0]:
        db.execute(
            "insert into ops.gate_result (build_id, suite, expectation, severity, success,"
            " row_keys) values (%s, 's', 'e', 'warning', false, %s)",
            [build[0], Jsonb([f"{people[2]}/2026-01"])],
        )


def figures(db: psycopg.Connection) -> dict[str, list]:
    """What marts and archive say, with each key by whose it is."""
    whose: dict[str, str] = dict(
        db.execute("select key, kind || value from vault.identifier").fetchall()
    )
    alerts = {
        alert: f"{period} {whose[person]}"
        for schema in ("marts", "archive")
        for alert, no, period, person in db.execute(
            f"select alert_key, alert_no, period, person_key from {schema}.risk_alert".encode()
        )
        for alert in (alert, no)
    }
    known = whose | alerts

    def said(cell: object) -> object:
        if isinstance(cell, list):
            return [said(each) for each in cell]
        text = str(cell)
        return [known.get(part, part) for part in text.split(":")]

    return {
        f"{schema}.{mart}": sorted(
            [[said(cell) for cell in row] for row in db.execute(f"table {schema}.{mart}".encode())],
            key=repr,
        )
        for schema in ("marts", "archive")
        for mart in ("person_month", "risk_alert", "county_sums")
    }


def all_keys(db: psycopg.Connection) -> set[str]:
    """Every key in any registered place, and numbers of alerts."""
    found: set[str] = set()
    for place in keys(places(db)):
        if place.shape == "text" and place.schema != "raw" and place.name != "vault.rekeyed.old":
            table = f'"{place.schema}"."{place.table}"'
            query = f'select distinct "{place.column}" from {table} where "{place.column}" ~ '
            pattern = f"'^({KEY}|{ALERT_NO})$'"
            found |= {key for (key,) in db.execute((query + pattern).encode())}
    return found


def places_of(db: psycopg.Connection, wanted: set[str]) -> set[str]:
    """Columns of any table in which one of the keys stands."""
    with db.transaction():
        db.execute("create temporary table gone (value text)")
        with db.cursor().copy("copy gone from stdin") as copy:
            for key in wanted:
                copy.write_row([key])
        query = psycopg.sql.SQL("select value from gone")
        found = {one.name for one in search(db, query, f"{KEY}|{ALERT_NO}", 20)}
        db.execute("drop table gone")
    return found


def samples_of(db: psycopg.Connection, wanted: set[str]) -> set[str]:
    """Tables of which the planner keeps a sample with one of the keys."""
    return {
        table
        for (table,) in db.execute(
            "select schemaname || '.' || tablename from pg_stats where concat_ws(' ',"
            " most_common_vals, histogram_bounds, most_common_elems) ~ %s",
            ["|".join(wanted)],
        )
    }


def rotated() -> rotation.Rotation:
    return rotation.start("li", "a change of staff")


def test_every_key_is_a_new_one_and_no_figure_changes(db: psycopg.Connection) -> None:
    warehouse_with(db)
    before, old = figures(db), all_keys(db)
    db.execute("analyze")
    assert {"vault.identifier", "candidate.person_month"} <= samples_of(db, old)
    done = rotated()
    assert (done.from_version, done.to_version, done.months, done.of_months) == (1, 2, 3, 3)
    assert figures(db) == before
    assert not old & (all_keys(db) - {no for no in old if no.startswith("YJ")})
    assert places_of(db, old) == {"vault.told_alert.told_no"}
    assert samples_of(db, old) == {"vault.told_alert"}
    assert "vault.rekeyed" not in samples_of(db, all_keys(db))
    assert db.execute("select count(*) from vault.rekeyed").fetchone() == (0,)
    told = db.execute("select action, detail from audit.event order by seq").fetchall()
    assert told == [("key_rotation_begun", {"from": 1}), ("key_rotation_ended", {"to": 2})]
    assert audit.verify().is_whole
    with connect(OWNER) as connection:
        demand_untouched(connection)
        assert in_force(connection).version == 2
    assert db.execute("select distinct key_version from vault.identifier").fetchall() == [(2,)]
    person = resident_id(1)
    key = db.execute("select key from vault.identifier where value = %s", [person]).fetchone()
    assert key == (keyed(NEXT, "person", person),) == (identifier_key("person", person),)


def test_an_archived_version_is_rolled_back_to_under_the_new_keys(db: psycopg.Connection) -> None:
    warehouse_with(db)
    rotated()
    before = figures(db)["archive.person_month"]
    rollback(MONTHS[0], reason="it was right", by="li")
    shown = [row for row in figures(db)["marts.person_month"] if row[0] == [MONTHS[0]]]
    assert [row[4] for row in shown] == [["100"]] * PEOPLE
    assert [row[1:] for row in shown] == [row[2:] for row in before]
    again = rotation.start  # and rotated once more, with what was rolled back among it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PERSON_KEY_SECRET", "the secret of a third version, as long")
        settings.cache_clear()
        before_again = figures(db)
        again("li", "once more")
        assert figures(db) == before_again
        with connect(OWNER) as connection:
            demand_untouched(connection)
    settings.cache_clear()


def test_a_number_that_a_county_was_told_still_means_its_alert(db: psycopg.Connection) -> None:
    warehouse_with(db)
    told = db.execute("select person_key, alert_no from marts.risk_alert order by 2").fetchall()
    whose: dict[str, str] = dict(db.execute("select key, value from vault.identifier").fetchall())
    rotated()
    now: dict[str, str] = dict(
        db.execute("select t.told_no, a.person_key from vault.told_alert as t"
                   " inner join marts.risk_alert as a using (alert_no)").fetchall()
    )  # fmt: skip
    anew: dict[str, str] = dict(db.execute("select key, value from vault.identifier").fetchall())
    assert {no: anew[now[no]] for _, no in told} == {no: whose[person] for person, no in told}


def test_an_empty_warehouse_and_one_month(db: psycopg.Connection) -> None:
    assert (rotated().months, rotation.status().version) == (0, 2)
    load_people()
    publish_month(db, MONTHS[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PERSON_KEY_SECRET", "the secret of a third version, as long")
        settings.cache_clear()
        before = figures(db)
        assert (rotated().months, rotation.status().version) == (1, 3)
        assert figures(db) == before
    settings.cache_clear()


STRIKE = """
import os, signal, sys
from include.vault import rotation
def tell(step):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
left = int(sys.argv[1])
print(rotation.start("li", "killed", tell) if left > 0 else "")
"""


def killed(at: int) -> bool:
    """A rotation in a process of its own, killed when it tells of its so-manieth step."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", STRIKE, str(at)],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def test_killed_anywhere_it_goes_on_to_the_same_end(db: psycopg.Connection) -> None:
    warehouse_with(db)
    before, old = figures(db), all_keys(db)
    assert killed(9)  # among the months: one is done, the next is begun
    found: Status = rotation.status()
    assert (found.is_interrupted, found.version) == (True, 1)
    assert found.rotation is not None and 0 < found.rotation.months < 3
    for step in (2, 3):
        resumed(step)
    assert rotation.status().is_interrupted
    done = rotation.resume()
    assert done.months == 3 and figures(db) == before
    assert places_of(db, old) == {"vault.told_alert.told_no"}
    with pytest.raises(RotationRefused, match="interrupted"):
        rotation.resume()


def resumed(at: int) -> None:
    """Take it up again in another process, killed at a step."""
    source = STRIKE.replace('rotation.start("li", "killed", tell)', "rotation.resume(tell)")
    subprocess.run(
        [sys.executable, "-P", "-c", source, str(at)],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        check=False,
    )


def test_what_bears_keys_is_refused_by_name_until_it_has_ended(db: psycopg.Connection) -> None:
    warehouse_with(db)
    assert killed(9)
    refused = pytest.raises(RotationUnderWay, match="from version 1 to 2")
    with refused:
        load_people(modified=17)
    with refused, working_schemas(1):
        pass
    with refused:
        rollback(MONTHS[0], reason="r", by="li")
    with refused:
        merge("a", "b", "r", "li")
    with refused:
        holdings("a" * 12)
    with refused:
        correction.request("a" * 12, 1, 1, "sex", "x")
    with refused:
        erasure.order("a" * 12, "consent_withdrawn", "r")
    with pytest.raises(RotationUnderWay, match="begun and has not ended"):
        rotated()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PERSON_KEY_NEXT_SECRET", "")
        settings.cache_clear()
        with pytest.raises(WrongSecret, match="of version 2"):
            rotation.resume()
    settings.cache_clear()
    rotation.resume()
    load_people(modified=17)
    with working_schemas(1):
        pass


def test_a_build_at_work_is_waited_for_and_one_that_begins_waits(db: psycopg.Connection) -> None:
    warehouse_with(db, MONTHS[:1])
    with connect(OWNER) as loading:
        settled(loading)
        with pytest.raises(Exception, match="at work with the keys"):
            rotated()
    told: list[str] = []

    def meanwhile(step: str) -> None:
        if step == MONTHS[0]:
            waiting = threading.Thread(target=lambda: told.append(try_to_load()))
            waiting.start()
            waiting.join()

    rotation.start("li", "r", meanwhile)
    assert told == ["RotationUnderWay"]


def try_to_load() -> str:
    try:
        load_people(modified=18)
    except Exception as error:  # noqa: BLE001  # whichever it is, by name
        return type(error).__name__
    return "loaded"


def test_a_reader_sees_a_month_as_it_was_or_as_it_is(db: psycopg.Connection) -> None:
    """Asked after every step: no month mixes keys, and keys of two versions never meet."""
    warehouse_with(db)
    old = {key for (key,) in db.execute("select key from vault.identifier")}
    seen: set[tuple[bool, ...]] = set()

    def look(_: str) -> None:
        months = db.execute(
            "select period, array_agg(person_key), marts.key_version(period),"
            " (select array_agg(a.person_key) from marts.risk_alert as a where a.period = m.period)"
            " from marts.person_month as m group by period order by period"
        ).fetchall()
        states = []
        for _, persons, version, alerted in months:
            are_old = {key in old for key in (*persons, *alerted)}
            assert len(are_old) == 1
            assert are_old == {version == 1}
            states.append(version == 1)
        seen.add(tuple(states))
        matches = db.execute(
            "select a.period, b.period, count(*), bool_and(marts.key_version(a.period)"
            " = marts.key_version(b.period)) from marts.person_month as a"
            " inner join marts.person_month as b using (person_key) where a.period < b.period"
            " group by 1, 2"
        ).fetchall()
        assert all(count == PEOPLE and same for *_, count, same in matches)

    rotation.start("li", "r", look)
    look("")
    assert seen == {(True,) * 3, (False, True, True), (False, False, True), (False,) * 3}


def test_marts_that_are_not_what_was_published_are_not_given_new_hashes(
    db: psycopg.Connection,
) -> None:
    warehouse_with(db)
    db.execute("update archive.person_month set wage = 1 where person_key = (select min(person_key)"
               " from archive.person_month)")  # fmt: skip
    with pytest.raises(NotAsPublished, match="version 1 of 2026-01"):
        rotated()
    assert not rotation.status().is_interrupted
    assert rotation.status().version == 1


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "none of the secrets known here is new"),
        (PERSON_KEY_SECRET, "none of the secrets known here is new"),
        ("too short", "fewer than 32"),
    ],
)
def test_a_secret_that_cannot_be_gone_to(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, secret: str, words: str
) -> None:
    load_people()
    monkeypatch.setenv("WAREHOUSE_PERSON_KEY_NEXT_SECRET", secret)
    settings.cache_clear()
    with pytest.raises(SecretRefused, match=words):
        rotated()
    assert not rotation.status().is_interrupted


def test_a_reason_is_asked_for(db: psycopg.Connection) -> None:
    with pytest.raises(RotationRefused, match="reason is empty"):
        rotation.start("li", " ")


def test_files_that_name_rows_are_written_anew(db: psycopg.Connection) -> None:
    warehouse_with(db, MONTHS[:1])
    ((key,),) = db.execute("select key from vault.identifier where value = %s", [resident_id(1)])
    page = settings().home / "data_docs" / "marts" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<p>{key}/2026-01 and {'0' * 64}</p>")
    rotated()
    assert page.read_text() == (
        f"<p>{keyed(NEXT, 'person', resident_id(1))}/2026-01 and {'0' * 64}</p>"
    )


def test_a_key_in_a_place_that_nobody_knows_of_is_found_and_exchanged(
    db: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse_with(db, MONTHS[:1])
    ((key,),) = db.execute("select key from vault.identifier where value = %s", [resident_id(1)])
    db.execute("create table ops.odd (id int primary key, said jsonb)")
    db.execute("insert into ops.odd values (1, %s)", [Jsonb({"who": f"it is {key}"})])
    rotated()
    new = keyed(NEXT, "person", resident_id(1))
    assert db.execute("select said from ops.odd").fetchall() == [({"who": f"it is {new}"},)]
    assert "ops.odd.said" in caplog.text


def test_a_key_whose_origin_is_gone_gets_a_substitute(db: psycopg.Connection) -> None:
    load_people()
    lost = "ab" * 32
    for reason in ("one", "two"):
        db.execute(
            "insert into vault.link_decision (subject_key, candidate_key, verdict, decided_by,"
            " reason) values (%s, %s, 'same', 'li', %s)",
            [lost, "cd" * 32, reason],
        )
    rotated()
    found = db.execute("select distinct subject_key from vault.link_decision").fetchall()
    assert len(found) == 1 and found != [(lost,)]


@pytest.fixture
def embedded_secrets(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The embedded services' file, which alone the keys' secret is from."""
    from include.services.credentials import credentials

    credentials(settings().home)
    for name in ("SECRET", "NEXT_SECRET"):
        monkeypatch.delenv(f"WAREHOUSE_PERSON_KEY_{name}")
    monkeypatch.setenv("WAREHOUSE_PERSON_KEY_FILE", str(settings().home / "secrets.json"))
    settings.cache_clear()
    return settings().home / "secrets.json"


def secrets_in(file: Path) -> list[str]:
    return [name for name in json.loads(file.read_text()) if name.startswith("person_key")]


def demand_keys_of(db: psycopg.Connection, secret: str) -> None:
    key = db.execute("select key from vault.identifier where value = %s", [resident_id(1)])
    assert key.fetchone() == (keyed(secret, "person", resident_id(1)),)


def test_embedded_services_make_their_own_secret_and_forget_the_old(
    db: psycopg.Connection, embedded_secrets: Path
) -> None:
    first = json.loads(embedded_secrets.read_text())["person_key"]
    load_people()
    rotated()
    assert secrets_in(embedded_secrets) == ["person_key"]
    assert first not in embedded_secrets.read_text()
    demand_keys_of(db, json.loads(embedded_secrets.read_text())["person_key"])


def test_killed_at_its_very_end_its_secret_is_not_lost_to_the_next_one(
    db: psycopg.Connection, embedded_secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    load_people()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(audit, "copy_head", killed)
        rotated()
    assert secrets_in(embedded_secrets) == ["person_key", "person_key_next"]
    second = json.loads(embedded_secrets.read_text())["person_key_next"]
    demand_keys_of(db, second)
    rotated()
    assert secrets_in(embedded_secrets) == ["person_key"]
    assert second not in embedded_secrets.read_text()
    demand_keys_of(db, json.loads(embedded_secrets.read_text())["person_key"])


def test_an_old_secret_in_the_place_of_the_next_is_not_written_over(
    db: psycopg.Connection, embedded_secrets: Path
) -> None:
    first = json.loads(embedded_secrets.read_text())["person_key"]
    load_people()
    rotated()
    kept = json.loads(embedded_secrets.read_text()) | {"person_key_next": first}
    embedded_secrets.write_text(json.dumps(kept))
    with pytest.raises(SecretRefused, match="would be lost"):
        rotated()
    assert json.loads(embedded_secrets.read_text()) == kept


def test_an_open_question_is_answered_first(db: psycopg.Connection) -> None:
    warehouse_with(db, MONTHS[:1])
    db.execute(
        "insert into ops.approval (build_id, period, replaces, content, beyond)"
        " select build_id, period, publication_id, '{}', '[]' from ops.publication limit 1"
    )
    with pytest.raises(RotationRefused, match="wait for an approval"):
        rotated()
    with pytest.raises(RollbackRefused):
        rollback("2020-01", reason="r", by="li")  # nothing else is held
