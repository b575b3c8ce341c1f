"""What is wrong with rows that could be read: what their kind needs and lacks, and names that nobody knows."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from config.decimals import trimmed

from .accounts import is_path
from .near_names import suggest
from .rows import Row, RowFinding

_ID: Final = re.compile(r"[!#-\[\]-~]{1,64}")
_ACCOUNT: Final = re.compile(r"(?:Assets|Liabilities)(?::[A-Z0-9\x80-\U0010ffff][\w-]*)+")

SECURITY: Final = frozenset(
    {
        *(
            "buy",
            "sell",
            "dividend",
            "reinvested_dividend",
            "transfer_in",
            "transfer_out",
            "split",
            "spin_off",
            "merger",
        ),
        *("symbol_change", "return_of_capital", "cash_in_lieu"),
    }
)
_FEES: Final = frozenset(
    {*("buy", "sell", "dividend", "reinvested_dividend", "interest", "fee", "fx", "return_of_capital", "cash_in_lieu")}
)
_TAXES: Final = _FEES - {"fee", "fx"} | {"tax"}
_NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "buy": ("quantity", "gross"),
    "sell": ("quantity", "gross"),
    "cash_in_lieu": ("quantity", "gross"),
    "deposit": ("gross",),
    "withdrawal": ("gross",),
    "transfer": ("gross",),
    "interest": ("gross",),
    "dividend": ("gross",),
    "return_of_capital": ("gross",),
    "reinvested_dividend": ("quantity", "gross"),
    "transfer_in": ("quantity",),
    "transfer_out": ("quantity",),
    "fx": ("quantity",),
    "spin_off": ("unit_price", "to_unit_price"),
    "merger": ("ratio",),
}
"""Kind -> the fields that it must have, above zero."""
_COLUMN_OF: Final = {"gross": "amount"}


def find_faults(
    rows: Sequence[Row],
    *,
    securities: Collection[str],
    currencies: Collection[str],
    accounts: Collection[str],
    today: date,
    unquoted: Collection[str] = (),
) -> Iterator[RowFinding]:
    """securities, currencies, accounts: those that are known; a plain account name may be new, a path may not.

    unquoted  securities that can't be booked: bonds without a quote unit
    """
    row_of_id: dict[str, int] = {}
    for row in rows:
        if row.date > today:
            yield RowFinding(row.row, "date", "is in the future", "", row.date.isoformat())
        if row.given_id:
            if not _ID.fullmatch(row.given_id):
                yield RowFinding(row.row, "id", "is not 1 to 64 plain characters without spaces", "", row.given_id[:80])
            elif row.given_id in row_of_id:
                yield RowFinding(row.row, "id", f"is already that of row {row_of_id[row.given_id]}", "", row.given_id)
            row_of_id.setdefault(row.given_id, row.row)
        if not row.text:
            yield from _find_name_faults(row, securities, currencies, accounts, unquoted)
            yield from _find_number_faults(row, is_quoted=row.symbol not in unquoted)


def _find_name_faults(
    row: Row,
    securities: Collection[str],
    currencies: Collection[str],
    accounts: Collection[str],
    unquoted: Collection[str],
) -> Iterator[RowFinding]:
    money = [("currency", row.currency)] + ([("symbol", row.symbol)] if row.kind == "fx" else [])
    for column, name in money:
        if name not in currencies:
            yield RowFinding(row.row, column, "is no known currency", suggest(name, currencies), name)
    if row.kind == "fx" and row.symbol == row.currency:
        yield RowFinding(row.row, "symbol", "is the currency itself", "the currency that was paid with", row.symbol)
    if row.kind in SECURITY or (row.kind == "transfer" and row.symbol):
        symbols = [("symbol", row.symbol)]
        symbols += [("to_symbol", row.to_symbol)] if row.kind in ("spin_off", "merger", "symbol_change") else []
        for column, name in symbols:
            if not name:
                yield RowFinding(row.row, column, f"is missing for {row.kind}")
            elif name not in securities:
                load = "load its market data first"
                near = suggest(name, securities)
                yield RowFinding(row.row, column, "is no known security", f"{near}, or {load}" if near else load, name)
            elif name in unquoted:
                yield RowFinding(
                    row.row,
                    column,
                    "is a bond of which nobody has said what its price is of, and can't be booked",
                    "load it with quote_unit percent_of_nominal",
                    name,
                )
        if row.to_symbol and row.to_symbol == row.symbol:
            yield RowFinding(row.row, "to_symbol", "is the symbol itself", "", row.symbol)
    for column, name in (("account", row.account), ("to_account", row.to_account)):
        if is_path(name) and (
            not _ACCOUNT.fullmatch(name) or not any(f"{each}:".startswith(f"{name}:") for each in accounts)
        ):
            suggestion = suggest(name, {each.rsplit(":", 2)[0] for each in accounts})
            yield RowFinding(
                row.row, column, "is no account of this ledger", suggestion or "a plain name opens it", name
            )


def _find_number_faults(row: Row, *, is_quoted: bool) -> Iterator[RowFinding]:
    for name in _NUMBERS.get(row.kind, ()):
        value = getattr(row, name)
        if name == "quantity" and row.whole:
            continue
        if name == "gross" and row.kind == "transfer" and row.symbol:
            continue
        if value is None or not value > 0:
            needs = "quantity and unit_price, or amount" if name == "gross" else ""
            if value is not None and row.kind in ("sell", "cash_in_lieu") and name == "gross":
                yield RowFinding(
                    row.row,
                    "amount",
                    "is not above zero: writing off what is worth nothing is not taken from this file yet",
                    "book it as an entry of Beancount, its units at `{} @ 0`",
                    _text(value),
                )
                continue
            problem = f"is missing for {row.kind}" if value is None else "is not above zero"
            yield RowFinding(row.row, _COLUMN_OF.get(name, name), problem, needs if value is None else "", _text(value))
    faults: list[tuple[bool, str, str]] = [
        (row.kind == "fee" and not (row.gross or row.fee), "amount", "is missing for fee"),
        (row.kind == "tax" and not (row.gross or row.tax), "amount", "is missing for tax"),
        (row.kind == "fee" and bool(row.gross and row.fee), "fee", "stands beside the amount of a fee"),
        (row.kind == "tax" and bool(row.gross and row.tax), "tax", "stands beside the amount of a tax"),
        (row.kind == "transfer" and row.account == row.to_account, "to_account", "is not another account"),
        (row.kind == "fx" and not (row.counter_amount or row.unit_price), "unit_price", "is missing for fx"),
        (row.kind == "split" and not (row.ratio or row.quantity), "ratio", "is missing for split"),
        (row.kind == "spin_off" and not (row.ratio or row.quantity), "ratio", "is missing for spin_off"),
        (row.kind == "transfer_in" and row.cost is None and row.gross is None, "cost", "is missing for transfer_in"),
        (bool(row.fee) and row.kind not in _FEES, "fee", f"can't be part of {row.kind}: give it a row of its own"),
        (bool(row.tax) and row.kind not in _TAXES, "tax", f"can't be part of {row.kind}: give it a row of its own"),
        (row.fx_rate is not None and not row.fx_rate, "fx_rate", "is not above zero"),
        (row.fx_acquired is not None and not row.fx_acquired, "fx_acquired", "is not above zero"),
        (row.acquired is not None and row.acquired > row.date, "acquired", "is after the date"),
        (_charges_exceed_amount(row), "tax", "and fee are more than the amount"),
    ]
    for is_wrong, column, reason in faults:
        if is_wrong:
            yield RowFinding(row.row, column, reason)
    if is_quoted and (contradiction := _contradiction(row)):
        yield RowFinding(row.row, "amount", "is not quantity times unit_price", contradiction, _text(row.amount))


def _contradiction(row: Row) -> str:
    """What quantity times price is, where the amount is further from it than half a last digit of each can bring it; else "".

    A quantity without decimals is a count, and exact.
    """
    if row.amount is None or row.quantity is None or row.unit_price is None or row.kind in ("fx", "spin_off", "split"):
        return ""
    product = row.quantity * row.unit_price * row.factor
    of_price = row.quantity * _step(row.unit_price, whole=True) * row.factor / 2
    of_quantity = row.unit_price * _step(row.quantity, whole=False) * row.factor / 2
    if abs(row.amount - product) <= of_price + of_quantity + Decimal("0.01"):
        return ""
    quote = "" if row.factor == 1 else f", as a price of {row.symbol} counts {trimmed(row.factor)} times"
    return f"that is {trimmed(product)}{quote}"


def _step(number: Decimal, *, whole: bool) -> Decimal:
    """One of the last digit that is printed; of a number without decimals 1, or 0 where it is no `whole` that may be rounded."""
    exponent = number.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) else 0
    return Decimal(1).scaleb(-decimals) if decimals > 0 else Decimal(int(whole))


def _charges_exceed_amount(row: Row) -> bool:
    return row.kind in ("dividend", "interest", "return_of_capital") and row.fee + row.tax > (row.gross or 0)


def _text(value: object) -> str:
    return "" if value is None else str(value)
