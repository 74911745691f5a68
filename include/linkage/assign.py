"""Whom the rows without a valid ID are about: linked, for review by hand, or somebody of their own.

One step of a build, before dbt, over the deliveries the build reads. What it writes is a function
of these deliveries, of the judgements known at the build's time, of the thresholds' seed and of the
model's fixed parameters.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from include.database import acting_as, connect
from include.linkage.aliases import find_aliases
from include.linkage.records import Reference, Subject, references, scope, subjects
from include.settings import PROJECT_ROOT
from include.vault.versions import identifier_key, in_force

if TYPE_CHECKING:
    from include.linkage.model import Candidate

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
SUBJECT = "provisional"
"""The key space of rows without a usable ID."""
_HOME = "county_person"
"""The kind that says who lives where: its unlinked rows make people, whom other kinds may find."""
Verdicts = dict[tuple[str, str], str]
"""(subject_key, candidate_key) -> same or different."""


@dataclass(frozen=True)
class Link:
    """The person of one row. ``method`` is splink, decision, review or provisional."""

    subject: Subject
    subject_key: str
    person_key: str
    method: str
    score: float | None
    evidence: str
    sex: str | None
    birth: str | None
    rivals: tuple[Candidate, ...] = ()
    """Candidates that a person has to judge."""


@acting_as("transformer")
def link(period: str, known_at: datetime, seeds: Path = SEEDS, aside: str = "") -> dict[str, int]:
    """Find the person of each row in scope that has no valid ID; how many by which method.

    Replaces what was found before for these deliveries. Rows that say too little of a person to
    tell them from others get none, and are quarantined later. Raises ConfigurationMissing without
    the secret of the person keys, WrongSecret with another one.

    With ``aside`` the links alone go into a table of their own, vault.<aside>person_link; what
    clerks have to judge stays as it is.
    """
    with connect() as connection:
        in_force(connection)
        scope(connection, period, known_at)
        lost = subjects(connection)
        links = _assign_all(connection, lost, known_at, period, seeds) if lost else []
        if aside:
            _make_aside(connection, aside)
        else:
            _write_reviews(connection, links)
        _write_links(connection, links, aside)
        aliases = 0 if aside else find_aliases(connection, period)
    found = Counter(one.method for one in links)
    return dict(found) | {"unlinked": len(lost) - len(links), "possible aliases": aliases}


def _assign_all(
    connection: psycopg.Connection[Any],
    lost: list[Subject],
    known_at: datetime,
    period: str,
    seeds: Path,
) -> list[Link]:
    known = list(references(connection, lost))
    verdicts = _verdicts(connection, known_at)
    homes = assign([s for s in lost if s.kind == _HOME], known, verdicts, period, seeds)
    # The household of a row without an ID is known by now: a row that says no more is found by it.
    past = {
        delivery
        for (delivery,) in connection.execute("select delivery_id from scope where is_past")
    }
    newcomers = sorted(
        {
            Reference(
                one.person_key, one.subject.name, one.birth or "", one.sex or "",
                one.subject.county, one.subject.household, one.subject.number, None,
            )
            for one in homes
            if one.subject.name and one.subject.delivery_id not in past
        },
        key=repr,
    )  # fmt: skip
    rest = [s for s in lost if s.kind != _HOME]
    return homes + assign(rest, known + newcomers, verdicts, period, seeds)


def assign(
    lost: list[Subject],
    known: list[Reference],
    verdicts: Verdicts,
    period: str,
    seeds: Path = SEEDS,
) -> list[Link]:
    """The links of ``lost`` among ``known``; rows with nothing to go by are left out."""
    from include.linkage.model import compare

    enough = threshold("link_score", period, seeds)
    doubtful = threshold("review_score", period, seeds)
    # A row that comes again every month says the same, and is compared once.
    said = {s: replace(s, delivery_id=0, row_no=0) for s in lost}
    position = {statement: n for n, statement in enumerate(dict.fromkeys(said.values()))}
    candidates = compare(list(position), known, doubtful)
    links = []
    for subject in lost:
        key = subject_key(subject)
        ranked = [
            c
            for c in candidates.get(position[said[subject]], [])
            if verdicts.get((key, c.person_key)) != "different"
        ]
        made = _choose(subject, key, ranked, verdicts, enough)
        if made:
            links.append(made)
    return links


def _choose(
    subject: Subject, key: str, ranked: list[Candidate], verdicts: Verdicts, enough: float
) -> Link | None:
    """By hand, else the one that scores enough alone, else a person of the row's own."""
    judged = sorted(
        candidate for (of, candidate), verdict in verdicts.items()
        if of == key and verdict == "same"
    )  # fmt: skip
    if judged:
        best = next((c for c in ranked if c.person_key == judged[0]), None)
        return Link(
            subject, key, judged[0], "decision", best.score if best else None,
            best.evidence if best else "by hand",
            best.sex if best else subject.sex, best.birth if best else subject.birth,
        )  # fmt: skip
    best = sure(ranked, enough)
    if best:
        return Link(
            subject, key, best.person_key, "splink", best.score, best.evidence, best.sex, best.birth
        )
    if ranked:
        return Link(
            subject, key, key, "review", ranked[0].score, ranked[0].evidence,
            subject.sex, subject.birth, tuple(ranked),
        )  # fmt: skip
    if subject.name and (subject.household or subject.birth or subject.number):
        return Link(subject, key, key, "provisional", None, "", subject.sex, subject.birth)
    return None


