"""The second computation: what a ledger is worth and how it did, in `Decimal`, by nothing but the rules of docs/.

It reads operations, not files or rows, and shares no code with what it is compared with. Written to be read: one pass over the
operations (`Books`), values by day from what is held then, and every figure from those.
"""

import bisect
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext

from .markets import DIGITS, Market
from .operations import ALL, Ledger, Operation

D = Decimal
Day = date
ZERO = D(0)


# --- lots


@dataclass
class Lot:
    """A parcel: cost since its purchase, and what it is measured from in the period of a bridge.

    Both are told in the currency the security trades in and in the base currency.
    """

    acquired: date
    order: int
    quantity: Decimal
    cost: Decimal
    base: Decimal
    charges: Decimal = ZERO
    """Purchase charges in base that are kept apart from the cost."""
    from_cost: Decimal = ZERO
    from_base: Decimal = ZERO
    rate: Decimal | None = None
    from_rate: Decimal | None = None
    """The rate that is locked in; a pool has none: its rate is what its cost in base is of its cost."""

    def take(self, quantity: Decimal) -> "Lot":
        """Split a part off."""
        share = quantity / self.quantity if quantity != self.quantity else D(1)
        part = Lot(
            self.acquired, self.order, quantity, self.cost * share, self.base * share, self.charges * share,
            self.from_cost * share, self.from_base * share, self.rate, self.from_rate,
        )  # fmt: skip
        self.quantity -= part.quantity
        self.cost -= part.cost
        self.base -= part.base
        self.charges -= part.charges
        self.from_cost -= part.from_cost
        self.from_base -= part.from_base
        return part

    def add(self, other: "Lot") -> None:
        """Pool another into this one."""
        self.quantity += other.quantity
        self.cost += other.cost
        self.base += other.base
        self.charges += other.charges
        self.from_cost += other.from_cost
        self.from_base += other.from_base
        self.rate = self.from_rate = None

    @property
    def entry(self) -> Decimal | None:
        return self.rate if self.rate is not None or not self.cost else self.base / self.cost

    @property
    def from_entry(self) -> Decimal | None:
        return self.from_rate if self.from_rate is not None or not self.from_cost else self.from_base / self.from_cost


@dataclass(frozen=True)
class Parts:
    """A gain in base: price q·ΔP·F0, FX q·P0·ΔF, interaction q·ΔP·ΔF, charges."""

    price: Decimal = ZERO
    fx: Decimal = ZERO
    interaction: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.price + self.fx + self.interaction - self.fees

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(
            self.price + other.price, self.fx + other.fx, self.interaction + other.interaction, self.fees + other.fees
        )


def parts(
    cost: Decimal, base: Decimal, entry: Decimal | None, proceeds: Decimal, rate: Decimal, fees: Decimal = ZERO
) -> Parts:
    """From cost (local, base) at the entry rate to proceeds (local) at a rate.

    What the entry rate does not explain of the cost in base (capital that came back at another one) is of the exchange
    rate. A lot without cost and rate gained it all by its price.
    """
    if entry is None:
        return Parts(proceeds * rate - base, ZERO, ZERO, fees)
    price, interaction = (proceeds - cost) * entry, (proceeds - cost) * (rate - entry)
    return Parts(price, cost * rate - base, interaction, fees)


# --- one pass


@dataclass(frozen=True)
class Flow:
    """Money or securities from or to outside, in base."""

    date: Day
    into: Decimal
    out: Decimal


@dataclass(frozen=True)
class Realised:
    date: Day
    symbol: str
    parts: Parts


@dataclass(frozen=True)
class Income:
    """A dividend or interest: entitled from `ex`, paid on `pay`; amounts in its currency, the rate of the pay day."""

    kind: str
    symbol: str
    ex: date
    pay: date
    currency: str
    gross: Decimal
    tax: Decimal
    rate: Decimal
    reinvested: bool = False

    @property
    def net(self) -> Decimal:
        return self.gross - self.tax


@dataclass
class Bridge:
    """What accumulates in a period."""

    contributions: Decimal = ZERO
    withdrawals: Decimal = ZERO
    realised_price: Decimal = ZERO
    unrealised_price: Decimal = ZERO
    fx: Decimal = ZERO
    interaction: Decimal = ZERO
    cash_fx: Decimal = ZERO
    fx_dealing: Decimal = ZERO
    income: Decimal = ZERO
    fees: Decimal = ZERO
    taxes: Decimal = ZERO
    opening_value: Decimal = ZERO
    closing_value: Decimal = ZERO

    def sum(self) -> Decimal:
        """What the lines make of the opening value."""
        return (
            self.opening_value + self.contributions + self.withdrawals + self.realised_price + self.unrealised_price
            + self.fx + self.cash_fx + self.income + self.fees + self.taxes
        )  # fmt: skip


