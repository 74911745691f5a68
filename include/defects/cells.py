"""Cells by their column's type and code list."""

from __future__ import annotations

from psycopg import sql

from include.contracts import Column, Contract
from include.contracts.codes import code_list

INSERT = (
    "insert into ops.delivery_defect (delivery_id, row_no, column_name, defect_code, treatment)"
)
"""How the statements of this package begin."""
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


def cells(contract: Contract, period: str) -> sql.Composed:
    """Every cell by its type and code list; only rows in which one is not plain are taken apart."""
    judged = [(column, _judgement(column, period)) for column in contract.columns]
    plain = [(column, _is_plain(column, period)) for column in contract.columns]
    return sql.SQL(
        f"{INSERT} "
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
    cell = cell_of(column.name)
    pattern = _PLAIN.get(column.type, "parse.text({cell}) is not null" if column.filled else "true")
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
    cell = cell_of(column.name)
    code: sql.Composable = sql.SQL("parse.defect({}, {})").format(sql.Literal(column.type), cell)
    if column.type == "resident_id":
        # An ID that is none is not judged here but where its row is noted as unkeyed.
        elsewhere = ["D02!", "D04!", *(["D05"] if column.is_certificate else [])]
        for other in elsewhere:
            code = sql.SQL("nullif({}, {})").format(code, sql.Literal(other))
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
            sql.SQL("coalesce(parse.flag({}), true)").format(cell_of(column.filled_where))
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


def unkeyed(contract: Contract) -> sql.Composed | None:
    """IDs that are none: the vault knows them from keying (vault.unkeyed)."""
    columns = [column for column in contract.columns if column.type == "resident_id"]
    if not columns:
        return None
    return sql.SQL(
        f"{INSERT} "
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
            sql.SQL("when {} then {}").format(sql.Literal(column.name), cell_of(column.name))
            for column in columns
        ),
        filled=sql.Literal([column.name for column in columns if column.filled]),
    )


def cell_of(name: str) -> sql.Composed:
    """SQL: the cell of the raw row r."""
    return sql.SQL("r.{}").format(sql.Identifier(name))
