"""Look for values in files, also in packed ones, and strike them out of ours.

Landing is searched, and its files are replaced by copies (include/subject/redaction.py); reports,
logs and what builds left are rewritten where they stand. Nothing of a value is ever told.
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from include.errors import SealedFileDamaged, SealingKeyMissing
from include.landing import opened
from include.sealing import SUFFIX, keys
from include.settings import settings
from include.sources import health_insurance

NOT_OURS = ("landing", "postgres", "sources", "truth", "audit", "run", "tls")
"""Folders of ``home`` beside what is written of builds: stores with rules of their own, the
simulated senders, and the servers' own files."""
_MOST = 256 << 20
"""Unpacked bytes of one part that are looked into."""
_DEPTH = 3
_TEXTS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_CLOSED = (b"Rar!", b"7z\xbc\xaf", b"%PDF-")


@dataclass(frozen=True)
class Needles:
    """Values as they may stand in a file: in the encodings of texts, and as numbers of old
    workbooks."""

    values: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        spelt: set[bytes] = set()
        for value in self.values:
            for form in {value, value.lower()}:
                spelt |= {form.encode(encoding) for encoding in _TEXTS}
            if value.isdigit() and 9 <= len(value) <= 15:
                spelt.add(struct.pack("<d", float(value)))
        ordered = sorted(spelt, key=lambda each: (-len(each), each))
        return re.compile(b"|".join(map(re.escape, ordered)) or rb"(?!)")


def holds(content: bytes, needles: Needles, depth: int = _DEPTH) -> bool | None:
    """Whether one of the values stands in these bytes; None: they cannot be looked into."""
    if needles.pattern.search(content):
        return True
    if content.startswith(_CLOSED) or b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k" in content:
        return None
    if depth == 0 or not content.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        return False
    is_sure = True
    for part in _parts(content):
        found = None if part is None else holds(part, needles, depth - 1)
        if found:
            return True
        is_sure = is_sure and found is not None
    return False if is_sure else None


def _parts(content: bytes) -> Iterator[bytes | None]:
    """What is packed in there, part by part; None for one that does not open."""
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                yield packed.read(_MOST)
            return
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                try:
                    with archive.open(entry) as part:
                        yield part.read(_MOST)
                except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
                    yield None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, ValueError):
        yield None


def demand_key() -> None:
    """Raises SealingKeyMissing where landing has encrypted files and no key is set: they could not
    be looked into, and the copies that replace them would lie in plain."""
    if not keys() and any(settings().landing.glob(f"??/*{SUFFIX}")):
        raise SealingKeyMissing(
            "delivered files are encrypted here, and no key is set.",
            remedy="set WAREHOUSE_LANDING_KEY_FILE as for the loads; the first key in it encrypts"
            " the copies. Then go on: ./warehouse subject erase --resume.",
        )


def landed() -> Iterator[tuple[str, bytes | None]]:
    """The files of landing, in order: the hash that names each, and its bytes as they came; None
    of one that does not open, for it is damaged or encrypted with a key that is not here."""
    for path in sorted(settings().landing.glob("??/*")):
        if path.is_file():
            yield path.name.removesuffix(SUFFIX), _delivered(path)


def pages() -> Iterator[bytes | None]:
    """The pages of extractions that broke off, or are at work; None where one does not open."""
    for path in health_insurance.kept_pages():
        with suppress(FileNotFoundError):  # its extraction is whole now
            yield _delivered(path)


def drop_pages(needles: Needles) -> None:
    """Drop the broken-off extractions that hold one of the values: who goes on begins again."""

    def is_to_go(page: Path) -> bool:
        content = _delivered(page)
        return content is None or bool(holds(content, needles))

    health_insurance.drop_pages(is_to_go)


def _delivered(path: Path) -> bytes | None:
    try:
        with opened(path) as file:
            return file.read()
    except (SealingKeyMissing, SealedFileDamaged):
        return None


def written() -> Iterator[Path]:
    """What is written of deliveries and builds below ``home``, in order. Backups that lie there are
    none of it: they stay whole, and who was erased is erased again from what is restored."""
    for folder in sorted(settings().home.iterdir()):
        if folder.is_dir() and folder.name not in NOT_OURS:
            backups = {dump.parent for dump in folder.rglob("warehouse.dump")}
            yield from (
                path for path in sorted(folder.rglob("*"))
                if path.is_file() and not path.is_symlink()
                and backups.isdisjoint(path.parents)
            )  # fmt: skip


def strike_out(paths: Iterable[Path], needles: Needles) -> int:
    """Take the values out of files of ours; how many files were changed.

    A text is written again without them, whole or not at all. A packed file that is no log goes:
    what it said can be written again.
    """
    changed = 0
    for path in paths:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # a draft that its writer has taken away
        if not holds(content, needles):
            continue
        changed += 1
        if content.startswith(b"\x1f\x8b"):
            _replace(path, gzip.compress(needles.pattern.sub(b"erased", gzip.decompress(content))))
        elif content.startswith(b"PK\x03\x04"):
            path.unlink()
        else:
            _replace(path, needles.pattern.sub(b"erased", content))
    return changed


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.erasing")
    draft.touch(mode=path.stat().st_mode & 0o777)
    draft.write_bytes(content)
    draft.replace(path)
