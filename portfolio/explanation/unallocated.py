"""What of a day's return belongs to no holding: fees of no deal, deals at another rate than the fixing, empty balances."""

from decimal import Decimal
from math import isclose

import numpy as np

from portfolio.explanation import holding_days
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Term, product
from portfolio.performance import contributions
from portfolio.performance.formulas import DAYS
from portfolio.performance.parts import TIMING


def fees(life: Life, place: int) -> Explanation:
    """What fees that belong to no deal took from a day's return, and those that were paid from elsewhere."""
    if life.history.flow_timing != TIMING and life.history.outside_fees.any():
        raise NoSuchFigure
    at = life.in_market(place)
    items = tuple(
        product(
            event.entry_id,
            (life.market.booked(event, "fee", event.fee), life.market.rate(event.currency, at)),
            life.base,
            label=f"{event.date} {event.fee_kind or event.kind}",
        )
        for event in life.events(place)
        if event.fee and event.kind in ("fee", "outside_fee")
    )
    value = float(contributions.daily_contributions(life.history)[place, -2])
    return _part(life, place, "fees", value, -_sum(items), Items("fees", items))


def other(life: Life, place: int) -> Explanation:
    """What deals at another rate than the fixing made on a day, and what was earned or charged on a balance that it began
    without."""
    value = float(life.history.other[place])
    deals, balances = _deals(life, place), _balances(life, place)
    total = _sum(deals) + _sum(balances)
    return _part(life, place, "other", value, total, Items("deals", deals), Items("balances", balances))


def _part(life: Life, place: int, name: str, value: float, total: float, *items: Items) -> Explanation:
    """A part of what the day opened with. Raises NoSuchFigure where the items do not make it."""
    formula = DAYS[name]
    opening, inflow = life.value(place - 1, "value_before"), life.flows(place, "inflow")
    begin = float(opening.known_value) + float(inflow.known_value)
    if begin <= 0:
        return Explanation(formula.what, Term(name, value, "fraction"))
    if not isclose(total, value * begin, rel_tol=1e-9, abs_tol=1e-8):
        raise NoSuchFigure
    return Explanation(formula.what, Term(name, value, "fraction", formula.expression, (*items, opening, inflow)))


def _deals(life: Life, place: int) -> tuple[Term, ...]:
    """Each exchange of a currency for another, at the fixings of the day: what it made over them, or lost."""
    if life.history.scope != "portfolio":
        return ()
    market, at = life.market, life.in_market(place)
    exchanges = []
    for event in life.events(place):
        if event.counter_amount is None:
            continue
        terms = (
            market.booked(event, "amount", event.amount),
            market.rate(event.currency, at),
            market.booked(event, "counter_amount", event.counter_amount, event.counter_currency),
            market.rate(event.counter_currency, at, "counter_rate"),
        )
        amount, rate, counter, counter_rate = (Decimal(term.known_value) for term in terms)
        value = amount * rate + counter * counter_rate
        formula = "amount * rate + counter_amount * counter_rate"
        exchanges.append(Term(event.entry_id, value, life.base, formula, terms, label=f"{event.date} {event.kind}"))
    return tuple(exchanges)


def _balances(life: Life, place: int) -> tuple[Term, ...]:
    """What each holding gained that the day began without: no rate of return is measured over it."""
    if not life.events(place):
        return ()
    history = life.history
    gained = []
    for column in np.flatnonzero(history.weights[place] == 0.0).tolist():
        symbol, currency = history.holdings[column]
        terms = holding_days.holding_terms(life, place, column)
        number = {name: Decimal(term.known_value) for name, term in terms.items()}
        value = (number["closed"] + number["went"]) * number["rate"]
        value -= number["opened"] * number["rate_before"] + number["came"] * number["rate"]
        if abs(value) > Decimal("1e-12"):
            formula = "(closed + went) * rate - (opened * rate_before + came * rate)"
            gained.append(Term(symbol, value, life.base, formula, tuple(terms.values()), label=currency))
    return tuple(gained)


def _sum(terms: tuple[Term, ...]) -> float:
    return sum(float(term.known_value) for term in terms)
