"""A person's word on a change of a closed month that is larger than usual.

A month is closed when it has been published and the day of ref_month_close is over. A change of it
beyond the limits of ref_publication_limit is published when someone has approved it, giving a
reason; until then, and after a refusal, the old version stays. The answer is to this content in
place of this version: a build that gives the same again is covered, another is asked about anew.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from include.database import acting_as, connect
from include.difference import Change, rows
from include.errors import ApprovalNeeded, ApprovalRefused
from include.publication_log import Version
from include.settings import PROJECT_ROOT

_SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
_log = logging.getLogger(__name__)
_BEIJING = ZoneInfo("Asia/Shanghai")
ANY_MART = "*"
CHANGES = ("added", "removed", "changed")
APPROVE, REFUSE = "Approve", "Refuse"
"""The two answers on Airflow's page."""


@dataclass(frozen=True)
class Limit:
    """Rows of a mart that a publication may add, remove or change without being asked about.

    Whichever is more: ``rows``, or ``share`` of the mart's rows in the version it replaces.
    """

    rows: int
    share: float

    def allows(self, count: int, of: int) -> bool:
        return count <= max(self.rows, self.share * of)


@dataclass(frozen=True)
class Beyond:
    """One limit that a publication would break: ``rows`` of ``of`` are added, removed, changed."""

    mart: str
    change: str
    rows: int
    of: int
    limit_rows: int
    limit_share: float

    @property
    def sentence(self) -> str:
        share = f" ({self.rows / self.of:.0%})" if self.of else ""
        return (
            f"{self.mart}: {self.rows:,} of {self.of:,} rows{share} {self.change};"
            f" at most {self.limit_share:.0%} or {self.limit_rows:,} rows"
        )


@dataclass(frozen=True)
class Request:
    """A row of ops.approval; the answer's fields are None while it waits."""

    build_id: int
    period: str
    replaces: int
    beyond: list[dict[str, Any]]
    run_id: str | None
    requested_at: datetime
    answer: Literal["approved", "refused"] | None
    reason: str | None
    answered_by: str | None
    answered_in: Literal["cli", "airflow"] | None
    answered_at: datetime | None

    @property
    def sentence(self) -> str:
        """What is beyond which limit, for people."""
        return ". ".join(Beyond(**each).sentence for each in self.beyond)


@cache
def limits() -> dict[tuple[str, str], Limit]:
    """(mart or ``*``, added|removed|changed) -> its limit, from ref_publication_limit."""
    with (_SEEDS / "ref_publication_limit.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["mart"], row["change"]): Limit(int(row["max_rows"]), float(row["max_share"]))
            for row in csv.DictReader(file)
        }


def limit_of(mart: str, change: str) -> Limit:
    """The mart's own limit, else the one for any mart."""
    return limits().get((mart, change)) or limits()[ANY_MART, change]


def closes_at(period: str) -> datetime:
    """When a published month is closed: ref_month_close's day and hour of the month after it."""
    with (_SEEDS / "ref_month_close.csv").open(encoding="utf-8", newline="") as file:
        (rule,) = csv.DictReader(file)
    year, month = divmod(int(period[:4]) * 12 + int(period[5:]), 12)
    return datetime(year, month + 1, int(rule["day"]), int(rule["hour"]), tzinfo=_BEIJING)


def is_closed(period: str, now: datetime | None = None) -> bool:
    """Whether a published month is closed by now."""
    return (now or datetime.now(UTC)) >= closes_at(period)


def beyond_limits(replaced: Version, changes: Iterable[Change]) -> list[Beyond]:
    """The limits that a difference breaks. A mart that the replaced version lacks has none."""
    return [
        Beyond(mart, change, count, of, limit.rows, limit.share)
        for mart, counts in sorted(rows(changes).items())
        if mart in replaced.marts
        for change, count in zip(CHANGES, counts, strict=True)
        if not (limit := limit_of(mart, change)).allows(
            count, of := int(replaced.marts[mart]["rows"])
        )
    ]


def approved(
    connection: psycopg.Connection[Any], replaced: Version, content: dict[str, Any]
) -> bool:
    """Whether someone approved this content in place of this version."""
    found = connection.execute(
        "select 1 from ops.approval where replaces = %s and content = %s and answer = 'approved'",
        [replaced.publication_id, Jsonb(content)],
    ).fetchone()
    return found is not None


def ask(
    connection: psycopg.Connection[Any],
    build_id: int,
    replaced: Version,
    content: dict[str, Any],
    beyond: list[Beyond],
    run_id: str | None = None,
) -> Request:
    """Put the question on record, once per build; the request as it stands."""
    connection.execute(
        "insert into ops.approval (build_id, period, replaces, content, beyond, run_id)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (build_id) do update"
        " set run_id = coalesce(excluded.run_id, approval.run_id)",
        [
            build_id,
            replaced.period,
            replaced.publication_id,
            Jsonb(content),
            Jsonb([asdict(each) for each in beyond]),
            run_id,
        ],
    )
    return request(connection, build_id)


