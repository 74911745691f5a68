"""Write docs/domain.md: for each mart column its definition, formula, sources and rule rows."""

from __future__ import annotations

from collections.abc import Iterator

from include.contracts import contracts
from include.dictionary import classes
from include.dictionary.formulas import Formula, Formulas
from include.dictionary.project import Project
from include.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "domain.md"
_SHOWN_ROWS = 60
"""Longer seeds are lists of places and codes: they are named and not printed."""

_HEAD = """# What the figures mean

Written by `./warehouse docs` from the code, and compared with it by a test: do not edit.

For each column of each mart: what it is (Chinese label, definition, type, privacy class), how it is
computed (the SQL of its model; names that a step uses are explained in the lines below it), which
tables of other models it reads, which deliveries it rests on in the end, and which
seeds hold its rules and code lists. `:period` is the build's month, `:month_end` its last day,
`in_effect(from, to)` that a rule holds on that day. Where a model's SQL is written by a macro, the
model's own inputs stand in place of the column's.

How a month comes about is in [architecture.md](architecture.md). A mart's expectations are in
`expectations/marts/<mart>.py`, its model and unit tests in `dbt_project/models/marts/`.
"""


def generate(project: Project) -> str:
    """The whole page."""
    formulas = Formulas(project)
    used: set[str] = set()
    marts = [line for mart in project.marts for line in _mart(project, formulas, mart, used)]
    lines = [
        _HEAD,
        "## Marts",
        "",
        *(
            f"- [`{mart}`](#{mart}): {project.models[mart]['description']}"
            for mart in project.marts
        ),
        "",
        *marts,
        *_rules(project, used),
        *classes.page(project),
        *_deliveries(),
    ]
    return "\n".join(lines).rstrip() + "\n"


def write(project: Project) -> None:
    """Write the page anew. Raises ColumnClassRefused where a mart column's class is refused."""
    classes.demand(project)
    PAGE.write_text(generate(project), encoding="utf-8")


def _mart(project: Project, formulas: Formulas, mart: str, used: set[str]) -> Iterator[str]:
    node = project.models[mart]
    grain = node["config"]["meta"].get("grain", [])
    yield f"## {mart}"
    yield ""
    yield f"{node['description']} One row per {', '.join(f'`{name}`' for name in grain)}."
    yield ""
    yield f"Reads {_code(sorted(project.inputs(mart)))}."
    for name, column in node["columns"].items():
        meta = column.get("meta") or column.get("config", {}).get("meta", {})
        yield ""
        yield f"### {mart}.{name} · {meta.get('label_zh', '')}"
        yield ""
        yield (
            f"{_sentence(column['description'])}"
            f" ({column.get('data_type') or 'text'}, privacy: {meta.get('privacy', '')})"
        )
        yield ""
        yield from _origin(project, formulas, mart, name, used)
    yield ""


def _origin(
    project: Project, formulas: Formulas, mart: str, column: str, used: set[str]
) -> Iterator[str]:
    formula = formulas.of(mart, column)
    leaves = formulas.leaves(mart, column)
    if formula is not None:
        for place, (name, text) in enumerate(formula.steps):
            yield f"{'' if place == 0 else '  '}- {'' if place == 0 else f'`{name}` is '}`{text}`"
        if read := sorted(formula.inputs):
            yield f"- from {_code(f'{table}.{part}' if part else table for table, part in read)}"
        yield from _upstream(project, formulas, formula, {(mart, column)})
    kinds = sorted(leaf.removeprefix("raw.") for leaf in leaves if leaf.startswith("raw."))
    if kinds:
        yield f"- deliveries: {', '.join(f'[`{kind}`](#deliveries)' for kind in kinds)}"
    registers = sorted(leaf for leaf in leaves if leaf.startswith("ops."))
    if registers and not kinds:
        yield f"- registers: {_code(registers)}"
    if seeds := sorted(leaf for leaf in leaves if leaf in project.seeds):
        used.update(seeds)
        yield f"- rules and lists: {', '.join(f'[`{seed}`](#{seed})' for seed in seeds)}"


def _upstream(
    project: Project, formulas: Formulas, formula: Formula, seen: set[tuple[str, str]]
) -> Iterator[str]:
    """The formulas of what a column reads, down to staging; a mart's are in its own section."""
    for place in sorted(formula.inputs - seen):
        seen.add(place)
        node = project.models.get(place[0])
        if node is None or node["schema"] in ("candidate", "staging") or not place[1]:
            continue
        inner = formulas.of(*place)
        if inner is None:
            continue
        for number, (name, text) in enumerate(inner.steps):
            shown = f"{place[0]}.{place[1]}" if number == 0 else name
            yield f"  - `{shown}` is `{text}`"
        yield from _upstream(project, formulas, inner, seen)


def _rules(project: Project, used: set[str]) -> Iterator[str]:
    yield "# Rules and code lists"
    yield ""
    yield "Seeds in `dbt_project/seeds/`. `verified` false: no document confirms the value yet."
    for seed in sorted(used):
        rows = project.rows(seed)
        yield ""
        yield f"## {seed}"
        yield ""
        yield project.seeds[seed]["description"]
        yield ""
        if len(rows) > _SHOWN_ROWS:
            yield f"{len(rows)} rows: `dbt_project/{project.seeds[seed]['original_file_path']}`."
            continue
        header = list(rows[0]) if rows else []
        yield f"| {' | '.join(header)} |"
        yield f"|{'---|' * len(header)}"
        for row in rows:
            yield f"| {' | '.join(_cell(row[name]) for name in header)} |"
    yield ""


def _deliveries() -> Iterator[str]:
    yield "# Deliveries"
    yield ""
    yield "Each kind's columns, with the headers its senders use, are in `include/contracts/`."
    yield ""
    yield "| kind | layout | 名称 | source |"
    yield "|---|---|---|---|"
    for kind, contract in sorted(contracts().items()):
        yield f"| `{kind}` | {contract.layout} | {contract.title_zh} | {contract.source} |"


def _code(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0]
    start = text[:1] if "_" in first else text[:1].upper()  # names of columns stay as they are
    return start + text[1:].rstrip(".") + "."


def _cell(text: str) -> str:
    return (text or "").replace("|", "\\|")
