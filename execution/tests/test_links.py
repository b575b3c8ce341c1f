"""Every link and every form of every page goes on with the day and the range; figures of the lists open, too."""

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from execution.tests import staging
from execution.tests.test_figure_page import amount_in, links_in
from execution.tests.test_imports_api import BAD, GOOD
from tests.crawl import PageReader, name_of, walk

DAY, RANGE = "2012-12-31", "3y"
ROOT = f"/?{urlencode({'asof': DAY, 'range': RANGE})}"
REACHED = {
    *(
        "audit",
        "exports-page",
        "figure",
        "holding_deep_dive",
        "income",
        "money_bridge",
        "performance",
        "personal-tokens",
    ),
    *("portfolio-imports", "portfolio-settings", "portfolio-transactions", "portfolio_holdings", "portfolio_overview"),
    *("portfolio_risk", "portfolio_tax_report", "portfolios", "reconciliation", "reconciliation-at-pack"),
    *("second-factor", "sharing"),
}
GOES_BACK = {"/account/display/", "/logout/"}
"""What leads back to where it was sent from, or out."""
TRUST = "/portfolios/public/reconciliation/"


def is_on_its_way(query):
    """Whether there is a day, and a range or a first day: a step of the day or of the range changes one of them."""
    return "asof" in query and bool(query.keys() & {"range", "from_date"})


def test_every_link_and_every_form_of_every_page_keeps_the_day_and_the_range(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)

    reached, dropped = set(), []
    for name, address, page in walk(private_demo.client("owner"), ROOT):
        reached.add(name)
        dropped += [(name, each) for each in dropping(page, address)]

    assert reached >= REACHED
    assert dropped == []


def dropping(page, address):
    """Links and forms of a page that go on without the day or the range; a form that is sent stays on its own address."""
    for each in page.links:
        place = urlsplit(each)
        if name_of(each) and place.path not in GOES_BACK and not is_on_its_way(parse_qs(place.query)):
            yield each
    for form in page.forms:
        path = urlsplit(form.action).path
        sent = form.filled() if form.method == "get" else parse_qs(urlsplit(form.action).query)
        if path not in GOES_BACK and not is_on_its_way(sent):
            yield f"{form.method} {form.action}"


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("holdings/NONE/", None, 404),
        ("portfolio_overview/?lookback_days=x", None, 400),
        ("portfolio_overview/?from_date=2013-01-01", None, 400),
        ("sharing/", {"username": "nobody-at-all", "role": "viewer"}, 400),
        ("settings/", {"name": " "}, 400),
    ],
)
def test_a_page_that_refuses_keeps_the_day_and_the_range(private_demo, path, sent, status):
    address = f"/portfolios/public/{path}{'&' if '?' in path else '?'}asof={DAY}&range={RANGE}"
    client = private_demo.client("owner")

    answer = client.post(address, sent) if sent else client.get(address)

    page = PageReader(answer.content.decode(), address)
    assert answer.status_code == status
    assert page.links
    assert list(dropping(page, address)) == []


@pytest.mark.parametrize("text", [GOOD, BAD])
def test_a_file_that_is_looked_at_keeps_the_day_and_the_range(private_demo, text):
    address = f"/portfolios/public/imports/?asof={DAY}&range={RANGE}"
    file = SimpleUploadedFile("trades.csv", text.encode())

    answer = private_demo.client("owner").post(address, {"file": file}, follow=True)

    page = PageReader(answer.content.decode(), address)
    assert len(page.links) > 20
    assert list(dropping(page, address)) == []


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("portfolio_holdings", {"sort": "-market_value", "find": "a", "closed": "1", "range": "1y"}),
        ("portfolio_risk", {"range": "1y"}),
        ("money_bridge", {"from_date": "2012-01-03"}),
    ],
)
def test_the_form_of_the_day_keeps_what_else_the_address_says(demo, path, kept):
    address = f"/portfolios/public/{path}/"
    page = PageReader(demo.client("owner").get(address, kept).content.decode(), address)

    forms = [form.filled() for form in page.forms if "asof" in form.filled()]

    assert forms
    for sent in forms:
        of_the_form = {"range", "from_date"} if "from_date" in sent else set()  # an own span takes a range's place
        assert {name: text for name, text in kept.items() if name not in of_the_form}.items() <= sent.items()


