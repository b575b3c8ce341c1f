"""Securities that were held and are held no more, and what they gained since purchase."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import TypeVar

from portfolio.books import Book, Event, LotMatch, LotState
from portfolio.valuation import gains
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.gains import ZERO
from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from pricing.market import History

OfSecurity = TypeVar("OfSecurity", Event, LotMatch, LotState)


@dataclass(frozen=True, slots=True)
class ClosedHolding:
    """Base currency. A gain that rests on a rate that nobody gave is None, and so is the total."""

    symbol: str
    security_id: int
    first_bought: date
    last_sold: date
    """The day on which the last of it was sold, or went in kind."""
    realised: Decimal | None
    income: Decimal
    """Dividends less what was withheld."""
    total: Decimal | None


def find_closed(book: Book, market: History) -> tuple[ClosedHolding, ...]:
    """What was held up to the history's last day and is not held at its close, that which was sold last first.

    raises   MissingRate where proceeds or a payment can't be converted
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        asof: date = market.dates[-1].item()
        rates = DealRates(market, book.base_currency, book.trade_fx)
        symbols = dict(zip(market.security_ids, market.symbols, strict=True))
        lots = _by_security(lot for lot in book.lots if lot.valid_from <= asof)
        matches = _by_security(match for match in book.matches if match.date <= asof)
        payments = _by_security(each for each in book.events if each.kind in gains.PAYING and each.date <= asof)
        rows = []
        for security in lots.keys() | matches.keys():
            own, states = matches.get(security, []), lots.get(security, [])
            if any(lot.is_open(asof) for lot in states):
                continue
            sold = [
                gains.split(gains.realised(book, each, market, rates)) for each in own if each.kind not in gains.MOVES
            ]
            paid = sum(
                ((gains.gross(event) - event.tax) * rates.for_deal(event) for event in payments.get(security, [])),
                ZERO,
            )
            is_known = all(each.is_known for each in sold)
            realised = sum((each.total for each in sold), ZERO)
            rows.append(
                ClosedHolding(
                    symbol=symbols.get(security, gains.NEVER_PRICED),
                    security_id=security,
                    first_bought=min((*(lot.acquired for lot in states), *(match.acquired for match in own))),
                    last_sold=max(
                        (*(each.date for each in own), *(lot.valid_to for lot in states if lot.valid_to is not None))
                    ),
                    realised=quantise(realised, book.base_currency) if is_known else None,
                    income=quantise(paid, book.base_currency),
                    total=quantise(realised + paid, book.base_currency) if is_known else None,
                )
            )
        return tuple(sorted(rows, key=lambda row: (-row.last_sold.toordinal(), row.symbol, row.security_id)))


def _by_security(rows: Iterable[OfSecurity]) -> dict[int, list[OfSecurity]]:
    """Those of each security, in their order; what is of none is left out."""
    by_security: dict[int, list[OfSecurity]] = {}
    for each in rows:
        if each.security is not None:
            by_security.setdefault(each.security, []).append(each)
    return by_security
