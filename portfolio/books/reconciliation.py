"""Do the books agree? Beancount's own inventory, valued with the packs' prices on a path of its own, against our rows.

Quantity exact, cash and cost (fees apart) within 0.01, value within 1.0 bp of the ledger's (DESIGN §6, FACTS §4.2).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import TypeAlias
from uuid import UUID, uuid4

from django.db import transaction
from psycopg.types.json import Jsonb

from config.bulk import copy_in
from portfolio import books
from portfolio.books import writer
from portfolio.ledger.statement import Inventory, OwnPrice, Statement
from portfolio.models import Break, LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from pricing import fx, market
from pricing.models import PackPrice, PackRate, PackStatus, PriceBasis, PricingPack, PricingPolicy, Security
from pricing.packs.rows import KnownAction

CASH_TOLERANCE = COST_TOLERANCE = Decimal("0.01")
VALUE_TOLERANCE_BP = Decimal("1.0")
RATIO_TOLERANCE = Decimal("1e-9")
BASIS_POINTS = Decimal(10_000)

VALUATION_MISMATCH = "VALUATION_MISMATCH"
MISSING_ACCOUNT, LEDGER_UNREADABLE, NOT_COMPARED = "MISSING_ACCOUNT", "LEDGER_UNREADABLE", "NOT_COMPARED"
"""Breaks of a portfolio whose books could not be laid side by side: no folder, none that can be read, or a fault of ours."""

SplitKey: TypeAlias = tuple[str, str, date]
"""Account, symbol, ex-date."""


@dataclass(frozen=True, slots=True)
class Balances:
    """One side's books at the close of a day; units and cost by (account, symbol), cost in the trade currency, fees apart."""

    units: Mapping[tuple[str, str], Decimal]
    cost: Mapping[tuple[str, str], Decimal]
    cash: Mapping[str, Decimal]
    value: Decimal | None
    """Base currency, unrounded; None where a price or rate is missing."""
    missing: tuple[str, ...] = ()
    """What the value lacks, by name."""


@dataclass(frozen=True, slots=True)
class Difference:
    kind: str
    account: str = ""
    commodity: str = ""
    ledger_value: Decimal | None = None
    database_value: Decimal | None = None
    error_bp: Decimal | None = None
    detail: str = ""

    @property
    def difference(self) -> Decimal | None:
        if self.ledger_value is None or self.database_value is None:
            return None
        return self.database_value - self.ledger_value

    def __str__(self) -> str:
        values = ""
        if self.ledger_value is not None or self.database_value is not None:
            values = f"ledger {_plain(self.ledger_value)}, database {_plain(self.database_value)}"
        if self.difference is not None:
            values += f", difference {_plain(self.difference)}"
        return " ".join(filter(None, (self.kind, self.account, self.commodity, values, self.detail)))


