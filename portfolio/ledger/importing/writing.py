"""Rows as the text of a ledger, in the conventions of docs/transactions.md.

Amounts are written as they follow from the row: what a row says was paid is the cost. Securities are sold as `{}` or by the
name of their lot: Beancount picks the lots, by the account's method. Where lots cost another currency than the sale is in, it
is `{EUR}`, the currency of their cost; where they cost several, each is named as the method takes them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

from portfolio.ledger import names
from portfolio.ledger.reader import Entry

from .accounts import BROKER, OPENED, TRANSIT, Accounts, plain
from .rows import ZERO, Row, RowFinding
from .shelf import Fixing, Shelf, ShelfLot, UnrankedLots, no_fixing

__all__ = ["BROKER", "OPENED", "Written", "beancount_method", "entry_date", "found_ledger", "write"]

WHOLE_HOLDING: Final = frozenset({"split", "spin_off", "merger", "symbol_change", "return_of_capital"})
"""Kinds whose entries name every lot that is held, before and after."""
TAKING: Final = frozenset({"sell", "cash_in_lieu", "transfer_out"})
MOVES_SECURITIES: Final = (
    WHOLE_HOLDING | TAKING | {"buy", "reinvested_dividend", "transfer_in", "transfer", "departure", "arrival"}
)

REST_SHARE: Final = Decimal("1e-6")
REST_MONEY: Final = Decimal("0.01")
"""What is left of a position below this share of it, this much money, and half the last digit of the row, closes it."""

_PRECISE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_QUOTIENT = Context(prec=28, rounding=ROUND_HALF_EVEN)  # what Beancount's own arithmetic keeps
_MAX_DECIMALS, _MAX_DIGITS = 20, 26
_MISSING_ROW = "a purchase, split or transfer may be missing, or the rows of that day are in another order"


@dataclass(frozen=True, slots=True)
class Written:
    """text: a file of the ledger; rows: (its first line, the row) of each entry, in rising order.

    findings  rows of which no entry can be made: what they take is not held on their day
    notes     what was done otherwise than a row says, in words
    """

    text: str
    rows: tuple[tuple[int, Row], ...]
    findings: tuple[RowFinding, ...] = ()
    notes: tuple[str, ...] = ()

    def row_at(self, line: int) -> Row | None:
        """The row whose entry holds a line."""
        found = None
        for first, row in self.rows:
            if first > line:
                break
            found = row
        return found


def found_ledger(*, title: str, base_currency: str, method: str) -> str:
    """The main file of a portfolio that has none."""
    return (
        f'option "title" "{plain(title)}"\n'
        f'option "operating_currency" "{base_currency}"\n'
        f'option "booking_method" "{beancount_method(method)}"\n'
        'option "inferred_tolerance_default" "*:0.005"\n'
    )


def beancount_method(method: str) -> str:
    """Beancount books no average: such a portfolio's ledger takes lots first in, first out, and its rows pool them. Where lots
    are named it must not choose any."""
    return {"AVERAGE": "FIFO", "NAMED": "STRICT"}.get(method, method)


def write(
    rows: Sequence[tuple[str, Row]],
    *,
    heading: Iterable[str],
    base_currency: str,
    method: str,
    accounts: Accounts | None = None,
    opens: Mapping[str, str] | None = None,
    directives: Sequence[str] = (),
    before: Iterable[Entry] = (),
    trading: Mapping[str, str] | None = None,
    fixing: Fixing = no_fixing,
) -> Written:
    """(entry id, row) in the order of their file -> a file of the ledger, its entries in order of date.

    heading     lines of comment
    accounts    of the ledger; what else is needed is opened, by the directives of `opens` where it has one
    directives  what the file says beside its entries
    before      the ledger's entries, booked
    trading     symbol -> the currency that the security trades in
    """
    accounts = accounts or Accounts()
    opened_before = dict(accounts.opened)
    with localcontext(_PRECISE):
        writer = _Writer(base_currency, beancount_method(method), before, accounts, trading or {}, fixing)
        parts = [part for name, row in rows for part in _stages(name, row)]
        ordered = sorted(parts, key=lambda each: entry_date(each[1]))
        entries = [(row, text) for name, row in ordered for text in writer.entries(name, row)]
    lines = [
        *(f"; {plain(each)}" for each in heading),
        "",
        *accounts.directives(opens or {}, opened_before),
        *directives,
        "",
    ]
    line, placed = sum(each.count("\n") + 1 for each in lines) + 1, []
    for row, text in entries:
        placed.append((line, row))
        lines += [text, ""]
        line += text.count("\n") + 2
    return Written("\n".join(lines), tuple(placed), tuple(writer.findings), tuple(writer.notes))


def entry_date(row: Row) -> date:
    """When it is booked: income when it is paid."""
    return row.pay_date or row.date


def _stages(name: str, row: Row) -> Iterator[tuple[str, Row]]:
    """Securities on their way for some days leave and arrive; anything else happens at once."""
    if row.kind != "transfer" or row.to_date is None or row.to_date == row.date:
        yield name, row
        return
    yield name, replace(row, kind="departure")
    yield row.to_id or _numbered(name, 2), replace(row, kind="arrival", date=row.to_date, settle_date=None)


def _numbered(name: str, number: int) -> str:
    """The id of a further entry of one row."""
    return name if number == 1 else f"{name[:58]}-{number}"


class _RefusedError(Exception):
    """A row of which no entry can be made; it leaves this module as a finding."""

    def __init__(self, column: str, reason: str, suggestion: str = "", value: str = "") -> None:
        super().__init__(reason)
        self.column, self.reason, self.suggestion, self.value = column, reason, suggestion, value


@dataclass(slots=True)
class _Entry:
    title: str
    legs: list[str] = field(default_factory=list)
    note: str = ""


class _Writer:
    def __init__(
        self,
        base_currency: str,
        method: str,
        before: Iterable[Entry],
        accounts: Accounts,
        trading: Mapping[str, str],
        fixing: Fixing,
    ) -> None:
        self.base, self.method, self.accounts, self.trading, self.fixing = (
            base_currency,
            method,
            accounts,
            trading,
            fixing,
        )
        self.shelf = Shelf(method, methods=accounts.methods, fixing=fixing, trading=trading)
        self.before = sorted(before, key=lambda entry: entry.date)
        self.replayed = 0
        self.findings: list[RowFinding] = []
        self.notes: list[str] = []
        self.moves: list[_Entry] = []  # entries that have to stand before the row's own
        self.dealt_in: set[str] = set()  # the currencies of the lots that capital is returned of

    def entries(self, name: str, row: Row) -> list[str]:
        """The text of a row's entries; none where no entry can be made of it, which is a finding then."""
        self.replay(entry_date(row))
        if row.text:
            return [_with_id(row.text, name)]
        self.moves = []
        self.dealt_in = set()
        title = "Transfer" if row.kind in ("departure", "arrival") else row.kind.replace("_", " ").capitalize()
        try:
            made = [_Entry(title, legs) for legs in _LEGS[row.kind](self, row)]
        except _RefusedError as why:
            self.findings.append(RowFinding(row.row, why.column, why.reason, why.suggestion, why.value))
            return []
        except UnrankedLots as why:
            self.findings.append(RowFinding(row.row, "lot", "is needed", str(why)))
            return []
        made = [*self.moves, *made]
        return [self.text(_numbered(name, number), row, each) for number, each in enumerate(made, 1)]

    def text(self, name: str, row: Row, entry: _Entry) -> str:
        meta = [("id", f'"{name}"'), *(() if entry.note else self.metadata(row))]
        saying = entry.note or row.note or _saying(row)
        return "\n".join(
            [
                f'{entry_date(row).isoformat()} * "{entry.title}" "{plain(saying)[:200]}"',
                *(f"  {key}: {value}" for key, value in meta),
                *(f"  {leg}" for leg in entry.legs),
            ]
        )

    def replay(self, until: date) -> None:
        while self.replayed < len(self.before) and self.before[self.replayed].date <= until:
            self.shelf.replay(self.before[self.replayed])
            self.replayed += 1

    def metadata(self, row: Row) -> Iterable[tuple[str, str]]:
        if row.kind in ("dividend", "reinvested_dividend", "return_of_capital"):
            if row.kind == "dividend":
                yield "symbol", f'"{plain(row.symbol)}"'
            if row.unit_price is not None and row.quantity is not None and row.factor == 1:
                yield "per_share", f'"{_number(row.unit_price)}"'
            ex_date = row.ex_date or (row.date if row.pay_date and row.date < row.pay_date else None)
            dates = (("ex_date", ex_date), ("pay_date", row.pay_date), ("settle_date", row.settle_date))
        else:
            dates = (("ex_date", row.ex_date), ("pay_date", row.pay_date), ("settle_date", row.settle_date))
        yield from ((key, day.isoformat()) for key, day in dates if day is not None)
        yield from self.rates(row)
        if row.kind == "split" and row.ratio is None and row.quantity is not None:
            yield "split_ratio", f'"{_number(row.quantity)}:1"'
        elif row.ratio is not None and row.kind in ("split", "spin_off", "merger", "symbol_change"):
            exact = _exact(row.ratio)
            told = f"{_number(row.ratio)}:1"
            if exact != Fraction(row.ratio):
                told = f"{exact.numerator}:{exact.denominator}"
            yield "split_ratio" if row.kind == "split" else "ratio", f'"{told}"'
        if row.given_id:
            yield "import_digest", f'"{row.digest()[:16]}"'

    def rates(self, row: Row) -> Iterator[tuple[str, str]]:
        if row.kind == "fx":
            rate = self.conversion_rate(row)
        else:
            rate = row.fx_rate if row.currency != self.base else None
        if rate:
            key = "fx_pay" if row.kind in ("dividend", "interest", "return_of_capital") else "fx_trade"
            foreign = row.symbol if row.kind == "fx" and row.currency == self.base else row.currency
            yield "fx_rate" if row.kind == "fx" else key, f'"{foreign}{self.base}={_number(rate)}"'
        if row.kind == "transfer_in" and row.fx_acquired and row.currency != self.base:
            yield "fx_acquired", f'"{row.currency}{self.base}={_number(row.fx_acquired)}"'
        trading = self.trading.get(row.symbol, row.currency)
        if row.kind == "return_of_capital" and self.dealt_in - {row.currency}:
            told = self.fixings(row, sorted({*self.dealt_in, row.currency} - {trading}))
            yield "fixing", '"' + " ".join(f"{each}{trading}={_number(rate)}" for each, rate in told) + '"'
        if (
            row.kind in ("buy", "sell", "cash_in_lieu", "reinvested_dividend", "transfer_in")
            and row.currency != trading
        ):
            fixing = self.fixing(row.acquired or row.date, row.currency, trading)
            if fixing:
                yield "fixing", f'"{row.currency}{trading}={_number(fixing)}"'
            else:
                self.notes.append(
                    f"row {row.row}: no rate {row.currency}/{trading} of {row.acquired or row.date} is known: what"
                    f" {row.symbol} cost in {trading} can't be told until it is"
                )

    def conversion_rate(self, row: Row) -> Decimal | None:
        """Base currency per 1 of the other, where one of the two is the base."""
        assert row.quantity is not None
        paid = _paid(row)
        if row.symbol == self.base:
            return row.unit_price or _quotient(paid, row.quantity)
        return _quotient(row.quantity, paid) if row.currency == self.base else None

    # Accounts

    def root(self, row: Row) -> str:
        return self.accounts.root(row.account)

    def cash(self, row: Row, currency: str = "") -> str:
        return self.accounts.cash(self.root(row), currency or row.currency)

    def shares(self, row: Row, symbol: str = "") -> str:
        """Where what comes in belongs."""
        return self.accounts.shares(self.root(row), symbol or row.symbol, row.currency, self.shelf, self.method)

    def open(self, account: str) -> str:
        return self.accounts.open(account)

    def holding(self, row: Row) -> list[str]:
        """The accounts of a row that hold its security, those of its currency first. Raises _RefusedError without one."""
        root = self.root(row)
        found = [
            place for place in self.accounts.places(root, row.symbol, self.shelf) if self.shelf.held(place, row.symbol)
        ]
        if not found:
            elsewhere = [place for place in self.shelf.accounts(row.symbol) if self.shelf.held(place, row.symbol)]
            where = f"{', '.join(sorted(self.said(place) for place in elsewhere))} holds it" if elsewhere else ""
            column = "quantity" if row.kind in TAKING and not row.whole else "symbol"
            reason = "is more than is held on that day" if column == "quantity" else "is not held on that day"
            value = row.symbol if row.quantity is None else _number(row.quantity)
            suggestion = where or _MISSING_ROW
            raise _RefusedError(column, reason, suggestion, value if column == "quantity" else row.symbol)
        return sorted(found, key=lambda place: not place.startswith(f"{root}:{row.currency}:"))

    def said(self, account: str) -> str:
        """The broker account of an account of shares, as people call it."""
        roots = [account.rsplit(":", count)[0] for count in (1, 2) if account.count(":") > count]
        return self.accounts.name_of(next((root for root in roots if root in self.accounts.known_names), roots[0]))

    def source(self, row: Row) -> tuple[str, Decimal]:
        """The account that a row takes from, and how much: what the row says, or all where next to nothing would be left."""
        places = self.holding(row)
        held = sum((self.shelf.held(place, row.symbol) for place in places), ZERO)
        quantity = self.quantity(row, places, held)
        enough = [
            place
            for place in places
            if self.shelf.held(place, row.symbol) >= quantity
            and (not row.lot or any(lot.label == row.lot for lot in self.shelf.lots(place, row.symbol)))
        ]
        if not enough:
            for place in places[1:]:
                legs = self.move(
                    row, place, places[0], self.shelf.take(place, row.symbol, self.shelf.held(place, row.symbol))
                )
                self.moves.append(_Entry("Transfer", legs, note=f"{row.symbol} into one account"))
            enough = places[:1]
        lots = self.shelf.lots(enough[0], row.symbol)
        if (
            self.shelf.method(enough[0]) == "STRICT"
            and len(lots) > 1
            and not row.lot
            and quantity < self.shelf.held(enough[0], row.symbol)
        ):
            raise _RefusedError("lot", "is needed: several could be meant", "the name that the lot was bought with")
        return enough[0], quantity

    def quantity(self, row: Row, places: Sequence[str], held: Decimal) -> Decimal:
        if row.whole:
            return held
        assert row.quantity is not None
        quantity, half = row.quantity, _half_digit(row.quantity)
        fraction = held % 1
        if row.kind == "cash_in_lieu" and fraction and quantity != fraction and abs(fraction - quantity) < half:
            self.notes.append(
                f"row {row.row}: {_number(quantity)} {row.symbol} is the fraction that is held,"
                f" {_number(fraction)}, as it is printed: all of the fraction is sold"
            )
            return fraction
        rest = held - quantity
        if not rest:
            return quantity
        price = row.unit_value if row.unit_value is not None else None
        if price is None and row.amount is not None and quantity:
            price = row.amount / quantity
        if price is None:
            price = max(lot.unit_cost for place in places for lot in self.shelf.lots(place, row.symbol))
        if abs(rest) < REST_SHARE * held and abs(rest) * price < REST_MONEY and abs(rest) < half:
            said = f"the {_number(rest)} left" if rest > 0 else f"the {_number(-rest)} more than is held"
            self.notes.append(
                f"row {row.row}: {_number(quantity)} {row.symbol} closes the position of {_number(held)}:"
                f" {said} is rounding"
            )
            return held
        if rest < 0:
            raise _RefusedError(
                "quantity",
                "is more than is held on that day",
                f"{_number(held)} held; {_MISSING_ROW}",
                _number(quantity),
            )
        return quantity

    # Legs

    def charges(self, row: Row) -> list[str]:
        tax = (
            "Expenses:Withholding" if row.kind in ("dividend", "reinvested_dividend", "interest") else "Expenses:Taxes"
        )
        legs = [("Expenses:Commission", row.fee), (tax, row.tax)]
        return [self.leg(self.open(account), amount, row.currency) for account, amount in legs if amount]

    def leg(self, account: str, amount: Decimal, currency: str, rest: str = "") -> str:
        return f"{account}  {_number(amount)} {currency}{rest}"

    def units(self, account: str, units: Decimal, symbol: str, cost: str, rest: str = "") -> str:
        return f"{account}  {_number(units)} {names.commodity(symbol)} {{{cost}}}{rest}"

    def buy(self, row: Row) -> Iterator[list[str]]:
        gross = _gross(row)
        assert row.quantity is not None
        cost, account = _each(row, gross, row.quantity), self.shares(row)
        self.put(row, account, row.symbol, row.quantity, cost, row.date)
        yield [
            self.units(account, row.quantity, row.symbol, f"{_number(cost)} {row.currency}{_label(row)}"),
            self.leg(self.cash(row), -(gross + row.fee + row.tax), row.currency),
            *self.charges(row),
        ]

    def sell(self, row: Row) -> Iterator[list[str]]:
        account, quantity = self.source(row)
        gross = _gross(replace(row, quantity=quantity) if row.whole else row)
        yield [
            *self.taken(row, account, quantity, price=_each(row, gross, quantity)),
            self.leg(self.cash(row), gross - row.fee - row.tax, row.currency),
            *self.charges(row),
            self.open("Income:Realised"),
        ]

    def taken(self, row: Row, account: str, quantity: Decimal, *, price: Decimal | None = None) -> list[str]:
        """The legs of what goes, in the one form that Beancount books: it takes lots by `{}` where their cost is in the
        currency of the entry or there is no other, by the currency where it is another, by name where there are several."""
        currencies = {lot.currency for lot in self.shelf.lots(account, row.symbol)}
        parts = self.shelf.take(account, row.symbol, quantity, label=row.lot or None)
        at = "" if price is None else f" @ {_number(price)} {row.currency}"
        if len(currencies) > 1:
            if {part.currency for part in parts} != {row.currency}:
                at = ""
            return [self.units(account, -part.units, row.symbol, _lot(part), at) for part in parts]
        label = f'"{plain(row.lot)}"' if row.lot else ""
        if price is None or currencies == {row.currency}:
            return [self.units(account, -quantity, row.symbol, label, at)]
        (currency,) = currencies
        return [self.units(account, -quantity, row.symbol, ", ".join(filter(None, (currency, label))))]

    def deposit(self, row: Row) -> Iterator[list[str]]:
        return self.flow(row, _gross(row))

    def withdrawal(self, row: Row) -> Iterator[list[str]]:
        return self.flow(row, -_gross(row))

    def flow(self, row: Row, amount: Decimal) -> Iterator[list[str]]:
        external = self.open("Equity:External")
        yield [self.leg(self.cash(row), amount, row.currency), self.leg(external, -amount, row.currency)]

    def transfer(self, row: Row) -> Iterator[list[str]]:
        other = replace(row, account=row.to_account)
        if row.symbol:
            account, quantity = self.source(row)
            parts = self.shelf.take(account, row.symbol, quantity, label=row.lot or None)
            yield self.move(row, account, self.shares(other), parts)
            return
        amount = _gross(row)
        yield [self.leg(self.cash(row), -amount, row.currency), self.leg(self.cash(other), amount, row.currency)]

    def departure(self, row: Row) -> Iterator[list[str]]:
        account, quantity = self.source(row)
        parts = self.shelf.take(account, row.symbol, quantity, label=row.lot or None)
        yield self.move(row, account, self.transit(row), parts)

    def arrival(self, row: Row) -> Iterator[list[str]]:
        """Of what is on its way, as much as left: it may have been split meanwhile."""
        transit = self.transit(row)
        held = self.shelf.held(transit, row.symbol)
        assert row.quantity is not None
        parts = self.shelf.take(transit, row.symbol, min(held, row.quantity))
        if not parts:
            raise _RefusedError("symbol", "has not left the other account", _MISSING_ROW, row.symbol)
        yield self.move(row, transit, self.shares(replace(row, account=row.to_account)), parts)

    def transit(self, row: Row) -> str:
        return self.accounts.shares(TRANSIT, row.symbol, row.currency, self.shelf, self.method)

    def move(self, row: Row, frm: str, to: str, parts: Sequence[ShelfLot]) -> list[str]:
        """Lots from one account to another, each with its day and cost. They are off the shelf already."""
        gone = [self.units(frm, -part.units, row.symbol, _lot(part)) for part in parts]
        for part in parts:
            self.shelf.put(to, row.symbol, replace(part))
        return gone + [self.units(to, part.units, row.symbol, _lot(part)) for part in parts]

    def dividend(self, row: Row) -> Iterator[list[str]]:
        return self.income(row, "Income:Dividends")

    def interest(self, row: Row) -> Iterator[list[str]]:
        return self.income(row, "Income:Interest")

    def income(self, row: Row, account: str) -> Iterator[list[str]]:
        gross = _gross(row)
        yield [
            self.leg(self.cash(row), gross - row.fee - row.tax, row.currency),
            *self.charges(row),
            self.leg(self.open(account), -gross, row.currency),
        ]

    def reinvested_dividend(self, row: Row) -> Iterator[list[str]]:
        gross = _gross(row)
        assert row.quantity is not None
        cost, account = _each(row, gross, row.quantity), self.shares(row)
        self.put(row, account, row.symbol, row.quantity, cost, row.date)
        yield [
            self.units(account, row.quantity, row.symbol, f"{_number(cost)} {row.currency}{_label(row)}"),
            *self.charges(row),
            self.leg(self.open("Income:Dividends"), -(gross + row.fee + row.tax), row.currency),
        ]

    def fee(self, row: Row) -> Iterator[list[str]]:
        account = {"custody": "Expenses:Custody", "management": "Expenses:Management"}.get(
            row.fee_kind, "Expenses:Fees"
        )
        return self.charge(row, account, row.gross or row.fee)

    def tax(self, row: Row) -> Iterator[list[str]]:
        return self.charge(row, "Expenses:Taxes", row.gross or row.tax)

    def charge(self, row: Row, account: str, amount: Decimal) -> Iterator[list[str]]:
        yield [self.leg(self.cash(row), -amount, row.currency), self.leg(self.open(account), amount, row.currency)]

    def fx(self, row: Row) -> Iterator[list[str]]:
        assert row.quantity is not None
        paid = _paid(row)
        legs = [
            self.leg(self.cash(row), row.quantity, row.currency, f" @@ {_number(paid)} {row.symbol}"),
            self.leg(self.cash(row, row.symbol), -paid, row.symbol),
        ]
        yield legs + ([self.leg(self.cash(row), -row.fee, row.currency)] if row.fee else []) + self.charges(row)

    def transfer_in(self, row: Row) -> Iterator[list[str]]:
        assert row.quantity is not None
        cost = row.cost if row.cost is not None else _gross(row)
        each, acquired = _each(row, cost, row.quantity), row.acquired or row.date
        account = self.shares(row)
        self.put(row, account, row.symbol, row.quantity, each, acquired)
        lot = f"{_number(each)} {row.currency}, {acquired.isoformat()}{_label(row)}"
        yield [self.units(account, row.quantity, row.symbol, lot), self.open("Equity:External")]

    def transfer_out(self, row: Row) -> Iterator[list[str]]:
        account, quantity = self.source(row)
        yield [*self.taken(row, account, quantity), self.open("Equity:External")]

    # What happens to every lot

    def split(self, row: Row) -> Iterator[list[str]]:
        ratio = row.ratio if row.ratio is not None else row.quantity
        assert ratio is not None
        return self.renewed(row, _exact(ratio), row.symbol)

    def symbol_change(self, row: Row) -> Iterator[list[str]]:
        return self.renewed(row, _exact(row.ratio if row.ratio is not None else Decimal(1)), row.to_symbol)

    def renewed(self, row: Row, ratio: Fraction, to_symbol: str) -> Iterator[list[str]]:
        """Every lot times the ratio, at the cost that it had. What is on its way between accounts is split with the rest."""
        places = self.holding(row)
        transit = [
            place
            for place in self.accounts.places(TRANSIT, row.symbol, self.shelf)
            if self.shelf.held(place, row.symbol)
        ]
        for account in [*places, *(transit if row.kind == "split" else ())]:
            other = account if to_symbol == row.symbol else self.shares(row, to_symbol)
            lots = self.shelf.lots(account, row.symbol)
            units = spread([lot.units for lot in lots], ratio)
            after = [
                (other, to_symbol, replace(lot, units=each, unit_cost=_quotient(lot.units * lot.unit_cost, each)))
                for lot, each in zip(lots, units, strict=True)
                if each
            ]
            if not after:
                raise _RefusedError("ratio", f"leaves nothing of {_number(self.shelf.held(account, row.symbol))}")
            yield self.exchange(account, row.symbol, after)

    def spin_off(self, row: Row) -> Iterator[list[str]]:
        assert row.unit_value is not None
        assert row.to_unit_price is not None
        places = self.holding(row)
        if row.ratio is None and row.quantity is not None:
            held = sum((self.shelf.held(place, row.symbol) for place in places), ZERO)
            ratio = Fraction(row.quantity) / Fraction(held)
        else:
            ratio = _exact(row.ratio or ZERO)
        to_worth = row.to_unit_price * row.to_factor * ratio.numerator / ratio.denominator
        share = to_worth / (row.unit_value + to_worth)
        for account in places:
            other = self.shares(row, row.to_symbol)
            lots, after = self.shelf.lots(account, row.symbol), []
            for lot, units in zip(lots, spread([lot.units for lot in lots], ratio), strict=True):
                cost = lot.units * lot.unit_cost
                moved = cost * share if units else ZERO
                after.append((account, row.symbol, replace(lot, unit_cost=_quotient(cost - moved, lot.units))))
                if units:
                    after.append((other, row.to_symbol, replace(lot, units=units, unit_cost=_quotient(moved, units))))
            yield self.exchange(account, row.symbol, after)

    def return_of_capital(self, row: Row) -> Iterator[list[str]]:
        places, gross = self.holding(row), _gross(row)
        held = sum((self.shelf.held(place, row.symbol) for place in places), ZERO)
        each, left = gross / held, [gross, row.fee, row.tax]
        for number, account in enumerate(places, 1):
            lots = self.shelf.lots(account, row.symbol)
            paid_in = {lot.currency: self.paid_in(row, lot.currency) for lot in lots}
            self.dealt_in |= paid_in.keys()
            share = [self.shelf.held(account, row.symbol) / held * whole for whole in (gross, row.fee, row.tax)]
            paid, fee, tax = left if number == len(places) else [_QUOTIENT.plus(part) for part in share]
            left = [whole - part for whole, part in zip(left, (paid, fee, tax), strict=True)]
            after = [
                (
                    account,
                    row.symbol,
                    replace(lot, unit_cost=_QUOTIENT.plus(max(lot.unit_cost - each * paid_in[lot.currency], ZERO))),
                )
                for lot in lots
            ]
            is_beyond = any(lot.unit_cost < each * paid_in[lot.currency] for lot in lots)
            # Cash against cost in another currency leaves a difference in both, which Beancount fills.
            beyond = [self.open("Income:Realised")] if is_beyond or paid_in.keys() != {row.currency} else []
            legs = self.exchange(account, row.symbol, after)
            cash = self.leg(self.cash(row), paid - fee - tax, row.currency)
            yield [*legs, cash, *self.charges(replace(row, fee=fee, tax=tax)), *beyond]

    def paid_in(self, row: Row, currency: str) -> Decimal:
        """One of the row's currency in that of a lot, by the fixings that its entry tells."""
        if currency == row.currency:
            return Decimal(1)
        told = dict(self.fixings(row, (row.currency, currency)))
        if len(told) < 2:
            raise _RefusedError(
                "currency",
                f"is not that of the cost, {currency}, and no rate of the two is known of {entry_date(row)}",
                f"enter it in {currency}, and the exchange as `fx`",
                row.currency,
            )
        return told[row.currency] / told[currency]

    def fixings(self, row: Row, currencies: Iterable[str]) -> Iterator[tuple[str, Decimal]]:
        """Each of the currencies in the one that the security trades in, where that is known of the day."""
        trading = self.trading.get(row.symbol, row.currency)
        for currency in currencies:
            fixing = Decimal(1) if currency == trading else self.fixing(entry_date(row), currency, trading)
            if fixing:
                yield currency, fixing

    def exchange(self, account: str, symbol: str, after: Sequence[tuple[str, str, ShelfLot]]) -> list[str]:
        """All lots of a security against what becomes of them."""
        before = self.shelf.lots(account, symbol)
        legs = [self.units(account, -lot.units, symbol, _lot(lot)) for lot in before]
        self.shelf.empty(account, symbol)
        for place, name, lot in after:
            self.shelf.put(place, name, replace(lot))
            legs.append(self.units(place, lot.units, name, _lot(lot)))
        return legs

    def put(self, row: Row, account: str, symbol: str, units: Decimal, unit_cost: Decimal, acquired: date) -> None:
        self.shelf.put(account, symbol, ShelfLot(units, unit_cost, row.currency, acquired, row.lot or None))


