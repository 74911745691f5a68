"""Identifiers: one spelling, valid or not, and the keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.cn import ric

from include.errors import ConfigurationMissing
from include.load import load
from include.vault import identifier_key
from tests.conftest import PERSON_KEY_SECRET
from tests.expectations.deliveries import resident_id
from tests.unit.landed import csv_bytes, household_no, land, query

SOUND = resident_id(1)
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@pytest.fixture(scope="module")
def db(warehouse_module: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse_module, autocommit=True) as connection:
        yield connection


def normalised(db: psycopg.Connection, raw: str | None) -> str | None:
    row = db.execute("select vault.normalise_resident_id(%s)", [raw]).fetchone()
    assert row is not None
    return row[0]


def check_digit(first17: str) -> str:
    return str(ric.calc_check_digit(first17 + "-"))  # stdnum takes the whole number


def is_valid(db: psycopg.Connection, value: str | None) -> bool:
    row = db.execute("select vault.is_resident_id(%s)", [value]).fetchone()
    assert row is not None
    return row[0]


BIRTHS = st.dates(min_value=date(1880, 1, 1), max_value=date(2100, 12, 31))
FIRST17 = st.builds(
    lambda birth, order: f"431099{birth:%Y%m%d}{order:03}", BIRTHS, st.integers(0, 999)
)


@given(first17=st.text("0123456789", min_size=17, max_size=17))
def test_check_digit_agrees_with_stdnum(db: psycopg.Connection, first17: str) -> None:
    row = db.execute("select vault.resident_id_check(%s)", [first17]).fetchone()
    assert row == (check_digit(first17),)


@given(first17=FIRST17, last=st.sampled_from("0123456789X"))
def test_valid_is_the_one_right_check_digit(
    db: psycopg.Connection, first17: str, last: str
) -> None:
    assert is_valid(db, first17 + last) == (check_digit(first17) == last)


@given(raw=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
@example("٣" * 15)
@example("٣" * 18)
@example("4310991970010١0010")
@example("²" * 17)
def test_no_text_makes_them_fail(db: psycopg.Connection, raw: str) -> None:
    normalised(db, raw)
    is_valid(db, raw)


@given(raw=st.text("0123456789XxGL '’`\u3000１Ｘ", max_size=24))
def test_a_spelling_once_repaired_stays(db: psycopg.Connection, raw: str) -> None:
    once = normalised(db, raw)
    if once is not None and not once.startswith(("G", "L")):
        assert normalised(db, once) == once


@given(first17=FIRST17.filter(lambda digits: digits[6:8] == "19"))
def test_fifteen_digits_become_eighteen(db: psycopg.Connection, first17: str) -> None:
    assert normalised(db, first17[:6] + first17[8:]) == (first17 + check_digit(first17))


WITH_X = next(r for n in range(50) if (r := resident_id(n)).endswith("X"))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (SOUND, SOUND),
        (f"  {SOUND[:6]} {SOUND[6:]}\t\n", SOUND),
        (f"'{SOUND}", SOUND),
        (f"’{SOUND}`", SOUND),
        (SOUND.translate(FULL_WIDTH), SOUND),
        (WITH_X.lower(), WITH_X),
        (WITH_X.translate(FULL_WIDTH).lower(), WITH_X),
        (f"G{SOUND}", SOUND),
        (f"l{SOUND}", SOUND),
        (f"{SOUND}44", SOUND),  # disability certificate: type 4, grade 4
        (f"{WITH_X}11B1", WITH_X),  # renewed certificate, 22 characters
        (f"{SOUND}84", f"{SOUND}84"),  # there is no type 8
        (f"G{SOUND[:-1]}", f"G{SOUND[:-1]}"),
        ("9.90000000000002e+15", "9.90000000000002E+15"),
        ("H12345678", "H12345678"),
        ("", ""),
        (None, None),
    ],
)
def test_one_spelling(db: psycopg.Connection, raw: str | None, value: str | None) -> None:
    assert normalised(db, raw) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        SOUND[:-1],
        f"{SOUND}1",
        SOUND[:-1] + str((int(SOUND[-1].replace("X", "0")) + 1) % 10),
        WITH_X.lower(),  # spelling is repaired before
        "431099" + "19700101" + "00",
        *(
            first17 + check_digit(first17)
            for first17 in (
                "43109919700230001",
                "43109919701301001",
                "43109919000229001",  # 1900 was no leap year
                "43109918791231001",
                "43109921010101001",
                "43109900000000001",
            )
        ),
    ],
)
def test_what_is_no_resident_id(db: psycopg.Connection, value: str | None) -> None:
    assert not is_valid(db, value)


def test_the_29th_of_february_of_a_leap_year(db: psycopg.Connection) -> None:
    first17 = "43109920000229001"
    assert is_valid(db, first17 + check_digit(first17))


def test_a_key_is_a_keyed_hash_of_kind_and_value(warehouse: str) -> None:
    expected = hmac.new(PERSON_KEY_SECRET.encode(), b"person:1", hashlib.sha256).hexdigest()
    assert identifier_key("person", "1") == expected
    assert identifier_key("household", "1") != expected


def test_a_key_does_not_depend_on_the_process(warehouse: str) -> None:
    program = "from include.vault import identifier_key; print(identifier_key('person', '1'))"
    outcome = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == identifier_key("person", "1")


def test_no_secret_no_key(home: object) -> None:
    with pytest.raises(ConfigurationMissing):
        identifier_key("person", "1")


def people(*cells: tuple[str, str]) -> bytes:
    header = ["县", "户编号", "证件号码", "与户主关系", "人员状态"]
    return csv_bytes([header, *(["汝城县", h, p, "01", "正常"] for h, p in cells)])


def load_people(content: bytes, modified: int = 1) -> int:
    return load(land(content, kind="county_person", name="2-家庭成员.csv", modified=modified))


def test_valid_identifiers_are_keyed_once_in_whatever_spelling(warehouse: str) -> None:
    number = household_no(1)
    load_people(
        people(
            (number, SOUND),
            (f" {number.translate(FULL_WIDTH)}", f"'{SOUND}"),
            (number, SOUND.translate(FULL_WIDTH)),
            ("9.90000000000002e+15", SOUND[:-1]),
            ("", ""),
        )
    )
    expected = [
        ("household", number, identifier_key("household", number), 1),
        ("person", SOUND, identifier_key("person", SOUND), 1),
    ]
    keyed = "select kind, value, key, key_version from vault.identifier order by kind"
    assert query(warehouse, keyed) == expected
    load_people(people((number, SOUND), (household_no(2), SOUND)), modified=2)
    assert sorted(query(warehouse, keyed)) == sorted(
        [*expected, ("household", household_no(2), identifier_key("household", household_no(2)), 1)]
    )


def test_raw_identifiers_stay_in_raw_and_vault(warehouse: str) -> None:
    """The secret is in no column of the database, and the manifest quotes no row."""
    load_people(people((household_no(1), SOUND)))
    for table in ("ops.delivery", "ops.arrival", "vault.identifier"):
        ((text,),) = query(warehouse, f"select string_agg(t::text, '') from {table} as t")
        assert PERSON_KEY_SECRET not in text
        assert (SOUND in text) == (table == "vault.identifier")
