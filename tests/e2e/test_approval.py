"""A large change of a closed month waits for a person on Airflow's page, or for the command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from include.airflow_api import Airflow
from include.services.airflow_environment import APPROVER
from tests.e2e.municipality import Municipality, published_months

MONTH = "2026-01"
_WAITS = "select count(*) from ops.approval where answer is null and run_id is not null"


@pytest.fixture(scope="module")
def municipality() -> Iterator[Municipality]:
    """One published month; closed, since it is long over."""
    with published_months(MONTH, MONTH) as found:
        yield found


def correct_six_counties(municipality: Municipality, amount: int) -> None:
    """Send the wages of all households of six counties again, each raised by so many yuan."""
    drop = municipality.home / "sources" / "county" / MONTH
    folders = [folder for folder in sorted(drop.iterdir()) if any(folder.glob("3-*.csv"))]
    for folder in folders[:6]:
        path = max(folder.glob("3-*.csv"), key=lambda file: file.stat().st_mtime)
        later = path.stat().st_mtime + 86_400
        lines = path.read_text(encoding="gb18030").splitlines()
        head = next(n for n, line in enumerate(lines) if "A工资性收入" in line)
        places = [lines[head].split(",").index(name) for name in ("A工资性收入", "A1务工收入")]
        for number in range(head + 1, len(lines)):
            cells = lines[number].split(",")
            for place in places:
                if cells[place].replace(".", "").isdecimal():
                    cells[place] = f"{float(cells[place]) + amount:.2f}"
            lines[number] = ",".join(cells)
        path.write_bytes("\r\n".join([*lines, ""]).encode("gb18030"))
        os.utime(path, (later, later))


def wages(municipality: Municipality) -> float:
    ((found,),) = municipality.query(
        "select sum(wage_income) from marts.household_month", "bi_city"
    )
    return float(found)


def test_it_waits_for_a_person_and_goes_on_with_the_word(municipality: Municipality) -> None:
    before = wages(municipality)
    correct_six_counties(municipality, 1200)
    municipality.wait_for(_WAITS, [(1,)], within_s=600)
    ((build_id, run_id),) = municipality.query("select build_id, run_id from ops.approval")
    listed = json.loads(municipality.run("approval", "list", "--json").stdout)
    assert [request["build_id"] for request in listed] == [build_id]
    assert "household_month" in {each["mart"] for each in listed[0]["beyond"]}
    assert wages(municipality) == before
    with municipality.as_settings(), Airflow(APPROVER) as airflow:
        for attempt in Retrying(stop=stop_after_delay(120), wait=wait_fixed(1), reraise=True):
            with attempt:  # the request is on record some seconds before the page asks
                assert airflow.answer(run_id, "Approve", "the county sent all again")
        assert not airflow.answer(run_id, "Refuse", "too late")
    published = "select version from ops.publication where state = 'published' order by 1"
    municipality.wait_for(published, [(1,), (2,)], within_s=300)
    assert wages(municipality) > before
    assert municipality.query(
        "select answer, reason, answered_by, answered_in from ops.approval"
    ) == [("approved", "the county sent all again", "approver", "airflow")]

    correct_six_counties(municipality, 1500)
    municipality.wait_for(_WAITS, [(1,)], within_s=600)
    ((build_id,),) = municipality.query("select max(build_id) from ops.approval")
    with municipality.as_settings(), Airflow() as airflow:
        for attempt in Retrying(stop=stop_after_delay(120), wait=wait_fixed(0.2), reraise=True):
            with attempt:  # answered as soon as it waits, while its process is ending still
                (run,) = airflow.latest("monthly_build", 1, ["running"])
                assert "awaiting_input" in {task.state for task in airflow.tasks(run)}
    done = municipality.run(
        *("approval", "approve", str(build_id), "--reason", "once more", "--actor", "li", "--json")
    )
    assert done.code == 0, done.stderr
    municipality.wait_for(published, [(1,), (2,), (3,)], within_s=300)
    assert municipality.query(
        "select answer, reason, answered_by, answered_in from ops.approval order by build_id"
    )[1:] == [("approved", "once more", "li", "cli")]
    states = municipality.query("select state, count(*) from ops.publication group by 1 order by 1")
    assert states == [("blocked", 2), ("published", 3)]
    with municipality.as_settings(), Airflow() as airflow:
        for attempt in Retrying(stop=stop_after_delay(120), wait=wait_fixed(1), reraise=True):
            with attempt:
                assert airflow.latest("monthly_build", 9, ["running"]) == []
        assert airflow.latest("monthly_build", 9, ["failed"]) == []
