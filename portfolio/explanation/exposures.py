"""The regression of a portfolio's returns on factors: what it used of each day, and what follows from its betas."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from portfolio.explanation import risk
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Observation, Part, Series, Term, figure
from portfolio.performance.factor_exposures import WINDOW, Days, FactorRecord
from portfolio.performance.factor_series import BENCHMARK, FX_BASKET, FactorChoice, FactorLevels
from portfolio.performance.formulas import EXPOSURES
from portfolio.performance.measures import Measure, Window
from portfolio.performance.metric import Metric
from pricing.models import Factor

OF_RISK = {
    "portfolio_volatility": Measure.VOLATILITY,
    "tracking_error": Measure.TRACKING_ERROR,
    "information_ratio": Measure.INFORMATION_RATIO,
}
METHOD = (
    "Ordinary least squares with intercept of the returns over the risk-free rate on the changes of all factors together, over the"
    f" last {WINDOW} observations; days without every factor are dropped, and at least 60 must be left."
)
BETA = "Change of the excess return for a change of one of the factor, the others as they are"
ERROR = "Standard error of a beta: the root of the residual variance times the inverse of the factors' cross products"
BASKET = "The mean of the dollar's returns in each other currency of the pack, at the fixings of both days."
TRAILING = "The change of the level less the growth of an index over the year before, both as the pack knows them."


def explain(
    life: Life, days: Days | None, record: FactorRecord, levels: FactorLevels, asof: date, path: Sequence[str]
) -> Explanation:
    """A figure of FactorRecord, or the change of a factor on a day that it used. `levels` are on the days of the life.

    raises   NoSuchFigure
    """
    match path:
        case ["portfolio_volatility" | "tracking_error" | "information_ratio" as measure]:
            return _of_risk(life, measure, getattr(record, measure))
        case ["window"]:
            what = "Observations that the regression looks back upon"
            return Explanation(what, Term("window", record.window, "observations"), f"Of the method: {WINDOW}.")
        case ["market_beta"]:
            beta = Term("beta", record.market_beta.value, path=f"{{step}}/factors/{Factor.EQUITY}")
            parts = () if beta.value is None else (beta,)
            return Explanation("Beta to the equity market", Term("market_beta", beta.value, "", "beta", parts))
    if days is None:
        return _without_fit(record, path)
    regressed = _Regressed(life, days, record)
    match path:
        case ["days", on, "factors", factor] if factor in days.factors:
            return regressed.change(on, factor, levels, asof)
        case ["factors", factor]:
            return regressed.beta(factor)
        case ["rows", number, name]:
            row = record.rows[int(number)]
            if name == "beta":
                return regressed.beta(row.factor)
            return regressed.of_row(int(number), name)
        case ["observations"]:
            return _figure("observations", record.observations, regressed.returns, unit="days")
        case [name] if name in EXPOSURES:
            return regressed.of_all(name)
    raise NoSuchFigure


def _of_risk(life: Life, name: str, metric: Metric) -> Explanation:
    explanation = risk.explain(life, OF_RISK[name], Window.ONE_YEAR, metric)
    terms = tuple(
        replace(part, path="{step}/tracking_error")
        if isinstance(part, Term) and part.name == "tracking_error"
        else part
        for part in explanation.term.terms
    )
    return replace(explanation, term=replace(explanation.term, terms=terms))


def _without_fit(record: FactorRecord, path: Sequence[str]) -> Explanation:
    """A figure of a record that says why it has no regression. Raises NoSuchFigure where it has a value."""
    match path:
        case ["observations"]:
            return Explanation(
                EXPOSURES["observations"].what, Term("observations", record.observations, "days"), METHOD
            )
        case ["factors", factor] if factor in record.factors:
            return Explanation(BETA, Term("beta", None), METHOD)
        case [name] if name in EXPOSURES:
            return _figure(name, getattr(record, name).value)
    raise NoSuchFigure


def _choice_of(days: Days, levels: FactorLevels, factor: str) -> FactorChoice:
    series = days.series[days.factors.index(factor)]
    return next(each for each in levels.choices if (each.factor, each.series_id) == (factor, series))


def _figure(key: str, value: float | None, *parts: Part, name: str = "", unit: str = "") -> Explanation:
    return figure(EXPOSURES[key], name or key, value, unit, *parts)


class _Regressed:
    def __init__(self, life: Life, days: Days, record: FactorRecord) -> None:
        self.life, self.days, self.record = life, days, record
        self.returns = life.series("returns", days.returns, days.closes, "observation")
        self.free = life.series("risk_free", days.risk_free, days.closes, "risk_free")
        total = float(np.prod(1.0 + days.returns) - 1.0)
        self.total = Term("total", total, "fraction", "prod(1 + returns) - 1", (self.returns,))

    def changes(self, factor: str, name: str = "changes") -> Series:
        column = self.days.factors.index(factor)
        dates = tuple(self.life.day(place) for place in self.days.closes.tolist())
        path = f"{{step}}/days/{{date}}/factors/{factor}"
        return Series(name, dates, tuple(self.days.changes[:, column].tolist()), "", path)

    def beta_term(self, factor: str) -> Term:
        return Term("beta", self.record.factors[factor].value, path=f"{{step}}/factors/{factor}")

    def beta(self, factor: str) -> Explanation:
        value = self.record.factors[factor].value if factor in self.record.factors else None
        if value is None:
            return Explanation(BETA, Term("beta", None), METHOD)
        every = tuple(self.changes(each, each) for each in self.days.factors)
        return Explanation(BETA, Term("beta", value, "", "", (self.returns, self.free, *every)), METHOD)

    def of_row(self, number: int, name: str) -> Explanation:
        """A figure of a factor's row. Raises NoSuchFigure."""
        row = self.record.rows[number]
        value = getattr(row, name, None)
        if name == "observations":
            return _figure(name, value, self.returns, unit="days")
        if value is None or row.factor not in self.days.factors:
            if name in EXPOSURES or name == "standard_error":
                return Explanation(EXPOSURES[name].what if name in EXPOSURES else ERROR, Term(name, None))
            raise NoSuchFigure
        beta = self.beta_term(row.factor)
        match name:
            case "standard_error":
                every = tuple(self.changes(each, each) for each in self.days.factors)
                return Explanation(ERROR, Term(name, value, "", "", (self.returns, self.free, *every)), METHOD)
            case "t_statistic":
                error = Term("standard_error", row.standard_error, path=f"{{step}}/rows/{number}/standard_error")
                return _figure(name, value, beta, error)
            case "variance_share":
                return _figure(name, value, beta, self.changes(row.factor), self.returns, self.free, unit="fraction")
            case "contribution":
                parts = (beta, self.changes(row.factor), self.returns, self.total)
                return _figure(name, value, *parts, unit="fraction")
        raise NoSuchFigure

    def of_all(self, name: str) -> Explanation:
        """A figure of the whole regression. Raises NoSuchFigure."""
        metric = getattr(self.record, name, None)
        if not isinstance(metric, Metric):
            raise NoSuchFigure
        shares, contributions = (
            tuple(
                Term(row.factor, getattr(row, each), "fraction", path=f"{{step}}/rows/{number}/{each}")
                for number, row in enumerate(self.record.rows)
                if getattr(row, each) is not None
            )
            for each in ("variance_share", "contribution")
        )
        parts: tuple[Part, ...] = {
            "r_squared": (Items("shares", shares),),
            "residual_share": (Items("shares", shares),),
            "alpha": (self.returns, self.free, Items("means", tuple(self.mean(each) for each in self.days.factors))),
            "total_return": (self.returns,),
            "risk_free_contribution": (self.free, self.returns, self.total),
            "residual_contribution": (
                self.other_figure("total_return"),
                Items("contributions", contributions),
                self.other_figure("risk_free_contribution"),
            ),
        }[name]
        return _figure(name, metric.value, *parts, unit="fraction")

    def mean(self, factor: str) -> Term:
        """What a factor explains of the mean return."""
        beta, changes = self.beta_term(factor), self.changes(factor)
        value = float(beta.known_value) * float(np.mean(changes.values))
        return Term(factor, value, "fraction", "beta * mean(changes)", (beta, changes))

    def other_figure(self, name: str) -> Term:
        return Term(name, getattr(self.record, name).value, "fraction", path=f"{{step}}/{name}")

    def change(self, on: str, factor: str, levels: FactorLevels, asof: date) -> Explanation:
        """The change of a factor to a day that the regression used. Raises NoSuchFigure."""
        rows = np.flatnonzero(self.days.closes == self.life.place(on))
        if not len(rows):
            raise NoSuchFigure
        row, choice = int(rows[0]), _choice_of(self.days, levels, factor)
        value = float(self.days.changes[row, self.days.factors.index(factor)])
        closing_day, opening_day = self.life.day(int(self.days.closes[row])), self.life.day(int(self.days.opened[row]))
        if choice.series_id == BENCHMARK:
            return self._of_benchmark(value, closing_day, row, is_premium=factor == Factor.EQUITY)
        if choice.series_id == FX_BASKET:
            return Explanation(f"Change of the factor {factor}", Term("change", value), BASKET)
        ends = {"level": (closing_day, self.days.closes[row]), "level_before": (opening_day, self.days.opened[row])}
        rows_of = {name: (Observation(choice.series_id, asof, day),) for name, (day, _) in ends.items()}
        if choice.minus_trailing or factor == Factor.EQUITY:
            method = TRAILING if choice.minus_trailing else "The return of the series less the risk-free return."
            every = (*rows_of["level"], *rows_of["level_before"])
            return Explanation(f"Change of the factor {factor}", Term("change", value, rows=every), method)
        is_index = choice.change == "return"
        scale = 1.0 if is_index else 100.0  # yields are in percent in their rows
        values = levels.levels[choice].values[:, 0]
        terms = (
            Term(name, float(values[place]) * scale, "", "value", rows=rows_of[name])
            for name, (_, place) in ends.items()
        )
        return _figure("factor_return" if is_index else "factor_difference", value, *terms, name="change")

    def _of_benchmark(self, value: float, closing_day: date, row: int, *, is_premium: bool) -> Explanation:
        free = float(self.days.risk_free[row])
        benchmark = Term(
            "benchmark", value + free * is_premium, "fraction", path=f"{{days}}/{closing_day}/benchmark_observation"
        )
        if not is_premium:
            return _figure("factor_benchmark", value, benchmark, name="change")
        risk_free = Term("risk_free", free, "fraction", path=f"{{days}}/{closing_day}/risk_free")
        return _figure("factor_premium", value, benchmark, risk_free, name="change")
