"""The ledger's only way in: lock, parse, commit, rows.

What a person enters or imports is a commit first and rows second. Rows carry the revisions they belong to, so that an entry
that a commit leaves alone keeps its row, and what was computed from an older revision still finds its own.
"""

import gc
import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

from django.conf import settings
from django.db import transaction

from config import locks
from config.bulk import copy_in
from config.errors import TieoutError
from portfolio.analytics.errors import AnalyticsError
from portfolio.books import lots
from portfolio.ledger import journal, statement
from portfolio.ledger.journal import LedgerTransaction
from portfolio.ledger.repository import LedgerMoved, LedgerRepository
from portfolio.ledger.screening import Finding, LedgerRefused
from portfolio.models import LedgerRevision, Lot, MatchedLot, Portfolio, RevisionStatus, Transaction
from pricing.fx import CURRENCIES
from pricing.models import Security

logger = logging.getLogger(__name__)

MAX_RACES = 5

TRANSACTION_COLUMNS = (
    "portfolio_id", "introduced_in", "entry_id", "ordinal", "date", "kind", "security_id", "account", "quantity", "unit_price",
    "amount", "currency", "fee", "fee_kind", "tax", "counter_amount", "counter_currency", "fx_to_base", "ratio", "acquired",
    "to_security_id", "to_account", "settle_date", "ex_date", "pay_date", "per_share", "note", "file", "line", "digest",
    "cost_share", "inferred",
)  # fmt: skip
LOT_COLUMNS = (
    "portfolio_id", "introduced_in", "security_id", "account", "acquired", "quantity", "unit_cost", "cost", "currency",
    "fx_to_base", "valid_from", "valid_to", "opened_by", "layers",
)  # fmt: skip
MATCHED_COLUMNS = (
    "portfolio_id", "introduced_in", "security_id", "entry_id", "opened_by", "date", "kind", "account", "acquired", "quantity",
    "cost", "proceeds", "entry_fee", "exit_fee", "currency", "fx_in", "fx_out", "cost_currency", "layers",
)  # fmt: skip


class PortfolioNotInLedger(TieoutError):
    """The ledger has no folder for the portfolio: a failure, not an empty portfolio."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"the ledger has no folder {slug}")
        self.slug = slug


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a commit meant for a portfolio's rows."""

    revision: LedgerRevision
    added: int
    removed: int
    transactions: int

    @property
    def is_new(self) -> bool:
        return bool(self.added or self.removed)


def take_in(
    *,
    portfolio: Portfolio,
    files: Mapping[str, bytes],
    message: str,
    author: str,
    at: datetime,
    founding: Mapping[str, bytes] | None = None,
    checked: "Reading | None" = None,
) -> TakenIn:
    """Commit a portfolio's ledger folder and its rows. What can't be read, booked or valued is refused before the commit.

    founding  of a ledger that begins here: what it is without this change, as a commit before, to which an undo can return
    checked   what `check` said of the same files, under the same lock
    raises   LedgerRefused with file, line and reason of all that is wrong; LedgerMoved after losing the race five times
    """
    with transaction.atomic(), _uncollected():
        lock(portfolio)
        reading = checked or check(portfolio=portfolio, files=files, today=at.date())
        repository = LedgerRepository.open_or_create(settings.LEDGER_PATH)
        require_forward(repository, repository.head())
        for race in range(MAX_RACES):
            try:
                head = repository.head()
                if founding is not None:
                    head = repository.commit(
                        portfolio.slug, founding, message="open the ledger", author=author, at=at, expected_head=head
                    )
                commit = repository.commit(
                    portfolio.slug, files, message=message, author=author, at=at, expected_head=head
                )
                break
            except LedgerMoved:
                if race == MAX_RACES - 1:
                    raise
        return _store(portfolio, commit, _tree_hash(repository, commit, portfolio), reading)


def check(*, portfolio: Portfolio, files: Mapping[str, bytes], today: date) -> "Reading":
    """What `take_in` would take, written nowhere. Raises LedgerRefused as that does."""
    reading = _read(portfolio, files, today=today)
    _require_quote_units(portfolio, reading)
    return reading


