"""What scenarios would do to a portfolio."""

from typing import Final

from portfolio.explanation.estimates.words import CONVENTION, REGRESSION
from portfolio.explanation.rules import Rule

_SCENARIO_BETAS = REGRESSION.format("the returns of each holding in its own currency")
_VALUED = "As the pack values it: the holdings of the same day have the same."


def _positions(before: str) -> tuple[Rule, ...]:
    """The rules of what a scenario does to one position."""
    return (
        Rule(f"{before}/*/market_value", "Value of the position in the base currency", method=_VALUED),
        Rule(
            f"{before}/*/delta_pl",
            "What the scenario does to the position, in the base currency",
            "round_money(market_value * ((1 + local_return) * (1 + fx_return) - 1))",
            {name: f"{before}/*/{name}" for name in ("market_value", "local_return", "fx_return")},
        ),
        Rule(
            f"{before}/*/delta",
            "What the scenario does to the position, as a fraction",
            "(1 + local_return) * (1 + fx_return) - 1",
            {name: f"{before}/*/{name}" for name in ("local_return", "fx_return")},
            unit="fraction",
        ),
        Rule(
            f"{before}/*/local_return",
            "Return of the position in its own currency",
            unit="fraction",
            method=(
                "Its betas times the shocks, not below -100 %; of a scenario of classes of assets, the shock of its"
                f" class. {_SCENARIO_BETAS}"
            ),
            terms={"shocks": "factors/#/shock"},
        ),
        Rule(
            f"{before}/*/fx_return",
            "Return of the position's currency in the base currency",
            unit="fraction",
            method=(
                "The worth of its currency over that of the base currency, each as the scenario moves it; 0 for the"
                " base currency."
            ),
            terms={"shocks": "factors/#/shock"},
        ),
        Rule(
            f"{before}/*/standard_error",
            "Standard error of the position's return in the scenario",
            unit="fraction",
            method=f"The root of s'Vs, s the shocks and V the covariance of the betas, in the base currency. {_SCENARIO_BETAS}",
            terms={"shocks": "factors/#/shock"},
        ),
    )


