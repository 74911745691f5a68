"""Restore a backup: databases, landing, kept code, receipts; as it was, or not at all.

Everything is checked before anything is touched: the sums of all files, that nothing is here that
would be lost, that nobody is at work, and that the secrets and keys are here with which the person
keys were made, files encrypted and persons erased.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from include import audit
from include.access.enforce import enforce
from include.backup import (
    AUDIT,
    FOLDERS,
    SECRETS,
    Manifest,
    databases,
    is_made_with,
    published,
    read_manifest,
    run_tool,
    verify_files,
)
from include.database import acting_as, connect, migrate
from include.errors import WarehouseError
from include.sealed_landing import kept_with
from include.sealing import key_name, keys
from include.services import embedded
from include.services.credentials import credentials, write_private
from include.settings import settings
from include.subject import again
from include.vault.versions import adopt

_KEYS = ("person_key", "erasure", "airflow_fernet")
"""Secrets that what is stored was made with. Passwords are the new server's own."""


class RestoreRefused(WarehouseError):
    """A backup is not restored here; nothing was touched unless it says so."""


@dataclass(frozen=True)
class Restored:
    """What was restored; ``applied`` are migrations that are newer than the backup."""

    made_at: str
    databases: tuple[str, ...]
    files: int
    bytes: int
    deliveries: int
    publications: int
    marts: int
    applied: tuple[str, ...]
    erased: tuple[int, ...] = ()
    """Erasures of after the backup, carried out again: orders of the restored warehouse."""


