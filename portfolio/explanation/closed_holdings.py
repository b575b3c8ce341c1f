"""What was held and is held no more: each sale of it, each payment."""

from collections.abc import Sequence
from decimal import localcontext

from portfolio.explanation import payments
from portfolio.explanation.gains import Deals
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Part, Term
from portfolio.performance.formulas import CLOSED
from portfolio.valuation.closed_holdings import ClosedHolding
from portfolio.valuation.money import DECIMAL_DIGITS


def explain(market: MarketTerms, rows: Sequence[ClosedHolding], path: Sequence[str]) -> Explanation:
    """A figure of one of the closed holdings. Raises NoSuchFigure."""
    match path:
        case ["rows", number, "realised" | "income" | "total" as name]:
            row = rows[int(number)]
        case _:
            raise NoSuchFigure
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        deals = Deals(market, market.day(len(market.market.dates) - 1))
        sold = deals.sold_parts("total", security=row.security_id)
        received = payments.received(market.book, deals.asof, security=row.security_id)
        gross = payments.paid(market, received, "dividends", "gross")
        tax = payments.paid(market, received, "tax", "tax")
        parts: tuple[Part, ...] = {
            "realised": (sold,),
            "income": (gross, tax),
            "total": (Items("sold", sold.items), gross, tax),
        }[name]
        value, formula = getattr(row, name), CLOSED[name]
        term = Term(name, value, market.base, formula.expression, () if value is None else parts, label=row.symbol)
        return Explanation(formula.what, term)
