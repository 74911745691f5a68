"""Known vulnerabilities of the locked packages, by pip-audit.

pip-audit ends with success where its database knows none of the packages, as it does where the
database cannot be reached through a package index's mirror. So one package is asked for first, and
packages that were skipped are never counted as checked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from include.supply.allowed import Allowed, allowed, expired
from include.supply.lock import LOCK
from include.supply.report import Report

CHECK = "vulnerabilities"
_ASKED_FIRST = "pip==26.0\n"
_SERVICES = ("pypi", "osv")
_SECONDS = 600


def check(
    lock: Path = LOCK,
    entries: list[Allowed] | None = None,
    today: date | None = None,
    osv_url: str | None = None,
) -> Report:
    """Ask the databases in turn; the first that answers is asked for all packages.

    ``osv_url`` is that of an OSV database of one's own, which then is the only one asked.
    ``not_checked`` where none answers, or where one leaves packages out and finds nothing else.
    """
    day = today or date.today()  # noqa: DTZ011  # exceptions end by the calendar on the wall
    mine = [e for e in (allowed() if entries is None else entries) if e.check == "vulnerability"]
    over = expired(mine, day)
    for service in ("osv",) if osv_url else _SERVICES:
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder) / "requirements.txt"
            probe.write_text(_ASKED_FIRST)
            first = _audit(probe, service, osv_url, "--no-deps")
        if first is None or _skipped(first):
            continue
        whole = _audit(lock, service, osv_url, "--require-hashes")
        if whole is not None:
            return _judged(whole, service, mine, day, over)
    return Report(
        CHECK,
        "failed" if over else "not_checked",
        "no vulnerability database answers from here: nothing is known of any package",
        over,
    )


def _judged(
    packages: list[dict[str, Any]],
    service: str,
    entries: list[Allowed],
    day: date,
    over: list[str],
) -> Report:
    excepted = {entry.id for entry in entries if not entry.is_over(day)}
    findings = over + [
        f"{package['name']} {package['version']}: {vuln['id']}"
        f" (mended in {', '.join(vuln['fix_versions']) or 'no version'})"
        for package in packages
        for vuln in package.get("vulns", [])
        if not excepted & {vuln["id"], *vuln.get("aliases", [])}
    ]
    left_out = _skipped(packages)
    looked_at = f"{len(packages) - len(left_out)} of {len(packages)} packages ({service})"
    if left_out:
        looked_at += f"; not known there: {', '.join(left_out)}"
    state = "failed" if findings else "not_checked" if left_out else "passed"
    return Report(CHECK, state, looked_at, findings)  # type: ignore[arg-type]


def _skipped(packages: list[dict[str, Any]]) -> list[str]:
    return [package["name"] for package in packages if "skip_reason" in package]


def _audit(
    requirements: Path, service: str, osv_url: str | None, *options: str
) -> list[dict[str, Any]] | None:
    """pip-audit's findings by package; None where it has none to give."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(requirements), *options,
        "--disable-pip", "--format", "json", "--aliases", "on", "--progress-spinner", "off",
        "--timeout", "10", "--vulnerability-service", service,
        *(("--osv-url", osv_url) if osv_url else ()),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found or None
