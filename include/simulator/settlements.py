"""Enrolments and settlements of the health-insurance system, with the NHSA's field names."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from include.simulator import burdens
from include.simulator.defects import RATES
from include.simulator.identity import insured_ids
from include.simulator.months import epoch_day, first_day
from include.simulator.naming import DATA
from include.simulator.population import Population, birth_date
from include.simulator.randomness import Ints, pick, stream
from include.simulator.spreadsheets import money

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

LATEST_UPLOAD = 3
"""Months after which an off-site settlement has arrived at the latest."""
_LAGS = (93, 4, 2, 1)
_INPATIENT_SHARE = 0.06
_AMOUNTS = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt",
    "act_pay_dedc", "hifp_pay", "hifmi_pay", "maf_pay", "cvlserv_pay", "hifes_pay", "hifob_pay",
    "oth_pay", "hosp_part_amt", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay",
    "acct_mulaid_pay",
)  # fmt: skip
Record = dict[str, str]


class Settlement(NamedTuple):
    """One H2 record: whose, when made and uploaded (months), the amounts in fen, and the record."""

    person: int
    upload: int
    fen: dict[str, int]
    record: Record

    @property
    def is_refund(self) -> bool:
        """Whether it undoes another."""
        return self.record["refd_setl_flag"] == "1"


def enrolments(life: VillageLife, month: int) -> Iterator[tuple[int, Record]]:
    """(person, H1 record) of everybody enrolled for the plan year who is alive at month's end."""
    people, year = life.people, month // 12
    draws = stream(life.seed, "enrolment", life.village.index, year).random((len(people.role), 3))
    alive = people.born(month) & ~people.dead(month)
    special = burdens.coverage(life, month)
    for i in np.flatnonzero(alive).tolist():
        begins, ends = max(epoch_day(year * 12), int(people.birth[i])), f"{year}-12-31"
        scheme = "310" if draws[i, 1] < 0.06 else "390"
        if i not in special:
            if draws[i, 0] < 0.975:
                yield i, _enrolment(life, i, month, scheme, draws[i, 2] < 0.006, begins, ends)
            continue
        event, turn = special[i]
        last = epoch_day(turn + 1) - 1
        if event == burdens.BEGINS_TODAY:
            if month >= turn:
                yield i, _enrolment(life, i, month, "390", False, last, ends)
        elif event == burdens.ENDED_YESTERDAY:
            yield i, _enrolment(life, i, month, "390", False, begins, f"{_date(last - 1)}")
        else:
            yield i, _enrolment(life, i, month, "310", True, begins, ends)
            yield i, _enrolment(life, i, month, "390", False, begins, ends)


def _enrolment(
    life: VillageLife,
    i: int,
    month: int,
    scheme: str,
    is_paused: bool,
    begins: int,
    ends: str,
) -> Record:
    return _person(life, i) | {
        "insutype": scheme,
        "psn_type": "11" if scheme == "310" else "15",
        "psn_insu_stas": "2" if is_paused else "1",
        "psn_insu_date": f"{_date(begins)}",
        "paus_insu_date": f"{_date(begins)}" if is_paused else "",
        "insuplc_admdvs": life.county_code(i, month),
        "psn_idet_type": "",
        "psn_type_lv": "",
        "begntime": f"{_date(begins)}",
        "endtime": ends,
    }


def in_force(record: Record, month: int) -> bool:
    """Whether an enrolment covers the month's last day and is not paused."""
    return record["psn_insu_stas"] == "1" and covers(record, month)


def covers(record: Record, month: int) -> bool:
    """Whether an enrolment, paused or not, covers the month's last day."""
    last = f"{_date(epoch_day(month + 1) - 1)}"
    return record["begntime"] <= last <= record["endtime"]


@lru_cache(maxsize=64)
def settled(life: VillageLife, month: int) -> tuple[Settlement, ...]:
    """What was settled in ``month``, refunds and appointed bills included."""
    return (*_drawn(life, month), *_appointed(life, month))


