"""What is true, for tests and evaluations only; the sources never see it.

``home/truth/<period>/`` holds one csv per subject, with numbers as they are and not as anybody
wrote them. Amounts are in fen.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np

from include.simulator import (
    assistance_truth,
    civil_affairs,
    conflicts,
    drinking_water,
    dwellings,
    elsewhere,
    findings,
    health_metrics,
    household_changes,
    income_truth,
    schooling,
    settlements,
    visits,
    work_files,
)
from include.simulator.identity import (
    assisted_ids,
    certificate,
    certificate_is_lost,
    claimed_twice,
)
from include.simulator.months import date_of, period
from include.simulator.roster import GONE
from include.simulator.village import VillageMonth

_COLUMNS = {
    "households": (
        "household_no", "county_code", "village_code", "kind", "ex_poor", "in_force", "is_new",
        "is_relapsed", "is_cleared", "members", "wage", "business", "property", "transfer",
        "expense", "claims", "self_pay", "has_dibao", "has_tekun", "dibao_paid",
    ),
    "persons": ("person_id", "household_no", "county_code", "is_present", "is_lost", "died_on"),
    "enrolments": ("person_id", "status"),
    "rows": ("kind", "record_key", "person_id", "defect_code"),
    "settlements": ("person_id", "settled_on", "own_payment"),
    "planted": ("county_code", "kind", "file_name", "row_no", "defect_code", "column"),
    "metrics": ("subject", "id", "metric", "value"),
    "findings": ("code", "subject", "id", "household_no", "outcome", "county_code"),
    "conflicts": ("code", "subject", "id", "household_no", "county_code"),
    "household_changes": ("kind", "household_no", "successor_household_no", "persons"),
}  # fmt: skip
"""``is_lost``: the county wrote a number that the person had before (D07); nothing that the
departments know of the person leads to the county's row.
``rows`` says whom a row is about, whatever its ID looks like; ``record_key`` is the person's number
in the source (person_no, psn_no), or certificate and ID of a dibao member.
``settlements`` lists what was uploaded in the month, whenever it was settled.
``metrics`` lists, for the risk rules, what is so at the month's end: the subject is ``person`` (by
person_id) or ``household`` (by household_no); what is nothing (value 0) may be left out.
``findings`` and ``conflicts`` list what the cross-field rules and the reconciliation must find, by
the same subjects; ``outcome`` is ``found``, or ``near`` for what is only nearly so.
``household_changes`` lists what is so since this month and was not in the month before. A person
who goes to another household is in ``persons`` with both, present in the one where he is."""

Metric = tuple[str, str, str, str]
"""subject, id, metric (as in ref_risk_rule), value in the rule's unit (yuan, not fen)."""
METRICS: tuple[Callable[[VillageMonth], Iterator[Metric]], ...] = (
    income_truth.metrics,
    assistance_truth.metrics,
    dwellings.metrics,
    drinking_water.metrics,
    schooling.metrics,
    visits.metrics,
    health_metrics.metrics,
    work_files.metrics,
)
"""What each subject's simulator knows to be true of a village's month."""


