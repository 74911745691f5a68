"""What rows say of the person they are about, read from ``raw`` for one build.

Names and identifiers pass through this process's memory on their way to the comparison; only keys,
scores and codes are written back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts

REFERENCE_KINDS = ("county_person", "yb_enrol", "yb_settle")
"""Kinds that say enough of a person with a valid ID to be recognised by."""
HISTORY_KIND = "county_person"
"""The kind of which all lists are read, for who lived where."""
_NAMES = ("psn_name", "name", "head_name")
_COUNTIES = ("county_code", "insuplc_admdvs", "admdvs")
_NUMBERS = {"person_no": "c", "psn_no": "h"}
"""A system's own number of a person -> the system, for two systems number differently."""
_COUNTY_SEX = "case parse.text(r.sex) when '1' then '2' when '2' then '1' end"
"""The county system has 1 for women and 2 for men, against GB/T 2261.1."""


@dataclass(frozen=True)
class Subject:
    """A row without a valid ID and what it says. Dates are YYYYMMDD, absent texts are None."""

    delivery_id: int
    row_no: int
    column_name: str
    kind: str
    name: str | None
    birth: str | None
    sex: str | None
    county: str | None
    household: str | None
    number: str | None
    damaged_id: str | None


@dataclass(frozen=True)
class Reference:
    """What some row says of a person with a key."""

    person_key: str
    name: str
    birth: str
    sex: str
    county: str | None
    household: str | None
    number: str | None
    resident_id: str | None


def scope(connection: psycopg.Connection[Any], period: str, known_at: datetime) -> None:
    """Put the deliveries a build of ``period`` reads into ``pg_temp.scope``.

    How far back a kind is read is its contract's ``horizon``, as in the dbt models. Family lists
    from before that are there for their history alone (``is_past``): their rows without an ID are
    linked, but nobody is recognised by what they say.
    """
    connection.execute(
        "create temporary table scope (delivery_id bigint, kind text, is_past boolean) "
        "on commit drop"
    )
    connection.execute(
        "insert into scope select a.delivery_id, a.kind, a.period < reach.since "
        "from ops.accepted_delivery as a "
        "inner join unnest(%(kinds)s::text[], %(since)s::text[]) as reach (kind, since) "
        "on a.kind = reach.kind where a.known_at <= %(known_at)s "
        "and a.period <= %(period)s and (a.period >= reach.since or a.kind = %(history)s)",
        {
            "history": HISTORY_KIND,
            "kinds": list(contracts()),
            "since": [_since(contract, period) for contract in contracts().values()],
            "known_at": known_at,
            "period": period,
        },
    )


def _since(contract: Contract, period: str) -> str:
    year, month = int(period[:4]), int(period[5:])
    match contract.horizon:
        case "previous_month":
            return f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"
        case "year":  # twelve months, as the dbt macro year_back_period
            return f"{year - (month < 12):04d}-{month % 12 + 1:02d}"
        case _:
            return ""


def subjects(connection: psycopg.Connection[Any]) -> list[Subject]:
    """The rows in scope that no valid ID leads from, in a total order."""
    columns = connection.execute(
        "select distinct s.kind, u.column_name from vault.unkeyed as u "
        "inner join scope as s on u.delivery_id = s.delivery_id order by 1, 2"
    ).fetchall()
    found: list[Subject] = []
    for kind, column in columns:
        said = _said(contracts()[kind])
        query = sql.SQL(
            "select u.delivery_id, u.row_no, {name}, {kind}, {said}, "
            "nullif(vault.normalise_resident_id(r.{column}), '') "
            "from vault.unkeyed as u inner join scope as s on u.delivery_id = s.delivery_id "
            "inner join raw.{table} as r "
            "on r._delivery_id = u.delivery_id and r._row_no = u.row_no "
            "where s.kind = {kind} and u.column_name = {name} order by u.delivery_id, u.row_no"
        ).format(
            name=sql.Literal(column),
            kind=sql.Literal(kind),
            said=said,
            column=sql.Identifier(column),
            table=sql.Identifier(kind),
        )
        found += [Subject(*row) for row in connection.execute(query)]
    return found


