"""The people of one village: who lives with whom, born and died when, under which number.

Nothing is drawn for a month. A person who is born, dies or moves later carries that day from the
beginning, and a month's files follow from comparing (``roster.py``); ``Population.at`` says who
lives with whom in a month (``moves.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from include.simulator.areas import Village
from include.simulator.defects import delivered_certificate, is_planted
from include.simulator.identifiers import former_id, household_numbers, person_numbers, resident_ids
from include.simulator.months import NEVER, date_of, epoch_day, month, month_of
from include.simulator.moves import MARRIED, MERGED, OTHER_HEAD, SPLIT, Change, Moves
from include.simulator.naming import given_names, surnames
from include.simulator.randomness import Flags, Floats, Ints, pick, stream

HEAD, SPOUSE, FATHER, MOTHER, CHILD, SON, SONS_WIFE, GRANDCHILD = range(8)
_ROLES = dict(zip("HSFMCAWG", range(8), strict=True))
"""H head, S spouse, F and M the head's parents, C child, A adult son, W his wife, G grandchild."""

_TEMPLATES = (
    ("H", 12.6, 60, 85), ("H", 5.4, 38, 60),
    ("HS", 13.0, 52, 80), ("HC", 2.0, 35, 60), ("HM", 5.0, 40, 60),
    ("HSC", 12.0, 30, 55), ("HSM", 4.0, 38, 60), ("HSA", 4.0, 50, 65),
    ("HSCC", 10.0, 32, 52), ("HSCM", 5.0, 32, 52), ("HSAW", 5.0, 52, 70),
    ("HSCCM", 5.5, 34, 52), ("HSAWG", 5.0, 50, 68), ("HSCFM", 4.5, 32, 50),
    ("HSCCFM", 2.5, 34, 50), ("HSAWGG", 3.0, 50, 68), ("HSAWGGM", 1.5, 50, 66),
)  # fmt: skip
"""Members, share of households in percent, the head's youngest and oldest age."""

_CODES = [code for code, _, _, _ in _TEMPLATES]
_FITTING = {
    SPLIT: ("HSC", "HS"), MERGED: ("H", "HSC"), MARRIED: ("HSC", "HSA"), OTHER_HEAD: ("HSC", ""),
}  # fmt: skip
"""Kind of change -> members of the household and of its partner that fit it."""

_TODAY = epoch_day(month("2026-01"))
"""Ages are drawn for this day."""
DEATHS_FROM = month("2024-01")
_YEARS_OF_DEATHS = 4.0
_HAZARD = ((50, 0.0008), (60, 0.004), (70, 0.012), (80, 0.035), (200, 0.09))
"""Up to this age, this yearly share dies."""
ETHNIC = ("01", "06", "11", "13", "15")
"""GB/T 3304: 汉 苗 满 瑶 土家."""


@dataclass(frozen=True)
class Population:
    """One village's households and persons as parallel arrays.

    ``household`` maps persons to positions in ``household_no``. Days count from 1970-01-01, months
    from year 0; NEVER where an event does not happen. ``sex`` is 1 male, 2 female.
    """

    village: Village
    household_no: list[str]
    hamlet: Ints
    phone: list[str]

    household: Ints
    role: Ints
    sex: Ints
    birth: Ints
    person_id: list[str]
    person_no: list[str]
    name: list[str]
    ethnic: list[str]
    health: Ints
    """1 healthy, 2 chronic illness, 3 serious illness, 4 disabled."""
    disability: list[str]
    """Type and grade of the disability certificate, two digits, or empty."""
    schooling: Ints
    """Highest education of adults, 1..5 of the county's list."""
    listed_from: Ints
    """Month in which the county first lists the person; 0 for those there from the beginning."""
    death: Ints
    """Day of death."""
    death_listed: Ints
    """Month in which the county learns of it."""
    moved: Ints
    """Month of moving out."""
    cert_type: list[str]
    cert_no: list[str]
    cert_defect: list[str]
    moves: Moves
    _at: dict[int, Population] = field(default_factory=dict, compare=False, repr=False)

    def at(self, period: int) -> Population:
        """The same people with the households, roles and household numbers of a month's end."""
        if not self.moves.changes:
            return self
        if period not in self._at:
            household, role = self.household.copy(), self.role.copy()
            for change in self.moves.of(SPLIT, MERGED, MARRIED):
                if (period < change.when) == (change.kind == SPLIT):
                    people = self.movers(change)
                    household[people] = change.partner
                    role[people] = _role_in_partner(change, role[people], self.sex[people])
            self._at[period] = replace(
                self,
                household=household,
                role=role,
                household_no=self.moves.numbers(self.household_no, period),
                _at={},
            )
        return self._at[period]

    def movers(self, change: Change) -> Ints:
        """Who changes households with a change between two of them."""
        here = self.household == change.household
        if change.kind == MARRIED:
            return np.flatnonzero(here & (self.role == CHILD))[:1]
        return np.flatnonzero(here)

    @property
    def households(self) -> int:
        """How many households the village has."""
        return len(self.household_no)

    def age(self, at_month: int) -> Ints:
        """Completed years on the month's last day; negative for the unborn."""
        days = epoch_day(at_month + 1) - 1 - self.birth
        return np.floor(days / 365.2425).astype(np.int64)

    def born(self, at_month: int) -> Flags:
        """Who is born by the month's end."""
        flags: Flags = self.birth < epoch_day(at_month + 1)
        return flags

    def dead(self, at_month: int) -> Flags:
        """Who is dead by the month's end."""
        flags: Flags = self.death < epoch_day(at_month + 1)
        return flags