def _require_quote_units(portfolio: Portfolio, reading: "Reading") -> None:
    """A bond of which nobody has said what its price is of can't be booked; one that is booked already stays. Raises
    LedgerRefused."""
    unquoted = {
        security.symbol
        for security in Security.objects.filter(symbol__in=reading.securities)
        if security.lacks_quote_unit
        and not Transaction.objects.filter(portfolio=portfolio, security=security, removed_in__isnull=True).exists()
    }
    findings = [
        Finding(event.file, event.line, f"{symbol} is a bond without a quote unit and can't be booked")
        for event in reading.transactions
        for symbol in (event.symbol, event.to_symbol)
        if symbol in unquoted
    ]
    if findings:
        raise LedgerRefused(tuple(findings[:100]))


def sync(*, portfolio: Portfolio, commit: str | None = None) -> LedgerRevision:
    """The revision of a commit (None: the newest), read now if the folder differs from the last one read.

    A folder that can't be read becomes a `broken` revision with its reason; the rows stay as they were. A commit that came
    before the last one read is answered by the revision that it was.
    raises   PortfolioNotInLedger, LedgerUnavailable, LedgerRewritten
    """
    with LedgerRepository(settings.LEDGER_PATH) as repository, transaction.atomic(), _uncollected():
        lock(portfolio)  # first: a head read before somebody else's commit would come in as if it were newer
        head = commit or repository.head()
        tree = repository.tree_hash(head, portfolio.slug) if head else None
        if head is None or tree is None:
            raise PortfolioNotInLedger(portfolio.slug)
        last = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()
        if last is not None and last.tree_hash == tree and not is_of_older_rules(last):
            return last
        if commit is not None and (before := _read_before(repository, portfolio, commit, tree)) is not None:
            return before
        require_forward(repository, repository.head())  # not the commit asked for: others may have entered since
        try:
            reading = _read(portfolio, repository.files(head, portfolio.slug), today=date.max)
        except LedgerRefused as refused:
            logger.warning("ledger revision is broken", extra={"commit": head, "portfolio_id": str(portfolio.pk)})
            return _open_revision(portfolio, head, tree, status=RevisionStatus.BROKEN, reason=str(refused)[:4000])
        return _store(portfolio, head, tree, reading).revision


def _read_before(repository: LedgerRepository, portfolio: Portfolio, commit: str, tree: str) -> LedgerRevision | None:
    """The last revision of that folder, where one was read at the commit or after it."""
    alike = LedgerRevision.objects.filter(portfolio=portfolio, tree_hash=tree).order_by("-number").first()
    if alike is None:
        return None
    later = LedgerRevision.objects.filter(portfolio=portfolio, number__gt=alike.number).order_by("number").first()
    if later is not None and repository.commit_exists(later.commit) and repository.is_ancestor(commit, later.commit):
        return alike
    return None


def require_forward(repository: LedgerRepository, head: str | None) -> None:
    """The branch must still hold what was read from it last, of whatever portfolio. Raises LedgerRewritten."""
    read = LedgerRevision.objects.order_by("-pk").values_list("commit", flat=True).first()
    if read is not None:
        repository.require_forward(read, head)


def read_statement(*, portfolio: Portfolio, revision: LedgerRevision) -> statement.Statement:
    """What the ledger itself says at a revision, loaded now by Beancount in a process of its own.

    raises   LedgerRefused where the folder can't be read any more, LedgerUnavailable
    """
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        reading, transactions = journal.read(repository.files(revision.commit, portfolio.slug))
    return statement.from_reading(reading, transactions, **_terms(effective(portfolio, revision)))


RULES = 3
"""Of how lots are derived; rows of a revision with an older number are read anew (1: without layers, settings `{}`; 2: lots
that went on are known by what opened them alone)."""


class Settings(TypedDict):
    """What lots are derived and deals converted by, as a revision keeps it."""

    booking_method: str
    fees_in_cost: bool
    trade_fx: str


