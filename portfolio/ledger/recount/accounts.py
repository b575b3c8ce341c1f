"""Which accounts are counted a second time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext

from portfolio.ledger.journal import LedgerTransaction, account_methods
from portfolio.ledger.reader import Cost, Entry, LedgerReading

from .count import Recount
from .parcels import EXACT, ZERO, price_paid


def cost_by_day(
    reading: LedgerReading,
    transactions: Sequence[LedgerTransaction],
    *,
    method: str,
    fees_in_cost: bool,
    trading: Mapping[str, str] | None = None,
) -> dict[tuple[date, str, str], Decimal]:
    """(day, account, commodity) -> cost of what is held at its end, fees apart, of the accounts that are counted here.

    transactions  one of each entry, as journal.transactions gives them
    method        the portfolio's: FIFO, LIFO, HIFO, AVERAGE or NAMED. An account that the ledger opens with a method of its
                  own goes by that, but for AVERAGE
    trading       symbol -> the currency that it trades in; of others it is taken from the entries
    """
    own_methods = account_methods(reading)
    methods = {
        opening.account: method if method == "AVERAGE" else own_methods.get(opening.account, method)
        for opening in reading.opens
    }
    recounted = {
        opening.account
        for opening in reading.opens
        if not _beancount_books_alike(
            methods[opening.account], opening.booking or reading.booking or "", fees_in_cost=fees_in_cost
        )
    }
    recounted |= {
        event.account for event in transactions if event.kind == "buy" and price_paid(event) != _cost_of_lots(event)
    } & methods.keys()
    if _has_several_currencies(transactions):  # Beancount ranks bare numbers
        recounted |= {account for account, each in methods.items() if each == "HIFO"}
    if "FIFO" in methods.values():
        recounted |= {
            account for account in _accounts_with_reordered_lots(reading.entries) if methods.get(account) == "FIFO"
        }
    if not recounted or not transactions:
        return {}
    with localcontext(EXACT):
        return {
            (day, *key): cost
            for day, key, cost in Recount(
                methods, fees_in_cost, {**_trading_currencies(transactions), **(trading or {})}
            ).cost_changes(zip(reading.entries, transactions, strict=True))
            if key[0] in recounted
        }


def _has_several_currencies(transactions: Iterable[LedgerTransaction]) -> bool:
    """Whether a security was dealt in several, or in another than it trades in."""
    dealt_in: dict[str | None, str] = {}
    return any(
        event.fixings or dealt_in.setdefault(event.symbol, event.currency) != event.currency
        for event in transactions
        if event.kind in ("buy", "reinvested_dividend", "transfer_in")
    )


def _trading_currencies(transactions: Iterable[LedgerTransaction]) -> Mapping[str, str]:
    """Security -> the currency that it trades in, as far as fixings tell it; without any, that of its first deal."""
    by_fixing: dict[str, str] = {}
    by_deal: dict[str, str] = {}
    for event in transactions:
        if event.symbol and event.fixings:
            by_fixing[event.symbol] = event.fixings[0].quote
        elif event.symbol and event.kind in ("buy", "reinvested_dividend", "transfer_in", "sell"):
            by_deal.setdefault(event.symbol, event.currency)
    return by_deal | by_fixing


def _cost_of_lots(event: LedgerTransaction) -> Decimal:
    return sum((lot.quantity * lot.unit_cost for lot in event.lots), ZERO)


def _beancount_books_alike(ours: str, theirs: str, *, fees_in_cost: bool) -> bool:
    """Whether Beancount takes the lots that we take: its LIFO takes the first of a day, and its HIFO knows no fees."""
    return ours == "NAMED" or (ours == theirs and (ours == "FIFO" or (ours == "HIFO" and not fees_in_cost)))


def _accounts_with_reordered_lots(entries: Iterable[Entry]) -> set[str]:
    """Accounts where lots of one day may stand otherwise than they came in: Beancount adds a purchase to the open lot of its
    day and cost, and takes up the lots of a split or a move in the order in which they are written."""
    accounts, days = set(), dict[tuple[str, str, date], list[Cost]]()
    for entry in entries:
        for posting in entry.postings:
            cost = posting.cost
            if cost is None or posting.units <= 0:
                continue
            costs = days.setdefault((posting.account, posting.commodity, cost.acquired), [])
            if not costs:
                costs.append(cost)
            elif costs[-1] != cost:
                if cost in costs or any(other.units < 0 and other.cost is not None for other in entry.postings):
                    accounts.add(posting.account)
                costs.append(cost)
    return accounts