def build(seed: int, village: Village, moves: Moves) -> Population:
    """The village's population."""
    random = stream(seed, "people", village.index)
    count = village.households
    template = pick(random.random(count), [share for _, share, _, _ in _TEMPLATES])
    for change in moves.changes:
        own, partners = _FITTING.get(change.kind, ("", ""))
        if own:
            template[change.household] = _CODES.index(own)
        if partners:
            template[change.partner] = _CODES.index(partners)
    codes = [[_ROLES[letter] for letter in _TEMPLATES[i][0]] for i in template.tolist()]
    role = np.array([code for household in codes for code in household], dtype=np.int64)
    sizes = np.array([len(household) for household in codes], dtype=np.int64)
    household = np.repeat(np.arange(count), sizes)

    sex = _sexes(random, role, household, count)
    born = _birth_days(random, role, household, template, moves)
    for change in moves.of(SPLIT, MARRIED):
        here = household == change.household
        if change.kind == SPLIT:  # a son founds the household
            sex[here & (role == HEAD)], sex[here & (role == SPOUSE)] = 1, 2
        else:
            daughter = here & (role == CHILD)
            sex[daughter] = 2
            born[daughter] = _TODAY - int((22 + change.household % 6) * 365.2425)
    person_id, birth = resident_ids(village.index, sex, born)
    age = (_TODAY - birth) / 365.2425
    health, disability = _health(random, age)
    death, death_listed = _deaths(random, role, household, age, count)
    certificates = [
        delivered_certificate(*parts)
        for parts in zip(
            person_id, disability, age.astype(int).tolist(),
            [former_id(village.index, number) for number in person_id],
            random.random((len(role), 4)),
            strict=True,
        )
    ]  # fmt: skip
    if village.position == 0:
        _misprint_a_certificate(certificates, person_id, disability)
    young_woman = (sex == 2) & (age > 20) & (age < 30) & np.isin(role, (CHILD, GRANDCHILD))
    leaves = young_woman & (random.random(len(role)) < 0.06)
    leaves &= ~np.isin(household, moves.shared)
    birth_month = np.array([month_of(day) for day in birth.tolist()], dtype=np.int64)
    return Population(
        village=village,
        household_no=household_numbers(seed, village.index, count),
        hamlet=random.integers(1, 16, count),
        phone=[f"12{number:09d}" for number in random.integers(0, 10**9, count).tolist()],
        household=household,
        role=role,
        sex=sex,
        birth=birth,
        person_id=person_id,
        person_no=person_numbers(village.index, len(role)),
        name=_names(random, role, sex, household, count, moves),
        ethnic=_ethnic(random, village, household, count),
        health=health,
        disability=disability,
        schooling=_schooling(random, age),
        listed_from=np.where(birth_month >= DEATHS_FROM, birth_month + 1, 0),
        death=death,
        death_listed=death_listed,
        moved=np.where(leaves, DEATHS_FROM + random.integers(0, 48, len(role)), NEVER),
        cert_type=[c[0] for c in certificates],
        cert_no=[c[1] for c in certificates],
        cert_defect=[c[2] for c in certificates],
        moves=moves,
    )


def _role_in_partner(change: Change, role: Ints, sex: Ints) -> Ints:
    """What people are to the household they live with before a split or after a merger."""
    if change.kind == MARRIED:
        return np.full(len(role), SONS_WIFE)
    if change.kind == MERGED:
        return np.where(sex == 1, FATHER, MOTHER)
    return np.select([role == HEAD, role == SPOUSE], [SON, SONS_WIFE], default=GRANDCHILD)


def _sexes(random: np.random.Generator, role: Ints, household: Ints, count: int) -> Ints:
    head = np.where(random.random(count) < 0.78, 1, 2)[household]
    free = np.where(random.random(len(role)) < 0.52, 1, 2)
    fixed: dict[int, Ints | int] = {
        HEAD: head,
        SPOUSE: 3 - head,
        FATHER: 1,
        MOTHER: 2,
        SON: 1,
        SONS_WIFE: 2,
    }
    sex = free
    for which, value in fixed.items():
        sex = np.where(role == which, value, sex)
    return sex.astype(np.int64)