def sure(ranked: list[Candidate], enough: float) -> Candidate | None:
    """The candidate linked without anybody looking: it scores enough and is the only one."""
    return ranked[0] if len(ranked) == 1 and ranked[0].score >= enough else None


def subject_key(subject: Subject) -> str:
    """Keyed hash of what stays the same when the row comes again next month.

    Household number, name and birth date; without a household the county stands in, and without a
    birth date the system's own number or the damaged ID.
    """
    return identifier_key(SUBJECT, told(subject))


def told(subject: Subject) -> str:
    """What a subject's key is made of; see ``subject_key``."""
    said = [subject.household or subject.county or "", subject.name or "", subject.birth or ""]
    if not subject.household and not subject.birth:
        said.append(subject.number or subject.damaged_id or "")
    return "|".join(said)


@cache
def _threshold_rows(seeds: Path) -> tuple[dict[str, str], ...]:
    with (seeds / "ref_link_threshold.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def threshold(code: str, period: str, seeds: Path = SEEDS) -> float:
    """The threshold in force on the first day of ``period``."""
    day = f"{period}-01"
    (value,) = (
        row["value"]
        for row in _threshold_rows(seeds)
        if row["code"] == code
        and row["effective_from"] <= day
        and (not row["effective_to"] or row["effective_to"] >= day)
    )
    return float(value)


def _verdicts(connection: psycopg.Connection[Any], known_at: datetime) -> Verdicts:
    """Judgements in force at ``known_at``; the last one on a pair counts."""
    return {
        (subject, candidate): verdict
        for subject, candidate, verdict in connection.execute(
            "select subject_key, candidate_key, verdict from vault.link_decision "
            "where decided_at <= %(at)s and coalesce(undone_at > %(at)s, true) "
            "order by decision_id",
            {"at": known_at},
        )
    }


def _make_aside(connection: psycopg.Connection[Any], aside: str) -> None:
    """An empty vault.<aside>person_link."""
    made = sql.Identifier("vault", f"{aside}person_link")
    connection.execute(
        sql.SQL(
            "create table if not exists {0} (like vault.person_link including all); truncate {0}"
        ).format(made)
    )


def _write_links(connection: psycopg.Connection[Any], links: list[Link], aside: str) -> None:
    table = sql.Identifier("vault", f"{aside}person_link")
    connection.execute(
        sql.SQL("delete from {} where delivery_id in (select delivery_id from scope)").format(table)
    )
    with connection.cursor().copy(
        sql.SQL(
            "copy {} (delivery_id, row_no, column_name, kind, subject_key, person_key, method, "
            "score, evidence, sex, birth_date) from stdin"
        ).format(table)
    ) as copy:
        for one in links:
            row = one.subject
            born = date.fromisoformat(one.birth) if one.birth else None
            copy.write_row(
                (row.delivery_id, row.row_no, row.column_name, row.kind, one.subject_key,
                 one.person_key, one.method, one.score, one.evidence, one.sex or None, born)
            )  # fmt: skip


def _write_reviews(connection: psycopg.Connection[Any], links: list[Link]) -> None:
    connection.execute(
        "delete from vault.link_review where delivery_id in (select delivery_id from scope)"
    )
    with connection.cursor().copy(
        "copy vault.link_review (subject_key, candidate_key, kind, delivery_id, row_no, "
        "column_name, score, evidence) from stdin"
    ) as copy:
        for one in links:
            row = one.subject
            for rival in one.rivals:
                copy.write_row(
                    (one.subject_key, rival.person_key, row.kind, row.delivery_id, row.row_no,
                     row.column_name, rival.score, rival.evidence)
                )  # fmt: skip
