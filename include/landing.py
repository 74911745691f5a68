"""The immutable, content-addressed store of what the sources delivered, as received.

With a key in the settings files are encrypted where they lie (include/sealing.py); their address
stays the hash of what was delivered. Whoever reads one does it by ``opened``: it does not matter
which are encrypted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
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
from typing import IO, cast

from include.sealing import SUFFIX, Sealed, keys, seal
from include.settings import settings

_LONGEST_NAME = 120
_BUFFER = 1 << 20
_DRAFT = ".incoming-"
READING = ".reading-"
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories of what is not seen or turns the text around it."""
_PERSON_NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{15,})(?!\d)[Xx]?")
"""Mobile numbers, IDs, household and bank numbers: longer than a date or a count."""


@dataclass(frozen=True)
class Landed:
    """One delivered file in landing.

    ``uri`` is where it came from (without credentials), ``path`` where its bytes lie now (to be
    read by ``opened``), ``bytes`` and ``sha256`` are those of what was delivered,
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
    sweep(root)
    digest, size = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    with a_draft(root) as draft:
        is_sealed = write(draft, counted())
        sha256 = digest.hexdigest()
        path = path_of(sha256)
        if path.exists():
            Path(draft.name).unlink()
        else:
            path = plain_path(sha256)
            path = path.with_name(path.name + SUFFIX) if is_sealed else path
            finish(Path(draft.name), path)
    return path, size, sha256


def path_of(sha256: str) -> Path:
    """Where the bytes of a hash lie, if they are kept."""
    path = plain_path(sha256)
    sealed = path.with_name(path.name + SUFFIX)
    return sealed if sealed.exists() else path


def remove(sha256: str) -> None:
    """Forget the bytes of a hash, however they lie."""
    path = plain_path(sha256)
    path.unlink(missing_ok=True)
    path.with_name(path.name + SUFFIX).unlink(missing_ok=True)


def opened(path: Path) -> IO[bytes]:
    """The bytes as they were delivered, of a file that may be encrypted; can be read from anywhere.

    Raises SealingKeyMissing, SealedFileDamaged, FileNotFoundError.
    """
    if is_sealed(path):
        return io.BufferedReader(Sealed(path), buffer_size=_BUFFER)
    try:
        return path.open("rb")
    except FileNotFoundError:  # encrypted since its path was asked for
        sealed = path.with_name(path.name + SUFFIX)
        if not sealed.exists():
            raise
    return opened(sealed)


def size_of(path: Path) -> int:
    """How many bytes were delivered."""
    if not is_sealed(path):
        return path.stat().st_size
    with Sealed(path) as content:
        return content.size


def is_sealed(path: Path) -> bool:
    """Whether a file of landing is encrypted."""
    return path.name.endswith(SUFFIX)


def keep(path: Path, content: bytes) -> None:
    """Put bytes at ``path``, whole or not at all; with a key encrypted, as the name then says."""
    sealing = keys()
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as target:
        if sealing:
            seal([content], target, sealing[0])
        else:
            target.write(content)
    draft.replace(path.with_name(path.name + SUFFIX) if sealing else path)


def plain_path(sha256: str) -> Path:
    """Where the bytes of a hash lie if they are not encrypted."""
    return settings().landing / sha256[:2] / sha256


def write(draft: IO[bytes], chunks: Iterable[bytes]) -> bool:
    """Write a draft to the end and onto disk, encrypted where there is a key; whether it is."""
    try:
        sealing = keys()
        if sealing:
            seal(chunks, draft, sealing[0])
        else:
            draft.writelines(chunks)
        draft.flush()
        os.fsync(draft.fileno())
    except BaseException:
        Path(draft.name).unlink(missing_ok=True)
        raise
    return bool(sealing)


def finish(draft: Path, path: Path) -> None:
    """Give a complete draft its name."""
    path.parent.mkdir(exist_ok=True)
    draft.chmod(0o440)
    draft.replace(path)
    _sync_folder(path.parent)


def a_draft(root: Path) -> IO[bytes]:
    """A new file, locked as long as its writer lives."""
    while True:
        draft = tempfile.NamedTemporaryFile(dir=root, prefix=_DRAFT, delete=False)  # noqa: SIM115
        fcntl.flock(draft, fcntl.LOCK_EX)
        if os.fstat(draft.fileno()).st_nlink:
            return cast("IO[bytes]", draft)
        draft.close()  # swept before it was locked


def sweep(root: Path) -> None:
    """Remove what killed processes left: drafts and folders that nobody holds."""
    for path in (*root.glob(f"{_DRAFT}*"), *root.glob(f"{READING}*")):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), holding(path) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the name on disk too, before a record says that the file is there."""
    with holding(folder) as handle:
        os.fsync(handle)


@contextmanager
def holding(path: Path) -> Iterator[int]:
    """A file or folder's descriptor, for locks and for fsync."""
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
