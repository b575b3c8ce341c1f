"""What charts are drawn from: figures of other answers, in another order."""

from typing import Final

from portfolio.explanation.rules import Rule

OVERVIEW_CHART: Final = (
    Rule("total_value", "Value of the portfolio", "total_value", {"total_value": "valued:total_value"}),
    Rule(
        "allocation/*/value",
        "Value of a slice",
        method="Of a security as the pack values it; of the others their sum; of cash what the slices before leave of the total.",
    ),
    Rule(
        "allocation/*/weight",
        "Part of a slice in the value of the portfolio",
        "value / total_value",
        {"value": "allocation/*/value", "total_value": "total_value"},
        unit="fraction",
    ),
)
SCENARIO_CHART: Final = (
    Rule("bars/*/before", "Value of a position before the scenario", method="As the scenario has it of the position."),
    Rule("bars/*/change", "What the scenario does to a position", method="As the scenario has it of the position."),
    Rule(
        "bars/*/after",
        "Value of a position after the scenario",
        "before + change",
        {"before": "bars/*/before", "change": "bars/*/change"},
    ),
    Rule(
        "steps/*/value",
        "Part of the change of the value",
        method="As the scenario has it of a factor, of exchange rates, and of returns on rates that moved; rounding is what"
        " these leave of its total.",
        terms={"total_delta_pl": "scenario_result:total_delta_pl"},
    ),
)
_ERROR = {"beta": "factors/*/beta", "standard_error": "factors/*/standard_error"}
MACRO_CHART: Final = (
    Rule("scores/*/score", "How well a regime fits the indicators, from 0 to 1", method="As the regime has it."),
    Rule("factors/*/beta", "Beta to a factor", method="As the exposures have it."),
    Rule("factors/*/standard_error", "Standard error of a beta", method="As the exposures have it."),
    Rule("factors/*/low", "Low end of the 95 % interval of a beta", "beta - 1.96 * standard_error", _ERROR),
    Rule("factors/*/high", "High end of the 95 % interval of a beta", "beta + 1.96 * standard_error", _ERROR),
    Rule(
        "drawdown_at_risk",
        "Drawdown that is not exceeded with this confidence, a fraction of the highest value",
        "dar_value",
        {"dar_value": "dar:dar_value"},
        unit="fraction",
    ),
    Rule(
        "drawdown_amount",
        "Drawdown that is not exceeded with this confidence, in the base currency",
        "dar_amount",
        {"dar_amount": "dar:dar_amount"},
    ),
    Rule(
        "confidence",
        "Share of the paths that stay within the drawdown at risk",
        "confidence",
        {"confidence": "dar:confidence"},
        unit="fraction",
    ),
)
