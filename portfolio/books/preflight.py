"""Checks of a ledger before it is committed: whether its books would agree, and what would have no value.

All of it comes from a ledger that was read and from sealed packs; nothing is written.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

import numpy as np
import numpy.typing as npt

from portfolio.books import comparison, reconciliation
from portfolio.books.cash_shortfalls import HALF_A_CENT
from portfolio.books.comparison import Difference
from portfolio.books.entries import LotState
from portfolio.books.ledger_reading import Reading
from portfolio.ledger import recount
from portfolio.ledger.journal import LedgerTransaction
from portfolio.ledger.statement import Inventory
from portfolio.models import Portfolio
from pricing import fx, market
from pricing.market import History
from pricing.models import PackStatus, PricingPack, PricingPolicy, Security

ZERO: Final = Decimal(0)
MOST_LACKS: Final = 20


RATE_AGE: Final = timedelta(days=10)
"""How long before a deal the fixing may be that stands for its day: holidays in a row, no more."""
Bools = npt.NDArray[np.bool_]


def find_breaks(portfolio: Portfolio, reading: Reading) -> tuple[Difference, ...]:
    """Differences between the ledger's own inventory and the lots that we make of it, at the newest pack and after its last
    entry; splits of what is held that only one side has. The entry of the same files would find the same."""
    pack = reconciliation.newest_pack(portfolio.policy)
    last = max((event.date for event in reading.transactions), default=None)
    days = sorted({*((pack.asof_date,) if pack else ()), *((last,) if last else ())})
    breaks: list[Difference] = []
    with localcontext(recount.EXACT):
        for day, ledger in zip(days, reading.statement.at(days), strict=True):
            ours = _inventory(reading, day)
            breaks += [each for each in comparison.find_breaks(ledger, ours) if each not in breaks]
            if pack is not None and day == pack.asof_date:
                splits = reconciliation.find_splits_apart(reading.statement, market.actions(pack))
                breaks += reconciliation.splits_that_matter(splits, day, ledger.units.keys() | ours.units.keys())
    return tuple(breaks)


def find_split_hints(portfolio: Portfolio, breaks: Iterable[Difference]) -> tuple[str, ...]:
    """On which days the loaded prices have the splits of securities that the books differ by."""
    symbols = {each.commodity for each in breaks if each.kind == "SPLIT_MISMATCH"}
    pack = reconciliation.newest_pack(portfolio.policy) if symbols else None
    if pack is None:
        return ()
    ratios_of: dict[str, list[str]] = {symbol: [] for symbol in sorted(symbols)}
    for action in market.actions(pack):
        if action.action == "split" and action.symbol in ratios_of and action.ratio:
            ratios_of[action.symbol].append(f"one of {format(action.ratio, 'f')} new for 1 old on {action.ex_date}")
    return tuple(
        f"splits of {symbol}: the loaded prices have {' and '.join(ratios) or 'none'}; book each on its day, and no other"
        for symbol, ratios in ratios_of.items()
    )


def _inventory(reading: Reading, day: date) -> Inventory:
    """Our side at the close of a day."""
    symbols = {security: symbol for symbol, security in reading.securities.items()}
    units: dict[tuple[str, str], Decimal] = {}
    cost: dict[tuple[str, str], Decimal] = {}
    cash: dict[str, Decimal] = {}
    for lot in reading.history.lots:
        if lot.is_open(day):
            key = (lot.account, symbols[lot.security])
            units[key] = units.get(key, ZERO) + lot.quantity
            cost[key] = cost.get(key, ZERO) + lot.quantity * lot.unit_cost
    for event in reading.transactions:
        if event.date <= day:
            cash[event.currency] = cash.get(event.currency, ZERO) + event.amount
            if event.counter_amount is not None and event.counter_currency:
                cash[event.counter_currency] = cash.get(event.counter_currency, ZERO) + event.counter_amount
    return Inventory(day, cash, {key: quantity for key, quantity in units.items() if quantity}, cost)


def find_lacks(portfolio: Portfolio, reading: Reading, events: Sequence[LedgerTransaction]) -> tuple[str, ...]:
    """Prices and rates that the packs lack on days on which the securities and currencies of the events are held, in words."""
    symbols = {symbol for event in events for symbol in (event.symbol, event.to_symbol) if symbol}
    currencies = {code for event in events for code in (event.currency, event.counter_currency) if code}
    securities = {each.symbol: each for each in Security.objects.filter(symbol__in=symbols)}
    pack = reconciliation.newest_pack(portfolio.policy)
    if pack is None:
        return tuple(_find_unbooked_ends(reading, securities.values()))
    history = market.history(pack)
    lacks = [
        *_find_begin_before_prices(portfolio, history, events),
        *_find_missing_prices(history, reading, securities.values()),
        *_find_missing_rates(history, portfolio.base_currency, reading, securities.values(), currencies),
    ]
    if len(lacks) > MOST_LACKS:
        lacks = [*lacks[:MOST_LACKS], f"and {len(lacks) - MOST_LACKS} more"]
    return tuple(lacks)


def find_unvalued(portfolio: Portfolio, events: Sequence[LedgerTransaction]) -> list[tuple[LedgerTransaction, str]]:
    """Transfers from or to outside on a pack day without a price of the security, so that they have no value; with the reason."""
    transfers = [event for event in events if event.kind in ("transfer_in", "transfer_out") and event.symbol]
    pack = reconciliation.newest_pack(portfolio.policy) if transfers else None
    if pack is None:
        return []
    history, unvalued = market.history(pack), []
    securities = dict(
        Security.objects.filter(symbol__in={event.symbol for event in transfers}).values_list("symbol", "id")
    )
    for event in transfers:
        at = int(np.searchsorted(history.dates, np.datetime64(event.date, "D"), side="right")) - 1
        if at < 0 or event.date > pack.asof_date:
            continue
        of_the_day = PricingPack.objects.select_related("policy").get(pk=history.pack_ids[at])
        try:
            market.as_of(of_the_day).close(securities[event.symbol or ""], event.symbol or "")
        except market.MissingPrice as missing:
            unvalued.append((event, str(missing)))
    return unvalued


def _find_unbooked_ends(reading: Reading, securities: Iterable[Security]) -> Iterator[str]:
    """Securities that are held after the last day on which they exist. Where there is no pack, nothing else is known."""
    for security in sorted(securities, key=lambda each: each.symbol):
        if security.ends is not None and any(
            lot.valid_to is None or lot.valid_to > security.ends for lot in _lots_of(reading, security.symbol)
        ):
            yield f"{security.symbol} ends on {security.ends}, and its end is not booked"


def _find_begin_before_prices(
    portfolio: Portfolio, history: History, events: Sequence[LedgerTransaction]
) -> Iterator[str]:
    first = min((event.date for event in events), default=None)
    if first is not None and len(history.dates) and first < history.dates[0].item():
        yield (
            f"prices of {portfolio.policy_id} begin on {history.dates[0].item()}: what is booked from {first} on has no value"
            " before"
        )


def _find_missing_prices(history: History, reading: Reading, securities: Iterable[Security]) -> Iterator[str]:
    for security in sorted(securities, key=lambda each: each.symbol):
        days = _days_held(history, reading, security.symbol)
        if security.pk in history.columns:
            days &= np.isnan(history.close[:, history.columns[security.pk]])
        for first, last in _runs_of_days(days):
            pack = PricingPack.objects.select_related("policy").get(pk=history.pack_ids[first])
            missing = market.as_of(pack).missing_price(security.pk, security.symbol)
            yield _describe(missing, history, first, last)


def _find_missing_rates(
    history: History, base: str, reading: Reading, securities: Iterable[Security], currencies: Collection[str]
) -> Iterator[str]:
    days_of = {code: _days_with_cash(history, reading, code) for code in currencies}
    for security in securities:
        days_held = _days_held(history, reading, security.symbol)
        days_of[security.currency] = days_of.get(security.currency, np.zeros_like(days_held)) | days_held
    for code in sorted(days_of.keys() - {base}):
        lacking = days_of[code] & (_days_without_rate(history, code) | _days_without_rate(history, base))
        for first, last in _runs_of_days(lacking):
            pack = PricingPack.objects.select_related("policy").get(pk=history.pack_ids[first])
            yield _describe(market.as_of(pack).missing_rate(code, base), history, first, last)


def _days_without_rate(history: History, code: str) -> Bools:
    if code not in history.currencies:
        return np.ones(len(history.dates), dtype=bool)
    return np.isnan(history.fx_to_pivot[:, history.currencies.index(code)])


def _lots_of(reading: Reading, symbol: str) -> Iterator[LotState]:
    return (lot for lot in reading.history.lots if lot.security == reading.securities.get(symbol))


def _days_held(history: History, reading: Reading, symbol: str) -> Bools:
    """(D,) pack days at whose close a security is held, or on which some of it leaves the portfolio, valued at that close."""
    days_held = np.zeros(len(history.dates), dtype=bool)
    for lot in _lots_of(reading, symbol):
        until = np.datetime64(lot.valid_to or date.max, "D")
        days_held |= (history.dates >= np.datetime64(lot.valid_from, "D")) & (history.dates < until)
    for event in reading.transactions:
        if event.symbol == symbol and event.kind == "transfer_out":
            at = int(np.searchsorted(history.dates, np.datetime64(event.date, "D"), side="right")) - 1
            if at >= 0:
                days_held[at] = True
    return days_held


def _days_with_cash(history: History, reading: Reading, currency: str) -> Bools:
    """(D,) pack days at whose close there is cash in a currency, or a debt."""
    with_cash = np.zeros(len(history.dates), dtype=bool)
    balance, days = ZERO, history.dates
    moves: dict[date, Decimal] = {}
    for event in reading.transactions:
        for code, amount in ((event.currency, event.amount), (event.counter_currency, event.counter_amount)):
            if code == currency and amount is not None:
                moves[event.date] = moves.get(event.date, ZERO) + amount
    for day in sorted(moves):
        balance += moves[day]
        with_cash[days >= np.datetime64(day, "D")] = abs(balance) >= HALF_A_CENT
    return with_cash


def _runs_of_days(lacking: Bools) -> Iterator[tuple[int, int]]:
    """First and last place of each run of days."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], lacking, [False])).astype(np.int8)))
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield first, end - 1


def _describe(missing: Exception, history: History, first: int, last: int) -> str:
    return str(missing) if first == last else f"{missing}, nor on any pack day until {history.dates[last].item()}"


def fixing(policy: PricingPolicy, day: date, frm: str, to: str) -> Decimal | None:
    """Units of `to` per one `frm` by the newest sealed pack up to a day; None where none of its last days has both."""
    if frm == to:
        return Decimal(1)
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False, asof_date__lte=day)
    pack = (
        sealed.exclude(status=PackStatus.ERROR)
        .filter(asof_date__gte=day - RATE_AGE)
        .select_related("policy")
        .order_by("-asof_date", "-sequence")
        .first()
    )
    if pack is None:
        return None
    try:
        return market.cross(market.as_of(pack), frm, to)
    except fx.MissingRate:
        return None
