"""Look at a household's case, members masked, for a stated purpose and on record.

Two steps in two transactions (migration 028): the record is committed before the answer is given.
"""

from __future__ import annotations

import csv
import re
import sys
from typing import Any

import psycopg

from include import audit
from include.database import acting_as, connect
from include.errors import WarehouseError
from include.settings import PROJECT_ROOT
from include.vault.rotating import settled

_NUMBER = re.compile(r"[0-9]{9,}[0-9Xx]?")


class LookRefused(WarehouseError):
    """Nothing was shown: no such purpose, no reason, nobody known, or not for this account."""


_REFUSALS = {
    "unknown": (
        "no person or household is known by this.",
        "give the key (12 characters at least) as marts show it, or - to be asked for the number.",
    ),
    "unpublished": (
        "the person or household is in no published month.",
        "wait for the month's publication; the privacy officer sees all with ./warehouse subject.",
    ),
    "other_county": (
        "the household is of a county that this account does not work for.",
        "ask a case worker of that county. The attempt is on record.",
    ),
}


def purposes() -> dict[str, str]:
    """Purpose -> its Chinese name, from the seed ref_look_purpose."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_look_purpose.csv"
    with path.open(encoding="utf-8") as handle:
        return {row["purpose"]: row["label_zh"] for row in csv.DictReader(handle)}


def given(argument: str) -> str:
    """Who is meant: a key as it was given, or for ``-`` the number from standard input.

    Raises LookRefused for a number in the command line: the list of processes shows it to all.
    """
    if _NUMBER.fullmatch(argument):
        raise LookRefused(
            "a number of a person or household was given in the command line, where every user of"
            " this machine can read it.",
            remedy="give - instead: the number is then asked for, or read from standard input.",
        )
    if argument != "-":
        return argument
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass("Number (not shown): ").strip()
    return sys.stdin.readline().strip()


@acting_as("case_worker")
def look_up(wanted: str, purpose: str, reason: str) -> dict[str, Any]:
    """The case of a person or household, given by key or number, as ``person.answer`` tells it.

    Raises LookRefused; whoever is unknown or of another county is on record all the same. While
    keys are rotated it waits, and raises RotationUnderWay where that was interrupted: a person
    would be found in the months alone that bear the same version of his key.
    """
    _demand(purpose, reason)
    with connect() as connection:
        settled(connection)
        audit.name_operator(connection)
        asked = _asked(connection, wanted, purpose, reason)
    audit.copy_head()
    with connect() as connection:
        settled(connection)
        row = connection.execute("select person.answer(%s)", [asked]).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0]
    if found["outcome"] in _REFUSALS:
        what, remedy = _REFUSALS[found["outcome"]]
        raise LookRefused(what, remedy=remedy)
    return found


def _asked(connection: psycopg.Connection[Any], wanted: str, purpose: str, reason: str) -> int:
    try:
        row = connection.execute("select person.ask(%s, %s, %s)", [wanted, purpose, reason])
        (asked,) = row.fetchone() or (0,)
        return int(asked)
    except psycopg.errors.UndefinedTable:
        what, remedy = "no month has been published yet.", "build a month first."
    except psycopg.errors.InsufficientPrivilege:
        what = "this account may not look at persons."
        remedy = "./warehouse who-can says who may; ./warehouse grant case_worker lets somebody."
    raise LookRefused(what, remedy=remedy)  # not from the database's error: it may quote a value


def _demand(purpose: str, reason: str) -> None:
    if purpose not in purposes():
        raise LookRefused(
            "this is no purpose for which a person may be looked at.",
            remedy=f"give --purpose {', '.join(purposes())}.",
        )
    if not reason.strip():
        raise LookRefused("the reason is empty.", remedy='say why, as in --reason "…".')
    if _NUMBER.search(reason):
        raise LookRefused(
            "the reason holds a number of a person, and it is kept for good.",
            remedy="leave the number out; the record says whom it is about.",
        )
