"""``approval``: large changes of closed months that wait for a person's word."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

if TYPE_CHECKING:
    from include.approval import Request

_Build = Annotated[int, typer.Argument(metavar="BUILD", help="The build's number.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept on record.")]
_Actor = Annotated[str | None, typer.Option(help="Who decides; your account by default.")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Large changes of closed months, which wait for your word."
    )
    commands.callback()(_commands)
    commands.command("list")(show)
    commands.command()(approve)
    commands.command()(refuse)
    app.add_typer(commands, name="approval")


def _commands() -> None:
    """Large changes of closed months, which wait for your word.

    A month is closed some days after its deadline (seed ref_month_close). What would change more of
    it than ref_publication_limit allows is published when somebody approves it, here or on
    Airflow's page; who answers first counts. Until then the old version stays.
    """


def show(
    all_: Annotated[bool, typer.Option("--all", help="Also those answered.")] = False,
    as_json: _Json = False,
) -> None:
    """List what waits for an approval, and why."""
    from include.approval import requests
    from include.database import connect

    with connect() as connection:
        found = requests(connection, answered=all_)
    if as_json:
        print(_dumped([asdict(request) for request in found]))
        return
    console = Console(soft_wrap=True, highlight=False)
    if not found:
        console.print("Nothing waits for an approval.")
    for request in found:
        since = request.requested_at.astimezone(ZoneInfo("Asia/Shanghai"))
        word = (
            f"{request.answer} by {request.answered_by}: {request.reason}"
            if request.answer
            else f"waits since {since:%Y-%m-%d %H:%M}"
        )
        console.print(f"build {request.build_id}, {request.period}: {word}", markup=False)
        console.print(f"  {request.sentence}", markup=False)


def approve(build: _Build, reason: _Reason, actor: _Actor = None, as_json: _Json = False) -> None:
    """Have a build published that is beyond its limits."""
    _answer(build, "approved", reason, actor, as_json)


def refuse(build: _Build, reason: _Reason, actor: _Actor = None, as_json: _Json = False) -> None:
    """Leave the month as it is."""
    _answer(build, "refused", reason, actor, as_json)


def _answer(
    build_id: int,
    word: Literal["approved", "refused"],
    reason: str,
    actor: str | None,
    as_json: bool,
) -> None:
    from include.approval import answer
    from include.database import connect

    with connect() as connection:
        request = answer(connection, build_id, word, reason, actor or getpass.getuser(), "cli")
    goes_on = _tell_airflow(request)
    if as_json:
        print(_dumped({**asdict(request), "airflow_goes_on": goes_on}))
        return
    then = {
        ("approved", True): "Airflow publishes it now.",
        ("approved", False): f"The next build of {request.period} publishes it: late_deliveries"
        f" starts it within minutes, or ./warehouse build {request.period}.",
    }.get((word, goes_on), f"{request.period} stays as it was.")
    Console(soft_wrap=True).print(f"Build {build_id} of {request.period} is {word}. {then}")


def _tell_airflow(request: Request) -> bool:
    """Whether a run of Airflow waited for the answer and goes on with it."""
    from include.airflow_api import Airflow
    from include.approval import APPROVE, REFUSE
    from include.errors import ServiceFailed
    from include.services.airflow_environment import APPROVER

    if request.run_id is None or request.reason is None:
        return False
    option = APPROVE if request.answer == "approved" else REFUSE
    try:
        with Airflow(APPROVER) as airflow:
            return airflow.answer(request.run_id, option, request.reason)
    except (ServiceFailed, OSError) as trouble:
        Console(stderr=True, soft_wrap=True).print(
            f"The answer is on record, but Airflow was not told: {trouble}", markup=False
        )
        return False


def _dumped(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1, default=str)
