"""The civil-affairs database: its tables M1 to M9 as they stand after the last month.

A certificate stays with the county that granted it, wherever its family moves to.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import psycopg
from psycopg import sql

from include.contracts import kinds_of
from include.simulator import appointed, disability, low_income, orphans, vital
from include.simulator.identity import assisted_ids
from include.simulator.months import NEVER, date_of, epoch_day, first_day, month_of, ym
from include.simulator.population import DEATHS_FROM
from include.simulator.randomness import stream
from include.simulator.spreadsheets import money
from include.simulator.village import VillageLife
from include.simulator.welfare import CLASSES

PAYMENT_HISTORY = 12
"""Months of payments kept before the first simulated month."""
REGISTERED_DEATHS = 0.95
_TYPES = {
    "money": "numeric(12,2)",
    "integer": "integer",
    "date": "date",
    "timestamp": "timestamptz",
}
Record = dict[str, str]


def records(life: VillageLife, first: int, last: int) -> Iterator[tuple[str, Record]]:
    """(table, record) of a village, as the database knows it after the month ``last``."""
    yield from _dibao(life, first, last)
    yield from _tekun(life, last)
    yield from _temporary_aid(life, first, last)
    yield from low_income.records(life, last)
    yield from disability.records(life, last)
    yield from orphans.records(life, last)
    yield from _deaths(life, last)


def payments(life: VillageLife, month: int) -> Iterator[tuple[int, str, str, int]]:
    """(household, kind, status, fen) of what is paid for ``month``."""
    welfare = life.welfare
    draws = stream(life.seed, "payments", life.village.index, month).random(
        (life.people.households, 2)
    )
    for h in np.flatnonzero(welfare.in_force(month)).tolist():
        amount = welfare.amount(h, month) + int(welfare.extra[h])
        yield h, "正常", "退票" if draws[h, 0] < 0.01 else "成功", amount
        if draws[h, 1] < 0.02:
            yield h, "补发", "成功", 5_000
        elif draws[h, 1] < 0.03:
            yield h, "追回", "成功", -10_000


def aid(life: VillageLife, month: int) -> Iterator[tuple[int, int, int]]:
    """(person, day of approval, fen) of temporary aid granted in ``month``."""
    people = life.people
    random = stream(life.seed, "temporary aid", life.village.index, month)
    hit = random.random(len(people.role)) < 0.001
    days = random.integers(1, 28, len(people.role))
    amounts = random.integers(5, 60, len(people.role)) * 10_000
    hit &= people.born(month - 1) & ~people.dead(month)
    hit[appointed.aided(people).get(month, [])] = True
    for i in np.flatnonzero(hit).tolist():
        yield i, epoch_day(month) + int(days[i]), int(amounts[i])


def counted(life: VillageLife, household: int, head: int | None) -> list[int]:
    """Persons on a family's certificate: its covered members, or else its head (if named)."""
    people = life.people
    members = np.flatnonzero((people.household == household) & life.welfare.covered).tolist()
    return members or ([] if head is None else [head])


def registered_deaths(life: VillageLife, last: int) -> list[int]:
    """Persons whom the funeral register knows as dead after the month ``last``."""
    people = life.people
    draws = stream(life.seed, "funerals", life.village.index).random(len(people.role))
    known = people.dead(last) & (people.death >= epoch_day(DEATHS_FROM))
    return np.flatnonzero(known & (draws < REGISTERED_DEATHS)).tolist()


def paid_to_the_dead(life: VillageLife, period: int) -> Iterator[tuple[int, int]]:
    """(household, fen) paid for the month where all whom the certificate covers died before it."""
    people = life.people
    deaths = set(registered_deaths(life, period)) | vital.known_dead(life, period)
    paid = Counter[int]()
    for h, _, status, fen in payments(life, period):
        paid[h] += 0 if status == "退票" else fen
    for h, fen in sorted(paid.items()):
        covered = counted(life, h, None)
        gone = [i in deaths and people.death[i] < epoch_day(period) for i in covered]
        if fen > 0 and covered and all(gone):
            yield h, fen


def write(home: Path, lives: Iterator[VillageLife], first: int, last: int) -> None:
    """The tables as csv files under ``home/sources/civil_affairs``."""
    folder = home / "sources" / "civil_affairs"
    folder.mkdir(parents=True, exist_ok=True)
    tables = {contract.kind: contract for contract in kinds_of("civil_affairs")}
    files: dict[str, TextIO] = {}
    try:
        writers = {}
        for kind, contract in tables.items():
            files[kind] = (folder / f"{kind}.csv").open("w", encoding="utf-8", newline="")
            writers[kind] = csv.DictWriter(
                files[kind], [column.name for column in contract.columns], restval=""
            )
            writers[kind].writeheader()
        for life in lives:
            for kind, record in records(life, first, last):
                writers[kind].writerow(record)
    finally:
        for file in files.values():
            file.close()


def load_civil_affairs(home: Path, admin_dsn: str) -> None:
    """Make the database's tables anew from the csv files, in one transaction, as their owner."""
    with psycopg.connect(admin_dsn) as connection:
        for contract in kinds_of("civil_affairs"):
            table = sql.Identifier(contract.kind)
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(
                    sql.Identifier(column.name), sql.SQL(_TYPES.get(column.type, "text"))
                )
                for column in contract.columns
            )
            key = sql.SQL(", ").join(sql.Identifier(name) for name in contract.grain)
            connection.execute(sql.SQL("drop table if exists {}").format(table))
            connection.execute(
                sql.SQL("create table {} ({}, primary key ({}))").format(table, columns, key)
            )
            connection.execute(sql.SQL("create index on {} (updated_at)").format(table))
            path = home / "sources" / "civil_affairs" / f"{contract.kind}.csv"
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    sql.SQL("copy {} from stdin (format csv, header)").format(table)
                ) as copy,
                path.open("rb") as file,
            ):
                while chunk := file.read(1 << 20):
                    copy.write(chunk)