class Truth:
    """One month's files, written village by village."""

    def __init__(self, home: Path, month: int) -> None:
        self._folder = home / "truth" / period(month)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files: list[TextIO] = []
        self._writers: dict[str, Any] = {}
        for name, columns in _COLUMNS.items():
            file = (self._folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
            self._files.append(file)
            self._writers[name] = csv.writer(file, lineterminator="\n")
            self._writers[name].writerow(columns)

    def add(self, month: VillageMonth) -> None:
        """Write a village's month."""
        life, state = month.life, month.state
        people, home = month.people, life.village
        amounts = month.incomes.amounts
        dibao = life.welfare.in_force(month.period)
        allowed, supported = assistance_truth.helped(month)
        paid: dict[int, int] = {}
        for h, _, status, fen in civil_affairs.payments(life, month.period):
            paid[h] = paid.get(h, 0) + (0 if status == "退票" else fen)
        for h, number in enumerate(people.household_no):
            if number in month.vacant:
                continue
            place = month.places.get(h, home)
            self._row(
                "households", number, place.county.code, place.code,
                int(life.monitoring.kind[h]) if state.known[h] else 0,
                int(life.monitoring.ex_poor[h]), int(state.in_force[h]), int(state.is_new[h]),
                int(state.is_relapsed[h]), int(state.is_cleared[h]), int(month.roster.members[h]),
                *(int(amounts[name][h]) for name in (
                    "a_wage", "b_business", "c_property", "d_transfer", "e_business_expense",
                    "claims_income", "compliant_self_pay")),
                int(h in allowed), int(h in supported), paid.get(h, 0),
            )  # fmt: skip
        deaths = set(civil_affairs.registered_deaths(life, month.period))
        for i, status in zip(month.roster.rows.tolist(), month.roster.status, strict=True):
            died = f"{date_of(int(people.death[i]))}" if i in deaths else ""
            number = people.household_no[int(people.household[i])]
            self._row(
                "persons", people.person_id[i], number, month.county_of(number).code,
                int(status not in GONE), int(certificate_is_lost(people, i)), died,
            )  # fmt: skip
            self._row(
                "rows", "county_person", people.person_no[i], people.person_id[i],
                certificate(month, i)[2],
            )  # fmt: skip
        for i, number in month.roster.farewells:
            self._row(
                "persons", people.person_id[i], number, month.county_of(number).code, 0,
                int(certificate_is_lost(people, i)), "",
            )  # fmt: skip
        for i, _ in claimed_twice(month):
            self._row("rows", "county_person", people.person_no[i], people.person_id[i], "D06")
        for claim in elsewhere.claims(life):
            person_no = claim.people.person_no[claim.person]
            self._row("rows", "county_person", person_no, claim.person_id, "D06")
        for i, record in settlements.enrolments(life, month.period):
            in_force = settlements.in_force(record, month.period)
            self._row("enrolments", people.person_id[i], int(in_force))
            self._record("yb_enrol", record["psn_no"], record["certno"], people.person_id[i])
        kept = assisted_ids(life)
        people = life.people  # a certificate keeps its members
        for i in np.flatnonzero(dibao[people.household] & life.welfare.covered).tolist():
            key = f"DB{life.village.index:04d}{int(people.household[i]):05d}/{kept[i]}"
            self._record("mz_dibao_member", key, kept[i], people.person_id[i])

        for finding in findings.findings(month):
            self._row("findings", *finding, month.county_of(finding[3]).code)
        for conflict in conflicts.conflicts(month):
            self._row("conflicts", *conflict)
        for change in household_changes.household_changes(month):
            self._row("household_changes", *change)
        for metrics in METRICS:
            for metric in metrics(month):
                if metric[1] not in month.vacant:
                    self._row("metrics", *metric)

    def add_settlements(self, records: Iterable[tuple[str, dict[str, str]]]) -> None:
        """(person_id, H2 record) of what was uploaded in the month."""
        for person_id, record in records:
            fen = record["psn_part_amt"].replace(".", "")
            self._row("settlements", person_id, record["setl_time"][:10], fen)
            self._record("yb_settle", record["psn_no"], record["certno"], person_id)

    def add_planted(
        self, county_code: str, planted: Iterable[tuple[str, str, tuple[str, str, str]]]
    ) -> None:
        """The defects planted in a county's files: (kind, file, (row, code, column))."""
        for kind, file_name, (row_no, code, column) in planted:
            self._row("planted", county_code, kind, file_name, row_no, code, column)

    def _record(self, kind: str, key: str, written: str, person_id: str) -> None:
        self._row("rows", kind, key, person_id, "" if written == person_id else "D04")

    def _row(self, name: str, *cells: object) -> None:
        self._writers[name].writerow(cells)

    def __enter__(self) -> Truth:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for file in self._files:
            file.close()
