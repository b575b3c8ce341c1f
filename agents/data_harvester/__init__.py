"""Answers what the packs know of what is held: actions, reports. It asks no provider. One family of capabilities a module."""

from agents.data_harvester import corporate_actions, fundamentals

__all__ = ["corporate_actions", "fundamentals"]
