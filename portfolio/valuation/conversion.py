"""What a portfolio is worth in a currency that it is not kept in, at the published rates of its pack. Exactly in Decimal."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from portfolio.valuation.as_of import ValuedPositions
from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from pricing import market as markets
from pricing.market import Market


@dataclass(frozen=True, slots=True)
class Fixing:
    """A rate as it was published: one of `base` is `rate` of `quote`."""

    base: str
    quote: str
    rate: Decimal
    observed_date: date
    source: str


@dataclass(frozen=True, slots=True)
class ConvertedValue:
    currency: str
    value: Decimal
    """The total value as it is shown, times the rate, to the minor unit of `currency`."""
    rate: Decimal
    """Of `currency` for one of the base currency, to 12 decimals; 1 where they are the same."""
    fixings: tuple[Fixing, ...]
    """At most two, that the rate is made of; none where the currencies are the same."""


def convert(valued: ValuedPositions, market: Market, currency: str) -> ConvertedValue:
    """Raises MissingRate where the pack has no rates between the two currencies."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        rate = markets.cross(market, valued.currency, currency)
        legs = markets.legs_between(market, valued.currency, currency)
        return ConvertedValue(
            currency=currency,
            value=quantise(valued.total_value * rate, currency),
            rate=round(rate, 12),
            fixings=tuple(Fixing(leg.base, leg.quote, leg.rate, leg.observed_date, leg.source) for leg in legs),
        )
