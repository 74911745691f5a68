"""What the reconciliation must find, computed from the village's life and not from its files.

Left out are people whom the county knows by a number that the departments do not know (D07).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from include.simulator import (
    civil_affairs,
    disability,
    elsewhere,
    health_metrics,
    low_income,
    orphans,
    posts,
    seeds,
    settlements,
    slips,
    vital,
)
from include.simulator.dwellings import GRADES
from include.simulator.identity import certificate_is_lost, claimed_twice
from include.simulator.income_truth import net_per_head
from include.simulator.low_income import EDGE, RIGID
from include.simulator.monitoring import MARGINAL, UNSTABLE
from include.simulator.months import epoch_day
from include.simulator.roster import GONE
from include.simulator.village import VillageMonth

Conflict = tuple[str, str, str, str, str]
"""case type, subject, person_id or household_no, household_no where a person has a case for each
household and else empty, county code."""


def conflicts(month: VillageMonth) -> Iterator[Conflict]:
    """All cases of a village's month, each once."""
    people = month.people
    here = _Here(month)

    def county(h: int) -> str:
        return month.county_of(people.household_no[h]).code

    for persons in (here.deceased(), here.assisted(), here.insured()):
        for case_type, i in persons:
            if not certificate_is_lost(people, i):
                yield case_type, "person", people.person_id[i], "", county(int(people.household[i]))
    for case_type, h in (*here.paid_after_all_died(), *here.households()):
        if people.household_no[h] not in month.vacant:
            yield case_type, "household", people.household_no[h], "", county(h)
    for i, home in claimed_twice(month):
        for h in (int(people.household[i]), home):
            number = people.household_no[h]
            yield "person_in_two_households", "person", people.person_id[i], number, county(h)
    for claim in elsewhere.claims(month.life):
        for number, code in (
            (claim.household_no, claim.county.code),
            (people.household_no[claim.claimed_by], county(claim.claimed_by)),
        ):
            yield "person_in_two_counties", "person", claim.person_id, number, code


