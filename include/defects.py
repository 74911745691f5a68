"""What is wrong with a delivery's cells: found by contract when it is loaded, by set-based SQL.

Each type of column has one reading (``parse.*``) and one judgement on what it could not read or had
to repair (``parse.defect``, include/migrations). What a row's cells must be to one another is said
by the contract's rules. The result, ops.delivery_defect, is what the sender's receipt lists.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Column, Contract, Rule
from include.settings import PROJECT_ROOT
from include.vault import identifier_key

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
_GARBLED = "".join(
    bytes((lead, trail)).decode("gb18030")
    for lead in range(0xE4, 0xEA)
    for trail in range(0x80, 0xC0)
)
"""What the first two bytes of a Chinese character's UTF-8 are in GB18030."""
_DAY = r"(0[1-9]|1\d|2[0-8])"
_PLAIN = {
    "month": r"{cell} ~ '^\d{{4}}-?(0[1-9]|1[0-2])$'",
    # From the 29th on, whether the day exists is for the reading to say.
    "date": rf"{{cell}} ~ '^\d{{{{4}}}}-?(0[1-9]|1[0-2])-?{_DAY}$'",
    "timestamp": rf"{{cell}} ~ '^\d{{{{4}}}}-(0[1-9]|1[0-2])-{_DAY}[ T][0-9:.+Z]+$'",
    "money": r"{cell} ~ '^-?\d{{1,12}}(\.\d+)?$'",
    "integer": r"{cell} ~ '^\d{{1,9}}$'",
    "flag": "{cell} in ('是', '否', '1', '0', 't', 'f', 'true', 'false')",
    "household_no": r"{cell} ~ '^\d{{16}}$'",
    "resident_id": r"{cell} ~ '^\d{{17}}[0-9X]$'",
    "text": rf"{{cell}} !~ '[?？\ufffd□\ue000-\uf8ff]|^[{_GARBLED}]'",
}
"""Column type -> SQL for cells in which nothing can be wrong: nearly all, and quick to tell."""
_BLANK_CODE = {
    "household_no": "D02",
    "resident_id": "D04",
    "text": "D02",
    "integer": "D13",
    "money": "D13",
    "date": "D14",
    "month": "D14",
    "timestamp": "D14",
    "flag": "D21",
    "code": "D21",
}
"""Column type -> defect of an empty cell that must be filled."""


def record_defects(
    connection: psycopg.Connection[Any], contract: Contract, delivery_id: int, period: str
) -> int:
    """Write the defects of a loaded delivery's cells and rows; returns how many.

    Runs in the load's transaction, after the identifiers were keyed.
    """
    found = 0
    for statement in (
        _cells(contract, period),
        _unkeyed(contract),
        _rules(contract),
    ):
        if statement is not None:
            values = {"delivery": delivery_id, "period": period}
            found += connection.execute(statement, values).rowcount
    if found:
        _name_subjects(connection, contract, delivery_id)
    return found


def _cells(contract: Contract, period: str) -> sql.Composed:
    """Every cell by its type and code list; only rows in which one is not plain are taken apart."""
    judged = [(column, _judgement(column, period)) for column in contract.columns]
    plain = [(column, _is_plain(column, period)) for column in contract.columns]
    return sql.SQL(
        "insert into ops.delivery_defect "
        "(delivery_id, row_no, column_name, defect_code, treatment) "
        "select r._delivery_id, r._row_no, c.name, rtrim(c.code, '!'), "
        "case when c.code like '%%!' then c.severity else 'repaired' end "
        "from raw.{table} as r cross join lateral (values {cells}) as c (name, severity, code) "
        "where r._delivery_id = %(delivery)s and c.code is not null and not ({plain})"
    ).format(
        table=sql.Identifier(contract.kind),
        cells=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(
                sql.Literal(column.name), sql.Literal(_treatment(column)), code
            )
            for column, code in judged
        ),
        plain=sql.SQL(" and ").join(condition for _, condition in plain),
    )


def _treatment(column: Column) -> str:
    # Whom a row without a usable ID is about is found by the linkage.
    is_kept = column.severity == "flag" or column.type == "resident_id"
    return "flagged" if is_kept else "quarantined"


def _is_plain(column: Column, period: str) -> sql.Composed:
    cell = _cell(column.name)
    pattern = _PLAIN.get(column.type, "true")
    condition = sql.SQL(pattern).format(cell=cell)
    if column.codes:
        condition = sql.SQL("{} = any({})").format(
            cell, sql.Literal(list(code_list(column.codes, period)))
        )
    is_filled = column.filled and column.type != "resident_id"
    if is_filled or column.filled_where:
        return sql.SQL("coalesce({}, false)").format(condition)
    return sql.SQL("coalesce({}, true)").format(condition)


