"""``.ci/exceptions.yml``: what the checks find and why it may stay, each until a day."""

from __future__ import annotations

import hashlib
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.errors import WarehouseError
from include.settings import PROJECT_ROOT

FILE = PROJECT_ROOT / ".ci" / "exceptions.yml"


class BadException(WarehouseError):
    """An exception without a reason or a last day, or of no check."""


class Allowed(BaseModel):
    """One exception: a vulnerability by its ``id``, or secrets by ``kind``, and by ``path`` or the
    ``sha256`` of the one line that is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: Literal["vulnerability", "secret"]
    id: str | None = None
    kind: str | None = None
    path: str | None = None
    """Pattern of the file's path, as a shell has it."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    reason: str = Field(min_length=20)
    expires: date
    """The last day it holds."""

    @model_validator(mode="after")
    def _says_what_it_means(self) -> Allowed:
        if self.check == "vulnerability" and (not self.id or self.kind or self.path or self.sha256):
            raise ValueError("a vulnerability is excepted by its id alone")
        if self.check == "secret" and (self.id or not self.kind or not (self.path or self.sha256)):
            raise ValueError("a secret is excepted by its kind, and by path or sha256")
        return self

    @property
    def subject(self) -> str:
        """What is excepted, in words."""
        return self.id or f"{self.kind} in {self.path or f'line {str(self.sha256)[:12]}…'}"

    def is_over(self, today: date) -> bool:
        """Whether its time is over."""
        return today > self.expires

    def covers_secret(self, kind: str, path: str, line: str) -> bool:
        """Whether a found secret is the one that is meant."""
        return (
            self.check == "secret"
            and kind == self.kind
            and (self.path is None or fnmatchcase(path, self.path))
            and (self.sha256 is None or self.sha256 == sha256(line))
        )


def sha256(line: str) -> str:
    """What stands in the file for a line; blanks around it do not count."""
    return hashlib.sha256(line.strip().encode()).hexdigest()


def allowed(file: Path = FILE) -> list[Allowed]:
    """The exceptions; none where there is no file. Raises BadException."""
    if not file.exists():
        return []
    try:
        return [
            Allowed.model_validate(entry)
            for entry in yaml.safe_load(file.read_text(encoding="utf-8")) or []
        ]
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        trouble = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else "it is no list of mappings"
        )
        raise BadException(
            f"an exception is not sound ({trouble}).",
            file=file.name,
            remedy="give each a check, what it excepts, a reason and its last day (expires).",
        ) from None


def expired(entries: list[Allowed], today: date) -> list[str]:
    """Exceptions whose time is over, in words: whoever relies on one has to look again."""
    return [
        f"the exception for {entry.subject} ended on {entry.expires}"
        for entry in entries
        if entry.is_over(today)
    ]
