"""Which secret is in force: the database knows each version by its fingerprint.

Without this a wrong secret would make every person a new one, and nobody would notice until two
months do not go together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from include.database import connect, dsn_of
from include.errors import ConfigurationMissing, WarehouseError
from include.vault.secrets import fingerprint, keyed, known_secrets


class WrongSecret(WarehouseError):
    """The secret of the person keys is not the one that this warehouse's keys are made with."""


@dataclass(frozen=True)
class Key:
    """A version of the person keys and its secret, which is in no representation of it."""

    version: int
    secret: str

    def of(self, kind: str, value: str) -> str:
        """The key of a normalised identifier: 64 hex digits."""
        return keyed(self.secret, kind, value)

    def __repr__(self) -> str:
        return f"Key(version={self.version})"


_chosen: dict[tuple[str, tuple[str, ...]], Key] = {}
"""(database, secrets known) -> the one in force, as last seen: millions of keys are asked for."""


def in_force(connection: psycopg.Connection[Any]) -> Key:
    """The version in force and its secret, by what the database says now.

    A warehouse without any learns the first secret here; one with keys from before there were
    versions, if they were made with it. Raises ConfigurationMissing where no secret is known, and
    WrongSecret where none of those known is the one in force.
    """
    secrets = _demand_secrets()
    row = _current(connection)
    if row is None:
        _learn(connection, secrets)
        row = _current(connection)
        assert row is not None
    version, wanted = row
    for secret in secrets:
        if fingerprint(secret) == wanted:
            key = Key(version, secret)
            _chosen[dsn_of("loader"), secrets] = key
            return key
    raise WrongSecret(
        f"{_whose(connection, secrets)}, and this warehouse's keys are of version {version}.",
        remedy="give the secret that the keys were made with (WAREHOUSE_PERSON_KEY_SECRET, "
        "WAREHOUSE_PERSON_KEY_FILE or WAREHOUSE_PERSON_KEY_VARIABLE), and start what runs with an "
        "old one anew. Another one would make every person a new person.",
    )


def identifier_key(kind: str, value: str) -> str:
    """Key of a normalised identifier under the secret in force.

    Of several secrets known the database says which one that is; a single one is taken at its word,
    and whoever writes keys asks ``in_force`` first. Raises ConfigurationMissing without any.
    """
    secrets = _demand_secrets()
    if len(secrets) == 1:
        return keyed(secrets[0], kind, value)
    key = _chosen.get((dsn_of("loader"), secrets))
    if key is None:
        with connect("loader") as connection:
            key = in_force(connection)
    return key.of(kind, value)


def adopt(connection: psycopg.Connection[Any]) -> None:
    """Put the secret known here in force, if none known is: keys that there are stay as they are.

    For a restored warehouse whose secret is lost; raises ConfigurationMissing without any secret.
    """
    try:
        in_force(connection)
    except WrongSecret:
        connection.execute("update vault.key_version set state = 'retired'")
        connection.execute(
            "insert into vault.key_version (version, fingerprint, state)"
            " select coalesce(max(version), 0) + 1, %s, 'current' from vault.key_version",
            [fingerprint(_demand_secrets()[0])],
        )


def _demand_secrets() -> tuple[str, ...]:
    secrets = known_secrets()
    if not secrets:
        raise ConfigurationMissing(
            "WAREHOUSE_PERSON_KEY_SECRET is not set.",
            remedy="set it to the secret this warehouse was started with; a new one makes every "
            "person a new person.",
        )
    return secrets


def _current(connection: psycopg.Connection[Any]) -> tuple[int, str] | None:
    return connection.execute(
        "select version, fingerprint from vault.key_version where state = 'current'"
    ).fetchone()


def _learn(connection: psycopg.Connection[Any], secrets: tuple[str, ...]) -> None:
    """Remember the first version: of the secret that made the keys there are, where there are."""
    sample = connection.execute(
        "select kind, value, key from vault.identifier order by kind, value limit 1"
    ).fetchone()
    fitting = [s for s in secrets if sample is None or keyed(s, *sample[:2]) == sample[2]]
    if not fitting:
        raise WrongSecret(
            "no secret of the person keys that is known here made the keys of this warehouse.",
            remedy="set WAREHOUSE_PERSON_KEY_SECRET to the secret it was started with.",
        )
    connection.execute(
        "insert into vault.key_version (version, fingerprint, state) values (1, %s, 'current')"
        " on conflict do nothing",
        [fingerprint(fitting[0])],
    )


def _whose(connection: psycopg.Connection[Any], secrets: tuple[str, ...]) -> str:
    """Of which versions the known secrets are, in words."""
    known = dict(connection.execute("select fingerprint, version from vault.key_version"))
    versions = sorted({known[f] for s in secrets if (f := fingerprint(s)) in known})
    if versions:
        return f"the secret given is that of version {', '.join(map(str, versions))}"
    count = "the secret" if len(secrets) == 1 else f"none of the {len(secrets)} secrets"
    return f"{count} given is {'of no version' if len(secrets) == 1 else 'known'}"
