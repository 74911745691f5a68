"""The lock: each package in one version with hashes, all of them, and none beside it installed."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from include.settings import PROJECT_ROOT
from include.supply.report import Report

LOCK = PROJECT_ROOT / "requirements.txt"
ASKED_FOR = PROJECT_ROOT / "requirements.in"
_BROUGHT_BY_PYTHON: set[str] = {"pip", "setuptools", "wheel"}


def check(lock: Path = LOCK, asked_for: Path = ASKED_FOR) -> Report:
    """Whether the lock is whole, and the running environment is what it says."""
    findings: list[str] = []
    locked: dict[str, str] = {}
    named: set[str] = set()
    entries = _entries(lock)
    for entry in entries:
        words = [word.strip() for word in entry.split("--hash=")]
        try:
            requirement = Requirement(words[0])
        except InvalidRequirement:
            findings.append(f"no requirement but an option or an address: {words[0].split()[0]}")
            continue
        name = canonicalize_name(requirement.name)
        named.add(name)
        pins = [s.version for s in requirement.specifier if s.operator == "=="]
        if requirement.url or len(requirement.specifier) != 1 or not pins:
            findings.append(f"{name} is not held to one version")
        elif not words[1:] or any(not re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in words[1:]):
            findings.append(f"{name} has no sha256")
        elif requirement.marker is None or requirement.marker.evaluate():
            locked[name] = pins[0]
    asked = {str(canonicalize_name(Requirement(e).name)) for e in _entries(asked_for)}
    findings += [f"{name} is asked for and not locked" for name in sorted(asked - named)]
    found = {str(canonicalize_name(one.metadata["Name"])): one.version for one in distributions()}
    findings += [
        f"{name} is installed as {found.get(name, 'nothing')}, locked as {version}"
        for name, version in sorted(locked.items())
        if found.get(name) != version
    ]
    unlocked = found.keys() - locked.keys() - _BROUGHT_BY_PYTHON
    findings += [f"{name} is installed and not locked" for name in sorted(unlocked)]
    return Report(
        "lock", "failed" if findings else "passed", f"{len(entries)} requirements", findings
    )


def _entries(path: Path) -> list[str]:
    """Lines of a requirements file, continued ones joined, without comments."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]
