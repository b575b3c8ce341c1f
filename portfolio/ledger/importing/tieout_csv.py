"""Our own transactions file. docs/imports.md says what each type needs."""

import unicodedata
from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from . import cells, near_names
from .cells import Cells
from .rows import KINDS, ZERO, FileReading, Row, RowFinding

CODE, TITLE, SUFFIX = "tieout-csv", "Tieout transactions (CSV)", "csv"
COLUMNS = (
    "date", "type", "symbol", "quantity", "unit_price", "fee", "tax", "currency", "account", "settle_date", "ex_date",
    "pay_date", "fx_rate", "note",
)  # fmt: skip
MORE = (
    "id",
    "amount",
    "ratio",
    "to_symbol",
    "to_unit_price",
    "counter_amount",
    "acquired",
    "cost",
    "lot",
    "fee_kind",
    "to_account",
    "fx_acquired",
)
REQUIRED = ("date", "type", "currency")
FORMULA_SIGNS: Final = frozenset("=+-@|%")
ALL: Final = "all"
"""The quantity that stands for whatever is held on the day."""
TAKING: Final = ("sell", "transfer_out", "cash_in_lieu")
FEE_KINDS = {"": "", "transaction": "", "other": "", "custody": "custody", "management": "management"}


OTHERS: Final = frozenset(
    {"unitprice", "price", "tradeprice", "activitytype", "action", "buy/sell", "tradedate", "code"}
)
"""Columns that another format needs and this one does not know: a header that has one is the other's."""


def recognises(name: str, content: bytes) -> bool:
    header = set(cells.header(content))
    return header >= {*REQUIRED} and ("unit_price" in header or not header & OTHERS)


def read(content: bytes) -> FileReading:
    findings: list[RowFinding] = []
    rows: list[Row] = []
    try:
        header, lines = cells.table(cells.decode(content))
        header = [name.lower() for name in header]
        findings += _find_header_faults(header)
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
    ignored = tuple(name for name in header if name not in COLUMNS + MORE)
    absent = tuple(name for name in COLUMNS + MORE if name not in header)
    return FileReading(tuple(rows), tuple(findings), ignored, absent=absent)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could take a text for a formula, as lenient as one may be: full-width forms are the plain ones, and
    spaces and apostrophes before it count for nothing."""
    return unicodedata.normalize("NFKC", text).lstrip("' \t\r\n\x00")[:1] in FORMULA_SIGNS


def without_apostrophe(text: str) -> str:
    """A text as it was before an apostrophe kept spreadsheets from taking it for a formula, as it does in files that we write."""
    return text[1:] if text.startswith("'") and is_formula(text) else text


def _find_header_faults(header: list[str]) -> list[RowFinding]:
    missing = [name for name in REQUIRED if name not in header]
    twice = [name for name, times in Counter(header).items() if times > 1]
    others = [name for name in header if name not in COLUMNS + MORE]
    otherwise = f"columns: {', '.join(COLUMNS)}"
    return [
        RowFinding(1, name, "is missing in the header", near_names.rename(name, others, otherwise)) for name in missing
    ] + [RowFinding(1, name, "is in the header twice") for name in twice]


def _row(row: Cells) -> Row | None:
    kind, day = row.choice("type", {kind: kind for kind in KINDS}), row.day("date")
    if not row.text("date"):
        row.refuse("date", "is missing", "write YYYY-MM-DD")
    currency, factor = row.money()
    if not currency:
        row.refuse("currency", "is missing", "the three letters of ISO 4217")
    fee_kind = FEE_KINDS.get(row.text("fee_kind").lower())
    if fee_kind is None:
        row.refuse("fee_kind", "is not known", "one of transaction, custody, management, other")

    whole = row.text("quantity").lower() == ALL
    if whole and kind is not None and kind not in TAKING:
        row.refuse("quantity", f"can't be `{ALL}` for {kind}", f"only for {', '.join(TAKING)}")

    if kind == "transfer" and row.text("symbol"):
        row.refuse(
            "symbol",
            "moves no cash: `transfer` with a security is not taken yet",
            "write a transfer_out of one account and a transfer_in to the other, on one day",
        )

    def amount(column: str) -> Decimal | None:
        number = row.decimal(column)
        return number if number is None else number * factor

    result = Row(
        row=row.row,
        kind=kind or "",
        date=day or date.min,
        currency=currency,
        symbol=row.text("symbol"),
        quantity=None if whole else row.decimal("quantity"),
        whole=whole,
        unit_price=row.decimal("unit_price") if kind == "fx" else amount("unit_price"),
        amount=amount("amount"),
        fee=amount("fee") or ZERO,
        tax=amount("tax") or ZERO,
        account=row.text("account"),
        settle_date=row.day("settle_date"),
        ex_date=row.day("ex_date"),
        pay_date=row.day("pay_date"),
        fx_rate=row.decimal("fx_rate"),
        note=without_apostrophe(row.text("note")),
        given_id=row.text("id"),
        ratio=_ratio(row),
        to_symbol=row.text("to_symbol"),
        to_unit_price=amount("to_unit_price"),
        counter_amount=row.decimal("counter_amount"),
        acquired=row.day("acquired"),
        cost=amount("cost"),
        to_account=row.text("to_account"),
        lot=row.text("lot"),
        fee_kind=fee_kind or "",
        fx_acquired=row.decimal("fx_acquired"),
    )
    return result if row.is_good else None


def _ratio(row: Cells) -> Decimal | None:
    """`3:2`, or the number 1.5."""
    text = row.text("ratio")
    new, colon, old = text.partition(":")
    if not colon:
        return row.decimal("ratio")
    if not (new.isascii() and old.isascii() and new.isdecimal() and old.isdecimal() and int(new) and int(old)):
        row.refuse("ratio", "is not new:old", "such as 3:2")
        return None
    ratio = Fraction(int(new), int(old))
    return Decimal(ratio.numerator) / Decimal(ratio.denominator)
