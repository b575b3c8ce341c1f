"""Indicators of the economy: the observations that one is made of, and the window that it is compared with."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from portfolio.analytics.macro import standing as standings
from portfolio.analytics.macro.standing import Change
from portfolio.explanation.terms import Explanation, NoSuchFigure, Observation, Row, Series, Term
from portfolio.macro.indicators import Indicator, Indicators
from portfolio.performance.formulas import INDICATORS

MADE = {
    Change.LEVEL: "value",
    Change.YEAR_DIFFERENCE: "now - year_before",
    Change.YEAR_GROWTH: "100 * (now / year_before - 1)",
    Change.IMPULSE: "100 * (now / year_before - 1) - 100 * (year_before / two_years_before - 1)",
}
"""How a figure is made of the observations of one series."""
DIFFERENCE = "The newest figure of the first series less that of the second, of the last day that both have."
REAL = "The newest figure of the first series less the growth of the second, a price index, in a year."


def explain(answer: Indicators, path: Sequence[str]) -> Explanation:
    """A figure of Indicators. Raises NoSuchFigure."""
    match path:
        case ["window_years"]:
            term = Term("window_years", answer.window_years, "years")
            return Explanation(INDICATORS["window_years"].what, term, "Of the method, as it met the recessions best.")
        case ["readings", number, "value" | "z" as name]:
            reading = answer.readings[int(number)]
        case _:
            raise NoSuchFigure
    what, metric = INDICATORS[name].what, getattr(reading, name)
    indicator = answer.by_name.get(reading.name)
    if metric.value is None or indicator is None:
        return Explanation(what, Term(name, None, reading.unit if name == "value" else ""))
    if name == "value":
        return _newest(indicator, answer.asof_date, metric.value, reading.unit)
    figures = standings.changes(indicator.as_known(np.datetime64(answer.asof_date, "D")), indicator.definition.change)
    count = metric.basis["n"]
    assert isinstance(count, int)
    dates = tuple(day.item() for day in figures.dates[-count:])
    window = Series("figures", dates, tuple(figures.value[-count:].tolist()), reading.unit)
    return Explanation(what, Term(name, metric.value, "", INDICATORS["z"].expression, (window,)))


def _newest(indicator: Indicator, asof: date, value: float, unit: str) -> Explanation:
    what, change = INDICATORS["value"].what, indicator.definition.change
    if len(indicator.series) > 1:
        rows: tuple[Row, ...] = tuple(Observation(series, asof) for series in indicator.series)
        return Explanation(
            what, Term("value", value, unit, rows=rows), REAL if indicator.definition.is_real else DIFFERENCE
        )
    (series,) = indicator.series
    figures = indicator.as_known(np.datetime64(asof, "D"))
    dates = figures.dates.tolist()
    newest: date = dates[-1]
    if change == Change.LEVEL:
        return Explanation(what, Term("value", value, unit, "value", rows=(Observation(series, asof, newest),)))
    by_month = dict(
        zip(figures.dates.astype("datetime64[M]").astype(int).tolist(), range(len(figures.dates)), strict=True)
    )
    month = (newest.year - 1970) * 12 + newest.month - 1
    back = {"now": 0, "year_before": 12, "two_years_before": 24}
    terms = []
    for name, months in back.items():
        place = by_month.get(month - months)
        if place is None or name not in MADE[change]:
            continue
        row = Observation(series, asof, dates[place])
        terms.append(Term(name, float(figures.value[place]), "", "value", rows=(row,)))
    return Explanation(what, Term("value", value, unit, MADE[change], tuple(terms)))
