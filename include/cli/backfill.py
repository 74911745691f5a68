"""``backfill``: build past months again through Airflow's backfill; ``backfills``: the record."""

from __future__ import annotations

import getpass
import json
import time
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from include.errors import BackfillRefused, WarehouseError

if TYPE_CHECKING:
    from include.airflow_api import Airflow
    from include.backfill.plan import Plan
    from include.backfill.record import Record
    from include.backfill.request import Request

_POLL_S = 2.0
_STYLES = {"done": "green", "failed": "bold red", "refused": "red"}
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    app.command()(backfill)
    app.command()(backfills)


def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="First month, YYYY-MM.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last month, YYYY-MM.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept on record.")],
    source: Annotated[
        str | None,
        typer.Option(help="Only county, civil_affairs or health_insurance; all by default."),
    ] = None,
    county: Annotated[
        str | None, typer.Option(help="Only this county's files, by its code; implies county.")
    ] = None,
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade/--no-cascade",
            help="Build later months again that read what changes, or mark them stale.",
        ),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be touched, and start nothing.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Extract the months FROM to TO again, rebuild and republish them, and show what changed.

    Drives Airflow's own backfill of the sources' DAGs (as `airflow backfill create` would); each
    month's build follows by itself, and so do later months that read what has changed. What the
    sources did not change is not loaded again.
    """
    from include.airflow_api import Airflow
    from include.backfill.record import changes, refuse
    from include.backfill.request import Request, demand_sound, this_month
    from include.database import connect

    console = Console(stderr=as_json)
    request = Request(first, last, reason, source, county, cascade)
    try:
        demand_sound(request, this_month())
        with Airflow() as airflow:
            if dry_run:
                _show_plan(request, airflow, as_json)
                return
            backfill_id = _begin(request, airflow)
            record = _follow(request, backfill_id, airflow, console)
    except BackfillRefused as refusal:
        if not dry_run:
            with connect() as connection:
                refuse(connection, request, getpass.getuser(), refusal)
        raise
    with connect() as connection:
        found = changes(connection, backfill_id)
    if as_json:
        print(json.dumps({"backfill": _as_dict(record), "changes": found}, indent=1))
    else:
        console.print(changes_table(record, found))


def backfills(
    limit: Annotated[int, typer.Option(min=1, help="Latest backfills to show.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show who had which months built again, why, and what became of it; refused ones too.

    Backfills that were created on Airflow's page or by `airflow backfill create` are among them.
    """
    from include.airflow_api import Airflow
    from include.backfill.record import changes, recorded
    from include.backfill.state import settle
    from include.database import connect
    from include.errors import ServiceFailed

    console = Console(stderr=as_json)
    try:
        with Airflow() as airflow, connect() as connection:
            settle(connection, airflow)
    except (ServiceFailed, FileNotFoundError):
        console.print("Airflow does not answer: what is in flight is shown as it was known last.")
    with connect() as connection:
        found = [
            (record, changes(connection, record.backfill_id))
            for record in recorded(connection, limit)
        ]
    if as_json:
        lines = [_as_dict(record) | {"marts": _by_mart(changed)} for record, changed in found]
        print(json.dumps(lines, ensure_ascii=False, indent=1))
    elif found:
        _print_records(Console(), found)
    else:
        Console().print("No backfill has been asked for.")


def changes_table(record: Record, changes: list[dict[str, Any]]) -> Table:
    """What changed, for the terminal."""
    title = f"What the backfill of {record.from_period} to {record.to_period} changed"
    table = Table(title=title if changes else f"{title}: nothing", title_justify="left")
    for name in ("mart", "month", "county", "added", "changed", "removed"):
        table.add_column(name, justify="right" if name.endswith("ed") else "left")
    for change in changes:
        table.add_row(*(str(value) for value in change.values()))
    return table


def _begin(request: Request, airflow: Airflow) -> int:
    """Check the request against what there is, and keep it; the backfill's number."""
    from include.backfill import record, state
    from include.backfill.request import demand_free, demand_possible
    from include.database import connect

    with connect() as connection:
        state.settle(connection, airflow)
    with connect() as connection:
        record.take_turns(connection)
        demand_possible(connection, request)
        demand_free(request, state.in_flight(connection, airflow))
        return record.open_record(connection, request, getpass.getuser())


def _follow(request: Request, backfill_id: int, airflow: Airflow, console: Console) -> Record:
    """Start the months and wait until they, and those that read them, have ended."""
    from include.cli.months import MonthFailed, start_months, watch_months

    try:
        started = start_months(airflow, request, backfill_id)
        _settled(airflow, backfill_id)  # from here on it runs, whatever becomes of this command
        watch_months(airflow, started, console)
        record = _watch_later(airflow, backfill_id, console)
    except WarehouseError:
        _settled(airflow, backfill_id)
        raise
    if record.state == "failed":
        raise MonthFailed(
            f"{record.failure}.", remedy="see ./warehouse backfills and Airflow's page."
        )
    return record