def stated(connection: psycopg.Connection[Any], kind: str) -> list[Subject]:
    """What every row of ``kind`` in scope says, whether its ID is valid or not, without the ID."""
    contract = contracts()[kind]
    (column,) = (c.name for c in contract.identifiers if c.type == "resident_id")
    query = sql.SQL(
        "select r._delivery_id, r._row_no, {column}, {kind}, {said}, null::text "
        "from raw.{table} as r inner join scope as s on r._delivery_id = s.delivery_id "
        "where s.kind = {kind} and not s.is_past order by r._delivery_id, r._row_no"
    ).format(
        column=sql.Literal(column),
        kind=sql.Literal(kind),
        said=_said(contract),
        table=sql.Identifier(kind),
    )
    return [Subject(*row) for row in connection.execute(query)]


def references(
    connection: psycopg.Connection[Any],
    wanted: list[Subject],
    kinds: tuple[str, ...] = REFERENCE_KINDS,
) -> Iterator[Reference]:
    """What is said of people with valid IDs who share a name, birth, household or number."""
    connection.execute("create temporary table wanted (what text, value text) on commit drop")
    values = {
        (what, value)
        for one in wanted
        for what, value in (
            ("name", one.name),
            ("birth", one.birth),
            ("birth", (one.damaged_id or "")[6:14]),
            ("household", one.household),
            ("number", one.number),
        )
        if value
    }
    with connection.cursor().copy("copy wanted from stdin") as copy:
        for pair in sorted(values):
            copy.write_row(pair)
    connection.execute("analyze wanted")
    for kind in kinds:
        contract = contracts()[kind]
        (column,) = (c.name for c in contract.identifiers if c.type == "resident_id")
        query = sql.SQL(
            "with said as (select i.key, substr(i.value, 7, 8) as birth, "
            "case when substr(i.value, 17, 1)::integer % 2 = 1 then '1' else '2' end as sex, "
            "i.value as resident_id, said.name, said.county, said.household, said.number "
            "from raw.{table} as r inner join scope as s on r._delivery_id = s.delivery_id "
            "inner join vault.identifier as i on i.kind = 'person' "
            "and i.value = vault.normalise_resident_id(r.{column}) "
            "inner join ops.delivery as d on r._delivery_id = d.delivery_id "
            "cross join lateral (select {said}) "
            "as said (name, row_birth, row_sex, county, household, number) "
            "where s.kind = {kind} and not s.is_past) "
            "select distinct key, name, birth, sex, county, household, number, resident_id "
            "from said where name is not null and ("
            "name in (select value from wanted where what = 'name') "
            "or birth in (select value from wanted where what = 'birth') "
            "or household in (select value from wanted where what = 'household') "
            "or number in (select value from wanted where what = 'number')) "
            "order by 1, 2, 5, 6, 7"
        ).format(
            table=sql.Identifier(kind),
            column=sql.Identifier(column),
            said=_said(contract),
            kind=sql.Literal(kind),
        )
        for row in connection.execute(query):
            yield Reference(*row)


def columns_read(contract: Contract) -> frozenset[str]:
    """Columns by which the linkage tells whom a row of this kind is about."""
    if not any(column.type == "resident_id" for column in contract.columns):
        return frozenset()
    return frozenset(re.findall(r"\br\.([a-z]\w*)", _said(contract).as_string(None)))


def _said(contract: Contract) -> sql.Composable:
    """SQL: name, birth, sex, county, household, number as a row r of delivery r._delivery_id says.

    What a kind does not have is null. The county of a city-wide delivery is a column of the row.
    """
    has = {column.name for column in contract.columns}

    def text(candidates: tuple[str, ...]) -> str:
        column = next((name for name in candidates if name in has), None)
        return f"parse.text(r.{column})" if column else "null::text"

    birth = next((name for name in ("brdy", "birth_date") if name in has), None)
    if contract.kind == "wj_birth":  # the child's; the row's ID is the mother's
        birth = None
    number = next((name for name in _NUMBERS if name in has), None)
    county = (
        "(select d.county_code from ops.delivery as d where d.delivery_id = r._delivery_id)"
        if contract.source == "county"
        else f"substr({text(_COUNTIES)}, 1, 6)"
    )
    sex = "parse.text(r.gend)" if "gend" in has else _COUNTY_SEX if "sex" in has else "null::text"
    parts = (
        text(_NAMES),
        f"to_char(parse.day(r.{birth}), 'YYYYMMDD')" if birth else "null::text",
        sex,
        county,
        text(("household_no",)),
        f"'{_NUMBERS[number]}:' || parse.text(r.{number})" if number else "null::text",
    )
    return sql.SQL(", ").join(sql.SQL(part) for part in parts)
