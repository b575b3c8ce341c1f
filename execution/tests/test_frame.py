"""The frame of a portfolio's pages: every link goes on with the day and the range, and leads somewhere."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from execution.web.pages.navigation import carry

OVERVIEW = "/portfolios/public/portfolio_overview/"
ASKED = {"asof": "2012-06-29", "range": "3m"}


def links(page: bytes) -> list[str]:
    """Addresses of the links to pages of portfolios."""
    found = re.findall(r'href="(/portfolios/[^"]+)"', page.decode())
    return [html.unescape(each) for each in found]


@pytest.fixture
def owner(demo):
    return demo.client("owner")


def test_every_link_goes_on_with_the_day_and_the_range_and_leads_somewhere(owner):
    seen = set()

    for address in links(owner.get(OVERVIEW, ASKED).content):
        parts = urlsplit(address)
        query = parse_qs(parts.query)
        assert {"asof", "range"} <= query.keys(), address
        if parts.path not in seen:
            seen.add(parts.path)
            assert owner.get(address).status_code == 200, address

    assert len(seen) >= 15


def test_what_is_no_day_and_no_range_is_not_carried():
    assert carry({"asof": "2013-03-01", "range": "2y", "from_date": "soon", "security_id": "1"}) == {
        "asof": "2013-03-01"
    }


def test_the_stepper_knows_the_pack_days(owner):
    page = owner.get(OVERVIEW, {"asof": "2012-12-31"}).content.decode()
    newest = owner.get(OVERVIEW).content.decode()

    steps = re.findall(r'<a id="[^"]+" href="[^"]*asof=([0-9-]+)[^"]*" aria-label="([^"]+)">', page)
    assert steps == [
        ("2012-12-28", "The pack day before"),
        ("2013-01-02", "The next pack day"),
        ("2013-03-01", "The newest pack day"),
    ]
    assert "The next pack day" not in newest


def test_the_range_moves_the_figures_and_is_marked(owner):
    page = html.unescape(owner.get(OVERVIEW, {"range": "max"}).content.decode()).replace("\N{NO-BREAK SPACE}", " ")

    assert "+720.52 %" in page
    assert re.search(r'range=max"[^>]*title="since inception" aria-current="true">Max<', page)
    assert re.search(r'range=1y"[^>]*title="one year">1Y<', page)


def test_the_chip_says_how_much_of_the_value_is_in_doubt(owner):
    page = owner.get(OVERVIEW).content.decode().replace("\N{NO-BREAK SPACE}", " ")

    assert "Quantities tie to the ledger · 0.00 % of value stale, carried, delisted or manual" in page


def test_a_page_that_takes_no_range_is_not_refused_for_it_and_links_go_on_with_it(owner):
    response = owner.get("/portfolios/public/income/", ASKED)

    assert response.status_code == 200
    assert "range=3m" in response.content.decode()


def test_a_refusal_keeps_the_frame_and_offers_a_step(owner):
    response = owner.get(OVERVIEW, {"asof": "2012-06-29", "range": "century"})

    page = response.content.decode()
    assert response.status_code == 400
    assert "<code>range</code>" in page
    assert '<nav class="rail"' in page
    assert "Overview of " in page


def test_another_portfolio_is_one_click_away_and_nobody_elses(demo):
    theirs = demo.client("other").get("/portfolios/second/portfolio_overview/").content.decode()

    assert "/portfolios/second/portfolio_overview/" in theirs
    assert "/portfolios/public/" not in theirs


def form_of_span(page: bytes) -> dict[str, str]:
    """Name and text of each field of the form of one's own span."""
    form = re.search(r'<form class="inputs" id="span".*?</form>', page.decode(), re.DOTALL)
    assert form is not None
    return {name: html.unescape(text) for name, text in re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', form[0])}


def test_an_own_span_is_two_days_of_the_address_and_keeps_what_was_asked_for_beside(owner):
    fields = form_of_span(owner.get(OVERVIEW, {"range": "3m", "lookback_days": "100"}).content)
    page = owner.get(OVERVIEW, fields | {"from_date": "2012-01-10", "asof": "2012-06-29"}).content

    assert fields == {"lookback_days": "100", "from_date": "", "asof": "2013-03-01"}
    assert form_of_span(page) == {"lookback_days": "100", "from_date": "2012-01-10", "asof": "2012-06-29"}
    assert "2012-01-10 – 2012-06-29</summary>" in page.decode()
    assert "2012-01-09 to 2012-06-29" in page.decode()


@pytest.mark.parametrize(
    "span",
    [
        {"from_date": "2012-06-29", "asof": "2012-01-10"},
        {"from_date": "soon", "asof": "2012-01-10"},
        {"from_date": "2012-02-30", "asof": "2012-06-29"},
        {"from_date": "2012-01-10", "asof": "1990-01-01"},
    ],
    ids=["ends before it begins", "no day", "a day that there is not", "before the first prices"],
)
def test_an_own_span_that_is_none_is_refused_with_the_frame(owner, span):
    response = owner.get(OVERVIEW, span)

    assert response.status_code in (400, 404, 422), response.content[:300]
    assert '<nav class="rail"' in response.content.decode()


def test_a_page_without_a_range_has_no_form_of_a_span(owner):
    assert b'id="span"' not in owner.get("/portfolios/public/income/").content
