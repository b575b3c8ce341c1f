"""What lots cost: each purchase in its own currency, at the rate of its day or of its deal."""

from collections.abc import Sequence
from decimal import Decimal

from portfolio.books import CostLayer, LotState
from portfolio.explanation import entry_formulas, lot_units
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Items, Term, product, total


def lot_costs(market: MarketTerms, lot: LotState, currency: str) -> Term:
    """The cost of a lot in a currency: in the base currency at each purchase's own rate, in another at the fixing of its day."""
    share = lot_units.share_of(market, lot.opened_by, lot.security, lot.quantity, lot.valid_from)
    purchases = layer_terms(market, lot.cost_layers(), lot.security, lot.opened_by, currency, share=share)
    return total(lot.opened_by, (Items("purchases", purchases),), currency)


def layer_terms(
    market: MarketTerms,
    layers: Sequence[CostLayer],
    security: int,
    opened_by: str,
    currency: str,
    *,
    share: Decimal | None = None,
) -> tuple[Term, ...]:
    """What each purchase adds to a cost. `currency` "" stands for the base currency; `share` is the part of its entry's units that
    the cost is of."""
    opener = market.opener(opened_by)
    terms = []
    for layer in layers:
        if not layer.cost:
            continue
        entries = [opener]
        if len(layers) > 1:  # of a pool, or after a return of capital: the lot's name says one of several
            entries = [
                event.entry_id
                for event in market.book.events
                if event.date == layer.acquired and security in (event.security, event.to_security)
            ] or entries
        rows = tuple(row for entry in entries for row in market.entry(entry))
        entry = market.events.get(entries[0]) if len(entries) == 1 else None
        cost = entry_formulas.explain(entry, rows, "cost", layer.cost, layer.currency, share=share)
        if currency in ("", market.base):
            rate = market.own_or_fixing(layer.fx_to_base, layer.currency, layer.acquired, entries[0])
        else:
            rate = market.across(layer.currency, currency, layer.acquired, "rate")
        terms.append(product(layer.acquired.isoformat(), (cost, rate), currency or market.base))
    return tuple(terms)


def value_of(terms: Sequence[Term]) -> Decimal | None:
    """The sum of terms; None where one has no value."""
    values = [term.value for term in terms]
    return None if None in values else sum((Decimal(each) for each in values if each is not None), Decimal(0))
