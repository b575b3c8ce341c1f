"""Economic indicators as a pack knows them, each against its own past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import numpy as np

from config import dates
from portfolio.analytics.macro import standing as standings
from portfolio.analytics.macro.standing import Change, Standing
from portfolio.analytics.macro.vintages import Observations, Vintages
from portfolio.macro.definitions import DEFINITIONS, Definition
from portfolio.performance.metric import Metric, degraded, unavailable
from pricing import market
from pricing.models import PricingPack, Series
from pricing.packs.deltas import ASSUMED_RELEASE_DATE
from pricing.packs.rows import KnownObservation

REVISED_VINTAGE = "revised_vintage"
"""A figure that its source revises, of which the archive says not which vintage it is: it may be a later one."""
SERIES = frozenset(series for each in DEFINITIONS.values() for choice in each.choices for series in choice)
"""Every series that an indicator may be made of."""
REVISED = frozenset("MQA")
"""Frequencies of the series that their sources revise."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An indicator as of a day. Without a series `value` and `z` are unavailable, and say why."""

    name: str
    title: str
    series: str
    """Those that stand for it; empty where the packs hold none."""
    unit: str
    observation_date: date | None
    value: Metric
    z: Metric
    """Standard deviations from the mean of its window."""


@dataclass(frozen=True, slots=True, eq=False)
class Indicator:
    """The series that stand for an indicator, with all their vintages."""

    definition: Definition
    series: tuple[str, ...]
    frequency: str
    vintages: tuple[Vintages, ...]
    doubts: tuple[str, ...]
    sources: tuple[str, ...]

    def as_known(self, day: np.datetime64) -> Observations:
        """The figures that were public on a day."""
        first, *rest = (each.as_known(day) for each in self.vintages)
        if not rest:
            return first
        if not self.definition.is_real:
            return first.minus(rest[0])
        return first.minus(standings.changes(rest[0], Change.YEAR_GROWTH))

    def standing(self, day: np.datetime64) -> Standing | str:
        """Where it stood as of a day, or the code of why that is not known."""
        return standings.standing(self.as_known(day), self.frequency, self.definition.change, day)


@dataclass(frozen=True, slots=True)
class Indicators:
    """What the packs know of the economy up to a day."""

    asof_date: date
    window_years: int
    readings: tuple[Reading, ...]
    choices: Mapping[str, tuple[Indicator, ...]] = field(metadata={"handed_on": True})
    """By name, what may stand for it of all that the packs have series of; the first that can speak does."""
    by_name: Mapping[str, Indicator] = field(metadata={"handed_on": True})
    """What stands for each on the day."""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted({source for each in self.by_name.values() for source in each.sources}))

    def reading(self, name: str) -> Reading:
        return next(each for each in self.readings if each.name == name)

    def standing_on(self, name: str, day: np.datetime64) -> Standing | str:
        """Where an indicator stood on an earlier day by what was public then, or the code of why that is not known."""
        return _speaker(self.choices.get(name, ()), day)[1]


def load(pack: PricingPack) -> Indicators:
    """Every indicator of the definitions as the pack knows it."""
    return _load(pack, pack.chain_hash)


@lru_cache(maxsize=8)
def _load(pack: PricingPack, chain_hash: str) -> Indicators:
    """The chain hash pins all that was known when the pack was sealed."""
    frequencies = dict(Series.objects.filter(pk__in=SERIES).values_list("pk", "frequency"))
    rows = market.vintages(pack, frequencies)
    return as_of({name: _choices(each, frequencies, rows) for name, each in DEFINITIONS.items()}, pack.asof_date)


def as_of(choices: Mapping[str, tuple[Indicator, ...]], day: date) -> Indicators:
    """Every indicator of the definitions as it stood on a day, by what was public then."""
    speakers = {name: _speaker(choices.get(name, ()), np.datetime64(day, "D")) for name in DEFINITIONS}
    return Indicators(
        asof_date=day,
        window_years=standings.YEARS,
        readings=tuple(_read(DEFINITIONS[name], *each) for name, each in speakers.items()),
        choices=choices,
        by_name={name: indicator for name, (indicator, _) in speakers.items() if indicator is not None},
    )


def _speaker(choices: Sequence[Indicator], day: np.datetime64) -> tuple[Indicator | None, Standing | str]:
    """The first choice that has a standing on a day, else the first of which any figure was public; and that standing."""
    silent: tuple[Indicator | None, str] = None, "no_series"
    for each in choices:
        standing = each.standing(day)
        if isinstance(standing, Standing):
            return each, standing
        if silent[0] is None and standing != "no_series":
            silent = each, standing
    return silent


def _read(definition: Definition, indicator: Indicator | None, standing: Standing | str) -> Reading:
    series = " - ".join(indicator.series) if indicator else ""
    if indicator is None or isinstance(standing, str):
        reason = standing if isinstance(standing, str) else None
        blank = unavailable(reason)
        return Reading(definition.name, definition.title, series, definition.unit, None, blank, blank)
    basis = {"first": str(standing.first), "last": str(standing.observed), "n": standing.n}
    observed = dates.parse(str(standing.observed))
    value, z = (degraded(Metric(each, "ok", None, basis), indicator.doubts) for each in (standing.value, standing.z))
    return Reading(
        definition.name, definition.title, series, definition.unit, observed, value, z
    )  # fmt: skip


def _choices(
    definition: Definition, frequencies: Mapping[str, str], rows: Mapping[str, Sequence[KnownObservation]]
) -> tuple[Indicator, ...]:
    """What may stand for an indicator, of the series that the packs hold."""
    return tuple(
        Indicator(
            definition,
            names,
            frequencies[names[0]],
            tuple(_vintages(rows[name]) for name in names),
            _doubts([row for name in names for row in rows[name]], frequencies[names[0]]),
            tuple(sorted({row.series_source for name in names for row in rows[name]})),
        )
        for names in definition.choices
        if all(rows.get(name) for name in names)
    )


def _vintages(rows: Sequence[KnownObservation]) -> Vintages:
    return Vintages(
        np.array([row.observation_date for row in rows], dtype="datetime64[D]"),
        np.array([row.known_at for row in rows], dtype="datetime64[D]"),
        np.array([float(row.value) for row in rows]),
    )


def _doubts(rows: Sequence[KnownObservation], frequency: str) -> tuple[str, ...]:
    """What every figure made of these rows is degraded by."""
    assumed = any(ASSUMED_RELEASE_DATE in row.flags for row in rows)
    revised = frequency in REVISED and not all(row.vintage for row in rows)
    return tuple(name for name, is_so in ((ASSUMED_RELEASE_DATE, assumed), (REVISED_VINTAGE, revised)) if is_so)
