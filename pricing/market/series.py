"""Series as they were known: of each date the newest figure that was public on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby

import numpy as np
import numpy.typing as npt

from config.errors import TieoutError
from pricing.archive.contents import frozen
from pricing.calendars import as_days
from pricing.market.history import history
from pricing.market.seal import Seal
from pricing.models import PricingPack, Series
from pricing.packs import stored_rows
from pricing.packs.deltas import ASSUMED_RELEASE_DATE, not_withdrawn
from pricing.packs.rows import KnownObservation

Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


class MissingSeries(TieoutError):
    """Nothing of the series was known on the pack's date."""

    def __init__(self, series: str, asof_date: date) -> None:
        super().__init__(f"nothing of series {series} was known on {asof_date}")
        self.series, self.asof_date = series, asof_date


@dataclass(frozen=True, slots=True)
class SeriesHistory:
    """A series as it was known: for each date the newest observation with known_at on or before it.

    M dates, rising; NaN and NaT before the first figure was known. Arrays are not writeable.
    """

    series: str
    title: str
    unit: str
    sources: tuple[str, ...]
    assumed_release_date: bool  # some known_at is a lag rule's: results are degraded(assumed_release_date)
    dates: Dates  # (M,)
    value: Floats  # (M,)
    observation_date: Dates  # (M,)
    year_ago: Floats  # (M,) the figure of twelve months before, as known on the date


@dataclass(frozen=True, slots=True)
class Steps:
    """What a series says from each day on which a row of it became known. Before the first there is no figure.

    known_at has T days, rising; the other arrays are one longer: their first row, NaN or NaT, holds before the first day.
    """

    rows: tuple[KnownObservation, ...]  # in order of sequence
    known_at: Dates
    value: Floats
    observation_date: Dates
    year_ago: Floats


def observations(pack: PricingPack, series: str) -> list[KnownObservation]:
    """A series as the pack knows it: per observation date, rising, the row of the highest sequence up to its own.

    Raises packs.PackWarming, packs.PackInError.
    """
    return observations_by_series(pack, (series,))[series]


def observations_by_series(pack: PricingPack, names: Iterable[str]) -> dict[str, list[KnownObservation]]:
    """Several series as `observations` has each, in one reading; none of a series of which the pack knows nothing."""
    by_series: dict[str, list[KnownObservation]] = {}
    for series, rows in vintages(pack, names).items():
        newest = {row.observation_date: row for row in rows}
        by_series[series] = [newest[day] for day in sorted(newest)]
    return by_series


def vintages(pack: PricingPack, names: Iterable[str]) -> dict[str, tuple[KnownObservation, ...]]:
    """By series every row that the pack knows, in order of sequence: of two for one date the later is the correction.

    Raises packs.PackWarming, packs.PackInError.
    """
    return {series: steps.rows for series, steps in _read_steps(Seal.from_pack(pack), tuple(sorted(names))).items()}


def series(pack: PricingPack, series: str, *, dates: Dates | None = None) -> SeriesHistory:
    """A series as known on each of `dates` (None: the pack days up to the pack's). Raises MissingSeries.

    A date knows what was known on it by the packs up to this one, corrections included, and no later date's figure.
    """
    steps = _read_steps(Seal.from_pack(pack), (series,))[series]
    if not steps.rows:
        raise MissingSeries(series, pack.asof_date)
    days = history(pack).dates if dates is None else dates
    described = Series.objects.get(pk=series)
    step = np.searchsorted(steps.known_at, days, side="right")
    return SeriesHistory(
        series=series,
        title=described.title,
        unit=described.unit,
        sources=tuple(sorted({row.series_source for row in steps.rows})),
        assumed_release_date=any(ASSUMED_RELEASE_DATE in row.flags for row in steps.rows),
        dates=days,
        value=frozen(steps.value[step]),
        observation_date=frozen(steps.observation_date[step]),
        year_ago=frozen(steps.year_ago[step]),
    )


def known_on(pack: PricingPack, series: str, on: date, of: date | None = None) -> KnownObservation:
    """The observation that a series stands at on a day, or its figure of an observation date as it was known then.

    raises   MissingSeries before the first was known
    """
    candidates = [
        row for row in vintages(pack, (series,))[series] if row.known_at <= on and of in (None, row.observation_date)
    ]
    if not candidates:
        raise MissingSeries(series, on)
    last = max(row.observation_date for row in candidates)
    return [row for row in candidates if row.observation_date == last][-1]


@lru_cache(maxsize=64)
def _read_steps(seal: Seal, names: tuple[str, ...]) -> Mapping[str, Steps]:
    contents = stored_rows.sealed_contents(policy=seal.policy, up_to=seal.sequence)
    rows: dict[str, list[KnownObservation]] = {name: [] for name in names}
    for row in stored_rows.observations(contents, series=names, known_by=seal.asof_date):
        rows[row.series].append(row)
    return {name: _steps(not_withdrawn(each)) for name, each in rows.items()}


def _steps(rows: Sequence[KnownObservation]) -> Steps:
    """The steps of rows in order of sequence."""
    newest: dict[
        date, tuple[int, float]
    ] = {}  # by observation date, the highest row number that is known, and its figure
    known_at: list[date] = []
    observed: list[date] = []
    value, year_ago = [np.nan], [np.nan]
    numbered = sorted(enumerate(rows), key=lambda each: each[1].known_at)
    last = date.min
    for day, group in groupby(numbered, key=lambda each: each[1].known_at):
        for number, row in group:
            if row.observation_date not in newest or newest[row.observation_date][0] < number:
                newest[row.observation_date] = (number, float(row.value))
            last = max(last, row.observation_date)
        known_at.append(day)
        observed.append(last)
        value.append(newest[last][1])
        year_ago.append(newest.get(_year_before(last), (0, np.nan))[1])
    return Steps(
        rows=tuple(rows),
        known_at=as_days(known_at),
        value=np.array(value),
        observation_date=np.concatenate([[np.datetime64("NaT", "D")], as_days(observed)]),
        year_ago=np.array(year_ago),
    )


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
