"""The list of components (CycloneDX) of the environment that runs this."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from include.errors import WarehouseError


class NoComponents(WarehouseError):
    """The list of components could not be made."""


def write(path: Path) -> None:
    """Write it as JSON: each package with version, licence and what it needs. The same environment
    gives the same bytes. Raises NoComponents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cyclonedx_py",
            "environment",
            "--output-reproducible",
            "--no-validate",
            "--output-format",
            "JSON",
            "--output-file",
            str(path),
            sys.executable,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NoComponents(
            f"cyclonedx-py ended with code {done.returncode}: {done.stderr[-500:]}",
            remedy="install requirements.txt anew (delete .venv), then call this again.",
        )
