"""What a portfolio's return moved with, week by week."""

from typing import Final

from portfolio.explanation.estimates.words import CONVENTION
from portfolio.explanation.exposures import METHOD
from portfolio.explanation.rules import Rule

_AS_OF = (
    f"{METHOD} Of the days up to the end of the week alone, at the prices and rates that the pack of the answer knows."
)
EXPOSURE_HISTORY: Final = (
    Rule("betas/*/*", "Beta to a factor as of the end of a week", method=_AS_OF),
    Rule("r_squared/*", "What all factors explain of the variance, as of the end of a week", method=_AS_OF),
    Rule("observations/*", "Days that the regression of a week used", method=_AS_OF, unit="days"),
    Rule(
        "window",
        "Observations that each regression looks back upon",
        method=CONVENTION.format("docs/measurement.md has it"),
        unit="observations",
    ),
)