class Books:
    """A ledger read operation by operation, as far as a day; with `opening`, measured anew from that day's close."""

    def __init__(self, ledger: Ledger, market: Market, until: date, opening: date | None = None) -> None:
        self.ledger = ledger
        self.market = market
        self.until = until
        self.opening = opening
        self.is_open = opening is None
        self.cash: dict[str, Decimal] = defaultdict(Decimal)
        self.lots: dict[tuple[str, str], list[Lot]] = defaultdict(list)
        self.flows: list[Flow] = []
        self.realised: list[Realised] = []
        self.incomes: list[Income] = []
        self.bridge = Bridge()
        self.fee_days: list[tuple[date, Decimal]] = []
        """Management and custody fees in base, which gross returns add back."""
        self._order = 0
        self._arrivals = itertools.count()
        self._seen = -1
        self._state: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
        self._day = date.min
        self._legs = ZERO
        self.snapshots: dict[date, tuple[dict[str, Decimal], dict[str, Decimal]]] = {}
        self._read()

    # --- reading

    def _read(self) -> None:
        past = sorted(
            (each for each in self.ledger.operations if each.first_day <= self.until), key=lambda each: each.date
        )
        begin = min((each.first_day for each in past), default=date.max)
        days = [day for day in self.market.pack_days if begin <= day <= self.until]
        marks = iter([*days, date.max])
        mark = next(marks)
        for operation in past:
            while mark < operation.date and mark != date.max:
                self._close(mark)
                mark = next(marks)
            if operation.date <= self.until:
                self._day = operation.date
                self._order += 1
                getattr(self, operation.kind)(operation)
            else:
                self._announced(operation)
        while mark != date.max:
            self._close(mark)
            mark = next(marks)
        self._end()

    def _close(self, day: date) -> None:
        """The close of a pack day: what is held then; where the period opens, lots are measured from here."""
        if self._order != self._seen:
            held: dict[str, Decimal] = defaultdict(Decimal)
            for (_, symbol), lots in self.lots.items():
                for lot in lots:
                    held[symbol] += lot.quantity
            self._seen, self._state = self._order, (dict(held), dict(self.cash))
        self.snapshots[day] = self._state
        if day == self.opening:
            self._open()

    def _open(self) -> None:
        """Begin the period: lots are worth their close, and what was before counts no more."""
        assert self.opening is not None
        for (_, symbol), lots in self.lots.items():
            for lot in lots:
                lot.from_cost = lot.quantity * self.market.unit_value(symbol, self.opening)
                lot.from_base = lot.from_cost * self._fixing(self._currency(symbol), self.opening)
                if self.ledger.booking_method != "AVERAGE":
                    lot.from_rate = self._fixing(self._currency(symbol), self.opening)
        self.bridge = Bridge(opening_value=self.value(self.opening))
        self._legs = sum(
            (amount * self._fixing(currency, self.opening) for currency, amount in self.cash.items()), ZERO
        )
        self.is_open = True

    # --- rates

    def _currency(self, symbol: str) -> str:
        return self.market.securities[symbol].currency

    def _fixing(self, currency: str, day: date) -> Decimal:
        """Base per unit at the pack of the day; what happens on a day without a pack is converted at the next one."""
        return self.market.rate(currency, self.ledger.base, self._pack_day(day))

    def _pack_day(self, day: date) -> date:
        return self.market.pack_on_or_after(day) or day

    def _deal_rate(self, operation: Operation) -> Decimal:
        """Base per unit of the row's currency: the ledger's, or the fixing where that is the setting or none is told."""
        if operation.fx_rate is not None and self.ledger.trade_fx == "ledger":
            return operation.fx_rate
        return self._fixing(operation.currency, operation.date)

    def _local(self, operation: Operation, amount: Decimal) -> Decimal:
        """An amount of the row in the currency that the security trades in, at the fixing of the day."""
        return amount * self.market.rate(
            operation.currency, self._currency(operation.symbol), self._pack_day(operation.date)
        )

    # --- cash

    def _move_cash(self, currency: str, amount: Decimal, rate: Decimal, is_deal: bool = True) -> None:
        """Cash moves; `rate` is what the other side of the entry is booked at."""
        self.cash[currency] += amount
        self._legs += amount * rate
        if is_deal:
            self.bridge.fx_dealing += amount * (self._fixing(currency, self._day) - rate)

    def _flow(self, amount: Decimal) -> None:
        self.flows.append(Flow(self._day, max(amount, ZERO), max(-amount, ZERO)))
        if amount > 0:
            self.bridge.contributions += amount
        else:
            self.bridge.withdrawals += amount

    # --- lots

    def _lots(self, account: str, symbol: str) -> list[Lot]:
        return self.lots[account, symbol]

    def _put(self, account: str, symbol: str, lot: Lot) -> None:
        """Lots of one day stand in the order in which they came."""
        lot.order = next(self._arrivals)
        lots = self._lots(account, symbol)
        if self.ledger.booking_method == "AVERAGE" and lots:
            lots[0].add(lot)
            return
        if self.ledger.booking_method != "AVERAGE" and lot.rate is None:
            lot.rate, lot.from_rate = lot.entry, lot.from_entry
        at = bisect.bisect_right([(each.acquired, each.order) for each in lots], (lot.acquired, lot.order))
        lots.insert(at, lot)

    def _order_of_sale(self, lots: list[Lot]) -> list[Lot]:
        if self.ledger.booking_method == "LIFO":
            return list(reversed(lots))
        if self.ledger.booking_method == "HIFO":
            return sorted(lots, key=lambda lot: -(lot.cost / lot.quantity))
        return list(lots)

    def _take(self, account: str, symbol: str, quantity: Decimal | str | None) -> list[Lot]:
        """The parts of the lots that a sale or a move takes."""
        lots = self._lots(account, symbol)
        held = sum((lot.quantity for lot in lots), ZERO)
        left = held if quantity == ALL else D(quantity or 0)
        assert 0 < left <= held, f"{left} {symbol} of {held} on {self._day}"
        taken = []
        for lot in self._order_of_sale(lots):
            if left <= 0:
                break
            part = min(lot.quantity, left)
            if lot.quantity - part < D("1e-30"):
                lots.remove(lot)
                taken.append(lot)
            else:
                taken.append(lot.take(part))
            left -= part
        return taken

    # --- the kinds

    def deposit(self, row: Operation) -> None:
        rate = self._fixing(row.currency, row.date)
        self._move_cash(row.currency, row.consideration, rate, False)
        self._flow(row.consideration * rate)

    def withdrawal(self, row: Operation) -> None:
        rate = self._fixing(row.currency, row.date)
        self._move_cash(row.currency, -row.consideration, rate, False)
        self._flow(-row.consideration * rate)

    def transfer(self, row: Operation) -> None:
        pass  # cash between own accounts: the portfolio's stays what it is

    def fx(self, row: Operation) -> None:
        assert isinstance(row.quantity, Decimal)
        assert row.counter_amount is not None
        bought, sold = self._fixing(row.currency, row.date), self._fixing(row.symbol, row.date)
        self._move_cash(row.currency, row.quantity, ZERO)
        self._move_cash(row.symbol, -row.counter_amount, ZERO)
        self._charge_fee(row.currency, row.fee, self._exchange_rate(row, bought, sold))

    def _exchange_rate(self, row: Operation, bought: Decimal, sold: Decimal) -> Decimal:
        """What a fee of an exchange is converted at: the fixing."""
        return bought

    def _charge_fee(self, currency: str, amount: Decimal, rate: Decimal) -> None:
        if amount:
            self._move_cash(currency, -amount, rate)
            self.bridge.fees -= amount * rate

    def _charge_tax(self, currency: str, amount: Decimal, rate: Decimal) -> None:
        if amount:
            self._move_cash(currency, -amount, rate)
            self.bridge.taxes -= amount * rate

    def buy(self, row: Operation) -> None:
        rate = self._deal_rate(row)
        paid, charges = row.consideration, row.fee + row.tax
        self._move_cash(row.currency, -paid, rate)
        self._charge_fee(row.currency, row.fee, rate)
        self._charge_tax(row.currency, row.tax, rate)
        self._purchase(row, paid, charges, rate)

    def _purchase(self, row: Operation, paid: Decimal, charges: Decimal, rate: Decimal) -> None:
        assert isinstance(row.quantity, Decimal)
        in_cost = paid + charges if self.ledger.fees_in_cost else paid
        apart = ZERO if self.ledger.fees_in_cost else charges * rate
        lot = Lot(
            row.date, self._order, row.quantity, self._local(row, in_cost), in_cost * rate, apart,
            self._local(row, paid), paid * rate,
        )  # fmt: skip
        self._put(row.account, row.symbol, lot)

    def sell(self, row: Operation) -> None:
        rate = self._deal_rate(row)
        got, charges = row.consideration, row.fee + row.tax
        self._move_cash(row.currency, got, rate)
        self._charge_fee(row.currency, row.fee, rate)
        self._charge_tax(row.currency, row.tax, rate)
        taken = self._take(row.account, row.symbol, row.quantity)
        quantity = sum((lot.quantity for lot in taken), ZERO)
        for lot in taken:
            share = lot.quantity / quantity
            self._realise_since_purchase(row, lot, got * share, charges * share, rate)
            self._realise_in_period(row, lot, got * share, rate)

    cash_in_lieu = sell

    def _realise_since_purchase(self, row: Operation, lot: Lot, got: Decimal, charges: Decimal, rate: Decimal) -> None:
        if self.ledger.fees_in_cost:
            got, fees = got - charges, ZERO
        else:
            fees = charges * rate + lot.charges
        local = self._local(row, got)
        exit_rate = got * rate / local if local else rate
        self.realised.append(
            Realised(row.date, row.symbol, parts(lot.cost, lot.base, lot.entry, local, exit_rate, fees))
        )

    def _realise_in_period(self, row: Operation, lot: Lot, got: Decimal, rate: Decimal) -> None:
        local = self._local(row, got)
        found = parts(lot.from_cost, lot.from_base, lot.from_entry, local, got * rate / local if local else rate)
        self.bridge.realised_price += found.price
        self._add_fx(found)

    def _add_fx(self, found: Parts) -> None:
        self.bridge.fx += found.fx + found.interaction
        self.bridge.interaction += found.interaction

    def dividend(self, row: Operation) -> None:
        self._income("dividends", row, row.consideration)

    def interest(self, row: Operation) -> None:
        self._income("interest", row, row.consideration)

    def _income(self, kind: str, row: Operation, gross: Decimal) -> None:
        rate = self._deal_rate(row)
        income = Income(kind, row.symbol, row.ex_date or row.date, row.date, row.currency, gross, row.tax, rate)
        self.incomes.append(income)
        self._charge_fee(row.currency, row.fee, rate)
        self._move_cash(row.currency, income.net, rate)
        self.bridge.income += gross * rate
        self.bridge.taxes -= row.tax * rate
        if self.ledger.accrual == "accrual" and self.opening is not None and income.ex <= self.opening < row.date:
            # The opening value has it already, at that day's rate.
            opened = self._fixing(row.currency, self.opening)
            self.bridge.income -= gross * opened
            self.bridge.taxes += row.tax * opened

    def _announced(self, row: Operation) -> None:
        """A dividend past its ex-date that is not paid yet: on accrual basis a receivable at the day's rate."""
        if row.kind != "dividend" or self.ledger.accrual != "accrual":
            return
        rate = self._fixing(row.currency, self.until)
        income = Income(
            "dividends", row.symbol, row.first_day, row.date, row.currency, row.consideration, row.tax, rate
        )
        if self.opening is not None and income.ex <= self.opening:
            rate -= self._fixing(row.currency, self.opening)
        self.bridge.income += income.gross * rate
        self.bridge.taxes -= income.tax * rate

    def reinvested_dividend(self, row: Operation) -> None:
        rate = self._deal_rate(row)
        bought = row.consideration
        self.incomes.append(
            Income("dividends", row.symbol, row.date, row.date, row.currency, bought + row.tax, row.tax, rate, True)
        )
        self.bridge.income += (bought + row.tax) * rate
        self.bridge.taxes -= row.tax * rate
        self._purchase(row, bought, ZERO, rate)

    def fee(self, row: Operation) -> None:
        rate = self._deal_rate(row)
        self._charge_fee(row.currency, row.consideration, rate)
        if row.fee_kind in ("management", "custody"):
            self.fee_days.append((row.date, row.consideration * rate))

    def tax(self, row: Operation) -> None:
        self._charge_tax(row.currency, row.consideration, self._deal_rate(row))

    def transfer_in(self, row: Operation) -> None:
        assert isinstance(row.quantity, Decimal)
        currency = self._currency(row.symbol)
        worth = row.quantity * self.market.unit_value(row.symbol, row.date)
        value = worth * self._fixing(currency, row.date)
        acquired = row.acquired or row.date
        cost = (
            worth if row.cost is None else self.market.rate(row.currency, currency, self._pack_day(acquired)) * row.cost
        )
        base = value if row.cost is None else row.cost * self._fixing(row.currency, acquired)
        self._put(row.account, row.symbol, Lot(acquired, self._order, row.quantity, cost, base, ZERO, worth, value))
        self._flow(value)

    def transfer_out(self, row: Operation) -> None:
        price = self.market.unit_value(row.symbol, row.date)
        rate = self._fixing(self._currency(row.symbol), row.date)
        value = ZERO
        for lot in self._take(row.account, row.symbol, row.quantity):
            found = parts(lot.from_cost, lot.from_base, lot.from_entry, lot.quantity * price, rate)
            self.bridge.unrealised_price += found.price
            self._add_fx(found)
            value += lot.quantity * price * rate
        self._flow(-value)

    def move(self, row: Operation) -> None:
        """Between own accounts: lots keep their day and cost."""
        for lot in self._take(row.account, row.symbol, row.quantity):
            self._put(row.to_account, row.symbol, lot)

    def split(self, row: Operation) -> None:
        new, _, old = row.ratio.partition(":")
        for lot in self._lots(row.account, row.symbol):
            lot.quantity = lot.quantity * D(new) / D(old or 1)

    def merger(self, row: Operation) -> None:
        new, _, old = row.ratio.partition(":")
        for lot in self.lots.pop((row.account, row.symbol), []):
            lot.quantity = lot.quantity * D(new) / D(old or 1)
            self._put(row.account, row.to_symbol, lot)

    symbol_change = merger

    def spin_off(self, row: Operation) -> None:
        """Each lot gives a share of its cost, by the values of the first day, to a lot of the same day."""
        assert row.unit_price is not None
        assert row.to_unit_price is not None
        new, _, old = row.ratio.partition(":")
        ratio = D(new) / D(old or 1)
        share = ratio * row.to_unit_price / (row.unit_price + ratio * row.to_unit_price)
        for lot in list(self._lots(row.account, row.symbol)):
            given = Lot(
                lot.acquired, lot.order, lot.quantity * ratio, lot.cost * share, lot.base * share, lot.charges * share,
                lot.from_cost * share, lot.from_base * share, lot.rate, lot.from_rate,
            )  # fmt: skip
            lot.cost -= given.cost
            lot.base -= given.base
            lot.charges -= given.charges
            lot.from_cost -= given.from_cost
            lot.from_base -= given.from_base
            self._put(row.account, row.to_symbol, given)

    def return_of_capital(self, row: Operation) -> None:
        """Cash takes the place of cost, per unit; where it exceeds the cost of a lot all of it has come back, with a gain."""
        rate = self._deal_rate(row)
        self._move_cash(row.currency, row.consideration, rate)
        lots = self._lots(row.account, row.symbol)
        held = sum((lot.quantity for lot in lots), ZERO)
        for lot in lots:
            share = row.consideration * lot.quantity / held
            local = self._local(row, share)
            received = share * rate / local if local else rate
            if local < lot.cost:
                lot.cost -= local
                lot.base -= share * rate
            else:
                self.realised.append(
                    Realised(row.date, row.symbol, parts(lot.cost, lot.base, lot.entry, local, received))
                )
                lot.cost = lot.base = ZERO
            if local < lot.from_cost:
                lot.from_cost -= local
                lot.from_base -= share * rate
            else:
                found = parts(lot.from_cost, lot.from_base, lot.from_entry, local, received)
                self.bridge.realised_price += found.price
                self._add_fx(found)
                lot.from_cost = lot.from_base = ZERO

    # --- the end

    def _end(self) -> None:
        bridge = self.bridge
        for (_, symbol), lots in self.lots.items():
            for lot in lots:
                worth = lot.quantity * self.market.unit_value(symbol, self.until)
                found = parts(
                    lot.from_cost,
                    lot.from_base,
                    lot.from_entry,
                    worth,
                    self._fixing(self._currency(symbol), self.until),
                )
                bridge.unrealised_price += found.price
                self._add_fx(found)
        bridge.cash_fx += (
            sum((amount * self._fixing(currency, self.until) for currency, amount in self.cash.items()), ZERO)
            - self._legs
        )
        bridge.closing_value = self.value(self.until)
        assert abs(bridge.sum() - bridge.closing_value) < D("1e-20"), (
            f"the bridge misses {bridge.closing_value - bridge.sum()}"
        )

    def value(self, day: date) -> Decimal:
        """At the close of a pack day that was passed: what was held then, and on accrual basis what was to come."""
        if day not in self.snapshots:
            return ZERO
        held, cash = self.snapshots[day]
        total = sum((amount * self._fixing(currency, day) for currency, amount in cash.items() if amount), ZERO)
        for symbol, quantity in held.items():
            if quantity:
                total += quantity * self.market.unit_value(symbol, day) * self._fixing(self._currency(symbol), day)
        return total + (self.receivable(day) if self.ledger.accrual == "accrual" else ZERO)

    def receivable(self, day: date) -> Decimal:
        return sum(
            (
                (row.consideration - row.tax - row.fee) * self._fixing(row.currency, day)
                for row in self.ledger.operations
                if row.kind == "dividend" and row.first_day <= day < row.date
            ),
            ZERO,
        )


