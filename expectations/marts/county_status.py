"""What the marts made of one kind of county file share: each county has figures or says why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import accepted_counties, published_counties
from expectations.marts.shared import REBUILD, identity

COUNTIES = 11


def status_checks(
    kind: str, period: str, known_at: datetime, figures: Sequence[str]
) -> tuple[Check, ...]:
    """``data_status`` is held_back, missing or published as deliveries were accepted.

    ``figures`` are columns that are null for a county without figures and filled for the others.
    """
    some_null = " or ".join(f"{name} is null" for name in figures)
    some_filled = " or ".join(f"{name} is not null" for name in figures)
    published = published_counties(period, known_at)
    delivered = accepted_counties(kind, period, known_at)
    return (
        no_rows(
            "all_counties",
            "select 'counties' as row_key from judged"
            f" having count(distinct county_code) <> {COUNTIES}",
            description=f"all {COUNTIES} counties are listed, with or without figures",
            label_zh="十一个县市区齐全",
            reason="a county that is missing cannot be seen to be missing.",
            remedy=REBUILD,
        ),
        no_rows(
            "status_as_accepted",
            "select row_key from judged where data_status is distinct from case"
            f" when county_code not in ({published}) then 'held_back'"
            f" when county_code not in ({delivered}) then 'missing' else 'published' end",
            description="a county is held back, missing or published as its files were accepted",
            label_zh="数据状态与接收情况一致",
            reason="a number from an incomplete delivery would be taken for the county's state.",
            remedy=REBUILD,
        ),
        identity(
            "no_figures_without_data",
            f"data_status is distinct from 'published' and ({some_filled})",
            description="a county without data has no figures",
            label_zh="无数据县无数值",
            reason="a zero that means unknown would be taken for a zero.",
        ),
        no_rows(
            "published_with_figures",
            f"select row_key from judged where data_status = 'published' and ({some_null})"
            " and county_code in (select county_code from judged group by county_code"
            " having count(*) > 1 or bool_or(not ({0})))".format(
                " and ".join(f"{name} is null" for name in figures)
            ),
            description="a county with data has every figure",
            label_zh="已发布县数值齐全",
            reason="an empty figure reads as zero on a dashboard.",
            remedy=REBUILD,
        ),
    )