def test_a_form_goes_back_to_its_page_on_the_same_day_and_range(private_demo):
    client, query = private_demo.client("owner"), f"?asof={DAY}&range={RANGE}"

    renamed = client.post(f"/portfolios/public/settings/{query}", {"name": "Ours"})
    shared = client.post(f"/portfolios/public/sharing/{query}", {"username": "other", "role": "viewer"})

    assert renamed["Location"] == f"/portfolios/public/settings/{query}&changed=name"
    assert shared["Location"] == f"/portfolios/public/sharing/{query}"


def test_each_figure_of_the_list_of_portfolios_opens_and_the_total_says_what_it_adds_up(private_demo):
    staging.grant(private_demo, "owner", private_demo.second_id)
    client = private_demo.client("owner")
    page = client.get("/", {"asof": DAY}).content.decode()
    links = links_in(page)

    opened = [client.get(address) for address, _ in links]

    assert len(links) >= 2 * 4
    assert {answer.status_code for answer in opened} == {200}
    assert all("What went in" in answer.content.decode() for answer in opened)
    shown = [amount_in(answer.content.decode()) for answer in opened]
    assert [text for _, text in links] == shown
    added = re.findall(r'<li(?: class="total")?><p class="term">.*?class="num">.*?([\d,]+\.\d\d)\s*<', page, re.DOTALL)
    assert len(added) == 3  # two portfolios, and what they are together
    numbers = [float(text.replace(",", "")) for text in added]
    assert numbers[-1] == pytest.approx(sum(numbers[:-1]), abs=0.005)


def test_each_figure_of_a_reconciliation_opens_what_was_compared(demo):
    client = demo.client("owner")
    links = links_in(client.get(TRUST, {"range": RANGE}).content.decode())

    page = client.get(links[0][0]).content.decode()
    newest = client.get(f"{TRUST}PP_2013-03-01_ECB_EUR_r1/").content.decode()

    assert len(links) > 80
    assert links[0][0].endswith(f"/?range={RANGE}")
    assert "The books tie out" in page
    assert newest.count("756,411.71") == 2
    assert "portfolio_overview/?asof=2013-03-01" in newest
    assert "reconciliations?first=2013-03-01&amp;last=2013-03-01" in newest
    for nothing in (
        "nobodys/reconciliation/PP_2013-03-01_ECB_EUR_r1/",
        "public/reconciliation/PP_1999-01-01_ECB_EUR_r1/",
    ):
        assert client.get(f"/portfolios/{nothing}").status_code == 404


def test_a_value_that_may_not_be_shown_is_not_in_what_was_compared_either(private_demo):
    staging.decide_rights(private_demo, "bokeh-wiki", "deny")

    page = private_demo.client("owner").get(f"{TRUST}PP_2013-03-01_ECB_EUR_r1/").content.decode()

    assert "756,411" not in page
    assert "Values are left out" in page


def test_an_entry_that_a_figure_rests_on_leads_to_its_transaction(demo):
    client = demo.client("owner")
    bridge = client.get("/portfolios/public/money_bridge/", {"range": "1y"}).content.decode()
    address = next(each for each, _ in links_in(bridge) if each.endswith("/bridge/contributions"))

    entries = re.findall(r'href="([^"]+words=[^"]+)"', client.get(address).content.decode())
    rows = client.get(html.unescape(entries[0])).content.decode()

    assert len(entries) == 12
    assert "1 entry" in rows
    assert "deposit" in rows


def test_every_line_of_the_money_bridge_opens(demo):
    client = demo.client("owner")
    bridge = client.get("/portfolios/public/money_bridge/", {"range": "1y"}).content.decode()
    links = links_in(bridge)

    opened = {address: client.get(address).content.decode() for address, _ in links}

    assert len(links) >= 12 + 3 + 1
    assert all("What went in" in page for address, page in opened.items() if dict(links)[address] != "0.00")
