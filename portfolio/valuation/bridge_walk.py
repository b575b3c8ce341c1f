"""The events of a period in ledger order, each taken apart into the lines of the money bridge that it moves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.books import Book, Event, LotMatch, lot_names
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.invariants import InvariantViolated
from pricing.fx import MissingRate
from pricing.market import History, MissingPrice

ZERO = Decimal(0)


POOL = ""
"""Name of the one lot of an average pool."""


NEGLIGIBLE = Decimal("1e-9")
"""Units that a split leaves off, where its ratio has no end (1:3)."""


LINES = (
    "contributions", "withdrawals", "realised_price", "unrealised_price", "fx", "cash_fx", "income", "fees", "taxes",
)  # fmt: skip
PARTS = ("interaction", "fx_dealing", "deal_rounding")


@dataclass(slots=True)
class _Piece:
    """What is left of a lot: units, and their value on the way into the period, in its currency and in the base currency."""

    quantity: Decimal
    local: Decimal
    base: Decimal
    entry_rate: Decimal | None = None
    """The rate locked in it, needed where its whole cost was given back. A pool has none."""

    def take(self, quantity: Decimal) -> "_Piece":
        """Cut a part off, with its share of the value."""
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
class BridgeAmounts:
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


class BridgeWalk:
    """A walk from the close of pack day `first` (-1: since inception) to that of `last`."""

    def __init__(self, book: Book, market: History, first: int, last: int) -> None:
        self.book, self.market, self.first, self.last = book, market, first, last
        self.rates = DealRates(market, book.base_currency, book.trade_fx)
        self.amounts = BridgeAmounts()
        self.matches: dict[str, list[LotMatch]] = {}
        for match in book.matches:
            self.matches.setdefault(match.entry_id, []).append(match)
        self.entries = {event.entry_id for event in book.events}
        self.pooled = book.booking_method == "AVERAGE"
        self.pieces: dict[tuple[str, int], dict[str, _Piece]] = {}
        self.symbols = dict(zip(market.security_ids, market.symbols, strict=True))

    def run(self) -> tuple[Decimal, Decimal]:
        """Fill `amounts`; the values at the opening and at the closing, unrounded."""
        opening = self.open() if self.first >= 0 else ZERO
        balances: dict[str, Decimal] = dict(self.book.cash(self.day(self.first))) if self.first >= 0 else {}
        opening += self.revalue(balances, self.first, -1) if balances else ZERO
        for event in self.book.events:
            place = self.rates.pack_day(event.date)
            if place > self.last:
                break
            if place > self.first:
                self.add_event(event, place)
        balances = self.book.cash(self.day(self.last))
        closing = self.close() + self.revalue(balances, self.last, 1)
        if self.book.accrual == "accrual":
            opening += self.accrue(self.first, -1) if self.first >= 0 else ZERO
            closing += self.accrue(self.last, 1)
        return opening, closing

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
        rate = self.rates.on_pack_day(currency, place)
        if rate is None:
            raise MissingRate(currency, self.book.base_currency, self.day(place))
        return rate

    def rate_of(self, security: int, place: int) -> Decimal:
        return self.rate(self.market.security_currencies[self.market.security(security)], place)

    def opener(self, opened_by: str) -> str:
        """The entry that opened a lot. Lots that came in with one entry came at one price: here they are one."""
        if opened_by in self.entries:
            return opened_by
        opener, path = lot_names.split(opened_by)
        if opener not in self.entries:
            opener = opener.rpartition("#")[0] or opener
        return f"{opener}~{path}" if path else opener

    # Both ends

    def open(self) -> Decimal:
        """Every lot at the opening close and fixing."""
        on, total = self.day(self.first), ZERO
        for lot in self.book.lots:
            if lot.is_open(on):
                local = lot.quantity * self.price(lot.security, self.first)
                base = local * self.rate_of(lot.security, self.first)
                self.add((lot.account, lot.security), lot.opened_by, lot.quantity, local, base)
                total += base
        return total

    def close(self) -> Decimal:
        """Value of what is left, at the closing close and fixing. Raises InvariantViolated where it is not what the lots hold."""
        total, left = ZERO, dict[int, Decimal]()
        for (_, security), pieces in self.pieces.items():
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
            if self.rates.pack_day(event.ex_date) <= place < self.rates.pack_day(event.date):
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
        piece = self.pieces.setdefault(key, {}).setdefault(self.lot(opened_by), _Piece(ZERO, ZERO, ZERO))
        piece.quantity += quantity
        piece.local += local
        piece.base += base
        if not self.pooled:
            piece.entry_rate = entry_rate if entry_rate is not None or not local else base / local

    def lot(self, opened_by: str) -> str:
        """The name of a lot in this walk."""
        return POOL if self.pooled else self.opener(opened_by)

    def matched_pieces(self, event: Event) -> Iterable[tuple[LotMatch, _Piece]]:
        """The parts of lots that an event took."""
        for match in self.matches.get(event.entry_id, ()):
            piece = self.pieces.get((match.account, match.security), {}).get(self.lot(match.opened_by))
            left = (piece.quantity if piece else ZERO) - match.quantity
            if piece is None or left < -NEGLIGIBLE:
                raise InvariantViolated(f"the bridge's lot {match.opened_by}", event.date, float(-left))
            if match.quantity:
                yield match, piece.take(match.quantity if left > NEGLIGIBLE else piece.quantity)

    def gain(self, piece: _Piece, value: Decimal, rate: Decimal, line: str) -> None:
        """Add the gain of a piece from its value on the way in to `value` (its currency) at `rate`."""
        entry_rate = piece.base / piece.local if piece.local else piece.entry_rate or rate
        price, interaction = (value - piece.local) * entry_rate, (value - piece.local) * (rate - entry_rate)
        setattr(self.amounts, line, getattr(self.amounts, line) + price)
        self.amounts.fx += value * rate - piece.base - price
        self.amounts.interaction += interaction

    # Events

    def add_event(self, event: Event, place: int) -> None:
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
            for piece in self.pieces.get((event.account, _required(event.security)), {}).values():
                piece.quantity *= event.ratio or Decimal(1)
            return None
        if event.kind in ("transfer_in", "transfer_out"):
            return self.transfer(event, place)
        if event.kind == "transfer":
            return self.move(event, place)
        if event.kind in ("spin_off", "merger"):
            return self.exchange(event, place)
        rate = self.rates.for_deal(event)
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
            for match, piece in self.matched_pieces(event):
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
        the rate that converts it to what the deal was in the base currency."""
        security = _required(event.security)
        if security not in self.symbols:  # no pack has a close of it: it came and went between two
            return amount, rate
        trades_in = self.market.security_currencies[self.market.security(security)]
        if event.currency == trades_in:
            return amount, rate
        across = self.rate(event.currency, place) / self.rate(trades_in, place)
        return amount * across, rate / across

    def buy(self, event: Event, place: int, rate: Decimal) -> Decimal:
        """Add units at what was paid for them; gives that in the deal's currency."""
        quantity = event.quantity or ZERO
        value = -event.amount - event.fee - event.tax if event.unit_price is None else quantity * event.unit_price
        local, _ = self.as_traded(event, place, value, rate)
        self.add((event.account, _required(event.security)), event.entry_id, quantity, local, value * rate)
        return value

    def convert(self, event: Event, place: int) -> None:
        """Both legs at the fixing: what they miss each other by is what dealing cost."""
        left = ZERO
        for currency, amount in event.cash_legs():
            left += amount * self.rate(currency, place)
            self.amounts.cash_fx -= amount * self.rate(currency, place)
        fee = event.fee * self.rate(event.currency, place)
        self.amounts.fees -= fee
        self.amounts.cash_fx += left + fee
        self.amounts.fx_dealing += left + fee

    def transfer(self, event: Event, place: int) -> None:
        """In kind, at the close of the day: what comes in is measured from there, what goes out up to there."""
        security, quantity = _required(event.security), event.quantity or ZERO
        price, rate = self.price(security, place), self.rate_of(security, place)
        if event.kind == "transfer_in":
            value = quantity * price
            self.add((event.account, security), event.entry_id, quantity, value, value * rate)
            self.amounts.contributions += value * rate
            return
        for match, piece in self.matched_pieces(event):
            value = match.quantity * price
            self.gain(piece, value, rate, "unrealised_price")
            self.amounts.withdrawals -= value * rate

    def move(self, event: Event, place: int) -> None:
        """Between own accounts: a lot goes on in the other, or cash does, of which the net is nothing."""
        self.amounts.cash_fx -= event.amount * self.rate(event.currency, place) if event.amount else ZERO
        for match, piece in list(self.matched_pieces(event)):
            key = (event.to_account, match.security)
            name = lot_names.after_move(self.lot(match.opened_by), event.entry_id)
            self.add(key, name, piece.quantity, piece.local, piece.base, piece.entry_rate)

    def exchange(self, event: Event, place: int) -> None:
        """Lots go on under another security: with all that they are value, or in a spin-off with the part that the ledger gives
        it; by the day's closes where the lots had no cost to share."""
        ratio, share = event.ratio or Decimal(1), Decimal(1)
        gives, key = _required(event.to_security), (event.account, _required(event.security))
        if event.kind == "spin_off" and event.cost_share is not None:
            share = event.cost_share
        elif event.kind == "spin_off":
            given = ratio * self.price(gives, place)
            share = given / (given + self.price(key[1], place))
        to = (event.to_account or event.account, gives)
        for name, piece in list(self.pieces.get(key, {}).items()):
            if piece.quantity:
                local, base = piece.local * share, piece.base * share
                self.add(
                    to,
                    lot_names.after_move(name, event.entry_id),
                    piece.quantity * ratio,
                    local,
                    base,
                    piece.entry_rate,
                )
                piece.local -= local
                piece.base -= base
                if event.kind == "merger":
                    piece.quantity = ZERO

    def return_capital(self, event: Event, paid: Decimal, rate: Decimal) -> None:
        """Lots give up what is paid out, unit by unit; beyond their value it is gain."""
        pieces = [
            piece
            for piece in self.pieces.get((event.account, _required(event.security)), {}).values()
            if piece.quantity
        ]
        units = sum((piece.quantity for piece in pieces), ZERO)
        for piece in pieces:
            received = paid * piece.quantity / units
            local = min(received, piece.local)
            base = piece.base * local / piece.local if piece.local else ZERO
            self.gain(_Piece(ZERO, local, base), received, rate, "realised_price")
            piece.local -= local
            piece.base -= base


def _required(security: int | None) -> int:
    """The security of an event whose kind has one: the journal refuses it without."""
    assert security is not None
    return security
