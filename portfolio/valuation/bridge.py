"""The money bridge of a period: how the opening value became the closing value, line by line, to the cent.

A lot is measured from the later of the period's opening (close and fixing) and its purchase (price and rate of the deal):
price q·ΔP·F0, FX q·P0·ΔF, interaction q·ΔP·ΔF. What is sold in the period is realised, what is held at its end or moved out
in kind is unrealised (docs/measurement.md, Money bridge). "Realised in the period" is not "realised since purchase", which is
`portfolio.gains`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

import numpy as np

from portfolio.books import Book, Event, Match, legs
from portfolio.books.lots import gone_on, way_of
from portfolio.valuation import DECIMAL_DIGITS, MINOR_UNITS, InvariantViolated, quantise
from portfolio.valuation.deal_rates import Rates
from pricing.fx import MissingRate
from pricing.market import History, MissingPrice

ZERO = Decimal(0)
TOLERANCE = Decimal("0.01")
POOL = ""
"""What the one lot of an average pool is known by."""
NEGLIGIBLE = Decimal("1e-9")
"""Units that a split leaves off, where its ratio has no end (1:3)."""


@dataclass(frozen=True, slots=True)
class MoneyBridge:
    """Base currency, each amount as it adds to the value: what goes is negative.

    opening_value + the lines below it + rounding = closing_value. `interaction` is within `fx`, `fx_dealing` within
    `cash_fx`, `deal_rounding` within `fees`.
    """

    first_date: date
    """The period opens at this day's close; since inception, the day before the first event."""
    last_date: date
    base_currency: str
    accrual: str
    """cash: dividends count when paid; accrual: from their ex-date, and the receivable is in both values."""
    opening_value: Decimal
    contributions: Decimal
    withdrawals: Decimal
    realised_price: Decimal
    unrealised_price: Decimal
    fx: Decimal
    interaction: Decimal
    cash_fx: Decimal
    """Revaluation of cash, and what conversions and deals made or lost against the fixing."""
    fx_dealing: Decimal
    income: Decimal
    """Dividends and interest, gross; dividends at the rate of the day they are paid."""
    fees: Decimal
    deal_rounding: Decimal
    """What deals lost or won by rounding their cash to cents."""
    taxes: Decimal
    rounding: Decimal
    """What rounding the lines to the minor unit leaves: at most one unit of it."""
    closing_value: Decimal
    gain: Decimal
    """closing_value - opening_value - contributions - withdrawals."""


LINES = (
    "contributions", "withdrawals", "realised_price", "unrealised_price", "fx", "cash_fx", "income", "fees", "taxes",
)  # fmt: skip
PARTS = ("interaction", "fx_dealing", "deal_rounding")


