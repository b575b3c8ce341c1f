"""What news say of what is held."""

from typing import Final

from portfolio.explanation.rules import Rule

NEWS: Final = (
    Rule("min_threshold", "Impact from which on an article counts as high", is_asked=True),
    Rule(
        "total_items", "Articles that name a holding", "count(impacts)", {"impacts": "news_with_impact/#/impact_score"}
    ),
    Rule(
        "unrelated",
        "Articles that came and name no holding",
        method="Articles whose headline and summary have no name of what is held.",
    ),
    Rule(
        "high_impact_count",
        "Articles whose impact is the threshold or more, either way",
        method="Those counted whose impact is at or beyond the threshold.",
        terms={"impacts": "news_with_impact/#/impact_score", "min_threshold": "min_threshold"},
    ),
    Rule(
        "total_impact", "Sum of the articles' impacts", "sum(impacts)", {"impacts": "news_with_impact/#/impact_score"}
    ),
    Rule(
        "weighted_impact",
        "Mean tone, each article by the weight that it affects",
        "sum(tones * weights) / sum(weights)",
        {"tones": "news_with_impact/#/sentiment_score", "weights": "news_with_impact/#/weight_affected"},
    ),
    Rule(
        "exposed_portfolio_pct",
        "Part of the portfolio that is named",
        "sum(weights)",
        {"weights": "entity_mentions/#/weight"},
        unit="fraction",
    ),
    Rule(
        "news_with_impact/*/sentiment_score",
        "Tone of an article, from -1 to 1",
        method="By the words of headline and summary that a list calls good or bad (docs/news.md).",
    ),
    Rule(
        "news_with_impact/*/weight_affected",
        "Part of the portfolio that an article names",
        method="The sum of the weights of the holdings that it names.",
        unit="fraction",
    ),
    Rule(
        "news_with_impact/*/impact_score",
        "Impact of an article",
        "tone * 0.5 * weight",
        {"tone": "news_with_impact/*/sentiment_score", "weight": "news_with_impact/*/weight_affected"},
    ),
    Rule(
        "entity_mentions/*/weight",
        "Part of the portfolio that is in a holding",
        method="As the pack values it: its value over that of the portfolio.",
        unit="fraction",
    ),
    Rule(
        "entity_mentions/*/mentions",
        "Articles that name a holding",
        method="Articles whose headline or summary has its name or its ticker.",
    ),
    Rule(
        "entity_mentions/*/impact_score",
        "A holding's own part of the impacts",
        method="The sum over the articles that name it of tone, 0.5 and its weight.",
        terms={"weight": "entity_mentions/*/weight"},
    ),
)
