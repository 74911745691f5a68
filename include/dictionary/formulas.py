"""A column's formula and what it is computed from, read from the SQL of its model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jinja2
import sqlglot
from sqlglot import exp

from include.build import DBT_PROJECT
from include.contracts import contracts
from include.dictionary.project import Project

_OWN_MACROS = ("build_var", "kinds", "period", "columns_in_relation", "generate_schema_name")
"""Files of macros that are replaced by words here, or are dbt's own business."""
_BY_MACRO = ("base_", "read_")
"""Models whose SQL a macro writes, column by column: see feeds.py for what they read."""
_DEPTH = 4
"""Steps through common table expressions that a formula is followed."""


@dataclass(frozen=True)
class Formula:
    """``steps`` are (name, SQL), the column's own first, then those of names it uses."""

    steps: tuple[tuple[str, str], ...]
    inputs: frozenset[tuple[str, str]]
    """(model, seed or source; column) that it reads directly; the column is empty if unknown."""


class Formulas:
    """Formulas of all models of a project, each model's SQL parsed once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._parsed: dict[str, exp.Query | None] = {}
        self._leaves: dict[tuple[str, str], frozenset[str]] = {}

    def of(self, model: str, column: str) -> Formula | None:
        """The column's formula; None where the SQL is written by a macro or cannot be parsed."""
        query = self._query(model)
        if query is None:
            return None
        steps: list[tuple[str, str]] = []
        inputs: set[tuple[str, str]] = set()
        ctes = {cte.alias: cte.this for cte in query.ctes}
        if not _follow(query, column, column, ctes, steps, inputs, _DEPTH):
            return None
        return Formula(tuple(dict.fromkeys(steps)), frozenset(inputs))

    def columns(self, model: str) -> list[str]:
        """Names of the model's columns in order; empty where its SQL cannot be read."""
        query = self._query(model)
        names = [part.alias_or_name for part in _branches(query)[0].expressions] if query else []
        return [] if "*" in names else names

    def leaves(self, model: str, column: str) -> frozenset[str]:
        """Seeds and sources that the column is computed from; the model's where that is unknown."""
        place = (model, column)
        if place not in self._leaves:
            self._leaves[place] = frozenset()  # a column that refers to itself adds nothing
            formula = self.of(model, column) if model in self._project.models else None
            if formula is None:
                self._leaves[place] = self._project.leaves(model)
            else:
                parts = [self.leaves(name, part) for name, part in formula.inputs]
                self._leaves[place] = frozenset().union(*parts)
        return self._leaves[place]

    def base_sql(self, model: str) -> str:
        """The SQL that a base model's macro writes."""
        # dbt's return() gives a macro's caller a dict, and Jinja's own macros give text.
        macros = self._macros.replace("macro cells(", "macro cells_as_text(")
        template = self._environment.from_string(
            macros + str(self._project.models[model]["raw_code"])
        )
        return template.render(
            cells=lambda reading, names: {name: f"parse.{reading}(r.{name})" for name in names}
        )

    def _query(self, model: str) -> exp.Query | None:
        if model.startswith(_BY_MACRO):
            return None
        if model not in self._parsed:
            try:
                text = self._render(self._project.models[model]["raw_code"])
                parsed = sqlglot.parse_one(text, read="postgres")
                self._parsed[model] = parsed if isinstance(parsed, exp.Query) else None
            except (jinja2.TemplateError, sqlglot.errors.SqlglotError, TypeError, ValueError):
                self._parsed[model] = None
        return self._parsed[model]

    def _render(self, raw_code: str) -> str:
        return self._environment.from_string(self._macros + raw_code).render()

    @cached_property
    def _macros(self) -> str:
        return "".join(
            path.read_text(encoding="utf-8")
            for path in sorted((DBT_PROJECT / "macros").glob("*.sql"))
            if path.stem not in _OWN_MACROS
        )

    @cached_property
    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(  # noqa: S701  # SQL, not HTML
            extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined
        )
        # Months and days of the build are words: every macro of period.sql without arguments.
        named = re.findall(r"macro (\w+)\(\)", (DBT_PROJECT / "macros/period.sql").read_text())
        moments: dict[str, Any] = {name: (lambda name=name: f":{name}") for name in named}
        environment.globals |= moments | {
            "ref": lambda name: name,
            "source": lambda source, name: f"{source}.{name}",
            "config": lambda **_: "",
            "build_var": lambda name: "YYYY-MM" if name == "period" else f":{name}",
            "return": lambda value: value,
            "in_effect": lambda alias: f"in_effect({alias}.effective_from, {alias}.effective_to)",
            "kinds": lambda: sorted(contracts()),
            "holds_back_kinds": lambda: [k for k, c in contracts().items() if c.holds_back],
            "quoted": lambda names: "'" + "', '".join(names) + "'",
        }
        return environment


