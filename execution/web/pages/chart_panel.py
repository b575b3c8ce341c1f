"""The panel of a line chart: its geometry with words at its axes, and the figures that it is drawn from."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from execution import figures
from execution.figures import SPACE, number, privacy, reason_words
from execution.patterns.templating import Scope
from execution.web.pages import charts
from execution.web.pages.panel_values import (
    NothingToDrawError,
    base_currency,
    figure_at,
    locate_list,
    resolve,
    resolve_list,
)

MARKS: Final[Mapping[str, tuple[str, str]]] = {"bought": ("▲", "Bought"), "sold": ("▼", "Sold")}
"""Key of a day's symbols -> its sign and its word in the legend."""
MOST_TRADES: Final = 20
"""Days of trades in the table beside a chart, the newest first; the transactions have all."""
MOST_TOLD: Final = 3
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def draw(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Lines with their turning points, the words at both axes, and the data that the page's script reads."""
    currency = base_currency(scope)
    days = [date.fromisoformat(day) for day in resolve_list(document["x"], scope)]
    if not days:
        return {}
    drawn, absent = [], []
    for each in document["series"]:
        place = locate_list(each["values"], scope)
        if any(value is not None for value in place.value):
            drawn.append((each["label"], each["format"], place))
        else:
            absent.append((each["label"], _why(each, scope)))
    if not drawn:
        raise NothingToDrawError("; ".join(f"{label}: {why}" for label, why in absent))
    series = drawn
    trades, lacking = _trades(document, scope, days)
    heights = [[None if value is None else float(value) for value in place.value] for _, _, place in series]
    marked = [[place for place, trade in trades.items() if trade[side]] for side in MARKS]
    chart = charts.line_chart(days, heights, marked)
    lines, data = [], []
    for (label, kind, place), line in zip(series, chart.lines, strict=True):
        assert line is not None  # each has a value
        texts = [figures.from_value(value, kind, currency=currency) for value in place.value]
        unit = currency if kind == "currency" else ""
        turns = {
            "First": line.extent.first,
            "Last": line.extent.last,
            "High": line.extent.high,
            "Low": line.extent.low,
        }
        points = [
            (word, days[index].isoformat(), figure_at(place.below(index, place.value[index]), kind, currency=currency))
            for word, index in turns.items()
        ]
        lines.append({"label": label, "path": line.path, "unit": unit, "points": points})
        data.append({"label": label, "unit": unit, "texts": [each.text for each in texts]})
    return {
        "first": days[0].isoformat(),
        "last": days[-1].isoformat(),
        "count": len(days),
        "lines": lines,
        "absent": absent + lacking,
        "marks": [
            (kind, sign, label, [(mark.x, mark.y, _mark_words(mark, kind, days, trades)) for mark in marks])
            for (kind, (sign, label)), marks in zip(MARKS.items(), chart.marks, strict=True)
            if marks
        ],
        "trades": [
            (days[place].isoformat(), *_symbols(trades[place])) for place in sorted(trades)[: -MOST_TRADES - 1 : -1]
        ],
        "trading_days": len(trades),
        "side": charts.SIDE,
        "date_ticks": [(tick.at, tick_words(tick.day, tick.unit), anchor(tick.at)) for tick in chart.date_ticks],
        "value_ticks": [(tick.at, _level_words(tick.value, series[0][1])) for tick in chart.value_ticks],
        "data": {"days": [day.isoformat() for day in days], "series": data},
    }


def _trades(
    document: Mapping[str, Any], scope: Scope, days: Sequence[date]
) -> tuple[dict[int, Mapping[str, Any]], list[tuple[str, str]]]:
    """What was traded, by the place of its day among those of the chart, and why it is not known."""
    if "marks" not in document:
        return {}, []
    try:
        found = resolve_list(document["marks"], scope)
    except NothingToDrawError as absent:
        return {}, [("What was traded", absent.reason)]
    places = {day.isoformat(): place for place, day in enumerate(days)}
    return {places[trade["date"]]: trade for trade in found if trade["date"] in places}, []


def _symbols(trade: Mapping[str, Any]) -> list[str]:
    """The symbols of each kind of mark in one text."""
    return [", ".join(trade[kind]) for kind in MARKS]


def _mark_words(mark: charts.Mark, kind: str, days: Sequence[date], trades: Mapping[int, Mapping[str, Any]]) -> str:
    told = [f"{days[place].isoformat()}: {kind} {', '.join(trades[place][kind])}" for place in mark.days[:MOST_TOLD]]
    more = len(mark.days) - len(told)
    return "; ".join([*told, *([f"and {more} more days"] if more else [])])


def _why(series: Mapping[str, Any], scope: Scope) -> str:
    """Why a series has no value: its `reason` where it names one."""
    try:
        code = resolve(series.get("reason"), scope)
    except NothingToDrawError:
        code = None
    return reason_words(code if isinstance(code, str) else "not_given")


def tick_words(day: date, unit: str) -> str:
    """The part of a date that its tick stands for."""
    month = MONTHS[day.month - 1]
    return {"day": f"{day.day} {month}", "month": f"{month} {day.year}", "year": str(day.year)}[unit]


def _level_words(value: Decimal, kind: str) -> str:
    if kind == "percentage":
        return f"{number(value * 100)}{SPACE}%"
    return privacy.amount(number(value)) if kind in privacy.AMOUNTS else number(value)


def anchor(at: float) -> str:
    """The side of a tick's words that stands at the tick, so that words at the edges stay inside."""
    return "start" if at < 4 else "end" if at > 96 else "middle"
