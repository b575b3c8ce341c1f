"""The panel of a line chart: its geometry with words at its axes, and the figures that it is drawn from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from config import dates
from config.counts import number_of
from execution import figures
from execution.figures import SPACE, formats, number, privacy, reason_words
from execution.patterns.panel_values import (
    UNEVEN,
    NoPanelValueError,
    Place,
    base_currency,
    locate_list,
    resolve,
    resolve_list,
)
from execution.patterns.templating import Scope
from execution.web.pages import charts
from execution.web.pages.placed_figures import figure_at

MARKS: Final[Mapping[str, tuple[str, str]]] = {"bought": ("▲", "Bought"), "sold": ("▼", "Sold")}
"""Key of a day's symbols -> its sign and its word in the legend."""
MOST_TRADES: Final = 20
"""Days of trades in the table beside a chart, the newest first; the transactions have all."""
MOST_TOLD: Final = 3
EPOCH: Final = date(1970, 1, 1)
SHARE_DIGITS: Final = 4
"""Of hidden values: what the drawing has, too."""
NO_DAY: Final = "no day has a value yet"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Series:
    """A line's label, the format of its values, and where they stand."""

    label: str
    format: str
    place: Place
    heights: Sequence[float | None]


def draw(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Lines with their turning points, their marks, and the words at both axes."""
    currency = base_currency(scope)
    days = _days(document, scope)
    if not days:
        return {}
    series, absent = _series(document, scope, days)
    trades, lacking = _trades(document, scope, days)
    marked = [[place for place, trade in trades.items() if trade[side]] for side in MARKS]
    chart = charts.line_chart(days, [each.heights for each in series], marked)
    lines, last_values = [], []
    for each, line in zip(series, chart.lines, strict=True):
        assert line is not None  # each has a value
        turns = {
            "First": line.extent.first,
            "Last": line.extent.last,
            "High": line.extent.high,
            "Low": line.extent.low,
        }
        place = each.place
        points = [
            (
                word,
                days[index].isoformat(),
                figure_at(place.below(index, place.value[index]), each.format, currency=currency),
            )
            for word, index in turns.items()
        ]
        unit = _unit(each.format, currency)
        lines.append({"label": each.label, "path": line.path, "dots": line.dots, "unit": unit, "points": points})
        if line.extent.last == len(days) - 1:
            last_values.append((each.label, points[1][2].text, unit))
    newest = sorted(trades)[: -MOST_TRADES - 1 : -1]
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
        "trades": [(days[place].isoformat(), *_symbols(trades[place])) for place in newest],
        "trading_days": len(trades),
        "last_values": last_values,
        "side": charts.SIDE,
        "date_ticks": [(tick.at, tick_words(tick.day, tick.unit), anchor(tick.at)) for tick in chart.date_ticks],
        "value_ticks": [(tick.at, _level_words(tick.value, series[0].format)) for tick in chart.value_ticks],
    }


def columns(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """What a script draws of the same chart. Raises NoPanelValueError.

    days     since 1970-01-01
    levels   the lowest and the highest of the scale
    series   {label, format, unit, digits, is_hidden, values}: values as they are written, but for those that are hidden, which are
             parts of the greatest level; `digits` are the decimals of what is written, null for as many as there are
    trades   [place among the days, symbols bought, symbols sold]
    """
    currency = base_currency(scope)
    days = _days(document, scope)
    if not days:
        raise NoPanelValueError(NO_DAY)
    series, _ = _series(document, scope, days)
    trades, _ = _trades(document, scope, days)
    levels = charts.levels([each.heights for each in series])
    low, high = float(levels[0]), float(levels[-1])
    is_private = privacy.is_on() and any(each.format in privacy.AMOUNTS for each in series)
    whole = max(abs(low), abs(high)) if is_private else None
    return {
        "days": [(day - EPOCH).days for day in days],
        "levels": [low, high] if whole is None else [low / whole, high / whole],
        "series": [
            {
                "label": each.label,
                "format": each.format,
                "unit": _unit(each.format, currency),
                "digits": formats.digits(each.format, currency),
                "is_hidden": is_private,
                "values": [_height(value, each.format, currency, whole) for value in each.place.value],
            }
            for each in series
        ],
        "trades": [[place, *(trades[place][kind] for kind in MARKS)] for place in sorted(trades)],
    }


def _height(value: Any, kind: str, currency: str, whole: float | None) -> float | None:
    """A value as it is written, or what part of a whole it is."""
    if value is None:
        return None
    if whole is not None:
        return round(float(value) / whole, SHARE_DIGITS)
    exact = figures.from_value(value, kind, currency=currency).exact
    return None if exact is None else float(formats.rounded(exact, kind, currency))


def _unit(kind: str, currency: str) -> str:
    return currency if kind == "currency" else ""


def _days(document: Mapping[str, Any], scope: Scope) -> list[date]:
    """The days of a chart, which rise. Raises NoPanelValueError."""
    days = [_day(each) for each in resolve_list(document["x"], scope)]
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise NoPanelValueError("the days that the result holds here do not rise")
    return days


def _day(value: Any) -> date:
    try:
        return dates.parse(value)
    except (TypeError, ValueError):
        raise NoPanelValueError("the result holds no days here") from None


def _height_of(value: Any) -> float | None:
    """A value that a line goes through; decimals come as text. Raises NoPanelValueError."""
    if value is None:
        return None
    try:
        height = float(value)
    except (TypeError, ValueError):
        height = math.nan
    if abs(height) < 10.0**formats.MOST_DIGITS:
        return height
    raise NoPanelValueError("the result holds something else than numbers here")


def _series(
    document: Mapping[str, Any], scope: Scope, days: Sequence[date]
) -> tuple[list[Series], list[tuple[str, str]]]:
    """The series that have a value, and label and reason of those that have none. Raises NoPanelValueError without any."""
    series, absent = [], []
    for each in document["series"]:
        place = locate_list(each["values"], scope)
        if any(value is not None for value in place.value):
            if len(place.value) != len(days):
                raise NoPanelValueError(UNEVEN)
            series.append(Series(each["label"], each["format"], place, [_height_of(value) for value in place.value]))
        else:
            absent.append((each["label"], _why(each, scope)))
    if not series:
        raise NoPanelValueError(_told_once(absent))
    return series, absent


def _told_once(absent: Sequence[tuple[str, str]]) -> str:
    """Why there is no line: in one sentence where all lack it for one reason."""
    reasons = dict.fromkeys(why for _, why in absent)
    if len(reasons) == 1:
        return next(iter(reasons))
    return "; ".join(f"{label}: {why}" for label, why in absent)


def _trades(
    document: Mapping[str, Any], scope: Scope, days: Sequence[date]
) -> tuple[dict[int, Mapping[str, Any]], list[tuple[str, str]]]:
    """What was traded, by the place of its day among those of the chart, and why it is not known."""
    if "marks" not in document:
        return {}, []
    try:
        trades = resolve_list(document["marks"], scope)
    except NoPanelValueError as absent:
        return {}, [("What was traded", reason_words(absent.reason))]
    places = {day: place for place, day in enumerate(days)}
    if not all(_is_trade(each) for each in trades):
        return {}, [("What was traded", reason_words("not_in_result"))]
    by_day = {_day(trade["date"]): trade for trade in trades}
    return {places[day]: trade for day, trade in by_day.items() if day in places}, []


def _is_trade(value: Any) -> bool:
    """Whether it is a day with the symbols of each kind of mark."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("date"), str)
        and all(isinstance(value.get(kind), list) and all(isinstance(s, str) for s in value[kind]) for kind in MARKS)
    )


def _symbols(trade: Mapping[str, Any]) -> list[str]:
    """The symbols of each kind of mark in one text."""
    return [", ".join(trade[kind]) for kind in MARKS]


def _mark_words(mark: charts.Mark, kind: str, days: Sequence[date], trades: Mapping[int, Mapping[str, Any]]) -> str:
    words = [f"{days[place].isoformat()}: {kind} {', '.join(trades[place][kind])}" for place in mark.days[:MOST_TOLD]]
    more = len(mark.days) - len(words)
    return "; ".join([*words, *([f"and {number_of(more, 'more day')}"] if more else [])])


def _why(series: Mapping[str, Any], scope: Scope) -> str:
    """Why a series has no value: its `reason` where it names one."""
    try:
        code = resolve(series.get("reason"), scope)
    except NoPanelValueError:
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
