"""``build``: one month without Airflow, for engineers."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    app.command()(build)


def build(
    period: Annotated[str, typer.Argument(help="The month, YYYY-MM.")],
    select: Annotated[
        str | None, typer.Option(help="Build only these dbt nodes; nothing is published then.")
    ] = None,
) -> None:
    """Build, audit and publish one month from what has been accepted, without Airflow.

    Extracts nothing. While another build is at work in the candidate, this one waits.
    """
    from include import build as builds
    from include.gate import audit
    from include.locks import working_schemas
    from include.publish import publish

    console = Console()
    build_id = builds.open_build(period, is_trial=select is not None)
    with working_schemas(build_id):
        with console.status(f"dbt builds the candidate of {period}"):
            builds.run_dbt(build_id, select)
        if select:
            console.print(f"Built {select} of {period}; nothing is published.")
            return
        with console.status("Great Expectations judges it"):
            audit(build_id)
        publication = publish(build_id)
    console.print(f"{period} is published (publication {publication}).")
