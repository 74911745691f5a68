"""Judgements by hand: on rows that the model left open, and on two keys that are one person.

A judgement counts for builds that know it: from the time it was made until the time it was undone.
Nothing is deleted, so that a build of the past can be repeated.
"""

from __future__ import annotations

from typing import Any

from include.database import acting_as, connect
from include.errors import WarehouseError
from include.vault.rotating import settled


class DecisionRefused(WarehouseError):
    """The judgement does not fit what is there."""


@acting_as("case_worker")
def pending(limit: int) -> list[tuple[Any, ...]]:
    """Pairs nobody has judged, in a total order: both keys, score, evidence and how many rows."""
    with connect() as connection:
        return connection.execute(
            "select r.subject_key, r.candidate_key, max(r.score), min(r.evidence), count(*) "
            "from vault.link_review as r where not exists ("
            "select from vault.link_decision as d where d.undone_at is null "
            "and d.subject_key = r.subject_key and d.candidate_key = r.candidate_key) "
            "group by 1, 2 order by 3 desc, 1, 2 limit %s",
            [limit],
        ).fetchall()


@acting_as("case_worker")
def decide(subject: str, candidate: str, verdict: str, reason: str, by: str) -> int:
    """Record that a pair under review is the same person or a different one; its number.

    Keys may be given by their first characters. Raises DecisionRefused where no pair, or more than
    one, begins so, or where the subject was judged to be somebody already.
    """
    with connect() as connection:
        settled(connection)
        pairs = connection.execute(
            "select distinct subject_key, candidate_key from vault.link_review "
            "where starts_with(subject_key, %s) and starts_with(candidate_key, %s)",
            [subject, candidate],
        ).fetchall()
        if len(pairs) != 1:
            raise DecisionRefused(
                f"{len(pairs)} pairs under review begin with these keys.",
                remedy="take the keys from ./warehouse link review, with more of their characters.",
            )
        (key, other) = pairs[0]
        taken = connection.execute(
            "select decision_id from vault.link_decision where undone_at is null "
            "and subject_key = %s and (verdict = 'same' or candidate_key = %s)",
            [key, other],
        ).fetchone()
        if taken:
            raise DecisionRefused(
                f"decision {taken[0]} is in force on this row.",
                remedy=f"undo it first: ./warehouse link undo {taken[0]}.",
            )
        row = connection.execute(
            "insert into vault.link_decision "
            "(subject_key, candidate_key, verdict, reason, decided_by) "
            "values (%s, %s, %s, %s, %s) returning decision_id",
            [key, other, verdict, reason, by],
        ).fetchone()
    assert row is not None
    return int(row[0])


@acting_as("case_worker")
def possible_aliases(limit: int) -> list[tuple[str, str, str, str]]:
    """(alias key, person key, county, evidence) of pairs that nobody has merged, one line each."""
    with connect() as connection:
        return connection.execute(
            "select distinct c.alias_key, c.person_key, d.county_code, c.evidence "
            "from vault.alias_candidate as c inner join ops.delivery as d using (delivery_id) "
            "where not exists (select from vault.person_alias as a "
            "where a.alias_key in (c.alias_key, c.person_key) and a.undone_at is null) "
            "order by 3, 1, 2 limit %s",
            [limit],
        ).fetchall()


@acting_as("case_worker")
def undo(decision_id: int, by: str) -> None:
    """Take a judgement on a row back. Raises DecisionRefused where it is not in force."""
    _undo("link_decision", "decision_id", decision_id, by)


@acting_as("case_worker")
def merge(alias_key: str, person_key: str, reason: str, by: str) -> int:
    """Record that two keys are one person, who keeps ``person_key``; the alias's number.

    Raises DecisionRefused for unknown keys, and where either is an alias already or has one.
    """
    with connect() as connection:
        settled(connection)
        known = connection.execute(
            "select count(distinct key) from (select key from vault.identifier "
            "where kind = 'person' union all select person_key from vault.person_link) as k "
            "where key in (%s, %s)",
            [alias_key, person_key],
        ).fetchone()
        used = connection.execute(
            "select alias_id from vault.person_alias where undone_at is null "
            "and (alias_key in (%s, %s) or person_key = %s)",
            [alias_key, person_key, alias_key],
        ).fetchone()
        if known != (2,):
            raise DecisionRefused(
                "one of the two is no person key.",
                remedy="take both from ./warehouse link aliases or core.identity_conflict.",
            )
        if used:
            raise DecisionRefused(
                f"alias {used[0]} uses one of the keys already.",
                remedy=f"undo it first: ./warehouse link unmerge {used[0]}.",
            )
        row = connection.execute(
            "insert into vault.person_alias (alias_key, person_key, reason, decided_by) "
            "values (%s, %s, %s, %s) returning alias_id",
            [alias_key, person_key, reason, by],
        ).fetchone()
    assert row is not None
    return int(row[0])


@acting_as("case_worker")
def unmerge(alias_id: int, by: str) -> None:
    """Take a merge back. Raises DecisionRefused where it is not in force."""
    _undo("person_alias", "alias_id", alias_id, by)


def _undo(table: str, column: str, number: int, by: str) -> None:
    with connect() as connection:
        settled(connection)
        done = connection.execute(
            f"update vault.{table} set undone_at = clock_timestamp(), undone_by = %s "
            f"where {column} = %s and undone_at is null".encode(),
            [by, number],
        )
        if done.rowcount != 1:
            raise DecisionRefused(
                f"no decision {number} is in force.", remedy="look at the number it was given."
            )
