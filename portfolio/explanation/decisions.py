"""The excess over a benchmark by decision and segment: each day's weights and returns, and the holdings that they are of."""

from collections.abc import Iterable, Sequence

import numpy as np

from portfolio.analytics import attribution
from portfolio.explanation import versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Part, Series, Term, product
from portfolio.performance.brinson import BrinsonAttribution, Decisions
from portfolio.performance.formulas import DECISIONS
from portfolio.valuation.pack_days import Floats

EFFECTS = ("allocation", "selection", "interaction")
OF_DAY = ("weight", "return", "benchmark_weight", "benchmark_return")
"""Below a view: `days/<date>/segments/<name>/<one of these>`."""


def figure(key: str, value: float | None, *terms: Part, name: str = "", unit: str = "fraction") -> Explanation:
    formula = DECISIONS[key]
    term = Term(name or key, value, unit, formula.expression, () if value is None else terms)
    return Explanation(formula.what, term)


def explain(
    life: Life, decided: Decisions, answer: BrinsonAttribution, path: Sequence[str], siblings: str
) -> Explanation:
    """A figure of BrinsonAttribution, or below a day of its own. `siblings`: where its figures are. Raises NoSuchFigure."""
    excess = _Excess(life, decided, siblings)
    match path:
        case ["days", on, "segments", segment, name] if name in OF_DAY and segment in decided.names:
            return excess.of_day(on, decided.names.index(segment), name)
        case ["days"]:
            return figure("days", answer.days, excess.totals("returns"), unit="days")
        case ["portfolio_return"]:
            return figure("portfolio_return", answer.portfolio_return.value, excess.totals("returns"))
        case ["benchmark_return"]:
            value = answer.benchmark_return.value
            return figure("benchmark_return", value, excess.benchmark_totals("benchmark_returns"))
        case ["excess_return"]:
            both = (
                Term(name, getattr(answer, name).value, "fraction", path=f"{siblings}/{name}")
                for name in ("portfolio_return", "benchmark_return")
            )
            return figure("excess_return", answer.excess_return.value, *both)
        case ["allocation" | "selection" | "interaction" as effect]:
            segments = tuple(
                Term(each.segment, getattr(each, effect), "fraction", path=f"{siblings}/segments/{number}/{effect}")
                for number, each in enumerate(answer.segments)
            )
            return figure(effect, getattr(answer, effect).value, Items("segments", segments))
        case ["segments", number, name] if int(number) < len(answer.segments):
            return excess.of_segment(int(number), name, getattr(answer.segments[int(number)], name, None))
    raise NoSuchFigure


