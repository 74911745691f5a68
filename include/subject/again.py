"""Erasures outlive the database: a backup of before an erasure still holds the person.

``home/audit/erasures`` has a line for each order: its ground and the keyed hashes of his numbers
and keys, nothing by which anybody could be found without their secret. After a restore whoever is
on the list and in the warehouse is erased again, and whoever is not is kept out as before.
"""

from __future__ import annotations

import fcntl
import getpass
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from include import audit
from include.database import OWNER, acting_as, connect
from include.settings import settings
from include.subject import suppression
from include.subject.suppression import hashed

LIST = "erasures"
_KEY = "person_key"


def remember(
    basis: str, reason: str, hashes: Mapping[str, str], person_keys: Iterable[str]
) -> None:
    """Put an order on the list. ``hashes`` are those by which he is kept out: hash -> of what."""
    told = {
        "basis": basis,
        "reason": reason,
        "hashes": dict(sorted(hashes.items())),
        # Those who have no number of their own are known by nothing else.
        "keys": sorted(hashed(_KEY, key) for key in person_keys),
    }
    _add([json.dumps(told, ensure_ascii=False)])


def merge(other: Path) -> None:
    """Take over the lines of another list."""
    _add(other.read_text(encoding="utf-8").splitlines())


def is_made_with(secret: str) -> bool:
    """Whether everybody on our list was put there with this secret."""
    return all(suppression.is_made_with(secret, line["hashes"]) for line in _read(_list()))


def demand_secret(*others: Path) -> bool:
    """Whether somebody is on our list or on others'. Raises ConfigurationMissing where they were
    put there with a secret that is not ours."""
    told = [line for path in (_list(), *others) for line in _read(path)]
    for line in told:
        suppression.demand_same(line["hashes"])
    return bool(told)


@acting_as(OWNER)
def erase_again() -> list[int]:
    """Erase everybody who is on the list and known here, and keep out the others; the numbers of
    the orders that were carried out."""
    from include.subject.erasure import carry_out, order, unfinished
    from include.subject.identity import SubjectRefused

    if number := unfinished():
        carry_out(number)
    done = []
    told = _read(_list())
    known = _known() if told else {}
    for each in told:
        keys = {known[digest] for digest in (*each["hashes"], *each["keys"]) if digest in known}
        for key in sorted(keys):
            try:
                number = order(key, each["basis"], each["reason"])
            except SubjectRefused:
                continue  # it went with another of his keys
            carry_out(number)
            done.append(number)
        _keep_out(each)
    return done


def _known() -> dict[str, str]:
    """Keyed hash -> person key, by each number and each key of all persons here."""
    with connect() as connection:
        numbers = connection.execute(
            "select value, key from vault.identifier where kind = 'person'"
        ).fetchall()
        linked = connection.execute("select distinct person_key from vault.person_link").fetchall()
    keys = {key for _, key in numbers} | {key for (key,) in linked}
    return {hashed(_KEY, key): key for key in keys} | {
        hashed("resident_id", value): key for value, key in numbers
    }


def _keep_out(told: dict[str, Any]) -> None:
    """Have an order's hashes among those that are kept out, whether or not he is known here: he may
    have been delivered first after the backup, and is delivered again."""
    with connect() as connection:
        known = connection.execute(
            "select count(*) from ops.suppressed where hash = any(%s)", [list(told["hashes"])]
        ).fetchone()
        if known == (len(told["hashes"]),):
            return
        row = connection.execute(
            "insert into ops.erasure (basis, reason, ordered_by, state, done_at)"
            " values (%s, %s, %s, 'done', clock_timestamp()) returning erasure_id",
            [told["basis"], told["reason"], getpass.getuser()],
        ).fetchone()
        assert row is not None
        suppression.keep_out(connection, int(row[0]), told["hashes"])
        audit.record(connection, "erased_persons_kept_out", detail={"erasure": int(row[0])})
    audit.copy_head()


def _list() -> Path:
    return settings().home / "audit" / LIST


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _add(lines: list[str]) -> None:
    path = _list()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = file.read().splitlines()
        file.writelines(f"{line}\n" for line in lines if line not in known)
