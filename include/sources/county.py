"""County offices: a monthly folder of spreadsheets and csv files, behind any fsspec URL."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from include.contracts import Contract, kinds_of
from include.errors import ConfigurationMissing, DeliveryMissing, SourceUnavailable
from include.forms import SUFFIXES
from include.landing import Landed, plain_name, store
from include.months import demand_month
from include.settings import settings

_log = logging.getLogger(__name__)
_CHUNK = 1 << 20
_TIMEOUT_S = 60.0
_SETTLED_AFTER = timedelta(minutes=1)

Seen = tuple[str, int, datetime | None]
"""A file by URL (without the account), bytes and the sender's time stamp: what a listing tells."""


def fetch(period: str, county_code: str) -> list[Landed]:
    """Land every file of a county's folder for a period that a contract knows, oldest first.

    A correction beside the original is landed too; which one counts is decided by arrival. Raises
    DeliveryMissing where there is no folder or nothing usable in it, SourceUnavailable where the
    drop does not answer.
    """
    landed = _fetch(period, county_code, frozenset(), None)
    if not landed:
        raise DeliveryMissing(
            f"county {county_code} has delivered nothing for {period}.",
            file=public(_folder_of(period, county_code)),
            remedy="ask the county to deliver; its drop is looked at every few minutes.",
        )
    return landed


def fetch_new(
    period: str, county_code: str, known: Collection[Seen], now: datetime
) -> list[Landed]:
    """Land the files of a county's folder that are not ``known``, oldest first.

    Known files are not opened. One written within a minute of ``now`` may be half there and is left
    for the next time. Raises SourceUnavailable where the drop does not answer.
    """
    return _fetch(period, county_code, known, now)


def _fetch(
    period: str, county_code: str, known: Collection[Seen], now: datetime | None
) -> list[Landed]:
    uri = _folder_of(period, county_code)
    from paramiko import SSHException

    trouble: Exception | None = None
    try:
        return list(_fetch_folder(uri, period, county_code, known, now))
    except FileNotFoundError:
        return []
    except (OSError, EOFError, SSHException) as error:
        trouble = error
    raise SourceUnavailable(
        f"the drop of county {county_code} does not answer ({type(trouble).__name__}).",
        file=public(uri),
        remedy="check the server and the account; the drop is looked at again in a few minutes.",
    )


def _folder_of(period: str, county_code: str) -> str:
    demand_month(period)  # it could lead to another folder of the server
    root = settings().county_url_overrides.get(county_code) or settings().county_url
    if not root:
        raise ConfigurationMissing(
            "WAREHOUSE_COUNTY_URL is not set.",
            remedy="set it to the fsspec URL below which counties deliver, such as sftp://host/drop.",
        )
    return f"{root.rstrip('/')}/{period}/{county_code}"


def _fetch_folder(
    uri: str, period: str, county_code: str, known: Collection[Seen], now: datetime | None
) -> Iterator[Landed]:
    with open_folder(uri) as (filesystem, folder):
        entries = [
            found
            for found in filesystem.ls(folder, detail=True)
            # A link may lead out of the drop.
            if found["type"] == "file" and not found.get("islink")
        ]
        contracted = {
            entry["name"]: contract
            for entry in sorted(entries, key=_age)
            if (contract := _contract_of(PurePosixPath(entry["name"]).name))
        }
        if strange := len(entries) - len(contracted):
            # Not by name: what is no delivery may be named after a person.
            _log.warning("%s: %d files that no contract knows are left alone", public(uri), strange)
        modified = {entry["name"]: _modified(entry) for entry in entries}
        sizes = {entry["name"]: entry["size"] for entry in entries}
        for name, contract in contracted.items():
            file_name = PurePosixPath(name).name
            file_uri = f"{public(uri)}/{plain_name(file_name)}"  # as it is recorded
            if (file_uri, sizes[name], modified[name]) in known or _unsettled(modified[name], now):
                continue
            with filesystem.open(name, "rb") as file:
                path, size, sha256 = store(_chunks(file))
            yield Landed(
                source="county",
                kind=contract.kind,
                county_code=county_code,
                period=period,
                uri=file_uri,
                file_name=file_name,
                path=path,
                bytes=size,
                sha256=sha256,
                modified_at=modified[name],
            )


@contextmanager
def open_folder(uri: str) -> Iterator[tuple[Any, str]]:
    """The file system behind a URL and the folder's path in it; SFTP with our password.

    An SFTP connection is our own and closed at the end: fsspec would keep it, dead or alive. A
    chain of URLs would get round the host keys and is refused.
    """
    from fsspec.core import url_to_fs

    if "::" in uri:
        raise ConfigurationMissing(
            "a county's address is a chain of URLs, and one server or folder is expected.",
            file=public(uri),
            remedy="set WAREHOUSE_COUNTY_URL to sftp://… or file://… alone.",
        )
    if urlsplit(uri).scheme not in ("sftp", "ssh"):
        filesystem, folder = url_to_fs(uri)
        yield filesystem, str(folder)
        return
    from include.sources.sftp import KnownServer

    filesystem = KnownServer(
        **{
            **KnownServer._get_kwargs_from_urls(uri),
            "password": settings().sftp_password,
        },
        timeout=_TIMEOUT_S,
        banner_timeout=_TIMEOUT_S,
        auth_timeout=_TIMEOUT_S,
        allow_agent=False,
        look_for_keys=False,
        skip_instance_cache=True,
    )
    try:
        filesystem.ftp.get_channel().settimeout(_TIMEOUT_S)
        yield filesystem, str(KnownServer._strip_protocol(uri))
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


def _unsettled(modified: datetime | None, now: datetime | None) -> bool:
    return modified is not None and now is not None and abs(now - modified) < _SETTLED_AFTER


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def public(uri: str) -> str:
    """The URL without the account, as it may stand in logs and tables."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