def between(book: Book, market: History, *, opening: date | None = None, closing: date | None = None) -> MoneyBridge:
    """The bridge from the close of the last pack day on or before `opening` to that on or before `closing`.

    opening  None, or before the first event: since inception; of a ledger that begins before the first pack, from that one's
             close
    closing  None: the last day of the history; before the first event: nothing was there, and nothing happened
    raises   MissingPrice, MissingRate, InvariantViolated
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        days = market.dates
        began = book.first_date
        last = len(days) - 1 if closing is None else _on_or_before(market, closing)
        first = -1 if opening is None else min(_on_or_before(market, opening), last)
        inception = len(days) if began is None else int(np.searchsorted(days, np.datetime64(began)))
        if last >= 0 and began is not None and np.datetime64(began) < days[0]:
            first = max(first, 0)
        elif last < inception:
            return _of_nothing(book, opening, days[last].item() if closing is None else closing)
        elif first < inception:
            first = -1
        return _Walk(book, market, first, last).bridge()


def _of_nothing(book: Book, opening: date | None, closing: date) -> MoneyBridge:
    """Of a period that ends before the first event, and perhaps before the first pack."""
    nothing = quantise(ZERO, book.base_currency)
    values = dict.fromkeys(("opening_value", *LINES, *PARTS, "rounding", "closing_value", "gain"), nothing)
    return MoneyBridge(
        first_date=min(opening or closing, closing),
        last_date=closing,
        base_currency=book.base_currency,
        accrual=book.accrual,
        **values,
    )


def _on_or_before(market: History, on: date) -> int:
    return int(np.searchsorted(market.dates, np.datetime64(on), side="right")) - 1


@dataclass(slots=True)
class _Piece:
    """What is left of a lot: units, and what they were worth when they came into the period."""

    quantity: Decimal
    local: Decimal
    base: Decimal
    entry_rate: Decimal | None = None
    """Locked in it, which tells where all that it was worth was given back. A pool has none."""

    def take(self, quantity: Decimal) -> "_Piece":
        """Cut a part off; it carries its share of the worth."""
        if quantity == self.quantity:
            taken = _Piece(self.quantity, self.local, self.base, self.entry_rate)
        else:
            taken = _Piece(
                quantity, self.local * quantity / self.quantity, self.base * quantity / self.quantity, self.entry_rate
            )
        self.quantity -= taken.quantity
        self.local -= taken.local
        self.base -= taken.base
        return taken


@dataclass(slots=True)
class _Amounts:
    """The lines and their parts, unrounded."""

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
    deal_rounding: Decimal = ZERO
    taxes: Decimal = ZERO


class _Walk:
    """The events of a period in ledger order, each taken apart into the lines that it moves."""

    def __init__(self, book: Book, market: History, first: int, last: int) -> None:
        self.book, self.market, self.first, self.last = book, market, first, last
        self.rates = Rates(market, book.base_currency, book.trade_fx)
        self.amounts = _Amounts()
        self.matches: dict[str, list[Match]] = {}
        for match in book.matches:
            self.matches.setdefault(match.entry_id, []).append(match)
        self.entries = {event.entry_id for event in book.events}
        self.pooled = book.booking_method == "AVERAGE"
        self.held: dict[tuple[str, int], dict[str, _Piece]] = {}
        self.symbols = dict(zip(market.security_ids, market.symbols, strict=True))

    def bridge(self) -> MoneyBridge:
        opening = self.open() if self.first >= 0 else ZERO
        balances: dict[str, Decimal] = dict(self.book.cash(self.day(self.first))) if self.first >= 0 else {}
        opening += self.revalue(balances, self.first, -1) if balances else ZERO
        for event in self.book.events:
            place = self.rates.place(event.date)
            if place > self.last:
                break
            if place > self.first:
                self.take(event, place)
        balances = self.book.cash(self.day(self.last))
        closing = self.close() + self.revalue(balances, self.last, 1)
        if self.book.accrual == "accrual":
            opening += self.accrue(self.first, -1) if self.first >= 0 else ZERO
            closing += self.accrue(self.last, 1)
        return self.rounded(opening, closing)

    # The market

    def day(self, place: int) -> date:
        on: date = self.market.dates[place].item()
        return on

    def price(self, security: int, place: int) -> Decimal:
        price = float(self.market.close[place, self.market.security(security)])
        if np.isnan(price):
            raise MissingPrice(self.symbols[security], self.day(place))
        return Decimal(repr(price))

    def rate(self, currency: str, place: int) -> Decimal:
        rate = self.rates.at(currency, place)
        if rate is None:
            raise MissingRate(currency, self.book.base_currency, self.day(place))
        return rate

    def rate_of(self, security: int, place: int) -> Decimal:
        return self.rate(self.market.security_currencies[self.market.security(security)], place)

    def opener(self, opened_by: str) -> str:
        """The entry that opened a lot. Lots that came in with one entry came at one price: here they are one."""
        if opened_by in self.entries:
            return opened_by
        opener, way = way_of(opened_by)
        if opener not in self.entries:
            opener = opener.rpartition("#")[0] or opener
        return f"{opener}~{way}" if way else opener

    # Both ends

    def open(self) -> Decimal:
        """Every lot at the opening close and fixing."""
        on, total = self.day(self.first), ZERO
        for parcel in self.book.parcels:
            if parcel.is_open(on):
                local = parcel.quantity * self.price(parcel.security, self.first)
                base = local * self.rate_of(parcel.security, self.first)
                self.add((parcel.account, parcel.security), parcel.opened_by, parcel.quantity, local, base)
                total += base
        return total

    def close(self) -> Decimal:
        """What is left at the closing close and fixing; raises InvariantViolated where it is not what the lots hold."""
        total, left = ZERO, dict[int, Decimal]()
        for (_, security), pieces in self.held.items():
            for piece in pieces.values():
                if piece.quantity:
                    left[security] = left.get(security, ZERO) + piece.quantity
                    local = piece.quantity * self.price(security, self.last)
                    total += local * self.rate_of(security, self.last)
                    self.gain(piece, local, self.rate_of(security, self.last), "unrealised_price")
        quantities = self.book.quantities(self.day(self.last))
        for security in left.keys() | quantities.keys():
            off = left.get(security, ZERO) - quantities.get(security, ZERO)
            if abs(off) > NEGLIGIBLE:
                raise InvariantViolated(
                    f"the bridge's quantity of {self.symbols[security]}", self.day(self.last), float(off)
                )
        return total

    def revalue(self, balances: Mapping[str, Decimal], place: int, sign: int) -> Decimal:
        """Cash at one end; with what the legs in between were counted at, the difference is its revaluation."""
        total = sum((amount * self.rate(currency, place) for currency, amount in balances.items() if amount), ZERO)
        self.amounts.cash_fx += sign * total
        return total

    def accrue(self, place: int, sign: int) -> Decimal:
        """Dividends that are due at one end; they count as income from their ex-date on."""
        total = ZERO
        for event in self.book.events:
            if event.kind != "dividend" or event.ex_date is None:
                continue
            if self.rates.place(event.ex_date) <= place < self.rates.place(event.date):
                rate = sign * self.rate(event.currency, place)
                self.amounts.income += (event.amount + event.tax + event.fee) * rate
                self.amounts.taxes -= event.tax * rate
                self.amounts.fees -= event.fee * rate
                total += event.amount * rate
        return sign * total

    # Lots

    def add(
        self,
        key: tuple[str, int],
        opened_by: str,
        quantity: Decimal,
        local: Decimal,
        base: Decimal,
        entry_rate: Decimal | None = None,
    ) -> None:
        """A purchase goes on as the lot it opened, or in the pool of its account, which is one as long as it is held."""
        piece = self.held.setdefault(key, {}).setdefault(self.lot(opened_by), _Piece(ZERO, ZERO, ZERO))
        piece.quantity += quantity
        piece.local += local
        piece.base += base
        if not self.pooled:
            piece.entry_rate = entry_rate if entry_rate is not None or not local else base / local

    def lot(self, opened_by: str) -> str:
        """What a lot is known by here."""
        return POOL if self.pooled else self.opener(opened_by)

    def taken(self, event: Event) -> Iterable[tuple[Match, _Piece]]:
        """The parts of lots that an event took."""
        for match in self.matches.get(event.entry_id, ()):
            piece = self.held.get((match.account, match.security), {}).get(self.lot(match.opened_by))
            left = (piece.quantity if piece else ZERO) - match.quantity
            if piece is None or left < -NEGLIGIBLE:
                raise InvariantViolated(f"the bridge's lot {match.opened_by}", event.date, float(-left))
            if match.quantity:
                yield match, piece.take(match.quantity if left > NEGLIGIBLE else piece.quantity)

    def gain(self, piece: _Piece, worth: Decimal, rate: Decimal, line: str) -> None:
        """What a piece gained from its worth on the way in to `worth` (its currency) at `rate`."""
        entry_rate = piece.base / piece.local if piece.local else piece.entry_rate or rate
        price, interaction = (worth - piece.local) * entry_rate, (worth - piece.local) * (rate - entry_rate)
        setattr(self.amounts, line, getattr(self.amounts, line) + price)
        self.amounts.fx += worth * rate - piece.base - price
        self.amounts.interaction += interaction

    # Events

    def take(self, event: Event, place: int) -> None:
        amounts = self.amounts
        if event.kind in ("deposit", "withdrawal"):
            rate = self.rate(event.currency, place)
            if event.amount > 0:
                amounts.contributions += event.amount * rate
            else:
                amounts.withdrawals += event.amount * rate
            amounts.cash_fx -= event.amount * rate
            return
        if event.kind == "outside_fee":
            return None  # it is in neither value
        if event.counter_amount is not None:
            return self.convert(event, place)
        if event.kind == "split":
            for piece in self.held.get((event.account, _known(event.security)), {}).values():
                piece.quantity *= event.ratio or Decimal(1)
            return None
        if event.kind in ("transfer_in", "transfer_out"):
            return self.transfer(event, place)
        if event.kind == "transfer":
            return self.move(event, place)
        if event.kind in ("spin_off", "merger"):
            return self.exchange(event, place)
        rate = self.rates.of_deal(event)
        amounts.cash_fx -= event.amount * rate
        amounts.fx_dealing += event.amount * (self.rate(event.currency, place) - rate)
        amounts.fees -= event.fee * rate
        amounts.taxes -= event.tax * rate
        moved = event.amount + event.fee + event.tax
        if event.kind == "buy":
            moved += self.buy(event, place, rate)
        elif event.kind == "reinvested_dividend":
            amounts.income += (moved + self.buy(event, place, rate)) * rate
            return None
        elif event.kind == "sell":
            for match, piece in self.taken(event):
                moved -= match.proceeds
                self.gain(piece, *self.as_traded(event, place, match.proceeds, rate), "realised_price")
        elif event.kind == "return_of_capital":
            return self.return_capital(event, *self.as_traded(event, place, moved, rate))
        elif event.kind in ("dividend", "interest"):
            amounts.income += moved * rate
            return None
        elif event.kind == "tax":
            amounts.taxes += moved * rate
            return None
        elif event.kind != "fee":
            raise InvariantViolated(f"the bridge of a {event.kind}", event.date, float(moved))
        # What is left is what the ledger booked as rounding of the deal's cash; a fee leaves nothing.
        amounts.fees += moved * rate
        amounts.deal_rounding += moved * rate
        return None

    def as_traded(self, event: Event, place: int, amount: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
        """An amount of a deal in the currency that the security trades in, at the fixing of the day where it is another, and
        the rate that makes the deal's worth in the base currency of it."""
        security = _known(event.security)
        if security not in self.symbols:  # no pack has a close of it: it came and went between two
            return amount, rate
        trades_in = self.market.security_currencies[self.market.security(security)]
        if event.currency == trades_in:
            return amount, rate
        across = self.rate(event.currency, place) / self.rate(trades_in, place)
        return amount * across, rate / across

    def buy(self, event: Event, place: int, rate: Decimal) -> Decimal:
        """Units that come in at what was paid for them, which is told in the deal's currency."""
        quantity = event.quantity or ZERO
        worth = -event.amount - event.fee - event.tax if event.unit_price is None else quantity * event.unit_price
        local, _ = self.as_traded(event, place, worth, rate)
        self.add((event.account, _known(event.security)), event.entry_id, quantity, local, worth * rate)
        return worth

    def convert(self, event: Event, place: int) -> None:
        """Both legs at the fixing: what they miss each other by is what dealing cost."""
        left = ZERO
        for currency, amount in legs(event):
            left += amount * self.rate(currency, place)
            self.amounts.cash_fx -= amount * self.rate(currency, place)
        fee = event.fee * self.rate(event.currency, place)
        self.amounts.fees -= fee
        self.amounts.cash_fx += left + fee
        self.amounts.fx_dealing += left + fee

    def transfer(self, event: Event, place: int) -> None:
        """In kind, at the close of the day: what comes in is measured from there, what goes out up to there."""
        security, quantity = _known(event.security), event.quantity or ZERO
        price, rate = self.price(security, place), self.rate_of(security, place)
        if event.kind == "transfer_in":
            worth = quantity * price
            self.add((event.account, security), event.entry_id, quantity, worth, worth * rate)
            self.amounts.contributions += worth * rate
            return
        for match, piece in self.taken(event):
            worth = match.quantity * price
            self.gain(piece, worth, rate, "unrealised_price")
            self.amounts.withdrawals -= worth * rate

    def move(self, event: Event, place: int) -> None:
        """Between own accounts: a lot goes on in the other, or cash does, of which the net is nothing."""
        self.amounts.cash_fx -= event.amount * self.rate(event.currency, place) if event.amount else ZERO
        for match, piece in list(self.taken(event)):
            key = (event.to_account, match.security)
            name = gone_on(self.lot(match.opened_by), event.entry_id)
            self.add(key, name, piece.quantity, piece.local, piece.base, piece.entry_rate)

    def exchange(self, event: Event, place: int) -> None:
        """Lots go on under another security: with all that they are worth, or in a spin-off with the part that the ledger gives
        it; by the day's closes where the lots had no cost to share."""
        ratio, share = event.ratio or Decimal(1), Decimal(1)
        gives, key = _known(event.to_security), (event.account, _known(event.security))
        if event.kind == "spin_off" and event.cost_share is not None:
            share = event.cost_share
        elif event.kind == "spin_off":
            given = ratio * self.price(gives, place)
            share = given / (given + self.price(key[1], place))
        to = (event.to_account or event.account, gives)
        for known_as, piece in list(self.held.get(key, {}).items()):
            if piece.quantity:
                local, base = piece.local * share, piece.base * share
                self.add(to, gone_on(known_as, event.entry_id), piece.quantity * ratio, local, base, piece.entry_rate)
                piece.local -= local
                piece.base -= base
                if event.kind == "merger":
                    piece.quantity = ZERO

    def return_capital(self, event: Event, paid: Decimal, rate: Decimal) -> None:
        """Lots give up what is paid out, unit by unit; beyond their worth it is gain."""
        pieces = [
            piece for piece in self.held.get((event.account, _known(event.security)), {}).values() if piece.quantity
        ]
        units = sum((piece.quantity for piece in pieces), ZERO)
        for piece in pieces:
            received = paid * piece.quantity / units
            local = min(received, piece.local)
            base = piece.base * local / piece.local if piece.local else ZERO
            self.gain(_Piece(ZERO, local, base), received, rate, "realised_price")
            piece.local -= local
            piece.base -= base

    # What is told

    def rounded(self, opening: Decimal, closing: Decimal) -> MoneyBridge:
        exact = {name: getattr(self.amounts, name) for name in LINES}
        off = closing - opening - sum(exact.values(), ZERO)
        if abs(off) > TOLERANCE:
            raise InvariantViolated("the money bridge", self.day(self.last), float(off))
        base = self.book.base_currency
        shown = _rounded(exact, quantise(closing, base) - quantise(opening, base), base)
        opened = self.day(self.first) if self.first >= 0 else (self.book.first_date or date.max) - timedelta(days=1)
        flows = shown["contributions"] + shown["withdrawals"]
        return MoneyBridge(
            first_date=opened,
            last_date=self.day(self.last),
            base_currency=base,
            accrual=self.book.accrual,
            opening_value=quantise(opening, base),
            closing_value=quantise(closing, base),
            gain=quantise(closing, base) - quantise(opening, base) - flows,
            **shown,
            **{name: quantise(getattr(self.amounts, name), base) for name in PARTS},
        )