_LEGS: Final[Mapping[str, Callable[[_Writer, Row], Iterator[list[str]]]]] = {
    "buy": _Writer.buy,
    "sell": _Writer.sell,
    "cash_in_lieu": _Writer.sell,
    "deposit": _Writer.deposit,
    "withdrawal": _Writer.withdrawal,
    "transfer_in": _Writer.transfer_in,
    "transfer_out": _Writer.transfer_out,
    "transfer": _Writer.transfer,
    "departure": _Writer.departure,
    "arrival": _Writer.arrival,
    "dividend": _Writer.dividend,
    "reinvested_dividend": _Writer.reinvested_dividend,
    "interest": _Writer.interest,
    "fee": _Writer.fee,
    "tax": _Writer.tax,
    "fx": _Writer.fx,
    "split": _Writer.split,
    "spin_off": _Writer.spin_off,
    "merger": _Writer.symbol_change,
    "symbol_change": _Writer.symbol_change,
    "return_of_capital": _Writer.return_of_capital,
}


def spread(units: Sequence[Decimal], ratio: Fraction) -> list[Decimal]:
    """Each times the ratio, to as many decimals as a ledger can keep; the sum is the whole times the ratio, rounded once."""
    exact = [Fraction(each) * ratio for each in units]
    whole = sum(exact, Fraction(0))
    decimals = max(0, min(_MAX_DECIMALS, _MAX_DIGITS - len(str(max(int(whole), int(sum(units, ZERO)))))))
    steps = [int(each * 10**decimals) for each in exact]
    missing = round(whole * 10**decimals) - sum(steps)
    rest = sorted(range(len(exact)), key=lambda at: exact[at] * 10**decimals - steps[at], reverse=True)
    for at in rest[:missing]:
        steps[at] += 1
    return [Decimal(each).scaleb(-decimals) for each in steps]


