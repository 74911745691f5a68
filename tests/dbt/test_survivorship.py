"""The rules of survivorship: dbt's unit tests run them, here is seen that they leave none out."""

from __future__ import annotations

import csv

import yaml

from include.build import DBT_PROJECT


def expected_rows(path: str, unit_test: str) -> list[dict[str, str]]:
    tests = yaml.safe_load((DBT_PROJECT / "models" / path).read_text("utf-8"))["unit_tests"]
    (test,) = [test for test in tests if test["name"] == unit_test]
    (seed,) = [one for one in test["given"] if one["input"] == "ref('ref_survivorship')"]
    assert "rows" not in seed, "without rows dbt gives the seed's own"
    rows: list[dict[str, str]] = test["expect"]["rows"]
    return rows


def test_every_source_of_every_attribute_wins_somewhere() -> None:
    with (DBT_PROJECT / "seeds" / "ref_survivorship.csv").open(encoding="utf-8") as file:
        rules = {(row["attribute"], row["source"]) for row in csv.DictReader(file)}
    won = {
        (row["attribute"], row["source"])
        for row in expected_rows(
            "spine/survivorship_unit_tests.yml", "every_rule_of_survivorship_is_used"
        )
    } | {
        ("household", row["source"])
        for row in expected_rows(
            "staging/staging_unit_tests.yml", "a_person_two_households_claim_is_counted_once"
        )
    }
    assert won == rules
