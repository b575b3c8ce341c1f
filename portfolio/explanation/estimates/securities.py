"""How the value is spread over what securities are, and how others of a sector did."""

from typing import Final

from portfolio.explanation.rules import Rule

_KINDS: Final = (
    ("sectors", "sector", "a sector"),
    ("regions", "region", "a country"),
    ("asset_classes", "asset_class", "an asset class"),
)
ALLOCATION: Final = (
    *(
        Rule(
            f"{groups}/*/weight",
            f"Part of {kind} in the value of the portfolio",
            "value / total_value",
            {"value": f"{groups}/*/value", "total_value": "valued:total_value"},
            unit="fraction",
        )
        for groups, _, kind in _KINDS
    ),
    *(
        Rule(
            f"{name}_known",
            f"Part of the securities of which {kind} is known",
            method="The absolute values of the securities that somebody has classified, over those of all.",
            unit="fraction",
        )
        for _, name, kind in _KINDS
    ),
)
COMPARABLES: Final = (
    Rule(
        "rows/*/total_return",
        "Return of a security over the look-back, in its own currency",
        method="Its closes from day to day, with dividends and splits put back, linked.",
        unit="fraction",
    ),
    Rule(
        "rows/*/volatility",
        "Volatility of a security over the look-back, per year",
        method="The standard deviation of its returns of days on which it was traded, times the root of how many a year has.",
        unit="fraction",
    ),
    Rule(
        "rows/*/weight", "Part of the security in the portfolio", method="As the pack values it: the holdings have it."
    ),
)
