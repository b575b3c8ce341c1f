"""Indicators, regimes and cycles of the economy, and what they do to exposures."""

from typing import Final

from portfolio.explanation.estimates.words import CONVENTION, REGRESSION
from portfolio.explanation.rules import Rule


def cycle(before: str = "") -> tuple[Rule, ...]:
    """The rules of the record of one cycle."""
    fit = (
        "Each indicator that the phase names counts by its weight: in full inside the phase's interval of"
        " z-scores, and half for"
        " each standard deviation outside of it. The score is their sum over the sum of the weights; it is no probability."
    )
    return (
        Rule(
            f"{before}phases/*/score",
            "How well a phase of the cycle fits the indicators, from 0 to 1",
            method=fit,
            terms={"z": f"{before}indicators/#/z", "weights": f"{before}indicators/#/weight"},
        ),
        Rule(
            f"{before}composite_score",
            "Score of the phase that fits best",
            "max(scores)",
            {"scores": f"{before}phases/#/score"},
        ),
        Rule(
            f"{before}margin",
            "Score of the phase that fits best, less that of the next",
            method="The highest of the scores less the second highest.",
            terms={"scores": f"{before}phases/#/score"},
        ),
        Rule(
            f"{before}indicators/*/z",
            "Standard deviations of an indicator from the mean of its window",
            method="As the reading of the same indicator has it: /indicators.",
        ),
        Rule(
            f"{before}indicators/*/weight",
            "Weight of an indicator in the cycle",
            method=CONVENTION.format("docs/macro.md has the weights"),
        ),
        Rule(
            f"{before}phases/*/phase_number",
            "Number of a phase in the cycle",
            method="Its place in the order of the phases.",
        ),
        Rule(
            f"{before}phase_number",
            "Number of the phase that fits best",
            method="Its place in the order of the phases.",
            terms={"scores": f"{before}phases/#/score"},
        ),
    )


REGIME: Final = (
    Rule(
        "regime_scores/*/score",
        "How well a regime fits the indicators, from 0 to 1",
        terms={"z": "drivers/#/z"},
        method=(
            "Each indicator counts by its weight in the regime: in full inside the regime's band of z-scores, and"
            " half for each standard"
            " deviation outside of it. The score is their sum over the sum of the weights (docs/macro.md has both);"
            " it is no probability."
        ),
    ),
    Rule("score", "Score of the regime that fits best", "max(scores)", {"scores": "regime_scores/#/score"}),
    Rule(
        "margin",
        "Score of the regime that fits best, less that of the next",
        method="The highest of the scores less the second highest.",
        terms={"scores": "regime_scores/#/score"},
    ),
    Rule(
        "drivers/*/share",
        "Part of an indicator in the score of the regime",
        method="What the indicator counts by, over the score times the sum of the weights.",
        terms={"z": "drivers/*/z", "score": "score"},
        unit="fraction",
    ),
    Rule(
        "drivers/*/z",
        "Standard deviations of an indicator from the mean of its window",
        method="As the reading of the same indicator has it: /indicators.",
    ),
)
_AS_KNOWN = "As the regime of the day, from what was public on it: no later figure and no revision is in it."
REGIME_HISTORY: Final = (
    Rule("points/*/score", "Score of the regime as it was known on a day", method=_AS_KNOWN),
    Rule("points/*/margin", "Margin of the regime as it was known on a day", method=_AS_KNOWN),
    Rule("scores/*/*", "Score of a regime as it was known on a day", method=_AS_KNOWN),
)
_WEEKLY = REGRESSION.format("the portfolio's return, of the positions and weights of the as-of date,").replace(
    "the last 252", "the 252"
)
BETA_HISTORY: Final = (
    Rule("betas/*/*", "Beta of the portfolio as it stands, from the year before a day", method=_WEEKLY),
    Rule("errors/*/*", "Standard error of a beta, from the year before a day", method=_WEEKLY),
    *(
        Rule(f"weeks/*/{name}", "Beta of the portfolio as it stands, from the year before a day", method=_WEEKLY)
        for name in ("real_rate", "inflation", "credit", "equity")
    ),
)
_NOW = "As it stands at the end of the weeks: of an indicator its z-score, of an exposure its beta."
_CHANGE = "What it is at the end of the weeks, less what it was at their beginning."
SHIFTS: Final = (
    Rule("rows/*/value", "Where an indicator's z-score or a beta stands now", method=_NOW),
    Rule("rows/*/change", "Change of an indicator's z-score, or of a beta, over the weeks", method=_CHANGE),
    Rule("lookback_weeks", "Weeks looked back upon", is_asked=True, unit="weeks"),
    Rule(
        "rows/*/before",
        "Where an indicator or an exposure stood as the weeks began",
        method="The figure of that day, as it was known then; of an exposure its beta; to two decimals.",
    ),
    Rule(
        "rows/*/after",
        "Where an indicator or an exposure stands now",
        method="The figure of the last day, as it is known; of an exposure its beta; to two decimals.",
    ),
    Rule(
        "rows/*/size",
        "Size of a change over the weeks",
        method=(
            "Of an indicator, its z-score at the end less that at the beginning; of an exposure, the change of its"
            " beta over the root of both squared errors."
        ),
    ),
)
ALERT_PRESETS: Final = (
    Rule("suggestions/*/current_value", "Where an indicator's z-score or a beta stands now", method=_NOW),
    Rule("suggestions/*/change", "Change of an indicator's z-score, or of a beta, over the weeks", method=_CHANGE),
    Rule(
        "suggestions/*/threshold",
        "Where to be told of it next",
        method=(
            "In the direction of the change: of an indicator the next half standard deviation, of a beta half the change"
            " further; to two decimals."
        ),
    ),
)
CYCLE_RISK: Final = (
    Rule(
        "overall_amplification",
        "What the phase of the short-term cycle multiplies risk by",
        "amplification",
        {"amplification": "amplification"},
    ),
    Rule(
        "amplification",
        "What the phase of the short-term cycle multiplies risk by",
        method=CONVENTION.format("by phase, 0.9 to 2; no estimate"),
    ),
    Rule(
        "rows/*/beta",
        "Beta to a factor",
        method="As the factor exposures of the same days have it; "
        + REGRESSION.format("the portfolio's excess returns"),
    ),
    Rule(
        "rows/*/amplified_beta",
        "Beta to a factor, amplified by the phase of the cycle",
        "beta * amplification",
        {"beta": "rows/*/beta", "amplification": "amplification"},
    ),
    Rule(
        "rows/*/variance_share",
        "Part of the variance that a factor explains",
        method="As the factor exposures of the same days have it.",
        unit="fraction",
    ),
)
