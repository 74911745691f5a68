"""What each column of a contract goes into, read from the SQL of the models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import sqlglot
from sqlglot import exp

from include.contracts import FOLDER, Contract, contracts
from include.contracts.parts import RAW_ONLY, Feeds
from include.dictionary.formulas import Formulas
from include.dictionary.project import Project
from include.linkage.records import columns_read

_BLOCK = "feeds:\n"
Cell = tuple[str, str]
"""(model, or raw.<kind>; column)."""


def write(project: Project, formulas: Formulas) -> None:
    """Write the block ``feeds`` of every contract anew."""
    for kind, columns in feeds(project, formulas).items():
        path = FOLDER / f"{kind}.yml"
        above = path.read_text(encoding="utf-8").split(f"\n{_BLOCK}")[0].rstrip()
        path.write_text("\n".join([above, _BLOCK.rstrip(), *_lines(columns), ""]), encoding="utf-8")


def feeds(project: Project, formulas: Formulas) -> dict[str, dict[str, Feeds | str]]:
    """Kind -> column -> what it feeds, or ``raw only``."""
    readers = _readers(project, formulas)
    return {
        kind: {column.name: _feeds(project, readers, contract, column.name)
               for column in contract.columns}
        for kind, contract in contracts().items()
    }  # fmt: skip


def _feeds(
    project: Project, readers: dict[Cell, set[Cell]], contract: Contract, column: str
) -> Feeds | str:
    seen: set[Cell] = set()
    waiting = [(f"raw.{contract.kind}", column)]
    while waiting:
        fresh = readers[waiting.pop()] - seen
        seen |= fresh
        waiting += fresh
    staged = f"stg_{contract.kind}"
    found = Feeds(
        linkage=column in columns_read(contract),
        staging=tuple(sorted(name for model, name in seen if model == staged)),
        marts=tuple(sorted({model for model, _ in seen} & set(project.marts))),
    )
    return found if found != Feeds() else RAW_ONLY


def _readers(project: Project, formulas: Formulas) -> dict[Cell, set[Cell]]:
    """Column -> the columns of other models that are computed from it."""
    readers: dict[Cell, set[Cell]] = defaultdict(set)
    for model, node in project.models.items():
        if model.startswith("base_"):
            kind = model.removeprefix("base_")
            for name, sources in _base_columns(formulas.base_sql(model)).items():
                for source in sources:
                    readers[f"raw.{kind}", source].add((model, name))
            continue
        for name in formulas.columns(model) or list(node["columns"]):
            formula = formulas.of(model, name)
            for cell in formula.inputs if formula else ():
                readers[cell].add((model, name))
    return readers


def _base_columns(text: str) -> dict[str, set[str]]:
    """Typed column of a base model -> the raw columns that it is read from, through its joins."""
    query = sqlglot.parse_one(text, read="postgres")
    (typed,) = (cte.this for cte in query.find_all(exp.CTE) if cte.alias == "typed")
    reads: dict[str, set[str]] = {}

    def raw_columns(part: exp.Expression) -> set[str]:
        """Raw columns that an expression names itself, or by what was joined before."""
        named = [(c.table, c.name) for c in part.find_all(exp.Column)]
        own = {name for table, name in named if table == "r" and not name.startswith("_")}
        return own.union(*(reads.get(table, set()) for table, _ in named))

    columns: dict[str, set[str]] = {}
    for join in typed.args["joins"]:
        alias = join.this.alias_or_name
        # The linkage notes by name which column's person it found.
        linked = {literal.this for literal in join.find_all(exp.Literal) if literal.is_string}
        is_link = any(c.name == "column_name" for c in join.find_all(exp.Column))
        reads[alias] = raw_columns(join) | (linked if is_link else set())
        if alias == "c":
            select = join.find(exp.Select)
            columns = {one.alias: raw_columns(one.this) for one in select.expressions}
    return columns


def _lines(columns: dict[str, Feeds | str]) -> Iterable[str]:
    for name, fed in columns.items():
        if isinstance(fed, str):
            yield f"  {name}: {fed}"
            continue
        parts = ["linkage: true"] if fed.linkage else []
        parts += [
            f"{what}: [{', '.join(names)}]"
            for what, names in (("staging", fed.staging), ("marts", fed.marts))
            if names
        ]
        yield f"  {name}: {{{', '.join(parts)}}}"
