"""The rows of what the eleven county offices deliver each month: C1 to C12."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from include.simulator import (
    answers,
    clues,
    drinking_water,
    dwellings,
    elsewhere,
    helpers,
    slips,
    visits,
)
from include.simulator.defects import is_planted
from include.simulator.identity import certificate, claimed_twice
from include.simulator.incomes import CHILDREN
from include.simulator.measures import known
from include.simulator.monitoring import RISKS
from include.simulator.months import NEVER, ym
from include.simulator.place_names import written
from include.simulator.population import Population, birth_date
from include.simulator.randomness import stream
from include.simulator.roster import ADDED, MOVED
from include.simulator.spreadsheets import money
from include.simulator.village import VillageMonth
from include.simulator.work_files import (
    employment,
    fund_projects,
    welfare_posts,
    work_columns,
)

_CATEGORY = ("", "脱贫不稳定户", "边缘易致贫户", "突发严重困难户")
_COUNTY_SEX = {1: "2", 2: "1"}
"""The county system has 1 for women and 2 for men, against GB/T 2261.1."""
_COUNTY_ETHNIC = {"01": "01", "06": "07", "11": "02", "13": "13", "15": "15"}
"""GB/T 3304 code -> the county system's code."""
_HEALTH = {1: "01", 2: "02", 3: "03", 4: "04"}
Record = dict[str, str]
Row = tuple[Record, tuple[tuple[str, str], ...]]
"""A record and what is spoilt in it: (defect code, column)."""


