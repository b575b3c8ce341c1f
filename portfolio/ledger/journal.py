"""What the entries of a ledger mean: typed events, read from accounts, lots and metadata rather than from prose."""

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from hashlib import sha256
from itertools import groupby
from typing import Final, Literal, NamedTuple, TypeAlias

from pricing.fx import CURRENCIES

from . import names, reader
from .reader import Cost, Custom, Entry, LedgerReading, Posting
from .screening import Finding, LedgerRefused

Kind: TypeAlias = Literal[
    "buy",
    "sell",
    "deposit",
    "withdrawal",
    "transfer_in",
    "transfer_out",
    "transfer",
    "dividend",
    "reinvested_dividend",
    "interest",
    "fee",
    "outside_fee",
    "tax",
    "fx",
    "split",
    "spin_off",
    "merger",
    "return_of_capital",
]
FeeKind: TypeAlias = Literal["custody", "management", "other"]
AccountMethod: TypeAlias = Literal["FIFO", "LIFO", "HIFO", "NAMED"]

ZERO: Final = Decimal()
COST_TOLERANCE: Final = Decimal("0.005")  # a split keeps the cost of each lot to half a cent
MAX_FINDINGS: Final = 100
WHOLE_HOLDING: Final = frozenset({"split", "spin_off", "merger", "return_of_capital"})
"""Kinds that happen to every share of a security in an account."""

_ACCOUNT_METHODS: Final[Mapping[str, AccountMethod]] = {
    "FIFO": "FIFO",
    "LIFO": "LIFO",
    "HIFO": "HIFO",
    "STRICT": "NAMED",
    "STRICT_WITH_SIZE": "NAMED",
}

TIEOUT: Final = "tieout"
"""The type of the `custom` directives that are meant for us."""
_SETTING_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking-method": ("FIFO", "LIFO", "HIFO", "AVERAGE", "NAMED"),
    "fees-in-cost": ("TRUE", "FALSE"),
    "trade-fx": ("ledger", "fixing"),
}
IN_TRANSIT: Final = "Assets:InTransit"
"""Where securities and money are between two own accounts, if they leave the one before they come to the other."""

# First letters of an account's component below its root, lower case: what money there is for.
_EXPENSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("interest", ("interest",)),
    ("tax", ("tax", "withholding")),
    ("rounding", ("rounding",)),
    ("custody", ("custody", "safekeeping")),
    ("management", ("management", "advisory")),
    ("other", ("fee", "commission", "brokerage", "charge", "bank", "stampduty", "stamp-duty", "exchange")),
)
_INCOME: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("dividend", ("dividend",)),
    ("interest", ("interest",)),
    ("realised", ("realis", "realiz", "gain", "capitalgain", "capital-gain", "pnl")),
)
_EQUITY: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (("external", ("external",)),)
_ROOTS: Final = {"Expenses": _EXPENSES, "Income": _INCOME, "Equity": _EQUITY}
_FEES: Final = ("custody", "management", "other")

_CURRENCY = re.compile(r"[A-Z]{3}")
_RATE = re.compile(r"([A-Z]{3})([A-Z]{3})=([0-9]+(?:\.[0-9]+)?)")
_RATIO = re.compile(r"([0-9]+(?:\.[0-9]+)?):([0-9]+(?:\.[0-9]+)?)")
_ID = re.compile(r"\S{1,64}")
_ACCOUNT_ROOT = re.compile(r"Assets(?::[^\s:]+)+")


class EntryRefused(LedgerRefused):
    """Entries that Beancount accepts and that we cannot read as events of a portfolio."""


class LedgerLot(NamedTuple):
    """A parcel as the ledger names it; quantity > 0, cost fees apart. `currency` where it is not that of its event."""

    quantity: Decimal
    unit_cost: Decimal
    acquired: dt.date
    label: str | None = None
    currency: str | None = None


class Fixing(NamedTuple):
    """How much of `quote`, in which the security trades, one of `base`, in which it was dealt, was on the day."""

    base: str
    quote: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What a ledger's `custom "tieout"` directives choose, the last of a name; None where it has none."""

    booking_method: str | None = None
    fees_in_cost: bool | None = None
    trade_fx: str | None = None


@dataclass(frozen=True, slots=True)
class InferredDeposits:
    """Below which accounts money that no entry brings is taken as deposited, and below which never: they may owe.

    roots   account -> the directive; `*` is all of them
    margin  accounts whose cash may be below zero
    """

    roots: Mapping[str, Custom]
    margin: frozenset[str]

    def root_of(self, account: str) -> Custom | None:
        """The directive that speaks of a cash account; None for one that is to hold what its entries say."""
        if not account.startswith("Assets:") or _below(account, [IN_TRANSIT, *self.margin]):
            return None
        return next((each for root, each in self.roots.items() if root == "*" or _below(account, [root])), None)


def _below(account: str, roots: Iterable[str]) -> bool:
    return any(account == root or account.startswith(f"{root}:") for root in roots)


