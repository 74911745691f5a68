"""Public extracts from marts made by hand: what is shown, hidden, recorded, and the same twice."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from typer.testing import CliRunner

from include import release
from include.cli.main import app
from include.release import ExtractRefused, declared
from include.release.anonymity import generalised, of_rows
from include.release.cube import read
from include.release.declared import Declared, Rows, classes, limits
from include.release.hide import demand
from include.release.record import joined

PERIOD, NEXT = "2026-02", "2026-03"
COUNTIES = ("431002", "431003")
WHY = "a test of extracts"
_TABLES = """
create table marts.household_month (period text, household_key text, county_code text,
    township_code text, monitor_status text, monitor_category text, is_new boolean,
    is_relapsed boolean, is_moved_in boolean, is_cleared boolean);
create table marts.assistance_coverage (period text, household_key text, county_code text,
    has_layer boolean, has_dibao boolean, has_tekun boolean, possible_missed_dibao boolean,
    possible_missed_monitoring boolean);
create table marts.medical_burden (period text, household_key text, county_code text,
    bill_ytd_amt numeric, basic_insurance_ytd_amt numeric, serious_illness_ytd_amt numeric,
    medical_aid_ytd_amt numeric, other_payers_ytd_amt numeric, hospital_part_ytd_amt numeric,
    out_of_pocket_ytd_amt numeric, is_over_10_of_income boolean, is_over_25_of_income boolean);
create table marts.monitoring_episode (period text, household_key text, county_code text,
    episode_no integer, state text, risk_1 text);
create table marts.county_scorecard (period text, county_code text, county_name text,
    data_status text, previous_monitored_households integer, new_monitored_households integer,
    relapsed_monitored_households integer, moved_in_monitored_households integer,
    cleared_monitored_households integer, moved_out_monitored_households integer);
create table marts.person_month (period text, county_code text, age_band text, sex text,
    education_code text, township_code text, has_major_illness boolean,
    has_chronic_registration boolean, has_disability_certificate boolean,
    is_dibao_covered boolean, is_tekun boolean);
