"""The benchmark of row-level security: the same rows both ways, and all as it was afterwards."""

from __future__ import annotations

from include.access.enforce import differences
from include.benchmarks.access import QUERIES, measure, overall
from include.database import OWNER, connect


def test_each_query_gives_the_same_rows_both_ways_and_nothing_is_left_open(accessible: str) -> None:
    with connect(OWNER) as connection:
        costs = measure(connection, 1)
        assert differences(connection) == []
    assert len(QUERIES) == 10
    assert len(costs) == 2 * len(QUERIES)
    city = {cost.query: cost.rows for cost in costs if cost.role == "bi_city"}
    county = {cost.query: cost.rows for cost in costs if cost.role != "bi_city"}
    assert city.keys() == county.keys()
    assert any(city[query] > county[query] > 0 for query in QUERIES)
    assert overall(costs) > 0
