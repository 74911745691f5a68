"""What one check found. ``not_checked`` is no success: nobody has looked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

State = Literal["passed", "failed", "not_checked"]


@dataclass(frozen=True)
class Report:
    """``looked_at`` says at what; ``findings`` name places and never a secret's value."""

    check: str
    state: State
    looked_at: str
    findings: list[str] = field(default_factory=list)
