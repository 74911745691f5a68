"""Privacy classes of columns: what each means, which marts' columns are refused, the table of all.

A mart column's class is ``meta.privacy`` in the YAML beside its model; a delivered column's is
``privacy`` in its contract, which is not sound without one.
"""

from __future__ import annotations

from collections.abc import Iterator

from include.contracts import contracts
from include.dictionary.project import Project
from include.errors import WarehouseError

CLASSES = {
    "direct": "names a person or household to whoever reads it: names, ID and household numbers, "
    "phones, addresses, accounts; never in a mart",
    "quasi": "others may know it of a person, and several together single one out: keyed hashes, "
    "numbers that only a register's holder can look up, places, sex, age, dates, pointers to "
    "delivered rows; figures of so few that they may be of one",
    "sensitive": "harms a person when it is known of him: health, welfare, income, what was found",
    "none": "says nothing of one person: months, rules, thresholds, offices, figures of counties",
}
"""Class -> what it means, in the order of what is closed most."""


class ColumnClassRefused(WarehouseError):
    """Mart columns without a class, or of one that no mart may have."""


def refusals(project: Project) -> list[str]:
    """``mart.column: why``, for each mart column whose class is missing, unknown or not allowed.

    A key of a person or household (``…_key``) is quasi at least.
    """
    return [
        f"{mart}.{column}: {why}"
        for mart in project.marts
        for column, entry in project.models[mart]["columns"].items()
        if (why := _refusal(column, class_of(entry)))
    ]


def demand(project: Project) -> None:
    """Raises ColumnClassRefused where a mart column is refused."""
    if found := refusals(project):
        raise ColumnClassRefused(
            f"columns of marts are refused: {'; '.join(found)}.",
            remedy="give each a class (meta.privacy) in the YAML beside its model; a column that "
            "names a person does not belong into a mart.",
        )


def class_of(entry: dict[str, object]) -> str | None:
    """The class of a manifest's column."""
    config = entry.get("config")
    meta = entry.get("meta") or (config.get("meta") if isinstance(config, dict) else None)
    found = meta.get("privacy") if isinstance(meta, dict) else None
    return str(found) if found else None


def page(project: Project) -> Iterator[str]:
    """The section of the dictionary: the classes, then all marts' and deliveries' columns."""
    yield "# Column classes"
    yield ""
    yield from _table(("class", "what it means"), CLASSES.items())
    yield ""
    yield "## Of marts"
    yield ""
    yield "No mart has a `direct` column; a test refuses one, and a column without a class."
    yield ""
    yield from _classed(
        (
            mart,
            [(name, class_of(entry)) for name, entry in project.models[mart]["columns"].items()],
        )
        for mart in project.marts
    )
    yield ""
    yield "## Of deliveries"
    yield ""
    yield "A contract is not sound without them. They lie in `raw`, as delivered."
    yield ""
    yield from _classed(
        (kind, [(column.name, column.privacy) for column in contract.columns])
        for kind, contract in sorted(contracts().items())
    )
    yield ""


def _refusal(column: str, found: str | None) -> str:
    if found is None:
        return "no class"
    if found not in CLASSES:
        return f"{found} is no class"
    if found == "direct":
        return "direct"
    return "a key is quasi at least" if column.endswith("_key") and found == "none" else ""


def _classed(tables: Iterator[tuple[str, list[tuple[str, str | None]]]]) -> Iterator[str]:
    yield from _table(
        ("table", *CLASSES),
        (
            (
                f"`{table}`",
                *(
                    ", ".join(f"`{name}`" for name, found in columns if found == each)
                    for each in CLASSES
                ),
            )
            for table, columns in tables
        ),
    )


def _table(header: tuple[str, ...], rows: object) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:  # type: ignore[attr-defined]
        yield f"| {' | '.join(row)} |"