def effective(portfolio: Portfolio, revision: LedgerRevision) -> Settings:
    """The settings of a revision; of one that an older release read, the portfolio's own."""
    return _settings(portfolio, journal.LedgerSettings(*(revision.settings.get(name) for name in _CHOSEN)))


_CHOSEN = ("booking_method", "fees_in_cost", "trade_fx")


def _settings(portfolio: Portfolio, told: journal.LedgerSettings) -> Settings:
    """What the ledger chooses, else what the portfolio was made with."""
    return {
        "booking_method": told.booking_method or portfolio.booking_method,
        "fees_in_cost": portfolio.fees_in_cost if told.fees_in_cost is None else told.fees_in_cost,
        "trade_fx": told.trade_fx or portfolio.trade_fx,
    }


def is_of_older_rules(revision: LedgerRevision) -> bool:
    """Whether its rows were derived by an older release, so that its folder is to be read anew."""
    return bool(revision.status != RevisionStatus.BROKEN and revision.settings.get("rules") != RULES)


class _Terms(TypedDict):
    method: str
    fees_in_cost: bool


def _terms(chosen: Settings) -> _Terms:
    return {"method": chosen["booking_method"], "fees_in_cost": chosen["fees_in_cost"]}


@dataclass(frozen=True, slots=True)
class Reading:
    """A ledger folder as it was read, with the lots that are made of it."""

    transactions: tuple[LedgerTransaction, ...]
    derived: lots.Derived
    securities: Mapping[str, int]
    settings: Settings
    statement: statement.Statement


def lock(portfolio: Portfolio) -> None:
    """One writer a portfolio; given back with the transaction. Whoever adds to a folder takes it before reading that."""
    locks.lock_until_commit(f"ledger {portfolio.pk}")


def _read(portfolio: Portfolio, files: Mapping[str, bytes], *, today: date) -> Reading:
    reading, entries = journal.read(files)
    transactions, chosen = (
        journal.with_inferred_deposits(reading, entries),
        _settings(portfolio, journal.settings(reading)),
    )
    _require_base(portfolio, files, reading.operating_currencies)
    symbols = {symbol for event in transactions for symbol in (event.symbol, event.to_symbol) if symbol}
    found = Security.objects.filter(symbol__in=symbols).values_list("symbol", "id", "currency")
    securities, trading = {symbol: pk for symbol, pk, _ in found}, {symbol: currency for symbol, _, currency in found}
    findings = (
        [
            Finding(event.file, event.line, f"unknown currency {currency}")
            for event in transactions
            for currency in (event.currency, event.counter_currency)
            if currency and currency not in CURRENCIES
        ]
        + [
            Finding(event.file, event.line, f"unknown security {symbol}: load its market data first")
            for event in transactions
            for symbol in (event.symbol, event.to_symbol)
            if symbol and symbol not in securities
        ]
        + [
            Finding(event.file, event.line, f"{event.date} is in the future")
            for event in transactions
            if event.date > today
        ]
    )
    if findings:
        raise LedgerRefused(tuple(findings[:100]))
    try:
        derived = lots.derive(
            transactions,
            base_currency=portfolio.base_currency,
            method=chosen["booking_method"],  # type: ignore[arg-type]
            fees_in_cost=chosen["fees_in_cost"],
            account_methods=journal.account_methods(reading),
            trading=trading,
        )
    except AnalyticsError as wrong:
        raise LedgerRefused((Finding("main.beancount", 0, str(wrong)),)) from wrong
    made = statement.from_reading(reading, entries, **_terms(chosen))
    return Reading(transactions, derived, securities, chosen, made)


def _require_base(portfolio: Portfolio, files: Mapping[str, bytes], told: Sequence[str]) -> None:
    """The rates of a ledger are in its operating currency, so that has to be the portfolio's own."""
    if not told or told[0] == portfolio.base_currency:
        return
    reason = f"operating currency {told[0]}: the portfolio's base currency is {portfolio.base_currency}"
    before, _, _ = files["main.beancount"].partition(b'option "operating_currency"')
    raise LedgerRefused((Finding("main.beancount", before.count(b"\n") + 1, reason),))