# --- returns


@dataclass(frozen=True)
class Figure:
    """A figure with its status, and the day at whose close it opens."""

    value: Decimal | float | None
    status: str
    reason: str = ""
    first: date | None = None


@dataclass
class Series:
    """Values and flows by pack day, from the first flow on."""

    days: list[date]
    values: list[Decimal]
    into: list[Decimal]
    out: list[Decimal]
    begin: date
    """The day of the first entry; its opening is the day before."""
    flows: list[Flow] = field(default_factory=list)
    added_back: list[Decimal] = field(default_factory=list)


UNDEFINED, LOST, EMPTY = "starts_at_or_below_zero", "total_loss", "empty"


def day_return(
    before: Decimal, after: Decimal, into: Decimal, out: Decimal, timing: str, added_back: Decimal = ZERO
) -> Decimal | str:
    """Of one sub-period, or why it has none."""
    if timing == "in_start_out_end":
        opened, closed = before + into, after + out
    elif timing == "start":
        opened, closed = before + into - out, after
    else:
        opened, closed = before, after - into + out
    if opened == 0 and closed == 0:
        return EMPTY
    if opened <= 0:
        return UNDEFINED
    closed += added_back
    if closed <= 0:
        return LOST
    return closed / opened - 1


def series_of(books: Books) -> Series:
    """Flows on a day without a pack belong to the next pack day."""
    days = sorted(books.snapshots)
    into: dict[date, Decimal] = defaultdict(Decimal)
    out: dict[date, Decimal] = defaultdict(Decimal)
    for flow in books.flows:
        day = books.market.pack_on_or_after(flow.date)
        assert day is not None
        into[day] += flow.into
        out[day] += flow.out
    begin = min(each.first_day for each in books.ledger.operations)
    return Series(
        days,
        [books.value(day) for day in days],
        [into[day] for day in days],
        [out[day] for day in days],
        begin,
        books.flows,
    )


