"""A portfolio's value in another currency: the value, and the rate with the fixings that it is made of."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Fixing, NoSuchFigure, Term
from portfolio.performance.formulas import CONVERTED
from portfolio.valuation import ValuedPositions
from portfolio.valuation.conversion import ConvertedValue
from portfolio.valuation.money import DECIMAL_DIGITS
from pricing import market as markets
from pricing.market import Market


def explain(
    terms: MarketTerms, asof: Market, valued: ValuedPositions, answer: ConvertedValue, path: Sequence[str]
) -> Explanation:
    """A figure of ConvertedValue. Raises NoSuchFigure."""
    pack_id = terms.market.pack_ids[-1]
    unit = f"{answer.currency} per {valued.currency}"
    match path:
        case ["fixings", number, "rate"]:
            leg = answer.fixings[int(number)]
            rows = (Fixing(pack_id, leg.base, leg.quote),)
            return Explanation(
                CONVERTED["fixing"].what, Term("rate", leg.rate, f"{leg.quote} per {leg.base}", rows=rows)
            )
        case ["value" | "rate" as name]:
            pass
        case _:
            raise NoSuchFigure
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        cross = Term("cross", Decimal(1), unit, "1")
        if answer.fixings:
            exact = markets.cross(asof, valued.currency, answer.currency)
            cross = Term("cross", exact, unit, rows=(Fixing(pack_id, valued.currency, answer.currency),))
        formula = CONVERTED[name]
        if name == "rate":
            return Explanation(formula.what, Term(name, answer.rate, unit, formula.expression, (cross,)))
        total = Term("total_value", valued.total_value, valued.currency, path="{valued}/total_value")
        rate = Term("rate", cross.value, unit, cross.formula, rows=cross.rows)
        return Explanation(formula.what, Term(name, answer.value, answer.currency, formula.expression, (total, rate)))
