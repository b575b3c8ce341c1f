"""What each kind of transaction does to the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from portfolio.analytics.booking.books import Books
from portfolio.analytics.booking.open_lots import Holding, OpenLayer, OpenLot
from portfolio.analytics.booking.transaction import (
    NO_LOTS,
    ONE,
    ZERO,
    Transaction,
    consideration,
    cross_rate,
    fee_of,
    fixing_of,
    fx_of,
    is_plain,
    new_symbol,
    required_number,
)
from portfolio.analytics.errors import InvalidInput

NEGLIGIBLE = Decimal("1e-6")
"""By how much of them units may miss what the ratio gives."""


def buy(books: Books, index: int, entry: Transaction) -> None:
    """A lot is opened at what was paid for it, on its day and at its rate."""
    quantity = required_number(index, entry, "quantity", above=True)
    fee, fx = fee_of(index, entry), fx_of(index, entry)
    amount = consideration(index, entry, quantity)
    books.add(index, entry, entry.symbol, quantity, amount, fee, fx, entry.acquired or entry.date)


def transfer_in(books: Books, index: int, entry: Transaction) -> None:
    """A lot comes in with the cost, day and rate that are given, else at what it is worth."""
    quantity = required_number(index, entry, "quantity", above=True)
    has_cost = entry.cost is not None
    cost = required_number(index, entry, "cost") if has_cost else consideration(index, entry, quantity)
    has_rate = has_cost and entry.cost_fx_to_base is not None
    fx = required_number(index, entry, "cost_fx_to_base", above=True) if has_rate else fx_of(index, entry)
    books.add(index, entry, entry.symbol, quantity, cost, fee_of(index, entry), fx, entry.acquired or entry.date)


def sell(books: Books, index: int, entry: Transaction) -> None:
    """Lots are drawn by the booking method; what they brought beyond their cost is realised."""
    holding = books.require_holding(index, entry)
    quantity = required_number(index, entry, "quantity", above=True)
    amount = consideration(index, entry, quantity)
    books.realise(index, entry, holding, quantity, amount, fee_of(index, entry), fx_of(index, entry))


def cash_in_lieu(books: Books, index: int, entry: Transaction) -> None:
    """The fraction of a unit that is held is sold for the amount paid."""
    if entry.quantity is not None:
        return sell(books, index, entry)
    holding = books.require_holding(index, entry)
    fraction = holding.quantity % 1
    if not fraction:
        raise InvalidInput("quantity", "holds no fraction to be paid out", index)
    amount = consideration(index, entry, fraction)
    return books.realise(index, entry, holding, fraction, amount, fee_of(index, entry), fx_of(index, entry))


def transfer_out(books: Books, index: int, entry: Transaction) -> None:
    """Lots leave with their cost; nothing is realised."""
    holding = books.require_holding(index, entry)
    quantity = required_number(index, entry, "quantity", above=True)
    for lot, part in books.draw(index, entry, holding, quantity):
        books.moves.append((index, books.costs.lot(holding, books.cut(holding, lot, part, entry.date))))


def move(books: Books, index: int, entry: Transaction) -> None:
    """Lots go on in another account with their cost, day and rate."""
    if entry.to_account in (None, entry.account):
        raise InvalidInput("to_account", f"is {entry.to_account!r}, another account is needed", index)
    holding = books.require_holding(index, entry)
    quantity = required_number(index, entry, "quantity", above=True)
    for lot, part in books.draw(index, entry, holding, quantity):
        piece = books.cut(holding, lot, part, entry.date)
        books.moves.append((index, books.costs.lot(holding, piece)))
        books.carry(index, entry, entry.symbol, piece)


def split(books: Books, index: int, entry: Transaction) -> None:
    """Units are multiplied by the ratio (new per old); cost, day and rate stay."""
    holding = books.require_holding(index, entry)
    ratio = required_number(index, entry, "ratio", above=True)
    lots = list(holding.lots())
    for lot, quantity in zip(lots, scaled_units(index, entry, lots, ratio), strict=True):
        books.touch(holding, lot, entry.date)
        lot.quantity = quantity
    books.reorder(index, holding)


def return_of_capital(books: Books, index: int, entry: Transaction) -> None:
    """Cost falls by what is paid at the day's rate; where that is more than the cost, the rest is gain."""
    holding, fx = books.require_holding(index, entry), fx_of(index, entry)
    by_amount = entry.amount is not None
    paid = required_number(index, entry, "amount" if by_amount else "unit_price")
    per_unit = paid / holding.quantity if by_amount else paid
    for lot in holding.lots():
        books.touch(holding, lot, entry.date)
        rate = ONE if lot.currency == entry.currency else cross_rate(index, entry, lot.currency)
        received = per_unit * lot.quantity * rate
        if received >= books.costs.cost(lot):
            _give_up(books, index, entry, holding, lot, per_unit * lot.quantity, fx)
            continue
        from_price = min(received, lot.price_cost)
        from_fee = received - from_price
        if not (lot.plain and is_plain(entry) and lot.currency == entry.currency):
            lot.layers = [
                *lot.own_layers(),
                OpenLayer(
                    index,
                    entry.currency,
                    entry.date,
                    fx,
                    fixing_of(entry, entry.currency),
                    -from_price / rate,
                    -from_fee / rate,
                ),
            ]
        lot.price_cost -= from_price
        lot.fee -= from_fee
    books.reorder(index, holding)


