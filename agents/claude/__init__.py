"""Writes in words what results say. Figures come from the results alone, by reference; no text decides what they are."""

from agents.claude import narratives

__all__ = ["narratives"]
