"""A small sound candidate: 11 counties with three households each, one county held back."""

from __future__ import annotations

import hashlib

import psycopg

from include.areas import counties
from include.contracts import contracts
from tests.expectations import (
    alerts,
    assistance,
    backlog,
    burdens,
    episodes,
    findings,
    guarantees,
    links,
    persons,
    regimes,
    scorecards,
    work_marts,
)
from tests.expectations.deliveries import deliver

PERIOD = "2026-02"
HELD_BACK = "431081"
PUBLISHED = [code for code in counties() if code != HELD_BACK]

_MONEY = "numeric(14, 2)"
HOUSEHOLD_MONTH = {
    "period": "text not null",
    "household_key": "text not null",
    "county_code": "text",
    "township_code": "text",
    "village_code": "text",
    "household_type": "text",
    "monitor_category": "text",
    "monitor_status": "text",
    "monitored_ym": "text",
    "cleared_ym": "text",
    "is_new": "boolean",
    "is_relapsed": "boolean",
    "is_cleared": "boolean",
    "is_moved_in": "boolean",
    "members": "integer",
    "persons_on_file": "integer",
    **dict.fromkeys(
        (
            "wage_income", "business_income", "property_income", "transfer_income",
            "business_expense", "gross_income", "net_income", "net_income_pp",
            "reference_income_pp", "income_line_pp",
        ),
        _MONEY,
    ),
    "is_below_line": "boolean",
    "insured_persons": "integer",
    "insurable_persons": "integer",
    "out_of_pocket_ytd_amt": _MONEY,
    "out_of_pocket_income_share": "numeric(12, 4)",
    "is_high_burden": "boolean",
    "has_dibao": "boolean",
    "has_tekun": "boolean",
    "dibao_paid_amt": _MONEY,
    "temp_aid_12m_amt": _MONEY,
    "measures_in_place": "integer",
    "deceased_members": "integer",
}  # fmt: skip
COUNTY_SCORECARD = {
    "period": "text not null",
    "county_code": "text not null",
    "county_name": "text",
    "data_status": "text",
    **dict.fromkeys(
        (
            "households", "persons", "monitored_households", "monitored_unstable_households",
            "monitored_marginal_households", "monitored_sudden_hardship_households",
            "new_monitored_households", "relapsed_monitored_households",
            "cleared_monitored_households", "previous_monitored_households",
            "moved_in_monitored_households", "moved_out_monitored_households",
        ),
        "bigint",
    ),
    "net_income_pp": _MONEY,
    "households_below_line": "bigint",
    "insured_persons": "bigint",
    "insured_share": "numeric(12, 6)",
    "monitored_insured_share": "numeric(12, 6)",
    "out_of_pocket_ytd_amt": _MONEY,
    "high_burden_households": "bigint",
    "income_line_verified": "boolean",
    **dict.fromkeys(scorecards.COUNTY_GRADES, "text"),
    "shown_instead_period": "text",
    "shown_instead_sent_on": "date",
    "stale_since": "date",
}  # fmt: skip


def make_tables(db: psycopg.Connection) -> None:
    """The candidate's and the accounting's tables, empty."""
    for name, columns, grain in (
        ("household_month", HOUSEHOLD_MONTH, "period, household_key"),
        ("county_scorecard", COUNTY_SCORECARD, "period, county_code"),
    ):
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        db.execute(f"drop table if exists candidate.{name}")
        db.execute(f"create table candidate.{name} ({listed}, primary key ({grain}))")
        db.execute(f"comment on table candidate.{name} is 'the table {name}'")
        db.execute(f"comment on column candidate.{name}.period is 'month, YYYY-MM'")
    db.execute("drop table if exists staging.delivery_accounting")
    db.execute(
        "create table staging.delivery_accounting (delivery_id bigint, kind text, county_code text,"
        " period text, row_count bigint, staged bigint, quarantined bigint, superseded bigint)"
    )


def deliver_month(db: psycopg.Connection, period: str = PERIOD) -> None:
    """Accepted deliveries of all kinds, but for one county file of the county held back."""
    for kind, contract in contracts().items():
        codes = counties() if contract.source == "county" else ["431000"]
        for code in codes:
            accepted = (code, kind) != (HELD_BACK, "county_income")
            deliver(db, kind, [{}], period=period, county_code=code, accepted=accepted)


