"""News about what is held, asked of NewsAPI while a pattern runs and recorded with the execution.

The names of the holdings leave this installation with the question.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from agents.bounds import LookbackHours, RowLimit
from agents.registry import capability
from agents.result import RequestContext, Result
from config.breaker import BreakerOpen
from portfolio.performance import news_impact
from portfolio.performance.news_impact import Article, NewsFound
from portfolio.valuation import ValuedPosition
from pricing.providers import http, newsapi, rows

NEWS_TTL_S = 300
MOST_QUESTIONS = 4
"""Of one search, each of some twenty-five names: a development key has a hundred a day."""
NOTHING_HELD = "nothing is held that news could be about"


@dataclass(frozen=True, slots=True)
class NewsArticles:
    """Articles, the newest first; `refused` counts those that can't be shown."""

    query: str
    from_time: str
    until: str
    articles: tuple[Article, ...]
    refused: int


def is_on() -> bool:
    return http.is_on(newsapi.PROVIDER)


@capability("news.search", agent="data_harvester", provider="newsapi", is_on=is_on)
def search(
    ctx: RequestContext, *, entities: tuple[ValuedPosition, ...], lookback_hours: LookbackHours = 24
) -> Result[NewsFound]:
    """Articles that name what is held, of the hours before the as-of date ends; unavailable by its reason where none can be had."""
    by_weight = sorted(entities, key=lambda row: (-row.weight, row.symbol))
    if not http.is_on(newsapi.PROVIDER):
        return _unavailable(ctx, str(http.ProviderOff(newsapi.PROVIDER)))
    if not by_weight:
        return _unavailable(ctx, NOTHING_HELD, is_final=True)
    client = http.prompt_client_of(newsapi.PROVIDER)
    first, until = _look_back(ctx, lookback_hours, client.clock.utc())
    queries, searched = _queries(by_weight)
    try:
        answers = [newsapi.fetch_everything(client, query, first=first, last=until) for query in queries]
    except (http.ProviderFailed, http.ProviderBusy, http.RequestRefused, BreakerOpen) as failure:
        return _unavailable(ctx, str(failure))
    within = {row.url: row for answer in answers for row in answer.rows if first <= row.published_at < until}
    news = NewsFound(
        status="ok",
        reason=None,
        from_time=first.isoformat(),
        until=until.isoformat(),
        searched=searched,
        not_searched=[row.symbol for row in by_weight if row.symbol not in searched],
        refused=sum(len(answer.refused) for answer in answers),
        items=[_article(row) for row in sorted(within.values(), key=_newest_first)],
    )
    return Result(news, sources=(), asof=ctx.asof_date, ttl=NEWS_TTL_S)


@capability("provider.fetch_news", agent="data_harvester", provider="newsapi", is_on=is_on)
def fetch_news(
    ctx: RequestContext, *, query: str, lookback_hours: LookbackHours = 24, limit: RowLimit = 10
) -> Result[NewsArticles]:
    """Articles on a query, of the hours before the as-of date ends. Raises what the provider's client does."""
    client = http.prompt_client_of(newsapi.PROVIDER)
    first, until = _look_back(ctx, lookback_hours, client.clock.utc())
    answer = newsapi.fetch_everything(client, query, first=first, last=until)
    within = sorted((row for row in answer.rows if first <= row.published_at < until), key=_newest_first)[:limit]
    articles = NewsArticles(
        query, first.isoformat(), until.isoformat(), tuple(map(_article, within)), len(answer.refused)
    )
    return Result(articles, sources=(), asof=ctx.asof_date, ttl=NEWS_TTL_S)


def _look_back(ctx: RequestContext, hours: int, now: datetime) -> tuple[datetime, datetime]:
    """First instant and end. The end is that of the as-of date in UTC, or now: nothing later is in a result of that date."""
    until = min(datetime.combine(ctx.asof_date + timedelta(days=1), time(), UTC), now)
    return until - timedelta(hours=hours), until


def _queries(entities: list[ValuedPosition]) -> tuple[list[str], list[str]]:
    """Questions for as many of the entities as there may be questions, and the symbols that they ask for."""
    queries: list[str] = []
    for count in range(1, len(entities) + 1):
        terms = [term for row in entities[:count] for term in news_impact.search_terms(row.symbol, row.name)]
        longer = newsapi.any_of(terms)
        if len(longer) > MOST_QUESTIONS:
            return queries, [row.symbol for row in entities[: count - 1]]
        queries = longer
    return queries, [row.symbol for row in entities]


def _unavailable(ctx: RequestContext, reason: str, *, is_final: bool = False) -> Result[NewsFound]:
    news = NewsFound(
        status="unavailable",
        reason=reason,
        from_time=None,
        until=None,
        searched=[],
        not_searched=[],
        refused=0,
        items=[],
    )
    return Result(news, sources=(), asof=ctx.asof_date, ttl=0, is_final=is_final)


def _article(row: rows.Article) -> Article:
    return Article(
        headline=row.title,
        summary=row.description or "",
        publisher=row.publisher,
        published_at=row.published_at.isoformat(),
        link=row.url,
    )


def _newest_first(row: rows.Article) -> tuple[float, str]:
    return -row.published_at.timestamp(), row.url