def _watch_later(airflow: Airflow, backfill_id: int, console: Console) -> Record:
    """Wait for the later months, which ``late_deliveries`` has built in order; it is called once
    nothing else runs, lest they wait for its next look."""
    from include.airflow_api import BUILD, PRODUCERS, WATCH

    told: list[str] = []
    called = False
    with console.status("Looking for later months that read what has changed"):
        while True:
            record, due = _settled(airflow, backfill_id)
            if record.state not in ("requested", "running"):
                return record
            if due and due != told:
                console.print(f"To be built again after it: {', '.join(due)}")
                told = due
            if (
                due
                and not called
                and not any(
                    airflow.latest(dag_id, 1, ("queued", "running"))
                    for dag_id in (*PRODUCERS, BUILD, WATCH)
                )
            ):
                airflow.trigger(WATCH)
                called = True
            time.sleep(_POLL_S)


def _settled(airflow: Airflow, backfill_id: int) -> tuple[Record, list[str]]:
    from include.backfill.record import recorded
    from include.backfill.state import due_after, settle
    from include.database import connect

    with connect() as connection:
        settle(connection, airflow)
        (record,) = (r for r in recorded(connection) if r.backfill_id == backfill_id)
        return record, due_after(connection, record) if record.cascades else []


def _show_plan(request: Request, airflow: Airflow, as_json: bool) -> None:
    from include.backfill.plan import plan, recent_seconds
    from include.backfill.request import demand_free, demand_possible
    from include.backfill.state import in_flight
    from include.database import connect

    with connect() as connection:
        demand_possible(connection, request)
        demand_free(request, in_flight(connection, airflow))
        found = plan(connection, request, recent_seconds(connection, airflow))
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=1))
    else:
        _print_plan(Console(), request, found)


def _print_plan(console: Console, request: Request, found: Plan) -> None:
    table = Table(
        title=f"{len(found.periods)} month(s), {found.periods[0]} to {found.periods[-1]}",
        title_justify="left",
    )
    for name in ("source", "delivery", "of", "owed", "known", "not kept"):
        table.add_column(name, justify="left" if name in ("source", "delivery") else "right")
    last = None
    for each in found.deliveries:
        table.add_row(
            each.source if each.source != last else "",
            f"{each.kind} {each.title_zh}",
            *(str(n) for n in (each.counties, each.owed, each.known, each.not_in_landing)),
        )
        last = each.source
    console.print(table)
    models = f"{len(found.models)} dbt models read them; published: {', '.join(found.marts)}"
    console.print(models, highlight=False)
    verb = "are built again" if request.cascades else "are marked stale"
    later = ", ".join(f"{each.period} (version {each.version})" for each in found.later)
    console.print(f"Later months that {verb} where deliveries change: {later or 'none'}")
    if found.later_if_quarantined:
        console.print(
            "Only where what changes has quarantined rows: " + ", ".join(found.later_if_quarantined)
        )
    if found.seconds is None or found.seconds_with_later is None:
        console.print("No estimate: nothing of the kind has run yet.")
    else:
        own, all_of_it = (f"{s / 60:.0f} min" for s in (found.seconds, found.seconds_with_later))
        console.print(f"By recent runs: {own} for the months, {all_of_it} with all later ones.")


def _print_records(console: Console, found: list[tuple[Record, list[dict[str, Any]]]]) -> None:
    table = Table(title="Backfills", title_justify="left")
    for name in ("no.", "months", "of", "asked by", "state", "rows + ~ −"):
        table.add_column(name)
    for record, changed in found:
        rows = Counter[str]()
        for change in changed:
            rows.update({name: change[name] for name in ("added", "changed", "removed")})
        of = record.county_code or record.source or "all"
        table.add_row(
            str(record.backfill_id),
            f"{record.from_period}–{record.to_period}",
            of if record.cascades else f"{of}, no cascade",
            f"{record.requested_by}\n{_beijing(record.requested_at)}",
            Text(record.state, _STYLES.get(record.state, "yellow")),
            f"{rows['added']} {rows['changed']} {rows['removed']}" if changed else "",
        )
    console.print(table)
    for record, _ in found:
        words = f"{record.backfill_id}: {record.reason}"
        if record.failure:
            words += f" ({record.refused_by or record.state}: {record.failure.rstrip('.')})"
        console.print(words, soft_wrap=True, highlight=False, markup=False)


def _by_mart(changes: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    sums: dict[str, Counter[str]] = {}
    for change in changes:
        sums.setdefault(change["mart"], Counter()).update(
            {name: change[name] for name in ("added", "changed", "removed")}
        )
    return {mart: dict(counted) for mart, counted in sums.items()}


def _as_dict(record: Record) -> dict[str, Any]:
    line = asdict(record)
    for name in ("requested_at", "ended_at"):
        line[name] = line[name] and line[name].isoformat()
    return line


def _beijing(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('Asia/Shanghai')):%m-%d %H:%M}"
