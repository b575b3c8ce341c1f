"""Answers what is known of what is held: actions and reports from the packs, news and quotes from providers, recorded.
One family of capabilities a module."""

from agents.data_harvester import (
    classifications,
    corporate_actions,
    fundamentals,
    news_search,
    news_weighing,
    provider_answers,
)

__all__ = ["classifications", "corporate_actions", "fundamentals", "news_search", "news_weighing", "provider_answers"]
