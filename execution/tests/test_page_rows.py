"""Holdings sorted, filtered, totalled and closed on demand, by an address that stores nothing."""

import re

import pytest

from execution.models import Execution
from execution.patterns.templating import Scope
from execution.web.pages import page_rows, panels
from execution.web.pages.page_rows import PageRows

NBSP = "\N{NO-BREAK SPACE}"
PAGE = "/portfolios/public/portfolio_holdings/"
DOCUMENT = {
    "id": "held", "type": "table", "title": "Held", "ttl": 60, "sortable": True, "rows": "{{state.rows}}",
    "totals": {"value": "{{state.total}}", "part": ""},
    "columns": [
        {"key": "symbol", "label": "Symbol", "format": "text"},
        {"key": "value", "label": "Value", "format": "currency"},
        {"key": "part", "label": "Part", "format": "percentage"},
        {"key": "way", "label": "Way", "format": "sparkline"},
    ],
}  # fmt: skip
ROWS = [
    {"symbol": "OAK", "value": "9.00", "part": 0.25, "way": [1.0, 2.0]},
    {"symbol": "ash", "value": "100.00", "part": 0.5, "way": [1.0, 2.0]},
    {"symbol": "Elm", "value": None, "part": 0.25, "way": [1.0, 2.0]},
]
SCOPE = Scope(inputs={}, state={"rows": ROWS, "total": "109.01"}, ctx={"base_currency": "CAD"})


def drawn(**query):
    return page_rows.draw_sortable(DOCUMENT, SCOPE, PageRows(query))


def symbols(table):
    return [row[0][1].text for row in table["rows"]]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["OAK", "ash", "Elm"]),
        ("symbol", ["ash", "Elm", "OAK"]),
        ("-symbol", ["OAK", "Elm", "ash"]),
        ("value", ["OAK", "ash", "Elm"]),
        ("-value", ["ash", "OAK", "Elm"]),
        ("-part", ["ash", "OAK", "Elm"]),
        ("way", ["OAK", "ash", "Elm"]),
        ("nothing", ["OAK", "ash", "Elm"]),
    ],
)
def test_rows_are_sorted_by_number_or_name_and_what_has_no_value_is_last(sort, order):
    assert symbols(drawn(sort=sort)) == order


def test_a_heading_leads_to_its_order_and_back_and_keeps_the_rest_of_the_address():
    before, after = drawn(asof="2013-02-01", find="a"), drawn(sort="-value", asof="2013-02-01")

    assert [each.link for each in before["headings"]][:2] == [
        "?asof=2013-02-01&find=a&sort=symbol#held", "?asof=2013-02-01&find=a&sort=-value#held",
    ]  # fmt: skip
    assert (after["headings"][1].link, after["headings"][1].order) == ("?sort=value&asof=2013-02-01#held", "descending")
    assert after["headings"][3].link == ""


def test_the_total_is_the_results_own_of_all_rows_and_a_sum_of_some():
    whole, some, lacking = drawn(), drawn(find="A"), drawn(find="elm")

    def total(table):
        return [figure and figure.text for _, figure in table["total"]]

    assert total(whole) == [None, "109.01", f"100.00{NBSP}%", None]
    assert (symbols(some), some["total_of"], total(some)[1]) == (["OAK", "ash"], "Sum of the rows", "109.00")
    assert lacking["total"][1][1].status == "unavailable"


def test_a_total_of_gains_has_the_sign_that_its_rows_have():
    gains = [{"symbol": "OAK", "gains": "9.00"}, {"symbol": "ash", "gains": "1.00"}]
    scope = Scope(inputs={}, state={"rows": gains, "total": "10.00"}, ctx={"base_currency": "CAD"})
    columns = [DOCUMENT["columns"][0], {"key": "gains", "label": "Gains", "format": "currency"}]

    for named, query in (("{{state.total}}", {}), ("", {}), ("", {"find": "OAK"})):
        table = page_rows.draw_sortable(
            {**DOCUMENT, "columns": columns, "totals": {"gains": named}}, scope, PageRows(query)
        )
        assert table["rows"][0][1][1].text == "+9.00"
        assert table["total"][1][1].text == ("+9.00" if query else "+10.00")


def test_a_panel_on_demand_is_a_link_until_it_is_asked_for():
    document = {**DOCUMENT, "on_demand": True}

    before = panels.panel(document, SCOPE, rows=PageRows({"asof": "2013-02-01"}))
    asked = panels.panel(document, SCOPE, rows=PageRows({"asof": "2013-02-01", "held": "1"}))

    assert 'href="?asof=2013-02-01&amp;held=1#held"' in before
    assert "OAK" not in before
    assert "OAK" in asked
    assert 'href="?asof=2013-02-01#held" aria-label="Hide Held"' in asked


def test_what_is_an_input_of_the_pattern_is_no_parameter_of_its_rows():
    document = {"inputs": {"find": {"type": "string"}}, "panels": [DOCUMENT, {"id": "old", "on_demand": True}]}

    assert page_rows.parameters(document) == {"sort", "old"}
    assert page_rows.parameters({"inputs": {}, "panels": [{"id": "old"}]}) == frozenset()


def rows_of(page):
    table = page.split('class="by-row"', 1)[1].split("</table>")[0]
    return re.findall(r"<tr><th scope=\"row\"><a [^>]*>.*?(AAPL|GOOG|IBM|MSFT)", table)


def test_the_page_sorts_and_filters_one_stored_answer(demo):
    client = demo.client("owner")
    client.get(f"{PAGE}?asof=2013-02-01&range=3y")
    stored = Execution.objects.count()

    by_value = client.get(f"{PAGE}?asof=2013-02-01&range=3y&sort=-market_value").content.decode()
    by_name = client.get(f"{PAGE}?asof=2013-02-01&range=3y&sort=symbol").content.decode()
    one = client.get(f"{PAGE}?asof=2013-02-01&range=3y&find=international").content.decode()

    assert rows_of(by_name) == sorted(rows_of(by_value)) != rows_of(by_value)
    assert rows_of(one) == ["IBM"]
    assert Execution.objects.count() == stored


def test_each_heading_keeps_the_day_and_the_range(demo):
    page = demo.client("owner").get(f"{PAGE}?asof=2013-02-01&range=3y&sort=symbol&find=a&closed=1").content.decode()

    links = re.findall(r'<a href="(\?[^"]*)"', page)
    form = page.split('aria-label="Filter of Holdings"', 1)[1].split("</form>")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))

    assert len(links) == 10  # nine headings, and the link that ends the filter
    assert all("asof=2013-02-01&amp;range=3y" in each and "closed=1" in each for each in links)
    assert hidden == {"asof": "2013-02-01", "range": "3y", "sort": "symbol", "closed": "1"}


def test_closed_holdings_are_shown_where_they_are_asked_for(demo):
    client = demo.client("owner")

    before = client.get(PAGE).content.decode()
    asked = client.get(f"{PAGE}?closed=1").content.decode()

    assert 'href="?closed=1#closed">Show Closed holdings</a>' in before
    assert "Show Closed holdings" not in asked
    assert client.get(f"{PAGE}?closed=1&nonsense=1").status_code == 400
