"""Sizes of the simulated municipality."""

from __future__ import annotations

from dataclasses import dataclass

from include.errors import WarehouseError


@dataclass(frozen=True)
class Profile:
    """How many of what; shares are of households.

    ``villages_per_county`` None means all rural villages, with households spread over counties by
    population; else every county gets equally many of both.
    """

    name: str
    households: int
    villages_per_county: int | None
    settlements_per_year: int
    ex_poor_share: float
    monitored_share: float
    """Households monitored at any time up to the beginning of 2026."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("tiny", 1_100, 4, 10_000, 0.12, 0.12),
        Profile("dev", 14_080, 20, 130_000, 0.12, 0.06),
        Profile("pilot", 145_000, None, 2_000_000, 0.91, 0.09),
        Profile("full", 1_000_000, None, 10_000_000, 0.13, 0.013),
    )
}


def profile_of(name: str) -> Profile:
    """The profile of that name. Raises WarehouseError where there is none."""
    if name not in PROFILES:
        raise WarehouseError(
            f"There is no profile {name!r}.", remedy=f"choose among {', '.join(PROFILES)}."
        )
    return PROFILES[name]
