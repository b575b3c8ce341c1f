"""What a benchmark returned on the days of a history."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats


@dataclass(frozen=True, slots=True)
class Component:
    """One security of a benchmark, with the attributes that an attribution may group it by."""

    symbol: str
    currency: str
    kind: str
    exchange: str
    weight: float


@dataclass(frozen=True, slots=True)
class BenchmarkReturns:
    """Returns of a benchmark of K components on the history's D days, in base currency. Arrays are not writeable."""

    name: str
    returns: Floats
    """(D,) from the pack day before; NaN before all its components are known, and on row 0 where no pack was before."""
    degraded: tuple[str, ...] = ()
    reason: str = ""
    """Why returns are NaN after row 0, as a code."""
    sources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """The components that are not known on every day."""
    components: tuple[Component, ...] = ()
    component_returns: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(D, K)"""
    component_weights: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(D, K) as each day opens; the sum-product with component_returns is returns."""
    definition: str = ""
    """Weights, components and when they are rebalanced."""
    hedged_returns: Floats | None = None
    """(D,) with the foreign components sold forward into the base currency; None where the pack lacks a rate."""


@dataclass(frozen=True, slots=True)
class BenchmarkIndex:
    """The return index of a benchmark on the portfolio's days."""

    benchmark: BenchmarkReturns
    growth: Floats
    """(D + 1,) its return index from the close `known_from` on; before that it means nothing."""
    known_from: int
    """The first close from which every later day is known; -1 is the day before the first."""

    def doubts(self, *also: str) -> tuple[str, ...]:
        return (*also, *self.benchmark.degraded)

    def between(self, closes: npt.NDArray[np.intp]) -> Floats:
        """(n,) returns between n + 1 closes, NaN where one of them lies before all was known."""
        index = self.growth[closes + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(closes[:-1] < self.known_from, np.nan, index[1:] / index[:-1] - 1.0)


def index_of(benchmark: BenchmarkReturns) -> BenchmarkIndex:
    """The return index of a benchmark; see BenchmarkIndex."""
    unknown = np.flatnonzero(np.isnan(benchmark.returns))
    known_from = int(unknown[-1]) if len(unknown) else -1
    filled_returns = np.where(np.isnan(benchmark.returns), 0.0, benchmark.returns)
    return BenchmarkIndex(benchmark, np.concatenate(([1.0], np.cumprod(1.0 + filled_returns))), known_from)
