"""Single days of a portfolio's life, which no answer has: where the series of an explanation lead to."""

from collections.abc import Sequence

from portfolio.explanation import days, holding_days, unallocated, versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation
from portfolio.performance.formulas import DAYS


def explain(life: Life, path: Sequence[str]) -> Explanation:
    """`<date>/…` of a day of the life, or of any pack day as `days.explain`. Raises NoSuchFigure."""
    match path:
        case [on, "return" | "gross_return" as what]:
            return life.day_return(life.place(on), what)
        case [on, "inflow" | "outflow" as direction]:
            flows = life.flows(life.place(on), direction)
            return Explanation(DAYS[direction].what, flows)
        case [on, "observation"]:
            return life.observation(life.place(on))
        case [on, "risk_free"]:
            return life.risk_free(life.place(on))
        case [on, "holdings", symbol, what]:
            return holding_days.of_holding(life, life.place(on), symbol, what)
        case [on, "benchmark" | "hedged" | "benchmark_observation" | "benchmark_index" as what]:
            return versus_benchmark.explain_day(life, life.place(on), [what])
        case [on, "benchmark_day" | "hedged_day" | "components" as what, *below]:
            return versus_benchmark.explain_pack_day(life, days.place_of(life.market, on), [what, *below])
        case [on, "fees"]:
            return unallocated.fees(life, life.place(on))
        case [on, "other"]:
            return unallocated.other(life, life.place(on))
        case [on, "effects", what]:
            return holding_days.effect(life, life.place(on), what)
        case [on, "contributions", symbol]:
            return holding_days.contribution(life, life.place(on), symbol)
    if path[1:] == ["value"] and life.history.scope != "portfolio":
        return days.value(life.market, days.place_of(life.market, path[0]), of_securities=True)
    return days.explain(life.market, path)
