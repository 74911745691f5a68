"""Great Expectations' word on deliveries: accepted or rejected, each as a whole."""

from __future__ import annotations

import importlib
import logging
import math
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from expectations.catalogue import write_page
from expectations.check import Check, Subject
from expectations.checkpoint import Outcome, begin_import, run
from include.areas import counties
from include.contracts import Source
from include.database import acting_as, connect
from include.errors import WarehouseError

logger = logging.getLogger(__name__)

_LOCK = "judge"


@dataclass(frozen=True)
class Verdict:
    """The outcome for one delivery: 'accepted' or 'rejected'.

    ``reasons`` (critical) and ``warnings`` are what is written to ops.acceptance: dicts of
    expectation, label_zh, expected (in words), observed (a count or share), defect (a code of
    ref_defect), missing_headers, file and remedy; of a figure that is unusual for the county also
    usual (months, low, high). They hold no cell's value.
    """

    delivery_id: int
    kind: str
    county_code: str
    outcome: str
    reasons: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)


@acting_as("loader")
def judge(source: Source, period: str, only: Collection[int] | None = None) -> list[Verdict]:
    """Decide every delivery of ``source`` and ``period`` that has no verdict yet.

    With ``only``, of these deliveries alone. One checkpoint over the suites of all kinds concerned;
    the verdicts are written to ops.acceptance in one transaction and returned in the order of their
    deliveries. Rejections do not raise. Raises WarehouseError, deciding nothing, where an
    expectation cannot be evaluated.
    """
    with connect() as guard:
        # Two judges of one source would overwrite each other's profiles.
        guard.execute("select pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [_LOCK, source])
        pending = _profile(source, period, only)
        if not pending:
            return []
        kinds = sorted({str(delivery["kind"]) for delivery in pending.values()})
        report = run(
            f"deliveries.{source}",
            f"{period} {source}",
            [
                Subject(f"deliveries.{kind}", f"quality.{kind}", "delivery_id", _suite(kind))
                for kind in kinds
            ],
            max_keys=len(pending),
        )
        verdicts = _verdicts(pending, report.outcomes)
        with connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.acceptance (delivery_id, outcome, reasons, warnings)"
                " values (%s, %s, %s, %s)",
                [(v.delivery_id, v.outcome, Jsonb(v.reasons), Jsonb(v.warnings)) for v in verdicts],
            )
    write_page()
    for verdict in verdicts:
        if verdict.outcome == "rejected":
            logger.warning(
                "rejected %s of county %s: %s",
                verdict.kind,
                verdict.county_code,
                "; ".join(reason["expected"] for reason in verdict.reasons),
            )
    return verdicts


def _suite(kind: str) -> tuple[Check, ...]:
    module = importlib.import_module(f"expectations.deliveries.{kind}")
    checks: tuple[Check, ...] = module.suite()
    return checks


def _profile(
    source: Source, period: str, only: Collection[int] | None
) -> dict[int, dict[str, Any]]:
    """Make quality.<kind> for the deliveries without verdict; their profiles by delivery_id.

    The figures are kept: later months are compared with them.
    """
    profiles: dict[int, dict[str, Any]] = {}
    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "create temporary table judged (delivery_id bigint primary key, county_name text)"
            " on commit drop"
        )
        cursor.execute(
            "select d.delivery_id, d.kind, d.county_code, d.file_name, d.missing_headers,"
            " d.refusal_code"
            " from ops.delivery as d left join ops.acceptance as c using (delivery_id)"
            " where d.source = %s and d.period = %s and c.delivery_id is null"
            " and (%s::bigint[] is null or d.delivery_id = any(%s)) order by d.delivery_id",
            [source, period, *[None if only is None else list(only)] * 2],
        )
        pending = {row["delivery_id"]: row for row in cursor.fetchall()}
        if pending:
            begin_import()
        cursor.executemany(
            "insert into judged values (%s, %s)",
            [(key, counties().get(row["county_code"])) for key, row in pending.items()],
        )
        for kind in sorted({row["kind"] for row in pending.values()}):
            module = importlib.import_module(f"expectations.deliveries.{kind}")
            table = sql.Identifier("quality", kind)
            cursor.execute(sql.SQL("drop table if exists {}").format(table))
            cursor.execute(sql.SQL("create table {} as {}").format(table, sql.SQL(module.PROFILE)))
            cursor.execute(
                sql.SQL(
                    "insert into ops.delivery_profile (delivery_id, figures)"
                    " select delivery_id, jsonb_strip_nulls(to_jsonb(profile) - %s::text[])"
                    " from {} as profile on conflict (delivery_id) do update"
                    " set figures = excluded.figures"
                ).format(table),
                [["delivery_id", "county_code", "period"]],
            )
            for row in cursor.execute(sql.SQL("select * from {}").format(table)):
                profiles[row["delivery_id"]] = {**row, **pending[row["delivery_id"]]}
    return dict(sorted(profiles.items()))


def _verdicts(pending: dict[int, dict[str, Any]], outcomes: tuple[Outcome, ...]) -> list[Verdict]:
    found: dict[str, dict[int, list[dict[str, Any]]]] = {
        "critical": defaultdict(list),
        "warning": defaultdict(list),
    }
    for outcome in outcomes:
        if outcome.success:
            continue
        keys = [int(key) for key in outcome.row_keys]
        if outcome.error or len(keys) != outcome.unexpected_count:
            raise WarehouseError(
                f"expectation {outcome.check.id} could not be evaluated ({outcome.error}).",
                remedy="this is a fault of the warehouse, not of a delivery; nothing was decided.",
                file=outcome.suite,
            )
        for key in keys:
            found[outcome.check.severity][key].append(_reason(outcome.check, pending[key]))
    return [
        Verdict(
            key,
            delivery["kind"],
            delivery["county_code"],
            "rejected" if found["critical"][key] else "accepted",
            found["critical"][key],
            found["warning"][key],
        )
        for key, delivery in pending.items()
    ]


def _reason(check: Check, delivery: dict[str, Any]) -> dict[str, Any]:
    figure = check.habit or check.figure
    observed = delivery[figure] if figure else None
    reason: dict[str, Any] = {
        "expectation": check.id,
        "label_zh": check.label_zh,
        "expected": check.description,
        # Only an unreadable file has a code of its own.
        "defect": check.defect or delivery["refusal_code"],
        "file": delivery["file_name"],
        "remedy": check.remedy,
    }
    if check.remedy_zh:
        reason["remedy_zh"] = check.remedy_zh
    if check.habit:
        middle, allowed = (float(delivery[f"{figure}_{name}"]) for name in ("middle", "allowed"))
        is_share = check.habit.endswith("_share")
        reason["usual"] = {
            "months": delivery[f"{figure}_months"],
            "low": round(max(middle - allowed, 0.0), 4),
            "high": round(min(middle + allowed, 1.0 if is_share else math.inf), 4),
        }
    if isinstance(observed, list):
        return reason | {"observed": len(observed), "missing_headers": observed}
    return reason | {"observed": None if observed is None else float(observed)}
