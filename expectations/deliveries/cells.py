"""SQL fragments about the cells of a delivered row ``raw.<kind> as r``, all of them text.

Where a row has amounts, ``amount`` is the row of them, read once.
They decide what is countable as a defect; cleaning itself is staging's work.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

_RECEIVED = "(d.received_at at time zone 'Asia/Shanghai')"
_NO_VALUE = "('/', '-', '--', '—', '无', '0000-00-00')"


def clean(column: str) -> str:
    """SQL: the cell in NFKC without surrounding blanks; null where it says nothing."""
    return f"nullif(btrim(normalize(r.{column}, NFKC)), '')"


def is_blank(column: str) -> str:
    """SQL: the cell is empty."""
    return f"({clean(column)} is null)"


def is_malformed_household_no(column: str = "household_no") -> str:
    r"""SQL: not the 16 digits of a household number (empty, rounded to 1.2E+15, cut)."""
    return rf"(coalesce({clean(column)}, '') !~ '^\d{{16}}$')"


def is_invalid_id(column: str) -> str:
    """SQL: not a valid resident ID after its spelling is repaired; an empty cell is not one."""
    return f"(not vault.is_resident_id(vault.normalise_resident_id(r.{column})))"


def number(column: str) -> str:
    """SQL: the amount in yuan, or null where the cell is empty or cannot be read."""
    return f"amount.{column}"


def is_unparsable_amount(*columns: str) -> str:
    """SQL: any of the cells is neither empty, nor a mark for 'none', nor an amount."""
    return _any(f"({number(c)} is null and parse.text(r.{c}) is not null)" for c in columns)


def is_unparsable_month(*columns: str) -> str:
    """SQL: any of the cells is filled but not a month in one of the usual spellings."""
    return _any(
        rf"coalesce({clean(c)} !~ '^\d{{4}}[-./年]?\d{{1,2}}月?([-./]?\d{{1,2}}日?)?$'"
        rf" and {clean(c)} !~ '^\d{{5}}$' and {clean(c)} not in {_NO_VALUE}, false)"
        for c in columns
    )


def is_unparsable_time(*columns: str) -> str:
    """SQL: any of the cells is filled but not an ISO date or timestamp."""
    return _any(f"coalesce(not pg_input_is_valid({clean(c)}, 'timestamp'), false)" for c in columns)


def day(column: str) -> str:
    """SQL: the cell's calendar day, or null where it is not an ISO date or timestamp."""
    return (
        f"(case when pg_input_is_valid({clean(column)}, 'timestamp')"
        f" then {clean(column)}::timestamp::date end)"
    )


def is_unparsable_day(*columns: str) -> str:
    """SQL: any of the cells is filled but not a day in one of the spellings staging reads."""
    return _any(f"(parse.text(r.{c}) is not null and parse.day(r.{c}) is null)" for c in columns)


def is_day_after_period(*columns: str) -> str:
    """SQL: any of the cells is a day after the last one of the delivery's period."""
    return _any(
        f"coalesce(parse.day(r.{c}) >= to_date(d.period, 'YYYY-MM') + interval '1 month', false)"
        for c in columns
    )


def is_disordered(*columns: str) -> str:
    """SQL: of two neighbouring days of a procedure the later step has the earlier day."""
    return _any(
        f"coalesce(parse.day(r.{after}) < parse.day(r.{before}), false)"
        for before, after in pairwise(columns)
    )


def is_outside(column: str, low: int, high: int) -> str:
    """SQL: the cell is filled with anything but a whole number from low to high."""
    return (
        f"({clean(column)} is not null"
        f" and not coalesce(parse.whole(r.{column}) between {low} and {high}, false))"
    )


def is_negative(*columns: str) -> str:
    """SQL: any of the amounts is below 0."""
    return _any(f"coalesce({number(c)} < 0, false)" for c in columns)


def is_future_day(column: str) -> str:
    """SQL: the day lies after the last day of the delivery's period."""
    return f"coalesce({day(column)} >= to_date(d.period, 'YYYY-MM') + interval '1 month', false)"


def is_future_month(*columns: str) -> str:
    """SQL: any of the YYYYMM cells lies after the delivery's period."""
    return _any(
        rf"coalesce({clean(c)} ~ '^\d{{6}}$' and {clean(c)} > replace(d.period, '-', '')"
        f" and {clean(c)} < '9999', false)"
        for c in columns
    )


def is_undue_day(column: str) -> str:
    """SQL: the day lies after the day on which the delivery was received.

    For extracts of a table that changes in place: taken late, they rightly hold later months.
    """
    return f"coalesce({day(column)} > {_RECEIVED}::date, false)"


def is_undue_month(column: str) -> str:
    """SQL: the YYYYMM cell lies after the month in which the delivery was received."""
    text = clean(column)
    return (
        rf"coalesce({text} ~ '^\d{{6}}$' and {text} > to_char({_RECEIVED}, 'YYYYMM')"
        f" and {text} < '9999', false)"
    )


def is_outside_city(column: str) -> str:
    """SQL: the cell is not a county code of this city."""
    return rf"(coalesce({clean(column)}, '') !~ '^4310\d\d$')"


def is_none_of(column: str, *codes: str) -> str:
    """SQL: the cell is empty or holds another code than these."""
    listed = ", ".join(f"'{code}'" for code in codes)
    return f"(coalesce({clean(column)}, '') not in ({listed}))"


def is_malformed_diagnosis(column: str) -> str:
    """SQL: the cell is filled but not a code of the insurance's ICD-10, such as I10.x00x002."""
    return rf"coalesce({clean(column)} !~ '^[A-Z]\d{{2}}\.[\dx]\d{{2}}(x\d{{3}})?[+*]?$', false)"


def share(condition: str) -> str:
    """SQL aggregate: share of rows for which the condition holds, 0..1; null without rows."""
    return f"round(avg(({condition})::integer), 6)"


def mean(amount: str) -> str:
    """SQL aggregate: mean of an amount; null without any."""
    return f"round(avg({amount})::numeric, 4)"


def median(amount: str) -> str:
    """SQL aggregate: middle value of an amount; null without any."""
    return f"round((percentile_cont(0.5) within group (order by {amount}))::numeric, 2)"


def duplicate_share(*columns: str) -> str:
    """SQL aggregate: share of rows that repeat the grain of another row."""
    grain = ", ".join(f"coalesce({clean(c)}, '')" for c in columns)
    return f"round(1 - count(distinct ({grain}))::numeric / nullif(count(*), 0), 6)"


def _any(conditions: Iterable[str]) -> str:
    return "(" + " or ".join(conditions) + ")"
