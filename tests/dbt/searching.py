"""The tests' own search: a plain dump of the database with what the planner keeps of its values,
and every file, decrypted and unpacked.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from include import landing
from include.backup import run_tool
from include.errors import SealingKeyMissing
from include.settings import settings

SEALED = "sealed"
"""Instead of ``landing``: in an encrypted file of it."""
_ENCODINGS = ("utf-8", "gb18030", "utf-16-le")


def unpacked(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A file and all that is packed in it."""
    yield name, data
    if data.startswith(b"\x1f\x8b"):
        yield from unpacked(f"{name}!", gzip.decompress(data))
    if data.startswith(b"PK\x03\x04"):
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for part in archive.namelist():
                yield from unpacked(f"{name}!{part}", archive.read(part))


def searched(dsn: str, wanted: list[str]) -> dict[str, set[str]]:
    """Value -> the folders (and ``dump``, and ``sealed``) in which it stands."""
    dump = settings().home / ".dump.sql"
    run_tool("pg_dump", dsn, "--format=plain", "--statistics", f"--dbname={urlsplit(dsn).path[1:]}",
             f"--file={dump}")  # fmt: skip
    found: dict[str, set[str]] = {value: set() for value in wanted}
    for path in sorted(settings().home.rglob("*")):
        if not path.is_file():
            continue
        place = path.relative_to(settings().home).parts[0]
        if place == "landing" and landing.is_sealed(path):
            place = SEALED
        for _, data in unpacked(path.name, _plain(path)):
            for value in wanted:
                if any(value.encode(encoding) in data for encoding in _ENCODINGS):
                    found[value].add("dump" if path == dump else place)
    dump.unlink()
    return found


def _plain(path: Path) -> bytes:
    try:
        with landing.opened(path) as file:
            return file.read()
    except SealingKeyMissing:
        return b""
