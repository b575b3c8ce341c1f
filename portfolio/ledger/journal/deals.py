"""Entries that buy, sell, or take a dividend in shares."""

from decimal import Decimal

from .legs import FEES, Legs, currency_of, currency_of_sale, price_in
from .lots import lots_of, mean_price
from .metadata import read_date, read_fixings, read_number, read_rate
from .refusal import UnreadableEntry
from .transaction import ZERO, CashLeg, LedgerTransaction


def read_deal(legs: Legs, entry_id: str) -> LedgerTransaction:
    """A purchase or a sale: which one, its lots say. Raises UnreadableEntry."""
    bought = legs.securities[0].units > 0
    entry, currency = legs.entry, currency_of(legs) if bought else currency_of_sale(legs)
    lots = lots_of(legs.securities, currency)
    legs.allow_only(*FEES, "tax", "rounding", *(() if bought else ("realised",)))
    quantity = sum((lot.quantity for lot in lots), ZERO)
    amount = sum((leg.amount for leg in legs.cash), ZERO)
    fee, tax = legs.total(*FEES, currency=currency), legs.total("tax", currency=currency)
    rounding = legs.total("rounding", currency=currency)
    # Securities tell the direction: what is charged may exceed what is paid for them, and a rebate may, too.
    paid = amount + fee + tax + rounding
    if paid and (paid < 0) is not bought:
        raise UnreadableEntry("securities and cash move the same way")
    if bought:
        prices: list[Decimal | None] = [lot.unit_cost for lot in lots]
    else:
        prices = [price_in(posting, currency) for posting in legs.securities]
    priced = [(lot.quantity, price) for lot, price in zip(lots, prices, strict=True) if price is not None]
    if len(priced) == len(lots):
        unit_price = mean_price(priced)
        at_price = sum((units * price for units, price in priced), ZERO)
        residue = (-at_price if bought else at_price) - (amount + fee + tax + rounding)
        if residue and abs(residue) > _last_digit(legs.cash):
            raise UnreadableEntry(
                f"quantity times price is {at_price:f}, which the cash and charges miss by {residue:f}"
            )
        if residue:  # Beancount lets through what its tolerance covers: the price is what was paid
            unit_price = abs(paid) / quantity
    else:
        unit_price = (amount + fee + tax + rounding) / quantity
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="buy" if bought else "sell",
        account=legs.securities[0].account,
        symbol=legs.securities[0].commodity,
        quantity=quantity,
        unit_price=unit_price,
        amount=amount,
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        tax=tax,
        rounding=rounding,
        fx_rate=read_rate(legs, currency, "fx_trade", "fx_rate"),
        settle_date=read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots,
        cash=legs.cash,
        fixings=read_fixings(entry),
    )


def read_reinvestment(legs: Legs, entry_id: str) -> LedgerTransaction:
    """A dividend paid in shares: income and a purchase at once; Beancount has seen to it that the two are equal."""
    entry, currency = legs.entry, currency_of(legs)
    lots = lots_of(legs.securities, currency)
    legs.allow_only("dividend", "tax", "rounding", *FEES)
    if legs.securities[0].units < 0:
        raise UnreadableEntry("a reinvested dividend that takes shares away")
    fee = legs.charge(*FEES, currency=currency)
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="reinvested_dividend",
        account=legs.securities[0].account,
        symbol=legs.securities[0].commodity,
        quantity=sum((lot.quantity for lot in lots), ZERO),
        unit_price=mean_price([(lot.quantity, lot.unit_cost) for lot in lots]),
        currency=currency,
        fee=fee,
        fee_kind="other" if fee else None,
        tax=legs.charge("tax", currency=currency),
        rounding=legs.total("rounding", currency=currency),
        fx_rate=read_rate(legs, currency, "fx_pay", "fx_trade", "fx_rate"),
        ex_date=read_date(entry, "ex_date"),
        pay_date=read_date(entry, "pay_date"),
        per_share=read_number(entry, "per_share"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots,
        fixings=read_fixings(entry),
    )


def _last_digit(cash: tuple[CashLeg, ...]) -> Decimal:
    """One unit of the last digit of the coarsest cash leg: how far a deal's cash may be rounded."""
    if not cash:
        return ZERO
    exponents = [leg.amount.as_tuple().exponent for leg in cash]
    return Decimal(1).scaleb(max(exponent for exponent in exponents if isinstance(exponent, int)))
