"""Which defects are planted, how often, and how a value is spoilt.

The codes are those of the defect catalogue. Defects are fixed per person: a typing error stays
until somebody corrects it, so it is in every month's file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator.identifiers import check_digit
from include.simulator.randomness import Floats

RATES = {
    "D01": 0.010,  # spelling of the ID: lower-case x, full width, apostrophe, blanks, student's G
    "D03": 0.003,  # 15-digit ID, of people born before 2000
    "D02": 0.002,  # ID kept as a number by Excel: in scientific notation, or its last digits 0
    "D04": 0.003,  # check digit wrong, a digit mistyped, two digits exchanged
    "D00": 0.001,  # ID left blank
    "D07": 0.001,  # of adults: a former number of the same person, valid in itself
    "D04 newborn": 0.5,  # of the newly born: no ID yet for some months, blank or 出生证 number
    "D04 department": 0.002,  # of people in the departments' records: ID mistyped or blank there
    "D06": 0.050,  # of young women: listed by the household they married into, and by the old one
    "D05": 0.100,  # of disabled people: the 20-character certificate number in place of the ID
    "D08": 0.300,  # of deaths: the county keeps the dead as alive for one to three months
    "D10": 0.050,  # of households in a village or township with an old name: written by that name
    "D11": 0.006,  # of households: name of the township or village cut short
    "D21": 0.004,  # of grown-ups: education written in words that are on no code list
    "D12": 0.010,  # of settlements: refunded, as a negative mirror of the original
    "D24": 0.004,  # of settlements: delivered again the month after
}
"""Defect -> share of rows. D16 (title, total and note rows) follows from an office's habits."""


UNUSABLE = frozenset({"D02", "D04", "D07"})
"""Defects with which a county's number does not lead to the person it is of."""


@dataclass(frozen=True)
class Planted:
    """One planted defect: what truth/<period>/planted.csv lists."""

    row_no: int
    code: str
    column: str


def delivered_certificate(
    true_id: str, disability: str, age: int, former_id: str, draws: Floats
) -> tuple[str, str, str]:
    """(cert_type, cert_no as the county writes it, defect code or empty).

    ``disability`` is type and grade, two digits, or empty; ``draws`` are four uniform numbers.
    """
    kind, spelling, *_ = draws.tolist()
    # Of the kind 7, the last there is, all: a check of the kind can miss it by one.
    if disability and (draws[2] < RATES["D05"] or disability[0] == "7"):
        return "09", true_id + disability, "D05"
    if kind < RATES["D01"]:
        return "01", _misspelt(true_id, age, spelling), "D01"
    kind -= RATES["D01"]
    if kind < RATES["D03"]:
        if true_id[6:8] == "19":
            return "01", true_id[:6] + true_id[8:17], "D03"
        return "01", true_id, ""
    kind -= RATES["D03"]
    if kind < RATES["D04"]:
        return "01", mistyped(true_id, spelling), "D04"
    kind -= RATES["D04"]
    if kind < RATES["D02"]:
        return "01", _as_number(true_id, spelling), "D02"
    kind -= RATES["D02"]
    if kind < RATES["D00"]:
        return "01", "", "D04"
    kind -= RATES["D00"]
    if kind < RATES["D07"] and age >= 18:
        return "01", former_id, "D07"
    return "01", true_id, ""


def newborn_certificate(draw: float) -> tuple[str, str]:
    """(cert_type, cert_no) of a child registered before its ID: blank, or the birth certificate."""
    share = RATES["D04 newborn"]
    if draw < share / 2:
        return "", ""
    return "99", f"O43{int(draw / share * 10**7):07d}"


def departments_certificate(true_id: str, draws: Floats) -> tuple[str, bool]:
    """(ID as a department's system has it, whether it is spoilt); two uniform numbers."""
    hit, way = draws.tolist()
    if hit >= RATES["D04 department"]:
        return true_id, False
    return ("" if way < 0.25 else mistyped(true_id, way)), True


def mistyped(true_id: str, draw: float) -> str:
    """The ID with a slip that its check digit gives away."""
    way, place = int(draw * 3), 6 + int(draw * 3 % 1 * 10)
    if way == 1 and true_id[place] != true_id[place + 1]:
        return true_id[:place] + true_id[place + 1] + true_id[place] + true_id[place + 2 :]
    if way == 2:
        return true_id[:place] + str((int(true_id[place]) + 3) % 10) + true_id[place + 1 :]
    wrong = str((int(check_digit(true_id[:17]).replace("X", "10")) + 1) % 10)
    if true_id[15:17] + wrong == "000":  # that is what a spreadsheet makes of it, not a typist
        wrong = "5"
    return true_id[:17] + wrong


def _as_number(true_id: str, draw: float) -> str:
    """What a spreadsheet makes of an ID that is taken for a number."""
    if draw < 0.5:
        return f"{true_id[0]}.{true_id[1:14]}E+17"
    # An invalid number for certain: a valid one would be somebody else's.
    cut = true_id[:15] + "000"
    return cut if check_digit(cut[:17]) != "0" else true_id[:14] + "E+03"


_FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def _misspelt(true_id: str, age: int, draw: float) -> str:
    if true_id.endswith("X"):
        return true_id[:17] + "x"
    if 7 <= age <= 18:
        return "G" + true_id
    way = int(draw * 3)
    if way == 0:
        return true_id.translate(_FULL_WIDTH)
    return "'" + true_id if way == 1 else f"{true_id[:6]} {true_id[6:14]} {true_id[14:]}"


def is_planted(code: str, draws: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of the uniform draws fall under the defect's rate."""
    hit: np.ndarray[tuple[int], np.dtype[np.bool_]] = draws < RATES[code]
    return hit
