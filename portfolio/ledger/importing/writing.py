"""Rows as the text of a ledger, in the conventions of docs/transactions.md.

Amounts are written exactly as they follow from the row; what a broker rounded (a row's `amount`) differs in a leg of its own,
Expenses:Rounding. Securities are sold as `{}` or by the name of their lot: Beancount picks the lots, by the account's method.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

from portfolio.ledger.reader import Entry

from .rows import ZERO, Row
from .shelf import Shelf, ShelfLot

OPENED: Final = "1970-01-01"
"""When an account that an import needs is opened: before anything, so that an older file may follow."""
BROKER: Final = "Assets:Broker"
NEEDS_LOTS: Final = frozenset({"split", "spin_off", "merger", "symbol_change", "return_of_capital"})
"""Kinds whose entries name every lot that is held, before and after."""

_PRECISE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_UNIT_COST = Decimal("1e-12")
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029]+')


@dataclass(frozen=True, slots=True)
class Written:
    """text: a file of the ledger; rows: (its first line, the row) of each entry, in rising order.

    unheld  rows of NEEDS_LOTS whose security is not held on their day: no entry can be made of them
    """

    text: str
    rows: tuple[tuple[int, Row], ...]
    unheld: tuple[Row, ...] = ()

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
        f'option "title" "{_plain(title)}"\n'
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
    open_accounts: Collection[str],
    opens: Mapping[str, str],
    before: Iterable[Entry] = (),
) -> Written:
    """(entry id, row) in the order of their file -> a file of the ledger, its entries in order of date.

    heading        lines of comment
    open_accounts  accounts that the ledger has; what else is needed is opened, by the directives of `opens` where it has one
    before         the ledger's entries, booked; needed where rows are of NEEDS_LOTS
    """
    with localcontext(_PRECISE):
        writer = _Writer(base_currency, beancount_method(method), before)
        ordered = sorted(rows, key=lambda each: entry_date(each[1]))
        entries = [(row, writer.entry(name, row)) for name, row in ordered]
    directives = [
        text
        for account, text in {**writer.opened, **opens}.items()
        if account not in open_accounts and (account in opens or account in writer.opened)
    ]
    lines = [*(f"; {_plain(each)}" for each in heading), "", *directives, ""]
    line, placed = sum(each.count("\n") + 1 for each in lines) + 1, []
    for row, text in entries:
        placed.append((line, row))
        lines += [text, ""]
        line += text.count("\n") + 2
    return Written("\n".join(lines), tuple(placed), tuple(writer.unheld))


def entry_date(row: Row) -> date:
    """When it is booked: income when it is paid."""
    return row.pay_date or row.date


class _Writer:
    def __init__(self, base_currency: str, method: str, before: Iterable[Entry]) -> None:
        self.base, self.method = base_currency, method
        self.opened: dict[str, str] = {}
        self.shelf, self.before = Shelf(method), sorted(before, key=lambda entry: entry.date)
        self.replayed = 0
        self.unheld: list[Row] = []

    def entry(self, name: str, row: Row) -> str:
        self.replay(entry_date(row))
        if row.text:
            return _with_id(row.text, name)
        if row.kind in NEEDS_LOTS and not self.shelf.held(self.shares(row), row.symbol):
            self.unheld.append(row)
            return ""
        legs = _LEGS[row.kind](self, row)
        meta = [("id", f'"{name}"'), *self.metadata(row)]
        title, saying = row.kind.replace("_", " ").capitalize(), row.note or _saying(row)
        return "\n".join(
            [
                f'{entry_date(row).isoformat()} * "{title}" "{_plain(saying)[:200]}"',
                *(f"  {key}: {value}" for key, value in meta),
                *(f"  {leg}" for leg in legs),
            ]
        )

    def replay(self, until: date) -> None:
        while self.replayed < len(self.before) and self.before[self.replayed].date <= until:
            self.shelf.replay(self.before[self.replayed])
            self.replayed += 1

    def metadata(self, row: Row) -> Iterable[tuple[str, str]]:
        if row.kind in ("dividend", "reinvested_dividend", "return_of_capital"):
            if row.kind == "dividend":
                yield "symbol", f'"{row.symbol}"'
            if row.unit_price is not None and row.quantity is not None:
                yield "per_share", f'"{_number(row.unit_price)}"'
            ex_date = row.ex_date or (row.date if row.pay_date and row.date < row.pay_date else None)
            dates = (("ex_date", ex_date), ("pay_date", row.pay_date), ("settle_date", row.settle_date))
        else:
            dates = (("ex_date", row.ex_date), ("pay_date", row.pay_date), ("settle_date", row.settle_date))
        yield from ((key, day.isoformat()) for key, day in dates if day is not None)
        if row.kind == "fx":
            rate = self.conversion_rate(row)
        else:
            rate = row.fx_rate if row.currency != self.base else None
        if rate:
            key = "fx_pay" if row.kind in ("dividend", "interest", "return_of_capital") else "fx_trade"
            foreign = row.symbol if row.kind == "fx" and row.currency == self.base else row.currency
            yield "fx_rate" if row.kind == "fx" else key, f'"{foreign}{self.base}={_number(rate)}"'
        if row.kind == "split" and row.ratio is None and row.quantity is not None:
            yield "split_ratio", f'"{_number(row.quantity)}:1"'
        elif row.ratio is not None and row.kind in ("split", "spin_off", "merger", "symbol_change"):
            yield "split_ratio" if row.kind == "split" else "ratio", f'"{_number(row.ratio)}:1"'
        if row.given_id:
            yield "import_digest", f'"{row.digest()[:16]}"'

    def conversion_rate(self, row: Row) -> Decimal | None:
        """Base currency per 1 of the other, where one of the two is the base."""
        assert row.quantity is not None
        paid = _paid(row)
        if row.symbol == self.base:
            return row.unit_price or _short(paid / row.quantity)
        return _short(row.quantity / paid) if row.currency == self.base else None

    # Accounts

    def root(self, row: Row) -> str:
        if not row.account:
            return BROKER
        if ":" in row.account:
            return row.account
        name = re.sub(r"[\W_]+", "-", row.account).strip("-") or "Account"
        return f"Assets:{name[0].upper()}{name[1:]}"

    def cash(self, row: Row, currency: str = "") -> str:
        currency = currency or row.currency
        return self.open(f"{self.root(row)}:Cash:{currency}", currency)

    def shares(self, row: Row, symbol: str = "") -> str:
        symbol = symbol or row.symbol
        leaf = re.sub(r"[^A-Z0-9]", "-", symbol)
        return self.open(f"{self.root(row)}:{row.currency}:{leaf}", f'{symbol} "{self.method}"')

    def open(self, account: str, holds: str = "") -> str:
        self.opened.setdefault(account, f"{OPENED} open {account} {holds}".rstrip())
        return account

    # Legs

    def charges(self, row: Row, rounding: Decimal = ZERO) -> list[str]:
        tax = (
            "Expenses:Withholding" if row.kind in ("dividend", "reinvested_dividend", "interest") else "Expenses:Taxes"
        )
        legs = [("Expenses:Commission", row.fee), (tax, row.tax), ("Expenses:Rounding", rounding)]
        return [self.leg(self.open(account), amount, row.currency) for account, amount in legs if amount]

    def leg(self, account: str, amount: Decimal, currency: str, rest: str = "") -> str:
        return f"{account}  {_number(amount)} {currency}{rest}"

    def buy(self, row: Row) -> list[str]:
        price, worth, gross = _priced(row)
        assert row.quantity is not None
        account = self.shares(row)
        self.put(row, account, row.symbol, row.quantity, price, row.date)
        return [
            f"{account}  {_number(row.quantity)} {row.symbol} {{{_number(price)} {row.currency}{_label(row)}}}",
            self.leg(self.cash(row), -(gross + row.fee + row.tax), row.currency),
            *self.charges(row, gross - worth),
        ]

    def sell(self, row: Row) -> list[str]:
        price, worth, gross = _priced(row)
        assert row.quantity is not None
        account, lot = self.shares(row), f'"{_plain(row.lot)}"' if row.lot else ""
        self.shelf.take(account, row.symbol, row.quantity, label=row.lot or None)
        return [
            f"{account}  {_number(-row.quantity)} {row.symbol} {{{lot}}} @ {_number(price)} {row.currency}",
            self.leg(self.cash(row), gross - row.fee - row.tax, row.currency),
            *self.charges(row, worth - gross),
            self.open("Income:Realised"),
        ]

    def deposit(self, row: Row) -> list[str]:
        return self.flow(row, _gross(row))

    def withdrawal(self, row: Row) -> list[str]:
        return self.flow(row, -_gross(row))

    def flow(self, row: Row, amount: Decimal) -> list[str]:
        external = self.open("Equity:External")
        return [self.leg(self.cash(row), amount, row.currency), self.leg(external, -amount, row.currency)]

    def transfer(self, row: Row) -> list[str]:
        amount, other = _gross(row), replace(row, account=row.to_account)
        return [self.leg(self.cash(row), -amount, row.currency), self.leg(self.cash(other), amount, row.currency)]

    def dividend(self, row: Row) -> list[str]:
        return self.income(row, "Income:Dividends")

    def interest(self, row: Row) -> list[str]:
        return self.income(row, "Income:Interest")

    def income(self, row: Row, account: str) -> list[str]:
        gross = _gross(row)
        return [
            self.leg(self.cash(row), gross - row.fee - row.tax, row.currency),
            *self.charges(row),
            self.leg(self.open(account), -gross, row.currency),
        ]

    def reinvested_dividend(self, row: Row) -> list[str]:
        price, worth, _ = _priced(row)
        assert row.quantity is not None
        account = self.shares(row)
        self.put(row, account, row.symbol, row.quantity, price, row.date)
        return [
            f"{account}  {_number(row.quantity)} {row.symbol} {{{_number(price)} {row.currency}{_label(row)}}}",
            *self.charges(row),
            self.leg(self.open("Income:Dividends"), -(worth + row.fee + row.tax), row.currency),
        ]

    def fee(self, row: Row) -> list[str]:
        account = {"custody": "Expenses:Custody", "management": "Expenses:Management"}.get(
            row.fee_kind, "Expenses:Fees"
        )
        return self.charge(row, account, row.gross or row.fee)

    def tax(self, row: Row) -> list[str]:
        return self.charge(row, "Expenses:Taxes", row.gross or row.tax)

    def charge(self, row: Row, account: str, amount: Decimal) -> list[str]:
        return [self.leg(self.cash(row), -amount, row.currency), self.leg(self.open(account), amount, row.currency)]

    def fx(self, row: Row) -> list[str]:
        assert row.quantity is not None
        paid = _paid(row)
        legs = [
            self.leg(self.cash(row), row.quantity, row.currency, f" @@ {_number(paid)} {row.symbol}"),
            self.leg(self.cash(row, row.symbol), -paid, row.symbol),
        ]
        return legs + ([self.leg(self.cash(row), -row.fee, row.currency)] if row.fee else []) + self.charges(row)

    def transfer_in(self, row: Row) -> list[str]:
        assert row.quantity is not None
        cost = row.cost if row.cost is not None else _gross(row)
        unit_cost, acquired = _short(cost / row.quantity), row.acquired or row.date
        account = self.shares(row)
        self.put(row, account, row.symbol, row.quantity, unit_cost, acquired)
        lot = f"{_number(unit_cost)} {row.currency}, {acquired.isoformat()}{_label(row)}"
        return [f"{account}  {_number(row.quantity)} {row.symbol} {{{lot}}}", self.open("Equity:External")]

    def transfer_out(self, row: Row) -> list[str]:
        assert row.quantity is not None
        account, lot = self.shares(row), f'"{_plain(row.lot)}"' if row.lot else ""
        self.shelf.take(account, row.symbol, row.quantity, label=row.lot or None)
        return [f"{account}  {_number(-row.quantity)} {row.symbol} {{{lot}}}", self.open("Equity:External")]

    # What happens to every lot

    def split(self, row: Row) -> list[str]:
        ratio = row.ratio if row.ratio is not None else row.quantity
        assert ratio is not None
        account = self.shares(row)
        lots = self.shelf.lots(account, row.symbol)
        return self.exchange(
            account, row.symbol, [(account, row.symbol, _scaled(lot, ratio, lot.unit_cost / ratio)) for lot in lots]
        )

    def symbol_change(self, row: Row) -> list[str]:
        ratio = row.ratio if row.ratio is not None else Decimal(1)
        account, other = self.shares(row), self.shares(row, row.to_symbol)
        lots = self.shelf.lots(account, row.symbol)
        return self.exchange(
            account, row.symbol, [(other, row.to_symbol, _scaled(lot, ratio, lot.unit_cost / ratio)) for lot in lots]
        )

    def spin_off(self, row: Row) -> list[str]:
        assert row.unit_price is not None
        assert row.to_unit_price is not None
        account, other = self.shares(row), self.shares(row, row.to_symbol)
        held = self.shelf.held(account, row.symbol)
        if row.ratio is None and row.quantity is not None:
            ratio = row.quantity / held
        else:
            ratio = row.ratio or ZERO
        worth, to_worth = row.unit_price, row.to_unit_price * ratio
        share = to_worth / (worth + to_worth)
        after = []
        for lot in self.shelf.lots(account, row.symbol):
            moved = _short(lot.unit_cost * share / ratio)
            after.append((account, row.symbol, replace(lot, unit_cost=_short(lot.unit_cost - moved * ratio))))
            after.append((other, row.to_symbol, replace(lot, units=_short(lot.units * ratio), unit_cost=moved)))
        return self.exchange(account, row.symbol, after)

    def return_of_capital(self, row: Row) -> list[str]:
        account, gross = self.shares(row), _gross(row)
        held = self.shelf.held(account, row.symbol)
        each = gross / held
        lots = self.shelf.lots(account, row.symbol)
        after = [(account, row.symbol, replace(lot, unit_cost=_short(max(lot.unit_cost - each, ZERO)))) for lot in lots]
        beyond = [self.open("Income:Realised")] if any(lot.unit_cost < each for lot in lots) else []
        legs = self.exchange(account, row.symbol, after)
        return [*legs, self.leg(self.cash(row), gross - row.fee - row.tax, row.currency), *self.charges(row), *beyond]

    def exchange(self, account: str, symbol: str, after: Sequence[tuple[str, str, ShelfLot]]) -> list[str]:
        """All lots of a security against what becomes of them."""
        before = self.shelf.lots(account, symbol)
        legs = [_lot_leg(account, symbol, replace(lot, units=-lot.units)) for lot in before]
        self.shelf.empty(account, symbol)
        for place, name, lot in after:
            self.shelf.put(place, name, replace(lot))
            legs.append(_lot_leg(place, name, lot))
        return legs

    def put(self, row: Row, account: str, symbol: str, units: Decimal, unit_cost: Decimal, acquired: date) -> None:
        self.shelf.put(account, symbol, ShelfLot(units, unit_cost, row.currency, acquired, row.lot or None))


_LEGS: Final[Mapping[str, Callable[[_Writer, Row], list[str]]]] = {
    "buy": _Writer.buy,
    "sell": _Writer.sell,
    "cash_in_lieu": _Writer.sell,
    "deposit": _Writer.deposit,
    "withdrawal": _Writer.withdrawal,
    "transfer_in": _Writer.transfer_in,
    "transfer_out": _Writer.transfer_out,
    "transfer": _Writer.transfer,
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


def _gross(row: Row) -> Decimal:
    assert row.gross is not None  # checking.find_faults has asked for it
    return row.gross


def _priced(row: Row) -> tuple[Decimal, Decimal, Decimal]:
    """Unit price, quantity x unit price, and the gross amount, which a broker may have rounded."""
    assert row.quantity is not None
    price = row.unit_price if row.unit_price is not None else _short(_gross(row) / row.quantity)
    return price, row.quantity * price, _gross(row)


def _paid(row: Row) -> Decimal:
    """What a conversion took of the other currency."""
    assert row.quantity is not None
    if row.counter_amount is not None:
        return row.counter_amount
    assert row.unit_price is not None
    return row.quantity * row.unit_price


def _scaled(lot: ShelfLot, ratio: Decimal, unit_cost: Decimal) -> ShelfLot:
    return replace(lot, units=_short(lot.units * ratio), unit_cost=_short(unit_cost))


def _lot_leg(account: str, symbol: str, lot: ShelfLot) -> str:
    label = f', "{lot.label}"' if lot.label else ""
    cost = f"{_number(lot.unit_cost)} {lot.currency}, {lot.acquired.isoformat()}{label}"
    return f"{account}  {_number(lot.units)} {symbol} {{{cost}}}"


def _short(number: Decimal) -> Decimal:
    """To twelve decimals: what a whole lot costs stays right to far less than a cent."""
    return number.quantize(_UNIT_COST)


def _number(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _label(row: Row) -> str:
    return f', "{_plain(row.lot)}"' if row.lot else ""


def _plain(text: str) -> str:
    """Text that can stand between quotes and in a comment."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def _saying(row: Row) -> str:
    parts = [row.kind.replace("_", " ").capitalize(), "" if row.quantity is None else _number(row.quantity), row.symbol]
    return " ".join(part for part in [*parts, row.to_symbol and f"to {row.to_symbol}"] if part)


def _with_id(text: str, name: str) -> str:
    """The entry with its id, which it may have already."""
    if re.search(r"^[ \t]+id:", text, re.MULTILINE):
        return text
    first, _, rest = text.partition("\n")
    return f'{first}\n  id: "{name}"\n{rest}'
