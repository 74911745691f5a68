"""Files that name rows by their keys: results of the gates and the pages made from them."""

from __future__ import annotations

from typing import Any

import psycopg

from include.services.credentials import write_private
from include.settings import settings
from include.vault.exchange import exchanged

FOLDERS = ("data_docs", "gx")


def exchange_files(connection: psycopg.Connection[Any]) -> int:
    """Exchange the keys in them; how many files had any. Each is replaced whole."""
    changed = 0
    for folder in FOLDERS:
        for path in sorted((settings().home / folder).rglob("*")):
            if not path.is_file():
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # pictures and fonts
            anew = exchanged(connection, text)
            if anew != text:
                mode = path.stat().st_mode & 0o777
                write_private(path, anew)
                path.chmod(mode)
                changed += 1
    return changed
