"""The runbook's commands do what it says: each block runs, in the order of the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from tests.e2e.municipality import Municipality
from tests.recovery.conftest import LAST, folder

PAGE = PROJECT_ROOT / "docs" / "runbook.md"
_BLOCK = re.compile(
    r"^## (?P<heading>[^\n]+)$|^```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks(text: str) -> list[tuple[str, str]]:
    """(heading, commands) of each ``sh`` block, in order."""
    found: list[tuple[str, str]] = []
    heading = ""
    for match in _BLOCK.finditer(text):
        if match["heading"]:
            heading = match["heading"]
        else:
            found.append((heading, match["commands"]))
    return found


def test_blocks_are_found_under_their_headings() -> None:
    page = "intro\n```sh\na\n```\n## One\n```sh\nb\nc\n```\n```console\nno\n```\n## Two\n"
    assert blocks(page) == [("", "a\n"), ("One", "b\nc\n")]
    assert blocks("") == []


def test_each_failure_has_commands() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    without = set(headings) - {heading for heading, _ in blocks(PAGE.read_text(encoding="utf-8"))}
    assert without <= {"A correction was wrong"}  # the commands are those of other sections


@pytest.fixture(scope="module")
def shell(small: Municipality) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a ``warehouse`` to call, and the variables that the page speaks of."""
    work = folder("warehouse-runbook-")
    command = work / "warehouse"
    command.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -P -m include.cli.main "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    now = datetime.now(UTC).replace(microsecond=0)
    known = small.query(
        f"select date_trunc('second', max(published_at)) + interval '1 second'"
        f" from ops.publication where period = '{LAST}'"
    )[0][0]
    assert known < now
    (name,) = small.query(
        "select 'replay_2026_02_' || to_char(%L, 'YYYYMMDD\"t\"HH24MISS')".replace(
            "%L", f"timestamptz '{known.isoformat()}' at time zone 'Asia/Shanghai'"
        )
    )[0]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WAREHOUSE_")}
    yield (
        work,
        environment
        | {
            "WAREHOUSE_HOME": str(small.home),
            "PYTHONPATH": str(PROJECT_ROOT),
            "BACKUPS": str(work / "backups"),
            "ELSEWHERE": str(work / "elsewhere"),
            "KNOWN": known.isoformat(),
            "REPLAY": name,
            "PAGER": "cat",
        },
    )
    Municipality(work / "elsewhere").run("down")
    shutil.rmtree(work)


@pytest.mark.parametrize(
    ("heading", "commands"),
    blocks(PAGE.read_text(encoding="utf-8")),
    ids=lambda text: str(text).partition("\n")[0][:40],
)
def test_the_commands_run(heading: str, commands: str, shell: tuple[Path, dict[str, str]]) -> None:
    work, environment = shell
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{heading}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "lost:" not in done.stdout
