"""What a company reported, as a pack knows it: the series that are named after its symbol."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricing.market.series import observations
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
    figures = []
    for series_id, unit in Series.objects.filter(id__startswith=f"{symbol}/").order_by("id").values_list("id", "unit"):
        named, concept, frequency = series_id.rsplit("/", 2)
        if named != symbol:
            continue
        figures += [
            ReportedFigure(concept, frequency, row.observation_date, row.value, unit, row.known_at, row.source)
            for row in reversed(observations(pack, series_id)[-PERIODS:])
        ]
    return tuple(figures)
