"""What a receipt says: the verdict on a delivery, and where what was found stands in its file.

No cell's value is in it. A place is told as the sender sees it: sheet, row, column letter and the
sender's own heading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from include.areas import counties
from include.contracts import contracts
from include.database import connect
from include.errors import WarehouseError
from include.receipts.model import (
    SHOWN_HEADINGS,
    SHOWN_ROWS,
    TREATMENTS,
    DefectWords,
    Finding,
    Judgement,
    Line,
    Outcome,
    Place,
    Receipt,
    column_letter,
    defect_words,
    masked,
)

CHINA = ZoneInfo("Asia/Shanghai")
_FOUND = """(
    select delivery_id, row_no, column_name, defect_code, treatment from ops.delivery_defect
    union
    select delivery_id, row_no, column_name, 'P01', 'flagged' from ops.correction
    where answer is null
) as found"""
"""What the sender is told of cells: defects, and what the person himself says is wrong."""
_SENDERS = {"mz": "民政部门", "yb": "医疗保障部门", "wj": "卫生健康部门"}
"""Prefix of a kind that the whole city shares -> who keeps it."""


def receipts(delivery_ids: Iterable[int]) -> list[Receipt]:
    """The receipts of these deliveries in the order of their numbers; unknown numbers have none."""
    ids = sorted(set(delivery_ids))
    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        deliveries = cursor.execute(
            "select d.*, l.sheet, l.headings, c.outcome, c.reasons, c.warnings, c.decided_at"
            " from ops.delivery as d"
            " left join ops.delivery_layout as l using (delivery_id)"
            " left join ops.acceptance as c using (delivery_id)"
            " where d.delivery_id = any(%s) order by d.delivery_id",
            [ids],
        ).fetchall()
        counts = _counts(cursor, ids)
        groups = _groups(cursor, ids)
    return [
        _receipt(row, counts.get(row["delivery_id"], {}), groups.get(row["delivery_id"], []))
        for row in deliveries
    ]


def receipt(delivery_id: int) -> Receipt:
    """The receipt of one delivery. Raises WarehouseError where there is no such delivery."""
    found = receipts([delivery_id])
    if not found:
        raise WarehouseError(
            f"there is no delivery {delivery_id}.",
            remedy="./warehouse receipt --period YYYY-MM lists them.",
        )
    return found[0]


def lines(connection: psycopg.Connection[Any], of: Receipt, limit: int) -> Iterator[Line]:
    """All that was found, line by line: the gravest first, then by row; at most ``limit``."""
    row = connection.execute(
        "select headings from ops.delivery_layout where delivery_id = %s", [of.delivery_id]
    ).fetchone()
    headings = row[0] if row else {}
    with connection.cursor(name="receipt_lines") as cursor:
        cursor.execute(
            f"select row_no, column_name, defect_code, treatment from {_FOUND}"
            " where delivery_id = %s"
            " order by array_position(%s::text[], treatment), row_no nulls first, column_name,"
            " defect_code limit %s",
            [of.delivery_id, list(TREATMENTS), limit],
        )
        for row_no, column, defect, treatment in cursor:
            yield Line(row_no, _place(of.kind, headings, column), defect, treatment)


def _counts(cursor: psycopg.Cursor[dict[str, Any]], ids: list[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for row in cursor.execute(
        f"select delivery_id, treatment, count(distinct row_no) as rows from {_FOUND}"
        " where delivery_id = any(%s) group by delivery_id, treatment",
        [ids],
    ):
        found.setdefault(row["delivery_id"], {})[row["treatment"]] = row["rows"]
    return found


def _groups(
    cursor: psycopg.Cursor[dict[str, Any]], ids: list[int]
) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in cursor.execute(
        "select delivery_id, treatment, defect_code, column_name, count(distinct row_no) as rows,"
        " coalesce((array_agg(distinct row_no order by row_no)"
        " filter (where row_no is not null))[:%s], '{}') as first_rows"
        f" from {_FOUND} where delivery_id = any(%s)"
        " group by delivery_id, treatment, defect_code, column_name"
        " order by delivery_id, array_position(%s::text[], treatment), defect_code, column_name",
        [SHOWN_ROWS, ids, list(TREATMENTS)],
    ):
        found.setdefault(row["delivery_id"], []).append(row)
    return found


def _receipt(
    delivery: dict[str, Any], counts: Mapping[str, int], groups: list[dict[str, Any]]
) -> Receipt:
    outcome: Outcome = delivery["outcome"] or "undecided"
    quarantined = counts.get("quarantined", 0)
    decided_at = delivery["decided_at"]
    return Receipt(
        delivery_id=delivery["delivery_id"],
        sender=_sender(delivery["kind"], delivery["county_code"]),
        county_code=delivery["county_code"],
        source=delivery["source"],
        kind=delivery["kind"],
        title_zh=contracts()[delivery["kind"]].title_zh,
        period=delivery["period"],
        file_name=masked(delivery["file_name"]),
        sheet=delivery["sheet"] and masked(delivery["sheet"]),
        received_at=delivery["received_at"].astimezone(CHINA),
        decided_at=decided_at and decided_at.astimezone(CHINA),
        outcome=outcome,
        rows=delivery["row_count"],
        used=0 if outcome == "rejected" else delivery["row_count"] - quarantined,
        quarantined=quarantined,
        flagged=counts.get("flagged", 0),
        repaired=counts.get("repaired", 0),
        judgements=tuple(
            _judgement(reason, rejects, delivery)
            for reasons, rejects in ((delivery["reasons"], True), (delivery["warnings"], False))
            for reason in reasons or ()
        ),
        findings=_findings(delivery, groups),
    )


def _findings(delivery: dict[str, Any], groups: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """One for each group of rows; headings with the same defect are one finding together."""
    found: list[Finding] = []
    headings: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        code, treatment = group["defect_code"], group["treatment"]
        place = _place(delivery["kind"], delivery["headings"] or {}, group["column_name"])
        if not group["rows"] and place.heading:
            together = headings.setdefault((code, treatment), [])
            together.append(place.text)
            if len(together) > 1:
                continue
        words = _words(code)
        found.append(
            Finding(
                code,
                words.name_zh,
                words.remedy_zh,
                treatment,
                place,
                group["rows"],
                tuple(group["first_rows"]),
            )
        )
    return tuple(
        replace(each, place=Place("", _listed(headings[each.defect, each.treatment])))
        if not each.rows and each.place.heading
        else each
        for each in found
    )


def _listed(places: list[str]) -> str:
    more = f" 等 {len(places)} 列" if len(places) > SHOWN_HEADINGS else ""
    return "、".join(places[:SHOWN_HEADINGS]) + more


def _sender(kind: str, county_code: str) -> str:
    return counties().get(county_code) or _SENDERS[kind.partition("_")[0]]


def _judgement(reason: dict[str, Any], rejects: bool, delivery: dict[str, Any]) -> Judgement:
    defect = reason.get("defect")
    return Judgement(
        expectation=reason["expectation"],
        rejects=rejects,
        label_zh=reason["label_zh"],
        observed=_observed(reason, delivery),
        defect=defect,
        remedy_zh=reason.get("remedy_zh")
        or (_words(defect).remedy_zh if defect else "请核对后更正，整份重新报送。"),
    )


def _observed(reason: dict[str, Any], delivery: dict[str, Any]) -> str:
    """What was seen, in Chinese; counts and shares only."""
    if missing := reason.get("missing_headers"):
        return f"缺少：{'、'.join(missing)}"
    expectation, observed = reason["expectation"], reason.get("observed")
    if expectation == "unreadable_files":
        row = f"（第 {delivery['refusal_row']} 行）" if delivery["refusal_row"] else ""
        return _words(delivery["refusal_code"]).name_zh + row
    if expectation == "other_period":
        return f"文件载明 {delivery['stated_period']}，报送期为 {delivery['period']}"
    if expectation == "control_total_difference":
        return f"文件名载明 {delivery['control_total']} 行，实有 {delivery['row_count']} 行"
    if expectation == "rows_beyond_bounds":
        return f"{delivery['row_count']:,} 行"
    if observed is None:
        return ""
    is_share = expectation.removesuffix("_limit").removesuffix("_usual").endswith("_share")
    if usual := reason.get("usual"):
        return (
            f"本次 {_figure(observed, is_share)}；近 {usual['months']} 个月一般在"
            f" {_figure(usual['low'], is_share)} 至 {_figure(usual['high'], is_share)} 之间"
        )
    return f"占 {_figure(observed, is_share)}" if is_share else _figure(observed, is_share)


def _figure(value: float, is_share: bool) -> str:
    return f"{value:.2%}" if is_share else f"{round(value, 2):,.10g}"


def _words(defect: str | None) -> DefectWords:
    return defect_words().get(defect or "") or DefectWords(defect or "", "")


def _place(kind: str, headings: Mapping[str, Any], column: str | None) -> Place:
    if column is None:
        return Place("", "")
    if known := headings.get(column):
        return Place(column_letter(known["position"]), known["title"])
    named = {each.name: each.headers[0] for each in contracts()[kind].columns}
    return Place("", named.get(column, column))
