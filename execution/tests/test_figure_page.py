"""The page that a figure opens: the figure as its panel prints it, what it is made of, and who may see it."""

import gzip
import html
import re
from decimal import Decimal
from unittest.mock import Mock
from uuid import UUID

import pytest

from compliance.refusal import Refusal, RightDenied
from compliance.terms import Outcome, Use
from execution.explanation import explaining
from execution.tests import staging

OVERVIEW = "/portfolios/public/portfolio_overview/"
VALUE = "/valued_positions/total_value"
MOST_BYTES = 40_000


def get(world, execution_id, username="owner", slug="public", **query):
    return world.client(username).get(f"/portfolios/{slug}/figures/{execution_id}/", query)


def links_in(page):
    """Address and words of each figure that opens."""
    found = re.findall(r'<a class="fig[^"]*" href="([^"]+)">(.*?)</a>', page)
    return [(html.unescape(address), re.sub(r"<span.*?</span>", "", words)) for address, words in found]


def amount_in(page):
    return re.sub("<.*?>", "", re.search(r'class="amount"><strong.*?</strong>', page)[0].partition(">")[2])


@pytest.fixture
def execution_id(demo):
    return demo.ask().json()["execution_id"]


def test_each_figure_of_the_overview_leads_to_a_page_that_prints_the_same(demo):
    page = demo.client("owner").get(OVERVIEW).content.decode()
    links = links_in(page)

    opened = {address: demo.client("owner").get(address) for address, _ in links[::25]}

    assert len(links) > 150
    assert {answer.status_code for answer in opened.values()} == {200}
    printed = {address: amount_in(answer.content.decode()) for address, answer in opened.items()}
    shown = dict(links[::25])
    assert shown == printed


def test_the_overview_stays_small(demo):
    page = demo.client("owner").get(OVERVIEW).content

    assert len(gzip.compress(page)) < MOST_BYTES


def test_the_value_is_the_sum_of_what_stands_below_it(demo, execution_id):
    page = get(demo, execution_id, path=VALUE).content.decode()

    holdings = re.findall(r'<span>(AAPL|GOOG|IBM|MSFT) <small>.*?</small></span> <span class="num">([\d,.]+) ', page)
    cash = re.findall(r'<span>(CAD|USD)</span> <span class="num">([\d,.]+) ', page)
    assert (len(holdings), len(cash)) == (4, 2)
    total = sum(Decimal(text.replace(",", "")) for _, text in holdings + cash)
    assert round(total, 2) == Decimal("756411.71")
    assert amount_in(page) == "756,411.71"
    assert "Sum of holdings + sum of cash, rounded to the minor unit" in page
    assert "close of AAPL 430.47 USD, <time" in page


def test_an_estimate_says_its_method_in_place_of_a_formula(demo):
    execution_id = demo.ask(pattern_id="rolling_figures", inputs={"window": 21}).json()["execution_id"]
    estimated = demo.ask(pattern_id="factor_exposures").json()["execution_id"]

    asked = get(demo, execution_id, path="/rolling/window").content.decode()
    page = get(demo, estimated, path="/exposures/factors/usd").content.decode()

    assert "window: 21" in asked
    assert "asked for" in asked
    assert "<h2>Method</h2>" in page
    assert "Ordinary least squares with intercept" in page
    assert "<h2>Formula</h2>" not in page
    assert "Risk-free return" in page


@pytest.mark.parametrize("path", ["/bridges/since_inception/fx", "/gains/unrealised/interaction"])
def test_a_long_list_adds_up_and_each_item_opens_by_its_own_link(demo, execution_id, path):
    page = get(demo, execution_id, path=path).content.decode()

    items = [each for each in links_in(page) if "part=" in each[0]]
    first = demo.client("owner").get(items[0][0]).content.decode()
    assert len(items) > 100
    assert len(page.encode()) < MOST_BYTES * 2
    amounts = [Decimal(text.replace(",", "").replace("−", "-")) for _, text in items]
    value = Decimal(amount_in(page).replace(",", "").replace("−", "-"))
    assert abs(sum(amounts) - value) < Decimal("0.01") + len(items) * Decimal("0.00005")
    assert Decimal(amount_in(first).replace(",", "").replace("−", "-")) == round(amounts[0], 2)
    assert "transaction" in first or "entry " in first
    assert (html.escape(path) in first, "A part of" in first) == (True, True)


@pytest.mark.parametrize("part", ["/items/9999", "/items/x", "/items", "/nothing", "/items/0/nothing", "x", "/"])
def test_a_part_that_is_not_there_is_told_in_the_frame(demo, execution_id, part):
    answer = get(demo, execution_id, path="/bridges/since_inception/fx", part=part)

    assert answer.status_code in (400, 404)
    assert 'class="rail"' in answer.content.decode()