def _known(security: int | None) -> int:
    """Events of these kinds name one: the journal refuses them without."""
    assert security is not None
    return security


def _rounded(exact: Mapping[str, Decimal], change: Decimal, currency: str) -> dict[str, Decimal]:
    """The lines to the minor unit, and `rounding`: what they miss the change in value by, at most one unit.

    Where rounding each by itself would miss it by more, those that were rounded furthest go the other way.
    """
    unit = MINOR_UNITS.get(currency, Decimal("0.01"))
    shown = {name: quantise(amount, currency) for name, amount in exact.items()}
    left = change - sum(shown.values(), ZERO)
    step = unit.copy_sign(left)
    for name in sorted(exact, key=lambda each: (exact[each] - shown[each]) * step, reverse=True):
        if abs(left) <= unit:
            break
        shown[name] += step
        left -= step
    return shown | {"rounding": left}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bridge in several periods, as a table shows it."""

    label: str
    part_of: str | None
    since_inception: Decimal
    year_to_date: Decimal
    last_day: Decimal


@dataclass(frozen=True, slots=True)
class Bridges:
    """What the overview shows: three periods that end on the as-of date. All lines, and the same as rows."""

    since_inception: MoneyBridge
    year_to_date: MoneyBridge
    last_day: MoneyBridge
    lines: tuple[Line, ...]


LABELS = (
    # name, label, part of
    ("opening_value", "Opening value", None),
    ("contributions", "Contributions", None),
    ("withdrawals", "Withdrawals", None),
    ("realised_price", "Realised price gain", None),
    ("unrealised_price", "Unrealised price gain", None),
    ("fx", "FX gain on securities", None),
    ("interaction", "of which interaction", "fx"),
    ("cash_fx", "FX gain on cash", None),
    ("fx_dealing", "of which dealing", "cash_fx"),
    ("income", "Income, gross", None),
    ("fees", "Fees", None),
    ("taxes", "Taxes", None),
    ("rounding", "Rounding", None),
    ("closing_value", "Closing value", None),
)


def overview(book: Book, market: History) -> Bridges:
    """Since inception, this year and the last pack day. Raises as `between`."""
    last: date = market.dates[-1].item()
    day_before = market.dates[-2].item() if len(market.dates) > 1 else None
    since = between(book, market)
    year = between(book, market, opening=last.replace(month=1, day=1) - timedelta(days=1))
    day = between(book, market, opening=day_before)
    return Bridges(
        since,
        year,
        day,
        tuple(
            Line(label, part_of, getattr(since, name), getattr(year, name), getattr(day, name))
            for name, label, part_of in LABELS
        ),
    )
