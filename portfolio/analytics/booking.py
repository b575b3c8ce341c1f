"""Lots, what is sold from them, and what was gained: price, FX, interaction, fees.

Everything is `Decimal` at 34 digits. Local amounts are in the trade's currency, base amounts in the book's. A lot keeps the
currency that it was dealt in, whatever the others of its security were.
Rules: MEASUREMENT "Lots and gains".
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import partial
from typing import Literal, TypeAlias, get_args

from portfolio.analytics.errors import InvalidInput, Oversold

Method: TypeAlias = Literal["FIFO", "LIFO", "HIFO", "AVERAGE"]
Day: TypeAlias = date  # in classes that have a field named date

PRECISION = Context(prec=34, rounding=ROUND_HALF_EVEN)
ZERO, ONE = Decimal(0), Decimal(1)
NEGLIGIBLE = Decimal("1e-6")
"""By how much of them units may miss what the ratio gives."""
NO_LOTS = frozenset({"deposit", "withdrawal", "dividend", "interest", "fee", "tax", "fx"})


@dataclass(frozen=True, slots=True)
class Transaction:
    """One event of a ledger; only what its kind needs is given. Numbers are >= 0: the kind gives the direction.

    unit_price  trade currency per unit; where absent, amount / quantity
    amount      trade currency, before the fee, for the whole quantity
    fee         trade currency
    fx_to_base  base currency per one of trade currency on the day; one currency of the book, its base, may do without
    ratio       new units per old unit
    acquired    the day a lot was bought that is transferred in, or opened under an older day
    account     lots of different accounts never meet
    cost        what a lot that is transferred in cost in all, fees apart; cost_fx_to_base the rate it was bought at
    lot_id      name of the lot that is opened, or of the one to take from
    lot_cost    of the lot to take from, per unit, bought on `acquired`: those of that day first, and of them the nearest;
                lot_currency the currency it cost
    to_quantity units after a split, or received by a spin-off, symbol change or merger: where given, the largest lot takes
                what the ratio, which may have no end, leaves off
    to_symbol   spin-off: the new security; symbol change, merger: what it became; to_unit_price its first-day price
    to_account  where lots go on: of a move, and of what a spin-off or merger gives; absent: the same account
    rebate      what was paid back of the fee, trade currency
    trading_currency  the one that the security trades in; to_trading_currency of to_symbol
    fixings     trading currency per one of other currencies, on the day (of transfer_in, of the purchase): lots of one holding
                that cost several currencies are ranked and pooled by it

    buy, reinvested_dividend  quantity, unit_price or amount, fee
    sell                      quantity, unit_price or amount, fee
    transfer_in               quantity, cost, else unit_price or amount of the day; acquired
    transfer_out              quantity
    move                      quantity, to_account
    split                     ratio
    cash_in_lieu              unit_price or amount; quantity, else the fraction held
    return_of_capital         amount in all, or unit_price per unit held
    spin_off                  ratio or quantity of the new security, to_symbol, unit_price and to_unit_price (first day)
    symbol_change, merger     to_symbol, ratio (1 if absent for a symbol change)
    """

    date: date
    kind: str
    symbol: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal | None = None
    currency: str | None = None
    fx_to_base: Decimal | None = None
    ratio: Decimal | None = None
    acquired: Day | None = None
    account: str = ""
    cost: Decimal | None = None
    cost_fx_to_base: Decimal | None = None
    lot_id: str | None = None
    lot_cost: Decimal | None = None
    to_quantity: Decimal | None = None
    to_symbol: str | None = None
    to_unit_price: Decimal | None = None
    to_account: str | None = None
    rebate: Decimal | None = None
    lot_currency: str | None = None
    trading_currency: str | None = None
    to_trading_currency: str | None = None
    fixings: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """What one purchase adds to the cost of a lot, in its own currency and at its own rate; what a return of capital took off
    it is one with a cost below zero.

    opened_by  place of that transaction; cost with the fee if fees_in_cost, and fee is 0 then
    """

    opened_by: int
    currency: str | None
    acquired: date
    fx_to_base: Decimal
    cost: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot, or the part of one that moved out. opened_by: place of the transaction in the sequence given; went_on: places of
    those by which it came into this account or under this symbol later.

    unit_cost  local, fees apart; cost  local, with buy fees if fees_in_cost; fx_to_base  the entry rate, locked
    layers     where the cost is not of one purchase alone: cost_base is what they sum to, fx_to_base cost_base / cost
    """

    symbol: str
    account: str
    lot_id: str | None
    opened_by: int
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    cost_base: Decimal
    currency: str | None
    fx_to_base: Decimal
    layers: tuple[Layer, ...] = ()
    went_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A lot as it was at the end of each day valid_from <= day < valid_to; still is where valid_to is None."""

    symbol: str
    account: str
    lot_id: str | None
    opened_by: int
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    currency: str | None
    fx_to_base: Decimal
    valid_from: date
    valid_to: date | None
    layers: tuple[Layer, ...] = ()
    went_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gain:
    """Base currency: gain = price + fx + interaction - fees. With fees in cost they are in the three, and fees is 0."""

    price: Decimal
    fx: Decimal
    interaction: Decimal
    fees: Decimal

    @property
    def gain(self) -> Decimal:
        with localcontext(PRECISION):
            return self.price + self.fx + self.interaction - self.fees


@dataclass(frozen=True, slots=True)
class MatchedLot:
    """What one closing transaction took from one lot. cost, proceeds, fees: local; with fees in cost they hold them.

    A return of capital that exceeds the cost takes all of it, and no quantity: quantity is 0.
    currency  of the deal; cost_currency of cost and entry_fee, which may be another: then gains are in the currency that the
              security trades in where the fixings are known, else all of the gain is one of price
    fees      entry_fee + exit_fee; of two currencies the exit fee alone
    """

    closed_by: int
    opened_by: int
    lot_id: str | None
    kind: str
    date: date
    symbol: str
    account: str
    acquired: Day
    quantity: Decimal
    currency: str | None
    cost: Decimal
    proceeds: Decimal
    fees: Decimal
    fx_in: Decimal
    fx_out: Decimal
    realised: Gain
    cost_currency: str | None = None
    entry_fee: Decimal = ZERO
    exit_fee: Decimal = ZERO
    layers: tuple[Layer, ...] = ()
    went_on: tuple[int, ...] = ()

    @property
    def local_gain(self) -> Decimal:
        """proceeds - cost: before fees where they are kept apart."""
        with localcontext(PRECISION):
            return self.proceeds - self.cost


@dataclass(frozen=True, slots=True)
class Booked:
    """The books after the last transaction. realised: since purchase, over all matched lots.

    transferred_lots  parts moved out, or to another account, without a gain, each with the place of its transaction
    """

    open_lots: tuple[Lot, ...]
    matched_lots: tuple[MatchedLot, ...]
    transferred_lots: tuple[tuple[int, Lot], ...]
    parcels: tuple[Parcel, ...]
    realised: Gain


def book(
    transactions: Sequence[Transaction],
    *,
    method: Method = "FIFO",
    fees_in_cost: bool = True,
    account_methods: Mapping[str, Method] | None = None,
) -> Booked:
    """Open, match and close lots in order of date, then of place in the sequence.

    method        which lot a sale takes: first or last acquired, highest trade-currency unit cost (ties: first
                  acquired, then ledger order), or one average pool per account and symbol
    account_methods  of accounts that have a method of their own
    fees_in_cost  buy fees raise the cost and sell fees lower the proceeds; else they are kept apart
    raises        Oversold; InvalidInput with the transaction's place
    """
    for each in (method, *(account_methods or {}).values()):
        if each not in get_args(Method):
            raise InvalidInput("method", f"is {each!r}, one of {', '.join(get_args(Method))} is needed")
    with localcontext(PRECISION):
        books = _Books(method, fees_in_cost, account_methods or {})
        _require_rates(transactions)
        for index in sorted(range(len(transactions)), key=lambda place: transactions[place].date):
            books.take(index, transactions[index])
        return books.closed()


def _require_rates(transactions: Sequence[Transaction]) -> None:
    """One currency, the base, may come without rates; a rate that is missing elsewhere never becomes 1."""
    without: str | None = None
    seen = False
    for index, entry in enumerate(transactions):
        if entry.fx_to_base is None and entry.cost_fx_to_base is None and entry.kind in _NEEDS_RATE:
            if seen and entry.currency != without:
                raise InvalidInput("fx_to_base", "is missing", index)
            without, seen = entry.currency, True
    if seen:
        for index, entry in enumerate(transactions):
            if entry.currency == without and entry.fx_to_base not in (None, ONE):
                raise InvalidInput("fx_to_base", "is given here and missing elsewhere for the same currency", index)


class _Layer:
    """The state of a layer; fixing: trading currency per one of its own on its day, None where that is not known."""

    __slots__ = ("acquired", "cost", "currency", "fee", "fixing", "fx", "opened_by")

    def __init__(
        self,
        opened_by: int,
        currency: str | None,
        acquired: date,
        fx: Decimal,
        fixing: Decimal | None,
        cost: Decimal,
        fee: Decimal,
    ) -> None:
        self.opened_by, self.currency, self.acquired, self.fx, self.fixing = opened_by, currency, acquired, fx, fixing
        self.cost, self.fee = cost, fee

    def scaled(self, share: Decimal) -> _Layer:
        return _Layer(
            self.opened_by,
            self.currency,
            self.acquired,
            self.fx,
            self.fixing,
            self.cost * share,
            self.fee * share,
        )


class _Lot:
    """The state of a lot. `since`: the day it came to this state. fee_base: entry fees kept apart, at their rates.

    fixing  trading currency per one of its own on its day, None where that is not known
    layers  None while its cost is of one purchase alone, or all of it plain
    plain   it was dealt in the base currency, which its security trades in too: no rate is needed, of whatever day
    """

    __slots__ = (
        "acquired",
        "currency",
        "fee",
        "fee_base",
        "fixing",
        "fx",
        "layers",
        "lot_id",
        "opened_by",
        "order",
        "plain",
        "price_cost",
        "quantity",
        "since",
        "went_on",
    )

    def __init__(
        self,
        *,
        opened_by: int,
        order: int,
        lot_id: str | None,
        acquired: date,
        since: date,
        quantity: Decimal,
        price_cost: Decimal,
        fee: Decimal,
        fee_base: Decimal,
        fx: Decimal,
        currency: str | None,
        fixing: Decimal | None,
        layers: list[_Layer] | None = None,
        plain: bool = False,
        went_on: tuple[int, ...] = (),
    ) -> None:
        self.opened_by, self.order, self.lot_id, self.went_on = opened_by, order, lot_id, went_on
        self.acquired, self.since = acquired, since
        self.quantity, self.price_cost, self.fee, self.fee_base, self.fx = quantity, price_cost, fee, fee_base, fx
        self.currency, self.fixing, self.layers, self.plain = currency, fixing, layers, plain

    def own_layers(self) -> list[_Layer]:
        """Its layers, or the one that it is made of."""
        if self.layers is not None:
            return self.layers
        return [_Layer(self.opened_by, self.currency, self.acquired, self.fx, self.fixing, self.price_cost, self.fee)]

    def part(self, quantity: Decimal, share: Decimal, since: date) -> _Lot:
        """Cut a share of its cost, and the layers of that, off; its quantity stays for the caller to change."""
        whole = share == 1
        piece = _Lot(
            opened_by=self.opened_by,
            order=self.order,
            lot_id=self.lot_id,
            acquired=self.acquired,
            since=since,
            quantity=quantity,
            price_cost=self.price_cost if whole else self.price_cost * share,
            fee=self.fee if whole or not self.fee else self.fee * share,
            fee_base=self.fee_base if whole or not self.fee else self.fee_base * share,
            fx=self.fx,
            currency=self.currency,
            fixing=self.fixing,
            layers=None if self.layers is None else [layer.scaled(share) for layer in self.layers],
            plain=self.plain,
            went_on=self.went_on,
        )
        self.price_cost -= piece.price_cost
        self.fee -= piece.fee
        self.fee_base -= piece.fee_base
        if self.layers is not None:
            self.layers = [] if whole else [layer.scaled(ONE - share) for layer in self.layers]
        return piece


class _Holding:
    """The lots of one symbol in one account, the next to be sold on top. foreign: some were dealt in another currency than the
    others, or than the one that the symbol trades in."""

    __slots__ = ("account", "foreign", "heap", "quantity", "restated", "symbol")

    def __init__(self, account: str, symbol: str) -> None:
        self.account, self.symbol = account, symbol
        self.quantity = ZERO
        self.foreign = self.restated = False
        self.heap: list[tuple[tuple[Decimal | int, ...], _Lot]] = []

    def lots(self) -> Iterator[_Lot]:
        return (lot for _, lot in self.heap if lot.quantity)


class _Books:
    def __init__(self, method: Method, fees_in_cost: bool, account_methods: Mapping[str, Method]) -> None:
        self.method, self.fees_in_cost, self.account_methods = method, fees_in_cost, account_methods
        self.holdings: dict[tuple[str, str], _Holding] = {}
        self.matched: list[MatchedLot] = []
        self.moved: list[tuple[int, Lot]] = []
        self.parcels: list[Parcel] = []
        self.opened = 0

    def take(self, index: int, entry: Transaction) -> None:
        if entry.kind in NO_LOTS:
            return
        action = _ACTIONS.get(entry.kind)
        if action is None:
            raise InvalidInput("kind", f"is {entry.kind!r}, which is not known", index)
        action(self, index, entry)

    # What each kind does

    def buy(self, index: int, entry: Transaction) -> None:
        quantity = _number(index, entry, "quantity", above=True)
        fee, fx = _fee(index, entry), _fx(index, entry)
        worth = _worth(index, entry, quantity)
        self.add(index, entry, entry.symbol, quantity, worth, fee, fx, entry.acquired or entry.date)

    def transfer_in(self, index: int, entry: Transaction) -> None:
        quantity = _number(index, entry, "quantity", above=True)
        known = entry.cost is not None
        cost = _number(index, entry, "cost") if known else _worth(index, entry, quantity)
        given = known and entry.cost_fx_to_base is not None
        fx = _number(index, entry, "cost_fx_to_base", above=True) if given else _fx(index, entry)
        self.add(index, entry, entry.symbol, quantity, cost, _fee(index, entry), fx, entry.acquired or entry.date)

    def sell(self, index: int, entry: Transaction) -> None:
        holding = self.held(index, entry)
        quantity = _number(index, entry, "quantity", above=True)
        worth = _worth(index, entry, quantity)
        self.realise(index, entry, holding, quantity, worth, _fee(index, entry), _fx(index, entry))

    def cash_in_lieu(self, index: int, entry: Transaction) -> None:
        if entry.quantity is not None:
            return self.sell(index, entry)
        holding = self.held(index, entry)
        fraction = holding.quantity % 1
        if not fraction:
            raise InvalidInput("quantity", "holds no fraction to be paid out", index)
        worth = _worth(index, entry, fraction)
        return self.realise(index, entry, holding, fraction, worth, _fee(index, entry), _fx(index, entry))

    def transfer_out(self, index: int, entry: Transaction) -> None:
        holding = self.held(index, entry)
        quantity = _number(index, entry, "quantity", above=True)
        for lot, part in self.drawn(index, entry, holding, quantity):
            self.moved.append((index, self.shown(holding, self.cut(holding, lot, part, entry.date))))

    def move(self, index: int, entry: Transaction) -> None:
        """Lots go on in another account with their cost, day and rate."""
        if entry.to_account in (None, entry.account):
            raise InvalidInput("to_account", f"is {entry.to_account!r}, another account is needed", index)
        holding = self.held(index, entry)
        quantity = _number(index, entry, "quantity", above=True)
        for lot, part in self.drawn(index, entry, holding, quantity):
            piece = self.cut(holding, lot, part, entry.date)
            self.moved.append((index, self.shown(holding, piece)))
            self.carry(index, entry, entry.symbol, piece)

    def split(self, index: int, entry: Transaction) -> None:
        holding = self.held(index, entry)
        ratio = _number(index, entry, "ratio", above=True)
        lots = list(holding.lots())
        for lot, quantity in zip(lots, _scaled(index, entry, lots, ratio), strict=True):
            self.touch(holding, lot, entry.date)
            lot.quantity = quantity
        self.reorder(index, holding)

    def return_of_capital(self, index: int, entry: Transaction) -> None:
        """Cost falls by what is paid at the day's rate; where that is more than the cost, the rest is gain."""
        holding, fx = self.held(index, entry), _fx(index, entry)
        by_amount = entry.amount is not None
        paid = _number(index, entry, "amount" if by_amount else "unit_price")
        per_unit = paid / holding.quantity if by_amount else paid
        for lot in holding.lots():
            self.touch(holding, lot, entry.date)
            rate = ONE if lot.currency == entry.currency else _cross(index, entry, lot.currency)
            received = per_unit * lot.quantity * rate
            if received >= self.cost(lot):
                self.give_up(index, entry, holding, lot, per_unit * lot.quantity, fx)
                continue
            from_price = min(received, lot.price_cost)
            from_fee = received - from_price
            if not (lot.plain and _is_plain(entry) and lot.currency == entry.currency):
                lot.layers = [
                    *lot.own_layers(),
                    _Layer(
                        index,
                        entry.currency,
                        entry.date,
                        fx,
                        _fixing(entry, entry.currency),
                        -from_price / rate,
                        -from_fee / rate,
                    ),
                ]
            lot.price_cost -= from_price
            lot.fee -= from_fee
        self.reorder(index, holding)

    def give_up(
        self, index: int, entry: Transaction, holding: _Holding, lot: _Lot, received: Decimal, fx: Decimal
    ) -> None:
        """All of a lot's cost against what is paid for it; the units, and fees that are kept apart, stay."""
        kept_fee, kept_base = (ZERO, ZERO) if self.fees_in_cost else (lot.fee, lot.fee_base)
        layers = lot.own_layers()
        piece = lot.part(ZERO, ONE, entry.date)
        lot.fee, lot.fee_base = kept_fee, kept_base
        lot.layers = (
            [
                _Layer(each.opened_by, each.currency, each.acquired, each.fx, each.fixing, ZERO, each.fee)
                for each in layers
                if not self.fees_in_cost and each.fee
            ]
            if piece.layers is not None
            else None
        )
        if not self.fees_in_cost:
            piece.fee = piece.fee_base = ZERO
            for each in piece.layers or ():
                each.fee = ZERO
        if not _is_plain(entry) or received != self.cost(piece):
            self.match(index, entry, holding, piece, ZERO, received, ZERO, fx)

    def spin_off(self, index: int, entry: Transaction) -> None:
        """The new lots take their share of cost by first-day market values, and the day and rate of the old."""
        holding, to_symbol = self.held(index, entry), _to_symbol(index, entry)
        price, to_price = _number(index, entry, "unit_price"), _number(index, entry, "to_unit_price")
        if entry.ratio is not None:
            ratio = _number(index, entry, "ratio", above=True)
        else:
            ratio = _number(index, entry, "quantity", above=True) / holding.quantity
        if not price + to_price * ratio:
            raise InvalidInput("unit_price", "and to_unit_price are zero: the cost can't be shared", index)
        share = to_price * ratio / (price + to_price * ratio)
        lots = sorted(holding.lots(), key=lambda one: one.order)
        for lot, quantity in zip(lots, _scaled(index, entry, lots, ratio), strict=True):
            self.touch(holding, lot, entry.date)
            self.carry(index, entry, to_symbol, lot.part(quantity, share, entry.date))
        self.reorder(index, holding)

    def symbol_change(self, index: int, entry: Transaction) -> None:
        """The lots go on under another symbol with their cost, day and rate."""
        holding, to_symbol = self.held(index, entry), _to_symbol(index, entry)
        if entry.amount is not None or (entry.kind == "merger" and entry.ratio is None):
            raise InvalidInput("ratio", "alone is taken: book cash beside it as a sale or return of capital", index)
        ratio = ONE if entry.ratio is None else _number(index, entry, "ratio", above=True)
        lots = sorted(holding.lots(), key=lambda one: one.order)
        for lot, quantity in zip(lots, _scaled(index, entry, lots, ratio), strict=True):
            self.touch(holding, lot, entry.date)
            self.carry(index, entry, to_symbol, lot.part(quantity, ONE, entry.date))
        del self.holdings[entry.account, entry.symbol]

    # Lots

    def held(self, index: int, entry: Transaction) -> _Holding:
        holding = self.holdings.get((entry.account, entry.symbol))
        if holding is None or not holding.quantity:
            if entry.quantity is None or entry.kind == "spin_off":
                raise InvalidInput("symbol", f"{entry.symbol} is not held", index)
            raise self.oversold(index, entry, ZERO)
        return holding

    def add(
        self,
        index: int,
        entry: Transaction,
        symbol: str,
        quantity: Decimal,
        cost: Decimal,
        fee: Decimal,
        fx: Decimal,
        acquired: date,
    ) -> None:
        lot = _Lot(
            opened_by=index,
            order=self.opened,
            lot_id=entry.lot_id,
            acquired=acquired,
            since=entry.date,
            quantity=quantity,
            price_cost=cost,
            fee=fee,
            fee_base=fee * fx,
            fx=fx,
            currency=entry.currency,
            fixing=_fixing(entry, entry.currency),
            plain=_is_plain(entry),
        )
        foreign = entry.trading_currency is not None and entry.currency != entry.trading_currency
        self.put(index, self.opened_holding(entry.account, symbol), lot, entry.trading_currency, foreign=foreign)

    def carry(self, index: int, entry: Transaction, to_symbol: str, piece: _Lot) -> None:
        """A lot goes on, in whole or in part, under another symbol or in another account."""
        target = self.opened_holding(entry.to_account or entry.account, to_symbol)
        trading = entry.trading_currency
        if to_symbol != entry.symbol and entry.to_trading_currency not in (None, trading):
            trading = entry.to_trading_currency
            piece.fixing = ONE if piece.currency == trading else None
            for layer in piece.layers or ():
                layer.fixing = ONE if layer.currency == trading else None
        piece.order, piece.went_on = self.opened, (*piece.went_on, index)
        foreign = trading is not None and piece.currency != trading
        self.put(piece.opened_by, target, piece, trading, foreign=foreign)

    def opened_holding(self, account: str, symbol: str) -> _Holding:
        holding = self.holdings.get((account, symbol))
        if holding is None or not holding.quantity:
            holding = self.holdings[account, symbol] = _Holding(account, symbol)
        return holding

    def put(self, index: int, holding: _Holding, lot: _Lot, trading: str | None, *, foreign: bool) -> None:
        self.opened += 1
        holding.quantity += lot.quantity
        method = self.method_of(holding)
        if method == "AVERAGE" and holding.heap:
            self.pool(index, holding, holding.heap[0][1], lot, trading)
            return
        heapq.heappush(holding.heap, (self.rank(holding, lot), lot))
        if method == "HIFO" and (foreign or holding.foreign or holding.heap[0][1].currency != lot.currency):
            holding.foreign = True
            self.reorder(index, holding)

    def method_of(self, holding: _Holding) -> Method:
        return self.account_methods.get(holding.account, self.method)

    def pool(self, index: int, holding: _Holding, pool: _Lot, lot: _Lot, trading: str | None) -> None:
        """Another purchase comes into a pool. Where its currency is another one, all are restated into the trading currency,
        each at the fixing of its day."""
        self.touch(holding, pool, lot.since)
        if pool.plain and lot.plain and pool.currency == lot.currency:
            pool.quantity += lot.quantity
            pool.price_cost += lot.price_cost
            pool.fee += lot.fee
            pool.fee_base += lot.fee_base
            return
        pool.plain = False
        layers = {layer.opened_by: layer for layer in pool.own_layers()}
        for layer in lot.own_layers():
            known = layers.get(layer.opened_by)
            if known is None:
                layers[layer.opened_by] = layer
            else:
                known.cost += layer.cost
                known.fee += layer.fee
        pool.layers = [layer for layer in layers.values() if layer.cost or layer.fee]
        pool.quantity += lot.quantity
        pool.fee_base += lot.fee_base
        if pool.currency == lot.currency:
            pool.price_cost += lot.price_cost
            pool.fee += lot.fee
            return
        fixings = [_known(index, layer.fixing, layer, trading) for layer in pool.layers]
        pool.price_cost = sum((layer.cost * fixing for layer, fixing in zip(pool.layers, fixings, strict=True)), ZERO)
        pool.fee = sum((layer.fee * fixing for layer, fixing in zip(pool.layers, fixings, strict=True)), ZERO)
        pool.currency, pool.fixing = trading, ONE

    def cost(self, lot: _Lot) -> Decimal:
        return lot.price_cost + lot.fee if self.fees_in_cost else lot.price_cost

    def cost_base(self, lot: _Lot) -> Decimal:
        if lot.layers is None:
            return self.cost(lot) * lot.fx
        return sum(
            ((layer.cost + layer.fee if self.fees_in_cost else layer.cost) * layer.fx for layer in lot.layers), ZERO
        )

    def restated(self, lot: _Lot, cost_base: Decimal) -> tuple[Decimal, Decimal] | None:
        """Its cost in the trading currency, at the fixings of its days, and the rate that makes its base cost of that."""
        if lot.layers is None:
            return _restated(lot.fixing, self.cost(lot), lot.fx)
        cost = ZERO
        for layer in lot.layers:
            if layer.fixing is None:
                return None
            cost += (layer.cost + layer.fee if self.fees_in_cost else layer.cost) * layer.fixing
        return (cost, cost_base / cost) if cost else None

    def layers(self, lot: _Lot) -> tuple[Layer, ...]:
        if lot.layers is None:
            return ()
        return tuple(
            [
                Layer(
                    each.opened_by,
                    each.currency,
                    each.acquired,
                    each.fx,
                    each.cost + each.fee if self.fees_in_cost else each.cost,
                    ZERO if self.fees_in_cost else each.fee,
                )
                for each in lot.layers
            ]
        )

    def rank(self, holding: _Holding, lot: _Lot) -> tuple[Decimal | int, ...]:
        day, method = lot.acquired.toordinal(), self.method_of(holding)
        if method == "LIFO":
            return (-day, -lot.order)
        if method == "HIFO":
            fixing = lot.fixing if holding.restated and lot.fixing is not None else ONE
            return (-self.cost(lot) * fixing / lot.quantity, day, lot.order)
        return (day, lot.order)

    def reorder(self, index: int, holding: _Holding) -> None:
        """Quantities, costs or what they are measured in have changed, and with them what is sold next."""
        lots = list(holding.lots())
        if holding.foreign:
            unknown = next((lot for lot in lots if lot.fixing is None), None)
            holding.restated = unknown is None
            if unknown is not None and len({lot.currency for lot in lots}) > 1:
                raise InvalidInput(
                    "fixing",
                    f"is missing for the lot of {unknown.acquired} in {unknown.currency}: lots of several currencies are ranked"
                    " in the one that the security trades in",
                    unknown.opened_by,
                )
        holding.heap = [(self.rank(holding, lot), lot) for lot in lots]
        heapq.heapify(holding.heap)
        holding.quantity = sum((lot.quantity for lot in lots), ZERO)

    def drawn(
        self, index: int, entry: Transaction, holding: _Holding, quantity: Decimal
    ) -> Iterator[tuple[_Lot, Decimal]]:
        """The lots that a quantity is taken from, with the part of each. The caller cuts each part."""
        named = entry.lot_id is not None or entry.lot_cost is not None
        if named and self.method_of(holding) == "AVERAGE":
            raise InvalidInput("lot_id", "can't be chosen from an average pool", index)
        lots = [lot for lot in holding.lots() if entry.lot_id in (None, lot.lot_id)] if named else []
        available = sum((lot.quantity for lot in lots), ZERO) if named else holding.quantity
        if quantity > available:
            raise self.oversold(index, entry, available)
        for lot in sorted(lots, key=partial(self.nearness, holding, entry)) if named else self.ranked(holding):
            part = min(quantity, lot.quantity)
            yield lot, part
            quantity -= part
            if not quantity:
                return

    def nearness(self, holding: _Holding, entry: Transaction, lot: _Lot) -> tuple[Decimal | int, ...]:
        if entry.lot_cost is None:
            return self.rank(holding, lot)
        off = abs(lot.price_cost / lot.quantity - entry.lot_cost)
        other = entry.lot_currency is not None and lot.currency != entry.lot_currency
        return (lot.acquired != entry.acquired, other, off, *self.rank(holding, lot))

    def ranked(self, holding: _Holding) -> Iterator[_Lot]:
        """What is sold next, and next again once the caller has cut it away."""
        while holding.heap:
            if holding.heap[0][1].quantity:
                yield holding.heap[0][1]
            else:
                heapq.heappop(holding.heap)

    def oversold(self, index: int, entry: Transaction, held: Decimal) -> Oversold:
        asked = ZERO if entry.quantity is None else entry.quantity
        return Oversold(index=index, on=entry.date, symbol=entry.symbol, account=entry.account, held=held, asked=asked)

    def cut(self, holding: _Holding, lot: _Lot, part: Decimal, on: date) -> _Lot:
        """Take a part out of a lot, with its share of cost and fees."""
        self.touch(holding, lot, on)
        holding.quantity -= part
        if part == lot.quantity:
            piece = lot.part(part, ONE, on)
            lot.quantity = ZERO
            return piece
        piece = lot.part(part, part / lot.quantity, on)
        lot.quantity -= part
        return piece

    def realise(
        self,
        index: int,
        entry: Transaction,
        holding: _Holding,
        quantity: Decimal,
        worth: Decimal,
        exit_fee: Decimal,
        fx: Decimal,
    ) -> None:
        left, worth_left, fee_left = quantity, worth, exit_fee
        for lot, part in self.drawn(index, entry, holding, quantity):
            # The last part takes the rest, so that shares of the proceeds and the fee sum to them exactly.
            last = part == left
            part_worth = worth_left if last else worth * part / quantity
            part_fee = fee_left if last else exit_fee * part / quantity
            left, worth_left, fee_left = left - part, worth_left - part_worth, fee_left - part_fee
            piece = self.cut(holding, lot, part, entry.date)
            self.match(index, entry, holding, piece, part, part_worth, part_fee, fx)

    def match(
        self,
        index: int,
        entry: Transaction,
        holding: _Holding,
        piece: _Lot,
        quantity: Decimal,
        worth: Decimal,
        exit_fee: Decimal,
        fx: Decimal,
    ) -> None:
        cost, cost_base = self.cost(piece), self.cost_base(piece)
        proceeds = worth - exit_fee if self.fees_in_cost else worth
        fees_base = ZERO if self.fees_in_cost else piece.fee_base + exit_fee * fx
        fx_in = cost_base / cost if piece.layers is not None and cost else piece.fx
        currency = piece.currency if entry.currency is None else entry.currency
        same = currency == piece.currency
        self.matched.append(
            MatchedLot(
                index,
                piece.opened_by,
                piece.lot_id,
                entry.kind,
                entry.date,
                holding.symbol,
                holding.account,
                piece.acquired,
                quantity,
                currency,
                cost,
                proceeds,
                piece.fee + exit_fee if same else exit_fee,
                fx_in,
                fx,
                _gain(
                    (cost, fx_in) if same else self.restated(piece, cost_base),
                    (proceeds, fx) if same else _restated(_fixing(entry, currency), proceeds, fx),
                    cost_base=cost_base,
                    proceeds_base=proceeds * fx,
                    fees=fees_base,
                ),
                piece.currency,
                piece.fee,
                exit_fee,
                self.layers(piece),
                piece.went_on,
            )
        )

    # What is told

    def touch(self, holding: _Holding, lot: _Lot, on: date) -> None:
        """Called before a lot changes: what it was at the end of earlier days becomes a parcel."""
        if lot.since < on:
            self.parcels.append(self.parcel(holding, lot, on))
            lot.since = on

    def parcel(self, holding: _Holding, lot: _Lot, until: date | None) -> Parcel:
        return Parcel(
            holding.symbol,
            holding.account,
            lot.lot_id,
            lot.opened_by,
            lot.acquired,
            lot.quantity,
            lot.price_cost / lot.quantity,
            self.cost(lot),
            lot.currency,
            self.entry_rate(lot),
            lot.since,
            until,
            self.layers(lot),
            lot.went_on,
        )

    def entry_rate(self, lot: _Lot) -> Decimal:
        """The rate locked in it; of several layers, base cost by cost."""
        cost = self.cost(lot)
        return self.cost_base(lot) / cost if lot.layers is not None and cost else lot.fx

    def shown(self, holding: _Holding, lot: _Lot) -> Lot:
        return Lot(
            holding.symbol,
            holding.account,
            lot.lot_id,
            lot.opened_by,
            lot.acquired,
            lot.quantity,
            lot.price_cost / lot.quantity,
            self.cost(lot),
            self.cost_base(lot),
            lot.currency,
            self.entry_rate(lot),
            self.layers(lot),
            lot.went_on,
        )

    def closed(self) -> Booked:
        left = [
            (holding, lot)
            for _, holding in sorted(self.holdings.items())
            for lot in sorted(holding.lots(), key=lambda one: (one.acquired, one.order))
        ]
        parcels = self.parcels + [self.parcel(holding, lot, None) for holding, lot in left]
        parcels.sort(key=lambda one: (one.valid_from, one.account, one.symbol, one.acquired, one.opened_by))
        gains = [match.realised for match in self.matched]
        return Booked(
            open_lots=tuple(self.shown(holding, lot) for holding, lot in left),
            matched_lots=tuple(self.matched),
            transferred_lots=tuple(self.moved),
            parcels=tuple(parcels),
            realised=Gain(
                sum((gain.price for gain in gains), ZERO),
                sum((gain.fx for gain in gains), ZERO),
                sum((gain.interaction for gain in gains), ZERO),
                sum((gain.fees for gain in gains), ZERO),
            ),
        )


