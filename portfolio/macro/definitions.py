"""Which series an indicator is made of, and what of it is compared with its past."""

from collections.abc import Mapping
from dataclasses import dataclass

from portfolio.analytics.macro.standing import Change


@dataclass(frozen=True, slots=True)
class Definition:
    """An indicator. `choices`: a series, or one less another; the first that the packs can speak for stands."""

    name: str
    title: str
    unit: str
    """Of what is compared, which `change` makes."""
    change: Change
    choices: tuple[tuple[str, ...], ...]
    is_real: bool = False
    """The last series of a choice is a price index, whose growth in a year, in percent, is taken off."""


_PRICES = (("CPIAUCSL",), ("CUSR0000SA0",))
"""CUSR0000SA0 is the name of the same index at the bureau that makes it."""

DEFINITIONS: Mapping[str, Definition] = {
    each.name: each
    for each in (
        Definition(
            "T10Y2Y", "Yield curve, 10 less 2 years", "percent", Change.LEVEL,
            (("T10Y2Y",), ("DGS10", "DGS2"), ("UST10Y", "UST2Y")),
        ),
        Definition("UNRATE", "Unemployment, change in a year", "percentage points", Change.YEAR_DIFFERENCE, (("UNRATE",),)),
        Definition("CPIAUCSL", "Consumer prices, change in a year", "percent", Change.YEAR_GROWTH, _PRICES),
        Definition("BAA10Y", "Baa bonds over 10-year Treasuries", "percent", Change.LEVEL, (("BAA10Y",),)),
        Definition(
            "DEBT_GDP", "Federal debt to output, change in a year", "percentage points", Change.YEAR_DIFFERENCE,
            (("GFDEGDQ188S",),),
        ),
        Definition(
            "REAL_POLICY_RATE", "Federal funds less inflation", "percent", Change.LEVEL,
            (("FEDFUNDS", "CPIAUCSL"), ("FEDFUNDS", "CUSR0000SA0")), is_real=True,
        ),
        Definition(
            "CREDIT_IMPULSE", "Bank credit, change of its growth in a year", "percentage points", Change.IMPULSE, (("LOANINV",),)
        ),
    )
}  # fmt: skip
