"""A backup of a warehouse on somebody's server, and its restoring; and all that is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from include import audit
from include import backup as backups
from include.access.enforce import apply
from include.backup import BackupRefused, backup
from include.database import in_role
from include.errors import ConfigurationMissing, SealingKeyMissing
from include.landing import opened, path_of
from include.restore import Restored, RestoreRefused, restore
from include.sealed_landing import seal_kept
from include.sealing import key_name
from include.settings import settings
from include.subject import erasure
from tests.conftest import PERSON_KEY_SECRET, fresh_database, only_environment
from tests.dbt.planted import send
from tests.dbt.searching import SEALED, searched
from tests.dbt.test_build import HOUSEHOLDS, deliver, deliver_a_county
from tests.unit import hostile
from tests.unit.landed import csv_bytes

MONTH = "2026-03"
KEY, OTHER_KEY = "01" * 32, "02" * 32
"""Of landing."""
SECRET = "once and for all"


@pytest.fixture
def filled(warehouse: str) -> str:
    """A county's deliveries in landing and raw, and a month in marts that BI may read."""
    deliver_a_county()
    with psycopg.connect(in_role(warehouse, "publisher")) as connection:
        connection.execute(
            "create table marts.small (period text not null, n integer not null,"
            " primary key (period, n));"
            " create table archive.small (publication_id bigint, period text, n integer,"
            " primary key (publication_id, period, n))"
        )
        connection.execute("insert into marts.small select '2026-03', generate_series(1, 3)")
    with psycopg.connect(warehouse) as connection:
        apply(connection)
        connection.execute(
            "insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
            " values ('2026-03', now(), '', '')"
        )
        connection.execute(
            "insert into ops.publication (period, version, build_id, state)"
            " values ('2026-03', 1, 1, 'published')"
        )
    return warehouse


@contextmanager
def elsewhere(
    server: str, home: Path, secret: str = PERSON_KEY_SECRET, **more: str
) -> Iterator[str]:
    """Another database and another home: what a restore finds."""
    with (
        fresh_database(server) as dsn,
        only_environment(dsn=dsn, home=str(home), person_key_secret=secret, **more),
    ):
        yield dsn


def use(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"WAREHOUSE_{name.upper()}", value)
    settings.cache_clear()


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def landed() -> dict[str, bytes]:
    root = settings().landing
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_what_was_backed_up_is_there_again(
    filled: str, server_dsn: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("other")
    made = backup(tmp_path / "kept")
    files = landed()
    raw = "select * from raw.county_income order by _delivery_id, _row_no"
    income = rows(filled, raw)
    assert (made.deliveries, made.publications) == (4, 1)
    assert made.contents[f"{MONTH}/small"]["rows"] == 3
    assert len(made.files) > len(files) > 0
    with elsewhere(server_dsn, home) as dsn:
        done = restore(tmp_path / "kept")
        assert isinstance(done, Restored)
        assert (done.deliveries, done.publications, done.marts, done.applied) == (4, 1, 1, ())
        assert landed() == files
        assert rows(dsn, raw) == income
        assert rows(dsn, "select has_table_privilege('bi_city', 'marts.small', 'select')") == [
            (True,)
        ]
        with psycopg.connect(in_role(dsn, "bi_city")) as reader:
            assert len(reader.execute("table marts.small").fetchall()) == 3
        with psycopg.connect(in_role(dsn, "bi_county_431002")) as reader:
            assert reader.execute("table marts_431002.small").fetchall() == []  # its policies too
        assert rows(dsn, "select vault.is_resident_id('431099199001010010')") == [(True,)]
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.RaiseException):
            connection.execute("delete from ops.alert_event")  # its trigger came along


def test_no_secret_is_in_a_backup(filled: str, tmp_path: Path) -> None:
    backup(tmp_path / "kept")
    for path in (tmp_path / "kept").rglob("*"):
        assert not path.is_file() or PERSON_KEY_SECRET.encode() not in path.read_bytes()


