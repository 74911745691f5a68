"""The rows of C8 (employment), C9 (welfare posts) and C10 (projects), and what is true of work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from include.simulator import posts, projects
from include.simulator.identity import certificate_is_lost
from include.simulator.months import date_of
from include.simulator.roster import GONE
from include.simulator.slips import forgets_the_end
from include.simulator.spreadsheets import money
from include.simulator.village import VillageMonth
from include.simulator.work import CHANNELS, INDUSTRIES, PLACES, listed

Record = dict[str, str]
Row = tuple[Record, tuple[tuple[str, str], ...]]
UNKNOWN_PLACE = "外地"
UNREADABLE_DAY = "春节后"
_DAYS = ("%Y-%m-%d", "%Y%m%d", "%Y.%m.%d", "%Y/%m/%d")
"""Every office has its way of writing days."""


def employment(month: VillageMonth) -> Iterator[Row]:
    """C8: one row per person of working age whose household the county follows."""
    life, people, work, period = month.life, month.people, month.life.work, month.period
    months, works, latest = (
        work.months_worked(period, 6).tolist(), work.works(period), work.latest(period),
    )  # fmt: skip
    arrears = work.arrears(period).tolist()
    for i in followed(month):
        n = int(latest[i])
        record = {
            "household_no": people.household_no[int(people.household[i])],
            "name": people.name[i],
            "cert_no": people.cert_no[i],
            "is_employed": "是" if works[i] else "否",
            "is_planned": "是" if work.plans[i] else "否",
            "months_last_6": str(months[i]),
            "wage_arrears": money(arrears[i]) if arrears[i] else "0",
        }
        defects = [(people.cert_defect[i], "cert_no")] if people.cert_defect[i] else []
        if n >= 0:
            place = PLACES[int(work.place[i, n])]
            ended = int(work.end[i, n])
            record |= {
                "started_on": _day(month, int(work.start[i, n])),
                "ended_on": ""
                if works[i] or forgets_the_end(life, i, ended, period)
                else _day(month, ended),
                "channel": CHANNELS[int(work.channel[i, n])],
                "industry": INDUSTRIES[int(work.industry[i, n])],
                "employer": _employer(place, int(work.wage[i, n])),
            }
        if works[i]:
            record |= {"place": place, "wage_m": money(int(work.wage[i, n]))}
            if work.unknown_place[i]:
                record["place"] = UNKNOWN_PLACE
                defects.append(("D21", "place"))
        yield record, tuple(defects)


def welfare_posts(month: VillageMonth) -> Iterator[Row]:
    """C9: one row per post held in the month."""
    people, period = month.people, month.period
    on_file = _on_file(month)
    for post in month.life.posts:
        if not posts.is_delivered(post, period, on_file):
            continue
        i, end = post.person, post.known_end(period)
        defects = [(people.cert_defect[i], "cert_no")] if people.cert_defect[i] else []
        started, kind = _day(month, post.started), post.kind
        if post.defect == "D14":
            started = UNREADABLE_DAY
            defects.append(("D14", "started_on"))
        elif post.defect == "D21":
            kind = posts.UNKNOWN_TYPE
            defects.append(("D21", "post_type"))
        yield (
            {
                "household_no": people.household_no[int(people.household[i])],
                "name": people.name[i],
                "cert_no": people.cert_no[i],
                "post_name": post.name,
                "post_type": kind,
                "started_on": started,
                "ended_on": "" if post.is_filled(period) else _day(month, end),
                "allowance_m": money(post.allowance),
                "paid_amt": money(posts.paid(month.life.seed, people, post, period)),
            },
            tuple(defects),
        )


def fund_projects(month: VillageMonth) -> Iterator[Row]:
    """C10: one row per project of the year and of the year before."""
    village, period = month.life.village, month.period
    for project in projects.listed(month.life.projects, period):
        state = project.state(period)
        kind, budget = project.kind, _budget(month, project.budget)
        defects: tuple[tuple[str, str], ...] = ()
        if project.defect == "D21":
            kind, defects = projects.UNKNOWN_TYPE, (("D21", "project_type"),)
        elif project.defect == "D13":
            budget, defects = f"约{project.budget // 1_000_000}万", (("D13", "budget_amt"),)
        yield (
            {
                "fund_year": str(project.year),
                "fund_level": project.level,
                "project_no": project.number,
                "project_name": f"{village.name}{project.year}年{kind}项目",
                "project_type": kind,
                "budget_amt": budget,
                "paid_amt": money(project.paid(period)),
                "benefit_households": str(project.benefit),
                "started_on": "" if state == projects.NOT_BEGUN else _day(month, project.started),
                "completed_on": _day(month, project.completed) if state == projects.DONE else "",
                "state": state,
            },
            defects,
        )


def metrics(month: VillageMonth) -> Iterator[tuple[str, str, str, str]]:
    """Months worked of those who work or plan to, jobs lost and wages owed, by person.

    Who changed his job in the month has lost none, and who was paid is owed nothing: both are said.
    Left out are people whose row nobody can use: a certificate that leads to nobody, a place of
    work in no list.
    """
    people, work, period = month.life.people, month.life.work, month.period
    months, works = work.months_worked(period, 6).tolist(), work.works(period)
    lost, arrears = work.loses_job(period), work.arrears(period).tolist()
    changed, settled = work.changes_job(period), work.owed_until == period
    for i in followed(month):
        if certificate_is_lost(people, i) or (works[i] and work.unknown_place[i]):
            continue
        subject = people.person_id[i]
        if works[i] or work.plans[i]:
            yield "person", subject, "work_months_last_6", str(months[i])
        if lost[i] or changed[i]:
            yield "person", subject, "job_lost", "1" if lost[i] else "0"
        if arrears[i] or settled[i]:
            yield "person", subject, "wage_arrears_amt", money(arrears[i])


def work_columns(month: VillageMonth) -> dict[int, Record]:
    """What C2 says of each person's work: place, months of the last year, welfare post."""
    work, period = month.life.work, month.period
    months, works = work.months_worked(period, 12).tolist(), work.works(period)
    latest = work.latest(period)
    held = {post.person for post in month.life.posts if post.is_filled(period)}
    return {
        i: {
            "work_place": PLACES[int(work.place[i, latest[i]])] if works[i] else "",
            "work_months": str(months[i]) if months[i] else "",
            "welfare_post": "是" if i in held else "否",
        }
        for i in month.roster.rows.tolist()
    }


def _on_file(month: VillageMonth) -> frozenset[int]:
    rows = zip(month.roster.rows.tolist(), month.roster.status, strict=True)
    return frozenset(i for i, status in rows if status not in GONE)


def followed(month: VillageMonth) -> list[int]:
    """Who is in the county's list of work, by position in the person arrays."""
    found = listed(month.life.work, month.life.monitoring, month.period)
    on_file = _on_file(month)
    return [i for i in np.flatnonzero(found).tolist() if i in on_file]


def _employer(place: str, wage: int) -> str:
    return f"{place}第{wage // 10_000 % 30 + 1}工厂"


def _day(month: VillageMonth, day: int) -> str:
    habit = month.life.village.county.position
    return date_of(day).strftime(_DAYS[habit % len(_DAYS)])


def _budget(month: VillageMonth, fen: int) -> str:
    """Every fifth office gives budgets in units of 10,000 yuan."""
    if month.life.village.county.position % 5 == 2:
        return f"{fen // 1_000_000}.{fen // 10_000 % 100:02d}万元"
    return money(fen)
