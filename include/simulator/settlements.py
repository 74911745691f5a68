"""Enrolments and settlements of the health-insurance system, with the NHSA's field names."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from include.simulator.defects import RATES
from include.simulator.identity import insured_ids
from include.simulator.months import epoch_day, first_day
from include.simulator.naming import DATA
from include.simulator.population import Population, birth_date
from include.simulator.randomness import Ints, pick, stream
from include.simulator.spreadsheets import money
from include.simulator.village import VillageLife

LATEST_UPLOAD = 3
"""Months after which an off-site settlement has arrived at the latest."""
_LAGS = (93, 4, 2, 1)
_INPATIENT_SHARE = 0.06
_PAYERS = ("hifp_pay", "hifmi_pay", "maf_pay", "cvlserv_pay", "hifes_pay", "hifob_pay", "oth_pay")
Record = dict[str, str]


def enrolments(life: VillageLife, month: int) -> Iterator[tuple[int, Record]]:
    """(person, H1 record) of everybody enrolled for the plan year who is alive at month's end."""
    people, year = life.people, month // 12
    draws = stream(life.seed, "enrolment", life.village.index, year).random((len(people.role), 3))
    alive = people.born(month) & ~people.dead(month)
    for i in np.flatnonzero(alive & (draws[:, 0] < 0.975)).tolist():
        is_employee = draws[i, 1] < 0.06
        begins = max(epoch_day(year * 12), int(people.birth[i]))
        yield (
            i,
            _person(life, i)
            | {
                "insutype": "310" if is_employee else "390",
                "psn_type": "11" if is_employee else "15",
                "psn_insu_stas": "2" if draws[i, 2] < 0.006 else "1",
                "psn_insu_date": f"{_date(begins)}",
                "paus_insu_date": "",
                "insuplc_admdvs": life.village.county.code,
                "psn_idet_type": "",
                "psn_type_lv": "",
                "begntime": f"{_date(begins)}",
                "endtime": f"{year}-12-31",
            },
        )


def settlements(life: VillageLife, month: int) -> Iterator[tuple[int, int, Record]]:
    """(person, month of upload, H2 record) of what was settled in ``month``, refunds included."""
    people, village = life.people, life.village
    random = stream(life.seed, "settlements", village.index, month)
    alive = np.flatnonzero(people.born(month) & ~people.dead(month - 1))
    if not len(alive):
        return
    expected = life.profile.settlements_per_year / 12 * village.households
    count = int(random.poisson(expected / life.profile.households))
    weights = np.select([people.health == 3, people.health == 2, people.health == 4],
                        [8.0, 2.5, 2.0], default=1.0)[alive]  # fmt: skip
    who = alive[pick(random.random(count), weights)]
    bill = _bills(random, count)
    lags = pick(random.random(count), _LAGS).tolist()
    days = random.integers(1, 26, count).tolist()
    diseases = random.random(count)
    refunded = random.random(count) < RATES["D12"]
    poor = life.welfare.in_force(month)[people.household[who]]
    amounts = _amounts(random, *bill, poor)
    for n, i in enumerate(who.tolist()):
        number = f"{village.index:04d}{month:05d}{n:05d}"
        inpatient = bool(bill[1][n])
        code, name = _diagnosis(inpatient, float(diseases[n]))
        values = {field: int(column[n]) for field, column in amounts.items()}
        when = first_day(month).replace(day=days[n])
        record = _person(life, i) | {
            "setl_id": f"S{number}0",
            "mdtrt_id": f"V{number}",
            "medins_setl_id": f"H{number}",
            "insutype": "390",
            "med_type": "21" if inpatient else "11",
            "clr_type": "21" if inpatient else "11",
            "insuplc_admdvs": village.county.code,
            "setl_time": f"{when} 10:{n % 60:02d}:00",
            "begndate": f"{when - dt.timedelta(days=7 if inpatient else 0)}",
            "enddate": f"{when}",
            "dise_code": code,
            "dise_name": name,
            "refd_setl_flag": "0",
            "init_setl_id": "",
        }
        yield i, month + lags[n], record | {field: money(v) for field, v in values.items()}
        if refunded[n]:
            mirror = {field: money(-v) for field, v in values.items()}
            later = when + dt.timedelta(days=2)
            yield (
                i,
                month + lags[n],
                record
                | mirror
                | {
                    "setl_id": f"S{number}1",
                    "setl_time": f"{later} 15:{n % 60:02d}:00",
                    "refd_setl_flag": "1",
                    "init_setl_id": record["setl_id"],
                },
            )


