"""The secret that a rotation goes to: given by the operator, or made for the embedded services."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import psycopg

from include.database import OWNER, connect
from include.errors import WarehouseError
from include.services.credentials import write_private
from include.settings import settings
from include.vault.secrets import fingerprint, known_secrets

LEAST_LENGTH = 32
"""Characters of a new secret: a dictionary of IDs needs the secret, and so must not guess it."""
_NOW, _NEXT = "person_key", "person_key_next"


class SecretRefused(WarehouseError):
    """There is no new secret, or none that could be used."""


def new_secret(connection: psycopg.Connection[Any]) -> str:
    """The one secret known here that no version of the keys has. Raises SecretRefused."""
    settle_secret()  # a rotation killed at its very end has left the one in force as the next
    used = {print_ for (print_,) in connection.execute("select fingerprint from vault.key_version")}
    fresh = [secret for secret in known_secrets() if fingerprint(secret) not in used]
    if not fresh and (file := _embedded()):
        kept = json.loads(file.read_text())
        if _NEXT in kept:
            raise SecretRefused(
                f"{_NEXT} is a secret of keys that there were, and would be lost.",
                file=str(file),
                remedy=f"./warehouse rotate-key status; move {_NEXT} away from there.",
            )
        write_private(file, json.dumps(kept | {_NEXT: secrets.token_hex(24)}, indent=1) + "\n")
        fresh = [secret for secret in known_secrets() if fingerprint(secret) not in used]
    if len(fresh) != 1:
        raise SecretRefused(
            f"{len(fresh) or 'none'} of the secrets known here {'are' if fresh else 'is'} new.",
            remedy="give one new secret beside the one in force: WAREHOUSE_PERSON_KEY_NEXT_SECRET,"
            " or another line in WAREHOUSE_PERSON_KEY_FILE or in Airflow's variable. A secret that"
            " was in force before is not new.",
        )
    if len(fresh[0]) < LEAST_LENGTH:
        raise SecretRefused(
            f"the new secret has fewer than {LEAST_LENGTH} characters.",
            remedy="make one by a generator, as in: openssl rand -hex 32.",
        )
    return fresh[0]


def settle_secret() -> None:
    """Among the embedded services' secrets: the new one takes the old one's place, which is gone.

    A secret that the operator gives is his to take away.
    """
    file = _embedded()
    if file is None:
        return
    kept = json.loads(file.read_text())
    with connect(OWNER) as connection:
        row = connection.execute(
            "select fingerprint from vault.key_version where state = 'current'"
        ).fetchone()
    if _NEXT in kept and row == (fingerprint(kept[_NEXT]),):
        kept[_NOW] = kept.pop(_NEXT)
        write_private(file, json.dumps(kept, indent=1) + "\n")


def _embedded() -> Path | None:
    """The embedded services' file of secrets, where the keys' secret is from there."""
    file = settings().home / "secrets.json"
    given = settings().person_key_file
    return file if given and given.absolute() == file.absolute() else None
