"""Sections on performance: key figures, returns by window and year, contributors, currency attribution."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from config.counts import number_of
from config.plain_text import printable
from execution import figures
from execution.figures import DASH
from execution.terminal.footnotes import Footnotes
from execution.terminal.section import Section, cell, cell_and_remark, figure_list, headed_table

KEY_FIGURES: Final = (
    # label, output, key, format, with its sign
    ("Return today", "perf_metrics", "twr_1d", "percentage", True),
    ("TWR since inception", "perf_metrics", "twr_itd", "percentage", True),
    ("TWR a year", "perf_metrics", "twr_itd_annualised", "percentage", True),
    ("TWR, one year", "perf_metrics", "twr_1y", "percentage", True),
    ("TWR this year", "perf_metrics", "twr_ytd", "percentage", True),
    ("MWR a year", "metrics", "mwr_itd", "percentage", True),
    ("Volatility a year", "metrics", "volatility_itd", "percentage", False),
    ("Sharpe ratio", "metrics", "sharpe_itd", "decimal_2", False),
    ("Maximum drawdown", "metrics", "max_drawdown", "percentage", False),
    ("Current drawdown", "metrics", "current_drawdown", "percentage", False),
)
ATTRIBUTION: Final = (
    ("Local", "local_return"), ("FX", "fx_return"), ("Interaction", "interaction"), ("= Total", "total_return"),
)  # fmt: skip


def key_figures(result: Mapping[str, Any], footnotes: Footnotes) -> Table | None:
    """Label, figure, and its dates or the reason why it is missing; None where the result has none of them."""
    table = figure_list()
    if valued := available(result, "valued_positions"):
        value = figures.from_value(valued.get("total_value"), "currency", currency=valued["currency"])
        table.add_row("Value", *cell_and_remark(value, footnotes))
    if bridges := available(result, "bridges"):
        for label, span in (("Change today", "last_day"), ("Gain this year", "year_to_date")):
            gain = figures.from_value(bridges[span]["gain"], "currency", currency=bridges[span]["base_currency"])
            table.add_row(label, *cell_and_remark(gain, footnotes))
    for label, output, key, kind, signed in KEY_FIGURES:
        if output not in result:
            continue
        metrics = available(result, output)
        metric = metrics.get(key) if metrics else result[output]
        text, remark = cell_and_remark(figures.from_value(metric, kind, signed=signed), footnotes)
        table.add_row(label, text, remark + _recovery(metric))
    if metrics := available(result, "perf_metrics"):
        table.add_row("Inception", metrics.get("inception_date") or DASH, "")
    return table if table.row_count else None


def available(result: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """An output; None where it is not in the result, or is unavailable."""
    output = result.get(name)
    return None if output is None or "status" in output else output


def window_sections(windows: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """windows: the output of that name."""
    columns = [("TWR", "twr"), ("MWR", "mwr")]
    if windows["benchmark"]:
        columns = [
            *(("TWR", "twr"), ("Benchmark", "benchmark_twr"), ("Excess", "excess_twr")),
            *(("MWR", "mwr"), ("Benchmark", "benchmark_mwr"), ("Excess", "excess_mwr")),
        ]
    table = headed_table(("", "left"), *((label, "right") for label, _ in columns))
    for row in windows["rows"]:
        cells = [cell(row[key], "percentage", footnotes, signed=True) for _, key in columns]
        table.add_row(row["label"], *cells)
    against = f", against {printable(windows['benchmark'])}" if windows["benchmark"] else ""
    yield Section(f"Returns by window{against}", table)


def year_sections(calendar_years: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """calendar_years: the output of that name."""
    columns = [("Portfolio", "twr")]
    if calendar_years["benchmark"]:
        columns += [("Benchmark", "benchmark_twr"), ("Excess", "excess_twr")]
    table = headed_table(("", "left"), *((label, "right") for label, _ in columns), ("", "left"))
    for year in calendar_years["years"]:
        cells = [cell(year[key], "percentage", footnotes, signed=True) for _, key in columns]
        table.add_row(str(year["year"]), *cells, "" if year["is_whole"] else f"{year['first']} to {year['last']}")
    yield Section("Calendar years", table)


def contributor_sections(contribution: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """contribution: the output of that name."""
    lookback = contribution["lookback"]
    for label, name in (("Top", "top"), ("Bottom", "bottom")):
        table = headed_table(("", "left"), ("Contribution", "right"), ("Average weight", "right"))
        for row in lookback[name]:
            share = cell(row["contribution"], "percentage", footnotes, signed=True)
            weight = row["average_weight"]  # None for what is no holding: fees, deal rates
            table.add_row(row["symbol"], share, "" if weight is None else cell(weight, "percentage", footnotes))
        if lookback[name]:
            yield Section(f"{label} contributors over {number_of(lookback['days'], 'pack day')}", table)


def attribution_sections(currency_attr: Mapping[str, Any], footnotes: Footnotes) -> Iterator[Section]:
    """currency_attr: the output of that name."""
    since, lookback = currency_attr["since_inception"], currency_attr["lookback"]
    table = headed_table(
        ("", "left"), ("since inception", "right"), (f"{number_of(lookback['days'], 'pack day')}", "right")
    )
    for label, key in ATTRIBUTION:
        cells = [cell(view[key], "percentage", footnotes, signed=True) for view in (since, lookback)]
        table.add_row(label, *cells)
    yield Section(f"Currency attribution in {since['base_currency']}", table)


def _recovery(metric: Any) -> str:
    recovery = (metric.get("basis") or {}).get("recovery") if isinstance(metric, Mapping) else None
    return f", back on {recovery}" if recovery else ""
