"""Writes in words what results say. Figures come from the results alone, by reference; no text decides what they are."""

from agents.claude import facts, fence, model, narratives, vocabulary

__all__ = ["facts", "fence", "model", "narratives", "vocabulary"]
