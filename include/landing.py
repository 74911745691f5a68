"""The immutable, content-addressed store of what the sources delivered, as received."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from include.settings import settings


@dataclass(frozen=True)
class Landed:
    """One delivered file in landing.

    ``uri`` is where it came from (without credentials), ``path`` where its bytes lie now,
    ``modified_at`` the sender's own time stamp where the protocol has one.
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


def store(chunks: Iterable[bytes]) -> tuple[Path, int, str]:
    """Put a stream of bytes into landing; returns (path, bytes, sha256).

    The file appears under its hash only when complete and on disk. Bytes that are there already
    are not written again.
    """
    root = settings().landing
    root.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=root, prefix=".incoming-", delete=False) as draft:
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
    path = root / sha256[:2] / sha256
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        Path(draft.name).unlink()
    else:
        Path(draft.name).chmod(0o440)
        Path(draft.name).replace(path)
    return path, size, sha256
