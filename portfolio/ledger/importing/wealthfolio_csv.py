"""The activities of Wealthfolio as CSV: date, account, activityType, symbol, quantity, unitPrice, amount, currency, fee."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from . import cells, near_names
from .cells import Cells
from .rows import ZERO, FileReading, Row, RowFinding

CODE, TITLE, SUFFIX = "wealthfolio-csv", "Wealthfolio activities (CSV)", "csv"
COLUMNS = (
    "date", "account", "activitytype", "symbol", "quantity", "unitprice", "amount", "currency", "fee", "comment",
)  # fmt: skip
REQUIRED = ("date", "activitytype", "symbol", "currency")
TYPES = {
    **{kind: kind for kind in ("buy", "sell", "dividend", "interest", "deposit", "withdrawal", "fee", "tax", "split")},
    "transfer_in": "transfer_in",
    "transfer_out": "transfer_out",
    "add_holding": "transfer_in",
    "remove_holding": "transfer_out",
}
MONEY = re.compile(r"\$?CASH(?:[-:][A-Z]{3})?")
"""What Wealthfolio puts where a security would stand when there is none."""
_OF_SECURITIES = frozenset({"buy", "sell", "dividend", "split"})


def recognises(name: str, content: bytes) -> bool:
    return {"date", "activitytype"} <= set(cells.header(content))


def read(content: bytes) -> FileReading:
    findings: list[RowFinding] = []
    rows: list[Row] = []
    try:
        header, lines = cells.table(cells.decode(content))
        header = [name.lower() for name in header]
        findings += [
            RowFinding(
                1,
                name,
                "is missing in the header",
                near_names.rename(name, set(header) - {*COLUMNS}, f"columns: {', '.join(COLUMNS)}"),
            )
            for name in REQUIRED
            if name not in header
        ] + [RowFinding(1, name, "is in the header twice") for name in COLUMNS if header.count(name) > 1]
        if not findings:
            every = list(lines)
            signs = cells.decimal_signs(header, every)
            for line, texts in every:
                row = _row(cells.cells_by_header(header, texts, line, findings, signs))
                rows += [row] if row is not None else []
                if not cells.require_few(len(rows), findings):
                    break
    except cells.Undecodable as fault:
        return FileReading(findings=(*findings, fault.finding))
    ignored = tuple(name for name in header if name not in COLUMNS)
    absent = tuple(name for name in COLUMNS if name not in header)
    return FileReading(_pair_transfers(rows), tuple(findings), ignored, absent=absent)


def _row(row: Cells) -> Row | None:
    kind, day = row.choice("activitytype", TYPES), row.day("date")
    if not row.text("date"):
        row.refuse("date", "is missing", "write YYYY-MM-DD")
    currency, factor = row.money()
    if not currency:
        row.refuse("currency", "is missing", "the three letters of ISO 4217")
    quantity, price, amount, fee = (row.decimal(name) for name in ("quantity", "unitprice", "amount", "fee"))
    symbol = "" if MONEY.fullmatch(row.text("symbol").upper()) else row.text("symbol")
    if not row.is_good or kind is None:
        return None
    if kind.startswith("transfer") and not symbol:
        kind = "deposit" if kind == "transfer_in" else "withdrawal"
    result = Row(
        row=row.row,
        kind=kind,
        date=day or date.min,
        currency=currency,
        symbol=symbol if kind in _OF_SECURITIES or kind.startswith("transfer") else "",
        fee=(fee or ZERO) * factor,
        account=row.text("account"),
        note=row.text("comment"),
    )
    if kind == "split":  # the ratio stands where an amount would
        return replace(result, ratio=amount or quantity, fee=ZERO)
    if kind in ("buy", "sell", "transfer_in"):
        return replace(
            result,
            quantity=quantity,
            unit_price=_scaled(price or None, factor),
            amount=_amount_without_price(amount, price, factor),
        )
    if kind == "transfer_out":
        return replace(result, quantity=quantity)
    # Money: the amount; where there is none, quantity times price, or the fee of a fee.
    product = None if quantity is None or price is None else quantity * price
    gross = _scaled(amount or product or None, factor)
    return replace(result, amount=gross, fee=ZERO if kind in ("fee", "tax") and gross else result.fee)


def _amount_without_price(amount: Decimal | None, price: Decimal | None, factor: Decimal) -> Decimal | None:
    """The amount of a trade where it has no price: where it has one, some exports include the fee in the amount."""
    return None if price else _scaled(amount or None, factor)


def _scaled(number: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if number is None else number * factor


def _pair_transfers(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Cash that leaves one account and comes to another of the file on the same day is a transfer between own accounts."""
    waiting: dict[tuple[date, str, Decimal | None], list[int]] = {}
    result: list[Row | None] = list(rows)
    for at, row in enumerate(rows):
        if row.kind not in ("deposit", "withdrawal") or not row.account:
            continue
        others = waiting.setdefault((row.date, row.currency, row.amount), [])
        pair = next((i for i in others if rows[i].kind != row.kind and rows[i].account != row.account), None)
        if pair is None:
            others.append(at)
            continue
        others.remove(pair)
        out, into = (row, rows[pair]) if row.kind == "withdrawal" else (rows[pair], row)
        result[pair], result[at] = None, replace(out, kind="transfer", to_account=into.account)
    return tuple(row for row in result if row is not None)