def _plain(number: Decimal | None) -> str:
    return "unknown" if number is None else format(round(number, 10).normalize() + Decimal(0), "f")


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """A price that the ledger carries for the day, more than a basis point off the pack's. Told beside, no break."""

    commodity: str
    currency: str
    ledger_price: Decimal
    pack_price: Decimal
    error_bp: Decimal

    def __str__(self) -> str:
        return (
            f"the ledger's own price of {self.commodity} is {_plain(self.ledger_price)} {self.currency},"
            f" the pack's {_plain(self.pack_price)}: {round(self.error_bp, 2)} bp"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One portfolio at one pack."""

    pack: PricingPack
    compared: int
    ledger_value: Decimal | None
    database_value: Decimal | None
    error_bp: Decimal | None
    breaks: tuple[Difference, ...]
    price_differences: tuple[PriceDifference, ...] = ()
    lacking: tuple[str, ...] = ()
    """Closes and rates that neither side could be valued without: no difference of the books."""

    @property
    def passes(self) -> bool:
        return not self.breaks

    @property
    def is_without_ledger(self) -> bool:
        return any(each.kind == MISSING_ACCOUNT for each in self.breaks)


@dataclass(slots=True)
class Outcome:
    """What a job found over all portfolios. What breaks is a portfolio at a pack; all others are as if it were not there."""

    portfolios: int = 0
    without_ledger: int = 0
    """Of them, those of which the ledger has nothing."""
    failed: list[UUID] = field(default_factory=list)
    max_error_bp: Decimal = Decimal(0)
    broken_packs: dict[str, int] = field(default_factory=dict)

    def add(self, portfolio: Portfolio, comparisons: Sequence[Comparison]) -> None:
        self.portfolios += 1
        failing = [each for each in comparisons if not each.passes]
        if failing and all(each.is_without_ledger for each in failing):
            self.without_ledger += 1
        elif failing:
            self.failed.append(portfolio.pk)
            for each in failing:
                self.broken_packs[each.pack.pk] = self.broken_packs.get(each.pack.pk, 0) + 1
        self.max_error_bp = max(
            [self.max_error_bp, *(each.error_bp for each in comparisons if each.error_bp is not None)]
        )

    @property
    def every_one_breaks(self) -> bool:
        """Of those that have a ledger."""
        return bool(self.failed) and len(self.failed) == self.portfolios - self.without_ledger


def error_bp(ledger: Decimal | None, database: Decimal | None) -> Decimal | None:
    """Distance in basis points of the ledger's value; None where it is undefined."""
    if ledger is None or database is None:
        return None
    if ledger == 0:
        return Decimal(0) if database == 0 else None
    return abs(database - ledger) / abs(ledger) * BASIS_POINTS


def find_breaks(ledger: Balances, database: Balances) -> tuple[Difference, ...]:
    """Pure. Every difference above its tolerance, by name and with both values."""
    found: list[Difference] = []
    for key in sorted(ledger.units.keys() | database.units.keys()):
        ours, theirs = database.units.get(key, Decimal(0)), ledger.units.get(key, Decimal(0))
        if ours != theirs:
            kind = "QUANTITY_MISMATCH" if ours and theirs else "MISSING_POSITION"
            found.append(Difference(kind, *key, theirs, ours))
    for key in sorted(ledger.cost.keys() | database.cost.keys()):
        ours, theirs = database.cost.get(key, Decimal(0)), ledger.cost.get(key, Decimal(0))
        if abs(ours - theirs) > COST_TOLERANCE:
            found.append(Difference("COST_MISMATCH", *key, theirs, ours))
    for currency in sorted(ledger.cash.keys() | database.cash.keys()):
        ours, theirs = database.cash.get(currency, Decimal(0)), ledger.cash.get(currency, Decimal(0))
        if abs(ours - theirs) > CASH_TOLERANCE:
            found.append(Difference("CASH_MISMATCH", "", currency, theirs, ours))
    distance = error_bp(ledger.value, database.value)
    if distance is None or distance > VALUE_TOLERANCE_BP:
        found.append(
            Difference(
                VALUATION_MISMATCH,
                ledger_value=ledger.value,
                database_value=database.value,
                error_bp=distance,
                detail=f"the pack lacks {', '.join(ledger.missing)}"[:400] if ledger.missing else "",
            )
        )
    return tuple(found)


def find_split_breaks(
    pack_splits: Mapping[SplitKey, Decimal], ledger_splits: Mapping[SplitKey, Decimal]
) -> dict[SplitKey, Difference]:
    """Pure. Splits of held raw securities that only one side knows, or knows otherwise; ratios are new per old."""
    found = {}
    for key in sorted(pack_splits.keys() | ledger_splits.keys()):
        packed, booked = pack_splits.get(key), ledger_splits.get(key)
        if not _same_ratio(packed, booked):
            side = (
                "only the pack knows it"
                if booked is None
                else "only the ledger knows it"
                if packed is None
                else "other ratio"
            )
            account, symbol, on = key
            found[key] = Difference("SPLIT_MISMATCH", account, symbol, booked, packed, detail=f"split of {on}: {side}")
    return found


def _same_ratio(one: Decimal | None, other: Decimal | None) -> bool:
    """A ratio without an end (1:3) has as many digits as its source gave it."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= RATIO_TOLERANCE * max(Decimal(1), other)


@dataclass(frozen=True, slots=True)
class Prices:
    """Closes and published legs of many packs, exact, by content."""

    closes: Mapping[int, Mapping[str, Decimal]]
    currencies: Mapping[str, str]
    legs: Mapping[int, Mapping[tuple[str, str], Decimal]]
    pivot: str

    def value(
        self, content: int, units: Iterable[tuple[str, Decimal]], cash: Mapping[str, Decimal], base: str
    ) -> Decimal | None:
        """Straight from the published legs: not the code that values positions elsewhere."""
        closes, legs = self.closes.get(content, {}), self.legs.get(content, {})
        amounts = [(currency, amount) for currency, amount in cash.items() if amount]
        for symbol, quantity in units:
            if quantity:
                if symbol not in closes:
                    return None
                amounts.append((self.currencies[symbol], quantity * closes[symbol]))
        total = Decimal(0)
        for currency, amount in amounts:
            # What is in the base currency already needs no rate.
            per_pivot, to_base = self._per_pivot(legs, currency), self._per_pivot(legs, base)
            if currency == base:
                total += amount
            elif per_pivot is None or to_base is None:
                return None
            else:
                total += amount * to_base / per_pivot
        return total

    def missing(
        self, content: int, units: Iterable[tuple[str, Decimal]], cash: Mapping[str, Decimal], base: str
    ) -> Iterator[str]:
        """Names of the closes and rates that `value` would lack."""
        closes, legs = self.closes.get(content, {}), self.legs.get(content, {})
        used = {currency for currency, amount in cash.items() if amount and currency != base}
        for symbol, quantity in units:
            if quantity and symbol not in closes:
                yield f"the close of {symbol}"
            elif quantity and self.currencies[symbol] != base:
                used.add(self.currencies[symbol])
        for currency in sorted(used and used | {base}):
            if self._per_pivot(legs, currency) is None:
                yield f"the rate {self.pivot}{currency}"

    def of(self, content: int, commodity: str, currency: str) -> Decimal | None:
        """The pack's price of a security, in its trade currency, or of a currency; None for what it does not have."""
        if commodity in self.currencies:
            return self.closes.get(content, {}).get(commodity) if self.currencies[commodity] == currency else None
        legs = self.legs.get(content, {})
        frm, to = self._per_pivot(legs, commodity), self._per_pivot(legs, currency)
        return None if frm is None or to is None else to / frm

    def _per_pivot(self, legs: Mapping[tuple[str, str], Decimal], currency: str) -> Decimal | None:
        """Units of the currency for one of the pivot, whichever way round it is published."""
        if currency == self.pivot:
            return Decimal(1)
        published, inverse = legs.get((self.pivot, currency)), legs.get((currency, self.pivot))
        return published if published is not None or inverse is None else 1 / inverse


def find_price_differences(own: Iterable[OwnPrice], prices: Prices, content: int) -> tuple[PriceDifference, ...]:
    """Pure. Prices of the ledger's own that differ by more than a basis point from the pack's of the same day."""
    found = []
    for price in own:
        packed = prices.of(content, price.commodity, price.currency)
        distance = error_bp(price.number, packed)
        if packed is not None and distance is not None and distance > VALUE_TOLERANCE_BP:
            found.append(PriceDifference(price.commodity, price.currency, price.number, packed, distance))
    return tuple(found)


def load_prices(packs: Sequence[PricingPack], pivot: str) -> Prices:
    """Of one policy's packs. A close is per unit held, by the factor sealed with it."""
    contents = {pack.content_id for pack in packs}
    closes: dict[int, dict[str, Decimal]] = {}
    legs: dict[int, dict[tuple[str, str], Decimal]] = {}
    for content, symbol, close, factor in PackPrice.objects.filter(content__in=contents).values_list(
        "content_id", "security__symbol", "close", "factor"
    ):
        closes.setdefault(content, {})[symbol] = fx.UNROUNDED.multiply(close, factor)
    for content, base, quote, rate in PackRate.objects.filter(content__in=contents).values_list(
        "content_id", "base", "quote", "rate"
    ):
        legs.setdefault(content, {})[base, quote] = rate
    for content, symbol, close in _carried_closes(packs):
        closes.setdefault(content, {}).setdefault(symbol, close)
    return Prices(closes, dict(Security.objects.values_list("symbol", "currency")), legs, pivot)


def _carried_closes(packs: Sequence[PricingPack]) -> Iterator[tuple[int, str, Decimal]]:
    """Content, symbol and last close of securities that are carried behind their delisting on record."""
    newest = max(packs, key=lambda pack: (pack.asof_date, pack.sequence or 0), default=None)
    if newest is None or not any(action.action == "delisting" for action in market.actions(newest)):
        return
    history = market.history(newest)
    row_of = {day: row for row, day in enumerate(history.dates.tolist())}
    columns = [column for column in range(len(history.symbols)) if history.carried[:, column].any()]
    seen = PricingPack.objects.filter(pk__in=history.pack_ids).values("content")
    for column in columns:
        last = PackPrice.objects.filter(content__in=seen, security=history.security_ids[column])
        close, factor = last.order_by("-observed_date", "-content").values_list("close", "factor")[0]
        for pack in packs:
            if pack.asof_date in row_of and history.carried[row_of[pack.asof_date], column]:
                yield pack.content_id or 0, history.symbols[column], fx.UNROUNDED.multiply(close, factor)


def compare(
    *,
    portfolio: Portfolio,
    revision: LedgerRevision,
    packs: Sequence[PricingPack],
    prices: Prices,
    actions: Sequence[KnownAction],
    theirs: Statement,
) -> list[Comparison]:
    """Both books of one portfolio at each of `packs` (rising dates): the rows of a revision, and the ledger's own statement."""
    symbols = dict(Security.objects.values_list("id", "symbol"))
    days = [pack.asof_date for pack in packs]
    splits = split_breaks(theirs, actions)
    found = []
    with localcontext() as context:
        context.prec = 34
        for pack, inventory, ours in zip(packs, theirs.at(days), books.states(revision, days), strict=True):
            content = pack.content_id or 0
            ledger = _ledger_side(inventory, prices, content, portfolio.base_currency)
            database = _database_side(ours, symbols)
            value = _value(ours, prices, content, symbols, portfolio.base_currency)
            held = ledger.units.keys() | database.units.keys()
            # Where neither side can be valued the books do not differ: the pack lacks what both would need.
            lacking = ledger.missing if value is None else ()
            differences = find_breaks(ledger, replace(database, value=value))
            breaks = tuple(each for each in differences if not lacking or each.kind != VALUATION_MISMATCH) + tuple(
                # Of as long as the security is held: every value since rests on the wrong number of shares.
                difference
                for (account, symbol, on), difference in splits.items()
                if on == pack.asof_date or (on < pack.asof_date and (account, symbol) in held)
            )
            compared = len(ledger.units.keys() | database.units.keys()) + len(ledger.cash.keys() | database.cash.keys())
            distance = error_bp(ledger.value, value)
            apart = find_price_differences(theirs.prices.get(pack.asof_date, ()), prices, content)
            found.append(Comparison(pack, compared, ledger.value, value, distance, breaks, apart, lacking))
    return found


def _ledger_side(theirs: Inventory, prices: Prices, content: int, base: str) -> Balances:
    held = [(symbol, units) for (_, symbol), units in theirs.units.items()]
    return Balances(
        theirs.units,
        theirs.cost,
        theirs.cash,
        prices.value(content, held, theirs.cash, base),
        tuple(prices.missing(content, held, theirs.cash, base)),
    )


def _database_side(ours: books.State, symbols: Mapping[int, str]) -> Balances:
    """Without its value."""
    held = {(account, symbols[security]): (account, security) for account, security in ours.units}
    return Balances(
        {key: ours.units[row] for key, row in held.items() if ours.units[row]},
        {key: ours.cost[row] for key, row in held.items() if ours.units[row]},
        dict(ours.cash),
        None,
    )


def _value(state: books.State, prices: Prices, content: int, symbols: Mapping[int, str], base: str) -> Decimal | None:
    """Our side: quantities of our rows through the crosses that results are made with."""
    closes = prices.closes.get(content, {})
    legs = {pair: fx.Leg(*pair, rate, state.date, "", "") for pair, rate in prices.legs.get(content, {}).items()}

    def to_base(currency: str) -> Decimal:
        return fx.cross(legs, pivot=prices.pivot, frm=currency, to=base, asof_date=state.date)

    total = Decimal(0)
    try:
        for (_, security), quantity in state.units.items():
            if quantity:
                symbol = symbols[security]
                if symbol not in closes:
                    return None
                total += quantity * closes[symbol] * to_base(prices.currencies[symbol])
        for currency, amount in state.cash.items():
            if amount:
                total += amount * to_base(currency)
    except fx.MissingRate:
        return None
    return total


def split_breaks(theirs: Statement, actions: Sequence[KnownAction]) -> dict[SplitKey, Difference]:
    """Differences by account, symbol and ex-date, where the security was held at the close before."""
    raw = set(Security.objects.filter(price_basis=PriceBasis.RAW).values_list("symbol", flat=True))
    booked = {
        (split.account, split.symbol, split.ex_date): split.ratio for split in theirs.splits if split.symbol in raw
    }
    packed = {
        (each.symbol, each.ex_date): each.ratio
        for each in actions
        if each.action == "split" and each.ratio and each.symbol in raw
    }
    accounts = theirs.accounts() if packed or booked else {}
    apart = {
        (symbol, on)
        for symbol, on in packed.keys() | {key[1:] for key in booked}
        if not all(
            _same_ratio(packed.get((symbol, on)), booked.get((account, symbol, on)))
            for account in accounts.get(symbol, ())
        )
    }
    held = {(account, *key) for key, there in theirs.accounts_before(apart).items() for account in there}
    return find_split_breaks(
        {key: packed[key[1:]] for key in held if key[1:] in packed},
        {key: booked[key] for key in held if key in booked},
    )


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of a commit: its rows, and whether the books agree. `comparison` is None where no pack is sealed yet."""

    taken: writer.TakenIn
    comparison: Comparison | None

    @property
    def status(self) -> str:
        return self.taken.revision.status

    @property
    def breaks(self) -> tuple[Difference, ...]:
        return self.comparison.breaks if self.comparison else ()


def take_in(
    *,
    portfolio: Portfolio,
    files: Mapping[str, bytes],
    message: str,
    author: str,
    at: datetime,
    founding: Mapping[str, bytes] | None = None,
    checked: writer.Reading | None = None,
) -> Entered:
    """Commit a portfolio's ledger folder, read its rows, and reconcile them at once at the newest sealed pack of its policy.

    A revision whose books differ is `broken` with its breaks named; what is computed goes on with the one before. Without a
    sealed pack it stays `read`, which the first night changes.
    raises   as writer.take_in
    """
    with transaction.atomic():
        if checked is None:
            writer.lock(portfolio)
            checked = writer.check(portfolio=portfolio, files=files, today=at.date())
        taken = writer.take_in(
            portfolio=portfolio, files=files, message=message, author=author, at=at, founding=founding, checked=checked
        )
        return Entered(taken, _reconcile_now(portfolio, taken.revision, checked.statement))


def _reconcile_now(portfolio: Portfolio, revision: LedgerRevision, theirs: Statement) -> Comparison | None:
    if revision.status == RevisionStatus.RECONCILED:
        return None
    pack = newest_pack(portfolio.policy)
    if pack is None:
        return None
    prices = load_prices([pack], portfolio.policy.pivot)
    (found,) = compare(
        portfolio=portfolio,
        revision=revision,
        packs=[pack],
        prices=prices,
        actions=market.actions(pack),
        theirs=theirs,
    )
    found = replace(found, breaks=found.breaks + _end_breaks(revision, theirs, after=pack.asof_date))
    _keep(portfolio, revision, [found], uuid4())
    _conclude(revision, [found])
    revision.refresh_from_db()
    return found


def newest_pack(policy: PricingPolicy) -> PricingPack | None:
    """The sealed pack of the last date, fresh or still warming."""
    usable = PricingPack.objects.filter(policy=policy, status__in=(PackStatus.FRESH, PackStatus.WARMING))
    return usable.filter(sequence__isnull=False).order_by("-asof_date", "-sequence").first()


def _end_breaks(revision: LedgerRevision, theirs: Statement, *, after: date) -> tuple[Difference, ...]:
    """What is booked later than the pack has no prices yet; its balances can be compared all the same."""
    last = max(filter(None, (theirs.last, books.last_date(revision))), default=after)
    if last <= after:
        return ()
    symbols = dict(Security.objects.values_list("id", "symbol"))
    (inventory,), (ours,) = theirs.at([last]), books.states(revision, [last])
    ledger = Balances(inventory.units, inventory.cost, inventory.cash, Decimal(0))
    database = replace(_database_side(ours, symbols), value=Decimal(0))
    return tuple(replace(each, detail=f"at {last}") for each in find_breaks(ledger, database))


def reconcile(
    *,
    portfolio: Portfolio,
    packs: Sequence[PricingPack],
    prices: Prices,
    actions: Sequence[KnownAction],
    run: UUID,
    commit: str | None = None,
) -> list[Comparison]:
    """Read the ledger's newest commit, compare, and keep what was found; the revision becomes reconciled or broken.

    The ledger's side is loaded by Beancount for this comparison, whether the folder changed or not: not what the read that
    made the rows has left behind.

    A portfolio that the ledger does not know, or whose folder can't be read, fails at every pack. A revision that is broken
    is not used: its last reconciled one is. Only where all packs that it differed from are restated by this run, or where no
    other was ever reconciled, is it compared again.
    commit   read this one, not the newest: a run that takes a while speaks of one state throughout
    raises   LedgerUnavailable where there is no repository, LedgerRewritten, LedgerRefused where the folder of the revision
             can't be read any more
    """
    try:
        revision = writer.sync(portfolio=portfolio, commit=commit)
    except writer.PortfolioNotInLedger as missing:
        return keep_failure(portfolio=portfolio, packs=packs, kind=MISSING_ACCOUNT, detail=str(missing), run=run)
    heals = _broken_days(revision) <= {pack.asof_date for pack in packs}
    if revision.status == RevisionStatus.BROKEN:
        usable = books.newest_reconciled(portfolio)
        if not _was_compared(revision) and usable is None:
            return keep_failure(
                portfolio=portfolio, packs=packs, kind=LEDGER_UNREADABLE, detail=revision.reason, run=run
            )
        is_mended = heals and _was_compared(revision) and _ties_out(portfolio, revision, packs, prices, actions)
        if usable is not None and not is_mended:
            revision, heals = usable, True
    theirs = writer.read_statement(portfolio=portfolio, revision=revision)
    comparisons = compare(
        portfolio=portfolio, revision=revision, packs=packs, prices=prices, actions=actions, theirs=theirs
    )
    with transaction.atomic():
        _keep(portfolio, revision, comparisons, run)
        if heals:
            _conclude(revision, comparisons)
    return comparisons


def keep_failure(
    *, portfolio: Portfolio, packs: Sequence[PricingPack], kind: str, detail: str, run: UUID
) -> list[Comparison]:
    """Keep that a portfolio's books could not be compared at any of `packs`, so that nothing is answered as if they had been."""
    return _keep(
        portfolio, books.newest_reconciled(portfolio), [_failed(pack, kind, detail[:400]) for pack in packs], run
    )


def _broken_days(revision: LedgerRevision) -> set[date]:
    """Dates of the packs that a broken revision differed from, and still did when they were last compared."""
    if revision.status != RevisionStatus.BROKEN:
        return set()
    last = (
        Reconciliation.objects.filter(revision=revision, compared__gt=0)
        .order_by("pack__asof_date", "-made_at", "-id")
        .distinct("pack__asof_date")
    )
    return {day for day, status in last.values_list("pack__asof_date", "status") if status == "fail"}


def _ties_out(
    portfolio: Portfolio,
    revision: LedgerRevision,
    packs: Sequence[PricingPack],
    prices: Prices,
    actions: Sequence[KnownAction],
) -> bool:
    theirs = writer.read_statement(portfolio=portfolio, revision=revision)
    found = compare(portfolio=portfolio, revision=revision, packs=packs, prices=prices, actions=actions, theirs=theirs)
    last = max(pack.asof_date for pack in packs)
    return all(each.passes for each in found) and not _end_breaks(revision, theirs, after=last)


def _was_compared(revision: LedgerRevision) -> bool:
    """Whether it is broken by a difference; one that can't be read has nothing to compare."""
    return Reconciliation.objects.filter(revision=revision, compared__gt=0).exists()


def _failed(pack: PricingPack, kind: str, detail: str) -> Comparison:
    return Comparison(pack, 0, None, None, None, (Difference(kind, detail=detail),))


@transaction.atomic
def _keep(
    portfolio: Portfolio, revision: LedgerRevision | None, comparisons: list[Comparison], run: UUID
) -> list[Comparison]:
    done = set(
        Reconciliation.objects.filter(portfolio=portfolio, revision=revision, run=run).values_list("pack_id", flat=True)
    )
    fresh = [each for each in comparisons if each.pack.pk not in done]
    columns = (
        "portfolio_id",
        "revision_id",
        "pack_id",
        "status",
        "compared",
        "ledger_value",
        "database_value",
        "error_bp",
        "price_differences",
        "run",
    )
    copy_in(
        Reconciliation,
        columns,
        (
            (
                portfolio.pk,
                revision.pk if revision else None,
                each.pack.pk,
                "pass" if each.passes else "fail",
                each.compared,
                each.ledger_value,
                each.database_value,
                each.error_bp,
                Jsonb([_told(difference) for difference in each.price_differences]),
                run,
            )
            for each in fresh
        ),
    )
    failing = {each.pack.pk: each for each in fresh if not each.passes}
    rows = Reconciliation.objects.filter(portfolio=portfolio, revision=revision, run=run, pack__in=failing)
    Break.objects.bulk_create(
        Break(
            portfolio=portfolio,
            reconciliation=row,
            kind=difference.kind,
            account=difference.account,
            commodity=difference.commodity,
            ledger_value=difference.ledger_value,
            database_value=difference.database_value,
            difference=difference.difference,
            error_bp=difference.error_bp,
            detail=difference.detail,
        )
        for row in rows
        for difference in failing[row.pack_id].breaks
    )
    return comparisons


def _told(difference: PriceDifference) -> dict[str, str]:
    return {
        "commodity": difference.commodity,
        "currency": difference.currency,
        "ledger_price": format(difference.ledger_price, "f"),
        "pack_price": format(difference.pack_price, "f"),
        "error_bp": format(round(difference.error_bp, 4), "f"),
    }


def _conclude(revision: LedgerRevision, comparisons: Sequence[Comparison]) -> None:
    """Reconciled once is for ever: a later break is of the pack, and stands in its row."""
    if not comparisons:
        return
    first = next((each for each in comparisons if not each.passes), None)
    LedgerRevision.objects.filter(pk=revision.pk).exclude(status=RevisionStatus.RECONCILED).update(
        status=RevisionStatus.BROKEN if first else RevisionStatus.RECONCILED,
        reason=f"differs from the database at {first.pack.pk}: {first.breaks[0].kind}" if first else "",
    )