def _drawn(life: VillageLife, month: int) -> Iterator[Settlement]:
    people, village = life.people, life.village
    random = stream(life.seed, "settlements", village.index, month)
    alive = np.flatnonzero(people.born(month) & ~people.dead(month - 1))
    if not len(alive):
        return
    expected = life.profile.settlements_per_year / 12 * village.households
    count = int(random.poisson(expected / life.profile.households))
    weights = np.select([people.health == 3, people.health == 2, people.health == 4],
                        [8.0, 2.5, 2.0], default=1.0)  # fmt: skip
    weights[burdens.kept_apart(life, month)] = 0
    weights = weights[alive]
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
        illness = _diagnosis(inpatient, float(diseases[n]))
        is_chronic = illness["setting"] == "chronic" and people.health[i] in (2, 3)
        values = {field: int(column[n]) for field, column in amounts.items()}
        when = first_day(month).replace(day=days[n])
        med_type = "21" if inpatient else "14" if is_chronic else "11"
        record = _record(life, i, number, when, n, med_type) | {
            "dise_code": illness["code"],
            "dise_name": illness["name_zh"],
        }
        yield _settlement(i, month + lags[n], values, record)
        if refunded[n]:
            later = when + dt.timedelta(days=2)
            yield _settlement(
                i,
                month + lags[n],
                {field: -v for field, v in values.items()},
                record
                | {
                    "setl_id": f"S{number}1",
                    "setl_time": f"{later} 15:{n % 60:02d}:00",
                    "refd_setl_flag": "1",
                    "init_setl_id": record["setl_id"],
                },
            )


def _appointed(life: VillageLife, month: int) -> Iterator[Settlement]:
    case = burdens.appointed(life, month)
    for n, (i, bill) in enumerate(case.bills.items() if case else (), start=90_000):
        inpatient = bill.med_type == "21"
        illness = _diagnosis(inpatient, (n % 17) / 17)
        number = f"{life.village.index:04d}{month:05d}{n:05d}"
        record = _record(life, i, number, first_day(month).replace(day=12), n, bill.med_type)
        values = dict.fromkeys(_AMOUNTS, 0) | {
            "medfee_sumamt": bill.total,
            "fulamt_ownpay_amt": bill.outside,
            "inscp_scp_amt": bill.total - bill.outside,
            "hifp_pay": bill.total - bill.own,
            "fund_pay_sumamt": bill.total - bill.own,
            "psn_part_amt": bill.own,
            "psn_cash_pay": bill.own,
        }
        diagnosis = {"dise_code": illness["code"], "dise_name": illness["name_zh"]}
        yield _settlement(i, month, values, record | diagnosis)


def _record(life: VillageLife, i: int, number: str, when: dt.date, n: int, med_type: str) -> Record:
    """All of a record but the diagnosis and the amounts."""
    inpatient = med_type == "21"
    return _person(life, i) | {
        "setl_id": f"S{number}0",
        "mdtrt_id": f"V{number}",
        "medins_setl_id": f"H{number}",
        "insutype": "390",
        "med_type": med_type,
        "clr_type": "21" if inpatient else "11",
        "insuplc_admdvs": life.county_code(i, when.year * 12 + when.month - 1),
        "setl_time": f"{when} 10:{n % 60:02d}:00",
        "begndate": f"{when - dt.timedelta(days=7 if inpatient else 0)}",
        "enddate": f"{when}",
        "refd_setl_flag": "0",
        "init_setl_id": "",
    }


def _settlement(i: int, upload: int, values: dict[str, int], record: Record) -> Settlement:
    written = {field: money(fen) for field, fen in values.items()}
    return Settlement(i, upload, values, record | written)


def uploaded(life: VillageLife, month: int) -> Iterator[Settlement]:
    """What reaches the system in ``month`` for the first time, late ones of before included."""
    for made in range(month - LATEST_UPLOAD, month + 1):
        yield from (one for one in settled(life, made) if one.upload == month)


def repeated(life: VillageLife, month: int) -> Iterator[Settlement]:
    """Settlements delivered again in ``month`` (D24): the place of residence sends them too."""
    random = stream(life.seed, "repeated settlements", life.village.index, month)
    before = list(uploaded(life, month - 1))
    for one, draw in zip(before, random.random(len(before)).tolist(), strict=True):
        if draw < RATES["D24"]:
            yield one


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
    # One bill in forty is mostly for what no list pays.
    off_list = np.where(random.random(count) < 0.025, 0.55, 0.12)
    outside = part(bill, off_list * random.random(count))
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


def chronic_diagnoses() -> list[dict[str, str]]:
    """The illnesses registered for outpatient benefits, with weights."""
    return [row for row in _diagnoses()["outpatient"] if row["setting"] == "chronic"]


def _diagnosis(inpatient: bool, draw: float) -> dict[str, str]:
    rows = _diagnoses()["inpatient" if inpatient else "outpatient"]
    return rows[int(pick(np.array([draw]), [float(r["weight"]) for r in rows])[0])]


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)