_ACTIONS: dict[str, Callable[[_Books, int, Transaction], None]] = {
    "buy": _Books.buy,
    "reinvested_dividend": _Books.buy,
    "sell": _Books.sell,
    "cash_in_lieu": _Books.cash_in_lieu,
    "transfer_in": _Books.transfer_in,
    "transfer_out": _Books.transfer_out,
    "move": _Books.move,
    "split": _Books.split,
    "return_of_capital": _Books.return_of_capital,
    "spin_off": _Books.spin_off,
    "symbol_change": _Books.symbol_change,
    "merger": _Books.symbol_change,
}
_NEEDS_RATE = frozenset({"buy", "reinvested_dividend", "sell", "cash_in_lieu", "transfer_in", "return_of_capital"})


def _scaled(index: int, entry: Transaction, lots: Sequence[_Lot], ratio: Decimal) -> list[Decimal]:
    """The units of each lot times the ratio; in all, those that the entry tells."""
    units = [lot.quantity * ratio for lot in lots]
    if entry.to_quantity is not None and units:
        off = _number(index, entry, "to_quantity", above=True) - sum(units, ZERO)
        if abs(off) > NEGLIGIBLE * entry.to_quantity:
            raise InvalidInput("to_quantity", f"is {entry.to_quantity}, the ratio gives {sum(units, ZERO)}", index)
        units[units.index(max(units))] += off
    return units


