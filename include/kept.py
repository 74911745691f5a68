"""What builds ran, kept below ``home/builds``: the dbt project and its seeds, by their digests.

A build says in ``ops.build`` which code and seeds it ran. A project changes, and a year later the
question is what was known *then*: so each version that a build ran lies in ``builds/code/<sha256>``
and ``builds/seeds/<sha256>``, once however many builds ran it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import psycopg

from include.errors import WarehouseError
from include.settings import PROJECT_ROOT, settings

Part = Literal["code", "seeds"]
PARTS: dict[Part, tuple[str, ...]] = {
    "code": ("models", "macros", "tests", "dbt_project.yml", "profiles.yml"),
    "seeds": ("seeds",),
}
_LINKAGE = PROJECT_ROOT / "include" / "linkage"


class NotKept(WarehouseError):
    """What a build ran is not there any more, or is not what it was."""


def keep(project: Path) -> tuple[str, str]:
    """Keep a dbt project's code and seeds where they are not kept yet; their digests."""
    return _keep("code", project), _keep("seeds", project)


def digest(part: Part, project: Path) -> str:
    """Of the names and bytes of a project's files: two builds with one digest ran the same."""
    return _digest(_read(part, project))


def is_kept(part: Part, sha256: str) -> bool:
    """Whether a version is there; ``project`` looks at its bytes too."""
    return _folder(part, sha256).is_dir()


def project(code: str, seeds: str) -> Path:
    """A dbt project of kept code and seeds, in a folder of its own.

    Raises NotKept where either is absent, or is not what its digest says.
    """
    for part, sha256 in (("code", code), ("seeds", seeds)):
        _demand(part, sha256)  # type: ignore[arg-type]  # the two literals
    place = settings().home / "builds" / "projects" / f"{code[:16]}-{seeds[:16]}"
    if (digest("code", place), digest("seeds", place)) != (code, seeds):
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=place.parent, prefix=".draft-"))
        for folder in (_folder("code", code), _folder("seeds", seeds)):
            shutil.copytree(folder, draft, dirs_exist_ok=True)
        _rename(draft, place)
    return place


def linkage_sha256() -> str:
    """Digest of what links persons: our code, its parameters and the library's version."""
    files = sorted(path for path in _LINKAGE.iterdir() if path.suffix in (".py", ".json"))
    return _digest(
        [
            *((path.name, path.read_bytes()) for path in files),
            ("splink", version("splink").encode()),
        ]
    )


def functions_sha256(connection: psycopg.Connection[Any]) -> str:
    """Digest of the database's functions that read cells: migrations may change them."""
    row = connection.execute(
        "select encode(sha256(convert_to(coalesce(string_agg(pg_get_functiondef(oid), e'\\n'"
        " order by oid::regprocedure::text collate \"C\"), ''), 'UTF8')), 'hex') from pg_proc"
        " where pronamespace in ('parse'::regnamespace, 'vault'::regnamespace) and prokind = 'f'"
    ).fetchone()
    assert row is not None
    return str(row[0])


def _keep(part: Part, project: Path) -> str:
    files = _read(part, project)
    sha256 = _digest(files)
    place = _folder(part, sha256)
    if place.exists():
        return sha256
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=place.parent, prefix=".draft-"))
        for name, content in files:
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _rename(draft, place)
    except OSError as error:
        raise NotKept(
            f"the dbt project cannot be kept ({error.strerror}).",
            file=str(place.parent),
            remedy="see that the disk has space and the folder can be written, then build again.",
        ) from error
    return sha256


def _demand(part: Part, sha256: str) -> None:
    place = _folder(part, sha256)
    if not place.is_dir():
        raise NotKept(
            f"the {part} {sha256[:12]} of this build is not kept.",
            file=str(place.parent),
            remedy="restore the folder from a backup; builds from before it was kept cannot be "
            "repeated with what they ran.",
        )
    if digest(part, place) != sha256:
        raise NotKept(
            f"the {part} {sha256[:12]} was changed after it was kept.",
            file=str(place),
            remedy="restore the folder from a backup; nobody should write there.",
        )


def _read(part: Part, project: Path) -> list[tuple[str, bytes]]:
    """(path below the project, bytes) of the files of a part, in order."""
    paths = [
        path
        for name in PARTS[part]
        for path in sorted([project / name, *(project / name).rglob("*")])
        if path.is_file()
    ]
    return [(str(path.relative_to(project)), path.read_bytes()) for path in paths]


def _digest(files: list[tuple[str, bytes]]) -> str:
    found = hashlib.sha256()
    for name, content in files:
        found.update(name.encode() + b"\0")
        found.update(content + b"\0")
    return found.hexdigest()


def _folder(part: Part, sha256: str) -> Path:
    return settings().home / "builds" / part / sha256


def _rename(draft: Path, place: Path) -> None:
    """Complete or not there at all; another process may have been first with the same."""
    draft.chmod(0o755)
    try:
        draft.rename(place)
    except OSError:
        shutil.rmtree(draft)
        if not place.is_dir():
            raise
