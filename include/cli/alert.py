"""``alert``: list risk alerts and record what became of them."""

from __future__ import annotations

import getpass
import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from include.alerts import Alert

_Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ALERT]...", help="Numbers, or keys or their first 12 digits."),
]
_Period = Annotated[str | None, typer.Option(help="Only of this month, YYYY-MM.")]
_County = Annotated[str | None, typer.Option(help="Only of this county, by code.")]
_Rule = Annotated[str | None, typer.Option(help="Only of this rule, such as R309.")]
_Severity = Annotated[str | None, typer.Option(help="Only notice, warning or urgent.")]
_Actor = Annotated[str | None, typer.Option(help="Who does it; your account by default.")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
_STYLES = {"urgent": "bold red", "warning": "yellow", "notice": ""}


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="List risk alerts and record what became of them."
    )
    commands.callback()(_commands)
    commands.command("list")(show)
    for command in (dispatch, check, close):
        commands.command()(command)
    app.add_typer(commands, name="alert")


def _commands() -> None:
    """List risk alerts and record what became of them.

    raised → dispatched → checked (with a result) → closed. Nothing printed here names or values a
    person; the next build of the month shows the steps in marts.risk_alert. What counties answer in
    their clue registers counts too.
    """


def show(
    period: _Period = None,
    county: _County = None,
    rule: _Rule = None,
    severity: _Severity = None,
    state: Annotated[
        str | None, typer.Option(help="Only raised, dispatched, checked or closed.")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Only those that the county's month before had not.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Lines of the table; JSON has all.")] = 50,
    as_json: _Json = False,
) -> None:
    """List published alerts as they stand now."""
    from include.alerts import Filter, listed

    alerts = listed(Filter(period, county, rule, severity, state, new))
    if as_json:
        print(json.dumps([asdict(alert) for alert in alerts], ensure_ascii=False, indent=1))
        return
    console = Console()
    console.print(_table(alerts[:limit]))
    counted = Counter(alert.state for alert in alerts)
    console.print(
        f"{len(alerts):,} alerts"
        + (": " + ", ".join(f"{n:,} {name}" for name, n in counted.items()) if alerts else "")
        + (f"; the first {limit} are shown" if len(alerts) > limit else "")
    )


def dispatch(
    keys: _Keys = None,
    period: _Period = None,
    county: _County = None,
    rule: _Rule = None,
    severity: _Severity = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Record that alerts went to their townships: those named, or all raised ones of a month."""
    _advance(keys, (period, county, rule, severity), "dispatched", actor, as_json)


def check(
    keys: _Keys = None,
    result: Annotated[str, typer.Option(help="included, not_included or already_monitored.")] = "",
    reason: Annotated[
        str | None, typer.Option(help="Why not included: a code of ref_alert_code.")
    ] = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Record what the check at the door of dispatched alerts found."""
    _advance(keys, (None, None, None, None), "checked", actor, as_json, result, reason)


def close(
    keys: _Keys = None,
    period: _Period = None,
    county: _County = None,
    rule: _Rule = None,
    severity: _Severity = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Close checked alerts: those named, or all checked ones of a month."""
    _advance(keys, (period, county, rule, severity), "closed", actor, as_json)


def _advance(
    keys: list[str] | None,
    which: tuple[str | None, str | None, str | None, str | None],
    state: str,
    actor: str | None,
    as_json: bool,
    result: str | None = None,
    reason: str | None = None,
) -> None:
    from include.alerts import AlertRefused, Filter, advance

    period = which[0]
    if bool(keys) == any(which) or (not keys and not period):
        raise AlertRefused(
            "Either alerts or a month must be named, and not both.",
            remedy="give numbers as `alert list` shows them"
            + ("." if state == "checked" else ", or --period with further filters."),
        )
    done = advance(keys or [], Filter(*which), state, actor or getpass.getuser(), result, reason)
    if as_json:
        print(json.dumps([asdict(alert) for alert in done], ensure_ascii=False, indent=1))
    else:
        Console().print(f"{len(done):,} alert{'' if len(done) == 1 else 's'} now {state}.")


def _table(alerts: list[Alert]) -> Table:
    from include.alerts import codes

    results, reasons = codes("result"), codes("reason")
    table = Table(box=None, pad_edge=False)
    for heading in (
        "alert",
        "month",
        "since",
        "rule",
        "",
        "severity",
        "county",
        "township",
        "state",
        "",
    ):
        table.add_column(heading)
    for alert in alerts:
        outcome = results.get(alert.result or "", "")
        if alert.reason:
            outcome += f"（{reasons.get(alert.reason, alert.reason)}）"
        table.add_row(
            alert.alert_no,
            alert.period,
            alert.since,
            alert.rule_code,
            alert.rule_name_zh,
            f"[{_STYLES[alert.severity]}]{alert.severity}[/]"
            if _STYLES.get(alert.severity)
            else alert.severity,
            alert.county_code,
            alert.township_code or "",
            alert.state,
            outcome,
        )
    return table
