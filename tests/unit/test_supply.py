"""The supply chain: the lock, known vulnerabilities, secrets in files and history, components."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from packaging.utils import canonicalize_name

from include.settings import PROJECT_ROOT
from include.supply import __main__ as everything
from include.supply import lock, sbom, secrets, vulnerabilities
from include.supply.allowed import Allowed, BadException, allowed, expired, sha256
from include.supply.report import Report, State

TODAY = date(2026, 6, 30)
TOKEN = "ghp" + "_" + "aB3" * 12  # in one piece it were a finding
HASH = f"--hash=sha256:{'0' * 64}"


# -- the lock ----------------------------------------------------------------------------------


def lock_of(folder: Path, *lines: str, asked: str = "") -> list[str]:
    """Findings of a lock, without those about what is installed."""
    (folder / "requirements.txt").write_text("\n".join(lines))
    (folder / "requirements.in").write_text(asked)
    found = lock.check(folder / "requirements.txt", folder / "requirements.in")
    return [finding for finding in found.findings if "installed" not in finding]


def test_the_project_s_lock_is_whole_and_installed() -> None:
    report = lock.check()
    assert report.findings == []
    assert report.state == "passed"


def test_the_lock_names_no_index() -> None:
    text = lock.LOCK.read_text(encoding="utf-8")
    assert "://" not in text
    options = [line for line in text.splitlines() if line.startswith("-")]
    assert options == []


def test_what_a_lock_must_not_hold_is_found(tmp_path: Path) -> None:
    assert lock_of(tmp_path, f"one==1.0 \\\n    {HASH}\n    # via two", asked="one") == []
    assert lock_of(tmp_path, "one==1.0") == ["one has no sha256"]
    assert lock_of(tmp_path, f"one==1.0 --hash=md5:{'0' * 32}") == ["one has no sha256"]
    assert lock_of(tmp_path, f"one>=1.0 {HASH}") == ["one is not held to one version"]
    assert lock_of(tmp_path, f"one @ https://127.0.0.1/one.whl {HASH}") == [
        "one is not held to one version"
    ]
    assert lock_of(tmp_path, "--index-url https://127.0.0.1/simple") == [
        "no requirement but an option or an address: --index-url"
    ]
    assert lock_of(tmp_path, asked="one\ntwo==2  # why") == [
        "one is asked for and not locked", "two is asked for and not locked",
    ]  # fmt: skip
    assert lock_of(tmp_path) == []


def test_what_is_installed_and_not_locked_is_found(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    report = lock.check(tmp_path / "empty", tmp_path / "empty")
    assert report.state == "failed"
    assert "pytest is installed and not locked" in report.findings


# -- exceptions --------------------------------------------------------------------------------


def exception(**changes: Any) -> Allowed:
    return Allowed.model_validate(
        {
            "check": "secret", "kind": "GitHub Token", "path": "notes/*", "expires": TODAY,
            "reason": "made up for a test of the scan", **changes,
        }
    )  # fmt: skip


def test_the_project_s_exceptions_are_sound_and_in_force() -> None:
    assert allowed()
    assert expired(allowed(), date.today()) == []  # noqa: DTZ011


@pytest.mark.parametrize(
    "entry",
    [
        "- {check: secret, kind: K, path: p, reason: made up for a test of it}",
        "- {check: secret, kind: K, path: p, expires: 2026-01-01}",
        "- {check: secret, kind: K, path: p, reason: because, expires: 2026-01-01}",
        "- {check: secret, path: p, reason: made up for a test of it, expires: 2026-01-01}",
        "- {check: secret, kind: K, reason: made up for a test of it, expires: 2026-01-01}",
        "- {check: vulnerability, reason: made up for a test of it, expires: 2026-01-01}",
        "- {check: licence, id: x, reason: made up for a test of it, expires: 2026-01-01}",
        "- never",
        "check: [",
    ],
)
def test_an_exception_without_its_parts_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "exceptions.yml").write_text(entry)
    with pytest.raises(BadException):
        allowed(tmp_path / "exceptions.yml")


def test_no_file_and_an_empty_one_except_nothing(tmp_path: Path) -> None:
    assert allowed(tmp_path / "none.yml") == []
    (tmp_path / "empty.yml").write_text("# none\n")
    assert allowed(tmp_path / "empty.yml") == []


def test_an_exception_ends_after_its_last_day() -> None:
    assert expired([exception()], TODAY) == []
    (over,) = expired([exception()], date(2026, 7, 1))
    assert over == "the exception for GitHub Token in notes/* ended on 2026-06-30"


# -- secrets -----------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of a file without secrets."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "notes").mkdir()
    commit(tmp_path, "notes/a.txt", "nothing to see here\n")
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)
    git(root, "add", name)
    git(root, "commit", "--quiet", "--message", "a change")


def test_a_repository_without_secrets_passes(repository: Path) -> None:
    report = secrets.check(repository, [], TODAY)
    assert (report.state, report.findings) == ("passed", [])
    assert report.looked_at.startswith("1 lines of 1 commits")


def test_an_empty_repository_passes_and_no_repository_is_not_checked(tmp_path: Path) -> None:
    assert secrets.check(tmp_path, [], TODAY).state == "not_checked"
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    assert secrets.check(tmp_path, [], TODAY).state == "passed"


@pytest.mark.parametrize("place", ["committed", "staged", "untracked", "taken out again", "branch"])
def test_a_planted_secret_is_found_wherever_it_lies(repository: Path, place: str) -> None:
    planted = f'token = "{TOKEN}"\n'
    if place == "branch":
        git(repository, "checkout", "--quiet", "-b", "other")
    if place in ("staged", "untracked"):
        (repository / "notes" / "b.txt").write_text(planted)
    else:
        commit(repository, "notes/b.txt", planted)
    if place == "staged":
        git(repository, "add", "notes/b.txt")
    if place == "taken out again":
        commit(repository, "notes/b.txt", "nothing\n")
    if place == "branch":
        git(repository, "checkout", "--quiet", "-")
        assert not (repository / "notes" / "b.txt").exists()
    report = secrets.check(repository, [], TODAY)
    assert report.state == "failed"
    assert all(finding.startswith("notes/b.txt") for finding in report.findings)
    assert TOKEN not in "".join(report.findings)


def test_an_exception_is_for_its_kind_place_value_and_time(repository: Path) -> None:
    commit(repository, "notes/b.txt", f"x {TOKEN}\n")

    def state(today: date = TODAY, **changes: Any) -> str:
        return secrets.check(repository, [exception(**changes)], today).state

    assert state() == "passed"
    assert state(path=None, sha256=sha256(f"x {TOKEN}")) == "passed"
    assert state(sha256=sha256("another")) == "failed"
    assert state(path="tests/*") == "failed"
    assert state(kind="Private Key") == "failed"
    assert state(today=date(2026, 7, 1)) == "failed"


def test_half_a_history_is_not_checked(repository: Path, tmp_path: Path) -> None:
    commit(repository, "notes/b.txt", "more\n")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")
    report = secrets.check(tmp_path / "shallow", [], TODAY)
    assert report.state == "not_checked"
    assert "cut off" in report.looked_at


# -- vulnerabilities ---------------------------------------------------------------------------


class Database(BaseHTTPRequestHandler):
    """An OSV database: one package has a defect."""

    vulnerable: ClassVar[str] = ""
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        defect = {
            "id": "GHSA-1", "aliases": ["CVE-2026-1"], "summary": "made up",
            "affected": [{
                "package": {"name": self.vulnerable, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9"}]}],
            }],
        }  # fmt: skip
        found = {"vulns": [defect]} if asked["package"]["name"] == self.vulnerable else {}
        body = json.dumps(found).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Database, "vulnerable", "")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(f"tidy==1.0 {HASH}\nsloppy==2.0 {HASH}\n")
    return path


def ignoring(**changes: Any) -> list[Allowed]:
    return [exception(**{"check": "vulnerability", "kind": None, "path": None, **changes})]


def test_packages_without_known_defects_pass(database: str, two: Path) -> None:
    report = vulnerabilities.check(two, [], TODAY, database)
    assert (report.state, report.findings) == ("passed", [])
    assert report.looked_at == "2 of 2 packages (osv)"


def test_a_known_defect_fails_unless_it_is_excepted(
    database: str, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "vulnerable", "sloppy")
    report = vulnerabilities.check(two, [], TODAY, database)
    assert report.state == "failed"
    assert report.findings == ["sloppy 2.0: CVE-2026-1 (mended in 9)"]
    assert vulnerabilities.check(two, ignoring(id="CVE-2026-1"), TODAY, database).state == "passed"
    late = vulnerabilities.check(two, ignoring(id="GHSA-1"), date(2026, 7, 1), database)
    assert late.state == "failed"
    assert "the exception for GHSA-1 ended on 2026-06-30" in late.findings


def test_a_database_that_does_not_answer_is_said_and_no_success(two: Path) -> None:
    nobody = "http://127.0.0.1:1/v1/query"
    report = vulnerabilities.check(two, [], TODAY, nobody)
    assert (report.state, report.findings) == ("not_checked", [])
    assert "nothing is known of any package" in report.looked_at
    assert vulnerabilities.check(two, ignoring(id="X"), date(2027, 1, 1), nobody).state == "failed"


def test_a_package_that_the_database_leaves_out_is_not_counted_as_checked() -> None:
    found: list[dict[str, Any]] = [
        {"name": "tidy", "version": "1.0", "vulns": []},
        {"name": "own", "skip_reason": "Dependency not found on PyPI and could not be audited"},
    ]
    report = vulnerabilities._judged(found, "pypi", [], TODAY, [])
    assert report.state == "not_checked"
    assert report.looked_at == "1 of 2 packages (pypi); not known there: own"


# -- components --------------------------------------------------------------------------------


def test_the_list_of_components_is_the_locked_environment_and_the_same_twice(
    tmp_path: Path,
) -> None:
    first, again = tmp_path / "a" / "sbom.json", tmp_path / "b.json"
    sbom.write(first)
    sbom.write(again)
    assert first.read_bytes() == again.read_bytes()
    listed = json.loads(first.read_text(encoding="utf-8"))
    assert listed["bomFormat"] == "CycloneDX"
    components: dict[str, str] = {
        canonicalize_name(c["name"]): c["version"] for c in listed["components"]
    }
    locked = dict(
        line.partition(" ")[0].split("==")
        for line in lock.LOCK.read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    )
    assert {name for name in components if name not in locked} <= {"setuptools", "wheel", "pip"}
    assert components["apache-airflow"] == locked["apache-airflow"]
    assert str(PROJECT_ROOT) not in first.read_text(encoding="utf-8")


def test_an_environment_without_the_tool_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(sbom.NoComponents):
        sbom.write(tmp_path / "sbom.json")


@pytest.mark.parametrize(
    ("states", "code"),
    [(["passed", "passed"], 0), (["passed", "not_checked"], 3), (["failed", "not_checked"], 1)],
)
def test_what_was_not_checked_is_no_success(
    states: list[State], code: int, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    reports = [Report(f"check {n}", state, "nothing") for n, state in enumerate(states)]
    monkeypatch.setattr(everything, "checks", lambda: reports)
    assert everything.main() == code
    assert ("NOT CHECKED" in capsys.readouterr().out) is ("not_checked" in states)
