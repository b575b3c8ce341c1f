"""What other patterns than the one that is printed say, in a line each."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from config.plain_text import printable
from execution import figures
from execution.executor import Served
from execution.figures import SPACE, Figure
from execution.terminal import report

LINES: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "portfolio_macro_overview": (("regime", "regime.score", "decimal_2"),),
    "portfolio_cycle_risk": (
        ("drawdown at risk", "dar.dar_amount", "currency"),
        ("of the value", "dar.dar_value", "percentage"),
    ),
    "portfolio_scenario_analysis": (
        ("scenario", "scenario_result.scenario_name", "text"),
        ("gain", "scenario_result.total_delta_pl", "currency"),
    ),
    "portfolio_tax_report": (
        ("realised this year", "realised.whole.gain", "currency"),
        ("lots sold", "realised.whole.lots", "number"),
    ),
    "news_impact_analysis": (("articles", "impact_analysis.total_items", "number"),),
}
"""Pattern -> label, path in its result and format of each figure of its line."""


def show(answers: Iterable[Served], slug: str, currency: str, console: Console | None = None) -> None:
    """Print a line for each answer of a pattern in LINES on the portfolio `slug`: its name, and its figures, cut at the width."""
    console = console or report.make_console()
    console.print()
    console.print(Text(f"Other patterns say (manage.py execute NAME --portfolio {slug})", style="bold"))
    longest = max(map(len, LINES))
    for served in answers:
        pattern = served.metadata["pattern_id"]
        line = Text(f"  {pattern:<{longest}}  {line_of(pattern, served.result, currency)}")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)


def line_of(pattern: str, result: Mapping[str, Any], currency: str) -> str:
    """The figures with their labels; of one that is missing, a dash and the reason."""
    return "; ".join(_words(label, _figure_at(result, path, kind, currency)) for label, path, kind in LINES[pattern])


def _words(label: str, figure: Figure) -> str:
    after = figure.note if figure.status == "unavailable" else figure.unit
    return printable(f"{label}: {figure.text} {after}".replace(SPACE, " ").rstrip())


def _figure_at(result: Mapping[str, Any], path: str, kind: str, currency: str) -> Figure:
    """All below an output that is unavailable is so, too."""
    value: Any = result
    for name in path.split("."):
        if value.get("status") == "unavailable":
            break
        value = value[name]
    return figures.from_value(value, kind, currency=currency)
