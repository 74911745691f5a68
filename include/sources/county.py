"""County offices: a monthly folder of spreadsheets and csv files, behind any fsspec URL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from include.contracts import Contract, kinds_of
from include.errors import ConfigurationMissing, DeliveryMissing, SourceUnavailable
from include.landing import Landed, store
from include.settings import settings

_log = logging.getLogger(__name__)
_CHUNK = 1 << 20


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
    uri = f"{root.rstrip('/')}/{period}/{county_code}"
    try:
        landed = list(_fetch_folder(uri, period, county_code))
    except FileNotFoundError:
        landed = []
    except OSError as error:
        raise SourceUnavailable(
            f"the drop of county {county_code} does not answer ({type(error).__name__}).",
            file=_public(uri),
            remedy="check the server and the account, then clear this task to try again.",
        ) from error
    if not landed:
        raise DeliveryMissing(
            f"county {county_code} has delivered nothing for {period}.",
            file=_public(uri),
            remedy="ask the county to deliver; the task looks again at its next retry.",
        )
    return landed


def _fetch_folder(uri: str, period: str, county_code: str) -> Iterator[Landed]:
    filesystem, folder = _open(uri)
    entries = [entry for entry in filesystem.ls(folder, detail=True) if entry["type"] == "file"]
    for entry in sorted(entries, key=lambda found: (_modified(found), found["name"])):
        name = PurePosixPath(entry["name"]).name
        contract = _contract_of(name)
        if contract is None:
            _log.warning("%s/%s is no file that a contract knows; it is left alone", folder, name)
            continue
        with filesystem.open(entry["name"], "rb") as file:
            path, size, sha256 = store(_chunks(file))
        yield Landed(
            source="county",
            kind=contract.kind,
            county_code=county_code,
            period=period,
            uri=f"{_public(uri)}/{name}",
            file_name=name,
            path=path,
            bytes=size,
            sha256=sha256,
            modified_at=_modified(entry),
        )


def _open(uri: str) -> tuple[Any, str]:
    """The file system behind a URL and the folder's path in it; SFTP with our password."""
    from fsspec.core import url_to_fs

    is_sftp = urlsplit(uri).scheme in ("sftp", "ssh")
    options = {"password": settings().sftp_password} if is_sftp else {}
    filesystem, folder = url_to_fs(uri, **options)
    return filesystem, str(folder)


def _contract_of(name: str) -> Contract | None:
    stems = {contract.file_stem: contract for contract in kinds_of("county") if contract.file_stem}
    fitting = [stem for stem in stems if name.startswith(stem)]
    return stems[max(fitting, key=len)] if fitting else None


def _modified(entry: dict[str, Any]) -> datetime:
    stamp = entry.get("mtime") or 0
    if isinstance(stamp, datetime):
        return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(stamp), tz=UTC)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _public(uri: str) -> str:
    """The URL without the account, as it may stand in logs and tables."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
