"""A pattern's panels on a page: the one place that formats figures, and the tag that draws a panel.

`{% load panels %}{% panel document scope %}`: the panel as the pattern has it, and what its templates may read (the
result's outputs as `state`). What is not there is shown as not there, with its reason in plain words.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.template.loader import get_template

from execution.patterns import templating
from execution.patterns.templating import Scope
from execution.web.pages import charts
from portfolio.valuation import quantise

register = template.Library()

DASH, MINUS, SPACE = "—", "−", "\N{NO-BREAK SPACE}"

RETURNS = re.compile(r"(twr|mwr)_.+|.+_return|local|fx|interaction|total")
"""Names of percentages that are shown with their sign: returns and contributions, not weights or risks."""

PRICED = frozenset({"price", "market_value", "observed_date"})
"""Columns of a row with a status of its own that show it."""

REASONS: Mapping[str, str] = {
    "short_history": "the portfolio is younger than this window",
    "under_a_year": "nothing is annualised before a full year",
    "starts_at_or_below_zero": "a day of this window starts with nothing or with debt, so that it has no return",
    "total_loss": "on a day of this window all that there was was lost, so that nothing is left to compound",
    "missing_price": "money came or went while something held had no price",
    "missing_rate": "money came or went while an exchange rate was missing",
    "before_first_pack": "the ledger begins before the first day that is priced: measured from that day's close",
    "since_inception": "the portfolio is younger than this window: measured from its first day",
    "not_started": "nothing was booked up to this day",
    "no_valued_day": "no day of this year has a value",
    "no_observations": "nothing was held that is traded on an exchange",
    "too_few_observations": "what was held was traded on too few days",
    "inferred_flows": "the deposits are inferred from the cash that was needed, not booked",
    "delisted": "it is delisted: valued at its last close until its end is booked",
    "accrued_unknown": "the price leaves out accrued interest, and nothing is known of its coupons",
    "no_risk_free_rate": "no risk-free rate is known for this currency and time",
    "risk_free_currency": "the risk-free rate is that of another currency",
    "assumed_release_date": "the day on which a series was published is assumed",
    "no_benchmark": "the portfolio has no benchmark",
    "first_day_excluded": "the first day is left out: nothing is known of the day before, or flows count at the end of their day",
    "default_flow_timing": "its parts count money in from the start of its day and money out until the end",
    "empty_days_excluded": "days on which nothing was held are left out",
    "within_a_day": "money that comes and goes within a day has no time to weigh",
    "benchmark_emptied": "the withdrawals are more than the benchmark would have made of the same money",
    "missing_benchmark_price": "not all of the benchmark's securities have a price on every day of it",
    "missing_benchmark_rate": "no exchange rate is known for one of the benchmark's currencies",
    "price_return": "the benchmark's prices leave its dividends out",
    "benchmark": "the portfolio's benchmark stands for the equity market",
    "nominal_rate": "a nominal rate stands for the real one",
    "baa_spread": "the spread of Baa bonds stands for that of all corporate bonds",
    "fx_basket": "the pack's own exchange rates stand for the dollar index",
    "no_series": "the packs hold no series of it",
    "no_variation": "its series did not move over these days",
    "not_held": "it was not held in this span",
    "no_return_to_share": "the portfolio returned nothing to have a share of",
    "no_forward_rate": "the packs hold no one-month rates of both currencies",
    "few_observations": "it rests on fewer than 100 days",
    "total_return_price": "prices that contain dividends stand for closes",
    "price_index": "the benchmark is a price index, without dividends",
    "right-denied": "the terms of a data provider do not allow to show it",
    "not_given": "neither the ledger nor the pack gives it",
    "not_in_result": "the result does not hold it",
    "not_a_number": "the result holds no number here",
}
"""Codes of metrics and outputs in words that finish "…: ". A reason that is no code is a sentence already."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value as it is shown. `note`: why it is not plainly ok; `basis`: what it rests on; `hint`: stands beside it."""

    text: str
    kind: str
    status: str = "ok"
    note: str = ""
    basis: str = ""
    hint: str = ""
    unit: str = ""
    exact: Decimal | None = None
    """The number itself, where it is one."""
    security_id: int | None = None
    """Of the holding that a row is about, on its first cell: a page may lead to it."""

    @property
    def is_negative(self) -> bool:
        return self.text.startswith(MINUS)

    @property
    def is_numeric(self) -> bool:
        return self.kind not in ("text", "date")

    @property
    def told(self) -> str:
        """All there is to say of it, for a tooltip and for those who hear the page."""
        return "; ".join(part for part in (self.note, self.basis) if part)


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template of a panel gets: `body` by type; with `reason` there is nothing to draw."""

    id: str
    title: str
    template: str
    body: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    unit: str
    is_numeric: bool


@register.simple_tag
def panel(document: Mapping[str, Any], scope: Scope, holding_page: str = "") -> str:
    """Draw one panel of a pattern. holding_page: the address of a holding's page, less its security's number."""
    drawn = read(document, scope)
    return get_template(f"panels/{drawn.template}.html").render({"panel": drawn, "holding_page": holding_page})


def read(document: Mapping[str, Any], scope: Scope) -> Panel:
    """What a panel shows of a result."""
    empty = Panel(document["id"], document["title"], "unavailable")
    reader = READERS.get(document["type"])
    if reader is None:
        return replace(empty, reason=f"this page can't draw a {document['type']} yet; the result holds its figures")
    try:
        name, body = reader(document, scope)
    except NotThereError as absent:
        return replace(empty, reason=absent.reason)
    return replace(empty, template=name, body=body)


def figure(value: Any, kind: str, *, currency: str = "", signed: bool = False) -> Figure:
    """A value, or a metric {value, status, reason, basis}, in the format `kind`. `currency`: what money is in."""
    if isinstance(value, Mapping) and "status" in value:
        inner = figure(value.get("value"), kind, currency=currency, signed=signed)
        basis = value.get("basis") or {}
        known = replace(inner, basis=basis_words(basis), hint=_turning_points(basis))
        if value["status"] == "ok":
            return known
        return replace(known, status=value["status"], note=reason_words(value.get("reason") or "not_given"))
    if value is None:
        return Figure(DASH, kind, status="unavailable", note=reason_words("not_given"))
    if kind in ("text", "date"):
        return Figure({True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value), kind)
    written = FORMATS.get(kind)
    if written is None:
        return Figure(DASH, kind, status="unavailable", note=f"there is no format {kind}")
    exact = _exact(value)
    if exact is None:
        return Figure(DASH, kind, status="unavailable", note=reason_words("not_a_number"))
    text = written(exact, currency)
    if signed and kind == "percentage" and exact > 0 and _any(text):
        text = f"+{text}"
    return Figure(text, kind, unit=currency if kind == "currency" else "", exact=exact)


def number(value: Decimal, currency: str = "") -> str:
    """Every digit it has, trailing zeros trimmed, thousands apart: 12,345.6789."""
    plain = f"{value:f}"
    return _apart(plain.rstrip("0").rstrip(".") if "." in plain else plain)


def money(value: Decimal, currency: str) -> str:
    """To the minor unit of its currency, half-even: 756,411.71."""
    return _apart(f"{quantise(value, currency):f}")


def percentage(value: Decimal, currency: str = "") -> str:
    """A fraction in hundredths with two decimals: 0.2301943972 is 23.02 %."""
    return f"{_apart(f'{round(value * 100, 2):f}')}{SPACE}%"


def decimal_2(value: Decimal, currency: str = "") -> str:
    return _apart(f"{round(value, 2):f}")


FORMATS: Mapping[str, Callable[[Decimal, str], str]] = {
    "number": number,
    "currency": money,
    "percentage": percentage,
    "decimal_2": decimal_2,
}


def reason_words(reason: str) -> str:
    """A reason code, or several apart by commas, in plain words."""
    parts = [_reason_word(part.strip()) for part in reason.split(",")]
    if all(parts):
        return "; ".join(part for part in parts if part)
    skipped = re.fullmatch(r"(skipped|failed|not_reached)\((.*)\)", reason, re.DOTALL)
    if skipped:
        how = {"skipped": "its step was left out", "failed": "its step failed", "not_reached": "its step did not run"}
        return f"{how[skipped[1]]}: {skipped[2]}"
    return reason.replace("_", " ") if re.fullmatch(r"[a-z0-9_-]+", reason) else reason


def _reason_word(code: str) -> str | None:
    """One code in words; None for what is no code."""
    anew = re.fullmatch(r"since (\d{4}-\d{2}-\d{2})", code)
    if anew:
        return f"measured from the close of {anew[1]}, before which a day has no return"
    return REASONS.get(code)


def basis_words(basis: Mapping[str, Any]) -> str:
    """What a figure rests on, in one line."""
    told = []
    if basis.get("first") and basis.get("last"):
        told.append(f"{basis['first']} to {basis['last']}")
    if "n" in basis:
        told.append(f"{basis['n']:,} sub-periods" if basis["n"] != 1 else "1 sub-period")
    if "annualised" in basis:
        told.append("annualised" if basis["annualised"] else "not annualised")
    told += [str(basis[name]) for name in ("convention", "net") if basis.get(name)]
    if basis.get("risk_free"):
        told.append(f"risk-free {basis['risk_free']}")
    if basis.get("periods_per_year"):
        told.append(f"{basis['periods_per_year']:g} days a year")
    told += [f"{name} {basis[name]}" for name in ("peak", "trough", "recovery") if basis.get(name)]
    if basis.get("undefined"):
        told.append(f"no return on {basis['undefined']}")
    if basis.get("scope") == "securities_only":
        told.append("securities only: purchases are money in, sales and dividends money out")
    if basis.get("delisted_share"):
        told.append(
            f"{percentage(Decimal(str(basis['delisted_share'])))} carried at the last close of what is delisted"
        )
    return ", ".join(told)


class NotThereError(Exception):
    """Nothing to draw a panel from. `reason` is in plain words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _metrics_grid(document: Mapping[str, Any], scope: Scope) -> tuple[str, Any]:
    """A grid in which nothing is known is one reason, the one that most of its figures have."""
    items = _items(document, scope)
    reasons = Counter(shown.note for _, shown in items if shown.status == "unavailable")
    if len(items) > 1 and reasons.total() == len(items):
        raise NotThereError(reasons.most_common(1)[0][0])
    return "metrics_grid", {"items": items, "notes": _notes(items)}


