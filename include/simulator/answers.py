"""What counties answer, in their clue registers (C4), to alerts that incomes are below the line.

An alert of a month is raised when the month is over; the county is told its number and answers in
the month after, or has it on the list without a result yet, or does not answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from include.simulator.clues import ALREADY, DEPARTMENT, REASONS, REFUSED, Clue
from include.simulator.income_truth import net_per_head
from include.simulator.monitoring import RISKS
from include.simulator.months import NEVER, epoch_day, period
from include.simulator.randomness import stream
from include.simulator.seeds import income_line
from include.vault.secrets import known_secrets
from include.vault.versions import identifier_key

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

RULE = "R309"
_ANSWERED, _OPEN = 0.5, 0.6
"""Of a month's alerts this share has a result in the next, and up to this share is on the list."""


def number(household_no: str, month: int) -> str:
    """The alert's number, as the bureau tells it to the county."""
    key = identifier_key("household", household_no)
    digest = hashlib.sha256(f"{RULE}/household/{key}/{period(month)}".encode()).hexdigest()
    return f"YJ{period(month).replace('-', '')}{digest[:12].upper()}"


def answers(life: VillageLife, until: int) -> Iterator[Clue]:
    """Clues that answer the alerts of all months from the first delivered to that before ``until``.

    None where this process does not know the warehouse's secret, from which the keys are made.
    """
    if not life.since or not known_secrets():
        return
    for raised in range(life.since, until):
        numbers = life.people.at(raised).household_no
        draws = stream(life.seed, "answers", life.village.index, raised).random((len(numbers), 5))
        state = life.monitoring.at(raised)
        for h in _below_the_line(life, raised):
            answers_at_all, came, took, review, reason = draws[h].tolist()
            if answers_at_all >= _OPEN:
                continue
            received = epoch_day(raised + 1) + 6 + int(came * 5)
            verified = received + 1 + int(took * 8)
            is_known, has_result = bool(state.in_force[h]), answers_at_all < _ANSWERED
            is_reviewed = has_result and not is_known and review < 0.5
            yield Clue(
                household=h,
                number=f"DF{life.village.index:04d}{h + 1:04d}{raised}",
                channel=DEPARTMENT,
                risk=RISKS[-1],
                received=received,
                verified=verified if has_result else NEVER,
                reviewed=verified + 3 if is_reviewed else NEVER,
                result=ALREADY if is_known else REFUSED,
                decided=(verified + 3 * is_reviewed) if has_result else NEVER,
                reason="" if is_known else REASONS[int(reason * len(REASONS))],
                alert_no=number(numbers[h], raised),
            )


@lru_cache(maxsize=64)
def _below_the_line(life: VillageLife, month: int) -> tuple[int, ...]:
    line = income_line(month // 12)
    net, vacant = net_per_head(life.at(month)), life.moves.vacant(month)
    return tuple(
        h for h, yuan in enumerate(net) if line is not None and yuan < line and h not in vacant
    )
