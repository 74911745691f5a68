"""Back up the whole: both databases, what was delivered, what builds ran, senders' receipts.

``pg_dump`` in its directory format, several tables at a time. It needs no more than the account
that owns a database, works on any server, and can be restored on a newer one; a base backup would
need a superuser and the same server version, and would carry the simulated sources along.

``manifest.json`` is written last: a folder without it is no backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from include.database import acting_as, connect
from include.errors import WarehouseError
from include.locks import working_schemas
from include.marts import columns_of
from include.services import postgres
from include.services.embedded import client_environment
from include.settings import settings
from include.vault.secrets import keyed, known_secrets
from include.vault.versions import identifier_key

MANIFEST = "manifest.json"
SECRETS = "secrets.json"
FOLDERS = ("landing", "builds", "receipts", "data_docs")
"""Folders of ``home`` that are kept. Logs, dbt's artefacts and services' files are not."""
_CHECK = ("backup", "check")
AUDIT = "audit"
"""The folder with the heads of the audit chain and the list of erasures."""
_LEFT_OUT = ("builds/targets", "builds/projects", "landing/parts")
FORMAT = 1
_JOBS = min(4, os.cpu_count() or 1)
_CHUNK = 1 << 20


class BackupRefused(WarehouseError):
    """A backup cannot be made here, or is not one."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. ``files`` are path -> sha256; ``contents`` {month/mart: {rows, sha256}}.

    ``person_key_check`` is a keyed hash of a word: equal where the secret is the same, and no
    secret.
    """

    made_at: str
    databases: tuple[str, ...]
    server: str
    deliveries: int
    publications: int
    contents: dict[str, dict[str, Any]]
    person_key_check: str
    with_secrets: bool
    files: dict[str, str]
    bytes: int
    format: int = FORMAT


def databases() -> dict[str, str]:
    """Name in a backup -> DSN: the warehouse, and Airflow's metadata where there is any."""
    found = {"warehouse": settings().dsn, "airflow": settings().airflow_dsn}
    return {name: dsn for name, dsn in found.items() if dsn}