def _notes(items: Sequence[tuple[str, Figure]]) -> list[tuple[str, Figure]]:
    """Subject and verb, and why its figures are not plainly ok; those with the same reason are told of together."""
    labels: dict[tuple[str, str], list[str]] = {}
    for label, shown in items:
        if shown.note:
            labels.setdefault((shown.status, shown.note), []).append(label)
    shown_of = {(shown.status, shown.note): shown for _, shown in items}
    return [
        (f"{', '.join(those)} {'is' if len(those) == 1 else 'are'}", shown_of[key]) for key, those in labels.items()
    ]


def _items(document: Mapping[str, Any], scope: Scope) -> list[tuple[str, Figure]]:
    """Label and figure of each item; one that is not there says so, and the others stand."""
    drawn = []
    for item in document["items"]:
        try:
            found = _found(item["value"], scope)
        except NotThereError as absent:
            drawn.append((item["label"], Figure(DASH, item["format"], status="unavailable", note=absent.reason)))
            continue
        signed = bool(RETURNS.fullmatch(item["value"].strip("{} ").rsplit(".", 1)[-1]))
        drawn.append((item["label"], figure(found, item["format"], currency=_currency(scope), signed=signed)))
    return drawn


def _table(document: Mapping[str, Any], scope: Scope) -> tuple[str, Any]:
    currency = _currency(scope)
    columns = document["columns"]
    rows = _list(document["rows"], scope)
    return "table", {
        "columns": [
            Column(
                column["label"],
                currency if column["format"] == "currency" else "",
                column["format"] not in ("text", "date"),
            )
            for column in columns
        ],
        "rows": [_row(row, columns, currency) for row in rows],
    }


