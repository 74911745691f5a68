"""What is wrong with a delivery's cells: found by contract when it is loaded, by set-based SQL.

Each type of column has one reading (``parse.*``) and one judgement on what it could not read or had
to repair (``parse.defect``, include/migrations). What a row's cells must be to one another is said
by the contract's rules. The result, ops.delivery_defect, is what the sender's receipt lists.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts
from include.database import acting_as, connect
from include.defects.areas import area_names
from include.defects.cells import cell_of, cells, unkeyed
from include.defects.rules import rules
from include.vault.versions import in_force


def record_defects(
    connection: psycopg.Connection[Any],
    contract: Contract,
    delivery_id: int,
    county_code: str,
    period: str,
) -> int:
    """Write the defects of a loaded delivery's cells and rows; returns how many.

    Runs in the load's transaction, after the identifiers were keyed.
    """
    found = 0
    for statement in (
        cells(contract, period),
        unkeyed(contract),
        rules(contract),
        area_names(contract, county_code),
    ):
        if statement is not None:
            values = {"delivery": delivery_id, "period": period}
            found += connection.execute(statement, values).rowcount
    if found:
        _tell_habits_once(connection, contract, delivery_id)
        _name_subjects(connection, contract, delivery_id)
    connection.execute(
        "update ops.delivery set cells_judged_at = clock_timestamp() where delivery_id = %s",
        [delivery_id],
    )
    return found


@acting_as("loader")
def record_missing() -> int:
    """Judge the cells of deliveries that were loaded before there was this record; how many."""
    with connect() as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('record_missing'))")
        waiting = connection.execute(
            "select delivery_id, kind, county_code, period from ops.delivery "
            "where cells_judged_at is null and row_count > 0 order by delivery_id"
        ).fetchall()
        for delivery_id, kind, county, period in waiting:
            record_defects(connection, contracts()[kind], delivery_id, county, period)
    return len(waiting)


def _tell_habits_once(
    connection: psycopg.Connection[Any], contract: Contract, delivery_id: int
) -> None:
    """Where most of a column's filled cells are spelt in one other way, one line says so."""
    candidates = connection.execute(
        "select column_name, defect_code, count(*) from ops.delivery_defect "
        "where delivery_id = %s and treatment = 'repaired' and row_no is not null "
        "group by column_name, defect_code having count(*) > 1",
        [delivery_id],
    ).fetchall()
    for name, code, count in candidates:
        is_habit = connection.execute(
            sql.SQL(
                "select count(*) < 2 * %s from raw.{} as r "
                "where r._delivery_id = %s and parse.text({}) is not null"
            ).format(sql.Identifier(contract.kind), cell_of(name)),
            [count, delivery_id],
        ).fetchone()
        if is_habit != (True,):
            continue
        connection.execute(
            "delete from ops.delivery_defect where delivery_id = %s and column_name = %s "
            "and defect_code = %s and treatment = 'repaired'",
            [delivery_id, name, code],
        )
        connection.execute(
            "insert into ops.delivery_defect "
            "(delivery_id, column_name, defect_code, treatment) values (%s, %s, %s, 'repaired')",
            [delivery_id, name, code],
        )


def _name_subjects(
    connection: psycopg.Connection[Any], contract: Contract, delivery_id: int
) -> None:
    """Give each quarantined row the keyed hash of what names its record."""
    key = in_force(connection)
    rows = connection.execute(
        named_subjects(contract)
        + sql.SQL(" and d.delivery_id = {0} and r._delivery_id = {0}").format(delivery_id)
    ).fetchall()
    keyed = [
        (key.of(record_space(contract), subject), delivery, row_no)
        for delivery, row_no, subject in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "update ops.delivery_defect set subject_key = %s "
            "where delivery_id = %s and row_no = %s and treatment = 'quarantined'",
            keyed,
        )


def record_space(contract: Contract) -> str:
    """The key space of a kind's records."""
    return f"row:{contract.kind}"


def named_subjects(contract: Contract) -> sql.Composed:
    """Query of the quarantined rows: delivery, row and what names its record, grain and person."""
    names = [column.name for column in contract.columns if column.privacy == "direct"]
    naming = list(dict.fromkeys([*contract.grain, *names]))
    return sql.SQL(
        "select distinct d.delivery_id, d.row_no, concat_ws('|', {naming})"
        " from ops.delivery_defect as d inner join raw.{table} as r"
        " on d.delivery_id = r._delivery_id and d.row_no = r._row_no"
        " where d.treatment = 'quarantined'"
    ).format(
        naming=sql.SQL(", ").join(
            sql.SQL("coalesce(parse.text({}), '')").format(cell_of(name)) for name in naming
        ),
        table=sql.Identifier(contract.kind),
    )
