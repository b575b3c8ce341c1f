"""The books of the ledger and of the database, compared at packs; the result is stored, and the revision is concluded.

Beancount's own inventory, valued with the packs' prices on a path of its own, is compared with our rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from uuid import UUID

from django.db import transaction

from portfolio.books import balances, reconciliation_rows, revisions, writer
from portfolio.books.comparison import (
    Difference,
    SplitKey,
    error_bp,
    find_breaks,
    find_split_breaks,
    find_value_break,
    has_same_ratio,
)
from portfolio.books.pack_prices import PackPrices, find_price_differences
from portfolio.books.reconciliation_rows import LEDGER_UNREADABLE, MISSING_ACCOUNT, Comparison
from portfolio.ledger.reader import LoadingProcess
from portfolio.ledger.statement import Inventory, Statement
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus
from pricing import fx
from pricing.models import PackStatus, PriceBasis, PricingPack, PricingPolicy, Security
from pricing.packs.rows import KnownAction


def compare(
    *,
    portfolio: Portfolio,
    revision: LedgerRevision,
    packs: Sequence[PricingPack],
    prices: PackPrices,
    actions: Sequence[KnownAction],
    stated: Statement,
) -> list[Comparison]:
    """Both books of one portfolio at each of `packs` (rising dates): the rows of a revision, and the ledger's own statement."""
    days = [pack.asof_date for pack in packs]
    splits = find_splits_apart(stated, actions)
    with localcontext() as context:
        context.prec = 34
        return [
            _compare_at(pack, ledger, database, stated, splits, prices, portfolio.base_currency)
            for pack, ledger, database in zip(packs, stated.at(days), balances.by_day(revision, days), strict=True)
        ]


def _compare_at(
    pack: PricingPack,
    ledger: Inventory,
    database: Inventory,
    stated: Statement,
    splits: Mapping[SplitKey, Difference],
    prices: PackPrices,
    base: str,
) -> Comparison:
    content = pack.content_id or 0
    holdings = [(symbol, units) for (_, symbol), units in ledger.units.items()]
    ledger_value = prices.value(content, holdings, ledger.cash, base)
    database_value = _value(database, prices, content, base)
    missing = tuple(prices.missing(content, holdings, ledger.cash, base))
    # Where neither side can be valued the books do not differ: the pack lacks what both would need.
    lacking = missing if database_value is None else ()
    value_break = None if lacking else find_value_break(ledger_value, database_value, missing=missing)
    return Comparison(
        pack=pack,
        compared=len(ledger.units.keys() | database.units.keys()) + len(ledger.cash.keys() | database.cash.keys()),
        ledger_value=ledger_value,
        database_value=database_value,
        error_bp=error_bp(ledger_value, database_value),
        breaks=(
            *find_breaks(ledger, database),
            *([value_break] if value_break else []),
            *splits_that_matter(splits, pack.asof_date, ledger.units.keys() | database.units.keys()),
        ),
        price_differences=find_price_differences(stated.prices.get(pack.asof_date, ()), prices, content),
        lacking=lacking,
    )


def splits_that_matter(
    splits: Mapping[SplitKey, Difference], day: date, holdings: Collection[tuple[str, str]]
) -> list[Difference]:
    """Splits of the day, and earlier ones of what is still held: every value since rests on the wrong number of shares."""
    return [
        difference
        for (account, symbol, on), difference in splits.items()
        if on == day or (on < day and (account, symbol) in holdings)
    ]


def _value(inventory: Inventory, prices: PackPrices, content: int, base: str) -> Decimal | None:
    """Our side in base currency: quantities of our rows through the crosses that results are made with. None where a close or
    rate is missing."""
    day, closes = inventory.date, prices.closes.get(content, {})
    legs = {pair: fx.Leg(*pair, rate, day, "", "") for pair, rate in prices.legs.get(content, {}).items()}

    def to_base(currency: str) -> Decimal:
        return fx.cross(legs, pivot=prices.pivot, frm=currency, to=base, asof_date=day)

    total = Decimal(0)
    try:
        for (_, symbol), quantity in inventory.units.items():
            if symbol not in closes:
                return None
            total += quantity * closes[symbol] * to_base(prices.currencies[symbol])
        for currency, amount in inventory.cash.items():
            if amount:
                total += amount * to_base(currency)
    except fx.MissingRate:
        return None
    return total