@acting_as("owner")
def restore(
    folder: Path,
    replace: bool = False,
    other_key: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Restore the backup in ``folder`` into the configured databases and home.

    ``replace`` gives up what is here; ``other_key`` does without the secret of the person keys
    (then persons of new deliveries are others than those of the restored ones) and of landing.
    Raises BackupRefused where the backup is not whole, RestoreRefused where it may not be restored
    here, or is not equal to what was backed up afterwards, and ConfigurationMissing where persons
    were erased and the secret by which they are known is not here.
    """
    manifest = read_manifest(folder)
    tell("the backup's sums")
    verify_files(folder, manifest)
    wanted = _targets(manifest)
    _demand_nobody(wanted)
    if not replace:
        _demand_empty(wanted["warehouse"])
    if manifest.with_secrets:
        _take_keys(folder)
    if not other_key and not is_made_with(manifest.person_key_check):
        raise RestoreRefused(
            "the secret of the person keys is not the one that the backup's keys were made with.",
            remedy="set WAREHOUSE_PERSON_KEY_SECRET to the old one. Without it the old months can"
            " be shown, but persons of new deliveries get other keys and are strangers to them;"
            " --other-key accepts that.",
        )
    is_somebody_erased = again.demand_secret(folder / AUDIT / again.LIST)
    sealed_with = set(kept_with(folder / "landing")) - {""}
    if other_key and is_somebody_erased and sealed_with and not keys():
        raise RestoreRefused(
            "whoever was erased is to be erased again from files that are encrypted, and no key is"
            " set.",
            remedy="set WAREHOUSE_LANDING_KEY_FILE; a new key will do (./warehouse landing new-key)"
            " where the old ones are lost.",
        )
    if not other_key and (absent := sorted(sealed_with - set(map(key_name, keys())))):
        raise RestoreRefused(
            f"its delivered files are encrypted with keys that are not here: {', '.join(absent)}.",
            remedy="put them into WAREHOUSE_LANDING_KEY_FILE. Without them the months can be shown"
            " and none of their deliveries be read again; --other-key accepts that.",
        )
    for name in FOLDERS:
        tell(f"folder {name}")
        if (folder / name).exists():
            shutil.copytree(folder / name, settings().home / name, dirs_exist_ok=True,
                            copy_function=_copy)  # fmt: skip
    for name, dsn in wanted.items():
        tell(f"database {name}")
        _clear(dsn)
        run_tool(
            "pg_restore",
            dsn,
            *("--exit-on-error", "--no-owner", "--no-privileges", "--jobs=4"),
            *(f"--dbname={conninfo_to_dict(dsn)['dbname']}", str(folder / f"{name}.dump")),
        )
    tell("what is published is compared")
    with connect() as connection:
        differing = _differing(connection, manifest)
    if differing:
        raise RestoreRefused(
            f"was restored, and is not what was backed up: {', '.join(differing)}.",
            file=str(folder),
            remedy="do not use it; this is a defect, or somebody wrote meanwhile.",
        )
    applied = migrate()
    tell("roles and rights")
    enforce()
    if other_key:
        with connect() as connection:
            adopt(connection)
    tell("who was erased since the backup is erased again")
    _follow_the_chain(folder, manifest.made_at)
    erased = again.erase_again()
    return Restored(
        manifest.made_at,
        tuple(wanted),
        len(manifest.files),
        manifest.bytes,
        manifest.deliveries,
        manifest.publications,
        len(manifest.contents),
        tuple(applied),
        tuple(erased),
    )


def _follow_the_chain(folder: Path, made_at: str) -> None:
    """The restored chain ends earlier than the one given up: its own heads count from now on, the
    others stay beside them, and the chain says that it was restored."""
    heads = audit.heads_file()
    if heads.exists():
        heads.rename(heads.with_name(f"heads.until-{datetime.now(UTC):%Y%m%dT%H%M%S}"))
    for path in sorted((folder / AUDIT).glob("*")):
        target = settings().home / AUDIT / path.name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if path.name == again.LIST:
            again.merge(path)
        elif not target.exists():
            shutil.copy2(path, target)
    with connect() as connection:
        audit.record(connection, "restored", detail={"backup_made_at": made_at})
    audit.copy_head()


def _targets(manifest: Manifest) -> dict[str, str]:
    here = databases()
    if missing := [name for name in manifest.databases if name not in here]:
        raise RestoreRefused(
            f"the backup holds database {', '.join(missing)}, and none is configured here.",
            remedy="set WAREHOUSE_DSN and WAREHOUSE_AIRFLOW_DSN, or let them be embedded.",
        )
    return {name: here[name] for name in manifest.databases}


def _demand_nobody(wanted: dict[str, str]) -> None:
    for name, dsn in wanted.items():
        with psycopg.connect(dsn) as connection:
            row = connection.execute(
                "select count(*), string_agg(distinct usename, ', ') from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and backend_type = 'client backend'"
            ).fetchone()
        assert row is not None
        if row[0]:
            raise RestoreRefused(
                f"{row[0]} other sessions are at work in database {name} (of {row[1]}).",
                remedy="./warehouse down, then restore again; it starts what it needs. Readers have"
                " to leave too.",
            )


def _demand_empty(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        if connection.execute("select to_regclass('ops.delivery')").fetchone() == (None,):
            return
        row = connection.execute(
            "select (select count(*) from ops.delivery), (select count(*) from ops.publication)"
        ).fetchone()
    assert row is not None
    if any(row):
        raise RestoreRefused(
            f"the warehouse is not empty: {row[0]} deliveries and {row[1]} publications.",
            remedy="back it up, or restore elsewhere; --replace-everything gives up what is here.",
        )


def _take_keys(folder: Path) -> None:
    """Put the backup's keys among our secrets; what the environment sets stays."""
    home = settings().home
    kept = json.loads((folder / SECRETS).read_text(encoding="utf-8"))
    if "erasure" in kept and not again.is_made_with(kept["erasure"]):
        again.demand_secret()
        raise RestoreRefused(
            "persons were erased here with another secret than the backup's, and would not be known"
            " by it.",
            remedy="restore into another home, or without the backup's secrets; where the persons"
            f" are of another warehouse, put {AUDIT}/{again.LIST} away.",
        )
    own = credentials(home)
    own |= {name: kept[name] for name in _KEYS if name in kept}
    write_private(home / SECRETS, json.dumps(own, indent=1) + "\n")
    embedded.apply()


def _clear(dsn: str) -> None:
    """Drop all schemas, one by one, and make an empty public one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for (schema,) in connection.execute(
            "select nspname from pg_namespace where nspname !~ '^pg_'"
            " and nspname <> 'information_schema' order by nspname"
        ).fetchall():
            if schema == "public":
                _clear_public(connection)
            else:
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


def _clear_public(connection: psycopg.Connection[Any]) -> None:
    """What is in it; the schema is the database owner's, whoever restores."""
    for kind, name in connection.execute(
        "select 'table', relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') union all"
        " select 'type', typname from pg_type where typnamespace = 'public'::regnamespace"
        " and typtype = 'e' union all"
        " select 'sequence', relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'S'"
    ).fetchall():
        connection.execute(
            sql.SQL("drop {} if exists public.{} cascade").format(
                sql.SQL(kind), sql.Identifier(name)
            )
        )


def _differing(connection: psycopg.Connection[Any], manifest: Manifest) -> list[str]:
    found = published(connection)
    return sorted(
        name
        for name in found.keys() | manifest.contents.keys()
        if found.get(name) != manifest.contents.get(name)
    )


def _copy(source: str, target: str) -> None:
    """Landed files and kept code never change: what is there already stays."""
    if not Path(target).exists() or Path(target).stat().st_mode & 0o200:
        shutil.copy2(source, target)