@acting_as("owner")
def backup(
    folder: Path, with_secrets: bool = False, tell: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Write a backup into ``folder``, which must be new or empty.

    No build works while the warehouse is dumped: this waits for the one at work, and the next
    waits. Loading goes on; what is loaded meanwhile is in the next backup. Raises BackupRefused,
    SchemasBusy.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(
            "the folder is not empty.", file=str(folder), remedy="name a folder that is not there."
        )
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    # Before the dump: the chain that is dumped holds each head that is copied.
    _copy(settings().home, AUDIT, folder)
    with working_schemas(None, "warehouse backup"):
        with connect() as connection:
            _demand_sight(connection)
            state = _state(connection)
            contents = published(connection)
        for name, dsn in databases().items():
            tell(f"database {name}")
            run_tool(
                "pg_dump",
                dsn,
                *("--format=directory", f"--jobs={_JOBS}", "--no-owner", "--no-sync"),
                # Rights are the declaration's, and are made anew where it is restored.
                *("--no-privileges", "--no-policies", "--enable-row-security"),
                *("--exclude-schema=rebuild_*", f"--file={folder / f'{name}.dump'}"),
            )
    # After the dump: each delivery that it names landed before.
    for name in FOLDERS:
        tell(f"folder {name}")
        _copy(settings().home, name, folder)
    if with_secrets:
        secrets = settings().home / SECRETS
        if not secrets.exists():
            raise BackupRefused(
                "there is no file of secrets: they come from the environment.",
                file=str(secrets),
                remedy="leave --with-secrets out, and keep WAREHOUSE_PERSON_KEY_SECRET safe.",
            )
        shutil.copyfile(secrets, folder / SECRETS)
        (folder / SECRETS).chmod(0o600)
    tell("sums")
    files = dict(sums(folder))
    manifest = Manifest(
        datetime.now(UTC).isoformat(timespec="seconds"),
        tuple(databases()),
        *state,
        contents,
        person_key_check(),
        with_secrets,
        files,
        sum((folder / name).stat().st_size for name in files),
    )
    draft = folder / f".{MANIFEST}"
    draft.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    draft.rename(folder / MANIFEST)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The backup's manifest. Raises BackupRefused where there is none, or another format's."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError
        told.pop("roles", None)  # of backups that took grants along
        return Manifest(**told)
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupRefused(
            "is no complete backup of this warehouse.",
            file=str(folder),
            remedy="name a folder that ./warehouse backup wrote to the end.",
        ) from None


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Raises BackupRefused, naming the first file that is gone, changed, or was added."""
    found = dict(sums(folder))
    for name in sorted(found.keys() | manifest.files.keys()):
        if found.get(name) != manifest.files.get(name):
            how = (
                "is gone"
                if name not in found
                else "is not of the backup"
                if name not in manifest.files
                else "was changed"
            )
            raise BackupRefused(
                f"{name} {how}.",
                file=str(folder),
                remedy="take another backup; nothing was restored from this one.",
            )


def sums(folder: Path) -> Iterator[tuple[str, str]]:
    """(path below the folder, sha256) of every file but the manifest, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (MANIFEST, f".{MANIFEST}"):
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            yield str(path.relative_to(folder)), digest.hexdigest()


def published(connection: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    """{month/mart: {rows, sha256}} of all that marts show."""
    from include.marts import Mart, content

    found = {}
    for (name,) in connection.execute(
        "select tablename from pg_tables where schemaname = 'marts' order by tablename"
    ).fetchall():
        mart = Mart(name, columns_of(connection, "marts", name), ())
        if "period" not in dict(mart.columns):
            continue
        for (period,) in connection.execute(
            f'select distinct period from marts."{name}" order by 1'.encode()
        ).fetchall():
            found[f"{period}/{name}"] = content(connection, "marts", mart, period)
    return found


def person_key_check() -> str:
    """A keyed hash of a word, to tell secrets apart; empty without a secret."""
    return identifier_key(*_CHECK) if known_secrets() else ""


def is_made_with(check: str) -> bool:
    """Whether one of the secrets known here is that of a manifest's ``person_key_check``."""
    return check in {keyed(secret, *_CHECK) for secret in known_secrets()} or not (
        check or known_secrets()
    )


def run_tool(tool: str, dsn: str, *arguments: str) -> None:
    """Run pg_dump or pg_restore on a database; the password goes through the environment.

    Raises BackupRefused. What the tool says is cut off where the server's own words begin: they
    may quote a row.
    """
    ended = subprocess.run(
        [postgres.client(tool, dsn), "--no-password", *arguments],
        env={**os.environ, **client_environment(dsn)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        said = next((line for line in ended.stderr.splitlines() if "error:" in line), "")
        said = re.sub(r"(ERROR|DETAIL|CONTEXT):.*", r"\1", said)
        raise BackupRefused(
            f"{tool} of database {conninfo_to_dict(dsn).get('dbname')} ended with exit code"
            f" {ended.returncode} ({said.strip()}).",
            remedy="see that the server answers, that its version is not newer than this"
            " project's, and that the disk has space.",
        )


def _demand_sight(connection: psycopg.Connection[Any]) -> None:
    """Row-level security binds the marts' owner too: whoever is not of them would dump no row."""
    row = connection.execute(
        "select bool_and(pg_has_role(tableowner, 'usage')) from pg_tables"
        " where schemaname in ('marts', 'archive')"
    ).fetchone()
    if row == (False,):
        raise BackupRefused(
            "the account may not see all rows of marts and archive.",
            remedy="./warehouse access apply, as the account that owns the database.",
        )


def _state(connection: psycopg.Connection[Any]) -> tuple[str, int, int]:
    """(server version, deliveries, publications)."""
    row = connection.execute(
        "select current_setting('server_version'), (select count(*) from ops.delivery),"
        " (select count(*) from ops.publication)"
    ).fetchone()
    assert row is not None
    return str(row[0]), int(row[1]), int(row[2])


def _copy(home: Path, name: str, folder: Path) -> None:
    source = home / name
    if not source.exists():
        return
    for path in sorted(source.rglob("*")):
        below = path.relative_to(home)
        if path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        if any(str(below).startswith(f"{part}/") for part in _LEFT_OUT):
            continue
        if any(part.startswith(".") for part in below.parts):
            continue  # drafts
        target = folder / below
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, target)
        except FileNotFoundError:
            continue  # a draft that its writer has taken away
