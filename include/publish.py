"""Publish an audited month: all marts of schema ``candidate`` in one transaction.

Readers of ``marts`` see the month as it was or as it is, never a mixture. What it replaces moves
to ``archive``; ``ops.publication`` says what was published from which deliveries.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from include.database import connect
from include.errors import GateBlocked
from include.locks import demand_candidate, working_schemas
from include.marts import Mart, candidate_marts, columns_of, content

PUBLISH_LOCK = 431001
"""Advisory lock of the publisher: one publication at a time."""
READERS = "bi_reader"


def publish(build_id: int) -> int:
    """Publish the build's candidate; returns ``ops.publication``'s id.

    Where the marts already hold exactly these rows nothing is touched and the publication's state
    is ``unchanged``. Raises GateBlocked, leaving everything as it was, where the gate did not
    pass, the candidate changed after it or is another period's, or a mart's columns changed;
    CandidateReplaced where the candidate is another build's by now.
    """
    with working_schemas(build_id), connect() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
        period, audited = _passed(connection, build_id)
        demand_candidate(build_id)
        marts = candidate_marts(connection)
        for mart in marts:
            _is_lockable(connection, mart)
        found = {mart.name: content(connection, "candidate", mart, period) for mart in marts}
        _is_what_the_gate_saw(connection, marts, period, audited, found)
        current = connection.execute(
            "select publication_id, version, marts from ops.publication"
            " where period = %s and state = 'published' order by version desc limit 1",
            [period],
        ).fetchone()
        for mart in marts:
            _prepare(connection, mart)
        published = {mart.name: content(connection, "marts", mart, period) for mart in marts}
        if current and published == found:
            return _log(connection, build_id, period, current[1], "unchanged", found)
        if current and (gone := sorted(set(current[2]) - set(found))):
            raise GateBlocked(
                f"is published but no longer built: {', '.join(gone)}.",
                remedy="take the mart out of schema marts on purpose, then publish again.",
                file="marts",
            )
        if not current and any(entry["rows"] for entry in published.values()):
            raise GateBlocked(
                f"marts already holds rows of {period} that no publication accounts for.",
                remedy="find out who wrote them; the publisher is the only writer of marts.",
            )
        for mart in marts:
            if current:
                _archive(connection, mart, period, current[0])
            _insert(connection, mart)
        version = current[1] + 1 if current else 1
        return _log(connection, build_id, period, version, "published", found)


def next_version(connection: psycopg.Connection[Any], period: str) -> int:
    """The version the next publication of ``period`` gets; versions begin at 1."""
    row = connection.execute(
        "select coalesce(max(version), 0) + 1 from ops.publication"
        " where period = %s and state = 'published'",
        [period],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _passed(connection: psycopg.Connection[Any], build_id: int) -> tuple[str, dict[str, Any]]:
    row = connection.execute(
        "select b.period, b.candidate, count(g.*),"
        " count(*) filter (where g.severity = 'critical' and not g.success)"
        " from ops.build as b left join ops.gate_result as g using (build_id)"
        " where b.build_id = %s group by b.build_id",
        [build_id],
    ).fetchone()
    if row is None:
        raise GateBlocked(
            f"build {build_id} does not exist.", remedy="open a build, run dbt and its gate first."
        )
    period, audited, results, failed = row
    if not results or audited is None:
        raise GateBlocked(
            f"build {build_id} of {period} has not passed its gate: no results are recorded.",
            remedy="run the gate of this build first.",
        )
    if failed:
        raise GateBlocked(
            f"build {build_id} of {period} failed {failed} critical expectation(s) of its gate.",
            remedy="see ops.gate_result or Data Docs, correct the cause and build again.",
        )
    return period, audited


def _is_lockable(connection: psycopg.Connection[Any], mart: Mart) -> None:
    """Keep writers off the candidate until the transaction ends; readers are not disturbed."""
    connection.execute(
        sql.SQL("lock table {} in share mode").format(sql.Identifier("candidate", mart.name))
    )


def _is_what_the_gate_saw(
    connection: psycopg.Connection[Any],
    marts: tuple[Mart, ...],
    period: str,
    audited: dict[str, Any],
    found: dict[str, Any],
) -> None:
    for mart in marts:
        others = connection.execute(
            sql.SQL("select count(*) from {} where period is distinct from %s").format(
                sql.Identifier("candidate", mart.name)
            ),
            [period],
        ).fetchone()
        assert others is not None
        if others[0]:
            raise GateBlocked(
                f"holds {others[0]} rows of other periods than {period}, the build's.",
                remedy=f"build {period} again, then run its gate and publish.",
                file=f"candidate.{mart.name}",
            )
    changed = sorted(
        name for name in audited.keys() | found.keys() if audited.get(name) != found.get(name)
    )
    if changed:
        raise GateBlocked(
            f"changed after the gate: {', '.join(changed)}.",
            remedy=f"run the gate of {period} again; only what it saw is published.",
            file="candidate",
        )


def _prepare(connection: psycopg.Connection[Any], mart: Mart) -> None:
    """Make marts.<mart> and archive.<mart> on first use; refuse where columns differ."""
    published = columns_of(connection, "marts", mart.name)
    if not published:
        _create(connection, mart)
    elif published != mart.columns:
        before, now = set(published), set(mart.columns)
        words = [
            f"{label} {', '.join(f'{name} {kind}' for name, kind in sorted(columns))}"
            for label, columns in (("new:", now - before), ("gone:", before - now))
            if columns
        ] or ["the columns are in another order"]
        raise GateBlocked(
            f"has other columns than its candidate ({'; '.join(words)}).",
            remedy="change marts and archive by a migration in include/migrations, then publish.",
            file=f"marts.{mart.name}",
        )
    readers = connection.execute("select 1 from pg_roles where rolname = %s", [READERS]).fetchone()
    if readers:
        connection.execute(
            sql.SQL(
                "grant usage on schema marts to {role}; grant select on {table} to {role}"
            ).format(role=sql.Identifier(READERS), table=sql.Identifier("marts", mart.name))
        )


def _create(connection: psycopg.Connection[Any], mart: Mart) -> None:
    """Tables like the candidate, with its comments, keyed by its grain."""
    candidate = sql.Identifier("candidate", mart.name)
    comment = connection.execute(
        "select obj_description(to_regclass(%s), 'pg_class')", [f"candidate.{mart.name}"]
    ).fetchone()
    for schema, extra in (("marts", sql.SQL("")), ("archive", sql.SQL("publication_id bigint, "))):
        table = sql.Identifier(schema, mart.name)
        grain = list(mart.grain) if schema == "marts" else ["publication_id", *mart.grain]
        connection.execute(
            sql.SQL(
                "create table {table} ({extra}like {candidate} including comments"
                " including constraints including storage, primary key ({grain}))"
            ).format(
                table=table,
                extra=extra,
                candidate=candidate,
                grain=sql.SQL(", ").join(map(sql.Identifier, grain)),
            )
        )
        if comment and comment[0]:
            connection.execute(
                sql.SQL("comment on table {} is {}").format(table, sql.Literal(comment[0]))
            )


def _archive(
    connection: psycopg.Connection[Any], mart: Mart, period: str, publication_id: int
) -> None:
    connection.execute(
        sql.SQL(
            "with moved as (delete from {marts} where period = %s returning *)"
            " insert into {archive} (publication_id, {columns}) select %s, {columns} from moved"
        ).format(
            marts=sql.Identifier("marts", mart.name),
            archive=sql.Identifier("archive", mart.name),
            columns=_names(mart),
        ),
        [period, publication_id],
    )


def _insert(connection: psycopg.Connection[Any], mart: Mart) -> None:
    connection.execute(
        sql.SQL("insert into {marts} ({columns}) select {columns} from {candidate}").format(
            marts=sql.Identifier("marts", mart.name),
            candidate=sql.Identifier("candidate", mart.name),
            columns=_names(mart),
        )
    )


def _names(mart: Mart) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name, _ in mart.columns)


def _log(
    connection: psycopg.Connection[Any],
    build_id: int,
    period: str,
    version: int,
    state: str,
    marts: dict[str, Any],
) -> int:
    row = connection.execute(
        "insert into ops.publication (period, version, build_id, state, deliveries, marts)"
        " select b.period, %s, b.build_id, %s, array(select a.delivery_id"
        " from ops.accepted_delivery as a where a.period <= b.period and a.known_at <= b.known_at"
        " order by a.delivery_id), %s from ops.build as b where b.build_id = %s"
        " returning publication_id",
        [version, state, Jsonb(marts), build_id],
    ).fetchone()
    assert row is not None
    return int(row[0])