def test_an_empty_warehouse_can_be_backed_up_and_restored(
    warehouse: str, server_dsn: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = backup(tmp_path / "kept")
    assert (made.deliveries, made.contents) == (0, {})
    with elsewhere(server_dsn, tmp_path_factory.mktemp("other")) as dsn:
        restore(tmp_path / "kept")
        assert rows(dsn, "select count(*) from ops.delivery") == [(0,)]


def test_a_folder_that_is_not_empty_is_refused(warehouse: str, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "something").touch()
    with pytest.raises(BackupRefused, match="not empty"):
        backup(tmp_path / "kept")


def test_a_warehouse_that_is_not_empty_is_refused_by_name(filled: str, tmp_path: Path) -> None:
    backup(tmp_path / "kept")
    with pytest.raises(RestoreRefused, match="not empty: 4 deliveries and 1 publications"):
        restore(tmp_path / "kept")
    rows_before = rows(filled, "table marts.small")
    with psycopg.connect(filled) as connection:
        connection.execute("update marts.small set n = n + 10")
    restore(tmp_path / "kept", replace=True)
    assert rows(filled, "table marts.small") == rows_before


@pytest.mark.parametrize("how", ["changed", "gone", "added"])
def test_a_backup_that_is_not_what_it_was_is_refused(how: str, filled: str, tmp_path: Path) -> None:
    made = backup(tmp_path / "kept")
    victim = tmp_path / "kept" / next(name for name in made.files if name.startswith("landing"))
    victim.chmod(0o600)
    match how:
        case "changed":
            victim.write_bytes(b"x")
            expected = "was changed"
        case "gone":
            victim.unlink()
            expected = "is gone"
        case _:
            victim.with_name("more").touch()
            expected = "is not of the backup"
    before = rows(filled, "table marts.small")
    with pytest.raises(BackupRefused, match=expected):
        restore(tmp_path / "kept", replace=True)
    assert rows(filled, "table marts.small") == before


@pytest.mark.parametrize("manifest", [None, "", "{}", json.dumps({"format": 99})])
def test_a_folder_without_a_whole_manifest_is_no_backup(
    manifest: str | None, warehouse: str, tmp_path: Path
) -> None:
    if manifest is not None:
        (tmp_path / backups.MANIFEST).write_text(manifest)
    with pytest.raises(BackupRefused, match="no complete backup"):
        restore(tmp_path)


def test_another_secret_of_the_person_keys_is_refused_unless_accepted(
    filled: str, server_dsn: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backup(tmp_path / "kept")
    with elsewhere(server_dsn, tmp_path_factory.mktemp("other"), "another") as dsn:
        with pytest.raises(RestoreRefused, match="secret of the person keys is not the one"):
            restore(tmp_path / "kept")
        assert rows(dsn, "select to_regclass('ops.delivery')::text") == [(None,)]
        restore(tmp_path / "kept", other_key=True)
        assert rows(dsn, "select count(*) from ops.delivery") == [(4,)]


def test_encrypted_files_are_restored_where_their_key_is_and_refused_by_name_where_not(
    filled: str, server_dsn: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ((sha256,),) = rows(filled, "select sha256 from ops.delivery where kind = 'county_income'")
    with opened(path_of(str(sha256))) as file:
        delivered = file.read()
    use(monkeypatch, landing_key=KEY)
    assert list(seal_kept()) == [True] * 4
    files = landed()
    backup(tmp_path / "kept")
    use(monkeypatch, landing_key="")
    wanted = key_name(bytes.fromhex(KEY))
    for ours in ("", OTHER_KEY):
        with elsewhere(server_dsn, tmp_path_factory.mktemp("other"), landing_key=ours) as dsn:
            with pytest.raises(RestoreRefused, match=f"that are not here: {wanted}"):
                restore(tmp_path / "kept")
            assert rows(dsn, "select to_regclass('ops.delivery')::text") == [(None,)]
            assert landed() == {}
    with elsewhere(server_dsn, tmp_path_factory.mktemp("other")) as dsn:
        restore(tmp_path / "kept", other_key=True)
        assert rows(dsn, "select count(*) from ops.delivery") == [(4,)]
    keys = f"{OTHER_KEY} {KEY}"
    with elsewhere(server_dsn, tmp_path_factory.mktemp("other"), landing_key=keys):
        restore(tmp_path / "kept")
        assert landed() == files
        with opened(path_of(str(sha256))) as file:
            assert file.read() == delivered


def person(resident_id: str) -> list[dict[str, str]]:
    return [{"county": "汝城县", "household_no": HOUSEHOLDS[1], "cert_no": resident_id,
             "name": "佘甲乙丙", "status": "正常"}]  # fmt: skip


def _with_secrets(folder: Path, copy: Path, erasure: str) -> Path:
    """A copy of a backup as it is of a warehouse with this secret, which came along."""
    shutil.copytree(folder, copy)
    (copy / backups.SECRETS).write_text(json.dumps({"erasure": erasure}))
    told = json.loads((copy / backups.MANIFEST).read_text())
    told |= {"with_secrets": True, "files": dict(backups.sums(copy))}
    (copy / backups.MANIFEST).write_text(json.dumps(told))
    return copy


def test_whoever_was_erased_since_is_erased_again_and_kept_out(
    filled: str, server_dsn: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One who is in the backup, and one who came after it and is delivered again after all."""
    known, later = "431099195503020018", "43109919660505001X"
    use(monkeypatch, landing_key=KEY, erasure_secret=SECRET)
    deliver("county_person", person(known))
    # Of these nothing is loaded: that he is in them shows only where they are opened.
    table = [["姓名", "证件"], ["佘甲乙丙", known]]
    refused = [send("county_person", csv_bytes(table), "other.csv"),
               send("county_person", hostile.workbook(table), "other.xlsx")]  # fmt: skip
    assert rows(filled, "select count(*) from ops.delivery where row_count > 0"
                f" and delivery_id in ({refused[0]}, {refused[1]})") == [(0,)]  # fmt: skip
    backup(tmp_path / "kept")
    deliver("county_person", person(later))
    for each in (known, later):
        number = erasure.order(each, "consent_withdrawn", "本人申请")
        use(monkeypatch, landing_key="")
        with pytest.raises(SealingKeyMissing, match="encrypted here, and no key is set"):
            erasure.carry_out(number)
        assert erasure.described(number).state == "ordered"
        use(monkeypatch, landing_key=KEY)
        erasure.carry_out(number)
    listed = (settings().home / "audit" / "erasures").read_bytes()

    def is_gone(dsn: str) -> None:
        found = searched(dsn, [known, later, "佘甲乙丙"])
        assert set.union(*found.values()) <= {"kept"}  # which lies below home, and stays whole

    is_gone(filled)
    home, ours = tmp_path_factory.mktemp("other"), {"landing_key": KEY, "erasure_secret": SECRET}
    with elsewhere(server_dsn, home, **ours) as dsn:
        # The control: without the list the backup brings back whom it holds.
        assert restore(tmp_path / "kept").erased == ()
        assert searched(dsn, [known])[known] == {"dump", SEALED}
        (home / "audit" / "erasures").write_bytes(listed)
        for secret in ("", "another"):
            use(monkeypatch, erasure_secret=secret)
            with pytest.raises(ConfigurationMissing, match="WAREHOUSE_ERASURE_SECRET is not"):
                restore(tmp_path / "kept", replace=True)
            assert rows(dsn, "select count(*) from ops.erasure") == [(0,)]
        use(monkeypatch, erasure_secret=SECRET)
        with pytest.raises(RestoreRefused, match="with another secret than the backup's"):
            restore(_with_secrets(tmp_path / "kept", tmp_path / "others", "another"), replace=True)
        assert not (home / "secrets.json").exists()
        use(monkeypatch, landing_key="")
        with pytest.raises(RestoreRefused, match="erased again from files that are encrypted"):
            restore(tmp_path / "kept", replace=True, other_key=True)
        assert rows(dsn, "select count(*) from ops.erasure") == [(0,)]
        # A new home, which has made a secret of its own: the backup's is that of the list.
        use(monkeypatch, landing_key=KEY, erasure_secret="")
        done = restore(_with_secrets(tmp_path / "kept", tmp_path / "ours", SECRET), replace=True)
        assert settings().erasure_secret == SECRET
        shutil.rmtree(tmp_path / "ours")
        is_gone(dsn)
        orders = [erasure.described(number) for number in erasure.numbers()]
        assert [(o.state, o.reason, o.proof.get("found")) for o in orders] == [
            ("done", "本人申请", 0),
            ("done", "本人申请", None),  # of whom nothing was there
        ]
        assert done.erased == (orders[0].erasure_id,)
        assert audit.verify().is_whole
        assert {e.action for e in audit.events(20)} >= {"restored", "erasure_ordered", "erased"}
        for each in (later, known):
            deliver("county_person", person(each))
        is_gone(dsn)
        with pytest.raises(ConfigurationMissing, match="is not the one"):
            use(monkeypatch, erasure_secret="another")
            deliver("county_person", person("431099199001010010"))


def test_whoever_is_at_work_there_is_named(
    filled: str, server_dsn: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backup(tmp_path / "kept")
    with (
        elsewhere(server_dsn, tmp_path_factory.mktemp("other")) as dsn,
        psycopg.connect(dsn),
        pytest.raises(RestoreRefused, match="1 other sessions are at work in database warehouse"),
    ):
        restore(tmp_path / "kept")


def test_secrets_that_come_from_the_environment_are_not_in_a_file(
    warehouse: str, tmp_path: Path
) -> None:
    with pytest.raises(BackupRefused, match="no file of secrets"):
        backup(tmp_path / "kept", with_secrets=True)


def test_a_backup_that_was_broken_off_is_none(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_copy", full)
    with pytest.raises(OSError, match="No space"):
        backup(tmp_path / "kept")
    with pytest.raises(BackupRefused, match="no complete backup"):
        restore(tmp_path / "kept", replace=True)
