"""The tables of an import's steps, as texts: findings beside their rows, rows that would be added, what they would change."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from config.decimals import plain
from execution.figures import number
from execution.operations.intake import Effect
from portfolio.books.imports.previews import money
from portfolio.ledger.importing import as_written
from portfolio.ledger.importing.rows import MAX_FINDINGS, Row, RowFinding
from portfolio.models import Portfolio
from portfolio.valuation.effect import Change, DayValue

PREVIEWED_ROWS: Final = 50
STEPS: Final = (("file", "File"), ("check", "Check"), ("preview", "Preview"), ("done", "Done"))


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    state: str
    """done, current or next."""


def steps(current: str) -> list[Step]:
    names = [name for name, _ in STEPS]
    here = names.index(current)
    return [
        Step(title, "current" if at == here else "done" if at < here else "next") for at, (_, title) in enumerate(STEPS)
    ]


def finding_rows(
    findings: Sequence[RowFinding], content: bytes, *, can_leave_out: bool, left_out: Collection[int]
) -> list[dict[str, Any]]:
    """Each finding beside its row as the file has it; a row that is told of twice stands once."""
    text_of_row = as_written.texts_of_rows(content, {each.row for each in findings})
    rows: list[dict[str, Any]] = []
    for finding in findings:
        is_first = not rows or rows[-1]["row"] != finding.row or not finding.row
        rows.append(
            {
                "row": finding.row,
                "is_first": is_first,
                "written": text_of_row.get(finding.row, "") if is_first else "",
                "column": finding.column,
                "value": finding.value,
                "reason": finding.reason,
                "suggestion": finding.suggestion,
                "can_leave_out": can_leave_out and is_first and finding.row > 0,
                "is_left_out": finding.row in left_out,
            }
        )
    return rows


def is_cut(findings: Sequence[RowFinding]) -> bool:
    """Whether there may be more than are listed."""
    return len(findings) >= MAX_FINDINGS


def row_cells(rows: Iterable[Row]) -> list[dict[str, str]]:
    return [_row_cells(row) for row in list(rows)[:PREVIEWED_ROWS]]


def _row_cells(row: Row) -> dict[str, str]:
    return {
        "row": str(row.row),
        "date": row.date.isoformat(),
        "kind": row.kind.replace("_", " "),
        "symbol": row.symbol,
        "quantity": "all" if row.whole else plain(row.quantity) or "",
        "price": plain(row.unit_price) or "",
        "amount": "" if row.gross is None or row.whole else f"{row.gross:,.2f}",
        "currency": row.currency,
        "text": row.text.partition("\n")[0],
    }


def effect_rows(effect: Effect, portfolio: Portfolio) -> Iterator[dict[str, str]]:
    """Value, cash and holdings before and after, and the difference."""
    base = portfolio.base_currency
    before, after = effect.before.amount, effect.after.amount
    difference = None if before is None or after is None else after - before
    yield {
        "name": f"Value, {base}",
        "title": "",
        "before": _value(effect.before),
        "after": _value(effect.after),
        "difference": "" if difference is None else _signed(difference, money(difference)),
        "sign": _sign(difference),
    }
    for each in effect.cash:
        yield _change(each, f"Cash, {each.name}", money(each.before), money(each.after), money(each.difference))
    for each in effect.holdings:
        yield _change(each, each.name, number(each.before), number(each.after), number(each.difference))


def why_no_value(effect: Effect) -> list[str]:
    """Why there is no value before or after, each reason once."""
    return list(dict.fromkeys(each.reason for each in (effect.before, effect.after) if each.reason))


def _change(change: Change, name: str, before: str, after: str, difference: str) -> dict[str, str]:
    return {
        "name": name,
        "title": change.title,
        "before": before,
        "after": after,
        "difference": _signed(change.difference, difference),
        "sign": _sign(change.difference),
    }


def _value(value: DayValue) -> str:
    return "not known" if value.amount is None else money(value.amount)


def _signed(number: Decimal, text: str) -> str:
    return f"+{text}" if number > 0 else text


def _sign(number: Decimal | None) -> str:
    return "neg" if number is not None and number < 0 else ""
