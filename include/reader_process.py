"""The process in which a workbook is opened: bounded memory and time, and nothing else in it.

A stray cell in the last row of a sheet makes a workbook's parser ask for half a terabyte, and what
it asks for in vain ends its process. Run as ``python -m include.reader_process``: for each line of
standard input, a request as JSON (include/reader.py), it forks a process that reads the workbook
and writes its answer to the request's ``answer``, and says with a line how that process ended.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import python_calamine  # noqa: F401  # before memory is limited: the limit is for the file

from include.archive import check
from include.errors import UnreadableDelivery
from include.spreadsheet import find_sheet

NO_MEMORY = 3
"""Exit code where the file needs more memory than it may have."""
_BROKEN = 1


def main() -> None:
    """Serve requests until there are no more: an exit code each, a signal's number negated."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_read(json.loads(line)))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _read(request: dict[str, Any]) -> int:
    """Write the table to the request's ``target`` as csv and tell what it is; the exit code."""
    limit = int(request["memory_mb"]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    seconds = int(request["seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = _convert(request)
    except UnreadableDelivery as refusal:
        answer = {
            name: getattr(refusal, name) for name in ("what", "code", "remedy", "file", "row")
        }
    except UnicodeError:
        answer = {
            "what": "the workbook's texts are not in the encoding that it names.",
            "code": "D18",
            "remedy": "open it in Excel or WPS, save it as .xlsx and send it again.",
        }
    except MemoryError:
        return NO_MEMORY
    except BaseException:  # noqa: BLE001  # whatever a parser does, this process ends here
        return _BROKEN
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _convert(request: dict[str, Any]) -> dict[str, Any]:
    source, file_name = Path(request["source"]), request["file_name"]
    if request["form"] == "zip":
        check(source, file_name)
    sheet = find_sheet(source, frozenset(request["known"]), file_name)
    with Path(request["target"]).open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        for number, cells in sheet.records():
            if any("\0" in cell for cell in cells if cell):
                raise UnreadableDelivery(
                    "a cell holds a character that is no text.",
                    code="D18",
                    file=file_name,
                    row=number,
                    remedy="type the cell's text anew and send the workbook again.",
                )
            writer.writerow([number, *cells])
    return {
        "header": sheet.header,
        "header_row": sheet.header_row,
        "titles": sheet.titles,
        "sheet": sheet.name,
        "has_notes": sheet.has_notes,
    }


if __name__ == "__main__":
    main()