HEDGES: Final = (
    Rule(
        "hedges/*/size",
        "What is sold to hedge",
        unit="",
        method=(
            "Of an index future, the amount that moves one to one with the index: the sum of betas times values."
            " Of a currency, all that is held in it."
        ),
    ),
    Rule(
        "hedges/*/gain",
        "Gain of the hedge in the scenario, before cost",
        method="The size times the shock of what is sold, turned round.",
        terms={"size": "hedges/*/size"},
    ),
    Rule(
        "hedges/*/share_of_loss",
        "Part of the whole loss that the gain of the hedge makes good",
        unit="fraction",
        method="The gain over the loss of the scenario, both before rounding.",
        terms={"gain": "hedges/*/gain"},
    ),
    Rule(
        "hedges/*/cost",
        "Assumed cost of the hedge",
        method="The assumed basis points of its size, before rounding.",
        terms={"size": "hedges/*/size", "cost_bp": "hedges/*/cost_bp"},
    ),
    Rule("hedges/*/cost_bp", "Assumed cost in basis points of the size", is_asked=True, unit="bp"),
)
_LINE = "As the scenario gives it that is asked alone, for the same positions and the same betas. {}"
SCENARIO_LINES: Final = (
    *(
        Rule(f"rows/*/{name}", what, method=_LINE.format(_SCENARIO_BETAS), terms={"total_value": "valued:total_value"})
        for name, what in (
            ("total_delta_pl", "What a scenario does to the portfolio, in the base currency"),
            ("total_delta_pl_pct", "What a scenario does to the portfolio, as a fraction of its value"),
            ("standard_error", "Standard error of a scenario's total, as a fraction of the value"),
            ("interval_low", "Low end of the 90 % interval of a scenario's total"),
            ("interval_high", "High end of the 90 % interval of a scenario's total"),
        )
    ),
    *HEDGES,
)
_OF_POSITIONS: Final = {
    "market_values": "positions/#/market_value",
    "locals": "positions/#/local_return",
    "fxs": "positions/#/fx_return",
}
_MOVED = "market_values * ((1 + locals) * (1 + fxs) - 1)"
SCENARIO: Final = (
    Rule(
        "pre_shock_nav",
        "Value of the portfolio before the scenario",
        "total_value",
        {"total_value": "valued:total_value"},
    ),
    Rule(
        "post_shock_nav",
        "Value of the portfolio after the scenario",
        "pre_shock_nav + total_delta_pl",
        {"pre_shock_nav": "pre_shock_nav", "total_delta_pl": "total_delta_pl"},
    ),
    Rule(
        "total_delta_pl",
        "What the scenario does to the portfolio, in the base currency",
        f"round_money(sum({_MOVED}))",
        _OF_POSITIONS,
    ),
    Rule(
        "total_delta_pl_pct",
        "What the scenario does to the portfolio, as a fraction of its value",
        f"sum({_MOVED}) / total_value",
        {**_OF_POSITIONS, "total_value": "valued:total_value"},
        unit="fraction",
    ),
    Rule(
        "fx_delta",
        "What the scenario does by exchange rates alone",
        "round_money(sum(market_values * fxs))",
        {name: _OF_POSITIONS[name] for name in ("market_values", "fxs")},
    ),
    Rule(
        "interaction_delta",
        "What a return makes on a rate that has moved as well",
        "round_money(sum(market_values * locals * fxs))",
        _OF_POSITIONS,
    ),
    *(
        Rule(
            name,
            what,
            unit="fraction",
            terms={"shocks": "factors/#/shock", "total_value": "valued:total_value"},
            method=method,
        )
        for name, what, method in (
            (
                "standard_error",
                "Standard error of the total, as a fraction of the value",
                "The root of s'Vs of the positions taken as one, s the shocks and V the covariance of the betas. "
                + _SCENARIO_BETAS,
            ),
            (
                "interval_low",
                "Low end of the 90 % interval of the total",
                (
                    "The total less 1.645 times the root of the betas' variance and that of what no factor explains, which"
                    " grows with the shock (docs/macro.md)."
                ),
            ),
            (
                "interval_high",
                "High end of the 90 % interval of the total",
                (
                    "The total with 1.645 times the root of the betas' variance and that of what no factor explains, which"
                    " grows with the shock (docs/macro.md)."
                ),
            ),
        )
    ),
    Rule(
        "horizon_sessions",
        "Sessions over which the interval is meant",
        method=CONVENTION.format("30 sessions"),
        unit="sessions",
    ),
    Rule(
        "factors/*/shock",
        "Shock of a factor",
        method=(
            "As the scenario has it, or as it was asked for: rates and spreads in decimal, the dollar and equities"
            " as returns."
        ),
    ),
    Rule("factors/*/applied", "Shock of a factor that is applied", "shock", {"shock": "factors/*/shock"}),
    Rule(
        "factors/*/largest_move",
        "Largest move of a factor over the horizon in the window",
        method="The largest absolute sum of its changes over 30 consecutive sessions of the last 252.",
        series="factors/*/series_id",
    ),
    Rule(
        "factors/*/contribution",
        "What the shock of a factor does to the portfolio, in the base currency",
        method=f"The sum over the positions of value, beta and shock. {_SCENARIO_BETAS}",
        terms={"shock": "factors/*/shock"},
        series="factors/*/series_id",
    ),
    *(rule for part in ("positions", "winners", "losers") for rule in _positions(part)),
    *HEDGES,
)
HOLDING_HISTORY: Final = (
    Rule(
        "sessions",
        "Sessions of what is held",
        unit="sessions",
        method="Days after the first on which one of the securities was traded, as the observed dates of the closes have it.",
    ),
)
