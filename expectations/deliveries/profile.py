"""What the suites of all kinds of delivery share: the profile query and the common expectations.

A profile is one row of counts and shares per delivery, made from ``ops.delivery`` and the rows in
``raw``. Suites are expectations over profiles, so that one validation judges the files of all
counties and nothing Great Expectations sees or prints is about a person.

The query reads the temporary table ``judged(delivery_id, county_name)`` (``county_name`` null
for city-wide sources). A figure is null where it cannot be known, and null meets every
expectation: a file without its headers is rejected for its headers and not for ten reasons more.
"""

from __future__ import annotations

from collections.abc import Mapping

from expectations.check import Check, between
from expectations.deliveries.cells import (
    clean,
    duplicate_share,
    is_blank,
    is_malformed_household_no,
    share,
)
from include.contracts import contracts

REJECT_SHARE = 0.20
"""Share of rows with one defect above which a delivery is rejected; fewer go to quarantine."""
FOREIGN_SHARE = 0.05
"""Share of rows of another county above which the file is taken to be that county's."""
ROUNDED_SHARE = 0.50
"""Keys end in 0 one time in ten; above this share a spreadsheet has rounded them."""

_RESEND = "correct the file and send it again; nothing of this one has been used."


def profile_query(kind: str, figures: Mapping[str, str]) -> str:
    """SQL: one row per delivery of ``judged`` with the common and the given figures.

    ``figures`` are aggregates over ``raw.<kind> as r``; they may name ``d`` (ops.delivery) and
    ``j`` (judged).
    """
    if kind not in contracts():
        raise KeyError(f"no contract for {kind}")
    listed = "".join(f",\n        {sql} as {name}" for name, sql in figures.items())
    return f"""
select
    d.delivery_id,
    d.county_code,
    d.period,
    cardinality(d.missing_headers) as missing_headers,
    (d.unreadable is not null)::integer as unreadable_files,
    case when w.whole then d.row_count end as row_count,
    case when w.whole then d.row_count - d.control_total end as control_total_difference,
    case when w.whole then d.row_count - f.loaded_rows end as rows_not_loaded,
    case when w.whole then round(d.row_count::numeric / nullif(p.row_count, 0), 4) end
        as volume_ratio,
    f.*
from ops.delivery as d
inner join judged as j using (delivery_id)
cross join lateral (
    select d.unreadable is null and cardinality(d.missing_headers) = 0 as whole
) as w
cross join lateral (
    select
        count(*) as loaded_rows{listed}
    from raw.{kind} as r
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
) as p on true
where d.kind = '{kind}'
"""


def whole_file(*, may_be_empty: bool) -> tuple[Check, ...]:
    """The file is the file its contract describes, complete, and fully in ``raw``."""
    checks = (
        between(
            "missing_headers",
            maximum=0,
            severity="critical",
            description="every required header of the contract is in the file",
            label_zh="表头齐全",
            reason="a column that cannot be found would silently become empty for a whole county.",
            remedy="use the header names of the contract; " + _RESEND,
        ),
        between(
            "unreadable_files",
            maximum=0,
            severity="critical",
            description="the file can be opened and decoded",
            label_zh="文件可读",
            reason="bytes decoded by guessing would put wrong names and numbers into the data.",
            remedy="save it again as .xlsx or as GB18030 or UTF-8 csv; " + _RESEND,
        ),
        between(
            "control_total_difference",
            minimum=0,
            maximum=0,
            severity="critical",
            description="the file has as many rows as its name announces",
            label_zh="行数与文件名一致",
            reason="a file cut off in transfer or filtered before saving looks complete otherwise.",
            remedy="compare the file with the export; " + _RESEND,
        ),
        between(
            "rows_not_loaded",
            minimum=0,
            maximum=0,
            severity="critical",
            description="every row of the file is in the warehouse",
            label_zh="入库行数一致",
            reason="the accounting of rows starts from what was loaded.",
            remedy="this is a fault of the loader, not of the file: tell the warehouse's owner.",
        ),
    )
    if may_be_empty:
        return checks
    return (
        *checks,
        between(
            "row_count",
            minimum=1,
            severity="critical",
            description="the file has at least one row",
            label_zh="文件不为空",
            reason="an empty snapshot would remove every household of the county.",
            remedy="export again; " + _RESEND,
        ),
    )


def volume() -> Check:
    """A snapshot is about as large as the one before."""
    return between(
        "volume_ratio",
        minimum=0.5,
        maximum=1.5,
        severity="warning",
        description="the number of rows is within half of the previous month's",
        label_zh="行数与上月相近",
        reason="a sudden halving is more often a filter left on than a change in the villages.",
        remedy="ask the sender whether the change is real.",
    )


