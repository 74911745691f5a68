"""The launcher, run for real in a project of one line: environments are made, packages are none."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT

ECHO = "import os, sys\nprint(sys.version_info[:2], os.environ['PYTHONPATH'], sys.argv[1:])\n"
TOOLS = (
    "sh",
    "awk",
    "cat",
    "cut",
    "df",
    "dirname",
    "find",
    "flock",
    "id",
    "mkdir",
    "mv",
    "readlink",
)
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "a project"  # with a space
    (root / "include" / "cli").mkdir(parents=True)
    (root / "include" / "cli" / "main.py").write_text(ECHO)
    (root / "requirements.txt").write_text("# none\n")
    shutil.copy(PROJECT_ROOT / "warehouse", root / "warehouse")
    return root


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with the tools the launcher needs and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in (*TOOLS, "sha256sum"):
        found = shutil.which(tool)
        if found:
            (folder / tool).symlink_to(found)
    return folder


@pytest.fixture
def call(project: Path, tmp_path: Path) -> Call:
    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(project / "warehouse"), *arguments],
            env=environment(tmp_path, **changes),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    return run


def environment(home: Path, **changes: str) -> dict[str, str]:
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "WAREHOUSE_PYTHON": base_python()}
    return {key: value for key, value in {**base, **changes}.items() if value}


def base_python() -> str:
    """The interpreter below this one's environment, which can make environments."""
    return str(Path(sys.base_prefix) / "bin" / "python3")


def refusal(outcome: subprocess.CompletedProcess[str]) -> str:
    """Standard error of a call that must have refused with a sentence and a remedy."""
    assert outcome.returncode == 2, outcome.stderr
    assert "What to do: " in outcome.stderr
    assert "Traceback" not in outcome.stderr
    return outcome.stderr


def test_first_call_installs_and_the_second_does_not(project: Path, call: Call) -> None:
    first = call("psql", "-c", "select 1; -- two  words")
    assert first.returncode == 0, first.stderr
    assert "Installing into" in first.stderr
    assert f"{project} ['psql', '-c', 'select 1; -- two  words']" in first.stdout

    second = call("status")
    assert second.stderr == ""
    assert "['status']" in second.stdout


def test_the_command_s_exit_code_is_the_launcher_s(project: Path, call: Call) -> None:
    (project / "include" / "cli" / "main.py").write_text("raise SystemExit(7)\n")
    assert call().returncode == 7


def test_works_through_a_link(project: Path, call: Call, tmp_path: Path) -> None:
    call()
    link = tmp_path / "link"
    link.symlink_to(project / "warehouse")
    outcome = subprocess.run([link], env=environment(tmp_path), capture_output=True, text=True)
    assert str(project) in outcome.stdout


def test_what_was_broken_off_is_made_anew(project: Path, call: Call) -> None:
    call()
    leftover = project / ".venv" / "half-made"
    leftover.touch()
    (project / ".venv" / "complete").unlink()
    assert "making it anew" in call().stderr
    assert not leftover.exists()