def link(returns: Iterable[Decimal | str]) -> Decimal:
    total = D(1)
    for each in returns:
        if isinstance(each, Decimal):
            total *= 1 + each
    return total - 1


def returns_of(series: Series, timing: str) -> list[Decimal | str]:
    before = [ZERO, *series.values]
    return [
        day_return(
            before[at],
            series.values[at],
            series.into[at],
            series.out[at],
            timing,
            series.added_back[at] if series.added_back else ZERO,
        )
        for at in range(len(series.days))
    ]


def anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def openings(asof: date) -> dict[str, date]:
    """The day on or before whose last pack each window opens."""
    quarter = date(asof.year, 3 * ((asof.month - 1) // 3) + 1, 1)
    return {
        "1d": asof - timedelta(1),
        "mtd": asof.replace(day=1) - timedelta(1),
        "qtd": quarter - timedelta(1),
        "ytd": date(asof.year - 1, 12, 31),
        "1y": anniversary(asof, 1),
        "3y": anniversary(asof, 3),
        "5y": anniversary(asof, 5),
    }


YEARS = {"3y": 3, "5y": 5}
TO_DATE = ("mtd", "qtd", "ytd")


def time_weighted(series: Series, market: Market, asof: date, timing: str) -> dict[str, Figure]:
    """By window."""
    daily = returns_of(series, timing)
    found = {name: _window(series, market, daily, timing, name, opens) for name, opens in openings(asof).items()}
    found["itd"] = total = _since_inception(series, daily, timing)
    days = (asof - (series.begin if total.first is None or total.first < series.begin else total.first)).days
    if total.value is None:
        found["itd_annualised"] = total
    elif days < 365:
        found["itd_annualised"] = Figure(None, "unavailable", "under_a_year")
    else:
        found["itd_annualised"] = Figure(
            (1 + D(total.value)) ** (D(365) / days) - 1, total.status, total.reason, total.first
        )
    return found


def _window(series: Series, market: Market, daily: list[Decimal | str], timing: str, name: str, opens: date) -> Figure:
    opening = market.pack_on_or_before(opens)
    if opening is None or opening < series.days[0]:
        if name in TO_DATE:
            return _of(series, daily, 0, "since_inception", timing)
        return Figure(None, "unavailable", "short_history")
    at = series.days.index(opening) + 1
    figure = _of(series, daily, at, "", timing)
    if name in YEARS and figure.value is not None:
        return Figure((1 + D(figure.value)) ** (D(1) / YEARS[name]) - 1, figure.status, figure.reason, figure.first)
    return figure


def _of(series: Series, daily: list[Decimal | str], at: int, reason: str, timing: str) -> Figure:
    """The days from `at` on, linked; one undefined day among them takes it all."""
    inside = daily[at:]
    first = series.days[at - 1] if at else series.begin - timedelta(1)
    if at == 0 and timing == "end":
        inside, reason, first = inside[1:], "first_day_excluded", series.days[0]
    for each in inside:
        if each in (UNDEFINED, LOST):
            return Figure(None, "unavailable", str(each), first)
    return Figure(link(inside), "degraded" if reason else "ok", reason, first)


def _since_inception(series: Series, daily: list[Decimal | str], timing: str) -> Figure:
    """Restarts at the close of the last day that has no return."""
    start = 1 if timing == "end" else 0
    bad = [at for at in range(start, len(daily)) if daily[at] in (UNDEFINED, LOST)]
    if not bad:
        return _of(series, daily, 0, "", timing)
    inside = daily[bad[-1] + 1 :]
    if not any(isinstance(each, Decimal) for each in inside):
        return Figure(None, "unavailable", str(daily[bad[-1]]), series.days[bad[-1]])
    return Figure(link(inside), "degraded", "restarted", series.days[bad[-1]])


# --- money-weighted


def present_value(rate_a_day: float, flows: Sequence[tuple[int, float]]) -> float:
    """At a continuous rate a day; days count from the first."""
    return math.fsum(amount * math.exp(-rate_a_day * day) for day, amount in flows)


def money_weighted(flows: Sequence[tuple[date, Decimal]], period: int | None = None) -> float | None:
    """The one annual rate, ACT/365, that makes them worth nothing; None where there is none or more than one.

    Beside another, one that no year can have (money times 1e9, or divided by it) is not counted.
    """
    if not flows:
        return None
    first = min(day for day, _ in flows)
    scale = max(abs(amount) for _, amount in flows)
    if scale == 0:
        return None
    timed = [((day - first).days, float(amount / scale)) for day, amount in flows]
    span = max(day for day, _ in timed)
    if span == 0:
        return None
    grid = [math.sinh(number / 40) / span for number in range(-260, 261)]
    values = [present_value(rate, timed) for rate in grid]
    brackets = [(grid[at], grid[at + 1]) for at in range(len(grid) - 1) if (values[at] < 0) != (values[at + 1] < 0)]
    possible = [ends for ends in brackets if max(abs(ends[0]), abs(ends[1])) * 365 <= math.log(1e9)]
    brackets = possible or brackets
    if len(brackets) != 1:
        return None
    low, high = brackets[0]
    rising = present_value(high, timed) > 0
    while low < (middle := (low + high) / 2) < high:
        if (present_value(middle, timed) > 0) == rising:
            high = middle
        else:
            low = middle
    return math.expm1(middle * (365 if period is None else period))


def window_money_weighted(series: Series, market: Market, asof: date) -> dict[str, Figure]:
    """By window: what was there at its opening is put in, what is there at its end comes out."""
    found = {}
    for name, opens in [*openings(asof).items(), ("itd", date.min)]:
        opening = market.pack_on_or_before(opens)
        reason = ""
        if name == "1d":
            continue
        if opening is None or opening < series.days[0]:
            if name not in (*TO_DATE, "itd"):
                found[name] = Figure(None, "unavailable", "short_history")
                continue
            reason = "" if name == "itd" else "since_inception"
            flows = [(each.date, each.out - each.into) for each in series.flows]
            first = min((day for day, _ in flows), default=asof)
        else:
            flows = [(opening, -series.values[series.days.index(opening)])]
            flows += [(each.date, each.out - each.into) for each in series.flows if each.date > opening]
            first = opening
        flows.append((asof, series.values[-1]))
        days = (asof - first).days
        rate = money_weighted(flows, None if days >= 365 else days)
        if rate is None:
            found[name] = Figure(None, "unavailable", "no_rate")
        else:
            found[name] = Figure(rate, "degraded" if reason else "ok", reason, first)
    return found


# --- everything


@dataclass
class Answer:
    """All figures of a ledger as of a day."""

    asof: date
    value: Decimal
    accrued_value: Decimal
    cash: dict[str, Decimal]
    positions: dict[str, tuple[Decimal, Decimal, Decimal, Decimal]]
    """symbol -> quantity, value in base, cost in the trading currency, cost in base."""
    realised: Parts
    realised_this_year: Parts
    unrealised: Parts
    income: dict[str, Decimal]
    bridges: dict[str, Bridge]
    series: Series
    twr: dict[str, Figure]
    gross: dict[str, Figure]
    mwr: dict[str, Figure]
    capital_returned: bool = False
    is_pooled_capital: bool = False


def compute(ledger: Ledger, market: Market, asof: date, periods: Sequence[date] = ()) -> Answer | None:
    """As of a pack day; `periods` are first days of further bridges. None where nothing has happened by then."""
    with localcontext(prec=DIGITS):
        if not any(each.first_day <= asof for each in ledger.operations):
            return None
        return _compute(ledger, market, asof, periods)


def _compute(ledger: Ledger, market: Market, asof: date, periods: Sequence[date]) -> Answer:
    books = Books(ledger, market, asof)
    series = series_of(books)
    positions = {}
    unrealised = Parts()
    for symbol in sorted({symbol for _, symbol in books.lots}):
        lots = [lot for (_, of), each in books.lots.items() if of == symbol for lot in each]
        if not lots:
            continue
        rate = books._fixing(books._currency(symbol), asof)
        price = market.unit_value(symbol, asof)
        quantity = sum((lot.quantity for lot in lots), ZERO)
        cost, base = sum((lot.cost for lot in lots), ZERO), sum((lot.base for lot in lots), ZERO)
        if books._currency(symbol) == ledger.base:
            cost = base  # what is told has not two costs in one currency
        positions[symbol] = (quantity, quantity * price * rate, cost, base)
        for lot in lots:
            unrealised += parts(lot.cost, lot.base, lot.entry, lot.quantity * price, rate)
    cash_value = (
        Books(_with(ledger, "cash"), market, asof).value(asof) if ledger.accrual == "accrual" else books.value(asof)
    )
    realised, this_year = Parts(), Parts()
    for each in books.realised:
        realised += each.parts
        if each.date.year == asof.year:
            this_year += each.parts
    incomes = books.incomes
    income = {
        "dividends": sum((each.gross * each.rate for each in incomes if each.kind == "dividends"), ZERO),
        "interest": sum((each.gross * each.rate for each in incomes if each.kind == "interest"), ZERO),
        "tax": sum((each.tax * each.rate for each in incomes), ZERO),
    }
    bridges = {"since_inception": books.bridge}
    capital_returned = any(each.kind == "return_of_capital" for each in ledger.operations)
    for first in periods:
        bridges[first.isoformat()] = bridge(ledger, market, first, asof)
    return Answer(
        asof=asof,
        value=cash_value,
        accrued_value=cash_value + books.receivable(asof),
        cash={currency: amount for currency, amount in books.cash.items() if amount},
        positions=positions,
        realised=realised,
        realised_this_year=this_year,
        unrealised=unrealised,
        income=income,
        bridges=bridges,
        series=series,
        twr=time_weighted(series, market, asof, ledger.flow_timing),
        gross=time_weighted(gross_series(series, books), market, asof, ledger.flow_timing),
        mwr=window_money_weighted(series, market, asof),
        capital_returned=capital_returned,
        is_pooled_capital=capital_returned and ledger.booking_method == "AVERAGE",
    )


def bridge(ledger: Ledger, market: Market, first: date, asof: date) -> Bridge:
    """From the close before `first` to the close of `asof`; since inception where that was before the first entry."""
    opening = market.pack_on_or_before(first - timedelta(1))
    begun = opening is not None and any(each.first_day <= opening for each in ledger.operations)
    return Books(ledger, market, asof, opening if begun else None).bridge


def _with(ledger: Ledger, accrual: str) -> Ledger:
    return replace(ledger, accrual=accrual)


def gross_series(series: Series, books: Books) -> Series:
    """Management and custody fees of a day are added back to what that day ends with."""
    fees: dict[date, Decimal] = defaultdict(Decimal)
    for day, amount in books.fee_days:
        on = books.market.pack_on_or_after(day)
        assert on is not None
        fees[on] += amount
    return replace(series, added_back=[fees[day] for day in series.days])
