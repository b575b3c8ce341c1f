"""What a portfolio may lose from its highest point."""

from typing import Final

from portfolio.explanation.estimates.words import CONVENTION, REGRESSION
from portfolio.explanation.rules import Rule

_SIMULATED = (
    "By simulation: paths of independent normal sessions of this volatility, the same draws for all packs"
    " of a portfolio; of each"
    " path the deepest fall from its highest value, and of these the one that the stated share of paths does not exceed."
)
_COVARIANCE = (
    "Factors, currencies and what holdings do by themselves, by the covariance of their changes over the"
    " last 252 sessions that are"
    " known of all of them."
)
DRAWDOWN: Final = (
    Rule(
        "dar_value",
        "Drawdown that is not exceeded with this confidence, a fraction of the highest value",
        method=_SIMULATED,
        unit="fraction",
        terms={
            "volatility": "volatility",
            "confidence": "confidence",
            "horizon_sessions": "horizon_sessions",
            "draws": "draws",
        },
    ),
    Rule(
        "dar_amount",
        "Drawdown that is not exceeded with this confidence, in the base currency",
        "round_money(dar_value * total_value)",
        {"dar_value": "dar_value", "total_value": "valued:total_value"},
    ),
    Rule(
        "typical",
        "Drawdown of the middle path",
        method=_SIMULATED,
        unit="fraction",
        terms={"volatility": "volatility", "horizon_sessions": "horizon_sessions", "draws": "draws"},
    ),
    Rule(
        "volatility",
        "Standard deviation of a session of the portfolio as it stands",
        unit="fraction",
        method=f"The root of the variance of what is held, times the amplification of the cycle. {_COVARIANCE}",
        terms={"exposures": "rows/#/exposure", "volatilities": "rows/#/volatility", "amplification": "amplification"},
    ),
    Rule("confidence", "Share of the paths that stay within the drawdown", is_asked=True),
    Rule("horizon_sessions", "Sessions that are looked ahead", is_asked=True, unit="sessions"),
    Rule("draws", "Paths of the simulation", method=CONVENTION.format("how many are drawn")),
    Rule("amplification", "What volatility is multiplied by", is_asked=True),
    Rule(
        "rows/*/exposure",
        "Return of the portfolio for a change of one",
        method="Of a factor, the sum of betas times weights; of a currency and a holding, its weight. "
        + REGRESSION.format("each holding's returns"),
    ),
    Rule("rows/*/volatility", "Standard deviation of a session", method=_COVARIANCE),
    Rule(
        "rows/*/variance_share",
        "Share of the portfolio's variance",
        method=f"Its exposure times its covariance with the portfolio, over the variance. {_COVARIANCE}",
        terms={"exposure": "rows/*/exposure"},
        unit="fraction",
    ),
    Rule(
        "calibration/hits",
        "Windows of the past that went beyond the limit",
        method=(
            "The same limit set for the same holdings before each window that does not overlap with the next, from"
            " the year of sessions before it."
        ),
        terms={"windows": "calibration/windows"},
    ),
    Rule(
        "calibration/windows",
        "Windows of the past that the limit was tried on",
        method="As many as the horizon fits into the sessions that have a year before them, without overlap.",
    ),
    Rule(
        "calibration/stated",
        "Share of windows that may go beyond the limit",
        "1 - confidence",
        {"confidence": "confidence"},
    ),
    Rule(
        "calibration/rate",
        "Share of windows that went beyond the limit",
        "hits / windows",
        {"hits": "calibration/hits", "windows": "calibration/windows"},
        unit="fraction",
    ),
    *(
        Rule(
            f"calibration/{name}",
            what,
            method=method,
            terms={"hits": "calibration/hits", "windows": "calibration/windows", "stated": "calibration/stated"},
        )
        for name, what, method in (
            ("low", "Low end of the 95 % interval of the rate", "Wilson's interval (1927)."),
            ("high", "High end of the 95 % interval of the rate", "Wilson's interval (1927)."),
            (
                "kupiec",
                "Probability of such a rate if the stated one is true",
                "Kupiec's test of the proportion of failures (1995).",
            ),
            (
                "christoffersen",
                "Probability of such a sequence if windows are independent",
                "Christoffersen's test of independence (1998).",
            ),
        )
    ),
)
