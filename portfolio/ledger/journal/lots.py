"""The lots of one entry, and what they were or become together."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from portfolio.ledger.reader import Posting

from .transaction import ZERO, LedgerLot

COST_TOLERANCE: Final = Decimal("0.005")  # a split keeps the cost of each lot to half a cent


def lots_of(postings: Iterable[Posting], currency: str) -> tuple[LedgerLot, ...]:
    """The lots of an event in `currency`."""
    return tuple(
        [
            LedgerLot(
                abs(p.units),
                p.cost.number,
                p.cost.acquired,
                p.cost.label,
                None if p.cost.currency == currency else p.cost.currency,
            )
            for p in postings
            if p.cost is not None
        ]
    )


def group_lots(
    postings: Iterable[Posting], *, new: bool
) -> dict[tuple[dt.date, str | None, str, int], tuple[Decimal, Decimal]]:
    """The lots that an entry opens (`new`) or closes, as `rank_by_unit_cost` gives them."""
    return rank_by_unit_cost(
        (p.cost.acquired, p.cost.label, p.cost.currency, p.cost.number, abs(p.units))
        for p in postings
        if p.cost is not None and (p.units > 0) is new
    )


def rank_by_unit_cost(
    lots: Iterable[tuple[dt.date, str | None, str, Decimal, Decimal]],
) -> dict[tuple[dt.date, str | None, str, int], tuple[Decimal, Decimal]]:
    """(acquired, label, currency, rank by unit cost) -> units and cost; lots alike in all of these are summed.

    lots  (acquired, label, currency, unit cost, units) of each
    """
    units: defaultdict[tuple[dt.date, str | None, str], defaultdict[Decimal, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for acquired, label, currency, unit_cost, number in lots:
        units[acquired, label, currency][unit_cost] += number
    return {
        (*lot, rank): (units[lot][number], units[lot][number] * number)
        for lot in units
        for rank, number in enumerate(sorted(units[lot]))
    }


def total_by_lot(postings: Iterable[Posting]) -> dict[tuple[dt.date, str | None, str], tuple[Decimal, Decimal]]:
    """(acquired, label, currency) -> units and cost."""
    totals: dict[tuple[dt.date, str | None, str], tuple[Decimal, Decimal]] = {}
    for posting in postings:
        if posting.cost is not None:
            lot = (posting.cost.acquired, posting.cost.label, posting.cost.currency)
            units, cost = totals.get(lot, (ZERO, ZERO))
            totals[lot] = (units + abs(posting.units), cost + abs(posting.units) * posting.cost.number)
    return totals


def total_cost(postings: Iterable[Posting]) -> Decimal:
    return sum((abs(p.units) * p.cost.number for p in postings if p.cost is not None), ZERO)


def mean_price(priced: list[tuple[Decimal, Decimal]]) -> Decimal:
    """The mean price; exactly the price where there is only one."""
    if len({price for _, price in priced}) == 1:
        return priced[0][1]
    return sum((quantity * price for quantity, price in priced), ZERO) / sum(quantity for quantity, _ in priced)
