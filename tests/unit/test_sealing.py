"""Landing encrypted at rest: what was delivered is read as ever, and by nobody without the key."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tracemalloc
from pathlib import Path

import pytest
from typer.testing import CliRunner

from include import readable, sealing
from include.cli.main import app
from include.errors import SealedFileDamaged, SealingKeyMissing, SourceUnavailable
from include.landing import is_sealed, opened, path_of, remove, size_of, store
from include.load import load
from include.readable import as_file, reading_folder
from include.sealed_landing import kept_with, seal_kept
from include.sealing import key_name, seal
from include.settings import settings
from tests.unit import hostile
from tests.unit.landed import (
    HEADER,
    NAME,
    csv_bytes,
    delivery,
    household_no,
    land,
    raw_rows,
    row,
)
from tests.unit.test_health_insurance_source import PARTS, Answer, Api, api, extract

__all__ = ["api"]

PIECE = 1 << 16
KEY, OTHER = "01" * 32, "02" * 32


def use(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    monkeypatch.setenv("WAREHOUSE_LANDING_KEY", " ".join(keys))
    settings.cache_clear()


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    use(monkeypatch, KEY)
    return bytes.fromhex(KEY)


def content(path: Path) -> bytes:
    with opened(path) as file:
        return file.read()


@pytest.mark.parametrize(
    "size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5], ids=str
)
def test_what_is_sealed_is_read_as_it_was(key: bytes, size: int) -> None:
    plain = os.urandom(size)
    path, length, sha256 = store([plain[:7], plain[7:]])
    assert (length, sha256) == (size, hashlib.sha256(plain).hexdigest())
    assert path.name == f"{sha256}.sealed"
    assert path == path_of(sha256)
    assert path.stat().st_mode & 0o222 == 0
    assert content(path) == plain
    assert size_of(path) == size
    assert size < 16 or plain[:16] not in path.read_bytes()


def test_it_is_read_from_anywhere(key: bytes) -> None:
    plain = os.urandom(2 * PIECE + 100)
    path, *_ = store([plain])
    with opened(path) as file:
        for at in (0, PIECE - 3, PIECE, 2 * PIECE + 99, 2 * PIECE + 100, 5 * PIECE, 11):
            file.seek(at)
            assert file.read(6) == plain[at : at + 6], at
        file.seek(-4, os.SEEK_END)
        assert file.read() == plain[-4:]


def test_the_same_bytes_are_never_sealed_alike(key: bytes) -> None:
    """Else files could be compared, or one's piece stand for another's."""
    first, second = io.BytesIO(), io.BytesIO()
    seal([b"x" * 100], first, key)
    seal([b"x" * 100], second, key)
    assert first.getvalue()[16:] != second.getvalue()[16:]


def test_memory_does_not_grow_with_the_file(key: bytes) -> None:
    chunk = os.urandom(1 << 20)
    tracemalloc.start()
    path, *_ = store(chunk for _ in range(24))
    with opened(path) as file:
        while file.read(1 << 20):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize("at", [0, 8, 16, 47, 48, 70, -17, -1], ids=str)
def test_a_changed_byte_is_found(key: bytes, at: int) -> None:
    path, *_ = store([b"a" * (PIECE + 10)])
    path.chmod(0o600)
    changed = bytearray(path.read_bytes())
    changed[at] ^= 1
    path.write_bytes(changed)
    with pytest.raises((SealedFileDamaged, SealingKeyMissing)) as refusal:
        content(path)
    assert isinstance(refusal.value, SealedFileDamaged) is (at != 8)  # there stands the key's name


def test_a_file_cut_off_lengthened_or_rearranged_is_found(key: bytes) -> None:
    path, *_ = store([b"a" * PIECE, b"b" * PIECE, b"c"])
    path.chmod(0o600)
    whole = path.read_bytes()
    head, step = 48, PIECE + 16
    one, two = whole[head : head + step], whole[head + step : head + 2 * step]
    rest = whole[head + 2 * step :]
    for bad in (
        whole[:head] + one,  # at a piece's end
        whole[:head] + one + two,
        whole[:-1],
        whole[:head],
        whole[: head - 1],
        b"",
        whole[:head] + two + one + rest,
        whole + rest,
    ):
        path.write_bytes(bad)
        with pytest.raises(SealedFileDamaged):
            content(path)
    path.write_bytes(whole)
    assert content(path) == b"a" * PIECE + b"b" * PIECE + b"c"


def test_without_its_key_nothing_opens(
    key: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, *_ = store([b"secret"])
    wanted = key_name(key)
    use(monkeypatch, OTHER)
    with pytest.raises(SealingKeyMissing, match=f"the key named {wanted}, and ours are named"):
        opened(path)
    use(monkeypatch)
    with pytest.raises(SealingKeyMissing, match=f"the key named {wanted}, and no key is set"):
        opened(path)
    use(monkeypatch, OTHER, KEY)
    assert content(path) == b"secret"
    for bad in ("password", "ab" * 31, "zz" * 32):
        use(monkeypatch, bad)
        with pytest.raises(SealingKeyMissing, match="64 hexadecimal digits") as refusal:
            store([b"x"])
        assert bad not in str(refusal.value)
    use(monkeypatch)
    empty = tmp_path / "empty"
    empty.touch()
    for file in (tmp_path / "absent", empty):
        monkeypatch.setenv("WAREHOUSE_LANDING_KEY_FILE", str(file))
        settings.cache_clear()
        with pytest.raises(SealingKeyMissing, match=file.name):
            store([b"x"])
    assert sorted(path.name for path in settings().landing.glob("*")) == [path.parent.name]


def test_a_plain_and_an_encrypted_file_lie_side_by_side(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, *_ = store([b"before"])
    use(monkeypatch, KEY)
    sealed, *_ = store([b"after"])
    assert (content(plain), content(sealed)) == (b"before", b"after")
    assert store([b"before"])[0] == plain  # known as ever
    assert kept_with() == {"": 1, key_name(bytes.fromhex(KEY)): 1}


def test_what_is_there_is_encrypted_and_changes_its_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = {store([text])[2]: text for text in (b"one", b"", b"x" * 3 * PIECE)}
    before = {sha256: path_of(sha256) for sha256 in stored}
    for keys in ([KEY], [OTHER, KEY]):
        use(monkeypatch, *keys)
        assert list(seal_kept()) == [True] * 3
        assert list(seal_kept()) == [False] * 3
        assert kept_with() == {key_name(bytes.fromhex(keys[0])): 3}
        for sha256, text in stored.items():
            assert content(path_of(sha256)) == text
            assert content(before[sha256]) == text  # whoever still has its former path
    assert not any(path.exists() for path in before.values())
    assert not list(settings().landing.glob(".*"))
    use(monkeypatch, OTHER)
    assert content(path_of(next(iter(stored)))) == b"one"


def test_a_break_between_two_steps_of_encrypting_is_made_good(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _, sha256 = store([b"one"])
    use(monkeypatch, KEY)
    list(seal_kept())
    plain.write_bytes(b"one")  # killed before it went
    assert content(path_of(sha256)) == b"one"
    assert list(seal_kept()) in ([True, False], [False], [False, True])
    assert not plain.exists()
    plain.write_bytes(b"one")
    remove(sha256)
    assert not path_of(sha256).exists()


def test_a_file_that_is_not_what_its_name_says_is_not_sealed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, *_ = store([b"one"])
    plain.chmod(0o600)
    plain.write_bytes(b"two")
    use(monkeypatch, KEY)
    with pytest.raises(SealedFileDamaged, match="another hash"):
        list(seal_kept())
    assert plain.read_bytes() == b"two"
    assert not path_of(plain.name).name.endswith(".sealed")
    assert not list(settings().landing.glob(".*"))


FORMS = {
    "5-帮扶措施.csv": csv_bytes([HEADER, row(1), row(2)]),
    "5-帮扶措施.utf-16.csv": hostile.unicode_text([HEADER, row(1), row(2)]),
    "5-帮扶措施.xlsx": hostile.workbook([HEADER, row(1), row(2)]),
    "5-帮扶措施.xls": hostile.old_workbook([HEADER, row(1), row(2)]),
}


@pytest.mark.parametrize("room", ["memory", "disk"])
@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_loaded_from_an_encrypted_file_as_from_a_plain_one(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, room: str
) -> None:
    memory = tmp_path / "shm"
    memory.mkdir()
    monkeypatch.setattr(readable, "_MEMORY", memory if room == "memory" else tmp_path / "none")
    monkeypatch.setattr(readable, "_LEAST_FREE", 0)
    use(monkeypatch, KEY)
    landed = land(FORMS[name], name=name)
    assert is_sealed(landed.path)
    number = load(landed)
    assert [cells[:3] for cells in raw_rows(warehouse)] == [
        (order + 1, "汝城县", household_no(order)) for order in (1, 2)
    ]
    assert delivery(warehouse, number)["bytes"] == len(FORMS[name])
    # Nothing readable is left of it, wherever it was made readable.
    left = [
        path for path in (*memory.rglob("*"), *tmp_path.rglob("landing/**/*")) if path.is_file()
    ]
    assert left == [landed.path]


@pytest.mark.parametrize("content", [hostile.locked_old_workbook(), b"PK\x03\x04 cut off"])
def test_an_encrypted_file_is_refused_for_what_it_is(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    refusals = []
    for keys in ((), (KEY,)):
        use(monkeypatch, *keys)
        landed = land(content, name=f"5-帮扶措施{len(keys)}.xls")
        refusals.append(delivery(warehouse, load(landed))["refusal_code"])
        remove(landed.sha256)
    assert refusals[0] is not None
    assert refusals[0] == refusals[1]


def test_a_workbook_is_made_readable_in_memory_where_there_is_room(
    key: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, *_ = store([b"x" * 100])
    memory = tmp_path / "shm"
    memory.mkdir()
    monkeypatch.setattr(readable, "_MEMORY", memory)

    def folder() -> Path:
        with reading_folder(path) as found:
            assert as_file(path, found).read_bytes() == b"x" * 100
            assert found.stat().st_mode & 0o077 == 0
        assert not found.exists()
        return found.parent

    own = folder()
    assert own.parent == memory
    assert own.stat().st_mode & 0o077 == 0
    own.chmod(0o755)  # made by somebody else, for all to read
    assert folder() == settings().landing
    own.rmdir()
    own.symlink_to(tmp_path)
    assert folder() == settings().landing
    own.unlink()
    monkeypatch.setattr(readable, "_LEAST_FREE", 1 << 60)
    assert folder() == settings().landing
    plain = path.with_name("plain")
    plain.touch()
    with reading_folder(plain) as found:
        assert found.parent == settings().landing


def test_pages_of_an_api_are_encrypted_too(
    api: Api, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """Also those kept for an extraction that goes on where it broke off."""
    whole = content(extract().path)
    use(monkeypatch, KEY)
    api.script = {3: [Answer(503)] * 3}
    with pytest.raises(SourceUnavailable):
        extract()
    kept = [path for path in (home / PARTS).iterdir() if path.is_file()]
    assert sorted(path.name for path in kept) == ["000001.json.sealed", "000002.json.sealed"]
    assert not any(NAME.encode() in path.read_bytes() for path in kept)
    api.served.clear()
    landed = extract()
    assert api.served == [3, 4]
    assert content(landed.path) == whole


def test_retention_drops_an_encrypted_file(key: bytes) -> None:
    path, _, sha256 = store([b"old"])
    assert path_of(sha256).exists()
    remove(sha256)
    assert not path.exists()
    remove(sha256)


def test_the_commands(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store([b"one"])
    call = CliRunner().invoke
    assert json.loads(call(app, ["landing", "status", "--json"]).stdout) == {
        "plain": 1, "encrypted": {}, "keys": [],
    }  # fmt: skip
    with pytest.raises(SealingKeyMissing, match="no key is set"):
        call(app, ["landing", "encrypt"], catch_exceptions=False)
    file = tmp_path / "keys"
    for keys in (1, 2):
        assert call(app, ["landing", "new-key", str(file)]).exit_code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        lines = file.read_text().split()
        assert len(set(lines)) == keys
        monkeypatch.setenv("WAREHOUSE_LANDING_KEY_FILE", str(file))
        settings.cache_clear()
        sealing._keys.cache_clear()
        done = call(app, ["landing", "encrypt", "--json"])
        assert json.loads(done.stdout) == {"encrypted": 1, "were": 0}
        told = json.loads(call(app, ["landing", "status", "--json"]).stdout)
        names = [key_name(bytes.fromhex(line)) for line in lines]
        assert told == {"plain": 0, "encrypted": {names[0]: 1}, "keys": names}
        assert not any(line in call(app, ["landing", "status"]).stdout for line in lines)