def _follow(
    query: exp.Query,
    column: str,
    name: str,
    ctes: dict[str, exp.Expression],
    steps: list[tuple[str, str]],
    inputs: set[tuple[str, str]],
    depth: int,
) -> bool:
    """Collect the column's SQL and that of what it names; False where the query lacks it."""
    selects = _branches(query)
    found = False
    for select in selects:
        tables = _tables(select)
        position = next(
            (p for p in selects[0].expressions if p.alias_or_name == column), None
        )  # a union's later parts go by position
        index = selects[0].expressions.index(position) if position is not None else None
        if index is None or index >= len(select.expressions):
            if _star(select, column, name, tables, ctes, steps, inputs, depth):
                found = True
            continue
        found = True
        projection = select.expressions[index].unalias()
        text = _text(projection)
        if not (isinstance(projection, exp.Column) and projection.name == name):
            steps.append((name, text))
        for part in projection.find_all(exp.Column):
            _resolve(part, tables, ctes, steps, inputs, depth)
        if not list(projection.find_all(exp.Column)) and projection.find(exp.AggFunc):
            for table in tables.values():  # count(*) counts rows of everything that is joined
                _rows(table, ctes, inputs, depth)
    return found


def _star(
    select: exp.Select,
    column: str,
    name: str,
    tables: dict[str, exp.Expression | str],
    ctes: dict[str, exp.Expression],
    steps: list[tuple[str, str]],
    inputs: set[tuple[str, str]],
    depth: int,
) -> bool:
    """``x.*`` may hold the column."""
    for part in select.expressions:
        star = isinstance(part, exp.Star) or (
            isinstance(part, exp.Column) and isinstance(part.this, exp.Star)
        )
        if star:
            wanted = part.table if isinstance(part, exp.Column) else ""
            for alias, table in tables.items():
                if wanted in ("", alias):
                    fake = exp.column(column, table=alias)
                    _resolve(fake, {alias: table}, ctes, steps, inputs, depth)
                    return True
    return False


def _resolve(
    part: exp.Column,
    tables: dict[str, exp.Expression | str],
    ctes: dict[str, exp.Expression],
    steps: list[tuple[str, str]],
    inputs: set[tuple[str, str]],
    depth: int,
) -> None:
    """Follow a column into the table its name points to."""
    alias = part.table or (next(iter(tables)) if len(tables) == 1 else "")
    table = tables.get(alias)
    if table is None:
        return
    if isinstance(table, str) and table not in ctes:
        inputs.add((table, part.name))
        return
    inner = ctes[table] if isinstance(table, str) else table
    if isinstance(inner, exp.Lateral):
        _listed(part, inner, tables, ctes, steps, inputs, depth)
    elif not isinstance(inner, exp.Query):
        _rows(table, ctes, inputs, depth)
    elif depth:
        rest = {name: cte for name, cte in ctes.items() if cte is not inner}
        _follow(inner, part.name, part.name, rest, steps, inputs, depth - 1)
    else:
        _rows(table, ctes, inputs, depth)


def _listed(
    part: exp.Column,
    lateral: exp.Lateral,
    tables: dict[str, exp.Expression | str],
    ctes: dict[str, exp.Expression],
    steps: list[tuple[str, str]],
    inputs: set[tuple[str, str]],
    depth: int,
) -> None:
    """A column of ``cross join lateral (values …)``: one step for each row of the list."""
    names = [name.name for name in lateral.args["alias"].columns]
    values = lateral.find(exp.Values)
    if values is None or part.name not in names:
        return
    position = names.index(part.name)
    beside = {name: table for name, table in tables.items() if table is not lateral}
    for row in values.expressions:
        item = row.expressions[position]
        if not isinstance(item, exp.Literal | exp.Null):
            text = _text(item)
            steps.append((f"{part.name} of {row.expressions[0].sql(dialect='postgres')}", text))
        for column in item.find_all(exp.Column):
            _resolve(column, beside, ctes, steps, inputs, depth)


def _rows(
    table: exp.Expression | str,
    ctes: dict[str, exp.Expression],
    inputs: set[tuple[str, str]],
    depth: int,
) -> None:
    """Everything that a table is read from, without a column."""
    if isinstance(table, str) and table not in ctes:
        inputs.add((table, ""))
        return
    inner = ctes[table] if isinstance(table, str) else table
    for leaf in inner.find_all(exp.Table):
        name = _table_name(leaf)
        if name in ctes and depth:
            rest = {key: cte for key, cte in ctes.items() if key != name}
            _rows(ctes[name], rest, inputs, depth - 1)
        elif name not in ctes:
            inputs.add((name, ""))


def _branches(query: exp.Query) -> list[exp.Select]:
    """The selects of a union, or the one select."""
    if isinstance(query, exp.SetOperation):
        return [*_branches(query.left), *_branches(query.right)]
    if isinstance(query, exp.Subquery):
        return _branches(query.this)
    return [query] if isinstance(query, exp.Select) else []


def _tables(select: exp.Select) -> dict[str, exp.Expression | str]:
    """Alias -> name of a table, or the query in its place."""
    found: dict[str, exp.Expression | str] = {}
    start = select.args.get("from_") or select.args.get("from")
    sources = [start.this] if start else []
    sources += [join.this for join in select.args.get("joins") or ()]
    for source in sources:
        if isinstance(source, exp.Lateral) and source.find(exp.Values):
            found[source.alias_or_name] = source
        elif isinstance(source, exp.Table):
            found[source.alias_or_name] = _table_name(source)
        else:
            found[source.alias_or_name] = source.this if hasattr(source, "this") else source
    return found


def _table_name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db else table.name


def _text(expression: exp.Expression) -> str:
    """One line of PostgreSQL; the moments of a build are written ``:period`` and the like."""
    line = re.sub(r"\s+", " ", expression.sql(dialect="postgres"))
    return re.sub(r"%\((\w+)\)s", r":\1", line)
