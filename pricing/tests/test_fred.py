"""Shapes as FRED documents them; the values are the first-published and the revised CPI of `restatements.csv`'s kind, made up."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pricing.providers import fred
from pricing.providers.http import ProviderFailed
from pricing.providers.rows import Observation, SeriesTerms
from pricing.tests.provider_server import sent


def row(day="2026-09-01", value="324.100", start="2026-10-14", end="9999-12-31"):
    return {"realtime_start": start, "realtime_end": end, "date": day, "value": value}


def page(*rows, **changes):
    return sent({"count": len(rows), "offset": 0, "limit": 100000, "observations": list(rows)} | changes)


def observations(connect, **changes):
    asked = {"first": date(2026, 1, 1), "last": date(2026, 11, 20)} | changes
    return fred.fetch_observations(connect(fred.PROVIDER), "CPIAUCSL", **asked)


def test_values_are_exact_and_a_point_is_missing(connect, server):
    server.answers(page(row(), row("2026-10-01", ".", "2026-11-13")))

    answer = observations(connect)

    assert answer.rows == (
        Observation("CPIAUCSL", date(2026, 9, 1), Decimal("324.100"), date(2026, 10, 14), fred.NO_END, "fred"),
        Observation("CPIAUCSL", date(2026, 10, 1), None, date(2026, 11, 13), fred.NO_END, "fred"),
    )
    assert answer.refused == ()
    assert server.asked[0][0] == "/fred/series/observations"
    assert server.asked[0][1]["file_type"] == "json"


def test_each_vintage_of_a_day_is_a_row_of_its_own(connect, server):
    server.answers(page(row(end="2026-11-12"), row(value="324.368", start="2026-11-13")))

    answer = observations(connect, known_from=fred.FIRST_VINTAGE, known_to=fred.NO_END)

    assert [(str(r.value), r.realtime_start) for r in answer.rows] == [
        ("324.100", date(2026, 10, 14)), ("324.368", date(2026, 11, 13)),
    ]  # fmt: skip
    assert {k: v for k, v in server.asked[0][1].items() if k.startswith("realtime")} == {
        "realtime_start": "1776-07-04", "realtime_end": "9999-12-31",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        row(value="30,504.50"),
        row(value="NaN"),
        row(value="1e400"),
        row(value="Infinity"),
        row(value=""),
        row(value=" 1"),
        row(value="1_0"),
        row(value="٣"),
        row(value=324.1),
        row(value=None),
        row(day="2026-13-01"),
        row(day="2026-12-01"),
        row(day="1999-01-01"),
        row(start="2026-12-01"),
        row(end="2026-01-01"),
        "not a row",
    ],
)
def test_an_observation_that_is_none_is_refused(connect, server, bad):
    server.answers(page(bad))

    answer = observations(connect)

    assert (answer.rows, len(answer.refused)) == ((), 1)
    assert answer.refused[0].symbol == "CPIAUCSL"


def test_two_values_of_one_day_and_vintage_are_both_refused(connect, server):
    server.answers(page(row(), row(value="32410")))

    answer = observations(connect)

    assert (answer.rows, len(answer.refused)) == ((), 2)
    assert "value 32410" in str(answer.refused[1])


def test_pages_follow_the_count(connect, server):
    server.answers(page(row(), count=2), page(row("2026-08-01"), count=2))

    answer = observations(connect)

    assert len(answer.rows) == 2
    assert [asked["offset"] for _, asked in server.asked] == ["0", "1"]


def test_a_page_that_comes_again_for_ever_is_an_error(connect, server):
    server.answers(page(row(), row("2026-08-01"), count=1_000_000))

    with pytest.raises(ProviderFailed, match="sent a page again"):
        observations(connect)
    assert len(server.asked) == 2


@pytest.mark.parametrize("count", ["two", 5, None])
def test_fewer_observations_than_it_counts_are_an_error(connect, server, count):
    server.answers(page(row(), count=count), page(count=5))

    with pytest.raises(ProviderFailed):
        observations(connect)


def terms(**changes):
    return {
        "id": "DGS10", "title": "Market Yield on U.S. Treasury Securities at 10-Year Constant Maturity", "units": "Percent",
        "frequency": "Daily", "last_updated": "2026-11-19 15:18:03-06",
    } | changes  # fmt: skip


def test_a_series_says_what_it_is(connect, server):
    server.answers(sent({"seriess": [terms()]}))

    answer = fred.fetch_series(connect(fred.PROVIDER), "DGS10")

    assert answer.rows == (
        SeriesTerms("DGS10", terms()["title"], "Percent", "D", datetime(2026, 11, 19, 21, 18, 3, tzinfo=UTC), "fred"),
    )


@pytest.mark.parametrize("words", ["Weekly, Ending Friday", "Monthly", "Quarterly, End of Period", "Annual"])
def test_a_frequency_is_its_first_letter(connect, server, words):
    server.answers(sent({"seriess": [terms(frequency=words)]}))

    assert fred.fetch_series(connect(fred.PROVIDER), "DGS10").rows[0].frequency == words[0]


@pytest.mark.parametrize(
    "changes", [{"id": "DGS2"}, {"frequency": "5 Year"}, {"title": "a\0b"}, {"last_updated": "2027-01-01 00:00:00-06"}]
)
def test_terms_that_can_not_be_used_are_refused_and_the_series_is_absent(connect, server, changes):
    server.answers(sent({"seriess": [terms(**changes)]}))

    answer = fred.fetch_series(connect(fred.PROVIDER), "DGS10")

    assert (answer.rows, len(answer.refused), answer.absent) == ((), 1, ("DGS10",))
