"""A result on a terminal or in a file: its figures, and under them what they tie out to.

Figures are written as on a page. A figure that is missing is a dash with its reason; one that is degraded has a mark that a
footnote explains.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from config.plain_text import printable
from execution.executor import Served
from execution.figures import DASH, reason_words
from execution.terminal import holdings, performance, value_changes
from execution.terminal.footnotes import Footnotes
from execution.terminal.provenance import provenance, withheld_warnings
from execution.terminal.section import Section

WIDTH: Final = 100

Draw = Callable[[Mapping[str, Any], Footnotes], Iterable[Section]]

SECTIONS: Final[Mapping[str, tuple[str, Draw]]] = {
    "bridges": ("How the value came about", value_changes.bridge_sections),
    "valued_positions": ("Positions", holdings.sections),
    "gains": ("Gains since purchase", value_changes.gain_sections),
    "windows": ("Returns by window", performance.window_sections),
    "calendar_years": ("Calendar years", performance.year_sections),
    "contribution": ("Contributors", performance.contributor_sections),
    "currency_attr": ("Currency attribution", performance.attribution_sections),
}
"""Output -> its title where it is unavailable, and its sections, in the order in which they are printed."""
OTHER_OUTPUTS: Final = frozenset(
    {"perf_metrics", "metrics", "historical_nav", "over_span", "bridge", "income", "leading", "months"}
)
"""Outputs that need no word beside sections: the metrics are among the key figures, the daily values are for charts alone."""


def show(served: Served, name: str, console: Console | None = None) -> None:
    """Print a result. Colours on a terminal; plain text of at most 100 columns elsewhere."""
    console = console or make_console()
    result, metadata = served.result, served.metadata
    footnotes = Footnotes()
    console.print(Text(printable(name), style="bold"))
    console.print(_asof(metadata))
    if table := performance.key_figures(result, footnotes):
        _print(console, "", table)
    for part in _parts(result, footnotes):
        if isinstance(part, Text):
            console.print(part)
        else:
            _print(console, part.title, part.table)
    if footnotes.texts:
        console.print()
    for mark, text in footnotes:
        console.print(Text(f"{mark} {text}", style="dim"))
    is_drawn = table is not None or not result.keys().isdisjoint(SECTIONS)
    for output in sorted(result.keys() - SECTIONS.keys() - (OTHER_OUTPUTS if is_drawn else frozenset())):
        console.print(Text(f"also in the result: {output} (--json prints it)", style="dim"))
    for warning in (*withheld_warnings(metadata), *metadata["warnings"]):
        console.print(Text(printable(f"warning: {warning}"), style="yellow"))
    _print(console, "Ties out to", provenance(served))


def make_console() -> Console:
    """Of standard output: as wide as a terminal, of WIDTH elsewhere."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False, emoji=False)


def _asof(metadata: Mapping[str, Any]) -> Text:
    asof, requested = metadata["asof_date"], metadata["requested_asof_date"]
    words = f"as of {asof}" if asof == requested else f"as of {asof}, the last pack day before {requested}"
    return Text(f"{words}, provisional" if metadata["provisional"] else words)


def _parts(result: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section | Text]:
    """The sections of all outputs; for one that is unavailable, a line with its reason."""
    for name, (title, draw) in SECTIONS.items():
        if name not in result:
            continue
        output = performance.available(result, name)
        if output is None:
            yield Text(printable(f"{title}: {DASH} {reason_words(result[name]['reason'])}"))
        else:
            yield from draw(output, footnotes)


def _print(console: Console, title: str, table: Table) -> None:
    console.print()
    if title:
        console.print(Text(title, style="bold"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
