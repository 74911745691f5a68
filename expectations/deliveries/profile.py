"""The profile of a delivery: one row of counts, shares and medians, which its suite judges.

It is made from ``ops.delivery`` and the rows in ``raw``. Suites are expectations over profiles, so
that one validation judges the files of all counties and nothing Great Expectations sees or prints
is about a person.

The query reads the temporary table ``judged(delivery_id, county_name)`` (``county_name`` null
for city-wide sources). A figure is null where it cannot be known, and null meets every
expectation: a file without its headers is rejected for its headers and not for ten reasons more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expectations.deliveries.cells import (
    clean,
    duplicate_share,
    is_blank,
    is_malformed_household_no,
    share,
)
from expectations.deliveries.habits import ROWS, Habit, past
from include.contracts import contracts


def profile_query(kind: str, figures: Mapping[str, str], habits: Sequence[Habit] = ()) -> str:
    """SQL: one row per delivery of ``judged`` with the common and the given figures.

    ``figures`` are aggregates over ``raw.<kind> as r`` and its ``amount``s; they may name ``d``
    (ops.delivery) and ``j`` (judged). Those of ``habits``, and the number of rows, are set beside
    the county's history: ``<figure>_months``, ``_middle``, ``_allowed`` and ``_off``.
    """
    if kind not in contracts():
        raise KeyError(f"no contract for {kind}")
    named = {**figures, **{habit.figure: habit.sql for habit in habits if habit.sql}}
    listed = "".join(f",\n        {sql} as {name}" for name, sql in named.items())
    bounds = contracts()[kind].rows
    amounts = [c.name for c in contracts()[kind].columns if c.type in ("money", "integer")]
    # "offset 0": each amount is read once, and not again wherever a figure asks for it.
    read = f"""
    cross join lateral (
        select {", ".join(f"parse.money(r.{name}) as {name}" for name in amounts)} offset 0
    ) as amount"""
    followed = (ROWS, *habits)
    usual = "".join(
        f",\n    {habit.figure}_months, {habit.figure}_middle, {habit.figure}_allowed,"
        f" {habit.deviation}"
        for habit in followed
    )
    return f"""
select
    d.delivery_id,
    d.county_code,
    d.period,
    cardinality(d.missing_headers) as missing_headers,
    (d.unreadable is not null)::integer as unreadable_files,
    (d.stated_period <> d.period)::integer as other_period,
    g.row_count,
    case
        when g.row_count < {bounds.least} then g.row_count - {bounds.least}
        when g.row_count > {bounds.most} then g.row_count - {bounds.most}
        else g.row_count - g.row_count
    end as rows_beyond_bounds,
    case when w.whole then d.row_count - d.control_total end as control_total_difference,
    case when w.whole then d.row_count - f.loaded_rows end as rows_not_loaded,
    case when row_count_months is null then round(g.row_count::numeric / nullif(p.row_count, 0), 4)
        end as volume_ratio,
    f.*{usual}
from ops.delivery as d
inner join judged as j using (delivery_id)
cross join lateral (
    select d.unreadable is null and cardinality(d.missing_headers) = 0 as whole
) as w
cross join lateral (
    select case when w.whole then d.row_count end as row_count
) as g
cross join lateral (
    select
        count(*) as loaded_rows{listed}
    from raw.{kind} as r{read if amounts else ""}
    where r._delivery_id = d.delivery_id
) as f
left join lateral (
    select a.row_count
    from ops.accepted_delivery as a
    where
        a.kind = d.kind
        and a.county_code = d.county_code
        and a.period = to_char(to_date(d.period, 'YYYY-MM') - interval '1 month', 'YYYY-MM')
    order by a.arrival_id desc
    limit 1
) as p on true{past(kind)}{"".join(habit.columns for habit in followed)}
where d.kind = '{kind}'
"""


def county_figures(*grain: str) -> dict[str, str]:
    """The figures every county kind has; ``grain`` are its key columns."""
    key = clean("household_no")
    return {
        "foreign_county_share": share(county_name_differs()),
        "malformed_key_share": share(is_malformed_household_no()),
        "rounded_key_share": (
            f"case when count(distinct {key}) >= 30 then round("
            f"count(distinct {key}) filter (where {key} like '%0')::numeric"
            f" / count(distinct {key}), 6) end"
        ),
        "duplicate_share": duplicate_share(*grain),
    }


def register_figures(*grain: str) -> dict[str, str]:
    """The figures of every kind extracted from a department's system."""
    return {"blank_key_share": share(" or ".join(is_blank(column) for column in grain))}


def county_name_differs() -> str:
    """SQL: the row names another county than the one that delivered."""
    return f"coalesce({_bare(clean('county'))} <> {_bare('j.county_name')}, false)"


def _bare(name: str) -> str:
    """SQL: a county's name without its suffix, which some offices leave off."""
    return f"regexp_replace({name}, '(县|区|市)$', '')"
