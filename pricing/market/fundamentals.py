"""What a company reported, as a pack knows it: the series that are named after its symbol."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricing.market.series import observations_by_series
from pricing.models import PricingPack, Series

PERIODS = 12
"""How many of the newest periods are told."""


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """A figure of one period. `frequency` Q or A; `known_at`: since when the value is known, as the pack has it."""

    concept: str
    frequency: str
    period_end: date
    value: Decimal
    unit: str
    known_at: date
    source: str


def fundamentals(pack: PricingPack, symbol: str) -> tuple[ReportedFigure, ...]:
    """The newest periods of each figure, by concept, frequency and falling period; empty where nobody reported anything by then.

    Raises packs.PackWarming, packs.PackInError.
    """
    units = dict(Series.objects.filter(id__startswith=f"{symbol}/").values_list("id", "unit"))
    of_symbol = sorted(each for each in units if each.rsplit("/", 2)[0] == symbol)
    figures = []
    for series_id, history in observations_by_series(pack, of_symbol).items():
        _, concept, frequency = series_id.rsplit("/", 2)
        figures += [
            ReportedFigure(
                concept, frequency, row.observation_date, row.value, units[series_id], row.known_at, row.source
            )
            for row in reversed(history[-PERIODS:])
        ]
    return tuple(figures)
