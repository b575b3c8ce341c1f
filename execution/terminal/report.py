"""A result on a terminal, or in a file: its figures, and under them what they tie out to.

Figures are formatted by `panels`, as on a page. What is not there is a dash with its reason; what is degraded carries a
mark that a footnote explains.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from execution.executor import Served
from execution.web.pages import panels

WIDTH, NAME_WIDTH = 100, 28
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

PERFORMANCE = (
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
ATTRIBUTION = (
    ("Local", "local_return"), ("FX", "fx_return"), ("Interaction", "interaction"), ("= Total", "total_return"),
)  # fmt: skip
QUALITY = (
    ("On closes older than their session", "stale_share"), ("On rates older than the fixing", "carried_share"),
    ("On last closes of what is delisted", "delisted_share"),
    ("On closes let in by hand", "manual_share"), ("On prices with dividends, or of an index", "degraded_share"),
)  # fmt: skip
SHOWN = frozenset({
    "valued_positions", "bridges", "gains", "perf_metrics", "metrics", "currency_attr", "historical_nav", "calendar_years",
    "contribution", "windows",
})  # fmt: skip


def show(served: Served, name: str, console: Console | None = None) -> None:
    """Print a result. Colours on a terminal; plain text of at most 100 columns elsewhere."""
    console = console or Console(
        width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False, emoji=False
    )
    result, metadata = served.result, served.metadata
    notes = _Notes()
    console.print(Text(_printable(name), style="bold"))
    console.print(_asof(metadata))
    _print(console, "", _performance(result, notes))
    _print_bridges(console, result, notes)
    _print_valued(console, result, notes)
    _print_gains(console, result, notes)
    _print_windows(console, result, notes)
    _print_years(console, result, notes)
    _print_contributors(console, result, notes)
    _print_attribution(console, result, notes)
    if notes.kept:
        console.print()
    for mark, note in notes.told():
        console.print(Text(f"{mark} {note}", style="dim"))
    for output in sorted(set(result) - SHOWN):
        console.print(Text(f"also in the result: {output} (--json prints it)", style="dim"))
    for warning in (*_withheld(metadata), *metadata["warnings"]):
        console.print(Text(_printable(f"warning: {warning}"), style="yellow"))
    _print(console, "Ties out to", _seals(served))


@dataclass(slots=True)
class _Notes:
    """Footnotes in the order of their marks; equal ones are told once."""

    kept: list[str] = field(default_factory=list)

    def mark(self, note: str) -> str:
        if note not in self.kept:
            self.kept.append(note)
        return str(self.kept.index(note) + 1).translate(SUPERSCRIPT)

    def told(self) -> Iterable[tuple[str, str]]:
        return [(self.mark(note), note) for note in self.kept]


def _asof(metadata: Mapping[str, Any]) -> Text:
    asof, asked = metadata["asof_date"], metadata["requested_asof_date"]
    told = f"as of {asof}" if asof == asked else f"as of {asof}, the last pack day before {asked}"
    return Text(f"{told}, provisional" if metadata["provisional"] else told)


def _performance(result: Mapping[str, Any], notes: _Notes) -> Table | None:
    """Label, figure, and beside it its dates, or why there is none."""
    table = _table()
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    if valued := _output(result, "valued_positions"):
        value = panels.figure(valued.get("total_value"), "currency", currency=_currency(result))
        table.add_row("Value", *_with_reason(value, notes))
    if bridges := _output(result, "bridges"):
        for label, name in (("Change today", "last_day"), ("Gain this year", "year_to_date")):
            gain = panels.figure(bridges[name]["gain"], "currency", currency=bridges[name]["base_currency"])
            table.add_row(label, *_with_reason(gain, notes))
    for label, output, key, kind, signed in PERFORMANCE:
        if output not in result:
            continue
        metrics = _output(result, output)
        found = metrics.get(key) if metrics else result[output]
        figure, beside = _with_reason(panels.figure(found, kind, signed=signed), notes)
        table.add_row(label, figure, beside + _recovered(found))
    if metrics := _output(result, "perf_metrics"):
        table.add_row("Inception", metrics.get("inception_date") or panels.DASH, "")
    return table if table.row_count else None


def _print_valued(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    if "valued_positions" not in result:
        return
    valued = _output(result, "valued_positions")
    if valued is None:
        console.print(_absent("Positions", result["valued_positions"]))
        return
    _print(console, f"Positions, values in {valued['currency']}", _positions(valued, notes))
    _print(console, "Currencies, cash included", _currencies(valued, notes))
    _print(console, "Cash", _balances(valued["cash"], valued["currency"], notes))
    if valued["pending"]:
        _print(console, "Traded, not settled (in the value already)", _pending(valued["pending"], notes))
    if valued["receivables"]:
        _print(console, "Dividends receivable, beside the value", _receivables(valued, notes))
    _print(console, "What the value rests on", _quality(valued, notes))


def _print_bridges(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    """Opening to closing value in three periods."""
    if "bridges" not in result:
        return
    bridges = _output(result, "bridges")
    if bridges is None:
        console.print(_absent("How the value came about", result["bridges"]))
        return
    currency = bridges["since_inception"]["base_currency"]
    table = _headed(("", "left"), ("since inception", "right"), ("this year", "right"), ("today", "right"))
    for line in bridges["lines"]:
        amounts = [
            _cell(panels.figure(line[name], "currency", currency=currency), notes)
            for name in ("since_inception", "year_to_date", "last_day")
        ]
        table.add_row(f"  {line['label']}" if line["part_of"] else line["label"], *amounts)
    _print(console, f"How the value came about, in {currency}", table)


def _print_gains(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    if "gains" not in result:
        return
    gains = _output(result, "gains")
    if gains is None:
        console.print(_absent("Gains since purchase", result["gains"]))
        return
    year, whole, currency = gains["year_to_date"], gains["since_inception"], gains["base_currency"]
    table = _headed(("", "left"), ("since inception", "right"), ("this year", "right"))
    for label, *amounts in (
        ("Realised", whole["realised"]["total"], year["realised"]["total"]),
        ("Dividends, gross", whole["income"]["dividends"], year["income"]["dividends"]),
        ("Interest", whole["income"]["interest"], year["income"]["interest"]),
        ("Withheld", whole["income"]["tax"], year["income"]["tax"]),
        ("Unrealised", gains["unrealised"]["total"], ""),
    ):
        cells = [
            _cell(panels.figure(amount, "currency", currency=currency), notes) if amount != "" else ""
            for amount in amounts
        ]
        table.add_row(label, *cells)
    _print(console, f"Gains since purchase and income, in {currency}", table)


def _currencies(valued: Mapping[str, Any], notes: _Notes) -> Table:
    table = _headed(("", "left"), ("Securities", "right"), ("Cash", "right"), ("Value", "right"), ("Weight", "right"))
    for row in valued["currency_exposure"]:
        money = [
            _cell(panels.figure(row[name], "currency", currency=valued["currency"]), notes)
            for name in ("securities", "cash", "market_value")
        ]
        table.add_row(row["currency"], *money, _cell(panels.figure(row["weight"], "percentage"), notes))
    return table


def _pending(rows: Iterable[Mapping[str, Any]], notes: _Notes) -> Table:
    table = _headed(
        ("Traded", "left"), ("Settles", "left"), ("", "left"), ("Symbol", "left"), ("Quantity", "right"),
        ("Cash", "right"), ("", "left"),
    )  # fmt: skip
    for row in rows:
        quantity = "" if row["quantity"] is None else _cell(panels.figure(row["quantity"], "number"), notes)
        cash = _cell(panels.figure(row["amount"], "currency", currency=row["currency"]), notes)
        table.add_row(
            row["trade_date"], row["settle_date"], row["kind"], row["symbol"], quantity, cash, row["currency"]
        )
    return table


def _receivables(valued: Mapping[str, Any], notes: _Notes) -> Table:
    table = _headed(
        ("Symbol", "left"), ("Ex-date", "left"), ("Paid", "left"), ("Gross", "right"), ("Withheld", "right"),
        ("Net", "right"), ("", "left"), ("Value", "right"),
    )  # fmt: skip
    for row in valued["receivables"]:
        own = [
            _cell(panels.figure(row[name], "currency", currency=row["currency"]), notes)
            for name in ("gross", "tax", "amount")
        ]
        value = panels.figure(row["market_value"], "currency", currency=valued["currency"])
        table.add_row(row["symbol"], row["ex_date"], row["pay_date"], *own, row["currency"], _cell(value, notes))
    return table


def _quality(valued: Mapping[str, Any], notes: _Notes) -> Table:
    """Shares of the value, the oldest price, and how few holdings it hangs on."""
    table = _table()
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    quality, concentration = valued["quality"], valued["concentration"]
    for label, name in QUALITY:
        table.add_row(label, _cell(panels.figure(quality[name], "percentage"), notes), "")
    table.add_row("Oldest price", quality["oldest_price"] or panels.DASH, quality["oldest_price_of"] or "")
    largest = _cell(panels.figure(concentration["largest_weight"], "percentage"), notes)
    table.add_row("Largest holding", largest, concentration["largest"] or "")
    top = _cell(panels.figure(concentration["top_5_weight"], "percentage"), notes)
    table.add_row("Largest five", top, f"of {concentration['holdings']}")
    return table


def _positions(valued: Mapping[str, Any], notes: _Notes) -> Table:
    currency = valued["currency"]
    table = _headed(
        ("Symbol", "left"), ("Name", "left"), ("Quantity", "right"), ("Close", "right"), ("", "left"),
        ("Value", "right"), ("Weight", "right"), ("Unrealised", "right"),
    )  # fmt: skip
    table.columns[1].no_wrap = False  # if it gets tight, this one gives way
    for row in valued["positions"]:
        age = row["age_sessions"]
        mark = notes.mark(f"close of {row['observed_date']}, {age} session{'s' if age > 1 else ''} old") if age else ""
        if row.get("reason"):
            mark += notes.mark(panels.reason_words(row["reason"]))
        table.add_row(
            row["symbol"],
            _short(_printable(row["name"])),
            _cell(panels.figure(row["quantity"], "number"), notes),
            _cell(panels.figure(row["price"], "number"), notes) + mark,
            row["currency"],
            _cell(panels.figure(row["market_value"], "currency", currency=currency), notes),
            _cell(panels.figure(row["weight"], "percentage"), notes),
            _cell(panels.figure(row["unrealized_pnl"], "currency", currency=currency), notes),
        )
    securities = panels.figure(valued["securities_value"], "currency", currency=currency)
    table.add_row("", "all securities", "", "", "", _cell(securities, notes), "", "")
    return table


def _balances(rows: Iterable[Mapping[str, Any]], currency: str, notes: _Notes) -> Table:
    table = _headed(
        ("", "left"), ("Amount", "right"), ("not settled", "right"), ("Rate", "right"), ("Value", "right"),
        ("Weight", "right"),
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row["currency"],
            _cell(panels.figure(row["amount"], "currency", currency=row["currency"]), notes),
            _cell(panels.figure(row["unsettled"], "currency", currency=row["currency"]), notes),
            _cell(panels.figure(row["fx_rate"], "number"), notes),
            _cell(panels.figure(row["market_value"], "currency", currency=currency), notes),
            _cell(panels.figure(row["weight"], "percentage"), notes),
        )
    return table


def _print_windows(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    if "windows" not in result:
        return
    found = _output(result, "windows")
    if found is None:
        console.print(_absent("Returns by window", result["windows"]))
        return
    columns = [("TWR", "twr"), ("MWR", "mwr")]
    if found["benchmark"]:
        columns = [
            *(("TWR", "twr"), ("Benchmark", "benchmark_twr"), ("Excess", "excess_twr")),
            *(("MWR", "mwr"), ("Benchmark", "benchmark_mwr"), ("Excess", "excess_mwr")),
        ]
    table = _headed(("", "left"), *((label, "right") for label, _ in columns))
    for row in found["rows"]:
        cells = [_cell(panels.figure(row[key], "percentage", signed=True), notes) for _, key in columns]
        table.add_row(row["label"], *cells)
    against = f", against {_printable(found['benchmark'])}" if found["benchmark"] else ""
    _print(console, f"Returns by window{against}", table)


def _print_years(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    if "calendar_years" not in result:
        return
    found = _output(result, "calendar_years")
    if found is None:
        console.print(_absent("Calendar years", result["calendar_years"]))
        return
    beside = (("Benchmark", "benchmark_twr"), ("Excess", "excess_twr")) if found["benchmark"] else ()
    table = _headed(("", "left"), ("Portfolio", "right"), *((label, "right") for label, _ in beside), ("", "left"))
    for year in found["years"]:
        cells = [
            _cell(panels.figure(year[key], "percentage", signed=True), notes)
            for key in ("twr", *(key for _, key in beside))
        ]
        table.add_row(str(year["year"]), *cells, "" if year["is_whole"] else f"{year['first']} to {year['last']}")
    _print(console, "Calendar years", table)


def _print_contributors(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    if "contribution" not in result:
        return
    found = _output(result, "contribution")
    if found is None:
        console.print(_absent("Contributors", result["contribution"]))
        return
    lookback = found["lookback"]
    for label, name in (("Top", "top"), ("Bottom", "bottom")):
        table = _headed(("", "left"), ("Contribution", "right"), ("Average weight", "right"))
        for row in lookback[name]:
            share = _cell(panels.figure(row["contribution"], "percentage", signed=True), notes)
            weight = row["average_weight"]  # none of what is no holding: fees, deal rates
            table.add_row(
                row["symbol"], share, "" if weight is None else _cell(panels.figure(weight, "percentage"), notes)
            )
        if lookback[name]:
            _print(console, f"{label} contributors over {lookback['days']} pack days", table)


def _print_attribution(console: Console, result: Mapping[str, Any], notes: _Notes) -> None:
    if "currency_attr" not in result:
        return
    views = _output(result, "currency_attr")
    if views is None:
        console.print(_absent("Currency attribution", result["currency_attr"]))
        return
    since, lookback = views["since_inception"], views["lookback"]
    table = _headed(("", "left"), ("since inception", "right"), (f"{lookback['days']} pack days", "right"))
    for label, key in ATTRIBUTION:
        cells = [_cell(panels.figure(view[key], "percentage", signed=True), notes) for view in (since, lookback)]
        table.add_row(label, *cells)
    _print(console, f"Currency attribution in {since['base_currency']}", table)


def _seals(served: Served) -> Table:
    metadata = served.metadata
    table = _table()
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    how = (
        f"from the store, computed {metadata['computed_at']}"
        if metadata["cached"]
        else f"computed now in {metadata['duration_ms']:.0f} ms"
    )
    for label, value in (
        ("pricing pack", f"{metadata['pricing_pack_id']} (policy {metadata['policy']})"),
        ("content hash", metadata["pack_content_hash"]),
        ("chain hash", metadata["pack_chain_hash"]),
        ("ledger commit", metadata["ledger_commit_hash"] or panels.DASH),
        ("pattern", f"{metadata['pattern_id']} {metadata['pattern_version']}"),
        ("engine", metadata["engine_version"]),
        ("result hash", metadata["result_hash"]),
        ("execution", str(served.execution_id)),
        ("", how),
        *(("basis", caption) for caption in _captions(served.result)),
        *(("data", attribution) for attribution in metadata["attributions"]),
    ):
        table.add_row(label, _printable(value))
    return table


def _captions(result: Mapping[str, Any]) -> list[str]:
    """What the figures are based on; outputs that say the same say it once."""
    said = [
        output["basis_caption"]
        for output in result.values()
        if isinstance(output, Mapping) and output.get("basis_caption")
    ]
    return list(dict.fromkeys(said))


def _withheld(metadata: Mapping[str, Any]) -> list[str]:
    return [
        f"{output} is withheld: the terms of {', '.join(codes)} do not allow to show it"
        for output, codes in metadata["rights"]["withheld"].items()
    ]


def _output(result: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """An output; None where it is not in the result, or only a state with its reason."""
    output = result.get(name)
    return None if output is None or "status" in output else output


def _absent(title: str, state: Mapping[str, Any]) -> Text:
    return Text(_printable(f"{title}: {panels.DASH} {panels.reason_words(state['reason'])}"))


def _currency(result: Mapping[str, Any]) -> str:
    valued = _output(result, "valued_positions")
    return valued["currency"] if valued else ""


def _with_reason(figure: panels.Figure, notes: _Notes) -> tuple[str, str]:
    """A figure and what stands beside it: its dates, or the reason why it is not there."""
    text = _plain(figure.text) + (f" {figure.unit}" if figure.unit else "")
    if figure.status == "ok":
        return text, figure.hint
    if figure.status == "degraded":
        return text + notes.mark(figure.note), figure.hint
    return panels.DASH, figure.note


def _recovered(metric: Any) -> str:
    recovery = (metric.get("basis") or {}).get("recovery") if isinstance(metric, Mapping) else None
    return f", back on {recovery}" if recovery else ""


def _cell(figure: panels.Figure, notes: _Notes) -> str:
    """A figure in a table, where there is room for a mark only."""
    return _plain(figure.text) + (notes.mark(figure.note) if figure.note else "")


def _plain(text: str) -> str:
    return text.replace(panels.SPACE, " ")


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1].rstrip()}…"


def _printable(text: str) -> str:
    """Names come from files: an escape sequence in one must not reach the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _table() -> Table:
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)


def _headed(*columns: tuple[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for label, justify in columns:
        table.add_column(label, justify=justify, no_wrap=True)
    return table


def _print(console: Console, title: str, table: Table | None) -> None:
    if table is None:
        return
    console.print()
    if title:
        console.print(Text(title, style="bold"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
