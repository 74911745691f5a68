"""One village through the months: everything the sources know of it, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from include.simulator import (
    clues,
    drinking_water,
    dwellings,
    helpers,
    incomes,
    measures,
    monitoring,
    moves,
    population,
    posts,
    projects,
    schooling,
    slips,
    welfare,
    work,
)
from include.simulator.areas import County, Village
from include.simulator.clues import Clue
from include.simulator.drinking_water import Water
from include.simulator.dwellings import Dwellings
from include.simulator.helpers import Helper
from include.simulator.incomes import Incomes
from include.simulator.measures import Measure
from include.simulator.monitoring import Monitoring, MonthState
from include.simulator.moves import Moves
from include.simulator.population import Population
from include.simulator.posts import Post
from include.simulator.profiles import Profile
from include.simulator.projects import Project
from include.simulator.roster import Roster, roster
from include.simulator.schooling import Schooling
from include.simulator.welfare import Welfare
from include.simulator.work import Work


@dataclass(frozen=True)
class VillageMonth:
    """A village at the end of the month ``period`` (an integer month)."""

    life: VillageLife
    period: int
    state: MonthState
    roster: Roster
    incomes: Incomes

    @property
    def people(self) -> Population:
        """The village's people in the households of the month."""
        return self.life.people.at(self.period)

    @cached_property
    def vacant(self) -> frozenset[str]:
        """Numbers of households of which nobody lives apart."""
        numbers = self.people.household_no
        return frozenset(numbers[h] for h in self.life.moves.vacant(self.period))

    @cached_property
    def places(self) -> dict[int, Village]:
        """Household -> the village it lives in, where that is another one."""
        return self.life.moves.places(self.period)

    def county_of(self, number: str) -> County:
        """The county that lists the household."""
        return self.elsewhere.get(number, self.life.village.county)

    @cached_property
    def elsewhere(self) -> dict[str, County]:
        """Number of a household -> the county that lists it, or bids it farewell, where that is
        another one."""
        moves, found = self.life.moves, dict[str, County]()
        for when in (self.period - 1, self.period):
            numbers = self.life.people.at(when).household_no
            for h, place in moves.places(when).items():
                if place.county != self.life.village.county:
                    found[numbers[h]] = place.county
        return found


@dataclass(frozen=True)
class VillageLife:
    """A village's people and their histories, drawn once; months are read from it."""

    seed: int
    profile: Profile
    village: Village
    since: int = 0
    """First month of which the sources deliver anything."""

    @property
    def moves(self) -> Moves:
        """Households that split, merge, move and change otherwise."""
        return moves.build(self.seed, self.profile, self.village)

    @cached_property
    def people(self) -> Population:
        """Households and persons."""
        people = population.build(self.seed, self.village, self.moves)
        slips.shorten_a_certificate(people, self.monitoring)
        slips.overlook_deaths(people)
        return people

    def county_code(self, person: int, period: int) -> str:
        """The county the person lives in at the month's end."""
        home = int(self.people.at(period).household[person])
        return self.moves.places(period).get(home, self.village).county.code

    @cached_property
    def monitoring(self) -> Monitoring:
        """When households were identified, cleared and identified again."""
        built = monitoring.build(self.seed, self.profile, self.village, self.moves)
        slips.contradict_a_kind(built, self.village)
        return built

    @cached_property
    def welfare(self) -> Welfare:
        """Allowances."""
        return welfare.build(self.seed, self.people, self.monitoring)

    @cached_property
    def measures(self) -> list[Measure]:
        """Help given to households."""
        return measures.build(self.seed, self.people, self.monitoring)

    @cached_property
    def clues(self) -> list[Clue]:
        """Clues of risk and their procedures."""
        return clues.build(self.seed, self.people, self.monitoring, self.measures)

    @cached_property
    def work(self) -> Work:
        """Jobs, and wages owed."""
        return work.build(self.seed, self.people, self.monitoring)

    @cached_property
    def posts(self) -> list[Post]:
        """Welfare posts and who holds them."""
        return posts.build(self.seed, self.people, self.monitoring)

    @cached_property
    def projects(self) -> list[Project]:
        """Projects paid from the revitalization funds."""
        return projects.build(self.seed, self.village)

    @cached_property
    def schooling(self) -> Schooling:
        """Classes, and who left school too early."""
        return schooling.build(self.seed, self.people)

    @cached_property
    def dwellings(self) -> Dwellings:
        """Dwellings, their grades, damage and works."""
        return dwellings.build(self.seed, self.people)

    @cached_property
    def water(self) -> Water:
        """Drinking water."""
        return drinking_water.build(self.seed, self.people)

    @cached_property
    def helpers(self) -> list[Helper]:
        """Who helps which household."""
        return helpers.build(self.seed, self.people, self.monitoring)

    def at(self, period: int) -> VillageMonth:
        """The village at a month's end."""
        return _at(self, period)


@lru_cache(maxsize=2)
def _at(life: VillageLife, period: int) -> VillageMonth:
    # A month's files and the next month's comparison with it both want the same month.
    state = life.monitoring.at(period)
    listed = roster(life.people, period)
    return VillageMonth(
        life,
        period,
        state,
        listed,
        incomes.build(life.seed, life.people, life.monitoring, state, life.welfare, listed),
    )
