"""What corporate actions mean for a portfolio: units on the ex-date, and the dividends or new units of them."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import localcontext

from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Action, Explanation, Items, NoSuchFigure, Term, figure
from portfolio.performance.formulas import ACTIONS
from portfolio.valuation.coming_actions import ActionImpact, ActionImpacts
from portfolio.valuation.money import DECIMAL_DIGITS

COUNTED = {"splits_pending": "split", "delistings": "delisting"}


def explain(market: MarketTerms, answer: ActionImpacts, path: Sequence[str], units: str) -> Explanation:
    """A figure of ActionImpacts. `units`: where the units of a day are explained. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        match path:
            case ["summary", name] if name in ACTIONS:
                return _of_all(answer, name)
            case ["actions", number, name] if name in ACTIONS:
                return _of_one(market, answer, answer.actions[int(number)], name, units)
        raise NoSuchFigure


def _of_all(answer: ActionImpacts, name: str) -> Explanation:
    value = getattr(answer.summary, name)
    if name == "dividends_expected":
        dividends = tuple(
            Term(row.symbol, row.portfolio_impact, answer.currency, path=f"{{step}}/actions/{place}/portfolio_impact")
            for place, row in enumerate(answer.actions)
            if row.type == "dividend"
        )
        return figure(ACTIONS[name], name, value, answer.currency, Items("dividends", dividends))
    rows = [
        row
        for row in answer.actions
        if COUNTED.get(name) in (None, row.type) and (name != "splits_pending" or row.date > answer.asof_date)
    ]
    terms = tuple(Term(row.symbol, 1, "", rows=_rows(row)) for row in rows)
    of = {"total_actions": "actions", "splits_pending": "splits", "delistings": "delistings"}[name]
    return figure(ACTIONS[name], name, value, "actions", Items(of, terms))


def _rows(row: ActionImpact) -> tuple[Action]:
    return (Action(row.symbol, row.date, row.type),)


def _of_one(market: MarketTerms, answer: ActionImpacts, row: ActionImpact, name: str, units: str) -> Explanation:
    value = getattr(row, name)
    if name in ("ratio", "amount"):
        unit = row.currency if name == "amount" else ""
        return Explanation(ACTIONS[name].what, Term(name, value, unit, rows=() if value is None else _rows(row)))
    day = min(row.date - timedelta(days=1), answer.asof_date)
    path = units.replace("{date}", day.isoformat()).replace("{symbol}", row.symbol)
    if name == "portfolio_quantity":
        return _quantity(market, answer, row, path)
    if value is None:
        return figure(ACTIONS[name], name, None, "")
    quantity = Term("portfolio_quantity", row.portfolio_quantity, "units", path="{step}/" + _place(answer, row))
    if name == "quantity_change":
        return figure(ACTIONS[name], name, value, "units", quantity, Term("ratio", row.ratio, rows=_rows(row)))
    amount = Term("amount", row.amount, row.currency, rows=_rows(row))
    if name == "cash":
        return figure(ACTIONS[name], name, value, row.currency, amount, quantity)
    if name == "portfolio_impact":
        rate = market.rate(row.currency, len(market.market.dates) - 1)
        return figure(ACTIONS[name], name, value, answer.currency, amount, quantity, rate)
    raise NoSuchFigure


def _place(answer: ActionImpacts, row: ActionImpact) -> str:
    return f"actions/{answer.actions.index(row)}/portfolio_quantity"


def _quantity(market: MarketTerms, answer: ActionImpacts, row: ActionImpact, path: str) -> Explanation:
    """Units of the last close before the ex-date; of days to come, those of the as-of date and the splits until then."""
    security = next((each for each, symbol in market.symbols.items() if symbol == row.symbol), None)
    day = min(row.date - timedelta(days=1), answer.asof_date)
    units_held = market.book.quantities(day).get(security) if security is not None else None
    what = ACTIONS["portfolio_quantity"].what
    if units_held is None or units_held != row.portfolio_quantity:
        splits = "The units of the as-of date, times the splits that are announced until the ex-date."
        return Explanation(what, Term("portfolio_quantity", row.portfolio_quantity, "units"), splits)
    term = Term("units", units_held, "units", path=path)
    return Explanation(what, Term("portfolio_quantity", row.portfolio_quantity, "units", "units", (term,)))
