"""What happens to every lot of a security: splits, mergers and changes of symbol, spin-offs, returns of capital."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from config.decimals import trimmed

from ..accounts import TRANSIT
from ..rows import ZERO, Row
from .amounts import gross_of
from .decimals import QUOTIENT, exact_ratio, quotient, spread
from .draft import entry_date
from .legs import charge_legs, money_leg
from .lots import exchange_lots
from .refusal import RowRefused
from .state import LedgerState


def split(state: LedgerState, row: Row) -> Iterator[list[str]]:
    ratio = row.ratio if row.ratio is not None else row.quantity
    assert ratio is not None
    return _exchange_at_ratio(state, row, exact_ratio(ratio), row.symbol)


def symbol_change(state: LedgerState, row: Row) -> Iterator[list[str]]:
    return _exchange_at_ratio(
        state, row, exact_ratio(row.ratio if row.ratio is not None else Decimal(1)), row.to_symbol
    )


def _exchange_at_ratio(state: LedgerState, row: Row, ratio: Fraction, to_symbol: str) -> Iterator[list[str]]:
    """Every lot times the ratio, at the cost that it had. What is on its way between accounts is split with the rest."""
    places = state.accounts_holding(row)
    transit = [
        place
        for place in state.accounts.places(TRANSIT, row.symbol, state.shelf)
        if state.shelf.units_of(place, row.symbol)
    ]
    for account in [*places, *(transit if row.kind == "split" else ())]:
        other = account if to_symbol == row.symbol else state.shares(row, to_symbol)
        lots = state.shelf.lots(account, row.symbol)
        units = spread([lot.units for lot in lots], ratio)
        after = [
            (other, to_symbol, replace(lot, units=each, unit_cost=quotient(lot.units * lot.unit_cost, each)))
            for lot, each in zip(lots, units, strict=True)
            if each
        ]
        if not after:
            raise RowRefused("ratio", f"leaves nothing of {trimmed(state.shelf.units_of(account, row.symbol))}")
        yield exchange_lots(state, account, row.symbol, after)


def spin_off(state: LedgerState, row: Row) -> Iterator[list[str]]:
    assert row.unit_value is not None
    assert row.to_unit_price is not None
    places = state.accounts_holding(row)
    if row.ratio is None and row.quantity is not None:
        holding = sum((state.shelf.units_of(place, row.symbol) for place in places), ZERO)
        ratio = Fraction(row.quantity) / Fraction(holding)
    else:
        ratio = exact_ratio(row.ratio or ZERO)
    to_worth = row.to_unit_price * row.to_factor * ratio.numerator / ratio.denominator
    share = to_worth / (row.unit_value + to_worth)
    for account in places:
        other = state.shares(row, row.to_symbol)
        lots, after = state.shelf.lots(account, row.symbol), []
        for lot, units in zip(lots, spread([lot.units for lot in lots], ratio), strict=True):
            cost = lot.units * lot.unit_cost
            moved_cost = cost * share if units else ZERO
            after.append((account, row.symbol, replace(lot, unit_cost=quotient(cost - moved_cost, lot.units))))
            if units:
                after.append((other, row.to_symbol, replace(lot, units=units, unit_cost=quotient(moved_cost, units))))
        yield exchange_lots(state, account, row.symbol, after)


def return_of_capital(state: LedgerState, row: Row) -> Iterator[list[str]]:
    places, gross = state.accounts_holding(row), gross_of(row)
    holding = sum((state.shelf.units_of(place, row.symbol) for place in places), ZERO)
    each, left = gross / holding, [gross, row.fee, row.tax]
    for number, account in enumerate(places, 1):
        lots = state.shelf.lots(account, row.symbol)
        paid_in = {lot.currency: _rate_to_cost_currency(state, row, lot.currency) for lot in lots}
        state.dealt_in |= paid_in.keys()
        share = [state.shelf.units_of(account, row.symbol) / holding * whole for whole in (gross, row.fee, row.tax)]
        paid, fee, tax = left if number == len(places) else [QUOTIENT.plus(part) for part in share]
        left = [whole - part for whole, part in zip(left, (paid, fee, tax), strict=True)]
        after = [
            (
                account,
                row.symbol,
                replace(lot, unit_cost=QUOTIENT.plus(max(lot.unit_cost - each * paid_in[lot.currency], ZERO))),
            )
            for lot in lots
        ]
        is_beyond = any(lot.unit_cost < each * paid_in[lot.currency] for lot in lots)
        # Cash against cost in another currency leaves a difference in both, which Beancount fills.
        beyond = [state.open("Income:Realised")] if is_beyond or paid_in.keys() != {row.currency} else []
        legs = exchange_lots(state, account, row.symbol, after)
        cash = money_leg(state.cash(row), paid - fee - tax, row.currency)
        yield [*legs, cash, *charge_legs(state, replace(row, fee=fee, tax=tax)), *beyond]


def _rate_to_cost_currency(state: LedgerState, row: Row, currency: str) -> Decimal:
    """Units of a lot's currency per one of the row's, by the fixings of the day. Raises RowRefused without them."""
    if currency == row.currency:
        return Decimal(1)
    rates = dict(state.fixings(row, (row.currency, currency)))
    if len(rates) < 2:
        raise RowRefused(
            "currency",
            f"is not that of the cost, {currency}, and no rate of the two is known of {entry_date(row)}",
            f"enter it in {currency}, and the exchange as `fx`",
            row.currency,
        )
    return rates[row.currency] / rates[currency]
