"""What is true of incomes and of help in place, for the risk rules of the county bureau."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from include.simulator.measures import in_place_count
from include.simulator.months import epoch_day
from include.simulator.randomness import Ints
from include.simulator.village import VillageMonth


def metrics(month: VillageMonth) -> Iterator[tuple[str, str, str, str]]:
    """(``household``, household_no, metric, value) of every household's incomes, of incomes that
    fell, and of days without help since the month of recognition."""
    numbers = month.people.household_no
    before, now = (net_per_head(at) for at in (month.life.at(month.period - 1), month))
    was_apart = set(range(len(numbers))) - month.life.moves.vacant(month.period - 1)
    reference = _per_head(
        month,
        month.incomes.net
        + month.incomes.amounts["claims_income"]
        - month.incomes.amounts["compliant_self_pay"],
    )
    for h, number in enumerate(numbers):
        yield "household", number, "net_income_pp", f"{now[h]}"
        yield "household", number, "reference_income_pp", f"{reference[h]}"
        if h in was_apart and before[h] > 0 and now[h] < before[h]:
            fall = ((before[h] - now[h]) / before[h]).quantize(Decimal("1e-6"), ROUND_DOWN)
            yield "household", number, "income_drop_share", f"{fall}"
    helped = in_place_count(month.life.measures, len(numbers), month.period)
    for h, number in enumerate(numbers):
        started = int(month.state.started[h])
        if month.state.in_force[h] and not helped[h] and started < month.period:
            days = epoch_day(month.period + 1) - epoch_day(started + 1)
            yield "household", number, "days_without_measure", f"{days}"


def net_per_head(month: VillageMonth) -> list[Decimal]:
    """Per household: net income per member, yuan to the fen."""
    return _per_head(month, month.incomes.net)


def _per_head(month: VillageMonth, fen: Ints) -> list[Decimal]:
    """Yuan per member, to the fen."""
    return [
        (Decimal(amount) / 100 / max(members, 1)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for amount, members in zip(fen.tolist(), month.roster.members.tolist(), strict=True)
    ]
