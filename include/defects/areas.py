"""Townships and villages written by another name than today's."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache

from psycopg import sql

from include.areas.history import SEEDS, current, stem
from include.contracts import Contract
from include.defects.cells import INSERT

Names = list[tuple[str, str, str | None]]
"""(code of the township, name as written, defect or None)."""


def area_names(contract: Contract, county_code: str) -> sql.Composed | None:
    """Households' townships and villages: old names, names cut short, and unknown ones."""
    if not {"township", "village"} <= {column.name for column in contract.columns}:
        return None
    towns, villages = _names(county_code)
    return sql.SQL(
        f"{INSERT} "
        "select r._delivery_id, r._row_no, c.name, c.code, c.treatment "
        "from raw.{table} as r "
        "left join unnest({town_codes}::text[], {town_names}::text[], {town_defects}::text[]) "
        "as t (code, name, defect) on t.name = parse.text(r.township) "
        "left join unnest({codes}::text[], {names}::text[], {defects}::text[]) "
        "as v (town, name, defect) on v.town = t.code and v.name = parse.text(r.village) "
        "cross join lateral (values "
        "('township', case when t.name is null then 'D10' else t.defect end, "
        "case when t.name is null then 'flagged' else 'repaired' end), "
        "('village', case when v.name is null then 'D10' else v.defect end, "
        "case when v.name is null then 'flagged' else 'repaired' end)) "
        "as c (name, code, treatment) "
        "where r._delivery_id = %(delivery)s and c.code is not null "
        "and (c.name = 'township' or t.name is not null) "
        "and parse.text(case c.name when 'township' then r.township else r.village end) "
        "is not null on conflict do nothing"
    ).format(
        table=sql.Identifier(contract.kind),
        **{
            name: sql.Literal(list(values))
            for name, values in zip(
                ("town_codes", "town_names", "town_defects", "codes", "names", "defects"),
                (*zip(*towns, strict=True), *zip(*villages, strict=True)),
                strict=True,
            )
        },
    )


@cache
def _names(county_code: str) -> tuple[Names, Names]:
    """Of a county's townships and villages, each name once: own names before others."""
    areas = current()
    towns: dict[tuple[str, str], str | None] = {}
    villages: dict[tuple[str, str], str | None] = {}
    for area in areas.values():
        if area.county != county_code:
            continue
        if area.level == "township":
            towns[area.code, area.name] = None
        elif area.level == "village":
            villages[area.parent, area.name] = None
    with (SEEDS / "ref_area_alias.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["county_code"] != county_code:
                continue
            defect = "D10" if row["kind"] == "old_name" else "D11"
            if row["level"] == "township":
                towns.setdefault((row["area_code"], row["alias"]), defect)
            else:
                villages.setdefault((row["township_code"], row["alias"]), defect)
    stems = Counter(
        (area.parent, stem(area.name, areas[area.parent].name))
        for area in areas.values()
        if area.level == "village" and area.county == county_code
    )
    for key, count in stems.items():
        if count == 1:
            villages.setdefault(key, "D11")
    return (
        [(code, name, defect) for (code, name), defect in towns.items()],
        [(code, name, defect) for (code, name), defect in villages.items()],
    )