def test_killed_installation_is_mended(project: Path, call: Call, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [str(project / "warehouse")],
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not (project / ".venv" / "bin").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (project / ".venv" / "complete").exists()

    assert call().returncode == 0
    assert (project / ".venv" / "complete").exists()


def test_changed_requirements_make_a_new_environment(project: Path, call: Call) -> None:
    call()
    (project / "requirements.txt").write_text("# still none\n")
    assert "Installing into" in call().stderr


def test_environment_of_a_moved_project_is_made_anew(
    project: Path, call: Call, tmp_path: Path
) -> None:
    call()
    moved = project.rename(tmp_path / "elsewhere")
    outcome = subprocess.run(
        [moved / "warehouse"], env=environment(tmp_path), capture_output=True, text=True
    )
    assert "Installing into" in outcome.stderr
    assert outcome.returncode == 0


def test_environment_without_its_python_is_made_anew(project: Path, call: Call) -> None:
    call()
    for link in (project / ".venv" / "bin").glob("python*"):
        link.unlink()
    assert call().returncode == 0


def test_calls_at_once_install_once(project: Path, tmp_path: Path) -> None:
    calls = [
        subprocess.Popen(
            [str(project / "warehouse"), str(number)],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    outcomes = [process.communicate(timeout=180) for process in calls]
    assert [process.returncode for process in calls] == [0, 0, 0]
    assert sum("Installing into" in stderr for _, stderr in outcomes) == 1


def test_a_name_on_the_path_that_does_not_run_is_passed_over(
    project: Path, call: Call, bare_path: Path
) -> None:
    shim = bare_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'not installed' >&2\nexit 127\n")
    shim.chmod(0o755)
    (bare_path / "python3").symlink_to(base_python())
    outcome = call("x", PATH=str(bare_path), WAREHOUSE_PYTHON="")
    assert outcome.returncode == 0, outcome.stderr
    assert "['x']" in outcome.stdout


def test_no_python_is_refused(call: Call, bare_path: Path, project: Path) -> None:
    told = refusal(call(PATH=str(bare_path), WAREHOUSE_PYTHON=""))
    assert "No Python 3.11, 3.12 or 3.13 was found." in told
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        pytest.param("echo 3.9.1; exit 1", "which is 3.9.1", id="too old"),
        pytest.param("exit 127", "no Python that runs", id="does not run"),
        pytest.param(
            'case "$*" in *ensurepip*) exit 1;; esac; echo 3.12.3',
            "apt install python3.12-venv",
            id="without venv",
        ),
    ],
)
def test_unfit_python_is_refused(call: Call, tmp_path: Path, program: str, told: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    assert told in refusal(call(WAREHOUSE_PYTHON=str(python)))


def test_full_disk_is_refused(call: Call, bare_path: Path, project: Path) -> None:
    (bare_path / "df").unlink()
    (bare_path / "df").write_text("#!/bin/sh\necho head\necho disk 9 9 900000 9 /\n")
    (bare_path / "df").chmod(0o755)
    told = refusal(call(PATH=str(bare_path)))
    assert "Only 878 MB are free" in told
    assert not (project / ".venv" / "complete").exists()


def test_missing_package_is_refused_and_mended(project: Path, call: Call) -> None:
    (project / "requirements.txt").write_text("no-such-package-of-ours==1\n")
    told = refusal(call(PIP_NO_INDEX="1", UV_NO_INDEX="1"))
    assert "The packages could not be installed" in told
    assert not (project / ".venv" / "complete").exists()

    (project / "requirements.txt").write_text("# none\n")
    assert call().returncode == 0


def test_foreign_include_folder_where_the_caller_stands_is_not_run(
    call: Call, tmp_path: Path
) -> None:
    foreign = tmp_path / "include" / "cli"
    foreign.mkdir(parents=True)
    for package in (foreign, foreign.parent):
        (package / "__init__.py").touch()
    (foreign / "main.py").write_text("raise SystemExit('foreign')\n")
    assert call().returncode == 0


def wheel(folder: Path) -> str:
    """A package of nothing, as a wheel; its sha256."""
    folder.mkdir()
    path = folder / "nothing-1.0-py3-none-any.whl"
    about = "nothing-1.0.dist-info"
    parts = {
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_locked_bytes_are_installed(
    project: Path, call: Call, bare_path: Path, tmp_path: Path
) -> None:
    right = wheel(tmp_path / "wheels")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    for option in (f" --hash=sha256:{'0' * 64}", ""):
        (project / "requirements.txt").write_text(f"nothing==1.0{option}\n")
        assert "could not be installed" in refusal(call(PATH=str(bare_path), **offline))
        assert not (project / ".venv" / "complete").exists()
    (project / "requirements.txt").write_text(f"nothing==1.0 --hash=sha256:{right}\n")
    outcome = call(PATH=str(bare_path), **offline)
    assert outcome.returncode == 0, outcome.stderr