class CashLeg(NamedTuple):
    account: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTransaction:
    """One event. `amount` is the net change of cash in `currency`, money in positive, after fee, tax and rounding.

    quantity      > 0, direction by kind; splits: units held after less units before (signed); mergers: of `symbol`, closed;
                  none where no units of `symbol` move (spin_off, return_of_capital)
    unit_price    in `currency`, of deals and reinvested dividends
    fee, tax      in `currency`, >= 0 but where a fee or tax itself is paid back, or a dividend taken back with what was withheld;
                  tax of income is what was withheld: gross = amount + tax + fee + rounding, and of a reinvested dividend
                  quantity * unit_price + tax + fee + rounding
    rounding      what the entry books as lost (positive) or won by rounding to cents: quantity * unit_price, signed as cash,
                  = amount + fee + tax + rounding
    counter_*     the second cash leg of a conversion; `currency` is then the one that is charged for it, else the one that is
                  not the base currency
    fx_rate       base currency per 1 `currency`, on the trade date (income: pay date), where the ledger carries it
    ratio         new units per old (spin_off: units of `to_symbol` per one of `symbol`)
    to_quantity   units that the ledger has after a split, or receives of `to_symbol`: exact where the ratio can't be
    to_symbol     spin_off, merger: the security received, in `to_account`; transfer: `to_account` alone
    acquired      transfer_in of one lot: the day it was bought; `cost` what all lots cost, in `currency`, and `cost_fx_rate`
                  the rate on that day
    lots          opened (buy, transfer_in, reinvested_dividend), closed as the ledger names them (sell, transfer_out,
                  transfer), or as they were before (split, spin_off, merger, return_of_capital)
    cash          every cash leg as booked
    fixings       of the currencies dealt in, in the one that the security trades in; of transfer_in on the day of purchase
    inferred      a deposit that no entry tells: what an account needed so that its cash was not below zero
    """

    entry_id: str
    date: dt.date
    kind: Kind
    account: str
    symbol: str | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal = ZERO
    currency: str
    fee: Decimal = ZERO
    fee_kind: FeeKind | None = None
    tax: Decimal = ZERO
    rounding: Decimal = ZERO
    counter_amount: Decimal | None = None
    counter_currency: str | None = None
    fx_rate: Decimal | None = None
    ratio: Decimal | None = None
    ex_date: dt.date | None = None
    pay_date: dt.date | None = None
    settle_date: dt.date | None = None
    per_share: Decimal | None = None
    to_quantity: Decimal | None = None
    to_symbol: str | None = None
    to_account: str | None = None
    acquired: dt.date | None = None
    cost: Decimal | None = None
    cost_fx_rate: Decimal | None = None
    note: str = ""
    file: str
    line: int
    lots: tuple[LedgerLot, ...] = ()
    cash: tuple[CashLeg, ...] = ()
    fixings: tuple[Fixing, ...] = ()
    inferred: bool = False

    @property
    def cost_share(self) -> Decimal | None:
        """Of a spin-off: the part of the old lots' cost that the new ones take; None where the lots had no cost."""
        if self.kind != "spin_off" or self.cost is None:
            return None
        total = sum((lot.quantity * lot.unit_cost for lot in self.lots), ZERO)
        return self.cost / total if total else None


def transactions(reading: LedgerReading) -> tuple[LedgerTransaction, ...]:
    """The events of a ledger in its order, each with an id of its own; deposits that are inferred are not among them
    (`with_inferred`).

    raises  EntryRefused with every entry (at most 100) that fits no kind, by file, line and reason
    """
    events = _Events(_Chart(reading))
    events.take(reading.entries)
    if events.findings:
        raise EntryRefused(tuple(events.findings))
    return tuple(events.found)


def read(files: Mapping[str, bytes]) -> tuple[LedgerReading, tuple[LedgerTransaction, ...]]:
    """reader.read and `transactions` in one, which takes less time: events are made while Beancount still books. Raises as
    the two do."""
    early: _Events | None = None

    def take(operating_currencies: Sequence[str], entries: Sequence[Entry]) -> None:
        nonlocal early
        if early is None:
            early = _Events(_Chart(LedgerReading("", tuple(operating_currencies), None, (), (), (), ()), early=True))
        early.take(entries)

    reading = reader.read(files, each=take)
    events = None if early is None else early.completed(reading)
    return reading, transactions(reading) if events is None else events


def account_methods(reading: LedgerReading) -> dict[str, AccountMethod]:
    """Which lot a sale takes in the accounts that the ledger opens with a booking method of their own."""
    told = ((each.account, _ACCOUNT_METHODS.get(each.booking or "")) for each in reading.opens)
    return {account: method for account, method in told if method is not None}


def settings(reading: LedgerReading) -> LedgerSettings:
    """What the ledger chooses for itself. Raises EntryRefused for a choice that there is not, by file and line."""
    chosen: dict[str, str] = {}
    for each in _directives(reading):
        name, value = each.values
        if name in _SETTING_VALUES:
            chosen[name] = value
    fees = chosen.get("fees-in-cost")
    return LedgerSettings(
        booking_method=chosen.get("booking-method"),
        fees_in_cost=None if fees is None else fees == "TRUE",
        trade_fx=chosen.get("trade-fx"),
    )


def inferred_deposits(reading: LedgerReading) -> InferredDeposits:
    """Where deposits are inferred. Raises EntryRefused as `settings` does."""
    roots: dict[str, Custom] = {}
    margin = set()
    for each in _directives(reading):
        name, value = each.values
        if name == "infer-deposits":
            roots.setdefault(value, each)
        elif name == "margin":
            margin.add(value)
    return InferredDeposits(roots, frozenset(margin))


def _directives(reading: LedgerReading) -> Iterable[Custom]:
    """The `custom "tieout" "name" value` of a ledger in their order, each known and whole."""
    findings = []
    # What an account is called (names.NAME) is for people alone.
    ours = [each for each in reading.customs if each.type == TIEOUT and each.values[:1] != (names.NAME,)]
    for each in ours:
        name, *values = each.values or ("",)
        if name in _SETTING_VALUES:
            if len(values) != 1 or values[0] not in _SETTING_VALUES[name]:
                findings.append(Finding(each.file, each.line, f"{name} is one of {', '.join(_SETTING_VALUES[name])}"))
        elif name in ("infer-deposits", "margin"):
            everywhere = name == "infer-deposits" and values == ["*"]
            if len(values) != 1 or not (everywhere or _ACCOUNT_ROOT.fullmatch(values[0])):
                findings.append(Finding(each.file, each.line, f"{name} names an account below Assets"))
        else:
            known = ", ".join([*_SETTING_VALUES, "infer-deposits", "margin"])
            findings.append(Finding(each.file, each.line, f"{name or 'nothing'} is no setting; there are {known}"))
    if findings:
        raise EntryRefused(tuple(findings[:MAX_FINDINGS]))
    return ours


def with_inferred(reading: LedgerReading, transactions: Sequence[LedgerTransaction]) -> tuple[LedgerTransaction, ...]:
    """The events with a deposit before those of each day at whose end an account's cash in a currency would be below zero, of
    accounts that the ledger infers deposits for. None is inferred of another currency, and no withdrawal."""
    rules = inferred_deposits(reading)
    if not rules.roots:
        return tuple(transactions)
    balances: dict[tuple[str, str], Decimal] = {}
    found: list[LedgerTransaction] = []
    for day, events in groupby(transactions, key=lambda event: event.date):
        of_the_day = list(events)
        touched: dict[tuple[str, str], Custom] = {}
        for event in of_the_day:
            for account, currency, amount in event.cash:
                if directive := rules.root_of(account):
                    touched[account, currency] = directive
                    balances[account, currency] = balances.get((account, currency), ZERO) + amount
        for (account, currency), directive in touched.items():
            lacking = -balances[account, currency]
            if lacking > 0:
                balances[account, currency] = ZERO
                found.append(_inferred_deposit(day, account, currency, lacking, directive))
        found += of_the_day
    return tuple(found)


