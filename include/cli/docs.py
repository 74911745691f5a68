"""``docs``: write docs/domain.md, and what the contracts' columns feed, from the code."""

from __future__ import annotations

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    app.command()(docs)


def docs() -> None:
    """Write docs/domain.md: each mart column's definition, formula, sources and rule rows; and in
    each contract what its columns feed.

    Needs no services. Run it after a change of a model, a seed, a contract or a description; tests
    compare.
    """
    from include.dictionary import feeds, page
    from include.dictionary.formulas import Formulas
    from include.dictionary.project import Project, manifest

    project = Project(manifest())
    page.write(project)
    feeds.write(project, Formulas(project))
    Console().print(
        f"{page.PAGE.relative_to(page.PAGE.parent.parent)} and the contracts' feeds are written."
    )