def _row(row: Any, columns: Sequence[Mapping[str, Any]], currency: str) -> list[Figure]:
    cells = [_cell(row, column, currency) for column in columns]
    if cells and isinstance(row, Mapping) and isinstance(row.get("security_id"), int):
        cells[0] = replace(cells[0], security_id=row["security_id"])
    return cells


def _cell(row: Any, column: Mapping[str, Any], currency: str) -> Figure:
    value = row
    for name in column["key"].split("."):
        if not isinstance(value, Mapping) or name not in value:
            return Figure(DASH, column["format"], status="unavailable", note=reason_words("not_in_result"))
        value = value[name]
    signed = bool(RETURNS.fullmatch(column["key"].rsplit(".", 1)[-1]))
    shown = figure(value, column["format"], currency=currency, signed=signed)
    age = row.get("age_sessions")
    if column["key"] == "observed_date" and age:
        return replace(shown, status="degraded", note=f"{age} session{'s' if age > 1 else ''} old")
    if column["key"] in PRICED and row.get("status") == "degraded" and row.get("reason"):
        return replace(shown, status="degraded", note=reason_words(row["reason"]))
    return shown


def _shares(document: Mapping[str, Any], scope: Scope) -> tuple[str, Any]:
    """Parts of a whole as a table with bars; the longest bar is the greatest part, whatever its sign.

    Either `items`, or `rows` of which the first column names a part and the first column of numbers measures it.
    """
    if "items" in document:
        parts = _items(document, scope)
    else:
        columns, currency = document["columns"], _currency(scope)
        measure = next(column for column in columns if column["format"] in FORMATS)
        parts = [
            (_cell(row, columns[0], currency).text, _cell(row, measure, currency))
            for row in _list(document["rows"], scope)
        ]
    widest = max((abs(part.exact) for _, part in parts if part.exact is not None), default=Decimal(0))
    return "shares", [
        (label, part, f"{100 * abs(part.exact) / widest:.2f}" if part.exact is not None and widest else "0")
        for label, part in parts
    ]


