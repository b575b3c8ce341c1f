"""Sections on what a portfolio holds: positions, currencies, cash, what is not settled, and what the value rests on."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from config.counts import number_of
from config.plain_text import printable
from execution.figures import DASH, reason_words
from execution.terminal.footnotes import Footnotes
from execution.terminal.section import Section, cell, figure_list, headed_table

NAME_WIDTH: Final = 28
SHARES_OF_VALUE: Final = (
    # label, key
    ("On closes older than their session", "stale_share"), ("On rates older than the fixing", "carried_share"),
    ("On last closes of what is delisted", "delisted_share"),
    ("On closes let in by hand", "manual_share"), ("On prices with dividends, or of an index", "degraded_share"),
)  # fmt: skip


def sections(valued: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """valued: the output `valued_positions`."""
    yield Section(f"Positions, values in {valued['currency']}", _positions(valued, footnotes))
    yield Section("Currencies, cash included", _currencies(valued, footnotes))
    yield Section("Cash", _balances(valued["cash"], valued["currency"], footnotes))
    if valued["pending"]:
        yield Section("Traded, not settled (in the value already)", _pending(valued["pending"], footnotes))
    if valued["receivables"]:
        yield Section("Dividends receivable, beside the value", _receivables(valued, footnotes))
    yield Section("What the value rests on", _quality(valued, footnotes))


def _positions(valued: Mapping[str, Any], footnotes: Footnotes) -> Table:
    currency = valued["currency"]
    table = headed_table(
        ("Symbol", "left"), ("Name", "left"), ("Quantity", "right"), ("Close", "right"), ("", "left"),
        ("Value", "right"), ("Weight", "right"), ("Unrealised", "right"),
    )  # fmt: skip
    table.columns[1].no_wrap = False  # where there is little room, the name wraps
    for row in valued["positions"]:
        marks = _marks(row, footnotes)
        table.add_row(
            row["symbol"],
            _shortened(printable(row["name"])),
            cell(row["quantity"], "number", footnotes),
            cell(row["price"], "number", footnotes) + marks,
            row["currency"],
            cell(row["market_value"], "currency", footnotes, currency=currency),
            cell(row["weight"], "percentage", footnotes),
            cell(row["unrealized_pnl"], "currency", footnotes, currency=currency),
        )
    securities = cell(valued["securities_value"], "currency", footnotes, currency=currency)
    table.add_row("", "all securities", "", "", "", securities, "", "")
    return table


def _marks(row: Mapping[str, Any], footnotes: Footnotes) -> str:
    """Of the footnotes on a close: its age, and why its row is degraded."""
    age = row["age_sessions"]
    old = f"close of {row['observed_date']}, {number_of(age, 'session')} old"
    marks = footnotes.mark(old) if age else ""
    return marks + (footnotes.mark(reason_words(row["reason"])) if row.get("reason") else "")


def _currencies(valued: Mapping[str, Any], footnotes: Footnotes) -> Table:
    table = headed_table(
        ("", "left"), ("Securities", "right"), ("Cash", "right"), ("Value", "right"), ("Weight", "right")
    )
    for row in valued["currency_exposure"]:
        amounts = [
            cell(row[name], "currency", footnotes, currency=valued["currency"])
            for name in ("securities", "cash", "market_value")
        ]
        table.add_row(row["currency"], *amounts, cell(row["weight"], "percentage", footnotes))
    return table


def _balances(rows: Iterable[Mapping[str, Any]], currency: str, footnotes: Footnotes) -> Table:
    table = headed_table(
        ("", "left"), ("Amount", "right"), ("not settled", "right"), ("Rate", "right"), ("Value", "right"),
        ("Weight", "right"),
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row["currency"],
            cell(row["amount"], "currency", footnotes, currency=row["currency"]),
            cell(row["unsettled"], "currency", footnotes, currency=row["currency"]),
            cell(row["fx_rate"], "number", footnotes),
            cell(row["market_value"], "currency", footnotes, currency=currency),
            cell(row["weight"], "percentage", footnotes),
        )
    return table


def _pending(rows: Iterable[Mapping[str, Any]], footnotes: Footnotes) -> Table:
    table = headed_table(
        ("Traded", "left"), ("Settles", "left"), ("", "left"), ("Symbol", "left"), ("Quantity", "right"),
        ("Cash", "right"), ("", "left"),
    )  # fmt: skip
    for row in rows:
        quantity = "" if row["quantity"] is None else cell(row["quantity"], "number", footnotes)
        cash = cell(row["amount"], "currency", footnotes, currency=row["currency"])
        table.add_row(
            row["trade_date"], row["settle_date"], row["kind"], row["symbol"], quantity, cash, row["currency"]
        )
    return table


def _receivables(valued: Mapping[str, Any], footnotes: Footnotes) -> Table:
    table = headed_table(
        ("Symbol", "left"), ("Ex-date", "left"), ("Paid", "left"), ("Gross", "right"), ("Withheld", "right"),
        ("Net", "right"), ("", "left"), ("Value", "right"),
    )  # fmt: skip
    for row in valued["receivables"]:
        amounts = [
            cell(row[name], "currency", footnotes, currency=row["currency"]) for name in ("gross", "tax", "amount")
        ]
        value = cell(row["market_value"], "currency", footnotes, currency=valued["currency"])
        table.add_row(row["symbol"], row["ex_date"], row["pay_date"], *amounts, row["currency"], value)
    return table


def _quality(valued: Mapping[str, Any], footnotes: Footnotes) -> Table:
    """Shares of the value, the oldest price, and how much of it few holdings are."""
    table = figure_list()
    quality, concentration = valued["quality"], valued["concentration"]
    for label, key in SHARES_OF_VALUE:
        table.add_row(label, cell(quality[key], "percentage", footnotes), "")
    table.add_row("Oldest price", quality["oldest_price"] or DASH, quality["oldest_price_of"] or "")
    largest = cell(concentration["largest_weight"], "percentage", footnotes)
    table.add_row("Largest holding", largest, concentration["largest"] or "")
    top = cell(concentration["top_5_weight"], "percentage", footnotes)
    table.add_row("Largest five", top, f"of {concentration['holdings']}")
    return table


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1].rstrip()}…"
