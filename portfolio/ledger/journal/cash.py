"""Entries that move cash alone: external flows, income, charges, conversions."""

from decimal import Decimal

from .legs import FEES, Legs, currency_of, price_in
from .metadata import read_date, read_number, read_rate
from .refusal import UnreadableEntry
from .transaction import ZERO, FeeKind, Kind, LedgerTransaction


def read_fx(legs: Legs, entry_id: str) -> LedgerTransaction:
    """A conversion of one currency into another. Raises UnreadableEntry."""
    entry, totals = legs.entry, dict[str, Decimal]()
    legs.allow_only(*FEES, "rounding")
    for leg in legs.cash:
        totals[leg.currency] = totals.get(leg.currency, ZERO) + leg.amount
    currency = max(totals, key=lambda code: (code != legs.chart.base, totals[code]))
    charged = {posting.commodity for postings in legs.others.values() for posting in postings}
    if len(charged) == 1 and charged < totals.keys():
        (currency,) = charged
    counter = next(code for code in totals if code != currency)
    if totals[currency] * totals[counter] >= 0:
        raise UnreadableEntry("a conversion takes one currency and gives another")
    foreign = counter if currency == legs.chart.base else currency
    rate = read_rate(legs, foreign, "fx_rate", "fx_trade")
    if currency == legs.chart.base:
        rate = None
    elif rate is None and counter == legs.chart.base:
        rate = next(
            (price for p in entry.postings if p.commodity == currency and (price := price_in(p, counter))), None
        )
    fee = legs.charge(*FEES, currency=currency)
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="fx",
        account=next(leg.account for leg in legs.cash if leg.currency == currency),
        amount=totals[currency],
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        rounding=legs.total("rounding", currency=currency),
        counter_amount=totals[counter],
        counter_currency=counter,
        fx_rate=rate,
        settle_date=read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        cash=legs.cash,
    )


def read_flow(legs: Legs, entry_id: str) -> LedgerTransaction:
    legs.allow_only("external")
    amount = sum((leg.amount for leg in legs.cash), ZERO)
    if not amount:
        raise UnreadableEntry("an external flow of nothing")
    return cash_event(legs, entry_id, "deposit" if amount > 0 else "withdrawal")


def read_income(legs: Legs, entry_id: str) -> LedgerTransaction:
    """A dividend or interest, gross, with what was withheld and charged. Raises UnreadableEntry."""
    kind: Kind = "dividend" if "dividend" in legs.others else "interest"
    legs.allow_only(kind, "tax", "rounding", *FEES)
    currency = currency_of(legs)
    gross, fee = -legs.total(kind, currency=currency), legs.charge(*FEES, currency=currency)
    # What was paid by mistake goes back with what was withheld of it.
    tax = legs.total("tax", currency=currency) if gross < 0 else legs.charge("tax", currency=currency)
    if gross < 0 < tax:
        raise UnreadableEntry(f"tax is withheld from a {kind} that is taken back")
    return cash_event(
        legs,
        entry_id,
        kind,
        symbol=_read_symbol(legs) if kind == "dividend" else None,
        fee=fee,
        tax=tax,
        rounding=legs.total("rounding", currency=currency),
        rate=read_rate(legs, currency, "fx_pay", "fx_trade", "fx_rate"),
    )


def _read_symbol(legs: Legs) -> str:
    entry, chart = legs.entry, legs.chart
    if symbol_name := entry.meta.get("symbol"):
        if symbol_name not in chart.securities:
            raise UnreadableEntry(f"symbol {symbol_name} was never held in this ledger")
        return symbol_name
    for posting in legs.others["dividend"]:
        if symbol := chart.commodity_of(posting.account):
            return symbol
    first = entry.narration.partition(" ")[0]
    if first in chart.securities:
        return first
    raise UnreadableEntry("dividend of an unknown security; name it with the metadata `symbol`")


def read_charge(legs: Legs, entry_id: str) -> LedgerTransaction:
    legs.allow_only(*FEES, "tax")
    currency = currency_of(legs)
    fee, tax = legs.total(*FEES, currency=currency), legs.total("tax", currency=currency)  # less than 0: paid back
    return cash_event(legs, entry_id, "fee" if fee else "tax", fee=fee, fee_kind=_fee_kind(legs), tax=tax)


def read_outside_fee(legs: Legs, entry_id: str) -> LedgerTransaction:
    """A fee that the owner pays from elsewhere: the value stays, the return is less by it."""
    legs.allow_only("external", *FEES)
    fee, account = legs.charge(*FEES, currency=currency_of(legs)), legs.others["external"][0].account
    return cash_event(legs, entry_id, "outside_fee", account=account, fee=fee, fee_kind=_fee_kind(legs))


def _fee_kind(legs: Legs) -> FeeKind | None:
    kinds: list[FeeKind] = [kind for kind in ("custody", "management", "other") if kind in legs.others]
    if len(kinds) > 1:
        raise UnreadableEntry(f"{' and '.join(kinds)} fees in one entry; write one entry for each")
    return kinds[0] if kinds else None


def cash_event(
    legs: Legs,
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
    """A transaction of cash alone: what its account got or gave, and what of it were fee, tax and rounding."""
    entry, currency = legs.entry, currency_of(legs)
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind=kind,
        account=account or legs.cash[0].account,
        symbol=symbol,
        amount=sum((leg.amount for leg in legs.cash), ZERO),
        currency=currency,
        fee=fee,
        fee_kind=fee_kind or ("other" if fee else None),
        tax=tax,
        rounding=rounding,
        fx_rate=rate if rate is not None else read_rate(legs, currency, "fx_trade", "fx_rate"),
        ex_date=read_date(entry, "ex_date"),
        pay_date=read_date(entry, "pay_date"),
        settle_date=read_date(entry, "settle_date"),
        per_share=read_number(entry, "per_share"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        cash=legs.cash,
    )