def _exact(ratio: Decimal) -> Fraction:
    """A ratio that was written with many digits is the simple fraction that it is rounded from: 0.083333333333 is 1:12."""
    digits = ratio.as_tuple()
    exponent = digits.exponent if isinstance(digits.exponent, int) else 0
    simple = Fraction(ratio).limit_denominator(10_000)
    if len(digits.digits) >= 12 and abs(simple - Fraction(ratio)) <= Fraction(10) ** exponent:
        return simple
    return Fraction(ratio)


def _half_digit(number: Decimal) -> Decimal:
    """Half of the last digit that is printed."""
    exponent = number.as_tuple().exponent
    return Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1)


def _gross(row: Row) -> Decimal:
    assert row.gross is not None  # checking.find_faults has asked for it
    return row.gross


def _each(row: Row, whole: Decimal, quantity: Decimal) -> Decimal:
    """Money for one unit: the price where it comes to what was paid, else what was paid by the units."""
    price = row.unit_value
    return price if price is not None and price * quantity == whole else _quotient(whole, quantity)


def _paid(row: Row) -> Decimal:
    """What a conversion took of the other currency."""
    assert row.quantity is not None
    if row.counter_amount is not None:
        return row.counter_amount
    assert row.unit_price is not None
    return row.quantity * row.unit_price


def _quotient(whole: Decimal, parts: Decimal) -> Decimal:
    return _QUOTIENT.divide(whole, parts)


def _lot(lot: ShelfLot) -> str:
    label = f', "{lot.label}"' if lot.label else ""
    return f"{_number(lot.unit_cost)} {lot.currency}, {lot.acquired.isoformat()}{label}"


def _number(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _label(row: Row) -> str:
    return f', "{plain(row.lot)}"' if row.lot else ""


def _saying(row: Row) -> str:
    quantity = "all" if row.whole else "" if row.quantity is None else _number(row.quantity)
    kind = "Transfer" if row.kind in ("departure", "arrival") else row.kind.replace("_", " ").capitalize()
    return " ".join(part for part in [kind, quantity, row.symbol, row.to_symbol and f"to {row.to_symbol}"] if part)


def _with_id(text: str, name: str) -> str:
    """The entry with its id, which it may have already."""
    if re.search(r"^[ \t]+id:", text, re.MULTILINE):
        return text
    first, _, rest = text.partition("\n")
    return f'{first}\n  id: "{name}"\n{rest}'
