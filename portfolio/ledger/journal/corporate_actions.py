"""Entries of what happens to every share of a security: splits, mergers, spin-offs, returns of capital."""

from decimal import Decimal

from .legs import FEES, Legs, currency_of_sale
from .lots import COST_TOLERANCE, group_lots, lots_of, rank_by_unit_cost, total_by_lot
from .metadata import fixing_rate, read_date, read_fixings, read_number, read_rate, read_ratio
from .refusal import UnreadableEntry
from .transaction import ZERO, LedgerTransaction


def read_split(legs: Legs, entry_id: str) -> LedgerTransaction:
    """A split: the same cost in other units. Raises UnreadableEntry where the lots say another ratio."""
    entry, before, after = legs.entry, *(group_lots(legs.securities, new=new) for new in (False, True))
    legs.allow_only()
    ratio = sum((units for units, _ in after.values()), ZERO) / sum((units for units, _ in before.values()), ZERO)
    ratio = read_ratio(entry, "split_ratio", ratio)
    expected = {key: (units * ratio, cost) for key, (units, cost) in before.items()}
    alike = expected.keys() == after.keys() and all(
        abs(expected[key][0] - after[key][0]) <= Decimal("1e-9")
        and abs(expected[key][1] - after[key][1]) <= COST_TOLERANCE
        for key in after
    )
    if not alike:
        raise UnreadableEntry(f"the lots are not those of a split {ratio}:1 that keeps each lot's date and cost")
    first = legs.securities[0]
    assert first.cost is not None
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="split",
        account=first.account,
        symbol=first.commodity,
        quantity=sum((posting.units for posting in legs.securities), ZERO),
        currency=first.cost.currency,
        ratio=ratio,
        to_quantity=sum((units for units, _ in after.values()), ZERO),
        ex_date=read_date(entry, "ex_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots_of([posting for posting in legs.securities if posting.units < 0], first.cost.currency),
    )


def read_exchange(legs: Legs, entry_id: str) -> LedgerTransaction:
    """Lots go on under another security: all of them (merger, change of symbol), or a part of their cost (spin-off)."""
    entry = legs.entry
    sources = {posting.commodity for posting in legs.securities if posting.units < 0}
    if len(sources) != 1 or len({posting.commodity for posting in legs.securities}) != 2:
        raise UnreadableEntry(
            "several securities in one entry: a merger or spin-off has one before and one other after"
        )
    if legs.cash:
        raise UnreadableEntry("a merger or spin-off that pays cash: write the cash as a sale or return of capital")
    legs.allow_only()
    (symbol,) = sources
    legs_out = [posting for posting in legs.securities if posting.units < 0]
    remaining = [posting for posting in legs.securities if posting.units > 0 and posting.commodity == symbol]
    legs_in = [posting for posting in legs.securities if posting.commodity != symbol]
    accounts = [{posting.account for posting in group} for group in (legs_out + remaining, legs_in)]
    if any(len(each) > 1 for each in accounts):
        raise UnreadableEntry("several security accounts in one entry; write one entry for each")
    before, after = total_by_lot(legs_out), total_by_lot(legs_in)
    units = sum((number for number, _ in before.values()), ZERO)
    received = sum((number for number, _ in after.values()), ZERO)
    left = total_by_lot(remaining)
    alike = before.keys() == after.keys() and all(
        abs(number * received / units - after[lot][0]) <= Decimal("1e-9") * received
        and abs(cost - after[lot][1] - left.get(lot, (ZERO, ZERO))[1]) <= COST_TOLERANCE
        for lot, (number, cost) in before.items()
    )
    if remaining and {lot: number for lot, (number, _) in left.items()} != {
        lot: number for lot, (number, _) in before.items()
    }:
        alike = False
    if not alike:
        raise UnreadableEntry("the lots after a merger or spin-off are not those before: each keeps its date and cost")
    assert legs_out[0].cost is not None
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="spin_off" if remaining else "merger",
        account=legs_out[0].account,
        symbol=symbol,
        quantity=None if remaining else units,
        currency=legs_out[0].cost.currency,
        ratio=read_ratio(entry, "ratio", received / units),
        to_quantity=received,
        to_symbol=legs_in[0].commodity,
        to_account=legs_in[0].account,
        cost=sum((cost for _, cost in after.values()), ZERO),
        ex_date=read_date(entry, "ex_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots_of(legs_out, legs_out[0].cost.currency),
    )


def read_return_of_capital(legs: Legs, entry_id: str) -> LedgerTransaction:
    """Cash against cost: every lot gives up the same cost per unit, as far as it has any; what is paid beyond is gain.

    A lot that cost another currency gives it up at the fixing of the day, which the entry has to carry.
    """
    entry, currency = legs.entry, currency_of_sale(legs)
    fixings = read_fixings(entry)
    legs.allow_only(*FEES, "tax", "rounding", "realised")
    amount = sum((leg.amount for leg in legs.cash), ZERO)
    fee, tax = legs.charge(*FEES, currency=currency), legs.charge("tax", currency=currency)
    rounding = legs.total("rounding", currency=currency)
    before, after = (group_lots(legs.securities, new=new) for new in (False, True))
    units = sum((number for number, _ in before.values()), ZERO)
    paid = amount + fee + tax + rounding
    left = rank_by_unit_cost(
        (day, label, code, max(cost / number - paid / units / fixing_rate(fixings, code, currency), ZERO), number)
        for (day, label, code, _), (number, cost) in before.items()
    )
    alike = left.keys() == after.keys() and all(
        number == after[lot][0] and abs(cost - after[lot][1]) <= COST_TOLERANCE for lot, (number, cost) in left.items()
    )
    if paid <= 0 or not alike:
        raise UnreadableEntry(
            "securities move both ways for cash: neither a return of capital, which keeps every lot's date and units and "
            "takes the cash off its cost, nor a split, whose cash in lieu is a sale of its own"
        )
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="return_of_capital",
        account=legs.securities[0].account,
        symbol=legs.securities[0].commodity,
        amount=amount,
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        tax=tax,
        rounding=rounding,
        fx_rate=read_rate(legs, currency, "fx_pay", "fx_trade", "fx_rate"),
        ex_date=read_date(entry, "ex_date"),
        pay_date=read_date(entry, "pay_date"),
        per_share=read_number(entry, "per_share"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots_of([posting for posting in legs.securities if posting.units < 0], currency),
        cash=legs.cash,
        fixings=fixings,
    )
