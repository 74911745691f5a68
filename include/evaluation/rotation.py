"""Whether a rotation of the person keys changes any figure, in what is published and in what is
built anew under the new keys.

Keys themselves must change. So every mart is measured with each key replaced by what it is the key
of: the identifier, the row without a usable one, or the alert's rule, subject and month. Two
measurements are equal where the rows are, whatever their keys are called and however they sort.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include import kept
from include.build import DBT_PROJECT
from include.database import OWNER, connect
from include.errors import WarehouseError
from include.marts import Mart, published_marts
from include.vault import months, rotation
from include.vault.exchange import words
from include.vault.places import keys, places
from include.vault.rekeyed import alert_tables

Measured = dict[tuple[str, int, str], dict[str, Any]]
"""(month, publication that shows the rows in the archive or 0, mart) -> column -> sum of hashes.
``*`` is the whole row, ``rows`` their number."""
Tell = Callable[[str], None]


class NothingPublished(WarehouseError):
    """There is no month whose figures could change."""


@dataclass(frozen=True)
class Difference:
    """A mart of a version that is not what it was; ``columns`` whose values differ."""

    period: str
    publication_id: int
    mart: str
    rows_before: int
    rows_after: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """``rotated`` are differences by the rotation, ``rebuilt`` those by building the months anew.

    ``brought_up`` are months that other code had published and that were built again first;
    ``republished`` those whose build under the new keys was not found unchanged.
    """

    periods: tuple[str, ...]
    versions: int
    marts: int
    rows: int
    rekeyed_rows: int
    rotation_s: float
    brought_up: tuple[str, ...]
    rotated: tuple[Difference, ...]
    rebuilt: tuple[Difference, ...]
    republished: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """No figure changed."""
        return not (self.rotated or self.rebuilt or self.republished)


def evaluate(
    periods: list[str], build: Callable[[list[str]], object], rebuild: bool = True,
    tell: Tell = lambda _: None,
) -> Verdict:  # fmt: skip
    """Rotate the keys of the current warehouse and compare; ``build`` builds and publishes months.

    All published months are compared, ``periods`` are built again. Raises NothingPublished.
    """
    shown = _published(periods)
    if not shown:
        raise NothingPublished(
            "none of these months is published.",
            remedy="name months that are, or leave --keep out.",
        )
    old_code = [period for period in shown if rebuild and not _is_todays(period)]
    if old_code:
        build(old_code)
    tell("every figure is measured")
    before = measure()
    began = time.monotonic()
    done = rotation.start("evaluation", "does it change a figure?", tell)
    seconds = time.monotonic() - began
    tell("every figure is measured again")
    after = measure()
    with connect(OWNER) as connection:
        months.demand_untouched(connection)  # the log knows the rows as they are now
    rebuilt: tuple[Difference, ...] = ()
    republished: tuple[str, ...] = ()
    if rebuild:
        versions = _versions()
        build(shown)
        tell("and once more")
        rebuilt = tuple(differences(before, measure(), shown_only=True))
        republished = tuple(
            period for period, version in sorted(_versions().items())
            if versions.get(period) != version
        )  # fmt: skip
    return Verdict(
        tuple(shown),
        len({(period, shown_by) for period, shown_by, _ in before}),
        len({mart for *_, mart in before}),
        sum(found["rows"] for found in before.values()),
        done.rows,
        seconds,
        tuple(old_code),
        tuple(differences(before, after)),
        rebuilt,
        republished,
    )


def differences(
    before: Measured, after: Measured, shown_only: bool = False
) -> Iterable[Difference]:
    """What two measurements do not agree on; of what is shown alone, or of archived rows too."""
    for place in sorted(before.keys() | after.keys()):
        if shown_only and place[1]:
            continue
        one, other = before.get(place, {"rows": 0}), after.get(place, {"rows": 0})
        if one != other:
            columns = sorted(
                name for name in one.keys() | other.keys()
                if name not in ("*", "rows") and one.get(name) != other.get(name)
            )  # fmt: skip
            yield Difference(*place, one["rows"], other["rows"], tuple(columns))


def measure() -> Measured:
    """Every mart of every published month, shown and archived, by what its keys are keys of."""
    with connect(OWNER) as connection:
        _name_keys(connection)
        found: Measured = {}
        bearing: dict[tuple[str, str], dict[str, str]] = {}
        for place in keys(places(connection)):
            bearing.setdefault((place.schema, place.table), {})[place.column] = place.shape
        for mart in published_marts(connection):
            for schema in ("marts", "archive"):
                found |= _measure(connection, schema, mart, bearing.get((schema, mart.name), {}))
        return found


def _name_keys(connection: psycopg.Connection[Any]) -> None:
    """Key -> what it is the key of, as names that no secret has to do with."""
    connection.execute(
        "create temporary table identity (key text primary key, said text) on commit drop"
    )
    connection.execute(
        "insert into identity select key, kind || ':' || value from vault.identifier"
        " on conflict do nothing"
    )
    connection.execute(
        "insert into identity select subject_key,"
        " min(concat_ws('/', delivery_id, row_no, column_name) collate \"C\")"
        " from vault.person_link group by subject_key on conflict do nothing"
    )
    for table in alert_tables(connection):
        connection.execute(
            sql.SQL(
                "insert into identity select distinct on (called.name) called.name,"
                " concat_ws('/', called.kind, a.period, a.rule_code, a.subject, i.said)"
                " from {} as a inner join identity as i on i.key = case a.subject"
                " when 'person' then a.person_key else a.household_key end"
                " cross join lateral (values ('key', a.alert_key), ('no', a.alert_no))"
                " as called (kind, name) order by called.name, 2 on conflict do nothing"
            ).format(table)
        )
    connection.execute("analyze identity")


def _measure(
    connection: psycopg.Connection[Any], schema: str, mart: Mart, bearing: dict[str, str]
) -> Measured:
    names = list(mart.content_columns)
    said = {name: _said(name, bearing.get(name)) for name in names}
    grain = sql.SQL(", ").join(said[name] for name in mart.grain)
    hashed = [sql.SQL("row({})").format(sql.SQL(", ").join(said.values()))] + [
        sql.SQL("row({}, {})").format(grain, said[name]) for name in names
    ]
    rows = connection.execute(
        sql.SQL(
            "select m.period, {shown_by}, count(*), {sums} from {table} as m {joins} group by 1, 2"
        ).format(
            shown_by=sql.SQL("m.publication_id" if schema == "archive" else "0"),
            sums=sql.SQL(", ").join(
                sql.SQL("sum(hashtextextended({}::text, 431)::numeric)").format(one)
                for one in hashed
            ),
            table=sql.Identifier(schema, mart.name),
            joins=sql.SQL(" ").join(
                sql.SQL("left join identity as {i} on m.{name} = {i}.key").format(
                    i=sql.Identifier(f"i_{name}"), name=sql.Identifier(name)
                )
                for name in names
                if bearing.get(name) == "text"
            ),
        )
    ).fetchall()
    return {
        (period, shown_by, mart.name): dict(zip(("rows", "*", *names), sums, strict=True))
        for period, shown_by, *sums in rows
    }


def _said(name: str, shape: str | None) -> sql.Composed:
    """A column's cell with its keys replaced."""
    cell = sql.Identifier("m", name)
    if shape == "text":
        return sql.SQL("coalesce({}.said, {})").format(sql.Identifier(f"i_{name}"), cell)
    if shape:
        return words(cell, sql.SQL("select said from identity where key = part.token[1]"))
    return sql.Composed([cell])


def _published(periods: list[str]) -> list[str]:
    return [period for period in sorted(_versions()) if period in periods]


def _versions() -> dict[str, int]:
    with connect(OWNER) as connection:
        return dict(
            connection.execute(
                "select period, max(version) from ops.publication where state = 'published'"
                " group by 1"
            ).fetchall()
        )


def _is_todays(period: str) -> bool:
    """What is shown of the month was built by the dbt project as it is."""
    with connect(OWNER) as connection:
        ran = connection.execute(
            "select b.code_sha256, b.seeds_sha256, b.linkage_sha256 from ops.publication as p"
            " inner join ops.build as b using (build_id) where p.period = %s"
            " and p.state in ('published', 'unchanged') order by p.publication_id desc limit 1",
            [period],
        ).fetchone()
    return ran == (
        kept.digest("code", DBT_PROJECT),
        kept.digest("seeds", DBT_PROJECT),
        kept.linkage_sha256(),
    )
