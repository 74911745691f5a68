"""Write ``ref_area_change`` and ``ref_area_alias`` anew: ``python -m include.areas.seeds``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from include.areas.aliases import Alias, aliases
from include.areas.history import SEEDS, Change, changes, current, of_2016


def write(folder: Path = SEEDS) -> None:
    """Both seeds into ``folder``; the same lists give the same bytes."""
    changed = changes(of_2016(), current())
    _write(folder / "ref_area_change.csv", Change, changed)
    _write(folder / "ref_area_alias.csv", Alias, aliases(of_2016(), current(), changed))


def _write(path: Path, row: type[Change] | type[Alias], rows: Sequence[Change | Alias]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(row)])
        writer.writerows(astuple(entry) for entry in rows)


if __name__ == "__main__":
    write()
