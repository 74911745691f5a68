"""What a person says is wrong: asked of the sender by the receipt, tracked until it is answered.

We change no delivered row. The sender's receipt names file, row and column among what is to be
checked, and what he delivers next says what is right; only he can know.
"""

from __future__ import annotations

import csv
import getpass
from dataclasses import dataclass
from datetime import date
from typing import Literal

from include import audit
from include.contracts import contracts
from include.database import OWNER, acting_as, connect
from include.errors import WarehouseError
from include.settings import PROJECT_ROOT
from include.subject.identity import resolve
from include.vault.rotating import settled

Answer = Literal["corrected", "refused"]


class CorrectionRefused(WarehouseError):
    """A request that names no cell of the person's, or says nothing; or an answer to none."""


@dataclass(frozen=True)
class Correction:
    """A request. ``state``: open, sent (the receipt was given back), resent (a later file of the
    same sender, kind and month was accepted), overdue, corrected or refused."""

    correction_id: int
    delivery_id: int
    kind: str
    county_code: str
    period: str
    row_no: int
    column_name: str
    what: str
    requested_by: str
    due_on: date
    state: str
    answer_reason: str | None


def days(request: str) -> int:
    """Within how many days a request is to be answered, from the seed ref_subject_deadline."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_subject_deadline.csv"
    with path.open(encoding="utf-8") as handle:
        return next(int(row["days"]) for row in csv.DictReader(handle) if row["request"] == request)


@acting_as(OWNER)
def request(wanted: str, delivery_id: int, row_no: int, column: str, what: str) -> int:
    """Ask the sender of a delivered row to check a cell of it; the request's number.

    Raises SubjectRefused, CorrectionRefused, RotationUnderWay.
    """
    from include.receipts import receipts, write, write_due

    with connect() as connection:
        settled(connection)
        subject = resolve(connection, wanted)
        own = [r for r in subject.rows if (r.delivery_id, r.row_no) == (delivery_id, row_no)]
        if not own:
            raise CorrectionRefused(
                f"row {row_no} of delivery {delivery_id} is not about this person.",
                remedy="take both from ./warehouse subject.",
            )
        columns = contracts()[own[0].kind].columns
        names = {c.name: c.name for c in columns} | {
            header: c.name for c in columns for header in c.headers
        }
        if column not in names:
            raise CorrectionRefused(
                "there is no such column in this kind of delivery.",
                remedy=f"name one of {', '.join(c.name for c in columns)}.",
            )
        if not what.strip() or sum(c.isdigit() for c in what) > 8:
            raise CorrectionRefused(
                "what is wrong is not said, or holds a number of a person.",
                remedy="say in words what is wrong; the right value is for the sender to find out.",
            )
        with connect("privacy_officer") as officer:
            audit.record(
                officer, "correction_requested", ("person", subject.key),
                purpose="record_correction", detail={"delivery": delivery_id},
            )  # fmt: skip
        row = connection.execute(
            "insert into ops.correction (subject, delivery_id, row_no, column_name, what,"
            " requested_by, due_on) select s.subject, %s, %s, %s, %s, %s,"
            " (clock_timestamp() at time zone 'Asia/Shanghai')::date + %s"
            " from audit.subject as s where s.key = %s returning correction_id",
            [delivery_id, row_no, names[column], what.strip(), getpass.getuser(),
             days("correction"), subject.key],
        ).fetchone()  # fmt: skip
        # The receipt is written anew and given back once more.
        connection.execute(
            "update ops.receipt set returned_at = null, returned_to = null where delivery_id = %s",
            [delivery_id],
        )
    assert row is not None
    audit.copy_head()
    (receipt,) = receipts([delivery_id])
    write(receipt)
    write_due(contracts()[receipt.kind].source, receipt.period)
    return int(row[0])


@acting_as(OWNER)
def answer(correction_id: int, verdict: Answer, reason: str) -> None:
    """Put on record what the sender said. Raises CorrectionRefused where no request is open."""
    from include.receipts import receipts, write

    if not reason.strip():
        raise CorrectionRefused("the reason is empty.", remedy='say why, as in --reason "…".')
    with connect() as connection:
        row = connection.execute(
            "update ops.correction set answer = %s, answer_reason = %s, answered_by = %s,"
            " answered_at = clock_timestamp() where correction_id = %s and answer is null"
            " returning delivery_id",
            [verdict, reason.strip(), getpass.getuser(), correction_id],
        ).fetchone()
        if row is None:
            raise CorrectionRefused(
                f"no request {correction_id} is open.", remedy="./warehouse subject corrections"
            )
        with connect("privacy_officer") as officer:
            audit.record(
                officer, "correction_answered",
                detail={"correction": correction_id, "answer": verdict},
            )  # fmt: skip
    audit.copy_head()
    write(*receipts([row[0]]))


@acting_as(OWNER)
def listed(correction_id: int | None = None) -> list[Correction]:
    """All requests, or one, the oldest first, and how they stand."""
    with connect() as connection:
        return [
            Correction(*row)
            for row in connection.execute(
                "select c.correction_id, c.delivery_id, d.kind, d.county_code, d.period, c.row_no,"
                " c.column_name, c.what, c.requested_by, c.due_on, case"
                " when c.answer is not null then c.answer"
                " when c.due_on < (clock_timestamp() at time zone 'Asia/Shanghai')::date"
                " then 'overdue'"
                " when exists (select from ops.accepted_delivery as a where (a.kind, a.county_code,"
                " a.period) = (d.kind, d.county_code, d.period) and a.known_at > c.requested_at)"
                " then 'resent' when r.returned_at >= c.requested_at then 'sent' else 'open' end,"
                " c.answer_reason from ops.correction as c"
                " inner join ops.delivery as d using (delivery_id)"
                " left join ops.receipt as r using (delivery_id)"
                " where c.correction_id = coalesce(%s, c.correction_id) order by c.correction_id",
                [correction_id],
            )
        ]