def _birth_days(
    random: np.random.Generator, role: Ints, household: Ints, template: Ints, moves: Moves
) -> Ints:
    youngest = np.array([low for _, _, low, _ in _TEMPLATES], dtype=float)[template]
    oldest = np.array([high for _, _, _, high in _TEMPLATES], dtype=float)[template]
    head = youngest + (oldest - youngest) * random.random(len(template))
    son = head - 22 - 6 * random.random(len(template))
    for change in moves.of(SPLIT, MERGED):
        parents, children = change.partner, change.household
        if change.kind == MERGED:
            parents, children = children, parents
        head[children] = son[parents]
    own = random.random(len(role))
    near = np.clip(random.normal(0.0, 2.5, len(role)), -8, 8)
    h, s = head[household], son[household]
    age = np.select(
        [role == HEAD, role == SPOUSE, (role == FATHER) | (role == MOTHER), role == CHILD,
         role == SON, role == SONS_WIFE],
        [h, np.maximum(h - 1 + near, 20), np.minimum(h + 22 + 8 * own, 97), h - 22 - 12 * own,
         s, np.maximum(s - 1 + near, 20)],
        default=s - 22 - 8 * own,
    )  # fmt: skip
    birth: Ints = (_TODAY - age * 365.2425).astype(np.int64)
    return birth


def _health(random: np.random.Generator, age: Floats) -> tuple[Ints, list[str]]:
    draws = random.random(len(age))
    chronic = np.select([age < 40, age < 60], [0.03, 0.12], default=0.35)
    health = np.select(
        [draws < 0.045, draws < 0.057, draws < 0.057 + chronic], [4, 3, 2], default=1
    )
    types = pick(random.random(len(age)), [12, 10, 2, 52, 10, 10, 4]) + 1
    grades = pick(random.random(len(age)), [15, 28, 30, 27]) + 1
    disability = [
        f"{kind}{grade}" if state == 4 else ""
        for state, kind, grade in zip(health.tolist(), types.tolist(), grades.tolist(), strict=True)
    ]
    return health.astype(np.int64), disability


def _deaths(
    random: np.random.Generator, role: Ints, household: Ints, age: Floats, count: int
) -> tuple[Ints, Ints]:
    bounds, hazards = zip(*_HAZARD, strict=True)
    hazard = np.array(hazards)[np.searchsorted(np.array(bounds), age, side="right")]
    years = random.exponential(1.0, len(role)) / hazard
    # One adult of each household outlives the simulation: households do not die out here.
    keeper = np.zeros(count, dtype=np.int64)
    for which in (SPOUSE, SON):
        keeper[household[role == which]] = which
    dies = (years < _YEARS_OF_DEATHS) & (role != keeper[household])
    start = epoch_day(DEATHS_FROM)
    day = (start + years.clip(max=_YEARS_OF_DEATHS) * 365.2425).astype(np.int64)
    after_birth = day > (_TODAY - age * 365.2425) + 30
    dies &= after_birth
    late = is_planted("D08", random.random(len(role)))
    lag = np.where(late, pick(random.random(len(role)), [15, 10, 5]) + 1, 0)
    listed = np.array([month_of(d) for d in day.tolist()], dtype=np.int64) + lag
    return np.where(dies, day, NEVER), np.where(dies, listed, NEVER)


def _misprint_a_certificate(
    certificates: list[tuple[str, str, str]], person_id: list[str], disability: list[str]
) -> None:
    """One disability certificate of a kind there is not (8): it leads to nobody."""
    for i, kind_and_grade in enumerate(disability):
        if kind_and_grade and kind_and_grade[0] != "7":
            certificates[i] = ("09", f"{person_id[i]}8{kind_and_grade[1]}", "D04")
            return


def _schooling(random: np.random.Generator, age: Floats) -> Ints:
    draws = random.random(len(age))
    old = pick(draws, [18, 52, 24, 5, 1]) + 1
    middle = pick(draws, [3, 25, 52, 14, 6]) + 1
    young = pick(draws, [0, 4, 40, 30, 26]) + 1
    return np.select([age >= 60, age >= 35], [old, middle], default=young).astype(np.int64)


def _names(
    random: np.random.Generator, role: Ints, sex: Ints, household: Ints, count: int, moves: Moves
) -> list[str]:
    family = surnames(random, count)
    for change in moves.of(SPLIT, MERGED):
        family[change.household] = family[change.partner]
    own = surnames(random, len(role))
    keeps_own = np.isin(role, (SPOUSE, MOTHER, SONS_WIFE))
    given = given_names(random, sex)
    return [
        (own[i] if keeps_own[i] else family[home]) + given[i]
        for i, home in enumerate(household.tolist())
    ]


def _ethnic(
    random: np.random.Generator, village: Village, household: Ints, count: int
) -> list[str]:
    yao = 60.0 if "瑶族" in village.township_name else 2.0
    choice = pick(random.random(count), [99.2 - yao, 0.3, 0.2, yao, 0.3])
    return [ETHNIC[i] for i in choice[household].tolist()]


def birth_date(day: int) -> str:
    """Days since 1970-01-01 as YYYYMMDD."""
    return date_of(day).strftime("%Y%m%d")
