"""Expected alerts worked out from small truths: each operator, basis, population and time."""

from __future__ import annotations

import pandas as pd
import pytest

from include.evaluation.rules import Truth, expected_alerts, near_misses, read_rules, threshold

RULE = {
    "rule_code": "R1", "name_zh": "规则", "source_family": "county", "subject": "household",
    "population": "all_rural", "metric": "m", "operator": ">=", "threshold": "3",
    "unit": "yuan", "basis": "fixed",
    "effective_from": "2026-02-28", "effective_to": "", "area_code": "431000",
}  # fmt: skip
VALUES = {"under": "2.99", "on": "3", "over": "3.01", "far": "90"}


def truth(values: dict[str, str] = VALUES, **household: str) -> Truth:
    homes = [
        {"household_no": number, "county_code": "431026", "ex_poor": "0", "in_force": "0"}
        | household
        for number in values
    ]
    metrics = [
        {"subject": "household", "id": number, "metric": "m", "value": value}
        for number, value in values.items()
    ]
    persons = pd.DataFrame(columns=["person_id", "household_no", "is_present", "is_lost"])
    return Truth(
        pd.DataFrame(homes, columns=["household_no", "county_code", "ex_poor", "in_force"]),
        persons,
        pd.DataFrame(metrics, columns=["subject", "id", "metric", "value"]),
    )


def expected(what: Truth, period: str = "2026-02", unlinked: str = "", **rule: str) -> set[str]:
    rules = pd.DataFrame([RULE | rule])
    found, _ = expected_alerts(
        what, rules, period, {"431026"}, set(unlinked.split()), is_first=False
    )
    return {number for _, _, number in found}


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        (">=", {"on", "over", "far"}),
        (">", {"over", "far"}),
        ("<", {"under"}),
        ("<=", {"under", "on"}),
        ("=", {"on"}),
    ],
)
def test_operators(operator: str, found: set[str]) -> None:
    assert expected(truth(), operator=operator) == found


@pytest.mark.parametrize(
    ("population", "ex_poor", "in_force", "is_in"),
    [
        ("all_rural", "0", "0", True),
        ("ex_poor", "1", "0", True),
        ("ex_poor", "0", "1", False),
        ("monitored", "1", "0", False),
        ("monitored", "0", "1", True),
        ("ex_poor_or_monitored", "1", "0", True),
        ("ex_poor_or_monitored", "0", "1", True),
        ("ex_poor_or_monitored", "0", "0", False),
        ("other_rural", "0", "0", True),
        ("other_rural", "1", "0", False),
        ("other_rural", "0", "1", False),
    ],
)
def test_populations(population: str, ex_poor: str, in_force: str, is_in: bool) -> None:
    found = expected(truth(ex_poor=ex_poor, in_force=in_force), population=population)
    assert bool(found) is is_in


@pytest.mark.parametrize(
    ("rule", "is_in"),
    [
        ({"effective_from": "2026-02-28"}, True),
        ({"effective_from": "2026-03-01"}, False),
        ({"effective_to": "2026-02-28"}, True),
        ({"effective_to": "2026-02-27"}, False),
        ({"area_code": "431026"}, True),
        ({"area_code": "431027"}, False),
        ({"subject": "person"}, False),
        ({"metric": "other"}, False),
    ],
)
def test_time_area_and_metric(rule: dict[str, str], is_in: bool) -> None:
    assert bool(expected(truth(), **rule)) is is_in


def test_a_county_that_is_held_back_raises_nothing() -> None:
    found, _ = expected_alerts(
        truth(), pd.DataFrame([RULE]), "2026-02", set(), set(), is_first=False
    )
    assert found == set()


def test_the_first_month_has_nothing_to_compare_with() -> None:
    what = truth()
    what.metrics["metric"] = "income_drop_share"
    rules = pd.DataFrame([RULE | {"metric": "income_drop_share"}])
    for is_first, count in ((True, 0), (False, 3)):
        found, _ = expected_alerts(what, rules, "2026-02", {"431026"}, set(), is_first=is_first)
        assert len(found) == count


@pytest.mark.parametrize(
    ("is_present", "unlinked", "is_in"), [("1", "", True), ("0", "", False), ("1", "p", False)]
)
def test_people_count_while_on_file(is_present: str, unlinked: str, is_in: bool) -> None:
    what = truth({"home": "0"})
    person = {"person_id": "p", "household_no": "home", "is_present": is_present, "is_lost": "1"}
    metric = {"subject": "person", "id": "p", "metric": "m", "value": "3"}
    what = Truth(what.households, pd.DataFrame([person]), pd.DataFrame([metric]))
    found = expected(what, unlinked=unlinked, subject="person")
    assert found == ({"p"} if is_in else set())


@pytest.mark.parametrize(
    ("source_family", "found"), [("county", {"home", "other"}), ("civil_affairs", {"other"})]
)
def test_members_are_not_counted_where_one_is_unlinked(source_family: str, found: set[str]) -> None:
    homes = truth({"home": "3", "other": "3"})
    person = {"person_id": "p", "household_no": "home", "is_present": "1", "is_lost": "1"}
    what = Truth(homes.households, pd.DataFrame([person]), homes.metrics)
    assert expected(what, unlinked="p", source_family=source_family) == found


def test_near_misses_are_those_beside_the_threshold() -> None:
    _, near = expected_alerts(
        truth({"under": "2.98", "far_under": "2.9", "on": "3"}),
        pd.DataFrame([RULE]),
        "2026-02",
        {"431026"},
        set(),
        is_first=False,
    )
    assert near == {"R1": 1}


def test_a_flag_without_near_misses_has_no_figure() -> None:
    rules = pd.DataFrame(
        [
            RULE | {"rule_code": code, "unit": unit}
            for code, unit in (("R1", "flag"), ("R2", "yuan"))
        ]
    )
    assert near_misses(rules, {"R1": 0, "R2": 0}) == {"R1": None, "R2": 0}
    assert near_misses(rules, {"R1": 2, "R2": 3}) == {"R1": 2, "R2": 3}
    assert near_misses(rules, {}) == {}


def test_thresholds_of_the_seed() -> None:
    by_code = {rule["rule_code"]: rule for rule in read_rules().to_dict("records")}
    assert threshold(by_code["R309"], 2026) == 9000
    assert threshold(by_code["R104"], 2026) == 11700
    assert threshold(by_code["R104"], 2025) == 11100
    assert threshold(by_code["R312"], 2026) == 30