def _number(index: int, entry: Transaction, name: str, *, above: bool = False) -> Decimal:
    """A field that the kind needs, finite and >= 0 (above: > 0)."""
    value = getattr(entry, name)
    if value is None:
        raise InvalidInput(name, f"is missing for {entry.kind}", index)
    if not isinstance(value, Decimal):
        raise InvalidInput(name, f"is {type(value).__name__}, Decimal is needed", index)
    if not value.is_finite() or value < 0 or (above and not value):
        raise InvalidInput(name, f"is {value}, a number {'above' if above else 'not below'} zero is needed", index)
    return value


def _fee(index: int, entry: Transaction) -> Decimal:
    """Less what is paid back of it, which may be more."""
    fee = ZERO if entry.fee is None else _number(index, entry, "fee")
    return fee if entry.rebate is None else fee - _number(index, entry, "rebate")


def _fx(index: int, entry: Transaction) -> Decimal:
    """The day's rate; absent only for the base currency (_require_rates)."""
    return ONE if entry.fx_to_base is None else _number(index, entry, "fx_to_base", above=True)


def _is_plain(entry: Transaction) -> bool:
    """Whether it is in the base currency, which its security trades in too."""
    rates = (entry.fx_to_base, entry.cost_fx_to_base)
    return rates == (None, None) and entry.trading_currency in (None, entry.currency)