def _inferred_deposit(
    day: dt.date, account: str, currency: str, amount: Decimal, directive: Custom
) -> LedgerTransaction:
    name = sha256(f"inferred deposit|{day.isoformat()}|{account}|{currency}".encode()).hexdigest()[:24]
    return LedgerTransaction(
        entry_id=f"I{name}",
        date=day,
        kind="deposit",
        account=account,
        amount=amount,
        currency=currency,
        note="inferred: the cash would be below zero without it",
        file=directive.file,
        line=directive.line,
        cash=(CashLeg(account, currency, amount),),
        inferred=True,
    )


def currencies(reading: LedgerReading) -> frozenset[str]:
    """What this ledger holds as money."""
    return _Chart(reading).currencies


class _UnreadableError(Exception):
    """Why an entry is refused; it leaves this module as a Finding."""


class _NotYetKnownError(Exception):
    """Only the whole ledger can tell."""


class _Events:
    """Events of entries, taken in the order of the ledger."""

    def __init__(self, chart: "_Chart") -> None:
        self.chart, self.ids, self.open_lots = chart, _Ids(), _OpenLots()
        self.found: list[LedgerTransaction] = []
        self.findings: list[Finding] = []
        self._put_off: list[tuple[int, Entry, str, Mapping[tuple[str, str], Decimal]]] = []

    def take(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if len(self.findings) == MAX_FINDINGS:
                return
            try:
                before, entry_id = self.open_lots.book(entry), self.ids.take(entry)
                self.found.append(_read_event(entry, self.chart, entry_id, before))
            except _NotYetKnownError:
                self._put_off.append((len(self.found), entry, entry_id, before))
            except _UnreadableError as refused:
                self.findings.append(Finding(entry.file, entry.line, str(refused)))

    def completed(self, reading: LedgerReading) -> tuple[LedgerTransaction, ...] | None:
        """All events of a ledger whose entries were taken by an early chart, with those that were put off; None where an entry
        is refused, or where the early chart took for money what the whole ledger holds as a security."""
        chart = _Chart(reading)
        if (
            len(self.found) + len(self._put_off) != len(reading.entries)
            or not self.chart.currencies <= chart.currencies
        ):
            return None
        events, taken = list[LedgerTransaction](), 0
        try:
            for place, entry, entry_id, before in self._put_off:
                events.extend(self.found[taken:place])
                events.append(_read_event(entry, chart, entry_id, before))
                taken = place
        except _UnreadableError:
            return None
        return (*events, *self.found[taken:])


def _read_event(
    entry: Entry, chart: "_Chart", entry_id: str, before: Mapping[tuple[str, str], Decimal]
) -> LedgerTransaction:
    event = _classify(entry, chart, entry_id)
    if event.kind in WHOLE_HOLDING:
        _require_all_lots(event, before)
    return event


class _Chart:
    """What the accounts and commodities of a ledger are. Early: before its last entry, while not all of it is known."""

    def __init__(self, reading: LedgerReading, *, early: bool = False) -> None:
        self._reading, self._early = reading, early
        self.base = reading.operating_currencies[0] if reading.operating_currencies else None
        self._purposes: dict[str, str] = {}

    @cached_property
    def held(self) -> frozenset[str]:
        """Commodities ever held at cost: securities."""
        return frozenset(p.commodity for entry in self._reading.entries for p in entry.postings if p.cost is not None)

    @cached_property
    def currencies(self) -> frozenset[str]:
        """Three capitals, never held at cost, and of ISO 4217 or used here to buy, price or report in."""
        found = set(CURRENCIES) | set(self._reading.operating_currencies)
        found |= {price.currency for price in self._reading.prices}
        for entry in self._reading.entries:
            for posting in entry.postings:
                if posting.cost is not None:
                    found.add(posting.cost.currency)
                if posting.price is not None:
                    found.add(posting.price.currency)
        return frozenset(code for code in found if _CURRENCY.fullmatch(code)) - self.held

    def is_money(self, commodity: str) -> bool:
        """Raises _NotYetKnownError where an early chart knows of no such currency."""
        if commodity in self.currencies:
            return True
        self.require_whole()
        return False

    def require_whole(self) -> None:
        """Raises _NotYetKnownError of an early chart."""
        if self._early:
            raise _NotYetKnownError

    def purpose(self, account: str) -> str:
        """asset, or what an income, expense or equity account is for. Raises _UnreadableError for what is not known."""
        found = self._purposes.get(account)
        if found is None:
            found = self._purposes[account] = _find_purpose(account)
        return found

    def commodity_of(self, account: str) -> str | None:
        """The security that an account's last component names (`ALV-DE` for ALV.DE), if it names one."""
        named = self._by_leaf.get(account.rpartition(":")[2], ())
        return named[0] if len(named) == 1 else None

    @cached_property
    def _by_leaf(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for symbol in self.held:
            for leaf in {symbol, re.sub(r"[^A-Za-z0-9]", "-", symbol)}:
                found.setdefault(leaf, []).append(symbol)
        return found


def _find_purpose(account: str) -> str:
    root, *components = account.split(":")
    if root in ("Assets", "Liabilities"):
        return "asset"
    for component in components:
        for purpose, beginnings in _ROOTS[root]:
            if component.lower().startswith(beginnings):
                return purpose
    raise _UnreadableError(f"account {account} has no known purpose")


class _Ids:
    """The entry's `id`, else a digest of what it says and its turn among entries that say the same."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._alike: dict[str, int] = {}

    def take(self, entry: Entry) -> str:
        name = entry.meta.get("id")
        if name is None:
            said = "\n".join((entry.date.isoformat(), entry.narration, *map(_leg_said, entry.postings)))
            self._alike[said] = turn = self._alike.get(said, 0) + 1
            name = "D" + sha256(f"{said}\n{turn}".encode()).hexdigest()[:24]
        elif not _ID.fullmatch(name):
            raise _UnreadableError("id is not 1 to 64 characters without spaces")
        if name in self._lines:
            raise _UnreadableError(f"id {name} is already that of line {self._lines[name]}")
        self._lines[name] = entry.line
        return name


def _leg_said(posting: Posting) -> str:
    account, units, commodity, cost, price = posting
    lot = f"{cost.number} {cost.currency} {cost.acquired} {cost.label or ''}" if cost else ""
    return f"{account}|{units}|{commodity}|{lot}|{price and (price.number, price.currency)}"


class _OpenLots:
    """Units per lot, so that no entry closes more than is open (Beancount books such a sale as a short position)."""

    def __init__(self) -> None:
        self._units: dict[tuple[str, str, Cost], Decimal] = {}
        self._held: dict[tuple[str, str], Decimal] = {}

    def book(self, entry: Entry) -> dict[tuple[str, str], Decimal]:
        """What was held before, by (account, commodity), of what the entry touches."""
        before: dict[tuple[str, str], Decimal] = {}
        after: dict[tuple[str, str, Cost], Decimal] = {}
        for account, units, commodity, cost, _ in entry.postings:
            if cost is not None:
                holding, lot = (account, commodity), (account, commodity, cost)
                held = self._held.get(holding, ZERO)
                before.setdefault(holding, held)
                self._held[holding] = held + units
                self._units[lot] = after[lot] = self._units.get(lot, ZERO) + units
        for (_, commodity, _), units in after.items():
            if units < 0:
                raise _UnreadableError(f"sells more {commodity} than is held")
        return before


def _require_all_lots(event: LedgerTransaction, before: Mapping[tuple[str, str], Decimal]) -> None:
    """What happens to a security happens to every share of it; an entry that leaves some out would part the two books."""
    assert event.symbol is not None
    covered, held = sum((lot.quantity for lot in event.lots), ZERO), before[event.account, event.symbol]
    if covered != held:
        raise _UnreadableError(f"{event.kind} takes {covered:f} of {held:f} {event.symbol} held; it must take all lots")


class _Parts(NamedTuple):
    """The legs of one entry by what they are for; zero legs are left out."""

    entry: Entry
    chart: _Chart
    securities: tuple[Posting, ...]
    cash: tuple[CashLeg, ...]
    others: Mapping[str, tuple[Posting, ...]]

    def total(self, *purposes: str, currency: str) -> Decimal:
        """Sum of the legs for these purposes, all of which must be in `currency`."""
        total = ZERO
        for purpose in purposes if self.others else ():
            for posting in self.others.get(purpose, ()):
                if posting.commodity != currency:
                    raise _UnreadableError(f"{posting.account} is in {posting.commodity}, the entry in {currency}")
                total += posting.units
        return total

    def charge(self, *purposes: str, currency: str) -> Decimal:
        total = self.total(*purposes, currency=currency)
        if total < 0:
            raise _UnreadableError(f"{purposes[0]} of an entry cannot be negative")
        return total

    def only(self, *purposes: str) -> None:
        """Refuse legs for anything else."""
        for purpose, postings in self.others.items():
            if purpose not in purposes:
                raise _UnreadableError(f"{postings[0].account} does not belong in such an entry")


def _split_parts(entry: Entry, chart: _Chart) -> _Parts:
    securities, cash = [], []
    others: dict[str, tuple[Posting, ...]] = {}
    for posting in entry.postings:
        account, units, commodity, cost, _ = posting
        if not units:
            continue
        purpose = chart.purpose(account)
        if purpose != "asset":
            if cost is not None or not chart.is_money(commodity):
                raise _UnreadableError(f"{account} takes {commodity}, not money")
            others[purpose] = (*others.get(purpose, ()), posting)
        elif cost is not None:
            securities.append(posting)
        elif chart.is_money(commodity):
            cash.append(CashLeg(account, commodity, units))
        else:
            raise _UnreadableError(f"{commodity} is held without cost and is no currency of this ledger")
    return _Parts(entry, chart, tuple(securities), tuple(cash), others)


def _classify(entry: Entry, chart: _Chart, entry_id: str) -> LedgerTransaction:
    parts = _split_parts(entry, chart)
    make = _find_kind(parts)
    return make(parts, entry_id)


def _find_kind(parts: _Parts) -> "Callable[[_Parts, str], LedgerTransaction]":
    if parts.securities:
        return _find_security_kind(parts)
    if not parts.cash and "external" in parts.others and any(purpose in parts.others for purpose in _FEES):
        return _read_outside_fee
    if not parts.cash:
        raise _UnreadableError("moves neither cash nor securities")
    if len({leg.currency for leg in parts.cash}) == 2:
        return _read_fx
    if len({leg.currency for leg in parts.cash}) > 2:
        raise _UnreadableError("moves cash in more than two currencies")
    for purpose, read in (("external", _read_flow), ("dividend", _read_income), ("interest", _read_income)):
        if purpose in parts.others:
            return read
    if any(purpose in parts.others for purpose in _FEES):
        return _read_charge
    if "tax" in parts.others:
        return _read_charge
    if not parts.others:
        return _read_own_transfer
    raise _UnreadableError("fits no kind")


def _find_security_kind(parts: _Parts) -> "Callable[[_Parts, str], LedgerTransaction]":
    symbols = {posting.commodity for posting in parts.securities}
    signs = {posting.units > 0 for posting in parts.securities}
    if len(symbols) > 1:
        return _read_exchange
    if len({posting.account for posting in parts.securities}) > 1:
        if len(signs) == 2:
            return _read_own_transfer
        raise _UnreadableError("several security accounts in one entry; write one entry for each")
    if len(signs) == 2:
        return _read_return_of_capital if parts.cash else _read_split
    if parts.cash:
        return _read_deal
    if "dividend" in parts.others:
        return _read_reinvestment
    if "realised" in parts.others:
        return _read_deal  # sold for nothing
    if "external" in parts.others or not (parts.others or _worth_of(parts.securities)):
        return _read_transfer  # lots without cost balance by themselves: Beancount leaves the other leg out
    raise _UnreadableError("securities move against neither cash, a dividend nor an external account")


def _read_deal(parts: _Parts, entry_id: str) -> LedgerTransaction:
    bought = parts.securities[0].units > 0
    entry, currency = parts.entry, _currency_of(parts) if bought else _currency_of_sale(parts)
    lots = _read_lots(parts.securities, currency)
    parts.only(*_FEES, "tax", "rounding", *(() if bought else ("realised",)))
    quantity = sum((lot.quantity for lot in lots), ZERO)
    amount = sum((leg.amount for leg in parts.cash), ZERO)
    fee, tax = parts.total(*_FEES, currency=currency), parts.total("tax", currency=currency)
    rounding = parts.total("rounding", currency=currency)
    # Securities tell the direction: what is charged may exceed what is paid for them, and a rebate may, too.
    paid = amount + fee + tax + rounding
    if paid and (paid < 0) is not bought:
        raise _UnreadableError("securities and cash move the same way")
    if bought:
        prices: list[Decimal | None] = [lot.unit_cost for lot in lots]
    else:
        prices = [_price_in(posting, currency) for posting in parts.securities]
    priced = [(lot.quantity, price) for lot, price in zip(lots, prices, strict=True) if price is not None]
    if len(priced) == len(lots):
        unit_price = _weighted(priced)
        worth = sum((units * price for units, price in priced), ZERO)
        residue = (-worth if bought else worth) - (amount + fee + tax + rounding)
        if residue and abs(residue) > _last_digit(parts.cash):
            raise _UnreadableError(f"quantity times price is {worth:f}, which the cash and charges miss by {residue:f}")
        if residue:  # Beancount lets through what its tolerance covers: the price is what was paid
            unit_price = abs(paid) / quantity
    else:
        unit_price = (amount + fee + tax + rounding) / quantity
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="buy" if bought else "sell",
        account=parts.securities[0].account,
        symbol=parts.securities[0].commodity,
        quantity=quantity,
        unit_price=unit_price,
        amount=amount,
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        tax=tax,
        rounding=rounding,
        fx_rate=_read_rate(parts, currency, "fx_trade", "fx_rate"),
        settle_date=_read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots,
        cash=parts.cash,
        fixings=_read_fixings(entry),
    )


def _read_split(parts: _Parts, entry_id: str) -> LedgerTransaction:
    entry, before, after = parts.entry, *(_lot_groups(parts.securities, new=new) for new in (False, True))
    parts.only()
    ratio = sum((units for units, _ in after.values()), ZERO) / sum((units for units, _ in before.values()), ZERO)
    ratio = _read_told_ratio(entry, "split_ratio", ratio)
    expected = {key: (units * ratio, cost) for key, (units, cost) in before.items()}
    alike = expected.keys() == after.keys() and all(
        abs(expected[key][0] - after[key][0]) <= Decimal("1e-9")
        and abs(expected[key][1] - after[key][1]) <= COST_TOLERANCE
        for key in after
    )
    if not alike:
        raise _UnreadableError(f"the lots are not those of a split {ratio}:1 that keeps each lot's date and cost")
    first = parts.securities[0]
    assert first.cost is not None
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="split",
        account=first.account,
        symbol=first.commodity,
        quantity=sum((posting.units for posting in parts.securities), ZERO),
        currency=first.cost.currency,
        ratio=ratio,
        to_quantity=sum((units for units, _ in after.values()), ZERO),
        ex_date=_read_date(entry, "ex_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=_read_lots([posting for posting in parts.securities if posting.units < 0], first.cost.currency),
    )


def _read_exchange(parts: _Parts, entry_id: str) -> LedgerTransaction:
    """Lots go on under another security: all of them (merger, change of symbol), or a part of their cost (spin-off)."""
    entry = parts.entry
    sources = {posting.commodity for posting in parts.securities if posting.units < 0}
    if len(sources) != 1 or len({posting.commodity for posting in parts.securities}) != 2:
        raise _UnreadableError(
            "several securities in one entry: a merger or spin-off has one before and one other after"
        )
    if parts.cash:
        raise _UnreadableError("a merger or spin-off that pays cash: write the cash as a sale or return of capital")
    parts.only()
    (symbol,) = sources
    closed = [posting for posting in parts.securities if posting.units < 0]
    kept = [posting for posting in parts.securities if posting.units > 0 and posting.commodity == symbol]
    opened = [posting for posting in parts.securities if posting.commodity != symbol]
    accounts = [{posting.account for posting in group} for group in (closed + kept, opened)]
    if any(len(each) > 1 for each in accounts):
        raise _UnreadableError("several security accounts in one entry; write one entry for each")
    before, after = _held_by_day(closed), _held_by_day(opened)
    units = sum((held for held, _ in before.values()), ZERO)
    received = sum((held for held, _ in after.values()), ZERO)
    left = _held_by_day(kept)
    alike = before.keys() == after.keys() and all(
        abs(held * received / units - after[lot][0]) <= Decimal("1e-9") * received
        and abs(cost - after[lot][1] - left.get(lot, (ZERO, ZERO))[1]) <= COST_TOLERANCE
        for lot, (held, cost) in before.items()
    )
    if kept and {lot: held for lot, (held, _) in left.items()} != {lot: held for lot, (held, _) in before.items()}:
        alike = False
    if not alike:
        raise _UnreadableError("the lots after a merger or spin-off are not those before: each keeps its date and cost")
    assert closed[0].cost is not None
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="spin_off" if kept else "merger",
        account=closed[0].account,
        symbol=symbol,
        quantity=None if kept else units,
        currency=closed[0].cost.currency,
        ratio=_read_told_ratio(entry, "ratio", received / units),
        to_quantity=received,
        to_symbol=opened[0].commodity,
        to_account=opened[0].account,
        cost=sum((cost for _, cost in after.values()), ZERO),
        ex_date=_read_date(entry, "ex_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=_read_lots(closed, closed[0].cost.currency),
    )


def _read_return_of_capital(parts: _Parts, entry_id: str) -> LedgerTransaction:
    """Cash against cost: each lot gives the same per unit, as far as it has cost; what is paid beyond is gain. A lot that cost
    another currency gives it at the fixing of the day, which the entry tells."""
    entry, currency = parts.entry, _currency_of_sale(parts)
    fixings = _read_fixings(entry)
    parts.only(*_FEES, "tax", "rounding", "realised")
    amount = sum((leg.amount for leg in parts.cash), ZERO)
    fee, tax = parts.charge(*_FEES, currency=currency), parts.charge("tax", currency=currency)
    rounding = parts.total("rounding", currency=currency)
    before, after = (_lot_groups(parts.securities, new=new) for new in (False, True))
    units = sum((held for held, _ in before.values()), ZERO)
    paid = amount + fee + tax + rounding
    left = _ranked(
        (day, label, code, max(cost / held - paid / units / _fixing(fixings, code, currency), ZERO), held)
        for (day, label, code, _), (held, cost) in before.items()
    )
    alike = left.keys() == after.keys() and all(
        held == after[lot][0] and abs(cost - after[lot][1]) <= COST_TOLERANCE for lot, (held, cost) in left.items()
    )
    if paid <= 0 or not alike:
        raise _UnreadableError(
            "securities move both ways for cash: neither a return of capital, which keeps every lot's date and units and "
            "takes the cash off its cost, nor a split, whose cash in lieu is a sale of its own"
        )
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="return_of_capital",
        account=parts.securities[0].account,
        symbol=parts.securities[0].commodity,
        amount=amount,
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        tax=tax,
        rounding=rounding,
        fx_rate=_read_rate(parts, currency, "fx_pay", "fx_trade", "fx_rate"),
        ex_date=_read_date(entry, "ex_date"),
        pay_date=_read_date(entry, "pay_date"),
        per_share=_read_number(entry, "per_share"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=_read_lots([posting for posting in parts.securities if posting.units < 0], currency),
        cash=parts.cash,
        fixings=fixings,
    )


def _read_reinvestment(parts: _Parts, entry_id: str) -> LedgerTransaction:
    """A dividend paid in shares: income and a purchase at once; Beancount has seen to it that the two are equal."""
    entry, currency = parts.entry, _currency_of(parts)
    lots = _read_lots(parts.securities, currency)
    parts.only("dividend", "tax", "rounding", *_FEES)
    if parts.securities[0].units < 0:
        raise _UnreadableError("a reinvested dividend that takes shares away")
    fee = parts.charge(*_FEES, currency=currency)
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="reinvested_dividend",
        account=parts.securities[0].account,
        symbol=parts.securities[0].commodity,
        quantity=sum((lot.quantity for lot in lots), ZERO),
        unit_price=_weighted([(lot.quantity, lot.unit_cost) for lot in lots]),
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        tax=parts.charge("tax", currency=currency),
        rounding=parts.total("rounding", currency=currency),
        fx_rate=_read_rate(parts, currency, "fx_pay", "fx_trade", "fx_rate"),
        ex_date=_read_date(entry, "ex_date"),
        pay_date=_read_date(entry, "pay_date"),
        per_share=_read_number(entry, "per_share"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots,
        fixings=_read_fixings(entry),
    )


def _read_transfer(parts: _Parts, entry_id: str) -> LedgerTransaction:
    """Securities that come from or go to somewhere else, with the day and the cost of their lots."""
    comes = parts.securities[0].units > 0
    entry, currency = parts.entry, _currency_of(parts) if comes else _cost_of(parts.securities[0]).currency
    lots = _read_lots(parts.securities, currency)
    parts.only("external", "rounding")
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="transfer_in" if comes else "transfer_out",
        account=parts.securities[0].account,
        symbol=parts.securities[0].commodity,
        quantity=sum((lot.quantity for lot in lots), ZERO),
        currency=currency,
        fx_rate=_read_rate(parts, currency, "fx_trade", "fx_rate"),
        acquired=lots[0].acquired if comes and len(lots) == 1 else None,
        cost=sum((lot.quantity * lot.unit_cost for lot in lots), ZERO),
        cost_fx_rate=_read_rate(parts, currency, "fx_acquired") if comes else None,
        settle_date=_read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots,
        fixings=_read_fixings(entry) if comes else (),
    )


def _read_own_transfer(parts: _Parts, entry_id: str) -> LedgerTransaction:
    """Cash or lots from one account of the portfolio to another: nothing comes, nothing goes."""
    entry = parts.entry
    parts.only()
    if not parts.securities:
        gives = next(leg for leg in parts.cash if leg.amount < 0)
        return _cash_event(parts, entry_id, "transfer", account=gives.account)
    gone = [posting for posting in parts.securities if posting.units < 0]
    come = [posting for posting in parts.securities if posting.units > 0]
    accounts = [{posting.account for posting in group} for group in (gone, come)]
    if any(len(each) > 1 for each in accounts) or accounts[0] == accounts[1] or parts.cash:
        raise _UnreadableError("several security accounts in one entry; write one entry for each")
    currency = _cost_of(gone[0]).currency
    moved = [Counter[tuple[dt.date, Decimal, str | None]]() for _ in range(2)]
    for group, count in zip((gone, come), moved, strict=True):
        for lot in _read_lots(group, currency):
            count[lot.acquired, lot.unit_cost, lot.currency] += lot.quantity  # type: ignore[assignment]
    if moved[0] != moved[1]:
        raise _UnreadableError(
            "the lots that come are not those that go: between own accounts each keeps its date and cost"
        )
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="transfer",
        account=gone[0].account,
        symbol=gone[0].commodity,
        quantity=sum((abs(posting.units) for posting in gone), ZERO),
        currency=currency,
        to_account=come[0].account,
        settle_date=_read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=_read_lots(gone, currency),
    )


def _held_by_day(postings: Iterable[Posting]) -> dict[tuple[dt.date, str | None, str], tuple[Decimal, Decimal]]:
    """(acquired, label, currency) -> units and cost."""
    found: dict[tuple[dt.date, str | None, str], tuple[Decimal, Decimal]] = {}
    for posting in postings:
        if posting.cost is not None:
            lot = (posting.cost.acquired, posting.cost.label, posting.cost.currency)
            held, cost = found.get(lot, (ZERO, ZERO))
            found[lot] = (held + abs(posting.units), cost + abs(posting.units) * posting.cost.number)
    return found


def _read_fx(parts: _Parts, entry_id: str) -> LedgerTransaction:
    entry, totals = parts.entry, dict[str, Decimal]()
    parts.only(*_FEES, "rounding")
    for leg in parts.cash:
        totals[leg.currency] = totals.get(leg.currency, ZERO) + leg.amount
    currency = max(totals, key=lambda code: (code != parts.chart.base, totals[code]))
    charged = {posting.commodity for postings in parts.others.values() for posting in postings}
    if len(charged) == 1 and charged < totals.keys():
        (currency,) = charged
    counter = next(code for code in totals if code != currency)
    if totals[currency] * totals[counter] >= 0:
        raise _UnreadableError("a conversion takes one currency and gives another")
    foreign = counter if currency == parts.chart.base else currency
    rate = _read_rate(parts, foreign, "fx_rate", "fx_trade")
    if currency == parts.chart.base:
        rate = None
    elif rate is None and counter == parts.chart.base:
        rate = next(
            (price for p in entry.postings if p.commodity == currency and (price := _price_in(p, counter))), None
        )
    fee = parts.charge(*_FEES, currency=currency)
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="fx",
        account=next(leg.account for leg in parts.cash if leg.currency == currency),
        amount=totals[currency],
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        rounding=parts.total("rounding", currency=currency),
        counter_amount=totals[counter],
        counter_currency=counter,
        fx_rate=rate,
        settle_date=_read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        cash=parts.cash,
    )


def _read_flow(parts: _Parts, entry_id: str) -> LedgerTransaction:
    parts.only("external")
    amount = sum((leg.amount for leg in parts.cash), ZERO)
    if not amount:
        raise _UnreadableError("an external flow of nothing")
    return _cash_event(parts, entry_id, "deposit" if amount > 0 else "withdrawal")


def _read_income(parts: _Parts, entry_id: str) -> LedgerTransaction:
    kind: Kind = "dividend" if "dividend" in parts.others else "interest"
    parts.only(kind, "tax", "rounding", *_FEES)
    currency = _currency_of(parts)
    gross, fee = -parts.total(kind, currency=currency), parts.charge(*_FEES, currency=currency)
    # What was paid by mistake goes back with what was withheld of it.
    tax = parts.total("tax", currency=currency) if gross < 0 else parts.charge("tax", currency=currency)
    if gross < 0 < tax:
        raise _UnreadableError(f"tax is withheld from a {kind} that is taken back")
    return _cash_event(
        parts,
        entry_id,
        kind,
        symbol=_read_symbol(parts) if kind == "dividend" else None,
        fee=fee,
        tax=tax,
        rounding=parts.total("rounding", currency=currency),
        rate=_read_rate(parts, currency, "fx_pay", "fx_trade", "fx_rate"),
    )


def _read_charge(parts: _Parts, entry_id: str) -> LedgerTransaction:
    parts.only(*_FEES, "tax")
    currency = _currency_of(parts)
    fee, tax = parts.total(*_FEES, currency=currency), parts.total("tax", currency=currency)  # less than 0: paid back
    return _cash_event(parts, entry_id, "fee" if fee else "tax", fee=fee, fee_kind=_fee_kind(parts), tax=tax)


def _read_outside_fee(parts: _Parts, entry_id: str) -> LedgerTransaction:
    """The owner pays it from elsewhere: nothing comes or goes here, and what was earned here is less by it."""
    parts.only("external", *_FEES)
    fee, account = parts.charge(*_FEES, currency=_currency_of(parts)), parts.others["external"][0].account
    return _cash_event(parts, entry_id, "outside_fee", account=account, fee=fee, fee_kind=_fee_kind(parts))


def _fee_kind(parts: _Parts) -> FeeKind | None:
    kinds: list[FeeKind] = [kind for kind in ("custody", "management", "other") if kind in parts.others]
    if len(kinds) > 1:
        raise _UnreadableError(f"{' and '.join(kinds)} fees in one entry; write one entry for each")
    return kinds[0] if kinds else None


def _cash_event(
    parts: _Parts,
    entry_id: str,
    kind: Kind,
    *,
    account: str | None = None,
    symbol: str | None = None,
    fee: Decimal = ZERO,
    fee_kind: FeeKind | None = None,
    tax: Decimal = ZERO,
    rounding: Decimal = ZERO,
    rate: Decimal | None = None,
) -> LedgerTransaction:
    entry, currency = parts.entry, _currency_of(parts)
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind=kind,
        account=account or parts.cash[0].account,
        symbol=symbol,
        amount=sum((leg.amount for leg in parts.cash), ZERO),
        currency=currency,
        fee=fee,
        fee_kind=fee_kind or ("other" if fee else None),
        tax=tax,
        rounding=rounding,
        fx_rate=rate if rate is not None else _read_rate(parts, currency, "fx_trade", "fx_rate"),
        ex_date=_read_date(entry, "ex_date"),
        pay_date=_read_date(entry, "pay_date"),
        settle_date=_read_date(entry, "settle_date"),
        per_share=_read_number(entry, "per_share"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        cash=parts.cash,
    )


def _currency_of(parts: _Parts) -> str:
    """The one currency of an entry's cash, which is also that of its lots and its other legs."""
    currencies = {leg.currency for leg in parts.cash} | {p.cost.currency for p in parts.securities if p.cost}
    currencies |= {posting.commodity for postings in parts.others.values() for posting in postings}
    if len(currencies) > 1:
        raise _UnreadableError(f"in {', '.join(sorted(currencies))}; write the conversion as an entry of its own")
    return currencies.pop()


def _currency_of_sale(parts: _Parts) -> str:
    """The one currency of an entry's cash and charges, whatever its lots cost; of one that moves no cash, that of its price."""
    currencies = {leg.currency for leg in parts.cash}
    charges = {
        posting.commodity for name, postings in parts.others.items() if name != "realised" for posting in postings
    }
    currencies = currencies or charges or {each.price.currency for each in parts.securities if each.price}
    currencies = currencies or {_cost_of(each).currency for each in parts.securities}
    if len(currencies) > 1:
        raise _UnreadableError(f"in {', '.join(sorted(currencies))}; write the conversion as an entry of its own")
    return currencies.pop()


def _cost_of(posting: Posting) -> Cost:
    assert posting.cost is not None
    return posting.cost


def _read_lots(postings: Iterable[Posting], currency: str) -> tuple[LedgerLot, ...]:
    """The lots of an event in `currency`."""
    return tuple(
        [
            LedgerLot(
                abs(p.units),
                p.cost.number,
                p.cost.acquired,
                p.cost.label,
                None if p.cost.currency == currency else p.cost.currency,
            )
            for p in postings
            if p.cost is not None
        ]
    )


def _lot_groups(
    postings: Iterable[Posting], *, new: bool
) -> dict[tuple[dt.date, str | None, str, int], tuple[Decimal, Decimal]]:
    """Those that an entry opens (`new`) or closes, as `_ranked` gives them."""
    return _ranked(
        (p.cost.acquired, p.cost.label, p.cost.currency, p.cost.number, abs(p.units))
        for p in postings
        if p.cost is not None and (p.units > 0) is new
    )


def _ranked(
    lots: Iterable[tuple[dt.date, str | None, str, Decimal, Decimal]],
) -> dict[tuple[dt.date, str | None, str, int], tuple[Decimal, Decimal]]:
    """Of (acquired, label, currency, unit cost, units): the first three and the rank by unit cost -> units and cost; those
    alike are one."""
    units: defaultdict[tuple[dt.date, str | None, str], defaultdict[Decimal, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for acquired, label, currency, unit_cost, held in lots:
        units[acquired, label, currency][unit_cost] += held
    return {
        (*lot, rank): (units[lot][number], units[lot][number] * number)
        for lot in units
        for rank, number in enumerate(sorted(units[lot]))
    }


def _worth_of(postings: Iterable[Posting]) -> Decimal:
    return sum((abs(p.units) * p.cost.number for p in postings if p.cost is not None), ZERO)


def _weighted(priced: list[tuple[Decimal, Decimal]]) -> Decimal:
    """The mean price; exactly the price where there is only one."""
    if len({price for _, price in priced}) == 1:
        return priced[0][1]
    return sum((quantity * price for quantity, price in priced), ZERO) / sum(quantity for quantity, _ in priced)


def _last_digit(cash: tuple[CashLeg, ...]) -> Decimal:
    """One unit of the last digit of the coarsest cash leg: how far a deal's cash may be rounded."""
    if not cash:
        return ZERO
    exponents = [leg.amount.as_tuple().exponent for leg in cash]
    return Decimal(1).scaleb(max(exponent for exponent in exponents if isinstance(exponent, int)))


def _price_in(posting: Posting, currency: str) -> Decimal | None:
    return posting.price.number if posting.price is not None and posting.price.currency == currency else None


def _read_symbol(parts: _Parts) -> str:
    entry, chart = parts.entry, parts.chart
    chart.require_whole()
    if named := entry.meta.get("symbol"):
        if named not in chart.held:
            raise _UnreadableError(f"symbol {named} was never held in this ledger")
        return named
    for posting in parts.others["dividend"]:
        if symbol := chart.commodity_of(posting.account):
            return symbol
    first = entry.narration.partition(" ")[0]
    if first in chart.held:
        return first
    raise _UnreadableError("dividend of an unknown security; name it with the metadata `symbol`")


def _read_rate(parts: _Parts, currency: str, *keys: str) -> Decimal | None:
    """Base currency per 1 `currency`, from the first of these metadata keys that the entry has ("USDCAD=1.556479")."""
    for key in keys:
        if (told := parts.entry.meta.get(key)) is None:
            continue
        match = _RATE.fullmatch(told)
        if match is None or not Decimal(match[3]):
            raise _UnreadableError(f"{key} {told!r} is not a rate such as USDCAD=1.25")
        if parts.chart.base is None or (match[1], match[2]) != (currency, parts.chart.base):
            raise _UnreadableError(f"{key} {told!r} does not say {parts.chart.base} per {currency}")
        return Decimal(match[3])
    return None


def _read_fixings(entry: Entry) -> tuple[Fixing, ...]:
    """From the metadata `fixing`: "EURUSD=1.0921", where need be several with spaces between them."""
    if (told := entry.meta.get("fixing")) is None:
        return ()
    found = [_RATE.fullmatch(each) for each in told.split()]
    rates = [Fixing(match[1], match[2], Decimal(match[3])) for match in found if match is not None]
    if not rates or len(rates) < len(found) or not all(each.rate for each in rates):
        raise _UnreadableError(f"fixing {told!r} is not a rate such as EURUSD=1.0921")
    if len({each.quote for each in rates}) > 1:
        raise _UnreadableError(f"fixing {told!r} names two currencies that the security would trade in")
    return tuple(rates)


def _fixing(fixings: Iterable[Fixing], base: str, quote: str) -> Decimal:
    """How much of `quote` one of `base` is. Raises _UnreadableError where the entry does not tell it."""
    to = {each.base: each.rate for each in fixings} | {each.quote: Decimal(1) for each in fixings}
    if base == quote:
        return Decimal(1)
    if base not in to or quote not in to:
        raise _UnreadableError(
            f'paid in {quote} on lots that cost {base}; tell the fixing of the day as `fixing: "{base}{quote}=..."`'
        )
    return to[base] / to[quote]


def _read_told_ratio(entry: Entry, key: str, found: Decimal) -> Decimal:
    """The ratio that the metadata tells ("3:2"), which is exact where that of the units need not be; else `found`."""
    if (told := entry.meta.get(key)) is None:
        return found
    match = _RATIO.fullmatch(told)
    if match is None or not Decimal(match[1]) or not Decimal(match[2]):
        raise _UnreadableError(f"{key} {told!r} is not new:old, such as 2:1")
    return Decimal(match[1]) / Decimal(match[2])


def _read_date(entry: Entry, key: str) -> dt.date | None:
    if (told := entry.meta.get(key)) is None:
        return None
    try:
        return dt.date.fromisoformat(told)
    except ValueError as fault:
        raise _UnreadableError(f"{key} {told!r} is not a date") from fault


def _read_number(entry: Entry, key: str) -> Decimal | None:
    if (told := entry.meta.get(key)) is None:
        return None
    try:
        number = Decimal(told)
    except InvalidOperation as fault:
        raise _UnreadableError(f"{key} {told!r} is not a number") from fault
    if not number.is_finite() or number < 0:
        raise _UnreadableError(f"{key} {told!r} is not a number from 0 up")
    return number