def request(connection: psycopg.Connection[Any], build_id: int) -> Request:
    """The build's request. Raises ApprovalRefused where nothing was asked about it."""
    found = _requests(connection, "build_id = %(build_id)s", build_id=build_id)
    if not found:
        waiting = ", ".join(str(each.build_id) for each in requests(connection)) or "none"
        raise ApprovalRefused(
            f"no approval was asked for build {build_id}.",
            remedy=f"name a build that waits for one: {waiting}.",
        )
    return found[0]


def requests(connection: psycopg.Connection[Any], *, answered: bool = False) -> list[Request]:
    """The requests that wait, oldest first; with ``answered`` all of them.

    One that another version has overtaken waits no more.
    """
    return _requests(
        connection,
        "%(all)s or answer is null and replaces = (select p.publication_id from ops.publication"
        " as p where p.period = approval.period and p.state = 'published'"
        " order by p.version desc limit 1)",
        all=answered,
    )


def answer(
    connection: psycopg.Connection[Any],
    build_id: int,
    word: Literal["approved", "refused"],
    reason: str,
    by: str,
    door: Literal["cli", "airflow"],
) -> Request:
    """Record the answer; who answers first counts.

    Raises ApprovalRefused without a reason, where nothing was asked, and where it was answered.
    """
    if not reason.strip():
        raise ApprovalRefused(
            f"the answer to build {build_id} has no reason, so that it does not count.",
            remedy=f'say why: ./warehouse approval approve {build_id} --reason "…", or refuse.',
        )
    done = connection.execute(
        "update ops.approval set answer = %s, reason = %s, answered_by = %s, answered_in = %s,"
        " answered_at = clock_timestamp() where build_id = %s and answer is null",
        [word, reason.strip(), by, door, build_id],
    )
    found = request(connection, build_id)
    if not done.rowcount:
        raise ApprovalRefused(
            f"build {build_id} of {found.period} was {found.answer} by {found.answered_by}"
            f" already: {found.reason}.",
            remedy=f"build {found.period} again to be asked again.",
        )
    return found


@acting_as("operator")
def is_answered(build_id: int) -> bool:
    """Whether the answer to a build's request is on record."""
    with connect() as connection:
        return request(connection, build_id).answer is not None


@acting_as("operator")
def record_airflow(build_id: int, response: dict[str, Any] | None) -> None:
    """Record what a person answered on Airflow's page (None: nobody was asked).

    When nobody answers in time, Airflow gives the answer itself, without a person: that is none,
    and the request waits on. An answer by command that came first counts. Raises ApprovalRefused
    where a person gave no reason.
    """
    if response is None or response["responded_by_user"] is None:
        return
    word: Literal["approved", "refused"] = (
        "approved" if response["chosen_options"] == [APPROVE] else "refused"
    )
    by, reason = response["responded_by_user"]["name"], response["params_input"].get("reason")
    with connect() as connection:
        earlier = request(connection, build_id)
        if earlier.answer is None:
            answer(connection, build_id, word, reason or "", by, "airflow")
        elif (earlier.answer, earlier.reason) != (word, reason):
            _log.warning("%s by %s came first: %s", earlier.answer, earlier.answered_by, word)


def refusal(found: Request) -> ApprovalNeeded:
    """Why the build is not published: nobody has answered, or somebody refused."""
    if found.answer == "refused":
        return ApprovalNeeded(
            f"{found.period} stays as it was: {found.answered_by} refused build {found.build_id}"
            f" ({found.reason}). {found.sentence}.",
            remedy=f"correct the cause and build {found.period} again.",
            file=f"build {found.build_id}",
        )
    return ApprovalNeeded(
        f"{found.period} is closed, and the change needs an approval; the month stays as it was."
        f" {found.sentence}.",
        remedy=f"see ./warehouse publications {found.period}, then ./warehouse approval approve"
        f' {found.build_id} --reason "…", or refuse.',
        file=f"build {found.build_id}",
    )


def to_build(connection: psycopg.Connection[Any]) -> list[tuple[str, datetime]]:
    """(month, since when) of what was approved when no run waited for it any more."""
    return connection.execute(
        "select a.period, max(a.answered_at) from ops.approval as a"
        " where a.answer = 'approved'"
        " and a.replaces = (select p.publication_id from ops.publication as p"
        " where p.period = a.period and p.state = 'published' order by p.version desc limit 1)"
        " and not exists (select from ops.build as b"
        " where not b.is_trial and b.period = a.period and b.opened_at > a.answered_at)"
        " group by a.period order by a.period"
    ).fetchall()


def _requests(
    connection: psycopg.Connection[Any], condition: str, **values: object
) -> list[Request]:
    with connection.cursor(row_factory=class_row(Request)) as cursor:
        return cursor.execute(
            "select build_id, period, replaces, beyond, run_id, requested_at, answer, reason,"
            f" answered_by, answered_in, answered_at from ops.approval where {condition}"
            " order by requested_at, build_id",
            values,
        ).fetchall()
