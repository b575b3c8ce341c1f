"""A part of a report: a title over a table of figures."""

from dataclasses import dataclass
from typing import Any, Literal

from rich.table import Table

from execution import figures
from execution.figures import DASH, SPACE, Figure
from execution.terminal.footnotes import Footnotes

Justify = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    table: Table


def bare_table() -> Table:
    """A table without a head, to which columns are added."""
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)


def figure_list() -> Table:
    """A table of label, figure and remark."""
    table = bare_table()
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    return table


def headed_table(*columns: tuple[str, Justify]) -> Table:
    """A table with a head of labels; no column wraps."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for label, justify in columns:
        table.add_column(label, justify=justify, no_wrap=True)
    return table


def cell(value: Any, kind: str, footnotes: Footnotes, *, currency: str = "", signed: bool = False) -> str:
    """A value as a figure, with the mark of the footnote that says why it is missing or degraded."""
    figure = figures.from_value(value, kind, currency=currency, signed=signed)
    return _text(figure) + (footnotes.mark(figure.note) if figure.note else "")


def cell_and_remark(figure: Figure, footnotes: Footnotes) -> tuple[str, str]:
    """A figure with its unit, and a remark: its dates, or the reason why it is missing."""
    text = _text(figure) + (f" {figure.unit}" if figure.unit else "")
    if figure.status == "ok":
        return text, figure.hint
    if figure.status == "degraded":
        return text + footnotes.mark(figure.note), figure.hint
    return DASH, figure.note


def _text(figure: Figure) -> str:
    return figure.text.replace(SPACE, " ")
