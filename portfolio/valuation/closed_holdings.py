"""Securities that were held and are held no more, and what they gained since purchase."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from portfolio.books import Book
from portfolio.valuation import gains
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.gains import ZERO
from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from pricing.market import History


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
        lots = [lot for lot in book.lots if lot.valid_from <= asof]
        matches = [match for match in book.matches if match.date <= asof]
        ended = {lot.security for lot in lots} | {match.security for match in matches}
        ended -= {lot.security for lot in lots if lot.is_open(asof)}
        rows = []
        for security in ended:
            own = [match for match in matches if match.security == security]
            states = [lot for lot in lots if lot.security == security]
            sold = [
                gains.split(gains.realised(book, each, market, rates)) for each in own if each.kind not in gains.MOVES
            ]
            paid = sum(
                (
                    (gains.gross(event) - event.tax) * rates.for_deal(event)
                    for event in book.events
                    if event.security == security and event.kind in gains.PAYING and event.date <= asof
                ),
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
