"""What the cells of a row must be to one another, by the contract's rules."""

from __future__ import annotations

from psycopg import sql

from include.contracts import Column, Contract, Rule
from include.contracts.codes import sex_codes
from include.defects.cells import INSERT, cell_of


def rules(contract: Contract) -> sql.Composed | None:
    """What the cells of a row are to one another."""
    if not contract.rules:
        return None
    return sql.SQL(
        f"{INSERT} "
        "select distinct r._delivery_id, r._row_no, c.name, c.code, 'flagged' "
        # "offset 0": each cell is read once, however many rules ask for it.
        "from raw.{table} as r cross join lateral (select {readings} offset 0) as v "
        "cross join lateral (values {rules}) as c (name, code, fails) "
        "where r._delivery_id = %(delivery)s and c.fails on conflict do nothing"
    ).format(
        table=sql.Identifier(contract.kind),
        readings=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(_reading(contract.column(name)), sql.Identifier(name))
            for name in _read(contract)
        ),
        rules=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(
                sql.Literal(rule.column), sql.Literal(rule.code), _fails(contract, rule)
            )
            for rule in contract.rules
        ),
    )


def _read(contract: Contract) -> list[str]:
    """Names of the columns whose values rules compare."""
    named = (
        name
        for rule in contract.rules
        for name in (rule.column, rule.not_before, rule.at_most, rule.agrees_with_id, *rule.sum_of)
        if name
    )
    return list(dict.fromkeys(named))


def _reading(column: Column) -> sql.Composed:
    """SQL: the cell's value; of an ID, the normalised number if it is valid."""
    cell = cell_of(column.name)
    if column.type == "resident_id":
        # Valid ones have been keyed by now.
        return sql.SQL(
            "(select i.value from vault.identifier as i where i.kind = 'person' "
            "and i.value = vault.normalise_resident_id({}))"
        ).format(cell)
    reading = {"date": "day", "month": "month", "money": "money", "integer": "whole"}
    return sql.SQL("parse.{}({})").format(sql.Identifier(reading.get(column.type, "text")), cell)


def _fails(contract: Contract, rule: Rule) -> sql.Composed:
    (condition,) = rule.conditions
    column = contract.column(rule.column)
    value = _value(rule.column)
    match condition:
        case "not_before":
            assert rule.not_before
            fails = sql.SQL("{} < {}").format(value, _value(rule.not_before))
        case "within_period":
            last = (
                sql.SQL("%(period)s")
                if column.type == "month"
                else sql.SQL("(to_date(%(period)s, 'YYYY-MM') + interval '1 month - 1 day')::date")
            )
            # 9999-12 is how an open end is written.
            fails = sql.SQL("{value} > {last} and {value}::text not like '9999%%'").format(
                value=value, last=last
            )
        case "sum_of":
            parts = [_value(name) for name in rule.sum_of]
            fails = sql.SQL(
                "num_nonnulls({parts}) > 0 and abs({value} - ({sum})) > {tolerance} "
                "and not ({unreadable})"
            ).format(
                value=value,
                sum=sql.SQL(" + ").join(sql.SQL("coalesce({}, 0)").format(part) for part in parts),
                tolerance=sql.Literal(rule.tolerance),
                parts=sql.SQL(", ").join(parts),
                unreadable=sql.SQL(" or ").join(
                    sql.SQL("({} is null and parse.text({}) is not null)").format(
                        _value(name), cell_of(name)
                    )
                    for name in rule.sum_of
                ),
            )
        case "at_least":
            fails = sql.SQL("{} < {}").format(value, sql.Literal(rule.at_least))
        case "at_most":
            assert rule.at_most
            fails = sql.SQL("{} > {}").format(value, _value(rule.at_most))
        case "age_at_most":
            fails = sql.SQL(
                "{} < to_date(%(period)s, 'YYYY-MM') + interval '1 month' - interval {}"
            ).format(value, sql.Literal(f"{(rule.age_at_most or 0) + 1} years"))
        case _:
            fails = _contradicts_id(column, str(rule.agrees_with_id))
    exceptions = [
        sql.SQL("coalesce(parse.text({}) = any({}), false)").format(
            cell_of(name), sql.Literal(list(values))
        )
        for name, values in rule.unless.items()
    ]
    asked = sql.SQL(" or ").join(exceptions) if exceptions else sql.SQL("false")
    return sql.SQL("coalesce({}, false) and not ({})").format(fails, asked)


def _contradicts_id(column: Column, id_column: str) -> sql.Composed:
    """Sex (by the source's own codes) or birth date is another than the valid ID says."""
    number, said = _value(id_column), _value(column.name)
    if column.type == "date":
        true = sql.SQL("to_date(substr({}, 7, 8), 'YYYYMMDD')").format(number)
    else:
        men, women = sex_codes(str(column.codes))
        said = sql.SQL(
            "case when {said} = any({men}) then 1 when {said} = any({women}) then 0 end"
        ).format(said=said, men=sql.Literal(men), women=sql.Literal(women))
        true = sql.SQL("substr({}, 17, 1)::integer %% 2").format(number)
    return sql.SQL("{} <> {}").format(said, true)


def _value(name: str) -> sql.Composed:
    return sql.SQL("v.{}").format(sql.Identifier(name))
