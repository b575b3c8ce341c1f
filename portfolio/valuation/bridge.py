"""The money bridge of a period: how the opening value became the closing value, line by line, to the cent.

A lot is measured from the later of the period's opening (close and fixing) and its purchase (price and rate of the deal):
price q·ΔP·F0, FX q·P0·ΔF, interaction q·ΔP·ΔF (docs/measurement.md#money-bridge). What is sold in the period is realised, what is
held at its end or moved out in kind is unrealised. "Realised in the period" is not "realised since purchase", which is
`portfolio.valuation.gains`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

import numpy as np

from portfolio.books import Book
from portfolio.valuation.bridge_pieces import ZERO
from portfolio.valuation.bridge_walk import LINES, PARTS, BridgeWalk
from portfolio.valuation.invariants import InvariantViolated
from portfolio.valuation.money import DECIMAL_DIGITS, MINOR_UNITS, quantise
from pricing.market import History

TOLERANCE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class MoneyBridge:
    """Base currency, each amount as it adds to the value: what goes is negative.

    opening_value + the lines below it + rounding = closing_value. `interaction` is within `fx`, `fx_dealing` within
    `cash_fx`, `deal_rounding` within `fees`.
    """

    first_date: date
    """The period opens at this day's close; since inception, the day before the first event."""
    last_date: date
    base_currency: str
    accrual: str
    """cash: dividends count when paid; accrual: from their ex-date, and the receivable is in both values."""
    opening_value: Decimal
    contributions: Decimal
    withdrawals: Decimal
    realised_price: Decimal
    unrealised_price: Decimal
    fx: Decimal
    interaction: Decimal
    cash_fx: Decimal
    """Revaluation of cash, and what conversions and deals made or lost against the fixing."""
    fx_dealing: Decimal
    income: Decimal
    """Dividends and interest, gross; dividends at the rate of the day they are paid."""
    fees: Decimal
    deal_rounding: Decimal
    """What deals lost or won by rounding their cash to cents."""
    taxes: Decimal
    rounding: Decimal
    """What rounding the lines to the minor unit leaves: at most one unit of it."""
    closing_value: Decimal
    gain: Decimal
    """closing_value - opening_value - contributions - withdrawals."""


