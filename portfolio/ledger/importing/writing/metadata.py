"""The metadata of a row's entry: dates, rates, ratios."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from config.decimals import trimmed

from ..accounts import plain
from ..rows import Row
from .amounts import paid_of
from .decimals import exact_ratio, quotient
from .state import LedgerState


def metadata_of(state: LedgerState, row: Row) -> Iterable[tuple[str, str]]:
    """(key, value as a ledger spells it), without the id."""
    if row.kind in ("dividend", "reinvested_dividend", "return_of_capital"):
        if row.kind == "dividend":
            yield "symbol", f'"{plain(row.symbol)}"'
        if row.unit_price is not None and row.quantity is not None and row.factor == 1:
            yield "per_share", f'"{trimmed(row.unit_price)}"'
        ex_date = row.ex_date or (row.date if row.pay_date and row.date < row.pay_date else None)
        dates = (("ex_date", ex_date), ("pay_date", row.pay_date), ("settle_date", row.settle_date))
    else:
        dates = (("ex_date", row.ex_date), ("pay_date", row.pay_date), ("settle_date", row.settle_date))
    yield from ((key, day.isoformat()) for key, day in dates if day is not None)
    yield from _rates(state, row)
    if row.kind == "split" and row.ratio is None and row.quantity is not None:
        yield "split_ratio", f'"{trimmed(row.quantity)}:1"'
    elif row.ratio is not None and row.kind in ("split", "spin_off", "merger", "symbol_change"):
        exact = exact_ratio(row.ratio)
        text = f"{trimmed(row.ratio)}:1"
        if exact != Fraction(row.ratio):
            text = f"{exact.numerator}:{exact.denominator}"
        yield "split_ratio" if row.kind == "split" else "ratio", f'"{text}"'
    if row.given_id:
        yield "import_digest", f'"{row.digest()[:16]}"'


def _rates(state: LedgerState, row: Row) -> Iterator[tuple[str, str]]:
    if row.kind == "fx":
        rate = _conversion_rate(state, row)
    else:
        rate = row.fx_rate if row.currency != state.base else None
    if rate:
        key = "fx_pay" if row.kind in ("dividend", "interest", "return_of_capital") else "fx_trade"
        foreign = row.symbol if row.kind == "fx" and row.currency == state.base else row.currency
        yield "fx_rate" if row.kind == "fx" else key, f'"{foreign}{state.base}={trimmed(rate)}"'
    if row.kind == "transfer_in" and row.fx_acquired and row.currency != state.base:
        yield "fx_acquired", f'"{row.currency}{state.base}={trimmed(row.fx_acquired)}"'
    trading = state.trading.get(row.symbol, row.currency)
    if row.kind == "return_of_capital" and state.dealt_in - {row.currency}:
        rates = state.fixings(row, sorted({*state.dealt_in, row.currency} - {trading}))
        yield "fixing", '"' + " ".join(f"{each}{trading}={trimmed(rate)}" for each, rate in rates) + '"'
    if row.kind in ("buy", "sell", "cash_in_lieu", "reinvested_dividend", "transfer_in") and row.currency != trading:
        fixing = state.fixing(row.acquired or row.date, row.currency, trading)
        if fixing:
            yield "fixing", f'"{row.currency}{trading}={trimmed(fixing)}"'
        else:
            state.notes.append(
                f"row {row.row}: no rate {row.currency}/{trading} of {row.acquired or row.date} is known: what"
                f" {row.symbol} cost in {trading} can't be told until it is"
            )


def _conversion_rate(state: LedgerState, row: Row) -> Decimal | None:
    """Base currency per 1 of the other, where one of the two is the base."""
    assert row.quantity is not None
    paid = paid_of(row)
    if row.symbol == state.base:
        return row.unit_price or quotient(paid, row.quantity)
    return quotient(row.quantity, paid) if row.currency == state.base else None
