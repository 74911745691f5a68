"""By which task of its source's DAG a month goes on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from include.contracts import kinds_of
from include.errors import DeliveryMissing
from include.pipeline import report
from tests.unit.register import PERIOD, accept, build, moment, send, send_all

CITY = "431000"


def deliver(dsn: str, source: str, without: Sequence[str] = ()) -> None:
    if source == "county":
        send_all(dsn)
        return
    for contract in kinds_of("health_insurance"):
        if contract.kind not in without:
            accept(dsn, send(dsn, contract.kind, CITY))


@pytest.mark.parametrize("source", ["county", "health_insurance"])
def test_a_first_month_waits_for_the_others_and_a_built_one_does_not(
    warehouse: str, source: str
) -> None:
    deliver(warehouse, source)
    assert report(source, PERIOD, {"together": False}) == "ready"  # type: ignore[arg-type]
    build(warehouse, "2026-01", moment(3))  # of another month
    assert report(source, PERIOD, {"together": False}) == "ready"  # type: ignore[arg-type]
    build(warehouse, PERIOD, moment(3), state=None)
    assert report(source, PERIOD, {"together": False}) == "due"  # type: ignore[arg-type]
    assert report(source, PERIOD, {"together": True}) == "ready"  # type: ignore[arg-type]


@pytest.mark.parametrize("together", [True, False])
def test_nothing_is_reported_while_the_gate_waits(warehouse: str, together: bool) -> None:
    build(warehouse, PERIOD, moment(3))
    assert report("county", PERIOD, {"together": together}) is None
    deliver(warehouse, "health_insurance", without=["yb_settle"])
    with pytest.raises(DeliveryMissing, match="yb_settle"):
        report("health_insurance", PERIOD, {"together": together})