def _judgement(column: Column, period: str) -> sql.Composed:
    """SQL: the defect's code, a ! behind it where the cell cannot be read; null for a good cell."""
    cell = _cell(column.name)
    code: sql.Composable = sql.SQL("parse.defect({}, {})").format(sql.Literal(column.type), cell)
    if column.type == "resident_id":
        # An ID that is none is not judged here but where its row is noted as unkeyed.
        code = sql.SQL("nullif(nullif({}, 'D02!'), 'D04!')").format(code)
    if column.codes:
        code = sql.SQL(
            "case when parse.text({cell}) is null then {blank} "
            "when parse.text({cell}) <> all ({codes}) then 'D21!' end"
        ).format(
            cell=cell,
            blank=sql.SQL("parse.defect('code', {})").format(cell),
            codes=sql.Literal([*code_list(column.codes, period)]),
        )
    if (column.filled and column.type != "resident_id") or column.filled_where:
        is_asked = (
            sql.SQL("coalesce(parse.flag({}), true)").format(_cell(column.filled_where))
            if column.filled_where
            else sql.SQL("true")
        )
        code = sql.SQL(
            "case when parse.text({cell}) is null and {is_asked} then {blank} else {code} end"
        ).format(
            cell=cell,
            is_asked=is_asked,
            blank=sql.Literal(f"{_BLANK_CODE[column.type]}!"),
            code=code,
        )
    return sql.SQL("case when {} then null else {} end").format(_is_plain(column, period), code)


def _unkeyed(contract: Contract) -> sql.Composed | None:
    """IDs that are none: the vault knows them from keying (vault.unkeyed)."""
    columns = [column for column in contract.columns if column.type == "resident_id"]
    if not columns:
        return None
    return sql.SQL(
        "insert into ops.delivery_defect "
        "(delivery_id, row_no, column_name, defect_code, treatment) "
        "select u.delivery_id, u.row_no, u.column_name, "
        "coalesce(rtrim(parse.defect('resident_id', c.cell), '!'), 'D04'), 'flagged' "
        "from vault.unkeyed as u inner join raw.{table} as r "
        "on u.delivery_id = r._delivery_id and u.row_no = r._row_no "
        "cross join lateral (select case u.column_name {cells} end as cell, "
        "u.column_name = any({filled}) as is_filled) as c "
        "where u.delivery_id = %(delivery)s and r._delivery_id = %(delivery)s "
        "and (c.is_filled or parse.text(c.cell) is not null)"
    ).format(
        table=sql.Identifier(contract.kind),
        cells=sql.SQL(" ").join(
            sql.SQL("when {} then {}").format(sql.Literal(column.name), _cell(column.name))
            for column in columns
        ),
        filled=sql.Literal([column.name for column in columns if column.filled]),
    )


def _rules(contract: Contract) -> sql.Composed | None:
    """What the cells of a row are to one another."""
    if not contract.rules:
        return None
    return sql.SQL(
        "insert into ops.delivery_defect "
        "(delivery_id, row_no, column_name, defect_code, treatment) "
        "select distinct r._delivery_id, r._row_no, c.name, c.code, 'flagged' "
        "from raw.{table} as r cross join lateral (values {rules}) as c (name, code, fails) "
        "where r._delivery_id = %(delivery)s and c.fails on conflict do nothing"
    ).format(
        table=sql.Identifier(contract.kind),
        rules=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(
                sql.Literal(rule.column), sql.Literal(rule.code), _fails(contract, rule)
            )
            for rule in contract.rules
        ),
    )


def _fails(contract: Contract, rule: Rule) -> sql.Composed:
    value = _value(contract.column(rule.column))
    (condition,) = rule.conditions
    match condition:
        case "not_before":
            assert rule.not_before
            fails = sql.SQL("{} < {}").format(value, _value(contract.column(rule.not_before)))
        case "within_period":
            last = (
                sql.SQL("%(period)s")
                if contract.column(rule.column).type == "month"
                else sql.SQL("(to_date(%(period)s, 'YYYY-MM') + interval '1 month - 1 day')::date")
            )
            # 9999-12 is how an open end is written.
            fails = sql.SQL("{value} > {last} and {value}::text not like '9999%%'").format(
                value=value, last=last
            )
        case "sum_of":
            parts = [_value(contract.column(name)) for name in rule.sum_of]
            fails = sql.SQL("abs({} - ({})) > {} and num_nonnulls({}) > 0").format(
                value,
                sql.SQL(" + ").join(sql.SQL("coalesce({}, 0)").format(part) for part in parts),
                sql.Literal(rule.tolerance),
                sql.SQL(", ").join(parts),
            )
        case "at_least":
            fails = sql.SQL("{} < {}").format(value, sql.Literal(rule.at_least))
        case "at_most":
            assert rule.at_most
            fails = sql.SQL("{} > {}").format(value, _value(contract.column(rule.at_most)))
        case "age_at_most":
            fails = sql.SQL(
                "{} <= to_date(%(period)s, 'YYYY-MM') + interval '1 month' - interval {}"
            ).format(value, sql.Literal(f"{(rule.age_at_most or 0) + 1} years"))
        case _:
            fails = _contradicts_id(contract.column(rule.column), str(rule.agrees_with_id))
    exceptions = [
        sql.SQL("coalesce(parse.text({}) = any({}), false)").format(
            _cell(name), sql.Literal(list(values))
        )
        for name, values in rule.unless.items()
    ]
    asked = sql.SQL(" or ").join(exceptions) if exceptions else sql.SQL("false")
    return sql.SQL("coalesce({}, false) and not ({})").format(fails, asked)


