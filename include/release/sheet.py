"""An extract as it leaves: heading, columns, lines of text and whole numbers, notes in Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from include.marts import columns_of
from include.release.anonymity import Anonymity, Generalised, generalised, of_mart, of_rows
from include.release.cube import CITY, Cube
from include.release.declared import Declared, Limits, Rows, Table, labels

HIDDEN = "*"
Cell = str | int


@dataclass(frozen=True)
class Sheet:
    """``texts`` is how many of the first columns are text and not figures."""

    title_zh: str
    header: list[str]
    lines: list[list[Cell]]
    texts: int
    notes: list[str]
    anonymity: list[Anonymity]

    @property
    def hidden(self) -> int:
        """How many figures are hidden."""
        return sum(cell == HIDDEN for line in self.lines for cell in line[self.texts :])


def of_table(
    connection: psycopg.Connection[Any],
    cube: Cube,
    hidden: set[tuple[str, str]],
    table: Table,
    said: Declared,
    limits: Limits,
) -> Sheet:
    """A table with its hidden figures marked; a figure that an area does not have is blank."""
    lines: list[list[Cell]] = []
    for area in cube.areas(table.level):
        cells: list[Cell] = [area, cube.names[area] if area != CITY else "全市（已公布县区）"]
        for name in table.columns:
            figure = cube.figures.get((area, name))
            is_hidden = (area, name) in hidden
            cells.append(HIDDEN if is_hidden else "" if figure is None else figure.amount)
        lines.append(cells)
    header = ["区划代码", "地区", *(said.category(name).label_zh for name in table.columns)]
    notes = [
        f"“{HIDDEN}”为隐去的数字：大于零而少于 {limits.limit} 的户数，少数几户占绝大部分的金额，"
        "以及为使其不能由合计、其他表、其他月份或其他版本推算而一并隐去的数字。",
        "零如实公布；空格表示该地区没有此项数字。金额为元，合计为各县取整后相加。",
        *_held_back(connection, cube.period),
    ]
    return Sheet(
        table.title_zh,
        header,
        lines,
        2,
        notes,
        [
            of_mart(connection, cube.period, mart, columns, limits.k)
            for mart, columns in table.reads.items()
        ],
    )


def of_persons(
    connection: psycopg.Connection[Any], period: str, rows: Rows, limits: Limits
) -> tuple[Sheet, Generalised]:
    """Rows of persons, generalised; without keys, and in an order that says nothing."""
    columns = [*rows.known, *rows.told]
    known = dict(columns_of(connection, "marts", rows.mart))
    assert set(columns) <= set(known)
    found = connection.execute(
        f"select {', '.join(columns)} from marts.{rows.mart} where period = %s".encode(), [period]
    ).fetchall()
    made = generalised(found, len(rows.known), limits.k)
    lines: list[list[Cell]] = [
        ["是" if cell is True else "否" if cell is False else cell or "" for cell in row]
        for row in made.rows
    ]
    notes = [
        f"每种组合（{'、'.join(labels(rows.mart)[c] for c in rows.known)}）至少 {limits.k} 人；"
        f"为此有 {made.blanked} 人的部分栏目留空，{made.left_out} 人未列入。",
        "不含姓名、证件号码、人员键和户键；行的顺序没有含义。不得与其他数据连接以识别个人。",
        *_held_back(connection, period),
    ]
    header = [labels(rows.mart)[column] for column in columns]
    anonymity = [
        of_mart(connection, period, rows.mart, tuple(columns), limits.k),
        of_rows(made.rows, rows, limits.k),
    ]
    return Sheet(rows.title_zh, header, lines, len(columns), notes, anonymity), made


def _held_back(connection: psycopg.Connection[Any], period: str) -> list[str]:
    names = [
        name
        for (name,) in connection.execute(
            "select county_name from marts.county_scorecard"
            " where period = %s and data_status <> 'published' order by county_code",
            [period],
        )
    ]
    return [f"本月数据未公布、不在表中的县区：{'、'.join(names)}。"] if names else []
