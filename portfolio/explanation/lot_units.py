"""The units of a lot: those that its entry brought, as splits and sales have left them."""

from datetime import date
from decimal import Decimal

from portfolio.books import Event, LotState
from portfolio.explanation import entry_formulas
from portfolio.explanation.market_terms import ONE, MarketTerms
from portfolio.explanation.terms import Term


def explain(market: MarketTerms, lot: LotState, name: str) -> Term:
    """The units of one state of a lot. Where others than splits and sales lie between, they rest on the entry that opened it."""
    opener = market.opener(lot.opened_by)
    entry, rows = market.events.get(opener), market.entry(opener)
    if entry is None or entry.quantity is None:
        return Term(name, lot.quantity, "units", rows=rows)
    value, formula = entry.quantity, "bought"
    terms = [Term("bought", value, "units", "quantity", rows=rows)]
    units_by_taker = market.units_by_taker.get(lot.opened_by, {})
    splits = [event for event in market.splits.get(lot.security, ()) if _is_later(event, entry)]
    sales = [market.events[each] for each in units_by_taker if each in market.events]
    for event in sorted((*splits, *sales), key=lambda each: (each.date, each.ordinal)):
        if event.date > lot.valid_from:
            break
        number, own = len(terms), market.entry(event.entry_id)
        if event.entry_id not in units_by_taker:
            value *= event.ratio or ONE
            formula = f"({formula}) * ratio_{number}" if " - " in formula else f"{formula} * ratio_{number}"
            terms.append(Term(f"ratio_{number}", event.ratio, "", "ratio", rows=own))
        elif units := units_by_taker[event.entry_id]:
            value -= units
            formula = f"{formula} - sold_{number}"
            share = units / abs(event.quantity) if event.quantity else None
            terms.append(entry_formulas.explain(event, own, f"sold_{number}", units, "units", share=share))
    if value != lot.quantity:
        return Term(name, lot.quantity, "units", rows=rows)
    if len(terms) == 1:
        return Term(name, value, "units", "quantity", rows=rows)
    return Term(name, value, "units", formula, tuple(terms), rows=rows)


def share_of(market: MarketTerms, opened_by: str, security: int, units: Decimal, on: date) -> Decimal | None:
    """What part of the units that a lot's entry brought some units are, in units of a day; None where the entry brought none."""
    entry = market.events.get(market.opener(opened_by))
    if entry is None or not entry.quantity:
        return None
    bought = entry.quantity
    for event in market.splits.get(security, ()):
        if _is_later(event, entry) and event.date <= on:
            bought *= event.ratio or ONE
    return units / bought


def _is_later(event: Event, entry: Event) -> bool:
    return (event.date, event.ordinal) > (entry.date, entry.ordinal)
