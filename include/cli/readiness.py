"""``readiness``: what has come for each month, what its gates say, and an operator's word."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from include.errors import GoAheadRefused
from include.months import demand_month, is_month

if TYPE_CHECKING:
    from include.readiness import Readiness

_STYLES = {"complete": "green", "deadline": "green", "operator": "cyan", "incomplete": "yellow"}
_SOURCES = ("county", "civil_affairs", "health_insurance")
_Period = Annotated[str | None, typer.Option(help="Only this month, YYYY-MM.")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="What has come for each month, and what its gates say."
    )
    commands.callback()(_commands)
    commands.command("show")(show)
    commands.command("go-ahead")(go_ahead)
    commands.command("notices")(notices)
    app.add_typer(commands, name="readiness")


def _commands() -> None:
    """What has come for each month, what its gates say, and an operator's word.

    A month is built when everything has been judged, or when the deadline has passed; both times
    at least the minimum must be usable (seed ref_readiness).
    """


def show(
    period: _Period = None,
    limit: Annotated[int, typer.Option(min=1, help="Latest months to show.")] = 12,
    as_json: _Json = False,
) -> None:
    """Show per month and source what has come, what lacks, since when, and what the gate says."""
    from include.database import connect
    from include.readiness import SOURCES, assess, known_months

    if period is not None:
        demand_month(period)
    now = datetime.now(UTC)
    with connect() as connection:
        periods = [period] if period else known_months(connection)[-limit:]
        found = [assess(connection, month, source, now) for month in periods for source in SOURCES]
        built = dict(
            connection.execute(
                "select distinct on (period) period, state || ' ' || to_char(published_at at time"
                " zone 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI') from ops.publication"
                " order by period, publication_id desc"
            ).fetchall()
        )
    if as_json:
        lines = [_as_dict(gate) | {"last_build": built.get(gate.period)} for gate in found]
        print(json.dumps(lines, ensure_ascii=False, indent=1))
        return
    console = Console()
    if not found:
        console.print("Nothing has been delivered yet.")
        return
    console.print(_table(found, built))
    for gate in found:
        for line in _lacking(gate):
            console.print(f"{gate.period} {gate.source} {line}", soft_wrap=True, highlight=False)


def go_ahead(
    period: Annotated[str, typer.Argument(help="The month, YYYY-MM.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept on record.")],
    source: Annotated[
        str | None, typer.Option(help="Only this source's gate; all three by default.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Who says so; your account by default.")] = None,
) -> None:
    """Have a month built with what has come; who has not delivered is held back.

    The next look at the drops (at most WAREHOUSE_WATCH_MINUTES from now) starts the build. What
    comes later builds the month again by itself.
    """
    from include.readiness import SOURCES, ask, record_go_ahead

    if not is_month(period):
        raise GoAheadRefused(f"{period!r} is no month.", remedy="write it as 2026-01.")
    if not reason.strip():
        raise GoAheadRefused("the reason is empty.", remedy='say why, as in --reason "…".')
    if source is not None and source not in _SOURCES:
        raise GoAheadRefused(
            f"there is no source {source!r}.", remedy=f"choose among {', '.join(_SOURCES)}."
        )
    before = {each: ask(period, each) for each in SOURCES}
    if all(before[each].is_open for each in SOURCES if source in (None, each)):
        raise GoAheadRefused(
            f"nothing of {period} waits.", remedy="see ./warehouse readiness show."
        )
    record_go_ahead(period, source, reason, actor or getpass.getuser())
    console = Console()
    for each in SOURCES:
        console.print(ask(period, each).sentence, soft_wrap=True)


def notices(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show what people were told, newest first: rejections, blocks, lateness, failed tasks."""
    from include.notices import recorded

    found = recorded(limit)
    if as_json:
        print(
            json.dumps(
                found, ensure_ascii=False, indent=1, default=lambda moment: moment.isoformat()
            )
        )
        return
    console = Console()
    if not found:
        console.print("Nobody had to be told anything.")
    for notice in found:
        state = f"over {_beijing(notice['over_at'])}" if notice["over_at"] else "lasts"
        told = [name for name in ("webhook", "email") if notice[f"{name}_at"]]
        console.print(
            Text.assemble(
                (f"{_beijing(notice['noticed_at'])} {notice['kind']}", "bold"),
                f" ({state}; told by {' and '.join(told) or 'nobody'})\n{notice['what']}\n",
                ("What to do: ", "bold"),
                notice["remedy"],
            ),
            soft_wrap=True,
        )


def _table(found: list[Readiness], built: dict[str, str]) -> Table:
    table = Table(title="Readiness", title_justify="left")
    for heading in ("month", "source", "usable", "gate", "last build"):
        table.add_column(heading)
    last = None
    for gate in found:
        if last not in (None, gate.period):
            table.add_section()
        table.add_row(
            gate.period if gate.period != last else "",
            gate.source,
            f"{len(gate.usable)} of {len(gate.units)} (≥ {gate.minimum})",
            Text(gate.because.replace("_", " "), _STYLES.get(gate.because, "bold red")),
            built.get(gate.period, "") if gate.period != last else "",
        )
        last = gate.period
    return table


def _lacking(gate: Readiness) -> list[str]:
    """A line for all units that lack the same: rejected since the verdict, missing since due."""
    lines: dict[str, list[str]] = {}
    for unit in gate.units:
        found = [a for a in gate.arrivals if unit in (a.county_code, a.kind)]
        rejected = [a for a in found if a.state == "rejected"]
        missing = [a for a in found if a.state in ("missing", "not_judged")]
        if rejected:
            since = max(a.since for a in rejected if a.since)
            lines.setdefault(f"{_kinds(rejected)} rejected {_beijing(since)}", []).append(unit)
        if missing:
            whole = len(missing) == len(found)
            what = "everything" if whole else _kinds(missing)
            lines.setdefault(f"{what} missing, due {_beijing(gate.deadline)}", []).append(unit)
    return [f"{', '.join(units)}: {words}" for words, units in lines.items()]


def _kinds(found: list[Any]) -> str:
    titles = [a.title_zh for a in found]
    return "、".join(titles[:3]) + (f" +{len(titles) - 3}" if len(titles) > 3 else "")


def _beijing(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('Asia/Shanghai')):%m-%d %H:%M}"


def _as_dict(gate: Readiness) -> dict[str, Any]:
    line = asdict(gate) | {"is_open": gate.is_open, "held_back": gate.held_back}
    line["deadline"] = gate.deadline.isoformat()
    for arrival in line["arrivals"]:
        arrival["since"] = arrival["since"] and arrival["since"].isoformat()
    return line
