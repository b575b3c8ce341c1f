"""The list of portfolios: each row the stored result of one small pattern, their total, its order and its pages."""

import html
import json
import re
from decimal import Decimal

import pytest
from django.test import Client

from execution.models import Execution
from execution.operations import intake, portfolio_summaries
from execution.patterns import publishing
from execution.web.pages import portfolio_list
from portfolio.models import Portfolio
from pricing.models import PackRate
from tests import small
from tests.plugin import log_in

SHOWN = (("valued_positions", "total_value"), ("perf_metrics", "twr_1d"), ("perf_metrics", "twr_ytd"))
DAYS = ("2013-03-01", "2013-01-02", "2012-07-15", "2002-12-02")
RISK_FREE = "ust-par-curve/UST3M"
"""Source of the overview's ratios, of which the summary has none."""
OF_SECTORS = re.compile(r"/(sector|asset_class):")
"""Sources of the overview's allocation, of which the summary has none."""
CADS_PER_EURO = Decimal("1.452")
"""Of the last day of `small`."""


def words_of(response):
    text = html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", text)


def names_of(response):
    return re.findall(r'<th scope="row"><a [^>]*><bdi>([^<]*)<', response.content.decode())


@pytest.mark.parametrize("day", DAYS)
def test_the_summary_has_the_same_figures_as_the_overview_of_the_day(demo, day):
    overview = demo.ask(asof_date=day).json()
    summary = demo.ask(asof_date=day, pattern_id="portfolio_summary").json()

    for output, key in SHOWN:
        assert summary["result"][output][key] == overview["result"][output][key]
    assert summary["result"]["today"]["gain"] == overview["result"]["bridges"]["last_day"]["gain"]
    returns = overview["result"]["over_span"]["returns"]
    line = summary["result"]["line"]["returns"]
    assert (line[0], line[-1], set(line) <= set(returns)) == (returns[0], returns[-1], True)
    assert len(line) == min(48, len(returns))
    of_the_overview = {each for each in overview["metadata"]["sources"] if not OF_SECTORS.search(each)}
    assert {*summary["metadata"]["sources"], RISK_FREE} == of_the_overview
    same = ("asof_date", "pricing_pack_id", "ledger_commit_hash")
    assert {name: summary["metadata"][name] for name in same} == {name: overview["metadata"][name] for name in same}


def test_the_row_shows_them_and_the_second_look_computes_nothing(private_demo):
    client = private_demo.client("owner")

    first = client.get("/", {"asof": "2013-02-24"})
    with private_demo.role("job"):
        stored = list(Execution.objects.filter(pattern_version__pattern="portfolio_summary"))
    again = client.get("/", {"asof": "2013-02-24", "sort": "-value"})
    overview = client.get("/portfolios/public/portfolio_overview/", {"asof": "2013-02-24"})

    words = words_of(first)
    result = json.loads(stored[0].result)
    value, gain = (Decimal(text) for text in (result["valued_positions"]["total_value"], result["today"]["gain"]))
    assert f"{value:,} CAD" in words
    assert f"{abs(gain):,} CAD" in words
    assert f"{value:,}" in words_of(overview)
    assert "As of 2013-02-22 , the last pack day before 2013-02-24 , which was asked for" in words
    assert "Quantities tie to the ledger · 0.00 % of value stale, carried, delisted or manual" in words
    assert "/portfolios/public/portfolio_overview/?asof=2013-02-22" in first.content.decode()
    assert "Source: European Central Bank" in words
    with private_demo.role("job"):
        assert Execution.objects.filter(pattern_version__pattern="portfolio_summary").count() == len(stored) == 1
    assert again.status_code == 200


def test_the_total_in_another_currency_names_the_fixing_it_was_converted_by(demo):
    with demo.role("job"):
        leg = PackRate.objects.get(
            content__packs__asof_date="2013-03-01", content__packs__status="fresh", base="EUR", quote="CAD"
        )

    words = words_of(demo.client("owner").get("/", {"currency": "EUR"}))

    assert f"Total {round(Decimal('756411.71') / leg.rate, 2):,} EUR" in words
    assert f"converted at 1 EUR = {leg.rate.normalize():f} CAD (fixing of 2013-03-01 , {leg.source})" in words
    assert "no rate was needed" in words_of(demo.client("owner").get("/"))


