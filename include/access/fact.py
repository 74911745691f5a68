"""One thing of one object, as it is wanted or as it is."""

from __future__ import annotations

from dataclasses import dataclass

from include.access.catalog import Thing


@dataclass(frozen=True, order=True)
class Fact:
    """One thing of one object: ('grant', 'table marts.employment', 'select to bi_city')."""

    kind: str
    object: str
    what: str


Facts = dict[Fact, str | None]
"""Fact -> the statement that makes it (of what is wanted) or undoes it (of what is the case)."""


def name_of(thing: Thing) -> str:
    """What facts call it, such as 'table marts.employment'."""
    return f"{thing.kind} {thing.address}"
