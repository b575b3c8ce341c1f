"""The scenarios that can be asked for by name.

Those of factors shock rates and spreads in decimal (100 basis points are 0.01), the dollar and equities as returns. The historical
and hypothetical ones shock classes of assets and currencies by what is written here, without any beta.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from config.errors import TieoutError
from pricing.models import Factor

UNITS: Mapping[str, tuple[str, float, float]] = {
    "real_rate_bp": (Factor.REAL_RATE, 1e-4, 2000.0),
    "inflation_bp": (Factor.INFLATION, 1e-4, 2000.0),
    "credit_bp": (Factor.CREDIT, 1e-4, 5000.0),
    "usd": (Factor.USD, 1.0, 0.9),
    "equity": (Factor.EQUITY, 1.0, 1.0),
}
"""Name of a shock -> its factor, what one of its unit is in decimal, and the largest size that can be asked for."""


class ScenarioUnknown(TieoutError):
    """There is no scenario of this name."""

    def __init__(self, scenario_id: str) -> None:
        super().__init__(f"there is no scenario {scenario_id[:64]!r}")
        self.scenario_id = scenario_id


class ShocksInvalid(TieoutError):
    """Custom shocks that can't be applied. findings: (name of a shock, or empty, and what is wrong), all of them."""

    def __init__(self, findings: Iterable[tuple[str, str]]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(" ".join(filter(None, ("custom_shocks", *each))) for each in self.findings))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Shocks of factors in decimal, or of classes of assets (`classes`) and of currencies (`currencies`)."""

    id: str
    name: str
    shocks: Mapping[str, float] = field(default_factory=dict)
    classes: Mapping[str, float] = field(default_factory=dict)
    currencies: Mapping[str, float] = field(default_factory=dict)


def _factors(
    scenario_id: str, name: str, real: float, inflation: float, credit: float, usd: float, equity: float
) -> Scenario:
    """Rates, inflation and credit in basis points."""
    sizes = (real * 1e-4, inflation * 1e-4, credit * 1e-4, usd, equity)
    size_of = zip((Factor.REAL_RATE, Factor.INFLATION, Factor.CREDIT, Factor.USD, Factor.EQUITY), sizes, strict=True)
    return Scenario(scenario_id, name, {factor.value: size for factor, size in size_of if size})


def _stress(
    scenario_id: str, name: str, equity: float, bond: float, commodity: float, usd: float, cad: float, eur: float
) -> Scenario:
    classes = {"equity": equity, "bond": bond, "commodity": commodity}
    return Scenario(scenario_id, name, classes=classes, currencies={"USD": usd, "CAD": cad, "EUR": eur})


DELEVERAGING = (
    _factors("money_printing", "Deleveraging by money printing", 25, 150, -50, -0.12, 0.05),
    _factors("austerity", "Deleveraging by austerity", -75, -50, 100, 0.08, -0.20),
    _factors("default", "Deleveraging by default", -150, -100, 300, 0.15, -0.40),
)
SCENARIOS: Mapping[str, Scenario] = {
    each.id: each
    for each in (
        _factors("rates_up", "Real rates up", 100, 0, 0, 0.02, -0.05),
        _factors("rates_down", "Real rates down", -100, 0, 0, -0.02, 0.08),
        _factors("usd_up", "Dollar up", 0, 0, 0, 0.05, -0.02),
        _factors("usd_down", "Dollar down", 0, 0, 0, -0.05, 0.02),
        _factors("cpi_surprise", "Inflation surprise", 50, 100, 25, 0, -0.08),
        _factors("credit_spread_widening", "Credit spreads wider", -50, 0, 200, 0, -0.15),
        _factors("credit_spread_tightening", "Credit spreads tighter", 0, 0, -50, 0, 0.05),
        _factors("equity_selloff", "Equity sell-off", -75, 0, 100, 0.03, -0.20),
        _factors("equity_rally", "Equity rally", 25, 0, -25, 0, 0.15),
        _factors("late_cycle_rates_up", "Late-cycle rates up", 50, 40, 0, 0.05, 0),
        _factors("inflation_reaccel", "Inflation accelerates again", 0, 100, 0, 0, 0),
        _factors("usd_rally", "Dollar rally", 0, 0, 0, 0.05, 0),
        *DELEVERAGING,
        _stress("CRISIS_2008", "Crisis of 2008", -0.57, -0.05, -0.30, 0.10, -0.15, -0.05),
        _stress("COVID_2020", "Pandemic of 2020", -0.34, -0.02, -0.50, 0.05, -0.10, -0.03),
        _stress("TECH_BUST_2000", "Technology bust of 2000", -0.45, 0.05, -0.10, -0.05, 0.0, 0.05),
        _stress("YIELD_SURGE", "Yields surge", -0.15, -0.10, 0.0, 0.05, -0.03, -0.02),
        _stress("OIL_SHOCK", "Oil shock", -0.10, -0.05, 0.30, 0.02, 0.08, -0.02),
        _stress("RECESSION_MILD", "Mild recession", -0.20, 0.03, -0.15, 0.03, -0.05, -0.02),
        _stress("EXPANSION_TO_CONTRACTION", "From expansion to contraction", -0.12, 0.02, -0.08, 0.02, -0.03, -0.01),
    )
}


def find(scenario_id: str) -> Scenario:
    """A scenario by its id. Raises ScenarioUnknown."""
    try:
        return SCENARIOS[scenario_id]
    except KeyError:
        raise ScenarioUnknown(scenario_id) from None


def custom(shocks: Mapping[str, object]) -> Scenario:
    """Shocks that a caller gives: rates, inflation and credit in basis points, dollar and equities as fractions.

    raises   ShocksInvalid with everything that is wrong
    """
    findings, sizes = list[tuple[str, str]](), dict[str, float]()
    for name, size in shocks.items():
        if name not in UNITS:
            findings.append((name[:64], f"is none of {', '.join(UNITS)}"))
            continue
        factor, unit, largest = UNITS[name]
        if isinstance(size, bool) or not isinstance(size, int | float) or not abs(size) <= largest:
            findings.append((name, f"is not a number from {-largest:g} to {largest:g}"))
            continue
        sizes[factor] = size * unit
    if not shocks:
        findings.append(("", f"needs one of {', '.join(UNITS)}"))
    if findings:
        raise ShocksInvalid(findings)
    return Scenario("custom", "Your own shocks", sizes)
