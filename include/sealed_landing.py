"""The files of landing that are kept, encrypted afterwards: ``./warehouse landing encrypt``."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from include.errors import SealedFileDamaged
from include.landing import a_draft, finish, is_sealed, opened, plain_path, sweep, write
from include.sealing import SUFFIX, key_name, keys, sealed_with
from include.settings import settings

_BUFFER = 1 << 20


def seal_kept() -> Iterator[bool]:
    """Encrypt with the first key what is plain or has another key; yields for each file whether.

    A plain file goes when its encrypted copy has been read back and is on disk. Can be broken off
    and called again. Raises SealedFileDamaged where a file is not what its name says.
    """
    sealing = keys()[0]
    root = settings().landing
    sweep(root)
    for path in sorted(root.glob("??/*")):
        if is_sealed(path) and sealed_with(path) == key_name(sealing):
            plain_path(path.name.removesuffix(SUFFIX)).unlink(missing_ok=True)
            yield False
            continue
        if not path.exists():
            continue
        sha256 = path.name.removesuffix(SUFFIX)
        with a_draft(root) as draft, opened(path) as content:
            write(draft, iter(partial(content.read, _BUFFER), b""))
            sealed = Path(draft.name).rename(f"{draft.name}{SUFFIX}")
            if _digest(sealed) != sha256:
                sealed.unlink()
                raise SealedFileDamaged(
                    "is not what was delivered: its bytes have another hash than its name.",
                    file=path.name,
                    remedy="restore it from a backup.",
                )
            finish(sealed, plain_path(sha256).with_name(sha256 + SUFFIX))
        plain_path(sha256).unlink(missing_ok=True)
        yield True


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with opened(path) as content:
        for chunk in iter(partial(content.read, _BUFFER), b""):
            digest.update(chunk)
    return digest.hexdigest()


def kept_with(root: Path | None = None) -> Counter[str]:
    """How many files of a landing folder (ours) want which key, by its name; "" where plain."""
    files = (root or settings().landing).glob("??/*")
    return Counter(sealed_with(path) if is_sealed(path) else "" for path in files)
