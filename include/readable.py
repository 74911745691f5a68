"""One delivered file made readable for a while, in a folder that goes with its reader."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from include.landing import READING, holding, is_sealed, opened, sweep
from include.settings import settings

_BUFFER = 1 << 20
_MEMORY = Path("/dev/shm")  # noqa: S108  # looked into with care: _in_memory
_UNPACKED = 30
"""What a workbook may take as text, times its own size; larger ones are made readable on disk."""
_LEAST_FREE = 64 << 20


@contextmanager
def reading_folder(path: Path) -> Iterator[Path]:
    """A folder for one file made readable; it goes at the end, or with its process.

    What it holds are rows of persons, which nothing but landing and the database may keep. It is
    beside landing, and of an encrypted file in memory, as far as there is room.
    """
    root = (_in_memory(path) if is_sealed(path) else None) or settings().landing
    root.mkdir(parents=True, exist_ok=True)
    sweep(root)
    while True:
        with (
            TemporaryDirectory(dir=root, prefix=READING, ignore_cleanup_errors=True) as name,
            holding(Path(name)) as handle,
        ):
            fcntl.flock(handle, fcntl.LOCK_EX)
            if Path(name).exists():  # not swept before it was locked
                yield Path(name)
                return


def as_file(path: Path, folder: Path) -> Path:
    """The file itself where it is plain, else a plain copy of it in a ``reading_folder``."""
    if not is_sealed(path):
        return path
    copy = folder / "delivered"
    with opened(path) as content, copy.open("wb") as target:
        shutil.copyfileobj(content, target, _BUFFER)
    return copy


def _in_memory(path: Path) -> Path | None:
    """This home's folder in memory; None where there is no room for what a file becomes."""
    own = _MEMORY / f"warehouse-{hashlib.sha256(str(settings().landing).encode()).hexdigest()[:16]}"
    try:
        if shutil.disk_usage(_MEMORY).free < path.stat().st_size * _UNPACKED + _LEAST_FREE:
            return None
        own.mkdir(mode=0o700, exist_ok=True)
        status = own.lstat()
    except OSError:
        return None
    # Anybody may make folders there.
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return own if is_ours and status.st_mode & 0o077 == 0 else None
