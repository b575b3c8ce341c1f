"""The lots, entries and closes of one holding."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext

import numpy as np

from portfolio.books import Event, LotState
from portfolio.explanation.costs import layer_terms
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Row, Term
from portfolio.performance.formulas import HOLDING
from portfolio.valuation import one_holding
from portfolio.valuation.money import DECIMAL_DIGITS
from portfolio.valuation.one_holding import HoldingLot, OneHolding, TransactionHistory


def explain(market: MarketTerms, asof: date, security: int, answer: OneHolding, path: Sequence[str]) -> Explanation:
    """A figure of a lot, an entry or a close of OneHolding. Raises NoSuchFigure."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        match path:
            case ["lots", number, name]:
                lot = one_holding.lots_of(market.book, asof, security)[int(number)]
                return _of_lot(market, lot, answer.lots[int(number)], name)
            case ["closes", number]:
                place = int(np.searchsorted(market.market.dates, answer.dates[int(number)]))
                if answer.closes[int(number)] is None:
                    return Explanation(HOLDING["close"].what, Term("close", None))
                close = market.price(security, place, "close")
                value = float(close.known_value)
                term = Term("close", value, close.unit, close.formula, rows=close.rows, label=close.label)
                return Explanation(HOLDING["close"].what, term)
        return explain_entry(market, asof, security, answer, path)


def explain_entry(
    market: MarketTerms, asof: date, security: int, answer: OneHolding | TransactionHistory, path: Sequence[str]
) -> Explanation:
    """A figure of an entry of one security. Raises NoSuchFigure."""
    match path:
        case ["entries", number, "quantity" | "unit_price" | "amount" | "tax" as name]:
            entry = answer.entries[int(number)]
            event = one_holding.events_of(market.book, asof, security)[-1 - int(number)]
            unit = "units" if name == "quantity" else entry.currency
            booked = Term(name, getattr(entry, name), unit, rows=market.entry(event.entry_id))
            return Explanation(HOLDING[f"entry_{name}"].what, booked)
    raise NoSuchFigure


def _of_lot(market: MarketTerms, lot: LotState, answer: HoldingLot, name: str) -> Explanation:
    opener = market.opener(lot.opened_by)
    rows = market.entry(opener)
    opening = next((event for event in market.book.events if event.entry_id == opener), None)
    match name:
        case "quantity":
            return _units_left(market, lot, answer.quantity, opening)
        case "unit_cost":
            as_paid = opening is not None and opening.unit_price == lot.unit_cost
            return _figure("lot_unit_cost", answer.unit_cost, lot.currency, "unit_price" if as_paid else "", rows=rows)
        case "cost":
            purchases = layer_terms(market, lot.cost_layers(), lot.security, lot.opened_by, lot.currency)
            formula = HOLDING["lot_cost"].expression
            return _figure("lot_cost", answer.cost, lot.currency, formula, Items("purchases", purchases))
    raise NoSuchFigure


def _units_left(market: MarketTerms, lot: LotState, value: Decimal, opening: Event | None) -> Explanation:
    """Units bought less what sales took of them; where splits or moves lie between, they rest on the entry that opened the lot."""
    what, sold = HOLDING["lot_quantity"].what, []
    for match in market.book.matches:
        if match.opened_by == lot.opened_by and match.quantity:
            label = f"{match.date} {match.kind}"
            sold.append(Term("sold", match.quantity, "units", rows=market.entry(match.entry_id), label=label))
    units_sold = sum((Decimal(each.known_value) for each in sold), Decimal(0))
    rows = market.entry(market.opener(lot.opened_by))
    if opening is None or opening.quantity is None or opening.quantity - units_sold != lot.quantity:
        return Explanation(what, Term("units", value, "units", rows=rows))
    bought = Term("quantity", opening.quantity, "units", rows=rows)
    formula, parts = HOLDING["lot_quantity"].expression, (bought, Items("sold", tuple(sold)))
    return Explanation(what, Term("quantity", value, "units", formula, parts))


def _figure(
    key: str, value: Decimal, unit: str, formula: str, *parts: Items, rows: tuple[Row, ...] = ()
) -> Explanation:
    name = key.removeprefix("lot_")
    return Explanation(HOLDING[key].what, Term(name, value, unit, formula, parts, rows))
