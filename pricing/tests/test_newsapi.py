"""Shapes as NewsAPI documents them."""

from datetime import UTC, datetime

import pytest

from pricing.providers import newsapi
from pricing.providers.http import ProviderFailed
from pricing.providers.rows import Article
from pricing.tests.provider_server import sent

FIRST, LAST = datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC)


def article(**changes):
    return {
        "source": {"id": None, "name": "The Paper"}, "author": "", "title": "Shares rise", "description": "They did.",
        "url": "https://paper.example/1", "urlToImage": "https://paper.example/1.png", "publishedAt": "2026-11-18T09:30:00Z",
        "content": "The whole text, which the tier does not allow",
    } | changes  # fmt: skip


def found(connect, server, *articles):
    server.answers(sent({"status": "ok", "totalResults": len(articles), "articles": list(articles)}))
    return newsapi.fetch_everything(connect(newsapi.PROVIDER), "Apple", first=FIRST, last=LAST)


def test_an_article_is_its_metadata_and_never_its_text(connect, server):
    answer = found(connect, server, article())

    published = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    assert answer.rows == (
        Article(None, "The Paper", None, "Shares rise", "They did.", "https://paper.example/1", published, "newsapi"),
    )
    assert "whole text" not in repr(answer)
    path, asked = server.asked[0]
    assert (path, asked["q"], asked["from"], asked["pageSize"]) == (
        "/v2/everything",
        "Apple",
        "2026-11-17T00:00:00+00:00",
        "100",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "javascript:alert(1)"},
        {"url": None},
        {"title": None},
        {"title": "a\x1b[2Jb"},
        {"source": "The Paper"},
        {"publishedAt": "yesterday"},
        {"publishedAt": "2026-11-18T09:30:00"},
        {"publishedAt": "2026-11-21T09:30:00Z"},
        {"description": "x" * 5001},
    ],
)
def test_an_article_that_can_not_be_shown_is_refused(connect, server, changes):
    answer = found(connect, server, article(**changes), article(url="https://paper.example/2"))

    assert ([row.url for row in answer.rows], len(answer.refused)) == (["https://paper.example/2"], 1)
    assert "\x1b" not in str(answer.refused[0])


def test_headlines_are_asked_for_by_something(connect, server):
    server.answers(sent({"status": "ok", "articles": []}))

    newsapi.fetch_headlines(connect(newsapi.PROVIDER), country="us", category="business")

    assert server.asked[0][0] == "/v2/top-headlines"
    with pytest.raises(ValueError, match="is needed"):
        newsapi.fetch_headlines(connect(newsapi.PROVIDER))


@pytest.mark.parametrize("body", [{"status": "error", "code": "rateLimited"}, {"status": "ok"}, []])
def test_an_answer_without_articles_is_an_error(connect, server, body):
    server.answers(sent(body))

    with pytest.raises(ProviderFailed):
        newsapi.fetch_everything(connect(newsapi.PROVIDER), "Apple", first=FIRST, last=LAST)
