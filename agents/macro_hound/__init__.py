"""Answers what the economy does, and what that means for a portfolio. One family of capabilities a module."""

from agents.macro_hound import economy, scenarios

__all__ = ["economy", "scenarios"]
