"""Answers what is held, what it is worth and how it did. One family of capabilities a module."""

from agents.financial_analyst import attributing, gains, holdings, performance, positions, risk

__all__ = ["attributing", "gains", "holdings", "performance", "positions", "risk"]