class _Excess:
    def __init__(self, life: Life, decided: Decisions, siblings: str) -> None:
        self.life, self.decided, self.siblings = life, decided, siblings

    # Over the days

    def series(self, name: str, values: Floats, path: str) -> Series:
        """Numbers of the days that count. `path` has the day in place of {date}."""
        dates = tuple(self.life.day(place) for place in self.decided.rows.tolist())
        return Series(name, dates, tuple(values.tolist()), "fraction", path)

    def totals(self, name: str = "totals") -> Series:
        return self.series(name, self.decided.totals, "{days}/{date}/return")

    def benchmark_totals(self, name: str = "benchmark_totals") -> Series:
        return self.series(name, self.decided.benchmark_totals, "{days}/{date}/benchmark")

    def linked(self, name: str, series: Series) -> Term:
        value = float(np.prod(1.0 + np.array(series.values)) - 1.0)
        return Term(name, value, "fraction", f"prod(1 + {series.name}) - 1", (series,))

    def of_segment(self, number: int, name: str, value: float | None) -> Explanation:
        """A figure of a segment. Raises NoSuchFigure."""
        if name == "total":
            parts = (
                Term(
                    each,
                    self._effect(number, each),
                    "fraction",
                    path=f"{self.siblings}/segments/{number}/{each}",
                )
                for each in EFFECTS
            )
            return figure("segment_total", value, *parts, name=name)
        if name in ("portfolio_weight", "benchmark_weight"):
            kind = "weight" if name == "portfolio_weight" else name
            return figure(f"segment_{name}", value, self.by_day("weights", number, kind), name=name)
        if name not in EFFECTS:
            raise NoSuchFigure
        totals, benchmark_totals = self.totals(), self.benchmark_totals()
        series = {
            "weights": self.by_day("weights", number, "weight"),
            "benchmark_weights": self.by_day("benchmark_weights", number, "benchmark_weight"),
            "returns": self.by_day("returns", number, "return"),
            "benchmark_returns": self.by_day("benchmark_returns", number, "benchmark_return"),
        }
        series_names = {
            "allocation": ("weights", "benchmark_weights", "benchmark_returns"),
            "selection": ("benchmark_weights", "returns", "benchmark_returns"),
            "interaction": tuple(series),
        }[name]
        return figure(
            f"segment_{name}",
            value,
            *(series[each] for each in series_names),
            totals,
            benchmark_totals,
            self.linked("total", totals),
            self.linked("benchmark_total", benchmark_totals),
            name=name,
        )

    def _effect(self, number: int, name: str) -> float:
        decided = self.decided
        split = attribution.brinson(
            decided.weights, decided.returns, decided.benchmark_weights, decided.benchmark_returns
        )
        return float(getattr(split, name)[number])

    def by_day(self, name: str, number: int, kind: str) -> Series:
        path = f"{self.siblings}/days/{{date}}/segments/{self.decided.names[number]}/{kind}"
        return self.series(name, self._table(kind)[:, number], path)

    def _table(self, kind: str) -> Floats:
        decided = self.decided
        return {
            "weight": decided.weights,
            "return": decided.returns,
            "benchmark_weight": decided.benchmark_weights,
            "benchmark_return": decided.benchmark_returns,
        }[kind]

    # A day

    def of_day(self, on: str, number: int, kind: str) -> Explanation:
        """A weight or a return of a segment on a day. Raises NoSuchFigure."""
        place = self.life.place(on)
        rows = np.flatnonzero(self.decided.rows == place)
        if not len(rows):
            raise NoSuchFigure
        row, name = int(rows[0]), self.decided.names[number]
        value = float(self._table(kind)[row, number])
        is_held = self.decided.weights[row, number] != 0
        is_in_benchmark = self.decided.benchmark_weights[row, number] != 0
        own = [column for column, key in enumerate(self.decided.own_keys) if key == name]
        parts = [column for column, key in enumerate(self.decided.benchmark_keys) if key == name]
        match kind:
            case "weight":
                all_of = Items("all", self.weights(place, range(len(self.decided.own_keys))))
                return figure("weight", value, Items("items", self.weights(place, own)), all_of)
            case "benchmark_weight":
                return figure("benchmark_weight", value, Items("items", self.component_weights(place, parts)))
            case "return" if is_held:
                weights = Items("weights", self.weights(place, own))
                return figure("return", value, Items("items", self.gains(place, own)), weights, self.rest(row, place))
            case "return" if is_in_benchmark:
                as_benchmark = Term(
                    "benchmark_return",
                    float(self.decided.benchmark_returns[row, number]),
                    "fraction",
                    path=f"{self.siblings}/days/{on}/segments/{name}/benchmark_return",
                )
                return figure("as_benchmark", value, as_benchmark, self.rest(row, place), name="return")
            case "return":
                return figure("nothing_held", value, self.rest(row, place), name="return")
            case "benchmark_return" if is_in_benchmark:
                weights = Items("weights", self.component_weights(place, parts))
                items = Items("items", self.component_gains(place, parts))
                return figure("benchmark_segment", value, items, weights, name="benchmark_return")
            case "benchmark_return" if is_held:
                weights = Items("weights", self.weights(place, own))
                return figure(
                    "as_held", value, Items("items", self.gains(place, own)), weights, name="benchmark_return"
                )
        return figure("nothing", value, name="benchmark_return")

    def rest(self, row: int, place: int) -> Term:
        """What of the day's return belongs to no holding."""
        columns = range(len(self.decided.own_keys))
        items, weights = self.gains(place, columns), self.weights(place, columns)
        whole = Term(
            "whole", float(self.decided.totals[row]), "fraction", path=f"{{days}}/{self.life.day(place)}/return"
        )
        allocated = sum(float(each.known_value) for each in items) / sum(float(each.known_value) for each in weights)
        terms = (whole, Items("all", items), Items("all_weights", weights))
        return Term(
            "rest", float(whole.known_value) - allocated, "fraction", "whole - sum(all) / sum(all_weights)", terms
        )

    def weights(self, place: int, columns: Iterable[int]) -> tuple[Term, ...]:
        return tuple(self._of_holding(place, column, "weight") for column in columns if self._is_held(place, column))

    def gains(self, place: int, columns: Iterable[int]) -> tuple[Term, ...]:
        """What each holding added to the day's return."""
        terms = []
        for column in columns:
            if self._is_held(place, column):
                weight, local, fx = (self._of_holding(place, column, each, each) for each in ("weight", "local", "fx"))
                gain = float(weight.known_value) * (
                    (1.0 + float(local.known_value)) * (1.0 + float(fx.known_value)) - 1.0
                )
                formula = "weight * ((1 + local) * (1 + fx) - 1)"
                symbol = self.life.history.holdings[column][0]
                terms.append(Term(symbol, gain, "fraction", formula, (weight, local, fx)))
        return tuple(terms)

    def _is_held(self, place: int, column: int) -> bool:
        return bool(self.life.history.weights[place, column])

    def _of_holding(self, place: int, column: int, kind: str, name: str = "") -> Term:
        history, symbol = self.life.history, self.life.history.holdings[column][0]
        tables = {"weight": history.weights, "local": history.local_returns, "fx": history.fx_returns}
        path = f"{{days}}/{self.life.day(place)}/holdings/{symbol}/{kind}"
        return Term(name or symbol, float(tables[kind][place, column]), "fraction", path=path)

    def component_weights(self, place: int, columns: Iterable[int]) -> tuple[Term, ...]:
        return tuple(self._of_component(place, column, "weight") for column in columns)

    def component_gains(self, place: int, columns: Iterable[int]) -> tuple[Term, ...]:
        return tuple(
            product(
                self._of_component(place, column, "weight").name,
                (
                    self._of_component(place, column, "weight", "weight"),
                    self._of_component(place, column, "return", "move"),
                ),
                "fraction",
            )
            for column in columns
        )

    def _of_component(self, place: int, column: int, kind: str, name: str = "") -> Term:
        index = self.life.measured.benchmark
        assert index is not None  # or nothing was decided against it
        benchmark = index.benchmark
        table = benchmark.component_weights if kind == "weight" else benchmark.component_returns
        symbol = benchmark.components[column].symbol
        path = f"{{days}}/{self.life.day(place)}/components/{symbol}/{kind}"
        if not versus_benchmark.is_one_pack_day(self.life, place):
            path = ""  # linked from several
        return Term(name or symbol, float(table[place, column]), "fraction", path=path)
