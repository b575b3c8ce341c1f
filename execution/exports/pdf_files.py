"""PDF: a report for people, with the result and its manifest attached for machines. PDF/A-3a and PDF/UA-1, set by typst.

The same content gives the same bytes: the moment is the export's, and no font is one of the machine.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from config import plain_text
from execution import canonical
from execution.exports import neutral
from execution.exports.content import ExportContent, Report
from execution.exports.panel_tables import Cell, PanelTable, TableColumn, is_numeric
from execution.figures import FORMATS, number

TEMPLATE: Final = Path(__file__).with_name("report.typ")
STANDARDS: Final = ("a-3a", "ua-1")
LEVELS: Final = 5
"""Lines across a chart, its ends included."""

ATTACHED: Final = {
    "result.json": {"relationship": "source", "description": "The result, as the API answers it"},
    "manifest.json": {"relationship": "supplement", "description": "What the figures tie out to"},
}


def write_paper(paper: str, file: BinaryIO, content: ExportContent, report: Report) -> None:
    """paper: as typst names it."""
    import typst  # 0.2 s and 60 MB that no other form needs

    tables = content.tables()
    manifest = content.manifest
    at = manifest.reader.at.astimezone(UTC).replace(microsecond=0)
    attached = {"manifest.json": canonical.canonical_bytes(manifest.as_dict()).decode()}
    if content.attaches_result:
        attached = {"result.json": content.result_text, **attached}
    whole = {
        "title": plain_text.printable(manifest.title),
        "paper": paper,
        "at": [at.year, at.month, at.day],
        "facts": [[plain_text.printable(part) for part in line.split(": ", 1)] for line in manifest.lines()],
        "footer": [plain_text.printable(line) for line in _footer(content)],
        "watermark": plain_text.printable("\n".join(manifest.as_dict()["watermarks"])),
        "panels": [_panel(table, content.base_currency) for table in tables],
        "attached": [{"name": name, **ATTACHED[name]} for name in attached],
    }
    report(1, 2)
    pages = typst.compile(
        TEMPLATE,
        format="pdf",
        font_paths=typst.Fonts(include_system_fonts=False),
        pdf_standards=list(STANDARDS),
        timestamp=at,
        sys_inputs={"report": json.dumps(whole), **attached},
    )
    file.write(pages)
    report(2, 2)


def _footer(content: ExportContent) -> Iterator[str]:
    """What stands on each page."""
    facts = content.manifest.as_dict()
    yield f"Pack {facts['pricing_pack_id']} · ledger {facts['ledger_commit_hash'] or 'none'}"
    yield f"Result {facts['result_hash']}"
    yield from ([" · ".join(each["text"] for each in facts["attributions"])] if facts["attributions"] else [])


def _panel(table: PanelTable, currency: str) -> dict[str, Any]:
    """A panel as the template reads it: lines where its rows are days, else cells as a page writes them."""
    panel: dict[str, Any] = {"title": plain_text.printable(table.title), "reason": ""}
    if table.reason or not table.count:
        return panel | {"reason": table.reason or "no rows"}
    if table.is_series:
        return panel | _lines(table)
    return panel | {
        "columns": [
            {"header": plain_text.printable(each.header), "numeric": each.is_numeric} for each in table.columns
        ],
        "rows": [
            [_words(cell, column, currency) for cell, column in zip(row, table.columns, strict=True)]
            for row in table.rows
        ],
    }


def _words(cell: Cell, column: TableColumn, currency: str) -> str:
    if cell is None:
        return "—"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if is_numeric(cell, column) and neutral.is_number(str(cell)):
        return FORMATS.get(column.format, number)(Decimal(str(cell)), currency)
    return plain_text.printable(str(cell))


def _lines(table: PanelTable) -> dict[str, Any]:
    """Series between 0 and 1 in both directions; a line is broken where a day has no value."""
    days, *columns = zip(*table.rows, strict=True)
    heights = [[None if value is None else float(str(value)) for value in column] for column in columns]
    numbers = [value for column in heights for value in column if value is not None]
    if not numbers:
        return {"reason": "no figures"}
    low, high = min(numbers), max(numbers)
    span = (high - low) or 1.0
    kind = table.columns[1].format
    labels = [plain_text.printable(column.header) for column in table.columns[1:]]
    return {
        "series": [
            {"label": label, "pieces": list(_pieces(values, low, span))}
            for label, values in zip(labels, heights, strict=True)
        ],
        "first": str(days[0]),
        "last": str(days[-1]),
        "marks": [
            {"at": place / (LEVELS - 1), "label": _level(low + span * place / (LEVELS - 1), kind)}
            for place in range(LEVELS)
        ],
        "alt": plain_text.printable(
            f"{table.title} from {days[0]} to {days[-1]}: "
            + ", ".join(labels)
            + f"; lowest {_level(low, kind)}, highest {_level(high, kind)}"
        ),
    }


def _pieces(values: Sequence[float | None], low: float, span: float) -> Iterator[list[list[float]]]:
    """Runs of known values, as points."""
    last = max(len(values) - 1, 1)
    piece: list[list[float]] = []
    for place, value in enumerate(values):
        if value is not None:
            piece.append([place / last, (value - low) / span])
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _level(value: float, kind: str) -> str:
    exact = Decimal(repr(value))
    return FORMATS["percentage"](exact, "") if kind == "percentage" else number(round(exact, 2))


write_a4 = partial(write_paper, "a4")
write_letter = partial(write_paper, "us-letter")
