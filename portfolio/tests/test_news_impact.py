"""What news say of what is held, by hand: words are whole, weights are fractions, and nothing of a text is obeyed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from portfolio.performance import news_impact, news_tone
from portfolio.performance.news_impact import Article, NewsFound
from portfolio.valuation import ValuedPosition

APPLE = ValuedPosition(
    security_id=1, symbol="AAPL", name="Apple Inc.", quantity=Decimal(1), currency="USD", price=Decimal(1), factor=Decimal(1),
    observed_date=date(2013, 3, 1), age_sessions=0, age_days=0, price_basis="raw", status="ok", reason=None,
    value_local=Decimal(1), fx_rate=Decimal(1), market_value=Decimal(1), weight=0.5, cost_basis=None, cost_basis_base=None,
    unrealized_pnl=None, source="x",
)  # fmt: skip
IBM = replace(APPLE, security_id=2, symbol="IBM", name="International Business Machines Corp.", weight=0.2)
ALL_BAD = "misses losses falls drops plunges declines cuts"
"""Seven keywords: 7 x 0.15 is beyond one."""


def article(headline, summary="", **changes):
    given = {"publisher": "The Paper", "published_at": "2013-03-01T09:30:00+00:00", "link": "https://paper.example/1"}
    return Article(headline=headline, summary=summary, **(given | changes))


def found(*articles):
    return NewsFound(
        status="ok", reason=None, from_time="2013-03-01T00:00:00+00:00", until="2013-03-02T00:00:00+00:00", searched=[],
        not_searched=[], refused=0, items=list(articles),
    )  # fmt: skip


def measure(*articles, positions=(APPLE, IBM), min_threshold=0.05):
    return news_impact.measure(found(*articles), positions, min_threshold=min_threshold)


@pytest.mark.parametrize(
    ("title", "text", "tone"),
    [
        ("Apple beats", "", 0.15),
        ("Apple BEATS, and beats again", "", 0.15),
        ("", "a record profit", 0.10),
        ("Apple beats", "but misses elsewhere", 0.10),
        ("Supply of upgraders, gainful recordings", "", 0.0),
        ("Wins: losses", "", 0.0),
        (ALL_BAD, ALL_BAD, -1.0),
    ],
)
def test_a_keyword_is_a_whole_word_and_counts_once(title, text, tone):
    assert news_tone.score(title, text) == pytest.approx(tone, abs=1e-12)


@pytest.mark.parametrize(
    ("tone", "label"), [(0.1, "neutral"), (0.11, "positive"), (-0.1, "neutral"), (-0.15, "negative")]
)
def test_a_tone_near_nought_is_neutral(tone, label):
    assert news_tone.label(tone) == label


def test_there_are_fifteen_keywords_of_each_kind_and_none_is_both():
    assert (len(set(news_tone.POSITIVE.values())), len(set(news_tone.NEGATIVE.values()))) == (15, 15)
    assert not news_tone.POSITIVE.keys() & news_tone.NEGATIVE.keys()


def test_the_worst_tone_on_half_of_the_portfolio_is_minus_a_quarter():
    impact = measure(article(f"Apple {ALL_BAD}"))

    (only,) = impact.news_with_impact
    assert (only.sentiment_score, only.weight_affected, only.impact_score) == (-1.0, 0.5, -0.25)
    assert (impact.total_impact, impact.weighted_impact.value, impact.overall_sentiment) == (-0.25, -1.0, "negative")
    assert (impact.exposed_portfolio_pct, impact.high_impact_count) == (0.5, 1)
    assert (only.byline, only.verdict) == ("The Paper, 2013-03-01 09:30 UTC", "AAPL: negative")
    assert impact.look_back == "2013-03-01 00:00 UTC until 2013-03-02 00:00 UTC"


def test_articles_are_weighted_by_what_they_name_and_the_largest_impact_stands_first():
    impact = measure(
        article("IBM wins", link="https://paper.example/a"),
        article("Apple and IBM: losses", link="https://paper.example/b"),
        article("Apples are healthy", "Eat a pineapple", link="https://paper.example/c"),
    )

    # Tones +0.15 on 0.2 and -0.15 on 0.7; a half of each counts.
    assert [round(each.impact_score, 12) for each in impact.news_with_impact] == [-0.0525, 0.015]
    assert impact.total_impact == pytest.approx(-0.0375)
    assert impact.weighted_impact.value == pytest.approx((0.15 * 0.2 - 0.15 * 0.7) / 0.9)
    assert (impact.total_items, impact.unrelated) == (2, 1)
    assert [(each.symbol, each.mentions) for each in impact.entity_mentions] == [("IBM", 2), ("AAPL", 1)]
    assert [round(each.impact_score, 12) for each in impact.entity_mentions] == [0.0, -0.0375]


@pytest.mark.parametrize(("threshold", "count"), [(0.0374, 1), (0.0375, 1), (0.0376, 0), (0, 1)])
def test_an_impact_is_high_from_the_threshold_on(threshold, count):
    # 0.15 x 0.5 x 0.5
    assert measure(article("Apple gains"), min_threshold=threshold).high_impact_count == count


@pytest.mark.parametrize(
    ("symbol", "name", "terms"),
    [
        ("AAPL", "Apple Inc.", ("Apple", "AAPL")),
        ("GOOG", "Google Inc. (pre-2014 history)", ("Google", "GOOG")),
        ("IBM", "International Business Machines Corp.", ("International Business Machines", "IBM")),
        ("MMM", "3M Co", ("3M", "MMM")),
        ("T", "AT&T Inc.", ("AT&T",)),
        ("KO", "Coca-Cola", ("Coca-Cola",)),
        ("RY.TO", "Royal Bank of Canada", ("Royal Bank of Canada",)),
        ("SPX", "SPX", ("SPX",)),
        ("GRP", "Group Holdings", ("Group", "GRP")),
        ("DE", "Deere & Company", ("Deere",)),
    ],
)
def test_a_security_is_called_by_its_name_without_its_legal_form_and_by_a_ticker_of_three_letters(symbol, name, terms):
    assert news_impact.search_terms(symbol, name) == terms


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("apple unveils", True), ("(AAPL) rises", True), ("aapl rises", False), ("Apples", False), ("Snapple", False),
        ("APPLE", True), ("", False),
    ],
)  # fmt: skip
def test_a_name_stands_in_any_case_and_a_ticker_in_capitals(text, is_named):
    assert news_impact.is_named("AAPL", "Apple Inc.", text) is is_named


def test_without_an_article_there_is_no_tone_and_nothing_is_exposed():
    impact = measure(article("Weather"))

    assert (impact.weighted_impact.status, impact.weighted_impact.reason) == ("unavailable", "no_articles")
    assert (impact.overall_sentiment, impact.total_items, impact.exposed_portfolio_pct) == ("no_articles", 0, 0)
    assert measure(article("Apple gains"), positions=()).total_items == 0


def test_a_search_that_could_not_be_made_says_why():
    off = NewsFound(
        status="unavailable", reason="newsapi is off", from_time=None, until=None, searched=[], not_searched=[], refused=0,
        items=[],
    )  # fmt: skip

    impact = news_impact.measure(off, (APPLE,), min_threshold=0.1)

    assert (impact.status, impact.reason) == ("unavailable", "newsapi is off")
    numbers = (impact.total_items, impact.total_impact, impact.weighted_impact.value, impact.exposed_portfolio_pct)
    assert numbers == (None, None, None, None)
