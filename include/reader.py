"""The table of a delivered file, whatever form the file is in: found where it lies, or made csv."""

from __future__ import annotations

import atexit
import codecs
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.delimited import Table, find_table
from include.errors import ServiceFailed, UnreadableDelivery
from include.forms import recognise
from include.landing import opened, size_of
from include.readable import as_file, reading_folder
from include.reader_process import NO_MEMORY
from include.settings import PROJECT_ROOT, settings

_SECONDS = 600
_OUT_OF_BOUNDS = (NO_MEMORY, -signal.SIGABRT, -signal.SIGXCPU)
"""How a reading process ends that asked for more memory or time than it may have."""
_CHUNK = 1 << 20


@contextmanager
def table(path: Path, file_name: str, known: frozenset[str]) -> Iterator[Table]:
    """The table of a file whose headers are partly ``known``, while the context lasts.

    Text stays where it is; UTF-16 text and workbooks become UTF-8 text in a folder that goes at
    the end. Raises UnreadableDelivery where there is no table to be had.
    """
    size, most = size_of(path), settings().largest_file_mb
    if size > most << 20:
        raise UnreadableDelivery(
            f"the file is larger than {most} MB.",
            code="F04",
            file=file_name,
            remedy="send it in parts; the limit is the setting WAREHOUSE_LARGEST_FILE_MB.",
        )
    form = recognise(path, file_name)
    if form == "text":
        yield find_table(path, known)
        return
    with reading_folder(path) as folder:
        target = folder / "table.csv"
        if form == "utf-16":
            _as_utf_8(path, target, file_name)
            yield find_table(target, known)
        else:
            yield _workbook(as_file(path, folder), target, form, file_name, known)


_lock = threading.Lock()
_server: subprocess.Popen[str] | None = None


def _forget_server() -> None:
    """A forked process must not write into its parent's pipes."""
    global _lock, _server
    _lock, _server = threading.Lock(), None


os.register_at_fork(after_in_child=_forget_server)


@atexit.register
def close() -> None:
    """End the process that reads workbooks, if there is one; the next workbook starts another."""
    global _server
    with _lock:
        if _server is not None:
            _server.communicate()
            _server = None


def _forked(request: dict[str, Any]) -> int:
    """How the process ended that was forked for a request: its exit code, or a signal negated.

    Importing what reads workbooks takes longer than most workbooks: one process does it once and
    forks one for each. It ends with this one.
    """
    global _server
    with _lock:
        if _server is None or _server.poll() is not None:
            _server = subprocess.Popen(
                [sys.executable, "-P", "-m", "include.reader_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a parser's last words may quote a cell
                cwd=PROJECT_ROOT,
                env=_without_secrets() | {"PYTHONPATH": str(PROJECT_ROOT)},
                text=True,
            )
        assert _server.stdin is not None
        assert _server.stdout is not None
        try:
            _server.stdin.write(f"{json.dumps(request)}\n")
            _server.stdin.flush()
            return int(_server.stdout.readline())
        except (OSError, ValueError):  # it was ended itself
            _server.kill()
            _server.communicate()
            _server = None
            return -signal.SIGKILL


def _without_secrets() -> dict[str, str]:
    """The environment without our settings: a parser of strangers' files needs none of them."""
    ours = ("WAREHOUSE_", "AIRFLOW", "DBT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _as_utf_8(path: Path, target: Path, file_name: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-16")("strict")
    try:
        with opened(path) as source, target.open("w", encoding="utf-8", newline="") as text:
            while chunk := source.read(_CHUNK):
                text.write(decoder.decode(chunk))
            text.write(decoder.decode(b"", final=True))
        return
    except UnicodeError:
        pass
    # Raised here, not above: the decoder's exception carries the bytes.
    raise UnreadableDelivery(
        "the text begins as UTF-16 and is damaged or cut off.",
        code="D18",
        file=file_name,
        remedy="save the file again as CSV (UTF-8) and send it anew.",
    )


def _workbook(path: Path, target: Path, form: str, file_name: str, known: frozenset[str]) -> Table:
    """A workbook's table, read by a process of its own (include/reader_process.py)."""
    memory, told = settings().reader_memory_mb, target.with_suffix(".json")
    code = _forked(
        {
            "source": str(path), "target": str(target), "answer": str(told), "form": form,
            "file_name": file_name, "known": sorted(known), "memory_mb": memory,
            "seconds": _SECONDS,
        }
    )  # fmt: skip
    if code in _OUT_OF_BOUNDS:
        raise UnreadableDelivery(
            f"the workbook needs more than {memory} MB of memory or {_SECONDS} s to open.",
            code="F04",
            file=file_name,
            remedy="delete the empty rows and columns beside and below the table, or save it as "
            "CSV, and send that.",
        )
    if code < 0 and code != -signal.SIGSEGV:
        # Not the file's fault: recorded as unreadable, it would stay so for good.
        raise ServiceFailed(
            f"the process that opens workbooks was ended (signal {-code}).",
            file=file_name,
            remedy="see that the machine has memory to spare, then clear this task.",
        )
    if code != 0:
        raise UnreadableDelivery(
            "the workbook cannot be opened.",
            code="F02",
            file=file_name,
            remedy="open it in Excel or WPS, save it as .xlsx and send it again.",
        )
    answer = json.loads(told.read_text(encoding="utf-8"))
    if "what" in answer:
        raise UnreadableDelivery(**{"what": answer.pop("what"), **answer})
    return Table(
        target,
        tuple(answer["header"]),
        answer["header_row"],
        0,
        "UTF8",
        0,
        target.stat().st_size,
        titles=tuple(answer["titles"]),
        sheet=answer["sheet"],
        has_notes=answer["has_notes"],
        is_numbered=True,
    )
