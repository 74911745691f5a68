"""Contract files are read strictly: an unsound one is refused with its file and line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from include.contracts.parts import Misplaced, Place
from include.errors import BadContract

if TYPE_CHECKING:
    from include.contracts import Contract


def read(path: Path) -> Contract:
    """The contract in a file. Raises BadContract with the line of the first fault."""
    from include.contracts import Contract

    text = path.read_text(encoding="utf-8")
    try:
        # The parser in C: every process reads all contracts, and the other takes most of a second.
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        doubles = _doubles(root) if root else None
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _bad(path, mark.line + 1 if mark else None, str(error.problem)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _bad(path, None, f"it is no YAML ({error})") from None
    if doubles:
        raise _bad(path, *doubles)
    if not isinstance(data, dict):
        raise _bad(path, 1, "it holds no contract")
    try:
        contract = Contract.model_validate(data)
    except ValidationError as error:
        fault = error.errors()[0]
        cause = fault.get("ctx", {}).get("error")
        within: Place = cause.place if isinstance(cause, Misplaced) else ()
        place = (*fault["loc"], *within)
        what = fault["msg"].removeprefix("Value error, ")
        name = ".".join(map(str, place))
        shown = f"{name}: {what}" if name else what
        raise _bad(path, _line(root, place), shown) from None
    if contract.kind != path.stem:
        line = _line(root, ("kind",))
        raise _bad(path, line, f"kind is {contract.kind}, and the file is named {path.stem}")
    return contract


def _bad(path: Path, line: int | None, what: str) -> BadContract:
    return BadContract(
        f"the contract is not sound: {what}.",
        file=path.name,
        row=line,
        remedy="correct this line; docs/contracts.md says what belongs where.",
    )


def _doubles(node: yaml.Node) -> tuple[int, str] | None:
    """(line, fault) of a key given twice: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                return key.start_mark.line + 1, f"{key.value} is given twice"
            seen.add(key.value)
            if found := _doubles(value):
                return found
    elif isinstance(node, yaml.SequenceNode):
        return next((found for item in node.value if (found := _doubles(item))), None)
    return None


def _line(node: yaml.Node | None, place: tuple[Any, ...]) -> int | None:
    """Line of the innermost part that the place leads to."""
    if node is None:
        return None
    line = node.start_mark.line + 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            entry = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if entry is None:
                return line
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if step >= len(node.value):
                return line
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
