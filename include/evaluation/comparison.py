"""What was published beside what the truth asks for, code by code: the same figures for all rules.

``Case`` is one thing that is to be found: a rule's (or kind's) code, the month, and the key of whom
it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Case = tuple[str, str, str]
"""(code, period, key of the person or household)."""
_SHOWN = 20


@dataclass(frozen=True)
class Comparison:
    """One code over all months. ``precision`` and ``recall`` are None where nothing is there."""

    code: str
    name_zh: str
    expected: int
    near_misses: int | None
    """None where no value can be beside the threshold, or there is no threshold."""
    found: int
    missed: int
    extra: int
    precision: float | None
    recall: float | None
    missed_keys: list[str]
    """period/key of some, for finding out why; keyed hashes, no identifiers."""
    extra_keys: list[str]

    @property
    def is_exact(self) -> bool:
        """Nothing missed and nothing extra."""
        return not self.missed and not self.extra


@dataclass(frozen=True)
class Figures:
    """All codes of one mart; ``left_out`` published cases are about people who were not linked."""

    codes: list[Comparison]
    left_out: int

    @property
    def is_exact(self) -> bool:
        """No code missed anything or found too much."""
        return all(one.is_exact for one in self.codes)


def compare(
    names: Mapping[str, str],
    expected: set[Case],
    found: set[Case],
    near: Mapping[str, int | None],
) -> list[Comparison]:
    """The figures of every code of ``names`` (code -> Chinese name), in their order.

    A code without an entry in ``near`` has no near-misses to be counted.
    """
    compared = []
    for code, name in names.items():
        wanted = {case for case in expected if case[0] == code}
        got = {case for case in found if case[0] == code}
        both = len(wanted & got)
        compared.append(
            Comparison(
                code=code,
                name_zh=name,
                expected=len(wanted),
                near_misses=near.get(code),
                found=len(got),
                missed=len(wanted) - both,
                extra=len(got) - both,
                precision=both / len(got) if got else None,
                recall=both / len(wanted) if wanted else None,
                missed_keys=_some(wanted - got),
                extra_keys=_some(got - wanted),
            )
        )
    return compared


def _some(cases: set[Case]) -> list[str]:
    return [f"{period}/{key}" for _, period, key in sorted(cases)[:_SHOWN]]