def _fixing(entry: Transaction, currency: str | None) -> Decimal | None:
    """Trading currency per one of a currency on the transaction's day; None where it is not known."""
    if currency == entry.trading_currency:
        return ONE
    return None if entry.fixings is None or currency is None else entry.fixings.get(currency)


def _cross(index: int, entry: Transaction, currency: str | None) -> Decimal:
    """How much of a lot's currency one of the transaction's is, by the fixings that it tells."""
    paid, own = _fixing(entry, entry.currency), _fixing(entry, currency)
    if not paid or not own:
        raise InvalidInput("fixing", f"is missing: {entry.currency} is paid on lots in {currency}", index)
    return paid / own


def _known(index: int, fixing: Decimal | None, layer: _Layer, trading: str | None) -> Decimal:
    if fixing is None or trading is None:
        raise InvalidInput(
            "fixing",
            f"is missing for the purchase of {layer.acquired} in {layer.currency}: purchases in several currencies are averaged"
            " in the one that the security trades in",
            index if fixing is None and trading is None else layer.opened_by,
        )
    return fixing


def _restated(fixing: Decimal | None, amount: Decimal, fx: Decimal) -> tuple[Decimal, Decimal] | None:
    """An amount and its rate in the trading currency; None where the fixing is not known."""
    return None if not fixing else (amount * fixing, fx / fixing)


def _gain(
    bought: tuple[Decimal, Decimal] | None,
    sold: tuple[Decimal, Decimal] | None,
    *,
    cost_base: Decimal,
    proceeds_base: Decimal,
    fees: Decimal,
) -> Gain:
    """bought, sold: amount and rate in one currency; where there is none, all of the gain is one of price."""
    if bought is None or sold is None:
        return Gain(proceeds_base - cost_base, ZERO, ZERO, fees)
    (cost, fx_in), (proceeds, fx_out) = bought, sold
    local, moved = proceeds - cost, fx_out - fx_in
    return Gain(local * fx_in, cost * moved, local * moved, fees)


def _worth(index: int, entry: Transaction, quantity: Decimal) -> Decimal:
    if entry.unit_price is None and entry.amount is not None:
        return _number(index, entry, "amount")
    return _number(index, entry, "unit_price") * quantity


def _to_symbol(index: int, entry: Transaction) -> str:
    if not entry.to_symbol or entry.to_symbol == entry.symbol:
        raise InvalidInput("to_symbol", f"is {entry.to_symbol!r}, another symbol is needed", index)
    return entry.to_symbol