def fill(db: psycopg.Connection, period: str = PERIOD, *, wage: int = 30000) -> None:
    """Make the candidate of ``period``: per county a plain, a new and a cleared household."""
    make_tables(db)
    ym = period.replace("-", "")
    plain = {
        "members": 3, "persons_on_file": 3, "wage_income": wage, "business_income": 5000,
        "property_income": 0, "transfer_income": 1000, "business_expense": 2000,
        "gross_income": wage + 6000, "net_income": wage + 4000,
        "net_income_pp": round((wage + 4000) / 3, 2), "income_line_pp": 9000,
        "is_below_line": False, "insured_persons": 3, "insurable_persons": 3,
        "out_of_pocket_ytd_amt": 100, "is_high_burden": False,
    }  # fmt: skip
    none: dict[str, object] = {"monitor_status": "none"}
    none |= dict.fromkeys(("is_new", "is_relapsed", "is_cleared", "is_moved_in"), False)
    kinds = (
        none,
        none | {"monitor_status": "in_force", "monitor_category": "01", "is_new": True}
        | {"monitored_ym": ym},
        none | {"monitor_status": "cleared", "monitor_category": "02", "is_cleared": True}
        | {"monitored_ym": "202301", "cleared_ym": ym, "is_moved_in": True},
    )  # fmt: skip
    monitored = []
    for code in PUBLISHED:
        for number, kind in enumerate(kinds):
            key = hashlib.sha256(f"{code}{number}".encode()).hexdigest()
            if kind["monitor_status"] == "in_force":
                monitored.append((code, key))
            _insert(
                db,
                "household_month",
                {"period": period, "household_key": key, "county_code": code}
                | {"village_code": f"{code}101201"} | plain | kind,
            )  # fmt: skip
        _insert(
            db,
            "county_scorecard",
            {
                "period": period, "county_code": code, "county_name": counties()[code],
                "data_status": "published", "households": 3, "persons": 9,
                "monitored_households": 1, "monitored_unstable_households": 1,
                "monitored_marginal_households": 0, "monitored_sudden_hardship_households": 0,
                "new_monitored_households": 1, "relapsed_monitored_households": 0,
                "cleared_monitored_households": 1, "previous_monitored_households": 1,
                "moved_in_monitored_households": 1, "moved_out_monitored_households": 1,
                "net_income_pp": round((wage + 4000) / 3, 2), "households_below_line": 0,
                "insured_persons": 9, "insured_share": 1, "monitored_insured_share": 1,
                "out_of_pocket_ytd_amt": 300, "high_burden_households": 0,
                "income_line_verified": False, **dict.fromkeys(scorecards.COUNTY_GRADES, "B"),
            },
        )  # fmt: skip
    _insert(
        db,
        "county_scorecard",
        {
            "period": period, "county_code": HELD_BACK, "county_name": counties()[HELD_BACK],
            "data_status": "held_back", "income_line_verified": False,
            **dict.fromkeys(scorecards.COUNTY_GRADES, "held_back"),
            "shown_instead_period": "2025-12", "shown_instead_sent_on": "2026-01-03",
        },
    )  # fmt: skip
    alerts.fill(db, period, monitored)
    episodes.fill(db, period, monitored)
    assistance.fill(db, period)
    work_marts.fill(db, period, PUBLISHED, HELD_BACK)
    findings.fill(db, period, monitored)
    links.fill(db, period)
    backlog.fill(db, period)
    scorecards.fill(db, period, HELD_BACK)
    guarantees.fill(db, period)
    burdens.fill(db)
    regimes.fill(db, period, monitored)
    persons.fill(db, period)
    db.execute(
        "insert into staging.delivery_accounting select delivery_id, kind, county_code, period,"
        " row_count, row_count, 0, 0 from ops.accepted_delivery where period <= %s",
        [period],
    )


def open_build(db: psycopg.Connection, period: str = PERIOD) -> int:
    """A build that knows all there is, and whose candidate stands in the working schemas."""
    row = db.execute(
        "insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
        " values (%s, clock_timestamp(), 'seeds', 'code') returning build_id",
        [period],
    ).fetchone()
    assert row is not None
    db.execute(
        "insert into ops.working_schemas (build_id, built_at) values (%s, clock_timestamp())"
        " on conflict (only_row) do update"
        " set build_id = excluded.build_id, built_at = excluded.built_at",
        [row[0]],
    )
    return int(row[0])


def _insert(db: psycopg.Connection, mart: str, row: dict[str, object]) -> None:
    db.execute(
        f"insert into candidate.{mart} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
        list(row.values()),
    )
