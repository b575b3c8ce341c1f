"""What a metric rests on, in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from execution.figures.formats import percentage


def basis_words(basis: Mapping[str, Any]) -> str:
    """The basis of a metric in one line; empty where it has none."""
    parts = []
    if basis.get("first") and basis.get("last"):
        parts.append(f"{basis['first']} to {basis['last']}")
    if "n" in basis:
        parts.append(f"{basis['n']:,} sub-periods" if basis["n"] != 1 else "1 sub-period")
    if "annualised" in basis:
        parts.append("annualised" if basis["annualised"] else "not annualised")
    parts += [str(basis[name]) for name in ("convention", "net") if basis.get(name)]
    if basis.get("risk_free"):
        parts.append(f"risk-free {basis['risk_free']}")
    if basis.get("periods_per_year"):
        parts.append(f"{basis['periods_per_year']:g} days a year")
    parts += [f"{name} {basis[name]}" for name in ("peak", "trough", "recovery") if basis.get(name)]
    if basis.get("undefined"):
        parts.append(f"no return on {basis['undefined']}")
    if basis.get("scope") == "securities_only":
        parts.append("securities only: purchases are money in, sales and dividends money out")
    if basis.get("delisted_share"):
        parts.append(
            f"{percentage(Decimal(str(basis['delisted_share'])))} carried at the last close of what is delisted"
        )
    return ", ".join(parts)


def turning_points(basis: Mapping[str, Any]) -> str:
    """The dates of a drawdown: its peak and, where there is one, its trough. Empty for other metrics."""
    if not basis.get("peak"):
        return ""
    return f"{basis['peak']} to {basis['trough']}" if basis.get("trough") else f"since {basis['peak']}"
