"""NewsAPI on its development tier: what was written about something, by whom and where; never the text itself.

It is off unless somebody sets a key whose plan allows what this installation is. The development tier
tells nothing of the last day and allows neither export nor showing without a watermark.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from pricing.providers import fields
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import Article

PROVIDER = Provider(
    code="newsapi",
    host="newsapi.org",
    base_path="/v2",
    key_variable="NEWSAPI_KEY",
    key_parameter="apiKey",
    allowance=Allowance(per_minute=30, per_day=100),
    off_reason="its free plan forbids staging and production, internal use included; a paid one starts at 450 USD a month",
)

LARGEST_PAGE = 100
LONGEST_QUERY = 500
"""Characters of `q`."""


def fetch_everything(
    client: Client,
    words: str,
    *,
    first: datetime,
    last: datetime,
    language: str = "en",
    order: Literal["publishedAt", "relevancy", "popularity"] = "publishedAt",
    size: int = LARGEST_PAGE,
) -> Answer[Article]:
    """Articles on `words` published between two instants, at most a hundred: the tier has no second page."""
    query = {
        "q": words,
        "from": _iso(first),
        "to": _iso(last),
        "language": language,
        "sortBy": order,
        "pageSize": str(min(size, LARGEST_PAGE)),
    }
    return _articles(client, "/everything", query, about=words)


def any_of(terms: Iterable[str]) -> list[str]:
    """The terms as phrases of which an article holds one at least: as few queries as the length of one allows."""
    queries: list[str] = []
    for phrase in dict.fromkeys(f'"{term.replace(chr(34), " ").strip()}"' for term in terms):
        longer = f"{queries[-1]} OR {phrase}" if queries else phrase
        if queries and len(longer) <= LONGEST_QUERY:
            queries[-1] = longer
        else:
            queries.append(phrase)
    return queries


def fetch_headlines(
    client: Client,
    *,
    country: str | None = None,
    category: str | None = None,
    words: str | None = None,
    size: int = LARGEST_PAGE,
) -> Answer[Article]:
    """Today's headlines; one of country, category or words has to be given."""
    optional = {"country": country, "category": category, "q": words}
    query = {name: value for name, value in optional.items() if value}
    if not query:
        raise ValueError("one of country, category, words is needed")
    query["pageSize"] = str(min(size, LARGEST_PAGE))
    return _articles(client, "/top-headlines", query, about=words or category or country or "")


def _articles(client: Client, path: str, query: dict[str, str], *, about: str) -> Answer[Article]:
    now = client.clock.utc()

    def article(row: Mapping[str, Any]) -> Article:
        publisher = row.get("source")
        if not isinstance(publisher, Mapping):
            raise BadField("source", publisher, "is no object")
        url = fields.text(row, "url", longest=2000)
        if urlsplit(url).scheme not in ("http", "https"):
            raise BadField("url", url, "is no web address")
        return Article(
            publisher_id=fields.maybe_text(publisher, "id"),
            publisher=fields.text(publisher, "name"),
            author=fields.maybe_text(row, "author"),
            title=fields.text(row, "title", longest=1000),
            description=fields.maybe_text(row, "description", longest=5000),
            url=url,
            published_at=fields.instant(row, "publishedAt", latest=now),
            source=PROVIDER.code,
        )

    sieve = Sieve[Article](PROVIDER.code, "article", day="publishedAt", about=about)
    payload = client.get(path, query, fault=_fault)
    sieve.take(payload["articles"], article, key=lambda row: row.url)
    return sieve.answer()


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def _fault(payload: Any) -> str | None:
    if not isinstance(payload, dict) or payload.get("status") != "ok":
        return "does not say that its status is ok"
    return None if isinstance(payload.get("articles"), list) else "has no list of articles"
