"""The content-addressed store."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.landing import store
from include.settings import settings


def files(home: Path) -> list[Path]:
    return [path for path in (home / "landing").rglob("*") if path.is_file()]


def test_bytes_lie_under_their_hash_and_are_read_only(home: Path) -> None:
    path, size, sha256 = store([b"one,", b"two\n"])
    assert path.read_bytes() == b"one,two\n"
    assert (size, sha256) == (8, hashlib.sha256(b"one,two\n").hexdigest())
    assert path == settings().landing / sha256[:2] / sha256
    assert path.stat().st_mode & 0o222 == 0


def test_the_same_bytes_are_kept_once(home: Path) -> None:
    first, *_ = store([b"abc"])
    stamp = first.stat().st_mtime_ns
    second, *_ = store([b"a", b"bc"])
    assert first == second
    assert second.stat().st_mtime_ns == stamp
    assert files(home) == [first]


def test_nothing_is_a_content_too(home: Path) -> None:
    path, size, _ = store([])
    assert size == 0
    assert path.read_bytes() == b""


def test_a_stream_that_breaks_off_leaves_nothing(home: Path) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store(breaks())
    assert files(home) == []


def test_what_a_killed_writer_left_is_swept(home: Path) -> None:
    """A draft that somebody holds is being written; its writer's death lets go of it."""
    store([b"first"])
    held, left = (home / "landing" / f".incoming-{name}" for name in ("held", "left"))
    left.write_bytes(b"half")
    with held.open("wb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        store([b"second"])
        assert held.exists()
    assert not left.exists()
    store([b"third"])
    assert len(files(home)) == 3
