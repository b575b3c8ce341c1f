"""Money-weighted returns: what was put in and taken out, and what the same money would have become in the benchmark."""

from dataclasses import replace
from datetime import date

import numpy as np

from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Series, Term
from portfolio.explanation.versus_benchmark import index_term
from portfolio.performance import versus_benchmark
from portfolio.performance.formulas import BENCHMARK, RETURNS, YEARLY_RATE
from portfolio.performance.measures import Measure
from portfolio.performance.metric import Metric
from portfolio.performance.money_weighted import closes_of_flows, days_of, paid, stated_days
from portfolio.performance.versus_benchmark import Comparison
from portfolio.performance.windows import Span
from portfolio.valuation.flows import IN_KIND

Amount = tuple[date, Term]


def explain(life: Life, span: Span, metric: Metric) -> Explanation:
    """The rate of all that was put in and taken out: the opening value, each flow on its own date, the closing value."""
    if metric.value is None:
        return _figure(Measure.MWR, metric)
    closing = life.value(span.end, "closing")
    at_close = (life.day(span.end), Term("closing", closing.value, life.base, "closing", (closing,)))
    return _of_amounts(life, span, Measure.MWR, metric, [*amounts(life, span), *_outside_fees(life, span), at_close])


def explain_in_benchmark(life: Life, span: Span, metric: Metric) -> Explanation:
    """The rate of the same money, with what it would have become in the benchmark at the close."""
    if metric.value is None:
        return _figure(Measure.BENCHMARK_MWR, metric)
    compared = versus_benchmark.compare(life.measured, span)
    assert isinstance(compared, Comparison)  # or there was no value
    flows = amounts(life, span)
    items = tuple(_grown(life, span, compared, on, amount) for on, amount in flows)
    value = sum(float(item.known_value) for item in items)
    formula = BENCHMARK["in_benchmark"]
    closing = Term("in_benchmark", value, life.base, formula.expression, (Items("items", items),), label=formula.what)
    return _of_amounts(life, span, Measure.BENCHMARK_MWR, metric, [*flows, (life.day(span.end), closing)])


def _grown(life: Life, span: Span, compared: Comparison, on: date, amount: Term) -> Term:
    """One amount as the benchmark would have let it grow up to the close."""
    put_in = -float(amount.known_value)
    close = compared.opening
    if amount.name != "opening":
        closes = closes_of_flows(life.history, np.array([on], dtype="datetime64[D]"), np.array([put_in]))
        close = max(int(closes[0]), compared.opening)
    then, now = index_term(life, close, "index_then"), index_term(life, span.end, "index_now")
    value = put_in * float(now.known_value) / float(then.known_value)
    start_amount = replace(amount, name="amount", label=f"{on} {amount.label}".strip())
    return Term(amount.name, value, life.base, "-amount * index_now / index_then", (start_amount, then, now))


def _of_amounts(life: Life, span: Span, measure: Measure, metric: Metric, dated_amounts: list[Amount]) -> Explanation:
    assert metric.value is not None
    left = [(life.day(span.end) - on).days for on, _ in dated_amounts]
    days_left = Series("days_left", tuple(on for on, _ in dated_amounts), tuple(map(float, left)), "days")
    stated = stated_days(days_of(life.measured, span))
    rate = (1.0 + metric.value) ** (365.0 / stated) - 1.0
    items = Items("amounts", tuple(term for _, term in dated_amounts))
    yearly = Term("yearly_rate", rate, "fraction", YEARLY_RATE.expression, (items, days_left), label=YEARLY_RATE.what)
    return _figure(measure, metric, yearly, Term("days", stated, "days"))


def _figure(measure: Measure, metric: Metric, *parts: Term) -> Explanation:
    formula = RETURNS[measure]
    return Explanation(formula.what, Term(measure.value, metric.value, "fraction", formula.expression, parts))


def amounts(life: Life, span: Span) -> list[Amount]:
    """(date, amount) of all that was put in, negative, and taken out before the close. Raises NoSuchFigure where it is not what
    the rate was solved for."""
    dated_amounts: list[Amount] = []
    if span.start >= 0:
        opening = life.value(span.start, "opening")
        dated_amounts.append(
            (life.day(span.start), Term("opening", -opening.known_value, life.base, "-opening", (opening,)))
        )
    days = life.market.market.dates
    for event in life.border_events():
        at = life.market.rates.pack_day(event.date)
        if at == len(days):
            continue
        on: date = days[at].item() if event.kind in IN_KIND else event.date
        if on > span.opened or span.start < 0:
            flow = replace(life.flow(event, at), name="flow")
            dated_amounts.append(
                (on, Term(event.entry_id, -flow.known_value, life.base, "-flow", (flow,), label=flow.label))
            )
    solved = sorted(float(each) for each in paid(life.history, (span,))[1][:-1, 0] if each)
    own_amounts = sorted(float(term.value) for _, term in dated_amounts if term.value)
    if len(solved) != len(own_amounts) or not np.allclose(solved, own_amounts, rtol=1e-9):
        raise NoSuchFigure
    return dated_amounts


def _outside_fees(life: Life, span: Span) -> list[Amount]:
    """Fees that the owner paid from elsewhere: put in, and nothing to show for it."""
    dated_fees = []
    for place in np.flatnonzero(life.history.outside_fees).tolist():
        if span.start < place <= span.end:
            fees = life.fees(place, "outside_fees")
            value = -float(life.history.outside_fees[place])
            dated_fees.append((life.day(place), Term("outside_fees", value, life.base, "-outside_fees", (fees,))))
    return dated_fees
