"""County offices: a monthly folder of spreadsheets and csv files, behind any fsspec URL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from include.contracts import Contract, kinds_of
from include.errors import ConfigurationMissing, DeliveryMissing, SourceUnavailable
from include.forms import SUFFIXES
from include.landing import Landed, store
from include.settings import settings

_log = logging.getLogger(__name__)
_CHUNK = 1 << 20
_TIMEOUT_S = 60.0


def fetch(period: str, county_code: str) -> list[Landed]:
    """Land every file of a county's folder for a period that a contract knows, oldest first.

    A correction beside the original is landed too; which one counts is decided by arrival. Raises
    DeliveryMissing where there is no folder or nothing usable in it, SourceUnavailable where the
    drop does not answer.
    """
    root = settings().county_url_overrides.get(county_code) or settings().county_url
    if not root:
        raise ConfigurationMissing(
            "WAREHOUSE_COUNTY_URL is not set.",
            remedy="set it to the fsspec URL below which counties deliver, such as sftp://host/drop.",
        )
    from paramiko import SSHException

    uri = f"{root.rstrip('/')}/{period}/{county_code}"
    trouble: Exception | None = None
    landed: list[Landed] = []
    try:
        landed = list(_fetch_folder(uri, period, county_code))
    except FileNotFoundError:
        pass
    except (OSError, EOFError, SSHException) as error:
        trouble = error
    if trouble:
        raise SourceUnavailable(
            f"the drop of county {county_code} does not answer ({type(trouble).__name__}).",
            file=_public(uri),
            remedy="check the server and the account, then clear this task to try again.",
        )
    if not landed:
        raise DeliveryMissing(
            f"county {county_code} has delivered nothing for {period}.",
            file=_public(uri),
            remedy="ask the county to deliver; the task looks again at its next retry.",
        )
    return landed


def _fetch_folder(uri: str, period: str, county_code: str) -> Iterator[Landed]:
    with _open(uri) as (filesystem, folder):
        entries = [
            found
            for found in filesystem.ls(folder, detail=True)
            # A link may lead out of the drop.
            if found["type"] == "file" and not found.get("islink")
        ]
        known = {
            entry["name"]: contract
            for entry in sorted(entries, key=_age)
            if (contract := _contract_of(PurePosixPath(entry["name"]).name))
        }
        if strange := len(entries) - len(known):
            # Not by name: what is no delivery may be named after a person.
            _log.warning(
                "%s: %d files that no contract knows are left alone", _public(uri), strange
            )
        modified = {entry["name"]: _modified(entry) for entry in entries}
        for name, contract in known.items():
            file_name = PurePosixPath(name).name
            with filesystem.open(name, "rb") as file:
                path, size, sha256 = store(_chunks(file))
            yield Landed(
                source="county",
                kind=contract.kind,
                county_code=county_code,
                period=period,
                uri=f"{_public(uri)}/{file_name}",
                file_name=file_name,
                path=path,
                bytes=size,
                sha256=sha256,
                modified_at=modified[name],
            )


@contextmanager
def _open(uri: str) -> Iterator[tuple[Any, str]]:
    """The file system behind a URL and the folder's path in it; SFTP with our password.

    An SFTP connection is our own and closed at the end: fsspec would keep it, dead or alive.
    """
    from fsspec.core import url_to_fs

    if urlsplit(uri).scheme not in ("sftp", "ssh"):
        filesystem, folder = url_to_fs(uri)
        yield filesystem, str(folder)
        return
    filesystem, folder = url_to_fs(
        uri,
        password=settings().sftp_password,
        timeout=_TIMEOUT_S,
        banner_timeout=_TIMEOUT_S,
        auth_timeout=_TIMEOUT_S,
        allow_agent=False,
        look_for_keys=False,
        skip_instance_cache=True,
    )
    try:
        filesystem.ftp.get_channel().settimeout(_TIMEOUT_S)
        yield filesystem, str(folder)
    finally:
        filesystem.client.close()


def _contract_of(name: str) -> Contract | None:
    """By how the file name begins; an unfinished upload (.part, .filepart) ends otherwise."""
    if PurePosixPath(name).suffix.lower() not in SUFFIXES:
        return None
    stems = {contract.file_stem: contract for contract in kinds_of("county") if contract.file_stem}
    fitting = [stem for stem in stems if name.startswith(stem)]
    return stems[max(fitting, key=len)] if fitting else None


def _age(entry: dict[str, Any]) -> tuple[datetime, str]:
    return _modified(entry) or datetime.min.replace(tzinfo=UTC), entry["name"]


def _modified(entry: dict[str, Any]) -> datetime | None:
    """The sender's time stamp, by fsspec's names for it; None where the protocol has none."""
    for name in ("mtime", "LastModified", "last_modified", "modified"):
        match entry.get(name):
            case datetime() as stamp:
                return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
            case int() | float() as stamp:
                return datetime.fromtimestamp(stamp, tz=UTC)
    return None


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _public(uri: str) -> str:
    """The URL without the account, as it may stand in logs and tables."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
