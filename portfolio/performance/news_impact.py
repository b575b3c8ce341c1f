"""What news say of what is held: which holding an article names, in what tone, and with what part of the portfolio.

Titles and texts of articles are data from outside. They are compared with names and words, and shown; nothing else is done by them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypedDict

from portfolio.performance import news_tone
from portfolio.performance.metric import Metric, unavailable
from portfolio.valuation import ValuedPosition

RELEVANCE: Final = 0.5
"""How much of its tone an article that names a holding counts for: a convention, as nothing here measures it."""
SHORTEST_TICKER: Final = 3
NO_ARTICLES: Final = "no_articles"
_LEGAL: Final = frozenset({
    "ab", "adr", "ag", "and", "asa", "class", "co", "company", "corp", "corporation", "gmbh", "group", "holding",
    "holdings", "inc", "incorporated", "kgaa", "limited", "llc", "lp", "ltd", "nv", "oyj", "plc", "sa", "se", "spa",
    "trust",
})  # fmt: skip
"""Words at the end of a name that say what form a company has."""


class Article(TypedDict):
    """One article as a provider describes it. Instants are ISO texts in UTC."""

    headline: str
    summary: str
    publisher: str
    published_at: str
    link: str


class NewsFound(TypedDict):
    """The answer of a search for holdings.

    status      ok; unavailable by `reason` where no provider could be asked
    from_time   the first instant of the look-back, `until` the one before which it ends: ISO, UTC; None where nobody was asked
    searched    symbols that were asked for; `not_searched` those that the questions had no room for
    refused     articles that came and can't be shown
    """

    status: str
    reason: str | None
    from_time: str | None
    until: str | None
    searched: list[str]
    not_searched: list[str]
    refused: int
    items: list[Article]


@dataclass(frozen=True, slots=True)
class ArticleImpact:
    """An article that names what is held.

    sentiment        positive, neutral or negative, by `sentiment_score`, from -1 to 1
    byline           publisher and instant, in words
    entities         the symbols that it names; `verdict` those and the tone, in words
    weight_affected  their part of the portfolio, a fraction
    impact_score     tone x relevance x weight: -0.25 is a tone of -1 on half of the portfolio
    """

    headline: str
    summary: str
    publisher: str
    published_at: str
    byline: str
    link: str
    sentiment: str
    sentiment_score: float
    entities: str
    verdict: str
    weight_affected: float
    impact_score: float
    is_high: bool


@dataclass(frozen=True, slots=True)
class Mentions:
    """How often the articles name a holding; `impact_score` is its own part of the sum."""

    security_id: int
    symbol: str
    name: str
    weight: float
    mentions: int
    impact_score: float


@dataclass(frozen=True, slots=True)
class NewsImpact:
    """All that was found, weighted by what is held.

    status                ok; unavailable by `reason`, where nobody could be asked: every number is None then
    look_back             `from_time` and `until` in words
    total_items           articles that name a holding; `unrelated` those that came and name none
    high_impact_count     those whose impact is `min_threshold` or more, either way
    total_impact          the sum of their impacts
    weighted_impact       the mean tone, each article weighted by what it affects
    exposed_portfolio_pct part of the portfolio that is named, a fraction
    overall_sentiment     the mean tone in words
    """

    status: str
    reason: str | None
    from_time: str | None
    until: str | None
    look_back: str | None
    min_threshold: float
    total_items: int | None
    unrelated: int | None
    high_impact_count: int | None
    total_impact: float | None
    weighted_impact: Metric
    exposed_portfolio_pct: float | None
    overall_sentiment: str | None
    news_with_impact: tuple[ArticleImpact, ...]
    entity_mentions: tuple[Mentions, ...]


def search_terms(symbol: str, name: str) -> tuple[str, ...]:
    """What an article may call a security: its name without the form of the company, and its ticker of three letters or more."""
    plain = re.split(r"[(,]", name)[0].split()
    while len(plain) > 1 and plain[-1].strip(".&").casefold() in (*_LEGAL, ""):
        plain.pop()
    ticker = symbol if len(symbol) >= SHORTEST_TICKER and symbol.isascii() and symbol.isalpha() else ""
    return tuple(dict.fromkeys(term for term in (" ".join(plain), ticker) if term))


def is_named(symbol: str, name: str, text: str) -> bool:
    """Whether a text has a term of a security as whole words: the ticker in capitals, the name in any case."""
    return any(
        re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text, 0 if term == symbol else re.IGNORECASE)
        for term in search_terms(symbol, name)
    )


def measure(news: NewsFound, positions: Sequence[ValuedPosition], *, min_threshold: float) -> NewsImpact:
    """The impact of each article and of all; the largest first, either way."""
    first, until = news["from_time"], news["until"]
    if news["status"] != "ok" or first is None or until is None:
        return _unavailable(news, min_threshold)
    articles, mentions = [], dict.fromkeys((row.security_id for row in positions), 0)
    own = dict.fromkeys(mentions, 0.0)
    for article in news["items"]:
        text = f"{article['headline']}\n{article['summary']}"
        rows_named = [row for row in positions if is_named(row.symbol, row.name, text)]
        if not rows_named:
            continue
        tone = news_tone.score(article["headline"], article["summary"])
        for row in rows_named:
            mentions[row.security_id] += 1
            own[row.security_id] += tone * RELEVANCE * row.weight
        articles.append(_impact(article, rows_named, tone, min_threshold))
    articles.sort(key=lambda each: (-abs(each.impact_score), each.published_at, each.link))
    mean = _mean_tone(articles)
    return NewsImpact(
        status=news["status"],
        reason=news["reason"],
        from_time=first,
        until=until,
        look_back=f"{_words(first)} until {_words(until)}",
        min_threshold=min_threshold,
        total_items=len(articles),
        unrelated=len(news["items"]) - len(articles),
        high_impact_count=sum(each.is_high for each in articles),
        total_impact=sum(each.impact_score for each in articles),
        weighted_impact=mean,
        exposed_portfolio_pct=sum(row.weight for row in positions if mentions[row.security_id]),
        overall_sentiment=NO_ARTICLES if mean.value is None else news_tone.label(mean.value),
        news_with_impact=tuple(articles),
        entity_mentions=_by_mentions(positions, mentions, own),
    )


def _unavailable(news: NewsFound, min_threshold: float) -> NewsImpact:
    return NewsImpact(
        status=news["status"],
        reason=news["reason"],
        from_time=None,
        until=None,
        look_back=None,
        min_threshold=min_threshold,
        total_items=None,
        unrelated=None,
        high_impact_count=None,
        total_impact=None,
        weighted_impact=unavailable(news["reason"]),
        exposed_portfolio_pct=None,
        overall_sentiment=None,
        news_with_impact=(),
        entity_mentions=(),
    )


def _impact(article: Article, rows: Iterable[ValuedPosition], tone: float, min_threshold: float) -> ArticleImpact:
    weight = sum(row.weight for row in rows)
    impact = tone * RELEVANCE * weight
    sentiment, entities = news_tone.label(tone), ", ".join(row.symbol for row in rows)
    return ArticleImpact(
        headline=article["headline"],
        summary=article["summary"],
        publisher=article["publisher"],
        published_at=article["published_at"],
        byline=f"{article['publisher']}, {_words(article['published_at'])}",
        link=article["link"],
        sentiment=sentiment,
        sentiment_score=tone,
        entities=entities,
        verdict=f"{entities}: {sentiment}",
        weight_affected=weight,
        impact_score=impact,
        is_high=abs(impact) >= min_threshold,
    )


def _words(instant: str) -> str:
    """An ISO instant to the minute: 2013-03-01 09:30 UTC."""
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _mean_tone(articles: Sequence[ArticleImpact]) -> Metric:
    weights = sum(each.weight_affected for each in articles)
    if not weights:
        return unavailable(NO_ARTICLES)
    tone = sum(each.sentiment_score * each.weight_affected for each in articles) / weights
    return Metric(tone, "ok", None, {})


def _by_mentions(
    positions: Iterable[ValuedPosition], mentions: Mapping[int, int], own: Mapping[int, float]
) -> tuple[Mentions, ...]:
    rows = [
        Mentions(row.security_id, row.symbol, row.name, row.weight, mentions[row.security_id], own[row.security_id])
        for row in positions
        if mentions[row.security_id]
    ]
    return tuple(sorted(rows, key=lambda each: (-each.mentions, each.symbol)))
