"""Secrets in the repository and all of its history, by detect-secrets' detectors.

Every line that any commit added is looked at once; what was taken out later is still there for
whoever has the history.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

from include.settings import PROJECT_ROOT
from include.supply.allowed import Allowed, allowed, expired, sha256
from include.supply.report import Report

CHECK = "secrets"
_NO_SECRETS = ("Public IP (ipv4)",)
"""What detect-secrets finds besides."""
_LONGEST_LINE = 20_000
"""Characters: longer lines are not written by hand, and cost minutes."""


def check(
    root: Path = PROJECT_ROOT, entries: list[Allowed] | None = None, today: date | None = None
) -> Report:
    """Look through files and history. ``not_checked`` where there is no history, or half of one."""
    mine = [e for e in (allowed() if entries is None else entries) if e.check == "secret"]
    day = today or date.today()  # noqa: DTZ011  # exceptions end by the calendar on the wall
    findings = expired(mine, day)
    in_force = [entry for entry in mine if not entry.is_over(day)]
    try:
        commits = int(_git(root, "rev-list", "--all", "--count"))
        is_shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
        lines = dict(_lines(_history(root)))
    except (OSError, subprocess.CalledProcessError):
        return Report(CHECK, "not_checked", "no git repository is here", findings)
    lines.update((text, f"{path} (not committed)") for text, path in _changed(root))
    findings += sorted(set(_found(lines, in_force)))
    looked_at = f"{len(lines):,} lines of {commits:,} commits and of files not committed"
    if is_shallow:
        looked_at += "; the history is cut off"
    state = "failed" if findings else "not_checked" if is_shallow else "passed"
    return Report(CHECK, state, looked_at, findings)  # type: ignore[arg-type]


def _found(lines: dict[str, str], in_force: list[Allowed]) -> Iterator[str]:
    """``path in commit: kind (sha256 of the line)``, which is what an exception names."""
    detectors = [
        make()
        for kind, make in get_mapping_from_secret_type_to_class().items()
        if kind not in _NO_SECRETS
    ]
    for text, place in lines.items():
        if len(text) > _LONGEST_LINE:
            continue
        path = place.partition(" ")[0]
        for detector in detectors:
            for secret in detector.analyze_line(filename=path, line=text, line_number=0):
                if not any(e.covers_secret(secret.type, path, text) for e in in_force):
                    yield f"{place}: {secret.type} (sha256 {sha256(text)})"


def _history(root: Path) -> str:
    return _git(
        root, "log", "--all", "--patch", "--unified=0", "--no-renames", "--no-color",
        "--no-ext-diff", "--diff-merges=first-parent", "--format=commit %h",
    )  # fmt: skip


def _changed(root: Path) -> Iterator[tuple[str, str]]:
    """(line, path) of what is not committed yet."""
    for text, place in _lines(_git(root, "diff", "HEAD", "--unified=0", "--no-color")):
        yield text, place.partition(" ")[0]
    others = _git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    for path in filter(None, others):
        for text in (root / path).read_text(encoding="utf-8", errors="replace").splitlines():
            yield text, path


def _lines(patch: str) -> Iterator[tuple[str, str]]:
    """(added line, where it was added) of a patch."""
    commit = path = ""
    for line in patch.split("\n"):
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line.startswith("+++ "):
            path = line.removeprefix("+++ ").removeprefix("b/")
        elif line.startswith("+"):
            yield line[1:], f"{path} in {commit}"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True)
    return done.stdout.decode("utf-8", errors="replace")
