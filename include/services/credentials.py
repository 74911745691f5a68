"""Passwords and keys of the embedded services: generated once, kept in ``<home>/secrets.json``."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from pathlib import Path

from include.errors import ServiceFailed
from include.settings import DUTIES

_PASSWORDS = (
    "postgres",
    "warehouse_etl",
    *DUTIES,
    "airflow",
    "civil_affairs_admin",
    "civil_affairs_reader",
    "sftp",
    "health_client",
    "airflow_operator",
    "airflow_approver",
    "airflow_auditor",
    "airflow_admin",
    "airflow_api",
    "airflow_jwt",
    "person_key",
    "erasure",
)


def credentials(home: Path) -> dict[str, str]:
    """Name -> secret, readable by the owner alone. Missing ones are added, none is ever changed.

    Safe to call from several processes at once. Raises ServiceFailed on a damaged file: a new
    person key would silently make every person a new one, so nothing is replaced by guess.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "secrets.json"
    with (home / ".secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        except json.JSONDecodeError:
            raise ServiceFailed(
                "is not valid JSON.",
                file=str(path),
                remedy="restore it from a backup; without its person key the keys of all persons "
                "already loaded cannot be made again.",
            ) from None
        fresh = {name: secrets.token_hex(24) for name in _PASSWORDS if name not in known}
        if "airflow_fernet" not in known:
            fresh["airflow_fernet"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        if fresh:
            known |= fresh
            write_private(path, json.dumps(known, indent=1) + "\n")
    return known


def write_private(path: Path, text: str) -> None:
    """Put ``text`` at ``path`` atomically, mode 0600 from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
