"""The expectations that the suites of several kinds of delivery share."""

from __future__ import annotations

from expectations.check import Check, between
from expectations.deliveries.habits import usual_rows

REJECT_SHARE = 0.20
"""Share of rows with one defect above which a delivery is rejected; fewer go to quarantine."""
FOREIGN_SHARE = 0.05
"""Share of rows of another county above which the file is taken to be that county's."""
ROUNDED_SHARE = 0.50
"""Keys end in 0 one time in ten; above this share a spreadsheet has rounded them."""

_RESEND = "correct the file and send it again; nothing of this one has been used."


def whole_file() -> tuple[Check, ...]:
    """The file is the file its contract describes, of its month, complete, and fully in ``raw``."""
    return (
        between(
            "missing_headers",
            maximum=0,
            severity="critical",
            description="every required header of the contract is in the file",
            label_zh="表头齐全",
            reason="a column that cannot be found would silently become empty for a whole county.",
            remedy="use the header names of the contract; " + _RESEND,
            defect="D17",
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
            "other_period",
            maximum=0,
            severity="critical",
            description="title and name of the file name no other month than the one it is sent"
            " for",
            label_zh="所属期一致",
            reason="last month's file sent again would undo a month of changes in every figure.",
            remedy="send the file of this month, or correct the month in its title or name.",
            defect="D19",
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
            defect="D20",
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
            remedy_zh="这是系统的问题，不是文件的问题：请与数据仓库管理员联系。",
        ),
        between(
            "rows_beyond_bounds",
            minimum=0,
            maximum=0,
            severity="critical",
            description="the number of rows lies within the bounds of the contract",
            label_zh="行数在合理范围内",
            reason="an empty snapshot would remove every household of the county, and one of ten"
            " times as many rows is another table.",
            remedy="export again; " + _RESEND,
            defect="D20",
        ),
    )


def defect(
    code: str | None,
    figure: str,
    what: str,
    label_zh: str,
    reason: str,
    *,
    limit: float = REJECT_SHARE,
    remedy_zh: str = "",
) -> tuple[Check, ...]:
    """Two expectations on one share: above ``limit`` rejects, anything above 0 is a warning.

    ``code`` is that of ref_defect for a single such row, or None where no code fits;
    ``remedy_zh`` says what the sender should do where the code does not.
    """
    critical = between(
        figure,
        id=f"{figure}_limit",
        maximum=limit,
        severity="critical",
        description=f"at most {limit:.0%} of the rows have {what}",
        label_zh=f"{label_zh}（超限）",
        reason=reason,
        remedy=_RESEND,
        defect=code,
        remedy_zh=remedy_zh,
    )
    return (
        critical,
        between(
            figure,
            maximum=0,
            severity="warning",
            description=f"no row has {what}",
            label_zh=label_zh,
            reason=reason,
            remedy="these rows are quarantined or told; correct them in the next file.",
            defect=code,
            remedy_zh=remedy_zh,
        ),
    )


def county_checks() -> tuple[Check, ...]:
    """The expectations every county kind has: complete, of this county, keys usable, usual size."""
    return (
        *whole_file(),
        *foreign_county(),
        *defect(
            "D02",
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
            defect="D02",
        ),
        *defect(
            "D24",
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "of rows given twice only the last is used, and it may be the wrong one.",
        ),
        *usual_rows(),
    )


def foreign_county() -> tuple[Check, ...]:
    """The expectations on the figure ``foreign_county_share``."""
    return defect(
        None,
        "foreign_county_share",
        "another county's name than the one that delivered",
        "县名与报送县一致",
        "rows filed under the wrong county would move households between scorecards.",
        limit=FOREIGN_SHARE,
        remedy_zh="请核对报送县，剔除外县的行后重新报送。",
    )


def register_checks() -> tuple[Check, ...]:
    """The expectations on every kind extracted from a department's system."""
    return (
        *whole_file(),
        *defect(
            "D02",
            "blank_key_share",
            "an empty key",
            "主键已填",
            "a row without its key cannot be replaced when the department corrects it.",
        ),
    )


def bad_id(what: str = "an ID number that fails length, date or check digit") -> tuple[Check, ...]:
    """The expectations on the figure ``bad_id_share``."""
    return defect(
        "D04",
        "bad_id_share",
        what,
        "证件号码有效",
        "a person without a valid ID cannot be found in the county's files.",
    )


def unparsable_amount() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_amount_share``."""
    return defect(
        "D13",
        "unparsable_amount_share",
        "an amount that cannot be read",
        "金额可识别",
        "an unread amount is missing from every sum.",
    )


def unparsable_day() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_day_share``."""
    return defect(
        "D14",
        "unparsable_day_share",
        "a day that cannot be read",
        "日期可识别",
        "what began or ended in the month is told by it.",
    )


def unparsable_time() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_time_share``."""
    return defect(
        "D14",
        "unparsable_time_share",
        "a date or time that cannot be read",
        "日期时间可识别",
        "the later version of a record is told from the earlier by it.",
    )


def unparsable_month() -> tuple[Check, ...]:
    """The expectations on the figure ``unparsable_month_share``."""
    return defect(
        "D14",
        "unparsable_month_share",
        "a month that cannot be read",
        "年月可识别",
        "whether a benefit ran in the month is decided by it.",
    )


def future(what: str) -> tuple[Check, ...]:
    """The expectations on the figure ``future_share``."""
    return defect(
        "D22",
        "future_share",
        f"{what} after the period",
        "日期不晚于数据期",
        "such rows belong to a later month: the extract may be of another period.",
    )


def undue(what: str) -> tuple[Check, ...]:
    """The expectations on the figure ``undue_share``."""
    return defect(
        "D22",
        "undue_share",
        f"{what} after the day of extraction",
        "日期不晚于接收日",
        "what has not happened yet was entered wrongly, and so may be what stands beside it.",
    )


def outside_city() -> tuple[Check, ...]:
    """The expectations on the figure ``outside_city_share``."""
    return defect(
        "D11",
        "outside_city_share",
        "a county code of another city",
        "县级代码属于本市",
        "rows of other cities would be counted in none of the eleven counties, or in a wrong one.",
    )