def _give_up(
    books: Books, index: int, entry: Transaction, holding: Holding, lot: OpenLot, received: Decimal, fx: Decimal
) -> None:
    """All of a lot's cost against what is paid for it; the units, and fees that are kept apart, stay."""
    kept_fee, kept_base = (ZERO, ZERO) if books.costs.fees_in_cost else (lot.fee, lot.fee_base)
    layers = lot.own_layers()
    piece = lot.part(ZERO, ONE, entry.date)
    lot.fee, lot.fee_base = kept_fee, kept_base
    lot.layers = (
        [
            OpenLayer(each.opened_by, each.currency, each.acquired, each.fx, each.fixing, ZERO, each.fee)
            for each in layers
            if not books.costs.fees_in_cost and each.fee
        ]
        if piece.layers is not None
        else None
    )
    if not books.costs.fees_in_cost:
        piece.fee = piece.fee_base = ZERO
        for each in piece.layers or ():
            each.fee = ZERO
    if not is_plain(entry) or received != books.costs.cost(piece):
        books.match(index, entry, holding, piece, ZERO, received, ZERO, fx)


def spin_off(books: Books, index: int, entry: Transaction) -> None:
    """The new lots take their share of cost by first-day market values, and the day and rate of the old."""
    holding, to_symbol = books.require_holding(index, entry), new_symbol(index, entry)
    price, to_price = required_number(index, entry, "unit_price"), required_number(index, entry, "to_unit_price")
    if entry.ratio is not None:
        ratio = required_number(index, entry, "ratio", above=True)
    else:
        ratio = required_number(index, entry, "quantity", above=True) / holding.quantity
    if not price + to_price * ratio:
        raise InvalidInput("unit_price", "and to_unit_price are zero: the cost can't be shared", index)
    share = to_price * ratio / (price + to_price * ratio)
    lots = sorted(holding.lots(), key=lambda one: one.order)
    for lot, quantity in zip(lots, scaled_units(index, entry, lots, ratio), strict=True):
        books.touch(holding, lot, entry.date)
        books.carry(index, entry, to_symbol, lot.part(quantity, share, entry.date))
    books.reorder(index, holding)


def symbol_change(books: Books, index: int, entry: Transaction) -> None:
    """The lots go on under another symbol with their cost, day and rate."""
    holding, to_symbol = books.require_holding(index, entry), new_symbol(index, entry)
    if entry.amount is not None or (entry.kind == "merger" and entry.ratio is None):
        raise InvalidInput("ratio", "alone is taken: book cash beside it as a sale or return of capital", index)
    ratio = ONE if entry.ratio is None else required_number(index, entry, "ratio", above=True)
    lots = sorted(holding.lots(), key=lambda one: one.order)
    for lot, quantity in zip(lots, scaled_units(index, entry, lots, ratio), strict=True):
        books.touch(holding, lot, entry.date)
        books.carry(index, entry, to_symbol, lot.part(quantity, ONE, entry.date))
    del books.holdings[entry.account, entry.symbol]


def scaled_units(index: int, entry: Transaction, lots: Sequence[OpenLot], ratio: Decimal) -> list[Decimal]:
    """The units of each lot times the ratio; in all, those that the entry tells."""
    units = [lot.quantity * ratio for lot in lots]
    if entry.to_quantity is not None and units:
        off = required_number(index, entry, "to_quantity", above=True) - sum(units, ZERO)
        if abs(off) > NEGLIGIBLE * entry.to_quantity:
            raise InvalidInput("to_quantity", f"is {entry.to_quantity}, the ratio gives {sum(units, ZERO)}", index)
        units[units.index(max(units))] += off
    return units


ACTIONS: Mapping[str, Callable[[Books, int, Transaction], None]] = {
    "buy": buy,
    "reinvested_dividend": buy,
    "sell": sell,
    "cash_in_lieu": cash_in_lieu,
    "transfer_in": transfer_in,
    "transfer_out": transfer_out,
    "move": move,
    "split": split,
    "return_of_capital": return_of_capital,
    "spin_off": spin_off,
    "symbol_change": symbol_change,
    "merger": symbol_change,
}


def take(books: Books, index: int, entry: Transaction) -> None:
    """Book one transaction. `index` is its place in the sequence given. Raises InvalidInput for a kind that is not known."""
    if entry.kind in NO_LOTS:
        return
    action = ACTIONS.get(entry.kind)
    if action is None:
        raise InvalidInput("kind", f"is {entry.kind!r}, which is not known", index)
    action(books, index, entry)
