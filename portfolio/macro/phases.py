"""Regimes and cycle phases of days, as the night has stored them by pack, or computed anew where it has not."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from math import isclose

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet

from config.bulk import copy_in
from config.row_difference import RowDifference
from portfolio.analytics.macro import regimes
from portfolio.macro import cycles, indicators, regime
from portfolio.macro.day_phase import DayPhase
from portfolio.macro.indicators import Indicators
from portfolio.models import EconomicPhase
from pricing import market
from pricing.models import PackObservation, PricingPack
from pricing.packs.stored_rows import any_of

METHODS = {regime.SUBJECT: regimes.METHOD} | {each.id: each.method for each in cycles.CYCLES}
MOST_PACKS = 300
"""Packs of which a night stores the phases: a year of them, in a second or two. Older ones wait for the nights that follow."""
COLUMNS = ("pack_id", "subject", "method", "name", "score", "margin", "scores", "reason", "sources")
RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class PhaseHistory:
    """The regime and the phase of every cycle at the last pack day of each week, as they were known then, the newest last."""

    by_subject: Mapping[str, Mapping[date, DayPhase]]
    sources: Mapping[str, tuple[str, ...]]
    """By subject, the providers of what its phases were judged by."""


@dataclass(frozen=True, slots=True)
class _Day:
    """A day as a pack sees it: the pack that answers for it, and the order in which that was sealed."""

    date: date
    pack_id: str
    sequence: int


Judged = Mapping[str, tuple[DayPhase, tuple[str, ...]]]
"""By subject: its phase, and the providers of what it was judged by."""


def judge(all_indicators: Indicators, day: date) -> Judged:
    """The regime and the phase of each cycle from what was public on a day. Pure."""
    then = indicators.as_of(all_indicators.choices, day)
    judged = {regime.SUBJECT: (regime.as_known(all_indicators, day), regime.sources(then))}
    for cycle in cycles.CYCLES:
        judged[cycle.id] = cycles.as_known(cycles.compute(cycle, then)), cycles.sources(cycle, then)
    return judged


def load(pack: PricingPack, *, weeks: int) -> PhaseHistory:
    """The phases of the last weeks, up to the pack's own day.

    What is stored of a pack is read if no pack since has brought anything that was public on its day; it is then what is computed
    of the day, and the days of which nothing is stored are.
    """
    return _load(pack, pack.chain_hash, weeks)


@lru_cache(maxsize=8)
def _load(pack: PricingPack, chain_hash: str, weeks: int) -> PhaseHistory:
    """The chain hash pins all that was known when the pack was sealed."""
    days = _ends_of_weeks(list(_visible_days(pack).values()), pack.asof_date, weeks)
    stored_phases = _read([each.pack_id for each in _complete(pack, days)])
    judged = [stored_phases.get(each.pack_id) or judge(indicators.load(pack), each.date) for each in days]
    return PhaseHistory(
        by_subject={
            subject: {day.date: each[subject][0] for day, each in zip(days, judged, strict=True)} for subject in METHODS
        },
        sources={
            subject: tuple(sorted({source for each in judged for source in each[subject][1]})) for subject in METHODS
        },
    )


def store(pack: PricingPack, *, most: int = MOST_PACKS) -> int:
    """Store the phases of packs that a pack sees and that have none, the newest first, and return of how many.

    A pack of whose day more became known since is left out: nobody reads what it said.
    """
    subjects = Counter(_rows().values_list("pack_id", flat=True))
    complete_packs = {pack_id for pack_id, count in subjects.items() if count == len(METHODS)}
    missing = [each for each in _visible_days(pack).values() if each.pack_id not in complete_packs]
    days = _complete(pack, missing)[: -most - 1 : -1]
    all_indicators = indicators.load(pack)
    rows = (
        (day.pack_id, *_cells(phase), json.dumps(sources))
        for day in days
        for phase, sources in judge(all_indicators, day.date).values()
    )
    if days:
        copy_in(EconomicPhase, COLUMNS, rows, keep_existing=True)
    return len(days)


def find_differences(pack: PricingPack, among: Sequence[PricingPack]) -> Iterator[RowDifference]:
    """Where phases that are stored of packs, `among` those that a pack sees, are not what is computed of them now."""
    pack_ids = {each.pk for each in among}
    days = _complete(pack, [each for each in _visible_days(pack).values() if each.pack_id in pack_ids])
    stored_phases = _read([each.pack_id for each in days])
    all_indicators = indicators.load(pack) if stored_phases else None
    for day in days:
        if all_indicators is None or day.pack_id not in stored_phases:
            continue
        expected = judge(all_indicators, day.date)
        for subject, (phase, sources) in stored_phases[day.pack_id].items():
            phase_now, providers = expected[subject]
            name = f"{subject} at {day.pack_id}"
            if not _is_same(phase, phase_now):
                yield RowDifference("economic phase", name, "name", str(phase_now), str(phase))
            if sources != providers:
                yield RowDifference("economic phase", name, "sources", str(providers), str(sources))


def _is_same(one: DayPhase, other: DayPhase) -> bool:
    """Whether two phases say the same; another release of NumPy may round a last digit otherwise."""

    def figures(phase: DayPhase) -> dict[str, float]:
        own = {"score": phase.score, "margin": phase.margin}
        return {**phase.scores, **{name: each for name, each in own.items() if each is not None}}

    ours, theirs = figures(one), figures(other)
    return (
        replace(one, score=None, margin=None, scores={}) == replace(other, score=None, margin=None, scores={})
        and ours.keys() == theirs.keys()
        and all(isclose(ours[name], theirs[name], rel_tol=RELATIVE, abs_tol=RELATIVE) for name in ours)
    )


def _ends_of_weeks(days: Sequence[_Day], last: date, weeks: int) -> list[_Day]:
    """Of days in rising order the last one up to the end of each week; none for weeks before the first."""
    dates = [each.date for each in days]
    ends = (bisect_right(dates, last - timedelta(weeks=each)) - 1 for each in range(weeks, -1, -1))
    return [days[end] for end in dict.fromkeys(ends) if end >= 0]


def _visible_days(pack: PricingPack) -> dict[date, _Day]:
    """By date, rising, the pack that answers for it."""
    ids = {pack_id: day for day, pack_id, _ in market.seen_by(pack)}
    rows = PricingPack.objects.filter(policy=pack.policy_id, sequence__lte=pack.sequence).values_list("pk", "sequence")
    sequences = {pack_id: sequence for pack_id, sequence in rows if sequence is not None}  # each: they are sealed
    return {day: _Day(day, pack_id, sequences[pack_id]) for pack_id, day in ids.items()}


def _complete(pack: PricingPack, days: Sequence[_Day]) -> list[_Day]:
    """Those of the days of which no pack that was sealed later brought a figure that was public on them."""
    if not days:
        return []
    later = PricingPack.objects.filter(
        policy=pack.policy_id, sequence__gt=min(each.sequence for each in days), sequence__lte=pack.sequence
    )
    sealed = dict(later.order_by("sequence").values_list("content", "sequence"))
    later_rows = PackObservation.objects.filter(content__in=any_of(sealed), series__in=indicators.SERIES).order_by()
    pairs = {(sealed[content], known_day) for content, known_day in later_rows.values_list("content_id", "known_at")}
    sequences: npt.NDArray[np.int64] = np.array([sequence for sequence, _ in pairs], dtype=np.int64)
    known_at = np.array([known_day for _, known_day in pairs], dtype="datetime64[D]")
    return [
        each for each in days if not np.any((sequences > each.sequence) & (known_at <= np.datetime64(each.date, "D")))
    ]


def _read(packs: Sequence[str]) -> dict[str, Judged]:
    """By pack, the phases of all subjects by the methods of now."""
    phases_of: dict[str, dict[str, tuple[DayPhase, tuple[str, ...]]]] = {}
    for row in _rows().filter(pack__in=packs):
        phase = DayPhase(row.subject, row.method, row.name, row.score, row.margin, row.scores, row.reason)
        phases_of.setdefault(row.pack_id, {})[row.subject] = phase, tuple(row.sources)
    return {pack_id: each for pack_id, each in phases_of.items() if each.keys() == METHODS.keys()}


def _rows() -> "QuerySet[EconomicPhase]":
    """What is stored by the methods of now."""
    return EconomicPhase.objects.filter(method__in=METHODS.values()).order_by()


def _cells(phase: DayPhase) -> tuple[object, ...]:
    return (
        phase.subject,
        phase.method,
        phase.name,
        phase.score,
        phase.margin,
        json.dumps(phase.scores),
        phase.reason,
    )
