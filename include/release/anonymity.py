"""How far the rows of an extract hide a person: k-anonymity, l-diversity, by column classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.release.declared import Rows, classes

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Anonymity:
    """Of the groups of rows that are alike in all ``quasi`` columns: ``k`` is the size of the
    smallest (0 without rows), ``unique`` those of one row. ``diversity`` is, for each sensitive
    column, the fewest different values in one group."""

    of: str
    quasi: tuple[str, ...]
    rows: int
    groups: int
    k: int
    unique: int
    below_k: int
    diversity: dict[str, int]


@dataclass(frozen=True)
class Generalised:
    """Rows in which each combination is that of k persons; ``left_out`` were no such rows."""

    rows: list[Row]
    left_out: int
    blanked: int


def of_mart(
    connection: psycopg.Connection[Any], period: str, mart: str, columns: tuple[str, ...], k: int
) -> Anonymity:
    """Of a month's rows of a mart, by the classes of the columns that an extract reads."""
    quasi = tuple(c for c in columns if classes(mart)[c] == "quasi")
    sensitive = tuple(c for c in columns if classes(mart)[c] == "sensitive")
    groups = connection.execute(
        sql.SQL(
            "select count(*)::integer {distinct} from {mart} where period = {period} {by}"
        ).format(
            distinct=sql.SQL("").join(
                sql.SQL(", (count(distinct {c}) + max(({c} is null)::integer))::integer").format(
                    c=sql.Identifier(column)
                )
                for column in sensitive
            ),
            mart=sql.Identifier("marts", mart),
            period=sql.Literal(period),
            by=sql.SQL("group by {}").format(sql.SQL(", ").join(map(sql.Identifier, quasi)))
            if quasi
            else sql.SQL("having count(*) > 0"),
        )
    ).fetchall()
    return _report(mart, quasi, sensitive, groups, k)


def of_rows(rows: list[Row], said: Rows, k: int) -> Anonymity:
    """Of rows as they leave: the ``known`` columns first, then those ``told``."""
    grouped: dict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[: len(said.known)]].append(row[len(said.known) :])
    groups = [
        (len(group), *(len({row[n] for row in group}) for n in range(len(said.told))))
        for group in grouped.values()
    ]
    return _report(said.name, said.known, said.told, groups, k)


def generalised(rows: list[Row], known: int, k: int) -> Generalised:
    """Blank columns, from the last of the first ``known`` backwards, until each combination is
    that of k rows; rows for which even the first column alone does not do are left out.

    A combination in which all have what a told column says (true) does not do either: whoever
    knows that a person is among them would know it of him.
    """
    done: list[Row] = []
    blanked = 0
    rest = rows
    for width in range(known, 0, -1):
        shaped = [(*row[:width], *(None,) * (known - width), *row[known:]) for row in rest]
        sizes = Counter(row[:known] for row in shaped)
        all_true: dict[Row, list[bool]] = {}
        for row in shaped:
            so_far = all_true.setdefault(row[:known], [True] * (len(row) - known))
            all_true[row[:known]] = [
                a and b is True for a, b in zip(so_far, row[known:], strict=True)
            ]
        will_do = {each for each, size in sizes.items() if size >= k and not any(all_true[each])}
        taken = [row for row in shaped if row[:known] in will_do]
        blanked += len(taken) if width < known else 0
        done += taken
        rest = [row for row, each in zip(rest, shaped, strict=True) if each[:known] not in will_do]
    # In the order of what they say: none of the order they were stored in is left.
    done.sort(key=lambda row: tuple((value is not None, str(value)) for value in row))
    return Generalised(done, len(rest), blanked)


def _report(
    of: str, quasi: tuple[str, ...], sensitive: tuple[str, ...], groups: list[Row], k: int
) -> Anonymity:
    sizes = [group[0] for group in groups]
    return Anonymity(
        of,
        quasi,
        sum(sizes),
        len(sizes),
        min(sizes, default=0),
        sum(size == 1 for size in sizes),
        sum(size < k for size in sizes),
        {
            column: min((group[n] for group in groups), default=0)
            for n, column in enumerate(sensitive, start=1)
        },
    )