def defect(
    figure: str,
    what: str,
    label_zh: str,
    reason: str,
    *,
    limit: float = REJECT_SHARE,
    warn: bool = True,
) -> tuple[Check, ...]:
    """Two expectations on one share: above ``limit`` rejects, anything above 0 is a warning."""
    critical = between(
        figure,
        id=f"{figure}_limit",
        maximum=limit,
        severity="critical",
        description=f"at most {limit:.0%} of the rows have {what}",
        label_zh=f"{label_zh}（超限）",
        reason=reason,
        remedy=_RESEND,
    )
    if not warn:
        return (critical,)
    return (
        critical,
        between(
            figure,
            maximum=0,
            severity="warning",
            description=f"no row has {what}",
            label_zh=label_zh,
            reason=reason,
            remedy="these rows are quarantined; correct them in the next file.",
        ),
    )


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


def county_checks() -> tuple[Check, ...]:
    """The expectations every county kind has: complete, of this county, keys usable, usual size."""
    return (
        *whole_file(may_be_empty=False),
        *foreign_county(),
        *defect(
            "malformed_key_share",
            "a household number that is not 16 digits",
            "户编号为16位数字",
            "a household without its number cannot be joined with its members, income or help.",
        ),
        between(
            "rounded_key_share",
            maximum=ROUNDED_SHARE,
            severity="critical",
            description="the household numbers do not all end in 0",
            label_zh="户编号未被表格软件截断",
            reason="a spreadsheet keeps 15 digits and rounds the 16th to 0; that cannot be undone.",
            remedy="format the column as text before opening the export; " + _RESEND,
        ),
        *defect(
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "of rows given twice only the last is used, and it may be the wrong one.",
        ),
        volume(),
    )


def county_name_differs() -> str:
    """SQL: the row names another county than the one that delivered."""
    return f"coalesce({_bare(clean('county'))} <> {_bare('j.county_name')}, false)"


def foreign_county() -> tuple[Check, ...]:
    """The expectations on the figure ``foreign_county_share``."""
    return defect(
        "foreign_county_share",
        "another county's name than the one that delivered",
        "县名与报送县一致",
        "rows filed under the wrong county would move households between scorecards.",
        limit=FOREIGN_SHARE,
    )


def _bare(name: str) -> str:
    """SQL: a county's name without its suffix, which some offices leave off."""
    return f"regexp_replace({name}, '(县|区|市)$', '')"


def register_figures(*grain: str) -> dict[str, str]:
    """The figures of every kind extracted from a department's system."""
    return {"blank_key_share": share(" or ".join(is_blank(column) for column in grain))}


def register_checks(*, may_be_empty: bool) -> tuple[Check, ...]:
    """The expectations on every kind extracted from a department's system."""
    return (
        *whole_file(may_be_empty=may_be_empty),
        *defect(
            "blank_key_share",
            "an empty key",
            "主键已填",
            "a row without its key cannot be replaced when the department corrects it.",
        ),
    )


def bad_id(what: str = "an ID number that fails length, date or check digit") -> tuple[Check, ...]:
    """The expectations on the figure ``bad_id_share``."""
    return defect(
        "bad_id_share",
        what,
        "证件号码有效",
        "a person without a valid ID cannot be found in the county's files.",
    )


def unparsable_amount() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_amount_share``."""
    return defect(
        "unparsable_amount_share",
        "an amount that cannot be read",
        "金额可识别",
        "an unread amount is missing from every sum.",
    )


def unparsable_day() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_day_share``."""
    return defect(
        "unparsable_day_share",
        "a day that cannot be read",
        "日期可识别",
        "what began or ended in the month is told by it.",
    )


def unparsable_time() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_time_share``."""
    return defect(
        "unparsable_time_share",
        "a date or time that cannot be read",
        "日期时间可识别",
        "the later version of a record is told from the earlier by it.",
    )


def unparsable_month() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_month_share``."""
    return defect(
        "unparsable_month_share",
        "a month that cannot be read",
        "年月可识别",
        "whether a benefit ran in the month is decided by it.",
    )


def future(what: str) -> tuple[Check, ...]:
    """The expectations on the figure ``future_share``."""
    return defect(
        "future_share",
        f"{what} after the period",
        "日期不晚于数据期",
        "such rows belong to a later month: the extract may be of another period.",
    )


def undue(what: str) -> tuple[Check, ...]:
    """The expectations on the figure ``undue_share``."""
    return defect(
        "undue_share",
        f"{what} after the day of extraction",
        "日期不晚于接收日",
        "what has not happened yet was entered wrongly, and so may be what stands beside it.",
    )


def outside_city() -> tuple[Check, ...]:
    """The expectations on the figure ``outside_city_share``."""
    return defect(
        "outside_city_share",
        "a county code of another city",
        "县级代码属于本市",
        "rows of other cities would be counted in none of the eleven counties, or in a wrong one.",
    )
