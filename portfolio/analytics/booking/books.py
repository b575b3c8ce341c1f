"""The books while a ledger is read: holdings, the order in which lots are sold, what was matched."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial

from portfolio.analytics.booking.costs import Costs, gain_of, restate
from portfolio.analytics.booking.lots import Booked, Gain, Lot, MatchedLot, Parcel
from portfolio.analytics.booking.open_lots import Holding, OpenLayer, OpenLot
from portfolio.analytics.booking.transaction import ONE, ZERO, Method, Transaction, fixing_of, is_plain
from portfolio.analytics.errors import InvalidInput, Oversold


class Books:
    """Holdings by account and symbol, and what was matched and moved so far; kinds of transactions change them by these verbs."""

    def __init__(self, method: Method, fees_in_cost: bool, account_methods: Mapping[str, Method]) -> None:
        self.method, self.costs, self.account_methods = method, Costs(fees_in_cost), account_methods
        self.holdings: dict[tuple[str, str], Holding] = {}
        self.matched: list[MatchedLot] = []
        self.moves: list[tuple[int, Lot]] = []
        self.parcels: list[Parcel] = []
        self.lots_opened = 0

    def require_holding(self, index: int, entry: Transaction) -> Holding:
        """The holding that a transaction takes from. Raises Oversold, or InvalidInput for a kind without a quantity."""
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
        lot = OpenLot(
            opened_by=index,
            order=self.lots_opened,
            lot_id=entry.lot_id,
            acquired=acquired,
            since=entry.date,
            quantity=quantity,
            price_cost=cost,
            fee=fee,
            fee_base=fee * fx,
            fx=fx,
            currency=entry.currency,
            fixing=fixing_of(entry, entry.currency),
            plain=is_plain(entry),
        )
        foreign = entry.trading_currency is not None and entry.currency != entry.trading_currency
        self.put(index, self.open_holding(entry.account, symbol), lot, entry.trading_currency, foreign=foreign)

    def carry(self, index: int, entry: Transaction, to_symbol: str, piece: OpenLot) -> None:
        """A lot goes on, in whole or in part, under another symbol or in another account."""
        target = self.open_holding(entry.to_account or entry.account, to_symbol)
        trading = entry.trading_currency
        if to_symbol != entry.symbol and entry.to_trading_currency not in (None, trading):
            trading = entry.to_trading_currency
            piece.fixing = ONE if piece.currency == trading else None
            for layer in piece.layers or ():
                layer.fixing = ONE if layer.currency == trading else None
        piece.order, piece.went_on = self.lots_opened, (*piece.went_on, index)
        foreign = trading is not None and piece.currency != trading
        self.put(piece.opened_by, target, piece, trading, foreign=foreign)

    def open_holding(self, account: str, symbol: str) -> Holding:
        """The holding of a symbol in an account; a new one where nothing is held."""
        holding = self.holdings.get((account, symbol))
        if holding is None or not holding.quantity:
            holding = self.holdings[account, symbol] = Holding(account, symbol)
        return holding

    def put(self, index: int, holding: Holding, lot: OpenLot, trading: str | None, *, foreign: bool) -> None:
        self.lots_opened += 1
        holding.quantity += lot.quantity
        method = self.method_of(holding)
        if method == "AVERAGE" and holding.heap:
            self.pool(index, holding, holding.heap[0][1], lot, trading)
            return
        heapq.heappush(holding.heap, (self.rank(holding, lot), lot))
        if method == "HIFO" and (foreign or holding.foreign or holding.heap[0][1].currency != lot.currency):
            holding.foreign = True
            self.reorder(index, holding)

    def method_of(self, holding: Holding) -> Method:
        return self.account_methods.get(holding.account, self.method)

    def pool(self, index: int, holding: Holding, pool: OpenLot, lot: OpenLot, trading: str | None) -> None:
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
            same_layer = layers.get(layer.opened_by)
            if same_layer is None:
                layers[layer.opened_by] = layer
            else:
                same_layer.cost += layer.cost
                same_layer.fee += layer.fee
        pool.layers = [layer for layer in layers.values() if layer.cost or layer.fee]
        pool.quantity += lot.quantity
        pool.fee_base += lot.fee_base
        if pool.currency == lot.currency:
            pool.price_cost += lot.price_cost
            pool.fee += lot.fee
            return
        fixings = [require_fixing(index, layer.fixing, layer, trading) for layer in pool.layers]
        pool.price_cost = sum((layer.cost * fixing for layer, fixing in zip(pool.layers, fixings, strict=True)), ZERO)
        pool.fee = sum((layer.fee * fixing for layer, fixing in zip(pool.layers, fixings, strict=True)), ZERO)
        pool.currency, pool.fixing = trading, ONE

    def rank(self, holding: Holding, lot: OpenLot) -> tuple[Decimal | int, ...]:
        day, method = lot.acquired.toordinal(), self.method_of(holding)
        if method == "LIFO":
            return (-day, -lot.order)
        if method == "HIFO":
            fixing = lot.fixing if holding.restated and lot.fixing is not None else ONE
            return (-self.costs.cost(lot) * fixing / lot.quantity, day, lot.order)
        return (day, lot.order)

    def reorder(self, index: int, holding: Holding) -> None:
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

    def draw(
        self, index: int, entry: Transaction, holding: Holding, quantity: Decimal
    ) -> Iterator[tuple[OpenLot, Decimal]]:
        """The lots that a quantity is taken from, with the part of each. The caller cuts each part."""
        is_chosen = entry.lot_id is not None or entry.lot_cost is not None
        if is_chosen and self.method_of(holding) == "AVERAGE":
            raise InvalidInput("lot_id", "can't be chosen from an average pool", index)
        lots = [lot for lot in holding.lots() if entry.lot_id in (None, lot.lot_id)] if is_chosen else []
        available = sum((lot.quantity for lot in lots), ZERO) if is_chosen else holding.quantity
        if quantity > available:
            raise self.oversold(index, entry, available)
        for lot in sorted(lots, key=partial(self.distance, holding, entry)) if is_chosen else self.in_order(holding):
            part = min(quantity, lot.quantity)
            yield lot, part
            quantity -= part
            if not quantity:
                return

    def distance(self, holding: Holding, entry: Transaction, lot: OpenLot) -> tuple[Decimal | int, ...]:
        if entry.lot_cost is None:
            return self.rank(holding, lot)
        off = abs(lot.price_cost / lot.quantity - entry.lot_cost)
        other = entry.lot_currency is not None and lot.currency != entry.lot_currency
        return (lot.acquired != entry.acquired, other, off, *self.rank(holding, lot))

    def in_order(self, holding: Holding) -> Iterator[OpenLot]:
        """The lot that is sold next, and again the next once the caller has cut that away."""
        while holding.heap:
            if holding.heap[0][1].quantity:
                yield holding.heap[0][1]
            else:
                heapq.heappop(holding.heap)

    def oversold(self, index: int, entry: Transaction, available: Decimal) -> Oversold:
        quantity = ZERO if entry.quantity is None else entry.quantity
        return Oversold(
            index=index,
            on=entry.date,
            symbol=entry.symbol,
            account=entry.account,
            available=available,
            quantity=quantity,
        )

    def cut(self, holding: Holding, lot: OpenLot, part: Decimal, on: date) -> OpenLot:
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
        holding: Holding,
        quantity: Decimal,
        amount: Decimal,
        exit_fee: Decimal,
        fx: Decimal,
    ) -> None:
        left, amount_left, fee_left = quantity, amount, exit_fee
        for lot, part in self.draw(index, entry, holding, quantity):
            # The last part takes the rest, so that shares of the proceeds and the fee sum to them exactly.
            last = part == left
            part_amount = amount_left if last else amount * part / quantity
            part_fee = fee_left if last else exit_fee * part / quantity
            left, amount_left, fee_left = left - part, amount_left - part_amount, fee_left - part_fee
            piece = self.cut(holding, lot, part, entry.date)
            self.match(index, entry, holding, piece, part, part_amount, part_fee, fx)

    def match(
        self,
        index: int,
        entry: Transaction,
        holding: Holding,
        piece: OpenLot,
        quantity: Decimal,
        amount: Decimal,
        exit_fee: Decimal,
        fx: Decimal,
    ) -> None:
        cost, cost_base = self.costs.cost(piece), self.costs.cost_base(piece)
        proceeds = amount - exit_fee if self.costs.fees_in_cost else amount
        fees_base = ZERO if self.costs.fees_in_cost else piece.fee_base + exit_fee * fx
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
                gain_of(
                    (cost, fx_in) if same else self.costs.restated(piece, cost_base),
                    (proceeds, fx) if same else restate(fixing_of(entry, currency), proceeds, fx),
                    cost_base=cost_base,
                    proceeds_base=proceeds * fx,
                    fees=fees_base,
                ),
                piece.currency,
                piece.fee,
                exit_fee,
                self.costs.layers(piece),
                piece.went_on,
            )
        )

    def touch(self, holding: Holding, lot: OpenLot, on: date) -> None:
        """Called before a lot changes: what it was at the end of earlier days becomes a parcel."""
        if lot.since < on:
            self.parcels.append(self.costs.parcel(holding, lot, on))
            lot.since = on

    def close(self) -> Booked:
        left = [
            (holding, lot)
            for _, holding in sorted(self.holdings.items())
            for lot in sorted(holding.lots(), key=lambda one: (one.acquired, one.order))
        ]
        parcels = self.parcels + [self.costs.parcel(holding, lot, None) for holding, lot in left]
        parcels.sort(key=lambda one: (one.valid_from, one.account, one.symbol, one.acquired, one.opened_by))
        gains = [match.realised for match in self.matched]
        return Booked(
            open_lots=tuple(self.costs.lot(holding, lot) for holding, lot in left),
            matched_lots=tuple(self.matched),
            transferred_lots=tuple(self.moves),
            parcels=tuple(parcels),
            realised=Gain(
                sum((gain.price for gain in gains), ZERO),
                sum((gain.fx for gain in gains), ZERO),
                sum((gain.interaction for gain in gains), ZERO),
                sum((gain.fees for gain in gains), ZERO),
            ),
        )


def require_fixing(index: int, fixing: Decimal | None, layer: OpenLayer, trading: str | None) -> Decimal:
    """Trading currency per one of the layer's on its day. Raises InvalidInput where an average over currencies needs it."""
    if fixing is None or trading is None:
        raise InvalidInput(
            "fixing",
            f"is missing for the purchase of {layer.acquired} in {layer.currency}: purchases in several currencies are averaged"
            " in the one that the security trades in",
            index if fixing is None and trading is None else layer.opened_by,
        )
    return fixing
