"""One person under two numbers: who is offered for a judgement, and who is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from include.contracts import contracts
from include.linkage.assign import link
from include.linkage.decisions import merge, possible_aliases
from include.vault import identifier_key
from tests.expectations.deliveries import resident_id
from tests.unit.landed import COUNTY, PERIOD
from tests.unit.test_defects import delivered, sound

OLD, NEW, TWIN = resident_id(1), resident_id(11), resident_id(21)
AT = datetime(2030, 1, 1, tzinfo=UTC)
Deliver = Callable[[list[tuple[str, str]], list[tuple[str, str]]], int]


@pytest.fixture
def deliver(warehouse: str) -> Deliver:
    """Load a county's list and the insured, each as (name, ID); how many candidates were found."""

    def both(listed: list[tuple[str, str]], insured: list[tuple[str, str]]) -> int:
        person, enrol = contracts()["county_person"], contracts()["yb_enrol"]
        base = sound(person)
        rows = [
            base | {"name": name, "cert_no": number, "birth_date": number[6:14], "sex": "2"}
            for name, number in listed
        ]
        delivered(person, "gb18030", rows)
        base = sound(enrol)
        delivered(
            enrol,
            "jsonl",
            [
                base
                | {"psn_name": name, "certno": number, "psn_no": str(n), "insuplc_admdvs": COUNTY}
                for n, (name, number) in enumerate(insured)
            ],
        )
        with psycopg.connect(warehouse, autocommit=True) as db:
            db.execute(
                "insert into ops.acceptance (delivery_id, outcome) "
                "select delivery_id, 'accepted' from ops.delivery"
            )
        return link(PERIOD, AT)["possible aliases"]

    return both


def test_a_listed_and_an_insured_person_whom_the_other_side_lacks(deliver: Deliver) -> None:
    assert deliver([("王某某", OLD)], [("王某某", NEW)]) == 1
    ((alias, person, county, evidence),) = possible_aliases(10)
    assert (alias, person) == (identifier_key("person", OLD), identifier_key("person", NEW))
    assert county == COUNTY
    assert "same name" in evidence
    merge(alias, person, "checked at the registry", "test")
    assert possible_aliases(10) == []


@pytest.mark.parametrize(
    ("listed", "insured"),
    [
        ([("王某某", OLD)], [("王某某", OLD)]),
        ([("王某某", OLD)], [("李某某", NEW)]),
        ([("王某某", OLD), ("王某某", NEW)], [("王某某", NEW)]),
        ([("王某某", OLD)], [("王某某", NEW), ("王某某", TWIN)]),
        ([("王某某", OLD)], [("王某某", resident_id(11, "19700102"))]),
        ([("王某某", OLD)], []),
        ([], [("王某某", NEW)]),
    ],
    ids=["known", "other name", "new one listed", "two fit", "other birth", "none", "no list"],
)
def test_nobody_is_offered_without_reason(
    deliver: Deliver, listed: list[tuple[str, str]], insured: list[tuple[str, str]]
) -> None:
    assert deliver(listed, insured) == 0
    assert possible_aliases(10) == []