@pytest.fixture
def several(after_night, tmp_path):
    """Anna's portfolio of the small world, in CAD, beside one of 1,000 EUR, one of 500 GBP without rates, and an empty one."""
    with after_night.role("job"):
        for document in publishing.read_library().values():
            publishing.publish(document)
        for slug, currency, amount in (("euros", "EUR", 1000), ("pounds", "GBP", 500)):
            path = tmp_path / f"{slug}.csv"
            path.write_text(
                f"date,type,symbol,quantity,unit_price,amount,currency\n2020-01-09,deposit,,,,{amount},{currency}\n"
            )
            intake.import_transactions(path, slug=slug, owner="anna", base_currency=currency)
        owner = small.portfolio().owner
        Portfolio.objects.create(slug="none", name="none", owner=owner, base_currency="CAD", policy=small.policy())
    client = Client()
    log_in(client, owner)
    return client


def test_what_can_not_be_converted_is_named_and_left_out_of_the_total(several, after_night):
    response = several.get("/", {"currency": "CAD"})

    words = words_of(response)
    own = Decimal(re.search(r"Small ([0-9,]+\.\d\d) CAD", words)[1].replace(",", ""))
    assert f"Total {own + 1000 * CADS_PER_EURO:,.2f} CAD 2 portfolios as of 2020-01-10" in words
    assert "1 EUR = 1.452 CAD (fixing of 2020-01-10 , central)" in words
    assert "Not in the total: none , pounds . Their rows say why." in words
    assert "500.00 GBP" in words
    assert "no rate GBP/CAD on 2020-01-10" in words
    assert "Nothing is booked yet." in words


def test_rows_are_sorted_by_links_and_those_without_a_figure_are_last(several):
    ascending, descending = several.get("/", {"sort": "value"}), several.get("/", {"sort": "-value"})
    by_name, reverse = several.get("/"), several.get("/", {"sort": "-name"})

    assert names_of(ascending)[:2] == ["euros", "Small"]
    assert names_of(descending)[:2] == ["Small", "euros"]
    assert {*names_of(descending)[2:]} == {"none", "pounds"}
    assert names_of(reverse) == names_of(by_name)[::-1]
    assert 'aria-sort="descending" class="num"><a href="?sort=value">' in descending.content.decode()


def test_an_address_that_is_wrong_is_refused_with_everything_that_is_wrong(demo):
    response = demo.client("owner").get("/", {"asof": "1/2/3", "currency": "Dollar", "sort": "size", "colour": "red"})

    page = response.content.decode()
    assert response.status_code == 400
    for field in ("asof_date", "currency", "sort", "colour"):
        assert f"<code>{field}</code>" in page


def test_a_day_before_the_first_pack_is_refused_in_each_row(demo):
    words = words_of(demo.client("owner").get("/", {"asof": "1999-12-31"}))

    assert "As-of date 1999-12-31 is not between" in words
    assert "No portfolio has a value in CAD on this day." in words


def test_what_takes_too_long_is_computed_when_the_page_is_shown_again(private_demo, monkeypatch):
    client = private_demo.client("owner")

    with monkeypatch.context() as impatient:
        impatient.setattr(portfolio_list, "PATIENCE_S", -1.0)
        early = client.get("/")
    late = client.get("/")

    assert "Not computed yet: it is when this page is shown again." in words_of(early)
    assert "Show the page again" in words_of(early)
    assert "756,411.71" in words_of(late)
    assert "Show the page again" not in words_of(late)


def test_many_portfolios_come_in_pages_by_name(after_night):
    with after_night.role("job"):
        for document in publishing.read_library().values():
            publishing.publish(document)
        owner, policy = small.portfolio().owner, small.policy()
        for number in range(portfolio_list.ROWS + 5):
            Portfolio.objects.create(
                slug=f"p{number}", name=f"P {number:02}", owner=owner, base_currency="CAD", policy=policy
            )
    client = Client()
    log_in(client, owner)

    first, second = client.get("/"), client.get("/", {"page": "2"})

    assert (len(names_of(first)), len(names_of(second))) == (portfolio_list.ROWS, 6)
    assert "Page 1 of 2, 36 portfolios by name; figures sort the rows of a page · Later portfolios" in words_of(first)
    assert "Total of the portfolios on this page" in words_of(second)
    assert '<a href="?page=2">' in first.content.decode()


def test_the_usual_currency_is_that_of_most_and_the_first_by_name_of_several():
    bases = [Portfolio(base_currency=each) for each in ("USD", "CAD", "EUR", "CAD", "EUR")]

    assert portfolio_summaries.usual_currency(bases) == "CAD"
    assert portfolio_summaries.usual_currency(bases[2:]) == "EUR"
    assert portfolio_summaries.usual_currency([]) == ""
