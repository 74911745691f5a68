"""Take a person out of the database: one transaction, whatever happens in it.

What is scratch, and what is about him alone, goes; of others' rows the cells that name him. The
register of places (include/vault/places.py) says where to look, so a new table needs no line here.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from include.contracts import contracts
from include.subject import hashes
from include.subject.person import Subject, condition
from include.subject.search import OWN
from include.subject.suppression import instead
from include.subject.tables import SCRATCH, as_owner_of, tables
from include.subject.tokens import Tokens
from include.vault.places import Place, direct, keys, places, row_places, text_columns


def remove(
    connection: psycopg.Connection[Any], erasure_id: int, subject: Subject, tokens: Tokens
) -> None:
    """Remove the person wherever he is in the database; what was removed is put on record."""
    connection.execute(
        "create temporary table own_row (kind text, delivery_id bigint, row_no bigint,"
        " is_shared boolean) on commit drop"
    )
    with connection.cursor().copy("copy own_row from stdin") as copy:
        for row in subject.rows:
            copy.write_row((row.kind, row.delivery_id, row.row_no, row.is_shared))
    connection.execute("analyze own_row; grant select on own_row to public")
    before = hashes.stored_rows(connection)
    _note_counties(connection, erasure_id, subject)
    for kind in contracts():
        _from_raw(connection, erasure_id, kind, tokens)
    _from_register(connection, erasure_id, subject)
    _from_tables(connection, erasure_id, subject)
    _from_scratch(connection, erasure_id, tokens)
    hashes.record(connection, erasure_id, before)
    # Whose candidate stands in the working schemas is whole no more.
    connection.execute("delete from ops.working_schemas")
    connection.execute("drop table own_row")


def _note_counties(connection: psycopg.Connection[Any], erasure_id: int, subject: Subject) -> None:
    """The counties in whose figures he was, for whoever builds a version again."""
    columns = {(s, t) for s, t, name, _ in text_columns(connection) if name == "county_code"}
    counties = {
        county
        for (county,) in connection.execute(
            "select distinct d.county_code from own_row as o"
            " inner join ops.delivery as d using (delivery_id)"
        )
    }
    for place in keys(places(connection)):
        if (
            place.schema in ("marts", "archive")
            and place.shape == "text"
            and (place.schema, place.table) in columns
        ):
            with as_owner_of(connection, place.schema, place.table):
                counties |= {
                    county
                    for (county,) in connection.execute(
                        sql.SQL("select distinct county_code from {} where {}").format(
                            sql.Identifier(place.schema, place.table), condition(place, subject)
                        )
                    )
                }
    connection.execute(
        "update ops.erasure set proof = jsonb_build_object("
        "'counties', coalesce(proof -> 'counties', '[]') || to_jsonb(%s::text[]))"
        " where erasure_id = %s",
        [sorted(counties - {None}), erasure_id],
    )


def _from_raw(
    connection: psycopg.Connection[Any], erasure_id: int, kind: str, tokens: Tokens
) -> None:
    table = sql.Identifier("raw", kind)
    removed = connection.execute(
        sql.SQL(
            "with gone as (delete from {} as r using own_row as o where o.kind = {} and"
            " not o.is_shared and (r._delivery_id, r._row_no) = (o.delivery_id, o.row_no)"
            " returning r._delivery_id) select _delivery_id, count(*), 0 from gone group by 1"
        ).format(table, sql.Literal(kind))
    ).fetchall()
    named = [p.column for p in direct(places(connection))
             if (p.schema, p.table) == ("raw", kind) and p.holds != "household_no"]  # fmt: skip
    blanked: list[tuple[int, int, int]] = []
    if named:
        blanked += connection.execute(
            sql.SQL(
                "with done as (update {table} as r set {nothing} from own_row as o"
                " where o.kind = {kind} and o.is_shared"
                " and (r._delivery_id, r._row_no) = (o.delivery_id, o.row_no)"
                " returning r._delivery_id) select _delivery_id, 0, count(*) from done group by 1"
            ).format(
                table=table,
                kind=sql.Literal(kind),
                nothing=sql.SQL(", ").join(
                    sql.SQL("{} = null").format(sql.Identifier(column)) for column in named
                ),
            )
        ).fetchall()
    blanked += _blank_cells(connection, kind, tokens)
    _note_deliveries(connection, erasure_id, removed + blanked)
    _note(connection, erasure_id, f"raw.{kind}", sum(n for _, n, _ in removed),
          sum(n for _, _, n in blanked))  # fmt: skip


def _blank_cells(
    connection: psycopg.Connection[Any], kind: str, tokens: Tokens
) -> list[tuple[int, int, int]]:
    """Empty the cells of others' rows that hold a token."""
    columns = [name for schema, table, name, _ in text_columns(connection)
               if (schema, table) == ("raw", kind) and name != "_unmapped"]  # fmt: skip
    cells = [
        sql.SQL("{0} = case when {0} ~ {1} then {2} else {0} end").format(
            sql.Identifier(column),
            sql.Literal(tokens.pattern),
            instead(kind, column, tokens.values),
        )
        for column in columns
    ]
    cells.append(
        sql.SQL("_unmapped = case when _unmapped::text ~ {} then null else _unmapped end").format(
            sql.Literal(tokens.pattern)
        )
    )
    return connection.execute(
        sql.SQL(
            "with done as (update {table} as r set {cells} where r::text ~ {pattern}"
            " returning r._delivery_id) select _delivery_id, 0, count(*) from done group by 1"
        ).format(
            table=sql.Identifier("raw", kind),
            cells=sql.SQL(", ").join(cells),
            pattern=sql.Literal(tokens.pattern),
        )
    ).fetchall()


