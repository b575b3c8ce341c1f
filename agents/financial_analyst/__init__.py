"""Answers what is held, what it is worth and how it did. One family of capabilities a module."""

from agents.financial_analyst import attribution, gains, holdings, performance, positions, risk, sectors, spans

__all__ = ["attribution", "gains", "holdings", "performance", "positions", "risk", "sectors", "spans"]
