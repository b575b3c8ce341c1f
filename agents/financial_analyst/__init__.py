"""Answers what is held, what it is worth and how it did. One family of capabilities a module."""

from agents.financial_analyst import attributing, holdings, performance, positions, risk

__all__ = ["attributing", "holdings", "performance", "positions", "risk"]
