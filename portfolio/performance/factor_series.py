"""The series that may stand for the five factors, as a pack has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.valuation import Days
from pricing import market
from pricing.models import FactorSeries, PricingPack
from pricing.packs.rows import KnownObservation

FX_BASKET, BENCHMARK = "fx_basket", "benchmark"
"""What may stand for a factor beside the series of the pack."""


@dataclass(frozen=True, slots=True)
class FactorChoice:
    """One row of a factor's ordered list. Staff may change it, so a result says which it had."""

    factor: str
    series_id: str
    minus_trailing: str
    """An index whose growth over a year is taken off the level; empty for none."""
    change: str
    """return, or difference: how a change is made of two levels."""
    degraded: str


@dataclass(frozen=True, slots=True)
class Levels:
    """A series on the days of a history."""

    values: Floats
    """(D, K) index levels, or yields in decimal; NaN on days without an observation. Changes of K columns are averaged."""
    are_indices: bool
    """Whether a change is a return; else it is a difference."""
    sources: tuple[str, ...]

    def at(self, days: npt.NDArray[np.intp]) -> "Levels":
        """The same on some of the days."""
        return replace(self, values=self.values[days])

    def changes(self) -> Floats:
        """(D - 1,) from each day to the next: indices as returns, yields and spreads in decimal (10 bp = 0.0010)."""
        values = self.values
        columns = values[1:] / values[:-1] - 1.0 if self.are_indices else np.diff(values, axis=0)
        return np.asarray(columns.mean(axis=1))


@dataclass(frozen=True, slots=True)
class FactorLevels:
    """The lists of all factors, and the levels of the series that the pack has of them."""

    choices: tuple[FactorChoice, ...]
    levels: Mapping[FactorChoice, Levels]

    def at(self, days: npt.NDArray[np.intp]) -> "FactorLevels":
        """The same on some of the days."""
        return replace(self, levels={choice: each.at(days) for choice, each in self.levels.items()})


def read_choices() -> tuple[FactorChoice, ...]:
    """The lists of all factors as staff have them now, first choices first."""
    rows = FactorSeries.objects.order_by("factor", "rank")
    return tuple(FactorChoice(row.factor, row.series_id, row.minus_trailing, row.change, row.degraded) for row in rows)


def load(pack: PricingPack, choices: Sequence[FactorChoice], days: Days) -> FactorLevels:
    """The levels on `days`, which are days of the pack's history, of the series that the pack has."""
    packed = [choice for choice in choices if choice.series_id not in (BENCHMARK, FX_BASKET)]
    rows = market.observations_by_series(pack, {choice.series_id for choice in packed}) if packed else {}
    levels = (
        (choice, _levels(pack, choice, rows.get(choice.series_id, []), days))
        for choice in choices
        if choice.series_id != BENCHMARK
    )
    return FactorLevels(tuple(choices), {choice: each for choice, each in levels if each is not None})


def _levels(pack: PricingPack, choice: FactorChoice, rows: Sequence[KnownObservation], days: Days) -> Levels | None:
    if choice.series_id == FX_BASKET:
        return _dollar_basket(pack, days)
    if not rows:
        return None
    dates = np.array([row.observation_date for row in rows], dtype="datetime64[D]")
    observed = np.array([float(row.value) for row in rows])
    at = np.minimum(np.searchsorted(dates, days), len(dates) - 1)
    values = np.where(dates[at] == days, observed[at], np.nan)
    sources = tuple(sorted({row.series_source for row in rows}))
    if choice.change == "return":
        return Levels(values[:, None], True, sources)
    values = values / 100.0
    if choice.minus_trailing:
        try:
            index = market.series(pack, choice.minus_trailing, dates=days)
        except market.MissingSeries:
            return None
        values, sources = values - (index.value / index.year_ago - 1.0), (*sources, *index.sources)
    return Levels(values[:, None], False, sources)


def _dollar_basket(pack: PricingPack, days: Days) -> Levels | None:
    """The US dollar in each other currency of the pack; None where the pack has no dollar or nothing else."""
    history = market.history(pack)
    others = [code for code in history.currencies if code != "USD"]
    if "USD" not in history.currencies or not others:
        return None
    at = np.searchsorted(history.dates, days)
    rates = np.column_stack([history.fx("USD", code)[at] for code in others])
    return Levels(rates, True, tuple(sorted({source for each in history.fx_sources for source in each})))
