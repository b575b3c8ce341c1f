"""Series and actions: what became known when, and what each pack adds to the packs before it. Pure; no Django."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

import numpy as np

from pricing.archive.contents import ActionRow, ArchiveReading, Dates
from pricing.packs.rows import WITHDRAWN, KnownAction, KnownObservation, join_flags
from pricing.quality.suspects import ACCEPTED

ASSUMED_RELEASE_DATE = "assumed_release_date"
"""The flag of an observation whose known_at is a lag rule's, not its source's."""

Known = TypeVar("Known", KnownObservation, KnownAction)


@dataclass(frozen=True, slots=True)
class LagRule:
    """`days_from_month_start` or `business_days`, and how many."""

    rule: str
    days: int


def release_dates(dates: Dates, lag: LagRule) -> Dates:
    """The day each figure is taken to be public, where its source does not say."""
    if lag.rule == "business_days":
        return np.busday_offset(dates, lag.days, roll="backward")
    months: Dates = dates.astype("datetime64[M]").astype("datetime64[D]")
    return months + np.timedelta64(lag.days, "D")


def known_observations(
    reading: ArchiveReading, lags: Mapping[str, LagRule], flags: Mapping[int, str] | None = None
) -> list[KnownObservation]:
    """All observations of the archive in the order in which they became known.

    flags  of rows, by their number in the archive
    """
    observations = reading.observations
    known_dates = observations.known_at.copy()
    for code, series in enumerate(reading.series):
        silent = (observations.series == code) & np.isnat(known_dates)
        known_dates[silent] = release_dates(observations.date[silent], lags[series.id])
    series_of, dates, known_at, sources, values = (
        column.tolist()
        for column in (observations.series, observations.date, known_dates, observations.source, observations.value)
    )
    assumed = np.isnat(observations.known_at).tolist()
    return [
        KnownObservation(
            series=reading.series[series_of[row]].id,
            observation_date=dates[row],
            value=Decimal(values[row].decode()),
            known_at=known_at[row],
            vintage=observations.vintage[row] if observations.vintage else "",
            source=reading.source_names[sources[row]],
            flags=join_flags((ASSUMED_RELEASE_DATE if assumed[row] else "", (flags or {}).get(row, ""))),
        )
        for row in np.lexsort((observations.date, observations.series, known_dates)).tolist()
    ]


def known_actions(rows: Sequence[ActionRow], accepted: Collection[tuple[str, str, date]] = ()) -> list[KnownAction]:
    """Actions of the archive in the order in which they became known; `accepted` by (symbol, action, ex-date)."""
    actions = [
        KnownAction(
            symbol=row.symbol,
            action=row.action,
            ex_date=row.ex_date,
            ratio=row.ratio,
            amount=row.amount,
            currency=row.currency,
            pay_date=row.pay_date,
            announced=row.announced,
            source=row.source,
            flags=ACCEPTED if (row.symbol, row.action, row.ex_date) in accepted else "",
        )
        for row in rows
    ]
    return sorted(actions, key=lambda action: (action.known_at, action.key))


def not_withdrawn(rows: Sequence[Known]) -> list[Known]:
    """Of rows in order of sequence those that no later withdrawal has taken back, in the same order.

    A withdrawal takes back what was said of its key, and known, up to the day it became known itself.
    """
    withdrawn_up_to: dict[object, date] = {}
    remaining: list[Known] = []
    for row in reversed(rows):
        up_to = withdrawn_up_to.get(row.key)
        if row.is_withdrawal:
            withdrawn_up_to[row.key] = row.known_at if up_to is None else max(up_to, row.known_at)
        elif up_to is None or row.known_at > up_to:
            remaining.append(row)
    return remaining[::-1]


class Deltas(Generic[Known]):
    """The rows that each pack, sealed next, adds to those that the packs before it hold.

    sealed    rows of the sealed packs, in order of sequence
    rows      everything there is to know, in order of known_at
    subjects  series or symbols that the archive speaks of: what it no longer says of them is withdrawn
    """

    def __init__(self, sealed: Sequence[Known], rows: Sequence[Known], subjects: Collection[str] = ()) -> None:
        of_key: dict[object, list[Known]] = {}
        for row in sealed:
            of_key.setdefault(row.key, []).append(row)
        self._sealed: dict[object, list[Known]] = {
            key: not_withdrawn(rows_of_key) for key, rows_of_key in of_key.items()
        }
        self._rows: Sequence[Known] = rows
        self._known_dates = [row.known_at for row in rows]
        self._position = 0
        first_known: dict[object, date] = {}
        for row in rows:
            first_known.setdefault(row.key, row.known_at)
        self._known_too_early: dict[object, date] = {
            key: first_known.get(key, date.max)
            for key, rows_of_key in self._sealed.items()
            if rows_of_key
            and rows_of_key[0].key[0] in subjects
            and min(row.known_at for row in rows_of_key) < first_known.get(key, date.max)
        }

    def next_rows(self, asof_date: date) -> list[Known]:
        """The rows that the pack of that date has to hold. Called with rising dates, once for each pack."""
        end = bisect_right(self._known_dates, asof_date)
        newest = {row.key: row for row in self._rows[self._position : end]}
        self._position = max(self._position, end)
        new_rows = [row for key, row in newest.items() if self._known_at(key, asof_date) != row]
        for row in new_rows:
            self._sealed.setdefault(row.key, []).append(row)
        return new_rows + self._withdraw(asof_date)

    def _withdraw(self, asof_date: date) -> list[Known]:
        withdrawals: list[Known] = []
        for key, first_known in self._known_too_early.items():
            newest = self._known_at(key, asof_date)
            if newest is not None and first_known > asof_date:
                withdrawals.append(replace(newest, flags=WITHDRAWN))
                self._sealed[key] = [row for row in self._sealed[key] if row.known_at > newest.known_at]
        return withdrawals

    def _known_at(self, key: object, asof_date: date) -> Known | None:
        """What the sealed packs say of a key on that date."""
        return next((row for row in reversed(self._sealed.get(key, [])) if row.known_at <= asof_date), None)