class _Here:
    """A village's month with what several cases need."""

    def __init__(self, month: VillageMonth) -> None:
        life, when = month.life, month.period
        self.month, self.life, self.when = month, life, when
        self.people, self.welfare = month.people, life.welfare
        rows = zip(month.roster.rows.tolist(), month.roster.status, strict=True)
        self.present = frozenset(i for i, status in rows if status not in GONE)
        self.known_dead = set(civil_affairs.registered_deaths(life, when))
        self.known_dead |= vital.known_dead(life, when)
        self.died_before = {i for i in self.known_dead if self.people.death[i] < epoch_day(when)}
        self.has_allowance = self.welfare.in_force(when)
        self.supported = self._supported()
        self.on_certificate = {
            i: h
            for h in self.has_allowance.nonzero()[0].tolist()
            for i in civil_affairs.counted(life, h, int(month.roster.head[h]))
        }

    def _supported(self) -> set[int]:
        """Who has full support: the first of the household, whatever the county's list says."""
        first: dict[int, int] = {}
        for i, home in enumerate(self.people.household.tolist()):
            first.setdefault(home, i)
        return {first[h] for h in (self.welfare.tekun_start <= self.when).nonzero()[0].tolist()}

    def deceased(self) -> Iterator[tuple[str, int]]:
        """(case type, person): dead, and treated as living."""
        life, when = self.life, self.when
        for i in sorted(self.died_before & self.supported):
            yield "deceased_paid_tekun", i
        for one in disability.certificates(life):
            amount = one.living + one.care
            if one.person in self.died_before and one.start <= when < one.end and amount:
                yield "deceased_paid_disability", one.person
        for support in orphans.supports(life):
            if support.child in self.died_before and support.start <= when < support.end:
                yield "deceased_paid_orphan", support.child
        paid = Counter[int]()
        for post in life.posts:
            if post.person in self.died_before and posts.is_delivered(post, when, self.present):
                paid[post.person] += posts.paid(life.seed, self.people, post, when)
        yield from (("deceased_paid_welfare_post", i) for i, fen in sorted(paid.items()) if fen)
        living = {h for i, h in self.on_certificate.items() if i not in self.died_before}
        for i, h in self.on_certificate.items():
            if i in self.died_before and h in living:
                yield "deceased_covered_dibao", i
        for i in sorted(self.present & self.known_dead):
            yield "deceased_on_file", i

    def assisted(self) -> Iterator[tuple[str, int]]:
        """(case type, person on file): what county and civil affairs say of assistance."""
        dibao, tekun = self.welfare.as_county_knows(self.when)
        for i in sorted(self.present):
            home = int(self.people.household[i])
            registered, supported = i in self.on_certificate, i in self.supported
            says_dibao = bool(dibao[home] and self.welfare.covered[i])
            if registered and supported:
                yield "dibao_and_tekun", i
            if says_dibao != registered:
                name = (
                    "county_dibao_unregistered" if says_dibao else "registered_dibao_not_in_county"
                )
                yield name, i
            if bool(tekun[home]) != supported:
                name = (
                    "registered_tekun_not_in_county" if supported else "county_tekun_unregistered"
                )
                yield name, i

    def insured(self) -> Iterator[tuple[str, int]]:
        """(case type, person on file): what county and health insurance say of enrolment."""
        enrolled = {
            i
            for i, record in settlements.enrolments(self.life, self.when)
            if settlements.in_force(record, self.when)
        }
        denied = slips.said_uninsured(self.people)
        for i in sorted(self.present):
            if (i in denied) == (i in enrolled):
                name = "insured_in_register_only" if i in denied else "insured_in_county_only"
                yield name, i

    def paid_after_all_died(self) -> Iterator[tuple[str, int]]:
        """(case type, household): allowance for the month, and nobody left whom it is for."""
        for h, _ in civil_affairs.paid_to_the_dead(self.life, self.when):
            yield "deceased_paid_dibao", h

    def households(self) -> Iterator[tuple[str, int]]:
        """(case type, household) of all other kinds."""
        month, people = self.month, self.people
        known, in_force = month.state.known, month.state.in_force
        kind, ex_poor = self.life.monitoring.kind, self.life.monitoring.ex_poor
        net, reported = net_per_head(month), month.incomes.amounts["d2_dibao"]
        paid = self._paid_in_twelve_months()
        layers = {h for name in (EDGE, RIGID) for h in self._in_layer(name)}
        marginal = self._in_layer(EDGE)
        assisted = {h for i, h in self.on_certificate.items() if i in self.present}
        supported = {int(people.household[i]) for i in self.supported & self.present}
        at_risk = self._at_risk(net)
        standard = seeds.dibao_standard(self.when // 12)
        tolerance = seeds.threshold("dibao_income_tolerance_amt") * 100
        for h in range(people.households):
            holds = {
                "dibao_and_edge": self.has_allowance[h] and h in marginal,
                "dibao_income_differs": abs(int(reported[h]) - paid[h]) > tolerance,
                "household_type_contradicts_kind": known[h]
                and (
                    (kind[h] == UNSTABLE and not ex_poor[h]) or (kind[h] == MARGINAL and ex_poor[h])
                ),
                "possible_missed_dibao": in_force[h]
                and h not in assisted | supported | layers
                and net[h] < standard * 12,
                "possible_missed_monitoring": h in assisted and not in_force[h] and h in at_risk,
            }
            yield from ((name, h) for name, is_so in holds.items() if is_so)

    def _paid_in_twelve_months(self) -> Counter[int]:
        """Fen of allowance per household, what the banks sent back left out."""
        paid = Counter[int]()
        for when in range(self.when - 11, self.when + 1):
            for h, _, status, fen in civil_affairs.payments(self.life, when):
                paid[h] += 0 if status == "退票" else fen
        return paid

    def _in_layer(self, layer: str) -> set[int]:
        return {one.household for one in low_income.in_layer(self.life, layer, self.when)}

    def _at_risk(self, net: list[Decimal]) -> set[int]:
        """Households with a sign of risk: poor, ill, often aided, in an unsafe house, disabled."""
        people, when = self.people, self.when
        own, aided = Counter[int](), Counter[int]()
        for i, fen in health_metrics.own_payments(self.month).items():
            own[int(people.household[i])] += fen if i in self.present else 0
        for month in range(when - 11, when + 1):
            for i, _, _ in civil_affairs.aid(self.life, month):
                aided[int(people.household[i])] += int(i in self.present)
        line = seeds.income_line(when // 12)
        share = seeds.threshold("high_burden_share")
        often = seeds.threshold("missed_monitoring_temp_aid_count")
        severe = seeds.threshold("missed_monitoring_disability_grade")
        income = self.month.incomes.net.tolist()
        grade = self.life.dwellings.grade_at(when).tolist()
        found = {
            int(people.household[one.person])
            for one in disability.certificates(self.life)
            if one.in_force(when) and one.person in self.present and int(one.grade) <= severe
        }
        for h in range(people.households):
            if (
                (line is not None and net[h] < line)
                or own[h] > max(share * income[h], 0)
                or aided[h] >= often
                or (grade[h] >= 0 and GRADES[grade[h]][0] in "CD")
            ):
                found.add(h)
        return found