"""


def household(db: psycopg.Connection, period: str, key: str, county: str, **is_: Any) -> None:
    """A household with a payment of 100 yuan, half of it its own."""
    in_force = is_.get("monitored", False)
    db.execute(
        "insert into marts.household_month values (%s, %s, %s, %s, %s, '01', false, false, false,"
        " false)",
        [period, key, county, f"{county}101000", "in_force" if in_force else "none"],
    )
    layer = is_.get("dibao", False)
    db.execute(
        "insert into marts.assistance_coverage values (%s, %s, %s, %s, %s, false, false, false)",
        [period, key, county, layer, layer],
    )
    bill = is_.get("bill", 100)
    db.execute(
        "insert into marts.medical_burden values (%s, %s, %s, %s, %s, 0, 0, 0, 0, %s, false,"
        " false)",
        [period, key, county, bill, bill / 2, bill / 2],
    )
    if in_force:
        db.execute(
            "insert into marts.monitoring_episode values (%s, %s, %s, 1, 'in_force', '因病')",
            [period, key, county],
        )


def publish(db: psycopg.Connection, period: str = PERIOD, version: int = 1) -> int:
    row = db.execute(
        "insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
        " values (%s, clock_timestamp(), 's', 'c') returning build_id",
        [period],
    ).fetchone()
    assert row is not None
    row = db.execute(
        "insert into ops.publication (period, version, build_id, state)"
        " values (%s, %s, %s, 'published') returning publication_id",
        [period, version, row[0]],
    ).fetchone()
    assert row is not None
    return int(row[0])


def month(db: psycopg.Connection, period: str = PERIOD, monitored: tuple[int, int] = (3, 12),
          each: int = 40, **money: Any) -> None:  # fmt: skip
    """So many households in each of two counties, and so many of them monitored."""
    for county, among in zip(COUNTIES, monitored, strict=True):
        for number in range(each):
            amounts = {"bill": money["largest"]} if money and number == 0 else {}
            household(
                db, period, f"{county}-{number}", county,
                monitored=number < among, dibao=number < 20, **amounts,
            )  # fmt: skip
        db.execute(
            "insert into marts.county_scorecard values (%s, %s, 'x', 'published')",
            [period, county],
        )


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        connection.execute(_TABLES.encode())
        yield connection


def make(name: str, period: str = PERIOD, out: Path | None = None) -> release.Extract:
    return release.extract(name, period, reason=WHY, by="tests", out=out)


def table(made: release.Extract) -> dict[str, dict[str, str]]:
    """Area -> heading -> cell of the CSV."""
    (name,) = (file for file in made.files if file.endswith(".csv"))
    text = (made.folder / name).read_text(encoding="utf-8-sig").splitlines()
    return {row["区划代码"]: row for row in csv.DictReader(text)}


def test_a_small_count_is_hidden_with_what_would_tell_it(db: psycopg.Connection) -> None:
    month(db)
    publish(db)
    found = table(make("monitoring_by_county"))
    assert found["431002"]["户数"] == "40"
    assert found["431002"]["监测户"] == "*"
    shown = [found[area]["监测户"] for area in ("431000", "431003")]
    assert shown.count("*") == 1  # one of the two, or the city gives the county
    assert found["431002"]["突发严重困难户"] == "0"


def test_what_is_shown_is_proven_and_without_complements_is_refused(
    db: psycopg.Connection,
) -> None:
    month(db)
    publish(db)
    cube = read(db, PERIOD, declared(), limits())
    tables, names = joined(cube, [], declared())
    primary = set(tables.wide)
    assert names["431002", "monitored"] in primary
    with pytest.raises(ExtractRefused, match="would follow"):
        demand(tables, primary)
    make("monitoring_by_county")
    hidden = {
        names[row]
        for row in db.execute("select area_code, category from ops.release_cell where is_hidden")
    }
    demand(tables, hidden)


def test_the_same_publication_gives_the_same_bytes(db: psycopg.Connection, tmp_path: Path) -> None:
    month(db)
    publish(db)
    first = make("causes_by_county", out=tmp_path / "a")
    make("assistance_by_county")
    again = make("causes_by_county", out=tmp_path / "b")
    assert first.files == again.files
    for name, digest in first.files.items():
        one, other = ((made.folder / name).read_bytes() for made in (first, again))
        assert one == other
        assert hashlib.sha256(one).hexdigest() == digest


def test_all_forms_say_the_same_and_the_manifest_names_them(db: psycopg.Connection) -> None:
    month(db)
    number = publish(db)
    made = make("monitoring_by_township")
    by_ending = {file.rpartition(".")[2]: made.folder / file for file in made.files}
    manifest = json.loads(by_ending["json"].read_text(encoding="utf-8"))
    assert (manifest["publication_id"], manifest["period"]) == (number, PERIOD)
    assert manifest["files"] == {f: d for f, d in made.files.items() if not f.endswith(".json")}
    book = openpyxl.load_workbook(by_ending["xlsx"])
    cells = [[str(cell) for cell in row] for row in book["数据"].iter_rows(values_only=True)]
    assert cells == list(csv.reader(by_ending["csv"].read_text(encoding="utf-8-sig").splitlines()))
    page = by_ending["html"].read_text(encoding="utf-8")
    assert "少于 5 的户数" in page
    assert page.count('class="figure hidden"') == made.sheet.hidden > 0


def test_who_took_what_and_why_is_on_record(db: psycopg.Connection) -> None:
    month(db)
    number = publish(db)
    made = make("monitoring_by_county")
    rows = db.execute(
        "select publication_id, name, reason, requested_by, files from ops.extract"
    ).fetchall()
    assert rows == [(number, "monitoring_by_county", WHY, "tests", made.files)]


def test_hidden_of_a_version_stays_hidden_in_the_next(db: psycopg.Connection) -> None:
    month(db)
    publish(db)
    first = make("monitoring_by_county")
    hidden = [a for a, row in table(first).items() if row["监测户"] == "*"]
    (neighbour,) = set(hidden) - {"431002"}
    db.execute(
        "update marts.household_month set monitor_status = 'in_force'"
        " where household_key < '431002-16'"
    )
    count = db.execute(
        "select count(*) from marts.household_month where county_code = '431002'"
        " and monitor_status = 'in_force'"
    ).fetchone()
    assert count is not None
    assert count[0] >= 5
    publish(db, version=2)
    found = table(make("monitoring_by_county"))
    if neighbour == "431003":  # unchanged: it would tell what the first version hid
        assert found["431003"]["监测户"] == "*"
    else:
        assert found["431000"]["监测户"] != table(first)["431000"]["监测户"]


def test_a_sum_that_one_household_makes_up_is_hidden(db: psycopg.Connection) -> None:
    """The largest pays so much that the second could tell it within 10 %: the p-percent rule."""
    month(db, largest=100 * 100)
    publish(db)
    figures = read(db, PERIOD, declared(), limits()).figures
    # Left without the two largest: 38 payments of 50; a tenth of 5,000 is less than that.
    assert figures["431002", "out_of_pocket"].possible is None
    db.execute("update marts.medical_burden set bill_ytd_amt = 0, basic_insurance_ytd_amt = 0,"
               " out_of_pocket_ytd_amt = 0 where household_key ~ '-[2-9]$|-[1-3][0-9]$'"
               " and household_key !~ '-1[0-6]$'")  # fmt: skip
    figures = read(db, PERIOD, declared(), limits()).figures
    assert figures["431002", "out_of_pocket"].amount == 5000 + 8 * 50
    assert figures["431002", "out_of_pocket"].possible is not None
    made = table(make("medical_burden_by_county"))
    assert made["431002"]["个人负担（元）"] == "*"
    assert made["431002"]["大病保险支付（元）"] == "0"


@pytest.mark.parametrize(("payers", "is_hidden"), [(4, True), (5, False), (6, False)])
def test_a_sum_of_few_households_is_hidden(
    db: psycopg.Connection, payers: int, is_hidden: bool
) -> None:
    month(db)
    db.execute(
        "update marts.medical_burden set bill_ytd_amt = 0, basic_insurance_ytd_amt = 0,"
        " out_of_pocket_ytd_amt = 0 where split_part(household_key, '-', 2)::integer >= %s",
        [payers],
    )
    figure = read(db, PERIOD, declared(), limits()).figures["431002", "out_of_pocket"]
    assert (figure.possible is not None) is is_hidden


def test_a_month_without_households_gives_an_empty_table(db: psycopg.Connection) -> None:
    db.execute(
        "insert into marts.county_scorecard values (%s, '431002', '北湖区', 'held_back')", [PERIOD]
    )
    publish(db)
    made = make("monitoring_by_county")
    assert table(made) == {}
    assert made.sheet.anonymity[0].k == 0
    assert any("北湖区" in note for note in made.sheet.notes)


@pytest.mark.parametrize(
    ("name", "period", "reason"),
    [("no_such", PERIOD, WHY), ("monitoring_by_county", NEXT, WHY),
     ("monitoring_by_county", PERIOD, " ")],
)  # fmt: skip
def test_what_cannot_be_given_is_refused_by_name(
    db: psycopg.Connection, name: str, period: str, reason: str
) -> None:
    month(db)
    publish(db)
    with pytest.raises(ExtractRefused):
        release.extract(name, period, reason=reason, by="tests")
    row = db.execute("select count(*) from ops.extract").fetchone()
    assert row == (0,)


def test_the_command_lists_and_makes(db: psycopg.Connection, tmp_path: Path) -> None:
    month(db)
    publish(db)
    listed = CliRunner().invoke(app, ["extract", "--json"])
    assert "causes_by_county" in json.loads(listed.stdout)
    made = CliRunner().invoke(
        app,
        ["extract", "causes_by_county", PERIOD, "--reason", WHY, "--out", str(tmp_path), "--json"],
    )
    assert made.exit_code == 0, made.output
    assert {path.name for path in tmp_path.glob("causes*")} == set(json.loads(made.stdout)["files"])


# -- rows --------------------------------------------------------------------------------------

PEOPLE = Rows(name="x", title_zh="x", mart="person_month", known=("a", "b"), told=("t",))


def persons(*groups: tuple[str, str, int, int]) -> list[tuple[Any, ...]]:
    """(a, b, how many, how many of them with what is told)."""
    return [(a, b, n < ill) for a, b, size, ill in groups for n in range(size)]


@pytest.mark.parametrize(("size", "rows"), [(4, 0), (5, 5), (6, 6)])
def test_rows_of_fewer_than_k_are_left_out(size: int, rows: int) -> None:
    made = generalised(persons(("x", "y", size, 1)), 2, 5)
    assert (len(made.rows), made.left_out) == (rows, size - rows)


def test_rows_are_generalised_before_they_are_left_out() -> None:
    made = generalised(persons(("x", "y", 3, 1), ("x", "z", 3, 0), ("x", "w", 9, 0)), 2, 5)
    assert made.left_out == 0
    assert made.blanked == 6
    assert {row[:2] for row in made.rows} == {("x", None), ("x", "w")}
    report = of_rows(made.rows, PEOPLE, 5)
    assert (report.k, report.unique, report.below_k, report.rows) == (6, 0, 0, 15)


def test_a_group_in_which_all_are_ill_is_not_told_of() -> None:
    told = generalised(persons(("x", "y", 6, 6), ("x", "z", 6, 5)), 2, 5)
    assert {row[:2] for row in told.rows} == {("x", "z")}
    assert told.left_out == 6


def test_no_rows_give_none() -> None:
    made = generalised([], 2, 5)
    assert (made.rows, made.left_out) == ([], 0)
    assert of_rows([], PEOPLE, 5).k == 0


def test_rows_leave_once_in_a_year_and_without_keys(db: psycopg.Connection) -> None:
    for period in (PERIOD, NEXT, "2027-02"):
        db.execute(
            "insert into marts.person_month select %s, '431002', '25_44', '1', '04',"
            " '431002101000', n < 3, false, false, false, false from generate_series(1, 10) as n",
            [period],
        )
        publish(db, period)
    made = make("research_persons")
    assert made.sheet.anonymity[1].k == 10
    assert not any("key" in column for column in made.sheet.anonymity[1].quasi)
    assert make("research_persons").files == made.files
    with pytest.raises(ExtractRefused, match="single persons"):
        make("research_persons", NEXT)
    make("research_persons", "2027-02")
    publish(db, version=2)
    with pytest.raises(ExtractRefused, match="single persons"):
        make("research_persons")


# -- the declaration ---------------------------------------------------------------------------


def test_no_extract_reads_a_key_or_a_village() -> None:
    for mart, columns in declared().read():
        assert "village_code" not in columns
        assert not [column for column in columns if column.endswith("_key")]
        assert {classes(mart)[column] for column in columns} <= {"quasi", "sensitive", "none"}


def test_conditions_and_amounts_name_columns_of_their_marts() -> None:
    marts = {"h": "household_month", "a": "assistance_coverage", "m": "medical_burden",
             "e": "monitoring_episode"}  # fmt: skip
    named = {
        (marts[alias], column)
        for category in declared().categories
        for alias, column in re.findall(
            r"\b([hame])\.([a-z_0-9]+)", f"{category.condition} {category.amount}"
        )
    }
    named |= {("county_scorecard", c.scorecard) for c in declared().categories if c.scorecard}
    assert len(named) > 20
    assert [place for place in named if classes(place[0]).get(place[1]) in (None, "direct")] == []


def test_a_declaration_of_unknown_names_is_refused() -> None:
    said = declared().model_dump(exclude_none=True)
    Declared.model_validate(said)
    with pytest.raises(ValueError, match="no such category"):
        Declared.model_validate({**said, "sums": [{"whole": "households", "parts": ["nobody"]}]})
    rows = {"name": "r", "title_zh": "r", "mart": "person_month", "known": ["name"], "told": []}
    with pytest.raises(ValueError, match="no class"):
        Declared.model_validate({**said, "rows": [rows]})