def _contradicts_id(column: Column, id_column: str) -> sql.Composed:
    """Sex (by the source's own codes) or birth date is another than the valid ID says."""
    number = sql.SQL("vault.normalise_resident_id({})").format(_cell(id_column))
    if column.type == "date":
        said = _value(column)
        true = sql.SQL("to_date(substr({}, 7, 8), 'YYYYMMDD')").format(number)
    else:
        men, women = _sex_codes(str(column.codes))
        said = sql.SQL(
            "case when parse.text({cell}) = any({men}) then 1 "
            "when parse.text({cell}) = any({women}) then 0 end"
        ).format(cell=_cell(column.name), men=sql.Literal(men), women=sql.Literal(women))
        true = sql.SQL("substr({}, 17, 1)::integer %% 2").format(number)
    return sql.SQL("case when vault.is_resident_id({}) then {} <> {} end").format(
        number, said, true
    )


def _value(column: Column) -> sql.Composed:
    reading = {"date": "day", "month": "month", "money": "money", "integer": "whole"}
    return sql.SQL("parse.{}({})").format(sql.Identifier(reading[column.type]), _cell(column.name))


def _cell(name: str) -> sql.Composed:
    return sql.SQL("r.{}").format(sql.Identifier(name))


def _name_subjects(
    connection: psycopg.Connection[Any], contract: Contract, delivery_id: int
) -> None:
    """Give each quarantined row the keyed hash of what names its record: grain and person."""
    names = [column.name for column in contract.columns if column.privacy == "direct"]
    naming = list(dict.fromkeys([*contract.grain, *names]))
    query = sql.SQL(
        "select distinct d.row_no, concat_ws('|', {naming}) from ops.delivery_defect as d "
        "inner join raw.{table} as r on d.delivery_id = r._delivery_id and d.row_no = r._row_no "
        "where d.delivery_id = %s and d.treatment = 'quarantined' and r._delivery_id = %s"
    ).format(
        naming=sql.SQL(", ").join(
            sql.SQL("coalesce(parse.text({}), '')").format(_cell(name)) for name in naming
        ),
        table=sql.Identifier(contract.kind),
    )
    rows = connection.execute(query, [delivery_id, delivery_id]).fetchall()
    keyed = [
        (identifier_key(f"row:{contract.kind}", subject), delivery_id, row_no)
        for row_no, subject in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "update ops.delivery_defect set subject_key = %s "
            "where delivery_id = %s and row_no = %s and treatment = 'quarantined'",
            keyed,
        )


def code_list(name: str, period: str) -> tuple[str, ...]:
    """The codes in force at some time of the month, of ``seed.column`` or ``source/code_system``.

    Raises FileNotFoundError or KeyError for a list that is not there.
    """
    source, is_listed, system = name.partition("/")
    if is_listed:
        rows = [
            (row["code"], row)
            for row in _seed("ref_code")
            if (row["source"], row["code_system"]) == (source, system)
        ]
    else:
        seed, _, column = name.partition(".")
        rows = [(row[column], row) for row in _seed(seed)]
    if not rows:
        raise KeyError(name)
    return tuple(dict.fromkeys(code for code, row in rows if _is_in_force(row, period)))


def _is_in_force(row: dict[str, str], period: str) -> bool:
    begins, ends = row.get("effective_from") or "", row.get("effective_to") or "9999"
    return begins[:7] <= period <= ends[:7]


def _sex_codes(name: str) -> tuple[list[str], list[str]]:
    source, _, system = name.partition("/")
    rows = [r for r in _seed("ref_code") if (r["source"], r["code_system"]) == (source, system)]
    return tuple([r["code"] for r in rows if (r["gb_code"] or r["code"]) == gb] for gb in "12")  # type: ignore[return-value]


@cache
def _seed(name: str) -> tuple[dict[str, str], ...]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
