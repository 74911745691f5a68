"""The register of places: read from catalogue, contracts and names."""

from __future__ import annotations

from include.contracts import contracts
from include.database import OWNER, connect
from include.vault.places import DIRECT, KEYS, direct, keys, places, row_places


def test_each_direct_column_of_a_contract_is_a_place(warehouse: str) -> None:
    with connect(OWNER) as connection:
        known = {(p.table, p.column): p.holds for p in direct(places(connection))}
    for contract in contracts().values():
        for column in contract.columns:
            if column.privacy == "direct" or column.type in ("resident_id", "household_no"):
                assert known.pop((contract.kind, column.name), None) in DIRECT
    assert set(known.values()) <= {"system_no", "resident_id"}  # vault.identifier is the latter


def test_what_holds_keys(warehouse: str) -> None:
    with connect(OWNER) as connection:
        connection.execute(
            "create table marts.m (period text, person_key text, household_keys text[],"
            " alert_no text, rows integer, note text)"
        )
        found = {p.name: (p.holds, p.shape) for p in keys(places(connection))}
    assert {place: found[place] for place in found if place.startswith("marts.")} == {
        "marts.m.alert_no": ("alert_no", "text"),
        "marts.m.household_keys": ("household_key", "array"),
        "marts.m.person_key": ("person_key", "text"),
    }
    assert found["vault.identifier.key"] == ("either_key", "text")
    assert found["ops.gate_result.row_keys"] == ("row_keys", "words")
    assert found["vault.person_alias.alias_key"] == ("person_key", "text")
    assert {holds for holds, _ in found.values()} <= set(KEYS)


def test_tables_that_name_a_delivered_row(warehouse: str) -> None:
    with connect(OWNER) as connection:
        connection.execute("create table marts.m (period text, source_rows text[])")
        found = {(p.schema, p.table): (p.delivery, p.row) for p in row_places(connection)}
    assert found["vault", "unkeyed"] == ("delivery_id", "row_no")
    assert found["raw", "county_person"] == ("_delivery_id", "_row_no")
    assert found["marts", "m"] == ("source_rows", None)