def between(book: Book, market: History, *, opening: date | None = None, closing: date | None = None) -> MoneyBridge:
    """The bridge from the close of the last pack day on or before `opening` to that on or before `closing`.

    opening  None, or before the first event: since inception; of a ledger that begins before the first pack, from that one's
             close
    closing  None: the last day of the history; before the first event: nothing was there, and nothing happened
    raises   MissingPrice, MissingRate, InvariantViolated
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        period = pack_days_between(book, market, opening, closing)
        if period is None:
            return _empty_bridge(book, opening, market.dates[-1].item() if closing is None else closing)
        return _as_bridge(BridgeWalk(book, market, *period))


def pack_days_between(
    book: Book, market: History, opening: date | None, closing: date | None
) -> tuple[int, int] | None:
    """The numbers of the pack days at whose closes a period opens (-1: since inception) and closes; None where it ends before
    the first event."""
    days = market.dates
    began = book.first_date
    last = len(days) - 1 if closing is None else _on_or_before(market, closing)
    first = -1 if opening is None else min(_on_or_before(market, opening), last)
    inception = len(days) if began is None else int(np.searchsorted(days, np.datetime64(began)))
    if last >= 0 and began is not None and np.datetime64(began) < days[0]:
        first = max(first, 0)
    elif last < inception:
        return None
    elif first < inception:
        first = -1
    return first, last


def _as_bridge(walk: BridgeWalk) -> MoneyBridge:
    opening, closing = walk.run()
    book, base = walk.book, walk.book.base_currency
    exact = {name: getattr(walk.amounts, name) for name in LINES}
    difference = closing - opening - sum(exact.values(), ZERO)
    if abs(difference) > TOLERANCE:
        raise InvariantViolated("the money bridge", walk.day(walk.last), float(difference))
    lines = _round(exact, quantise(closing, base) - quantise(opening, base), base)
    opening_day = walk.day(walk.first) if walk.first >= 0 else (book.first_date or date.max) - timedelta(days=1)
    flows = lines["contributions"] + lines["withdrawals"]
    return MoneyBridge(
        first_date=opening_day,
        last_date=walk.day(walk.last),
        base_currency=base,
        accrual=book.accrual,
        opening_value=quantise(opening, base),
        closing_value=quantise(closing, base),
        gain=quantise(closing, base) - quantise(opening, base) - flows,
        **lines,
        **{name: quantise(getattr(walk.amounts, name), base) for name in PARTS},
    )


def _empty_bridge(book: Book, opening: date | None, closing: date) -> MoneyBridge:
    """All zero: the period ends before the first event, and perhaps before the first pack."""
    nothing = quantise(ZERO, book.base_currency)
    values = dict.fromkeys(("opening_value", *LINES, *PARTS, "rounding", "closing_value", "gain"), nothing)
    return MoneyBridge(
        first_date=min(opening or closing, closing),
        last_date=closing,
        base_currency=book.base_currency,
        accrual=book.accrual,
        **values,
    )


def _on_or_before(market: History, on: date) -> int:
    return int(np.searchsorted(market.dates, np.datetime64(on), side="right")) - 1


def _round(exact: Mapping[str, Decimal], change: Decimal, currency: str) -> dict[str, Decimal]:
    """The lines to the minor unit, and `rounding`: what they miss the change in value by, at most one unit.

    Where rounding each by itself would miss it by more, those that were rounded furthest go the other way.
    """
    unit = MINOR_UNITS.get(currency, Decimal("0.01"))
    rounded = {name: quantise(amount, currency) for name, amount in exact.items()}
    left = change - sum(rounded.values(), ZERO)
    step = unit.copy_sign(left)
    for name in sorted(exact, key=lambda each: (exact[each] - rounded[each]) * step, reverse=True):
        if abs(left) <= unit:
            break
        rounded[name] += step
        left -= step
    return rounded | {"rounding": left}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bridge in several periods, as a table shows it."""

    label: str
    part_of: str | None
    since_inception: Decimal
    year_to_date: Decimal
    last_day: Decimal


@dataclass(frozen=True, slots=True)
class Bridges:
    """Three periods that end on the as-of date: all lines, and the same as rows of a table."""

    since_inception: MoneyBridge
    year_to_date: MoneyBridge
    last_day: MoneyBridge
    lines: tuple[Line, ...]


LABELS = (
    # name, label, part of
    ("opening_value", "Opening value", None),
    ("contributions", "Contributions", None),
    ("withdrawals", "Withdrawals", None),
    ("realised_price", "Realised price gain", None),
    ("unrealised_price", "Unrealised price gain", None),
    ("fx", "FX gain on securities", None),
    ("interaction", "of which interaction", "fx"),
    ("cash_fx", "FX gain on cash", None),
    ("fx_dealing", "of which dealing", "cash_fx"),
    ("income", "Income, gross", None),
    ("fees", "Fees", None),
    ("taxes", "Taxes", None),
    ("rounding", "Rounding", None),
    ("closing_value", "Closing value", None),
)


def openings(market: History) -> dict[str, date | None]:
    """On which day each period of `Bridges` opens; None: since inception."""
    last: date = market.dates[-1].item()
    return {
        "since_inception": None,
        "year_to_date": last.replace(month=1, day=1) - timedelta(days=1),
        "last_day": market.dates[-2].item() if len(market.dates) > 1 else None,
    }


def overview(book: Book, market: History) -> Bridges:
    """Since inception, this year and the last pack day. Raises as `between`."""
    since, year, day = (between(book, market, opening=opening) for opening in openings(market).values())
    return Bridges(
        since,
        year,
        day,
        tuple(
            Line(label, part_of, getattr(since, name), getattr(year, name), getattr(day, name))
            for name, label, part_of in LABELS
        ),
    )
