"""The secrets that keys are made with, as this process is given them: never from the database.

From the environment, a file, or Airflow's secrets backend; several at once while the keys are being
rotated. Which of them is which version is told by their fingerprints (include/vault/versions.py),
so that no label can be mistaken.
"""

from __future__ import annotations

import hmac
import json
from functools import cache, lru_cache
from pathlib import Path

from include.errors import ConfigurationMissing
from include.settings import settings

_IN_JSON = "person_key"
"""Names of a JSON object that begin so are secrets of ours; embedded ones are kept in one."""


def known_secrets() -> tuple[str, ...]:
    """All secrets this process knows, each once. Raises ConfigurationMissing for an absent file."""
    given = settings()
    found = [given.person_key_secret, given.person_key_next_secret]
    if given.person_key_file:
        found += _of_file(given.person_key_file)
    if given.person_key_variable:
        found += _of_airflow(given.person_key_variable).splitlines()
    return tuple(dict.fromkeys(secret for each in found if (secret := each.strip())))


def keyed(secret: str, kind: str, value: str) -> str:
    """HMAC-SHA256 (64 hex digits) of a value; ``kind`` keeps the key spaces apart."""
    return hmac.digest(secret.encode(), f"{kind}:{value}".encode(), "sha256").hex()


def fingerprint(secret: str) -> str:
    """What the database knows of a secret: a keyed hash of a constant."""
    return keyed(secret, "fingerprint", "person keys")


def _of_file(path: Path) -> list[str]:
    """What the file holds now; it is read again when it is another."""
    try:
        file = path.expanduser()
        told = file.stat()
        return list(_read(file, told.st_ino, told.st_mtime_ns, told.st_size))
    except OSError as error:
        raise ConfigurationMissing(
            f"the file of the person keys' secrets cannot be read ({error.strerror}).",
            file=str(path),
            remedy="set WAREHOUSE_PERSON_KEY_FILE to a file this account can read: one secret a "
            "line.",
        ) from None


@lru_cache(maxsize=8)
def _read(file: Path, *told: int) -> tuple[str, ...]:
    text = file.read_text(encoding="utf-8")
    if not text.lstrip().startswith("{"):
        return tuple(text.splitlines())
    named = json.loads(text)
    return tuple(named[name] for name in sorted(named) if name.startswith(_IN_JSON))


@cache
def _of_airflow(name: str) -> str:
    """Of the secrets backend that Airflow is configured with; asked for where it is named alone."""
    from airflow.sdk import Variable

    found = Variable.get(name, default=None)
    if not found:
        raise ConfigurationMissing(
            f"Airflow has no variable {name}.",
            remedy="put the secret into Airflow's secrets backend under that name, one a line, or "
            "leave WAREHOUSE_PERSON_KEY_VARIABLE out.",
        )
    return str(found)
