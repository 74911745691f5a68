"""What a file from outside says about itself: of which kind, county and month it is."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

from include.areas import counties
from include.contracts import Contract, contracts
from include.delimited import Table
from include.errors import UnreadableDelivery
from include.layout import stated_period
from include.reader import table

_RECORDS = 1000
"""Records looked at for the county's name."""
_FOLDERS = 4
"""Folders above a file that may name its county or month."""
_LEAST_SHARE = 0.5
"""Share of the records that must name the same county for it to be the file's."""
_CODECS = {"UTF8": "utf-8", "GB18030": "gb18030"}


@dataclass(frozen=True)
class Content:
    """The parts of a file that tell what it is: headings, titles above them, counties named."""

    header: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    county_names: tuple[str, ...] = ()
    refusal: UnreadableDelivery | None = None
    """Why nothing could be read, where that is so."""


@dataclass(frozen=True)
class Statement:
    """One value (a kind, a county's code, a month) and what states it."""

    value: str
    by: str


def read(path: Path, file_name: str) -> Content:
    """Look into a file. What cannot be read is content too: the refusal says why."""
    known = frozenset(header for contract in contracts().values() for header in _spelt(contract))
    try:
        with table(path, file_name, known) as found:
            return Content(found.header, found.titles, tuple(_county_names(found)))
    except UnreadableDelivery as refusal:
        return Content(refusal=refusal)


def kinds(content: Content, file_name: str, among: Iterable[Contract]) -> list[Statement]:
    """What name and headings say of the kind.

    Of the headings the kind counts whose required ones are all there and which knows the most; two
    that know as many are both stated.
    """
    offered = list(among)
    named = [c for c in offered if file_name.startswith(c.file_stem or c.kind)]
    stated = [
        Statement(c.kind, "the file's name")
        for c in named
        if len(c.file_stem or c.kind) == max(len(n.file_stem or n.kind) for n in named)
    ]
    known = {c.kind: _known_headings(c, content.header) for c in offered}
    fitting = {
        c.kind: known[c.kind]
        for c in offered
        if known[c.kind] >= {column.name for column in c.columns if column.required}
    }
    # Headings without all that are required tell the kind only where nothing else does.
    candidates = fitting or ({} if stated else {k: v for k, v in known.items() if v})
    most = max(map(len, candidates.values()), default=0)
    best = [kind for kind, columns in candidates.items() if len(columns) == most]
    if len(best) > 1 and stated and stated[0].value in best:
        best = [stated[0].value]
    return stated + [Statement(kind, "its headings") for kind in best]


def counties_stated(content: Content, path: Path) -> list[Statement]:
    """What folders, name, titles and cells say of the county."""
    stated = [
        Statement(code, "its folder")
        for part in path.parts[-_FOLDERS - 1 : -1]
        for code in _named_counties(part, exact=True)
    ]
    stated += [Statement(code, "its name") for code in _named_counties(path.stem)]
    stated += [
        Statement(code, "its title") for title in content.titles for code in _named_counties(title)
    ]
    if content.county_names:
        name, times = Counter(content.county_names).most_common(1)[0]
        if times > _LEAST_SHARE * len(content.county_names):
            stated += [Statement(code, "its rows") for code in _named_counties(name)]
    return stated


def periods(content: Content, path: Path) -> list[Statement]:
    """What folders, name and titles say of the month (YYYY-MM).

    A day in the name is the day of the export, in the month after: it counts where nothing else
    does.
    """
    folders = path.parts[-_FOLDERS - 1 : -1]
    said = [
        *((stated_period((), part, ""), "its folder") for part in folders),
        (stated_period((), path.stem, ""), "its name"),
        (stated_period(content.titles, "", ""), "its title"),
    ]
    stated = [Statement(period, by) for period, by in said if period]
    if not stated and (day := exported_on(path.stem)):
        year, month = divmod(int(day[:4]) * 12 + int(day[4:6]) - 2, 12)
        stated = [Statement(f"{year:04}-{month + 1:02}", "the export's day in its name")]
    return stated


def exported_on(stem: str) -> str | None:
    """The day (YYYYMMDD) in a file's name."""
    found = re.search(r"(?<!\d)(20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))(?!\d)", stem)
    return found[1] if found else None


def _spelt(contract: Contract) -> dict[str, str]:
    """Every heading of the contract, of any county and month -> its column's name."""
    own = {header: column.name for column in contract.columns for header in column.headers}
    return own | {synonym.header: synonym.column for synonym in contract.synonyms}


def _known_headings(contract: Contract, header: Iterable[str]) -> set[str]:
    spelt = _spelt(contract)
    return {spelt[title] for title in header if title in spelt}


def _named_counties(text: str, *, exact: bool = False) -> list[str]:
    """Codes of the counties a text names, with or without 县, 区 or 市; ``exact``: and no more."""
    bare = text.strip()
    return [
        code
        for code, name in counties().items()
        if (bare in (code, name, name[:-1]) if exact else name[:-1] in bare or code in bare)
    ]


def _county_names(found: Table) -> Iterator[str]:
    """The cells of the column that names the county, of the first records."""
    headings = {
        header
        for contract in contracts().values()
        for header, name in _spelt(contract).items()
        if name == "county"
    }
    position = next((i for i, title in enumerate(found.header) if title in headings), None)
    if position is None:
        return
    position += found.is_numbered
    text = next(iter(found.chunks()), b"").decode(_CODECS[found.encoding], errors="replace")
    reader = csv.reader(StringIO(text, newline=""), delimiter=found.delimiter)
    try:
        for cells in islice(reader, _RECORDS):
            if len(cells) > position and cells[position].strip():
                yield cells[position].strip()
    except csv.Error:
        return