def uploaded(life: VillageLife, month: int) -> Iterator[tuple[int, Record]]:
    """(person, H2 record) of what reaches the system in ``month``, late ones of before included."""
    for made in range(month - LATEST_UPLOAD, month + 1):
        for i, upload, record in settlements(life, made):
            if upload == month:
                yield i, record


def _bills(random: np.random.Generator, count: int) -> tuple[Ints, Any]:
    """Bills in fen, and which are of inpatients: median 5,000 yuan, one in 100 over 80,000."""
    inpatient = random.random(count) < _INPATIENT_SHARE
    normal = random.standard_normal(count)
    yuan = np.where(inpatient, 5_000 * np.exp(1.19 * normal), 110 * np.exp(0.8 * normal))
    return np.maximum(np.round(yuan * 100), 100).astype(np.int64), inpatient


def _amounts(random: np.random.Generator, bill: Ints, inpatient: Any, poor: Any) -> dict[str, Ints]:
    """Fields in fen: the bill is what funds, hospital and patient pay; the funds are the payers."""

    def part(of: Ints, share: Any) -> Ints:
        floor: Ints = np.floor(of * share).astype(np.int64)
        return floor

    count = len(bill)
    zero = np.zeros(count, dtype=np.int64)
    outside = part(bill, 0.12 * random.random(count))
    over_limit = part(bill, np.where(inpatient, 0.01, 0.0))
    first = part(bill, 0.05 * random.random(count))
    within = bill - outside - over_limit - first
    deductible = np.where(inpatient, np.minimum(within, 60_000), 0)
    basic = part(within - deductible, np.where(inpatient, 0.68, 0.5))
    rest = within - basic
    serious = part(np.maximum(rest - 1_500_000, 0), 0.6)
    aid = part(rest - serious, np.where(poor & inpatient, 0.6, 0.0))
    hospital = np.where(
        random.random(count) < 0.004, np.minimum(bill - basic - serious - aid, 500), 0
    )
    fund = basic + serious + aid
    own = bill - fund - hospital
    return {
        "medfee_sumamt": bill, "fulamt_ownpay_amt": outside, "overlmt_selfpay": over_limit,
        "preselfpay_amt": first, "inscp_scp_amt": within, "act_pay_dedc": deductible,
        "hifp_pay": basic, "hifmi_pay": serious, "maf_pay": aid, "cvlserv_pay": zero,
        "hifes_pay": zero, "hifob_pay": zero, "oth_pay": zero, "hosp_part_amt": hospital,
        "fund_pay_sumamt": fund, "psn_part_amt": own, "acct_pay": zero, "psn_cash_pay": own,
        "acct_mulaid_pay": zero,
    }  # fmt: skip


def _person(life: VillageLife, i: int) -> Record:
    people: Population = life.people
    return {
        "psn_no": f"431000{life.village.index:04d}{i:06d}",
        "certno": insured_ids(life)[i],
        "psn_name": people.name[i],
        "gend": str(int(people.sex[i])),
        "naty": people.ethnic[i],
        "brdy": birth_date(int(people.birth[i])),
    }


@cache
def _diagnoses() -> dict[str, list[dict[str, str]]]:
    settings: dict[str, list[dict[str, str]]] = {"inpatient": [], "outpatient": []}
    with (DATA / "diagnoses.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for setting, rows in settings.items():
                if setting == row["setting"] or (
                    setting == "outpatient" and row["setting"] == "chronic"
                ):
                    rows.append(row)
    return settings


def _diagnosis(inpatient: bool, draw: float) -> tuple[str, str]:
    rows = _diagnoses()["inpatient" if inpatient else "outpatient"]
    row = rows[int(pick(np.array([draw]), [float(r["weight"]) for r in rows])[0])]
    return row["code"], row["name_zh"]


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)
