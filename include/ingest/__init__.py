"""Files from outside, through the same door as any delivery: landed, loaded, judged, receipted.

What a file is (kind, county, month) is taken from what it says about itself. Where two of its
statements differ, or none is made, it is refused by name and nothing of it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from include.contracts import Contract, Source, contracts
from include.errors import WarehouseError
from include.forms import SUFFIXES
from include.ingest import evidence
from include.ingest.evidence import Statement
from include.landing import Landed, store
from include.receipts import Receipt
from include.receipts.model import masked

CITY = "431000"
_CHUNK = 1 << 20
_SUFFIXES = (*SUFFIXES, ".jsonl")

Asked = Literal["kind", "county", "period"]
Ask = Callable[[Asked, str], str | None]
"""Given what is unknown and the file's name, the user's answer, or None."""


class IngestRefused(WarehouseError):
    """A file whose kind, county or month is not known or not certain; nothing of it is kept."""


@dataclass(frozen=True)
class Stated:
    """What the user says about the files; None is left to the files themselves."""

    source: Source | None = None
    county: str | None = None
    period: str | None = None


def candidates(path: Path) -> list[Path]:
    """The file, or the files below the folder that may hold a delivery, in the order of names.

    Links are not followed, and what a spreadsheet program keeps beside an open file is no file.
    Raises IngestRefused where there is nothing.
    """
    if path.is_dir():
        found = [
            each
            for each in sorted(path.rglob("*"))
            if each.is_file()
            and not each.is_symlink()
            and each.suffix.lower() in _SUFFIXES
            and not each.name.startswith(("~$", "."))
        ]
    else:
        found = [path] if path.is_file() else []
    if not found:
        raise IngestRefused(
            "there is no such file, or no table below this folder.",
            file=masked(path.name),
            remedy=f"name a file or folder with files that end in {', '.join(_SUFFIXES)}.",
        )
    return found


def land(path: Path, stated: Stated, ask: Ask) -> Landed:
    """Put one file into landing with the kind, county and month it is of.

    Raises IngestRefused where these are unknown or contradict each other.
    """
    path = path.absolute()
    name = masked(path.name)
    # Landed first: what is looked at cannot change until it is loaded.
    with path.open("rb") as file:
        stored, size, sha256 = store(_chunks(file))
    content = evidence.read(stored, name)
    contract = _contract(path, content, stated, ask)
    county = CITY
    if contract.source == "county":
        county = _one("county", name, evidence.counties_stated(content, path), stated.county, ask)
    period = _one("period", name, evidence.periods(content, path), stated.period, ask)
    _demand_sound(name, contract, county, period, evidence.exported_on(path.stem))
    return Landed(
        source=contract.source,
        kind=contract.kind,
        county_code=county,
        period=period,
        uri=f"ingest/{name}",
        file_name=name,
        path=stored,
        bytes=size,
        sha256=sha256,
        modified_at=datetime.fromtimestamp(path.stat().st_mtime, tz=UTC),
    )


def take_in(landed: list[Landed]) -> list[Receipt]:
    """Load, judge and receipt landed files, and only these; their receipts in the same order.

    A content that was delivered before is not loaded again: its receipt is the one it had.
    """
    from include.acceptance import judge
    from include.load import load
    from include.receipts import receipts, write, write_due

    ids = [load(each) for each in landed]
    written: set[int] = set()
    groups: dict[tuple[Source, str], set[int]] = {}
    for each, delivery_id in zip(landed, ids, strict=True):
        groups.setdefault((contracts()[each.kind].source, each.period), set()).add(delivery_id)
    for (source, period), of_group in groups.items():
        judge(source, period, of_group)
        written |= {each.delivery_id for each in write_due(source, period)}
    by_id = {receipt.delivery_id: receipt for receipt in receipts(ids)}
    write(*(receipt for number, receipt in by_id.items() if number not in written))
    return [by_id[delivery_id] for delivery_id in ids]


def _contract(path: Path, content: evidence.Content, stated: Stated, ask: Ask) -> Contract:
    name = masked(path.name)
    among = [c for c in contracts().values() if stated.source in (None, c.source)]
    found = evidence.kinds(content, path.name, among)
    if not found and content.refusal:
        raise IngestRefused(
            f"it cannot be read, nor does its name say what it is: {content.refusal.what}",
            file=name,
            remedy=content.refusal.remedy,
        )
    kind = _one("kind", name, found, None, ask)
    if kind not in contracts():
        raise IngestRefused(
            f"there is no kind of delivery {kind!r}.",
            file=name,
            remedy=f"choose among {', '.join(contracts())}.",
        )
    return contracts()[kind]


def _one(asked: Asked, name: str, found: list[Statement], by_user: str | None, ask: Ask) -> str:
    """The one value that all statements agree on, or the user's answer where there is none."""
    said = ([Statement(by_user, f"--{asked}")] if by_user else []) + found
    values = list(dict.fromkeys(statement.value for statement in said))
    if len(values) > 1:
        by_name = any("name" in statement.by for statement in said)
        listed = "; ".join(
            f"{value} by {', '.join(dict.fromkeys(s.by for s in said if s.value == value))}"
            for value in values
        )
        raise IngestRefused(
            f"its {asked} is not certain: {listed}.",
            file=name,
            remedy="begin its name as the contract of its kind says."
            if asked == "kind" and not by_name
            else "correct the file, or move it where its folder says the same.",
        )
    answer = values[0] if values else ask(asked, name)
    if not answer:
        raise IngestRefused(
            f"nothing in it says of which {asked} it is.",
            file=name,
            remedy="begin its name as the contract says, or use its headings."
            if asked == "kind"
            else f"give --{asked}.",
        )
    return answer


def _demand_sound(
    name: str, contract: Contract, county: str, period: str, exported_on: str | None
) -> None:
    from include.areas import counties

    if contract.source == "county" and county not in counties():
        raise IngestRefused(
            f"{county!r} is no county of this city.",
            file=name,
            remedy=f"choose among {', '.join(counties())}.",
        )
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", period):
        raise IngestRefused(f"{period!r} is no month.", file=name, remedy="write it as 2026-01.")
    if exported_on and exported_on[:6] < period.replace("-", ""):
        raise IngestRefused(
            f"it was exported on {exported_on} (its name), before {period} began.",
            file=name,
            remedy="correct the month or the name.",
        )


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