def _households(month: VillageMonth) -> Iterator[Row]:
    life, state = month.life, month.state
    people, history = month.people, life.monitoring
    places = written(life.seed, life.village, people.households)
    grade = life.dwellings.grade_at(month.period).tolist()
    safe_water = life.water.is_safe(month.period).tolist()
    for h, number in enumerate(people.household_no):
        village = month.places.get(h, life.village)
        township_name, village_name, defects = places[h]
        if village is not life.village:
            township_name, village_name, defects = village.township_name, village.name, ()
        head = int(month.roster.head[h])
        is_known, in_force = bool(state.known[h]), bool(state.in_force[h])
        cleared = is_known and not in_force
        members = int(month.roster.members[h])
        record = {
            "township": township_name,
            "village": village_name,
            "hamlet": f"第{int(people.hamlet[h])}组",
            "household_no": number,
            "head_name": people.name[head],
            "head_id_no": people.person_id[head],
            "household_type": _household_type(month, h),
            "resettled": "否",
            "member_count": str(members),
            "phone": people.phone[h],
            "address": f"{village.township_name}{village.name}第{int(people.hamlet[h])}组",
            "net_income_pp": money(int(month.incomes.net[h]) // max(members, 1)),
            "dwelling_grade": dwellings.GRADES[grade[h]] if grade[h] >= 0 else "",
            "safe_water": "是" if safe_water[h] else "否",
            "floor_area": str(60 + h % 90),
            "road_type": "硬化路",
            "fuel": "柴草" if h % 3 == 0 else "电",
        }
        if is_known:
            risks = [RISKS[i] for i in history.risks[h].tolist() if i >= 0]
            record |= {
                "monitor_category": _CATEGORY[int(history.kind[h])],
                "first_identified_ym": ym(int(history.identified[h])),
                "monitored_ym": ym(int(state.started[h])),
                "risk_cleared": "是" if cleared else "否",
                "no_labour_safety_net": "是" if history.no_labour[h] else "否",
                **{f"risk_{n}": risk for n, risk in enumerate(risks, start=1)},
            }
        if cleared:
            record["clear_method"] = "自然消除" if history.natural[h] else "帮扶消除"
            record["cleared_ym"] = ym(int(state.cleared_ym[h]))
        yield record, defects


def _household_type(month: VillageMonth, h: int) -> str:
    history = month.life.monitoring
    if not history.ex_poor[h]:
        return "普通农户"
    return "脱贫户（享受政策）" if history.keeps_benefits[h] else "脱贫户（不享受政策）"


def _persons(month: VillageMonth) -> Iterator[Row]:
    people, welfare = month.people, month.life.welfare
    ages = people.age(month.period)
    dibao, tekun = welfare.as_county_knows(month.period)
    serious_illness = slips.serious_illness(month.life)
    draws = stream(month.life.seed, "free text", month.life.village.index).random(len(ages))
    is_free_text = is_planted("D21", draws) & (ages >= 16)
    work = work_columns(month)
    school = month.life.schooling.status(month.period)
    uninsured = slips.said_uninsured(people)
    for i, status, relation in zip(
        month.roster.rows.tolist(), month.roster.status, month.roster.relation, strict=True
    ):
        home, age = int(people.household[i]), int(ages[i])
        is_covered = bool(dibao[home] and welfare.covered[i])
        cert_type, cert_no, defect = certificate(month, i)
        defects = [(defect, "cert_no")] if defect else []
        if is_free_text[i]:
            defects.append(("D21", "education"))
        yield (
            {
                **_who(people, i),
                "household_no": people.household_no[home],
                "cert_type": cert_type,
                "cert_no": cert_no,
                "relation": relation,
                "education": _education(int(people.schooling[i]), age, bool(is_free_text[i])),
                "school_status": school[i],
                "health": _HEALTH[int(people.health[i])],
                "labour": "04" if without_labour(age) else "01",
                **work[i],
                "resident_insured": "否" if i in uninsured else "是",
                "employee_insured": "否",
                "serious_illness_insured": serious_illness[i],
                "dibao": "是" if is_covered else "否",
                "tekun": "是" if tekun[home] else "否",
                "status": status,
            },
            tuple(defects),
        )
    for i, number in month.roster.farewells:
        cert_type, cert_no, defect = certificate(month, i)
        yield (
            {
                **_who(people, i),
                "household_no": number,
                "cert_type": cert_type,
                "cert_no": cert_no,
                "relation": "99",
                "status": MOVED,
            },
            ((defect, "cert_no"),) if defect else (),
        )
    claimed = [(people, i, home) for i, home in claimed_twice(month)]
    claimed += [(c.people, c.person, c.claimed_by) for c in elsewhere.claims(month.life)]
    for others, i, home in claimed:
        yield (
            {
                **_who(others, i),
                "household_no": people.household_no[home],
                "cert_type": others.cert_type[i],
                "cert_no": others.cert_no[i],
                "relation": "05",
                "health": "01",
                "resident_insured": "是",
                "status": ADDED,
            },
            (
                ("D06", "cert_no"),
                *([(others.cert_defect[i], "cert_no")] if others.cert_defect[i] else []),
            ),
        )


def _who(people: Population, i: int) -> Record:
    return {
        "person_no": people.person_no[i],
        "name": people.name[i],
        "sex": _COUNTY_SEX[int(people.sex[i])],
        "birth_date": birth_date(int(people.birth[i])),
        "ethnic": _COUNTY_ETHNIC[people.ethnic[i]],
    }


def _education(schooling: int, age: int, is_free_text: bool) -> str:
    if age < 16:
        return "06"
    return "中专或职高" if is_free_text else f"{schooling:02d}"


def _incomes(month: VillageMonth) -> Iterator[Row]:
    names = [*CHILDREN, *(child for parts in CHILDREN.values() for child in parts)]
    names += ["claims_income", "compliant_self_pay"]
    for h, number in enumerate(month.people.household_no):
        amounts = {name: money(month.incomes.amounts[name][h]) for name in names}
        members = str(int(month.roster.members[h]))
        yield {"household_no": number, "member_count": members, **amounts}, ()


def _measures(month: VillageMonth) -> Iterator[Row]:
    numbers = month.people.household_no
    for measure in known(month.life.measures, month.period):
        yield (
            {
                "household_no": numbers[measure.household],
                "measure_type": measure.kind,
                "measure_detail": measure.detail,
                "started_ym": ym(measure.start if measure.start <= month.period else NEVER),
                "implementation": measure.state(month.period),
            },
            (),
        )


def _clues(month: VillageMonth) -> Iterator[Row]:
    yield from clues.rows(month, answers.answers(month.life, month.period))


def without_labour(age: int) -> bool:
    """Whether the county writes of somebody of this age that he cannot work."""
    return not 16 <= age < 60


WRITERS: dict[str, Callable[[VillageMonth], Iterator[Row]]] = {
    "county_household": _households,
    "county_person": _persons,
    "county_income": _incomes,
    "county_clue": _clues,
    "county_measure": _measures,
    "county_visit": visits.rows,
    "county_helper": helpers.rows,
    "county_employment": employment,
    "county_welfare_post": welfare_posts,
    "county_fund_project": fund_projects,
    "county_dwelling": dwellings.rows,
    "county_water": drinking_water.rows,
}
"""The rows of each kind of file, in the order in which an office sends them."""