def _dibao(life: VillageLife, first: int, last: int) -> Iterator[tuple[str, Record]]:
    people, welfare, village = life.people, life.welfare, life.village
    heads, ids = life.at(last).roster.head, assisted_ids(life)
    for h in np.flatnonzero(welfare.dibao_start <= last).tolist():
        cert = f"DB{village.index:04d}{h:05d}"
        bank = f"62000000{village.index:04d}{h:07d}"
        ended = int(welfare.dibao_end[h]) if welfare.dibao_end[h] <= last else NEVER
        reviewed = min(ended, welfare.reviewed(h, last))
        members = np.flatnonzero(people.household == h)
        on_it = counted(life, h, int(heads[h]))
        changed = _stamp(ended if ended < NEVER else reviewed, 3)
        yield (
            "mz_dibao_family",
            {
                "cert_no": cert,
                "head_id": people.person_id[int(heads[h])],
                "county_code": village.county.code,
                "township_code": village.mca_township_code,
                "urban_rural": "2",
                "class": CLASSES[int(welfare.dibao_class[h])],
                "members": str(len(members)),
                "covered": str(len(on_it)),
                "income_pp_m": money(30_000 + 100 * (h % 180)),
                "amount_m": money(welfare.amount(h, last)),
                "category_extra_m": money(int(welfare.extra[h])),
                "start_ym": ym(int(welfare.dibao_start[h])),
                "end_ym": ym(ended),
                "end_reason": "收入超标" if ended < NEVER else "",
                "bank_no": bank,
                "updated_at": changed,
            },
        )
        for i in on_it:
            yield (
                "mz_dibao_member",
                {
                    "cert_no": cert,
                    "id_no": ids[i],
                    "name": people.name[i],
                    "covered": "1",
                    "health": str(int(people.health[i])),
                    "disability_grade": people.disability[i][1:],
                    "updated_at": changed,
                },
            )
    for month in range(first - PAYMENT_HISTORY, last + 1):
        for n, (h, kind, status, fen) in enumerate(payments(life, month)):
            yield (
                "mz_dibao_payment",
                {
                    "payment_id": f"P{village.index:04d}{month:05d}{n:05d}",
                    "cert_no": f"DB{village.index:04d}{h:05d}",
                    "pay_ym": ym(month),
                    "amount": money(fen),
                    "kind": kind,
                    "status": status,
                    "bank_no": f"62000000{village.index:04d}{h:07d}",
                    "updated_at": _stamp(month, 20),
                },
            )


def _tekun(life: VillageLife, last: int) -> Iterator[tuple[str, Record]]:
    people, welfare = life.people, life.welfare
    for h in np.flatnonzero(welfare.tekun_start <= last).tolist():
        i = int(np.flatnonzero(people.household == h)[0])
        start = int(welfare.tekun_start[h])
        yield (
            "mz_tekun",
            {
                "id_no": people.person_id[i],
                "name": people.name[i],
                "county_code": life.village.county.code,
                "mode": "集中" if welfare.in_institution[h] else "分散",
                "selfcare": str(int(welfare.selfcare[h])),
                "care_level": str(int(welfare.selfcare[h])),
                "org": f"{life.village.township_name}敬老院" if welfare.in_institution[h] else "",
                "amount_m": money(int(welfare.tekun_amount[h])),
                "start_ym": ym(start),
                "end_ym": "",
                "updated_at": _stamp(start, 5),
            },
        )


def _temporary_aid(life: VillageLife, first: int, last: int) -> Iterator[tuple[str, Record]]:
    for month in range(first - 12, last + 1):
        for i, day, fen in aid(life, month):
            yield (
                "mz_temp_aid",
                {
                    "aid_id": f"A{life.village.index:04d}{month:05d}{i:05d}",
                    "id_no": life.people.person_id[i],
                    "county_code": life.county_code(i, month),
                    "applied_on": f"{date_of(day - 6)}",
                    "approved_on": f"{date_of(day)}",
                    "type": "急难型" if i % 2 else "支出型",
                    "reason": "疾病" if i % 3 else "事故",
                    "amount": money(fen),
                    "updated_at": _stamp(month, 28),
                },
            )


def _deaths(life: VillageLife, last: int) -> Iterator[tuple[str, Record]]:
    people = life.people
    for i in registered_deaths(life, last):
        day = int(people.death[i])
        yield (
            "mz_death",
            {
                "death_id": f"D{life.village.index:04d}{i:06d}",
                "id_no": people.person_id[i],
                "name": people.name[i],
                "died_on": f"{date_of(day)}",
                "cremated_on": f"{date_of(day + 3)}",
                "facility": f"{life.village.county.name}殡仪馆",
                "updated_at": _stamp(month_of(day), 28),
            },
        )


def _stamp(month: int, day: int) -> str:
    """A time of change within a month, Beijing time."""
    return f"{first_day(month) + dt.timedelta(days=day - 1)} 12:00:00+08"