def _note_deliveries(
    connection: psycopg.Connection[Any], erasure_id: int, found: list[tuple[int, int, int]]
) -> None:
    """Put on record which deliveries lost what; the register counts the rows that are left."""
    for delivery_id, removed, blanked in found:
        connection.execute(
            "insert into ops.erasure_delivery (erasure_id, delivery_id, removed, blanked)"
            " values (%s, %s, %s, %s) on conflict (erasure_id, delivery_id) do update set"
            " removed = erasure_delivery.removed + excluded.removed,"
            " blanked = erasure_delivery.blanked + excluded.blanked",
            [erasure_id, delivery_id, removed, blanked],
        )
        connection.execute(
            "update ops.delivery set row_count = row_count - %s,"
            " control_total = control_total - %s where delivery_id = %s",
            [removed, removed, delivery_id],
        )


def _from_register(connection: psycopg.Connection[Any], erasure_id: int, subject: Subject) -> None:
    """Defects of rows that are gone, and of the cells that are empty now; corrections asked for."""
    gone = connection.execute(
        "delete from ops.delivery_defect as d using own_row as o"
        " where (d.delivery_id, d.row_no) = (o.delivery_id, o.row_no)"
    )
    _note(connection, erasure_id, "ops.delivery_defect", gone.rowcount)
    asked = connection.execute(
        "delete from ops.correction as c using audit.subject as s"
        " where c.subject = s.subject and s.key = any(%s)",
        [sorted(subject.keys)],
    )
    _note(connection, erasure_id, "ops.correction", asked.rowcount)


def _from_tables(connection: psycopg.Connection[Any], erasure_id: int, subject: Subject) -> None:
    """All other tables, by what their columns hold."""
    by_table: dict[tuple[str, str], list[Place]] = {}
    for place in keys(places(connection)):
        by_table.setdefault((place.schema, place.table), []).append(place)
    rows = {
        (place.schema, place.table): place
        for place in row_places(connection)
        if place.row and (place.schema == "vault" or place.schema.startswith(SCRATCH))
    }
    connection.execute("alter table ops.alert_event disable trigger alert_event_is_append_only")
    for schema, table in sorted(by_table.keys() | rows.keys()):
        if schema == "raw" or (schema, table) in OWN:
            continue
        columns = by_table.get((schema, table), [])
        conditions = [condition(place, subject) for place in columns if place.shape != "words"]
        if row := rows.get((schema, table)):
            conditions.append(
                sql.SQL("({}, {}) in (select delivery_id, row_no from own_row)").format(
                    sql.Identifier(row.delivery), sql.Identifier(str(row.row))
                )
            )
        removed = blanked = 0
        with as_owner_of(connection, schema, table):
            if conditions:
                removed = connection.execute(
                    sql.SQL("delete from {} where {}").format(
                        sql.Identifier(schema, table), sql.SQL(" or ").join(conditions)
                    )
                ).rowcount
            for place in columns:
                if place.shape == "words":
                    blanked += _strike_out(connection, place, subject)
        _note(connection, erasure_id, f"{schema}.{table}", removed, blanked)
    connection.execute("alter table ops.alert_event enable trigger alert_event_is_append_only")


def _from_scratch(connection: psycopg.Connection[Any], erasure_id: int, tokens: Tokens) -> None:
    """What a build makes again goes wherever it names him, in whatever column."""
    for schema, table in tables(connection):
        if schema.startswith(SCRATCH):
            with as_owner_of(connection, schema, table):
                removed = connection.execute(
                    sql.SQL("delete from {} as t where t::text ~ {}").format(
                        sql.Identifier(schema, table), sql.Literal(tokens.pattern)
                    )
                ).rowcount
            _note(connection, erasure_id, f"{schema}.{table}", removed)


def _strike_out(connection: psycopg.Connection[Any], place: Place, subject: Subject) -> int:
    """His keys within a text or JSON become the word ``erased``."""
    pattern = "|".join(sorted(subject.keys | subject.alert_keys))
    return connection.execute(
        sql.SQL(
            "update {table} set {column} = regexp_replace({column}::text, {pattern}, 'erased', 'g')"
            "::{kind} where {column}::text ~ {pattern}"
        ).format(
            table=sql.Identifier(place.schema, place.table),
            column=sql.Identifier(place.column),
            pattern=sql.Literal(pattern),
            kind=sql.SQL(_kind_of(connection, place)),
        )
    ).rowcount


def _kind_of(connection: psycopg.Connection[Any], place: Place) -> str:
    row = connection.execute(
        "select format_type(a.atttypid, null) from pg_attribute as a"
        " inner join pg_class as c on a.attrelid = c.oid"
        " inner join pg_namespace as n on c.relnamespace = n.oid"
        " where (n.nspname, c.relname, a.attname) = (%s, %s, %s)",
        [place.schema, place.table, place.column],
    ).fetchone()
    assert row is not None
    return str(row[0])


def _note(
    connection: psycopg.Connection[Any], erasure_id: int, place: str, removed: int, blanked: int = 0
) -> None:
    if removed or blanked:
        connection.execute(
            "insert into ops.erasure_place (erasure_id, place, removed, blanked)"
            " values (%s, %s, %s, %s) on conflict (erasure_id, place) do update set"
            " removed = erasure_place.removed + excluded.removed,"
            " blanked = erasure_place.blanked + excluded.blanked",
            [erasure_id, place, removed, blanked],
        )
