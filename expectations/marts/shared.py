"""What the suites of the marts share. Suites read one month's candidate, through ``judged``."""

from __future__ import annotations

from expectations.check import Check, Severity, no_rows

REBUILD = "correct the model or its input and build the month again."

# Words of a column name that would be a person's; names of areas and types are not.
_IDENTIFIER = (
    "(^|_)(id_no|idno|cert_no|certno|psn_no|household_no|person_no|head_name|psn_name|phone|mobile"
    "|address|bank|bank_no|birth_date|dise_code|dise_name)(_|$)|^name$"
)

# Digits of a hash can look like anything, so hashes are masked; what is in a column of keys must be
# one, which is an expectation of its own. The version of the seeds is the beginning of one, and so
# is what ends an alert's number.
_HASH = "[0-9a-f]{{64}}"
_ALERT_NO = "YJ[0-9]{{6}}[0-9A-F]{{12}}"
_WITHOUT_HASHES = (
    "regexp_replace((to_jsonb(j) - 'seeds_version')::text,"
    f" '(?<![0-9A-Za-z])({_HASH}|{_ALERT_NO})(?![0-9A-Za-z])', '', 'g')"
)


def identity(
    id: str,
    condition: str,
    *,
    description: str,
    label_zh: str,
    reason: str,
    remedy: str = REBUILD,
    severity: Severity = "critical",
) -> Check:
    """``condition`` holds in no row; a null condition counts as not holding."""
    return no_rows(
        id,
        f"select row_key from judged where {condition}",
        severity=severity,
        description=description,
        label_zh=label_zh,
        reason=reason,
        remedy=remedy,
    )


def has_rows(what: str) -> Check:
    """The table is not empty: every other expectation would hold on nothing."""
    return Check(
        id="has_rows",
        expectation="ExpectTableRowCountToBeBetween",
        severity="critical",
        description=f"there is at least one {what}",
        label_zh="表不为空",
        reason="an empty table meets every other expectation.",
        remedy=REBUILD,
        arguments={"min_value": 1},
    )


def key(column: str) -> tuple[Check, ...]:
    """``column`` is filled and unique within the judged month."""
    return (
        Check(
            id=f"{column}_filled",
            expectation="ExpectColumnValuesToNotBeNull",
            severity="critical",
            description=f"{column} is filled in every row",
            label_zh="主键非空",
            reason="a row without its key can neither be found nor compared with next month's.",
            remedy=REBUILD,
            arguments={"column": column},
        ),
        Check(
            id=f"{column}_unique",
            expectation="ExpectColumnValuesToBeUnique",
            severity="critical",
            description=f"{column} is in no two rows",
            label_zh="主键唯一",
            reason="a row given twice is counted twice.",
            remedy=REBUILD,
            arguments={"column": column},
        ),
    )


def one_period(period: str) -> Check:
    """All rows are of the month being built."""
    return identity(
        "one_period",
        f"period is distinct from '{period}'",
        description=f"every row is of {period}",
        label_zh="只含本期数据",
        reason="publishing replaces exactly one month.",
    )


def keys_are_hashes(*columns: str) -> Check:
    """What is filled of ``columns`` is a keyed hash, or two with a colon between them."""
    return identity(
        "keys_are_hashes",
        " or ".join(
            # Counted repetitions of a whole hash cost ten times as much.
            f"length({column}) not in (64, 129) or {column} !~ '^[0-9a-f]+(:[0-9a-f]+)?$'"
            for column in columns
        ),
        description=f"{', '.join(columns)}: keyed hashes and no numbers of a person or household",
        label_zh="主键为加密散列",
        reason="a number leads back to the person in every other system.",
    )


def no_identifiers(mart: str) -> tuple[Check, ...]:
    """Neither a column nor a cell of the mart identifies a person directly."""
    return (
        no_rows(
            "no_identifier_columns",
            "select c.column_name as row_key from information_schema.columns as c"
            f" where c.table_schema = 'candidate' and c.table_name = '{mart}'"
            f" and c.column_name ~ '{_IDENTIFIER}'",
            description="no column is a name, ID, phone, address, account or diagnosis",
            label_zh="无直接标识字段",
            reason="marts are read by everyone with a dashboard.",
            remedy="remove the column from the model.",
        ),
        no_rows(
            "no_identifier_values",
            # Few rows hold such digits at all; only they are looked at closely.
            "select j.row_key from judged as j"
            r" where j::text ~ '(1[3-9]|[1-9]\d{{5}}(18|19|20))\d{{9}}'"
            f" and {_WITHOUT_HASHES}"
            r" ~ '(?<![\d.])([1-9]\d{{5}}(18|19|20)\d{{9}}[\dXx]|1[3-9]\d{{9}})(?!\d)'",
            description="no cell looks like a resident ID or a mobile number",
            label_zh="无疑似证件号或手机号",
            reason="free text carried along from a source can hold what its header does not say.",
            remedy="find the column by its model and leave the text out.",
        ),
    )


def steady_volume(mart: str) -> Check:
    """Rows per county are within half of the previous published month's."""
    return no_rows(
        "steady_volume",
        "select p.county_code as row_key from quality.published_before as p"
        " left join (select county_code, count(*) as n from judged group by county_code) as c"
        " using (county_code)"
        f" where p.mart = '{mart}' and c.n is not null"
        " and c.n not between 0.5 * p.rows and 1.5 * p.rows",
        severity="warning",
        description="rows per county are within half of the previous published month's",
        label_zh="各县行数与上期相近",
        reason="a county that halves from one month to the next has lost rows, not people.",
        remedy="compare the county's deliveries of the two months.",
    )