def _tree_hash(repository: LedgerRepository, commit: str, portfolio: Portfolio) -> str:
    tree = repository.tree_hash(commit, portfolio.slug)
    if tree is None:
        raise PortfolioNotInLedger(portfolio.slug)
    return tree


def _open_revision(
    portfolio: Portfolio,
    commit: str,
    tree: str,
    *,
    status: RevisionStatus = RevisionStatus.READ,
    reason: str = "",
    chosen: Settings | None = None,
) -> LedgerRevision:
    last = (
        LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").values_list("number", flat=True).first()
    )
    return LedgerRevision.objects.create(
        portfolio=portfolio,
        number=(last or 0) + 1,
        commit=commit,
        tree_hash=tree,
        status=status,
        reason=reason,
        settings={} if chosen is None else {**chosen, "rules": RULES},
    )


def _store(portfolio: Portfolio, commit: str, tree: str, reading: Reading) -> TakenIn:
    """A revision with its rows; the last one again if the folder is as it was."""
    last = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()
    if last is not None and last.tree_hash == tree and not is_of_older_rules(last):
        return TakenIn(last, 0, 0, len(reading.transactions))
    revision = _open_revision(portfolio, commit, tree, chosen=reading.settings)
    added, removed = _store_transactions(revision, reading)
    _store_revisioned(revision, Lot, LOT_COLUMNS, _lot_rows(reading))
    _store_revisioned(revision, MatchedLot, MATCHED_COLUMNS, _matched_rows(reading))
    logger.info("ledger revision read", extra={"commit": commit, "added": added, "removed": removed})
    return TakenIn(revision, added, removed, len(reading.transactions))


def _store_transactions(revision: LedgerRevision, reading: Reading) -> tuple[int, int]:
    known = dict(
        Transaction.objects.filter(portfolio=revision.portfolio_id, removed_in__isnull=True).values_list("digest", "id")
    )
    arriving = dict(_transaction_rows(revision, reading))
    gone = [pk for digest, pk in known.items() if digest not in arriving]
    Transaction.objects.filter(pk__in=gone).update(removed_in=revision.number)
    new = [row for digest, row in arriving.items() if digest not in known]
    copy_in(Transaction, TRANSACTION_COLUMNS, new)
    return len(new), len(gone)


def _transaction_rows(revision: LedgerRevision, reading: Reading) -> Iterable[tuple[str, Sequence[Any]]]:
    ordinals: dict[date, int] = {}
    for event in reading.transactions:
        ordinals[event.date] = ordinals.get(event.date, 0) + 1
        says = (
            event.entry_id,
            ordinals[event.date],
            event.date,
            event.kind,
            reading.securities[event.symbol] if event.symbol else None,
            event.account,
            event.quantity,
            event.unit_price,
            event.amount,
            event.currency,
            event.fee,
            event.fee_kind or "",
            event.tax,
            event.counter_amount,
            event.counter_currency or "",
            event.fx_rate,
            event.ratio,
            event.acquired,
            reading.securities[event.to_symbol] if event.to_symbol else None,
            event.to_account or "",
            event.settle_date,
            event.ex_date,
            event.pay_date,
            event.per_share,
            event.note,
        )
        # Where it stands is not part of what it says: a line added above moves nothing.
        said = [each if each.__class__ is str else _said(each) for each in says]
        share = event.cost_share
        if share is not None:
            said.append(_said(share))
        digest = hashlib.sha256("|".join(said).encode()).hexdigest()
        row = (revision.portfolio_id, revision.number, *says, event.file, event.line, digest, share, event.inferred)
        yield digest, row


