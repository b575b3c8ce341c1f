"""The rows of packs that are not sealed yet: selected once for all days, and made day by day."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from pricing import calendars
from pricing.archive.contents import ArchiveReading, Dates
from pricing.fx import Leg
from pricing.models import Series
from pricing.packs import stored_rows
from pricing.packs.deltas import Deltas, LagRule, known_actions, known_observations
from pricing.packs.gaps import Missing
from pricing.packs.inputs import Inputs, Selection, select
from pricing.packs.point_in_time import Listed, active_grid, fix_instants, listed_spans
from pricing.packs.rows import Close, KnownAction, KnownObservation, PackRows, join_flags
from pricing.quality.acceptance import Judgement

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The judged archive as the packs of some days see it. `rows` is called with rising days, once for each pack."""

    judgement: Judgement
    day_index: Mapping[date, int]
    securities: Sequence[Listed]
    selection: Selection
    observations: Deltas[KnownObservation]
    actions: Deltas[KnownAction]
    fix_at: Mapping[date, datetime]
    units: Mapping[str, str]
    """Of the series, by id: their lines end in it."""

    @property
    def missing(self) -> Mapping[date, list[Missing]]:
        return self.selection.missing

    def rows(self, day: date) -> PackRows:
        """All rows of the pack of a day."""
        return PackRows(
            self._closes(day), self._rates(day), self.observations.next_rows(day), self.actions.next_rows(day)
        )

    def _closes(self, day: date) -> list[Close]:
        newest, reading, at = self.selection.closes, self.judgement.reading, self.day_index[day]
        (numbers,) = newest.usable[:, at].nonzero()
        rows = newest.row[numbers, at]
        closes = []
        for number, row, age, text, observed_date, source in zip(
            numbers.tolist(),
            rows.tolist(),
            newest.age[numbers, at].tolist(),
            reading.closes.close[rows].tolist(),
            reading.closes.date[rows].tolist(),
            reading.closes.source[rows].tolist(),
            strict=True,
        ):
            security = self.securities[number]
            closes.append(
                Close(
                    security_id=security.id,
                    symbol=security.symbol,
                    close=Decimal(text.decode()),
                    currency=security.currency,
                    observed_date=observed_date,
                    source=reading.source_names[source],
                    price_basis=security.price_basis,
                    flags=_flags(age, self.judgement.close_flags.get(row, "")),
                    factor=security.factor,
                )
            )
        return closes

    def _rates(self, day: date) -> list[Leg]:
        newest, reading, at = self.selection.rates, self.judgement.reading, self.day_index[day]
        rates = []
        for number in newest.usable[:, at].nonzero()[0].tolist():
            (base, quote), row = self.selection.legs[number], int(newest.row[number, at])
            observed_date = reading.rates.date[row].item()
            rates.append(
                Leg(
                    base=base,
                    quote=quote,
                    rate=Decimal(reading.rates.rate[row].decode()),
                    observed_date=observed_date,
                    source=reading.source_names[reading.rates.source[row]],
                    flags=_flags(int(newest.age[number, at]), self.judgement.rate_flags.get(row, "")),
                    fix_at=self.fix_at[observed_date],
                )
            )
        return rates


def _flags(age: int, others: str) -> str:
    return join_flags((f"stale:{age}" if age else "", others)) if age or others else ""


def prepare(inputs: Inputs, judgement: Judgement, dates: Sequence[date]) -> Drafts:
    """Select the rows of the packs of these dates, which rise."""
    days, reading, policy = calendars.as_days(dates), judgement.reading, inputs.policy
    selection = select(inputs, judgement, days)
    _log_left_out(inputs, selection, days)
    series = list(Series.objects.all())
    lags = {each.pk: LagRule(each.lag_rule, each.lag_days) for each in series}
    sealed = stored_rows.sealed_contents(policy=policy.code)
    return Drafts(
        judgement=judgement,
        day_index={day: number for number, day in enumerate(dates)},
        securities=inputs.securities,
        selection=selection,
        observations=Deltas(
            stored_rows.observations(sealed),
            known_observations(reading, lags, judgement.observation_flags),
            judgement.series,
        ),
        actions=Deltas(
            stored_rows.actions(sealed),
            known_actions(reading.actions, judgement.accepted_actions),
            judgement.symbols_with_actions,
        ),
        fix_at=fix_instants(_fixing_days(reading, selection), policy.fix_time, policy.fix_timezone),
        units={each.pk: each.unit for each in series},
    )


def _fixing_days(reading: ArchiveReading, selection: Selection) -> list[date]:
    rows = selection.rates.row
    return sorted(set(reading.rates.date[rows[rows >= 0]].tolist()))


def _log_left_out(inputs: Inputs, selection: Selection, days: Dates) -> None:
    active = active_grid(listed_spans(inputs.securities), days)
    if (unpriced := np.any(active & ~selection.closes.usable, axis=1)).any():
        symbols = [inputs.securities[number].symbol for number in unpriced.nonzero()[0].tolist()]
        logger.info("securities left out", extra={"policy": inputs.policy.code, "symbols": symbols})