def _line_chart(document: Mapping[str, Any], scope: Scope) -> tuple[str, Any]:
    currency = _currency(scope)
    days = [date.fromisoformat(day) for day in _list(document["x"], scope)]
    if not days:
        return "line_chart", {}
    series = [(each["label"], each["format"], _list(each["values"], scope)) for each in document["series"]]
    heights = [[None if value is None else float(value) for value in values] for _, _, values in series]
    drawn = charts.line_chart(days, heights)
    kind = document["series"][0]["format"]
    lines = []
    for (label, own, values), line in zip(series, drawn.lines, strict=True):
        if line is None:
            raise NotThereError(f"{label}: {reason_words('not_given')}")
        turns = (
            ("First", line.extent.first),
            ("Last", line.extent.last),
            ("High", line.extent.high),
            ("Low", line.extent.low),
        )
        lines.append(
            {
                "label": label,
                "path": line.path,
                "unit": currency if own == "currency" else "",
                "points": [
                    (word, days[index].isoformat(), figure(values[index], own, currency=currency))
                    for word, index in turns
                ],
                "texts": [figure(value, own, currency=currency).text for value in values],
            }
        )
    return "line_chart", {
        "first": days[0].isoformat(),
        "last": days[-1].isoformat(),
        "count": len(days),
        "lines": lines,
        "side": charts.SIDE,
        "date_ticks": [(tick.at, _tick_words(tick), _anchor(tick.at)) for tick in drawn.date_ticks],
        "value_ticks": [(tick.at, _level_words(tick.value, kind)) for tick in drawn.value_ticks],
        "data": {
            "days": [day.isoformat() for day in days],
            "series": [{"label": line["label"], "unit": line["unit"], "texts": line.pop("texts")} for line in lines],
        },
    }


READERS: Mapping[str, Callable[[Mapping[str, Any], Scope], tuple[str, Any]]] = {
    "metrics_grid": _metrics_grid,
    "table": _table,
    "line_chart": _line_chart,
    "multi_line_chart": _line_chart,
    "donut_chart": _shares,
    "pie_chart": _shares,
}


def _found(text: Any, scope: Scope) -> Any:
    """What a template names. An output that is unavailable makes all below it so. Raises NotThereError."""
    parsed = templating.parse(text) if isinstance(text, str) else ()
    if len(parsed) != 1 or not isinstance(parsed[0], tuple):
        return text
    path = parsed[0]
    for length in range(2, len(path) + 1):
        try:
            value = templating.walk(path[:length], scope)
        except KeyError:
            raise NotThereError(reason_words("not_in_result")) from None
        if length < len(path) and isinstance(value, Mapping) and value.get("status") == "unavailable":
            raise NotThereError(reason_words(value.get("reason") or "not_given"))
    return value


def _list(text: Any, scope: Scope) -> Sequence[Any]:
    found = _found(text, scope)
    if isinstance(found, list):
        return found
    if isinstance(found, Mapping) and found.get("status") == "unavailable":
        raise NotThereError(reason_words(found.get("reason") or "not_given"))
    raise NotThereError("the result holds no list here")


def _currency(scope: Scope) -> str:
    return scope.ctx.get("base_currency") or ""


def _exact(value: Any) -> Decimal | None:
    """A number of a result, exactly: decimals come as text, ratios as floats whose shortest form is meant."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None


def _any(text: str) -> bool:
    """A digit other than zero is shown."""
    return any(digit in text for digit in "123456789")


def _apart(plain: str) -> str:
    """Thousands apart, a true minus sign, and none before a zero."""
    sign = MINUS if plain.startswith("-") and _any(plain) else ""
    whole, dot, rest = plain.removeprefix("-").partition(".")
    return f"{sign}{int(whole):,}{dot}{rest}"


def _turning_points(basis: Mapping[str, Any]) -> str:
    """When a drawdown began, and how it went on."""
    if not basis.get("peak"):
        return ""
    return f"{basis['peak']} to {basis['trough']}" if basis.get("trough") else f"since {basis['peak']}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _tick_words(tick: charts.DateTick) -> str:
    month, year = MONTHS[tick.day.month - 1], tick.day.year
    return {"day": f"{tick.day.day} {month}", "month": f"{month} {year}", "year": str(year)}[tick.unit]


def _level_words(value: Decimal, kind: str) -> str:
    return f"{number(value * 100)}{SPACE}%" if kind == "percentage" else number(value)


def _anchor(at: float) -> str:
    """Words at the edges stay inside."""
    return "start" if at < 4 else "end" if at > 96 else "middle"
