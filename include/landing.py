"""The immutable, content-addressed store of what the sources delivered, as received."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from include.settings import settings

_LONGEST_NAME = 120
_DRAFT = ".incoming-"
_READING = ".reading-"
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories of what is not seen or turns the text around it."""
_PERSON_NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{15,})(?!\d)[Xx]?")
"""Mobile numbers, IDs, household and bank numbers: longer than a date or a count."""


@dataclass(frozen=True)
class Landed:
    """One delivered file in landing.

    ``uri`` is where it came from (without credentials), ``path`` where its bytes lie now,
    ``modified_at`` the sender's own time stamp where the protocol has one. The name and the last
    part of the uri are made plain: they end in tables, logs and receipts.
    """

    source: str
    kind: str
    county_code: str
    period: str
    uri: str
    file_name: str
    path: Path
    bytes: int
    sha256: str
    modified_at: datetime | None = None

    def __post_init__(self) -> None:
        folder, slash, last = self.uri.rpartition("/")
        object.__setattr__(self, "uri", folder + slash + plain_name(last))
        object.__setattr__(self, "file_name", plain_name(self.file_name))


def plain_name(name: str) -> str:
    """A sender's file name without folders, control characters and numbers of persons.

    The end is kept of a name that is too long: it says the form and the number of rows.
    """
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join("_" if unicodedata.category(c) in _UNSEEN else c for c in base)
    shown = _PERSON_NUMBER.sub("…", shown).strip()
    if len(shown) > _LONGEST_NAME:
        shown = f"{shown[: _LONGEST_NAME // 2]}…{shown[-_LONGEST_NAME // 2 :]}"
    return shown if shown.strip(".") else "unnamed"


def store(chunks: Iterable[bytes]) -> tuple[Path, int, str]:
    """Put a stream of bytes into landing; returns (path, bytes, sha256).

    The file appears under its hash only when complete and on disk. Bytes that are there already
    are not written again.
    """
    root = settings().landing
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    digest, size = hashlib.sha256(), 0
    with _draft(root) as draft:
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                draft.write(chunk)
            draft.flush()
            os.fsync(draft.fileno())
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise
        sha256 = digest.hexdigest()
        path = path_of(sha256)
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            Path(draft.name).unlink()
        else:
            Path(draft.name).chmod(0o440)
            Path(draft.name).replace(path)
            _sync_folder(path.parent)
    return path, size, sha256


def path_of(sha256: str) -> Path:
    """Where the bytes of a hash lie, if they are kept."""
    return settings().landing / sha256[:2] / sha256


def _draft(root: Path) -> IO[bytes]:
    """A new file, locked as long as its writer lives."""
    while True:
        draft = tempfile.NamedTemporaryFile(dir=root, prefix=_DRAFT, delete=False)  # noqa: SIM115
        fcntl.flock(draft, fcntl.LOCK_EX)
        if os.fstat(draft.fileno()).st_nlink:
            return cast("IO[bytes]", draft)
        draft.close()  # swept before it was locked


@contextmanager
def reading_folder() -> Iterator[Path]:
    """A folder beside landing for one file made readable; it goes at the end, or with its process.

    What it holds are rows of persons, which nothing but landing and the database may keep.
    """
    root = settings().landing
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    while True:
        with (
            TemporaryDirectory(dir=root, prefix=_READING, ignore_cleanup_errors=True) as name,
            _opened(Path(name)) as handle,
        ):
            fcntl.flock(handle, fcntl.LOCK_EX)
            if Path(name).exists():  # not swept before it was locked
                yield Path(name)
                return


def _sweep(root: Path) -> None:
    """Remove what killed processes left: drafts and folders that nobody holds."""
    for path in (*root.glob(f"{_DRAFT}*"), *root.glob(f"{_READING}*")):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), _opened(path) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the name on disk too, before a record says that the file is there."""
    with _opened(folder) as handle:
        os.fsync(handle)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