def find_splits_apart(stated: Statement, actions: Sequence[KnownAction]) -> dict[SplitKey, Difference]:
    """Splits of raw securities that pack and ledger have otherwise, where the security was held at the close before."""
    raw = set(Security.objects.filter(price_basis=PriceBasis.RAW).values_list("symbol", flat=True))
    booked = {
        (split.account, split.symbol, split.ex_date): split.ratio for split in stated.splits if split.symbol in raw
    }
    packed = {
        (each.symbol, each.ex_date): each.ratio
        for each in actions
        if each.action == "split" and each.ratio and each.symbol in raw
    }
    accounts = stated.accounts() if packed or booked else {}
    apart = {
        (symbol, on)
        for symbol, on in packed.keys() | {key[1:] for key in booked}
        if not all(
            has_same_ratio(packed.get((symbol, on)), booked.get((account, symbol, on)))
            for account in accounts.get(symbol, ())
        )
    }
    keys_held = {(account, *key) for key, there in stated.accounts_before(apart).items() for account in there}
    return find_split_breaks(
        {key: packed[key[1:]] for key in keys_held if key[1:] in packed},
        {key: booked[key] for key in keys_held if key in booked},
    )


def newest_pack(policy: PricingPolicy) -> PricingPack | None:
    """The sealed pack of the last date, fresh or still warming."""
    usable = PricingPack.objects.filter(policy=policy, status__in=(PackStatus.FRESH, PackStatus.WARMING))
    return usable.filter(sequence__isnull=False).order_by("-asof_date", "-sequence").first()


def find_end_breaks(revision: LedgerRevision, stated: Statement, *, after: date) -> tuple[Difference, ...]:
    """Differences after the last entry. What is booked later than a pack has no prices yet; its balances can be compared."""
    last = max(filter(None, (stated.last, revisions.last_date(revision))), default=after)
    if last <= after:
        return ()
    (ledger,), (database,) = stated.at([last]), balances.by_day(revision, [last])
    return tuple(replace(each, detail=f"at {last}") for each in find_breaks(ledger, database))


def reconcile(
    *,
    portfolio: Portfolio,
    packs: Sequence[PricingPack],
    prices: PackPrices,
    actions: Sequence[KnownAction],
    run: UUID,
    commit: str | None = None,
    child: LoadingProcess | None = None,
) -> list[Comparison]:
    """Read the ledger's newest commit, compare, and store what was found; the revision becomes reconciled or broken.

    The ledger's side is loaded by Beancount for this comparison, whether the folder changed or not: not what the read that
    made the rows has left behind.

    A portfolio that the ledger does not know, or whose folder can't be read, fails at every pack. A revision that is broken
    is not used: its last reconciled one is. Only where all packs that it differed from are restated by this run, or where no
    other was ever reconciled, is it compared again.
    commit   read this one, not the newest: a run that takes a while speaks of one state throughout
    child    loads the ledger's side; a run over many portfolios has one for all
    raises   LedgerUnavailable where there is no repository, LedgerRewritten, LedgerRefused where the folder of the revision
             can't be read any more
    """
    try:
        revision = writer.sync(portfolio=portfolio, commit=commit)
    except writer.PortfolioNotInLedger as missing:
        return fail(portfolio=portfolio, packs=packs, kind=MISSING_ACCOUNT, detail=str(missing), run=run)
    heals = reconciliation_rows.broken_days(revision) <= {pack.asof_date for pack in packs}
    if revision.status == RevisionStatus.BROKEN:
        usable, was_compared = revisions.newest_reconciled(portfolio), reconciliation_rows.was_compared(revision)
        if usable is None and not was_compared:
            return fail(portfolio=portfolio, packs=packs, kind=LEDGER_UNREADABLE, detail=revision.reason, run=run)
        is_mended = heals and was_compared and _ties_out(portfolio, revision, packs, prices, actions, child)
        if usable is not None and not is_mended:
            revision, heals = usable, True
    stated = writer.read_statement(portfolio=portfolio, revision=revision, child=child)
    comparisons = compare(
        portfolio=portfolio, revision=revision, packs=packs, prices=prices, actions=actions, stated=stated
    )
    with transaction.atomic():
        reconciliation_rows.store(portfolio, revision, comparisons, run)
        if heals:
            reconciliation_rows.conclude(revision, comparisons)
    return comparisons


def fail(*, portfolio: Portfolio, packs: Sequence[PricingPack], kind: str, detail: str, run: UUID) -> list[Comparison]:
    """Store that a portfolio's books could not be compared at any of `packs`, by its newest reconciled revision."""
    return reconciliation_rows.store_failure(
        portfolio=portfolio,
        revision=revisions.newest_reconciled(portfolio),
        packs=packs,
        kind=kind,
        detail=detail,
        run=run,
    )


def _ties_out(
    portfolio: Portfolio,
    revision: LedgerRevision,
    packs: Sequence[PricingPack],
    prices: PackPrices,
    actions: Sequence[KnownAction],
    child: LoadingProcess | None,
) -> bool:
    stated = writer.read_statement(portfolio=portfolio, revision=revision, child=child)
    comparisons = compare(
        portfolio=portfolio, revision=revision, packs=packs, prices=prices, actions=actions, stated=stated
    )
    last = max(pack.asof_date for pack in packs)
    return all(each.passes for each in comparisons) and not find_end_breaks(revision, stated, after=last)