def _store_revisioned(
    revision: LedgerRevision, model: type[Lot | MatchedLot], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Rows are known by what they say: those that are said no more are closed, those that are new come in."""
    standing = model._default_manager.filter(portfolio=revision.portfolio_id, removed_in__isnull=True)
    known = {(*row[1:-1], _layers_said(row[-1])): row[0] for row in standing.order_by().values_list("id", *columns[2:])}
    arriving = dict.fromkeys(rows)
    gone = [pk for row, pk in known.items() if row not in arriving]
    model._default_manager.filter(pk__in=gone).update(removed_in=revision.number)
    new = [(revision.portfolio_id, revision.number, *row) for row in arriving if row not in known]
    copy_in(model, columns, new)


def _lot_rows(reading: Reading) -> Iterable[tuple[Any, ...]]:
    for state in reading.derived.lots:
        yield (
            reading.securities[state.symbol],
            state.account,
            state.acquired,
            state.quantity,
            state.unit_cost,
            state.cost,
            state.currency,
            state.fx_to_base,
            state.valid_from,
            state.valid_to,
            state.opened_by,
            _layers_said(map(_layer, state.layers)),
        )


def _matched_rows(reading: Reading) -> Iterable[tuple[Any, ...]]:
    """What one entry takes from one lot in several parts (a sale that names a lot twice) is one row."""
    fees_in_cost = bool(reading.settings["fees_in_cost"])
    alike: dict[tuple[Any, ...], lots.MatchedState] = {}
    for state in reading.derived.matched:
        key = (state.entry_id, state.opened_by, state.account, state.symbol)
        alike[key] = _both(alike[key], state, fees_in_cost=fees_in_cost) if key in alike else state
    for state in alike.values():
        yield (
            reading.securities[state.symbol],
            state.entry_id,
            state.opened_by,
            state.date,
            state.kind,
            state.account,
            state.acquired,
            state.quantity,
            state.cost,
            state.proceeds,
            state.entry_fee,
            state.exit_fee,
            state.currency,
            state.fx_in,
            state.fx_out,
            state.cost_currency,
            _layers_said(map(_layer, state.layers)),
        )


def _layer(layer: lots.LayerState) -> dict[str, str | None]:
    """As portfolio.books reads it."""
    return {
        "currency": layer.currency,
        "acquired": layer.acquired.isoformat(),
        "fx": None if layer.fx_to_base is None else _said(layer.fx_to_base),
        "cost": _said(layer.cost),
        "fee": _said(layer.fee),
    }


def _layers_said(layers: Iterable[Mapping[str, str | None]]) -> str:
    return json.dumps(list(layers), sort_keys=True, separators=(",", ":"))


def _both(one: lots.MatchedState, other: lots.MatchedState, *, fees_in_cost: bool) -> lots.MatchedState:
    layered = bool(one.layers or other.layers)
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        cost=one.cost + other.cost,
        proceeds=one.proceeds + other.proceeds,
        entry_fee=one.entry_fee + other.entry_fee,
        exit_fee=one.exit_fee + other.exit_fee,
        fx_in=None if layered else one.fx_in,
        layers=_layers_of_both(*(_layers_taken(each, fees_in_cost) for each in (one, other))) if layered else (),
    )


def _layers_taken(state: lots.MatchedState, fees_in_cost: bool) -> tuple[lots.LayerState, ...]:
    """Of a part that one purchase paid for alone, that purchase: beside a part of several it is one of them."""
    if state.layers:
        return state.layers
    currency, fee = state.cost_currency or state.currency, state.entry_fee
    cost, apart = (state.cost + fee, Decimal(0)) if fees_in_cost else (state.cost, fee)
    return (lots.LayerState(currency, state.acquired, state.fx_in, cost, apart),)


def _layers_of_both(one: Iterable[lots.LayerState], other: Iterable[lots.LayerState]) -> tuple[lots.LayerState, ...]:
    sums: dict[tuple[Any, ...], lots.LayerState] = {}
    for layer in (*one, *other):
        key = (layer.currency, layer.acquired, layer.fx_to_base)
        known = sums.get(key)
        sums[key] = layer if known is None else replace(known, cost=known.cost + layer.cost, fee=known.fee + layer.fee)
    return tuple(sums.values())


def _said(value: Any) -> str:
    """One spelling a value: 1.0 and 1 say the same."""
    if value is None:
        return ""
    text = str(value)
    if not isinstance(value, Decimal):
        return text
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: what is read are values, and each search would walk all of them once more."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
