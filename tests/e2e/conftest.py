"""One municipality for all end-to-end tests; each stage keeps what was published after it.

A stage is a fixture that builds on the one before, so tests may run in any order.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from include.evaluation.defects import CodeFigures, evaluate
from include.evaluation.linkage import unlinked_people
from include.readiness import rules
from include.services import postgres
from tests.e2e.municipality import MONTHS, Finished, Municipality, Rows
from tests.receivers import Hook

CORRECTED = "431025"
LATE, SPOILED = "2026-04", "431027"
"""The month and the county whose income file arrives broken at first."""
AWAITED = "2026-05"
"""A month that fewer counties deliver than are needed to build it."""


@dataclass(frozen=True)
class Stage:
    """What a command printed and what is published after it."""

    municipality: Municipality
    done: Finished
    marts: dict[str, Rows]

    @property
    def figures(self) -> Any:
        return json.loads(self.done.stdout)


def stage(municipality: Municipality, *arguments: str) -> Stage:
    done = municipality.run(*arguments, "--json")
    assert done.code == 0, f"{done.stderr[-3000:]}"
    return Stage(municipality, done, municipality.marts())


@pytest.fixture(scope="session")
def webhook() -> Iterator[Hook]:
    """Who gets the municipality's notices."""
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture(scope="session")
def municipality(webhook: Hook) -> Iterator[Municipality]:
    # Not tmp_path_factory: its folder is closed to the account the server runs as under root.
    home = Path(tempfile.mkdtemp(prefix="warehouse-e2e-"))
    postgres.open_home(home)
    municipality = Municipality(
        home,
        {
            "WATCH_MINUTES": "1",
            "ALERT_WEBHOOK": webhook.url,
            "BUILD_MINUTES": "0.05",  # no build is that fast: each one's deadline passes
        },
    )
    try:
        yield municipality
    finally:
        municipality.run("down")
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def demo(municipality: Municipality) -> Stage:
    """The first demo, from nothing."""
    return stage(municipality, "demo")


@pytest.fixture(scope="session")
def defects(demo: Stage) -> list[CodeFigures]:
    """The defects that the first demo found, beside those planted in its deliveries."""
    with demo.municipality.as_settings():
        unlinked = unlinked_people(demo.municipality.home, list(MONTHS))
        return evaluate(demo.municipality.home, list(MONTHS), unlinked)


@pytest.fixture(scope="session")
def demo_again(demo: Stage, defects: list[CodeFigures]) -> Stage:
    """The second demo, over the first one's state. What was planted is compared before: later
    stages deliver files that are not of the simulator's making."""
    return stage(demo.municipality, "demo")


def correct_income(
    municipality: Municipality, period: str, county: str, sent_at: float | None = None
) -> None:
    """Have a county write over its income file: its first household has 1,200 yuan more.

    ``sent_at`` in seconds of the epoch, by default 20 days after the file that it corrects.
    """
    folder = municipality.home / "sources" / "county" / period / county
    (sent,) = folder.glob("3-*.csv")
    later = sent_at or sent.stat().st_mtime + 20 * 86_400
    lines = sent.read_text(encoding="gb18030").splitlines()
    head = next(number for number, line in enumerate(lines) if "A工资性收入" in line)
    cells = lines[head + 1].split(",")
    for name in ("A工资性收入", "A1务工收入"):
        position = lines[head].split(",").index(name)
        cells[position] = f"{float(cells[position]) + 1200:.2f}"
    lines[head + 1] = ",".join(cells)
    sent.write_bytes("\r\n".join([*lines, ""]).encode("gb18030"))
    os.utime(sent, (later, later))


@pytest.fixture(scope="session")
def backfill(demo_again: Stage) -> Stage:
    """One county has sent a correction of one household's January income; all months again."""
    correct_income(demo_again.municipality, "2026-01", CORRECTED)
    return stage(
        demo_again.municipality, "backfill", "2026-01", "2026-03", "--reason", "corrected income"
    )


@dataclass(frozen=True)
class Upload:
    """A file in a county's drop, and what it should have been."""

    path: Path
    sound: bytes
    sent_at: float

    def put(self, content: bytes, later_s: float) -> None:
        self.path.write_bytes(content)
        os.utime(self.path, (self.sent_at + later_s,) * 2)


@pytest.fixture(scope="session")
def upload(backfill: Stage) -> Upload:
    """Two more months at the sources; the upload of one county's file has broken off."""
    done = backfill.municipality.run("simulate", "--to", AWAITED)
    assert done.code == 0, done.stderr[-3000:]
    (path,) = (backfill.municipality.home / "sources" / "county" / LATE / SPOILED).glob("3-*")
    found = Upload(path, path.read_bytes(), path.stat().st_mtime)
    found.put(found.sound[: len(found.sound) // 2], 0)
    return found


@pytest.fixture(scope="session")
def right_from_the_start(backfill: Stage) -> str:
    """A second warehouse, as it was before that month; its URL."""
    return backfill.municipality.copy("right_from_the_start")


@pytest.fixture(scope="session")
def one_rejected(backfill: Stage, right_from_the_start: str, upload: Upload) -> Stage:
    """The month through Airflow, with the broken file in the drop."""
    return stage(backfill.municipality, "backfill", LATE, LATE, "--reason", "the next month")


@pytest.fixture(scope="session")
def put_right(one_rejected: Stage, upload: Upload) -> Stage:
    """The county has sent the file again; nobody has done anything else."""
    upload.put(upload.sound, 60)
    municipality = one_rejected.municipality
    municipality.wait_for(
        f"select version, state from ops.publication where period = '{LATE}' order by 1",
        [(1, "published"), (2, "published")],
        within_s=420,
    )
    return Stage(municipality, one_rejected.done, municipality.marts())


@pytest.fixture(scope="session")
def waiting(put_right: Stage) -> Finished:
    """A month of which one county too many has not delivered, run by its sources."""
    home = put_right.municipality.home
    counties = sorted((home / "sources" / "county" / AWAITED).iterdir())
    for folder in counties[rules()["county"].minimum - 1 :]:
        shutil.rmtree(folder)
    return put_right.municipality.run("backfill", AWAITED, AWAITED, "--reason", "one more month")


@pytest.fixture(scope="session")
def gone_ahead(put_right: Stage, waiting: Finished) -> Stage:
    """An operator has said that the month is to be built with what has come."""
    municipality = put_right.municipality
    done = municipality.run(
        *("readiness", "go-ahead", AWAITED, "--source", "county", "--reason", "the fair begins")
    )
    assert done.code == 0, done.stderr[-3000:]
    municipality.wait_for(
        f"select version, state from ops.publication where period = '{AWAITED}'",
        [(1, "published")],
        within_s=420,
    )
    return Stage(municipality, done, municipality.marts())
