"""Answers what is held, what it is worth and how it did. One family of capabilities a module."""

from agents.financial_analyst import attribution, charts, gains, holdings, performance, positions, risk, sectors, spans

__all__ = ["attribution", "charts", "gains", "holdings", "performance", "positions", "risk", "sectors", "spans"]