def test_it_names_what_it_ties_out_to_and_how_to_ask_for_it(demo, execution_id):
    page = html.unescape(get(demo, execution_id, path=VALUE, asof="2013-03-01").content.decode())

    explained = demo.client("owner").get(f"/v1/executions/{execution_id}/explain", {"path": VALUE}).json()
    about = explained["metadata"]
    assert f"{explained['what']}." in page
    for name in ("pricing_pack_id", "ledger_commit_hash", "capability", "engine_version"):
        assert about[name] in page
    assert all(text in page for text in about["attributions"])
    address = f"http://testserver/portfolios/public/figures/{execution_id}/?asof=2013-03-01&path={VALUE}"
    assert f'data-copy="link">{address}<' in page
    assert f'curl -s "http://testserver/v1/executions/{execution_id}/explain?path={VALUE}"' in page


def test_the_frame_carries_the_day_and_the_range_on(demo, execution_id):
    page = get(demo, execution_id, path=VALUE, asof="2013-02-28", range="3y", nonsense="1").content.decode()

    addresses = {html.unescape(each) for each in re.findall(r'href="(/portfolios/public/[^"]+)"', page)}
    elsewhere = [each for each in addresses if "figures/" not in each and "asof=2013-02-27" not in each]
    assert len(elsewhere) > 9
    assert all("range=3y" in each for each in elsewhere)
    assert any("path=/valued_positions/positions/0/quantity" in each and "range=3y" in each for each in addresses)
    assert "nonsense" not in page.replace("path=", "")


@pytest.mark.parametrize("username", ["other", "staff"])
def test_what_is_not_yours_is_the_page_of_what_is_not_there(demo, execution_id, username):
    theirs = get(demo, execution_id, username, path=VALUE)
    none = get(demo, execution_id, username, slug="no-such", path=VALUE)

    assert (theirs.status_code, none.status_code) == (404, 404)
    assert "756,411.71" not in theirs.content.decode()
    assert re.sub("nonce.*", "", theirs.content.decode()) == re.sub("nonce.*", "", none.content.decode())


def test_an_answer_is_found_below_its_own_portfolio_alone(demo, execution_id):
    of_another = get(demo, execution_id, "other", slug="second", path=VALUE)
    unknown = get(demo, UUID(int=1), path=VALUE)

    assert (of_another.status_code, unknown.status_code) == (404, 404)
    assert "There is no such execution" in unknown.content.decode()
    assert 'class="rail"' in unknown.content.decode()


def test_a_figure_that_nobody_can_explain_is_shown_with_what_it_rests_on(demo, execution_id, monkeypatch):
    monkeypatch.delitem(explaining.EXPLAINED, "portfolio.money_bridge")

    answer = get(demo, execution_id, path="/bridge/income")

    page = answer.content.decode()
    value = demo.ask().json()["result"]["bridge"]["income"]
    assert answer.status_code == 200
    assert "What this figure is made of can&#x27;t be shown yet." in page
    assert amount_in(page) == f"{Decimal(value):,}"
    assert "PP_2013-03-01_ECB_EUR_r1" in page


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/valued_positions/nothing", 404, "This answer has no such figure."),
        ("/valued_positions/positions/99/price", 404, "This answer has no such figure."),
        ("/valued_positions/positions/0/symbol", 400, "This is no figure, but a text, a list, or a group of figures."),
        ("/valued_positions", 400, "This is no figure"),
        ("", 400, "This is no figure"),
        ("<script>alert(1)</script>", 400, "This is no figure"),
    ],
)
def test_a_path_to_no_figure_is_told_in_the_frame(demo, execution_id, path, status, words):
    answer = get(demo, execution_id, path=path)

    assert answer.status_code == status
    assert words in answer.content.decode()
    assert 'class="rail"' in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_what_a_right_withholds_is_said_and_not_shown(private_demo):
    execution_id = private_demo.ask().json()["execution_id"]
    staging.decide_rights(private_demo, "bokeh-wiki", "deny")

    pages = {path: get(private_demo, execution_id, path=path) for path in (VALUE, "/bridge/closing_value")}

    for answer in pages.values():
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "the terms of a data provider do not allow to show it" in page
        assert "756,411" not in page
        assert "305,674" not in page
        assert "430.47" not in page


def test_a_right_to_a_row_alone_refuses_the_explanation(demo, execution_id, monkeypatch):
    refusals = (Refusal("ecb-eurofxref", Use.DISPLAY, Outcome.DENY, "no", ""),)
    monkeypatch.setattr(explaining.rows, "load", Mock(side_effect=RightDenied(Use.DISPLAY, refusals)))

    answer = get(demo, execution_id, path=VALUE)

    assert answer.status_code == 200
    assert "do not allow to show what this figure rests on. Refused by: ecb-eurofxref." in answer.content.decode()
    assert "What went in" not in answer.content.decode()
