"""Erasures outlive the database: a backup of before an erasure still holds the person.

``home/audit/erasures`` has a line for each order: its ground and the keyed hashes of the numbers,
nothing by which anybody could be found without their secret. After a restore whoever is on the
list and in the warehouse is erased again.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from include.database import OWNER, acting_as, connect
from include.settings import settings

LIST = "erasures"


def remember(basis: str, reason: str, hashes: Iterable[str]) -> None:
    """Put an order on the list."""
    line = json.dumps(
        {"basis": basis, "reason": reason, "hashes": sorted(hashes)}, ensure_ascii=False
    )
    _add([line])


def merge(other: Path) -> None:
    """Take over the lines of another list."""
    _add(other.read_text(encoding="utf-8").splitlines())


@acting_as(OWNER)
def erase_again() -> list[int]:
    """Erase everybody who is on the list and known here; the numbers of the new orders."""
    from include.subject.erasure import carry_out, order, unfinished

    if number := unfinished():
        carry_out(number)
    done = []
    for told in _told():
        for key in _known(set(told["hashes"])):
            number = order(key, told["basis"], told["reason"])
            carry_out(number)
            done.append(number)
    return done


def _known(hashes: set[str]) -> list[str]:
    """Keys of persons whose number has one of the hashes: one of each person."""
    from include.subject.identity import resolve
    from include.subject.suppression import hashed

    if not hashes:
        return []
    found: list[str] = []
    with connect() as connection:
        hit = [
            key
            for value, key in connection.execute(
                "select value, key from vault.identifier where kind = 'person' order by value"
            )
            if hashed("resident_id", value) in hashes
        ]
        for key in hit:
            own = resolve(connection, key).person_keys
            if not own & set(found):
                found.append(key)
    return found


def _told() -> list[dict[str, Any]]:
    path = settings().home / "audit" / LIST
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _add(lines: list[str]) -> None:
    path = settings().home / "audit" / LIST
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = file.read().splitlines()
        file.writelines(f"{line}\n" for line in lines if line not in known)
