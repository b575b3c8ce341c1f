"""Answers what the economy does, and what that means for a portfolio. One family of capabilities a module."""

from agents.macro_hound import cycles, drawdown, economy, scenarios, trends

__all__ = ["cycles", "drawdown", "economy", "scenarios", "trends"]
