"""How a reader wants pages to look: theme, colours of gain and loss, and pages that can be shown to others."""

import html
import itertools
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from execution import figures
from execution.figures import privacy
from execution.web.problems import handlers
from execution.web.reader_choices import CHOICES
from portfolio.models import DailyValue, Lot, Transaction

CHOOSE = "/account/display/"
OVERVIEW = "/portfolios/public/portfolio_overview/"
CSS = (Path(settings.BASE_DIR) / "templates" / "static" / "tieout.css").read_text()
PATTERNS = (
    *("portfolio_overview", "portfolio_holdings", "performance", "income", "money_bridge", "portfolio_risk"),
    *("portfolio_tax_report", "export_portfolio_report", "money_weighted_returns", "brinson_attribution"),
)
PAGES = (
    *("/", "/portfolios/public/transactions/", "/portfolios/public/reconciliation/"),
    *("/portfolios/public/imports/", "/portfolios/public/holdings/IBM/"),
    *(f"/portfolios/public/{name}/" for name in PATTERNS),
)


def private(demo, username="owner") -> Client:
    client: Client = demo.client(username)
    client.post(CHOOSE, {"privacy": "on"})
    return client


def attributes(response) -> dict[str, str]:
    (tag,) = re.findall(r"<html[^>]*>", response.content.decode())
    return dict(re.findall(r'data-(\w+)="([^"]*)"', tag))


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, choice in CHOICES.items() for value in choice.values]
)
def test_each_choice_is_kept_and_is_an_attribute_of_the_page(demo, name, value):
    client = demo.client("owner")

    answer = client.post(CHOOSE, {name: value}, headers={"Referer": f"http://testserver{OVERVIEW}?range=1y"})

    assert (answer.status_code, answer["Location"]) == (302, f"{OVERVIEW}?range=1y")
    cookie = answer.cookies[name]
    assert (cookie.value, cookie["samesite"], cookie["httponly"], cookie["path"]) == (value, "Lax", True, "/")
    page = client.get(answer["Location"])
    assert attributes(page)[name] == value
    assert f'<option value="{value}" selected>' in page.content.decode()


def test_who_has_chosen_nothing_or_nonsense_has_the_pages_as_they_are(demo):
    client = demo.client("owner")
    client.cookies.load({"theme": "neon", "privacy": "", "colours": "x" * 3000})

    assert attributes(client.get("/")) == {"theme": "system", "colours": "teal-red", "privacy": "off"}


@pytest.mark.parametrize("address", ["/login/", "/nothing-here/", "/portfolios/nobodys/sharing/", CHOOSE])
def test_the_choices_are_there_before_the_log_in_and_on_refusals_too(demo, address):
    client = Client()
    client.cookies.load({"theme": "dark", "colours": "blue-orange"})
    if "nobodys" in address:
        client.force_login(demo.user("owner"))

    page = client.get(address)

    assert attributes(page) == {"theme": "dark", "colours": "blue-orange", "privacy": "off"}
    assert f'action="{CHOOSE}"' in page.content.decode() or f'href="{CHOOSE}"' in page.content.decode()


def test_a_fault_of_ours_looks_as_was_chosen():
    request = RequestFactory().get("/")
    request.COOKIES["theme"] = "dark"

    assert attributes(handlers.server_error(request))["theme"] == "dark"


@pytest.mark.parametrize("name", list(CHOICES))
def test_what_is_no_choice_is_refused_and_nothing_is_kept(demo, name):
    answer = demo.client("owner").post(CHOOSE, {name: "<script>", "theme": "dark"} | {name: "<script>"})

    assert answer.status_code == 400
    assert "is none of" in answer.content.decode()
    assert not answer.cookies.keys() & CHOICES.keys()


@pytest.mark.parametrize(
    "place",
    [
        *("", "https://evil.example/x", "http://testserver.evil.example/x", "http://testserver//evil.example/x"),
        *("http://testserver/\\evil.example", "javascript:alert(1)", "x", f"http://testserver{CHOOSE}"),
    ],
)
def test_the_way_back_leads_nowhere_else(demo, place):
    answer = demo.client("owner").post(CHOOSE, {"theme": "dark"}, headers={"Referer": place})

    assert answer["Location"] == "/"


def test_a_link_or_a_form_of_somebody_else_chooses_nothing(demo):
    strict = Client(enforce_csrf_checks=True)

    looked = demo.client("owner").get(CHOOSE, {"privacy": "on"})
    assert (looked.status_code, "privacy" in looked.cookies) == (200, False)
    assert strict.post(CHOOSE, {"privacy": "off"}).status_code == 403


def test_an_unchanged_page_is_sent_again_once_it_is_to_look_otherwise(demo):
    client = demo.client("owner")
    first = client.get(OVERVIEW)

    client.post(CHOOSE, {"privacy": "on"})
    again = client.get(OVERVIEW, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 200
    assert again["ETag"] != first["ETag"]


NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w,]|\.\d|-\d)")


def words_of(page: str) -> str:
    """What a page says: text, titles, labels, data of charts; without shapes, addresses, days, shares and what they rest on."""
    page = re.sub(r"<style.*?</style>|<time[^>]*>|<code>.*?</code>", " ", page, flags=re.DOTALL)
    said = re.findall(r'(?:title|aria-label|aria-valuetext|content)="([^"]*)"', page)
    text = html.unescape(" ".join([re.sub(r"<[^>]*>", " ", page), *said])).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\d{4}-\d{2}-\d{2}|[\d,.]+ ?%|[\d,]+ (?:sub-periods|days)|Packs compared\s+[\d,]+", " ", text)


def amounts_of(result) -> set[Decimal]:
    """Every exact number of a result: money, prices and quantities are written as text in it."""
    if isinstance(result, dict):
        return set().union(*map(amounts_of, result.values())) if result else set()
    if isinstance(result, list):
        return set().union(*map(amounts_of, result)) if result else set()
    if isinstance(result, str) and re.fullmatch(r"-?\d+\.\d+|-?\d{4,}", result):
        return {abs(Decimal(result))}
    return set()


def spellings(amount: Decimal) -> set[str]:
    """An amount as a page writes it: whole, to the cent, with commas or without."""
    spelt = {f"{amount:,.2f}", f"{amount:.2f}", f"{amount.normalize():,f}", f"{amount.normalize():f}"}
    return {each for each in spelt if sum(digit.isdigit() for digit in each) > 4}


GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


@pytest.mark.parametrize("path", PAGES)
def test_a_private_page_has_no_amount_of_the_ledger_or_the_packs(demo, path):
    with demo.role("job"):
        rows = Transaction.objects.filter(portfolio=demo.public_id)
        known = {value for row in rows.values_list("quantity", "amount", "unit_price", "fee") for value in row if value}
        known |= {
            value
            for row in Lot.objects.filter(portfolio=demo.public_id).values_list("quantity", "unit_cost", "cost")
            for value in row
            if value
        }
        known |= set(DailyValue.objects.filter(portfolio=demo.public_id).values_list("value", flat=True)) - {None}
    secrets = {spelt for each in known for spelt in spellings(abs(each))}
    usual = words_of(demo.client("owner").get(path).content.decode())

    page = private(demo).get(path)

    said = words_of(page.content.decode())
    assert page.status_code == 200
    assert "Amounts are hidden" in said
    assert set(NUMBER.findall(said)) & secrets == set()
    assert GROUPED.search(said) is None
    if path != "/portfolios/public/imports/" and path not in NOTHING_BUT_SHARES:
        assert GROUPED.search(usual), "the page has none anyway"


NOTHING_BUT_SHARES = {
    f"/portfolios/public/{name}/" for name in ("portfolio_risk", "brinson_attribution", "money_weighted_returns")
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_private_page_has_no_amount_of_its_result(demo, pattern):
    client = private(demo)
    page = client.get(f"/portfolios/public/{pattern}/").content.decode()
    (execution,) = set(re.findall(r'/exports/\?execution=([0-9a-f-]{36})"', page))

    answer = client.get(f"/v1/executions/{execution}").json()

    secrets = {spelt for amount in amounts_of(answer["result"]) for spelt in spellings(amount)}
    assert secrets or f"/portfolios/public/{pattern}/" in NOTHING_BUT_SHARES, "the API is as it was"
    assert set(NUMBER.findall(words_of(page))) & secrets == set()


def test_a_figure_taken_apart_has_no_amount_and_its_sign(demo):
    client = private(demo)
    page = client.get(OVERVIEW).content.decode()
    links = [html.unescape(each) for each in re.findall(r'<a class="fig[^"]*" href="([^"]+)"[^>]*>[^<]*•••', page)]
    assert links

    for link in links[:6]:
        opened = client.get(link)
        shown = words_of(opened.content.decode().partition("<article")[2].partition("What it ties out to")[0])
        assert opened.status_code == 200
        assert "•••" in shown
        assert re.search(r"\d,\d{3}|\d+\.\d{2,}", shown) is None, link


def test_charts_have_no_level_and_no_amount_in_their_data(demo):
    client = private(demo)
    page = client.get(OVERVIEW).content.decode()

    addresses = set(re.findall(r'data-columns="([^"]+)"', page))
    charts = [each for address in addresses for each in client.get(html.unescape(address)).json().values()]
    amounts = [each for chart in charts for each in chart["series"] if each["format"] == "currency"]
    levels = set(re.findall(r'<text x="2"[^>]*>([^<]*)</text>', page))
    assert len(charts) == 3
    assert len(amounts) == 2
    assert all(each["is_hidden"] and max(map(abs, each["values"])) <= 1 for each in amounts)
    assert all(re.search(r"\d", text) is None or text.endswith("%") for text in levels)
    assert "•••" in levels


def test_exports_and_the_api_are_as_they_were(demo):
    plain, hidden = demo.client("owner"), private(demo)
    path = f"/v1/portfolios/{demo.public_id}/transactions"

    assert hidden.get(path).json() == plain.get(path).json()


def test_privacy_is_switched_off_on_every_page_that_says_it_is_on(demo):
    client = private(demo)
    page = client.get(OVERVIEW).content.decode()
    assert '<button type="submit" name="privacy" value="off">Show amounts</button>' in page

    client.post(CHOOSE, {"privacy": "off"})

    shown = client.get(OVERVIEW).content.decode()
    assert "756,411.71" in shown
    assert "Amounts are hidden" not in shown


def test_signs_shares_and_days_stay():
    with privacy.hiding(is_on=True):
        hidden = {
            kind: figures.from_value("-1234.5", kind, currency="CHF").text
            for kind in ("currency", "number", "percentage", "decimal_2")
        }
        words = privacy.sentence("sold 1,200.50 at -3.5e3 on 2013-03-01 for 12.5 % and 3 bp, PP_2013-03-01_r")

    assert hidden == {
        "currency": "−•••",
        "number": "−•••",
        "percentage": "−123,450.00\N{NO-BREAK SPACE}%",
        "decimal_2": "−1,234.50",
    }
    assert words == "sold ••• at ••• on 2013-03-01 for 12.5 % and 3 bp, PP_2013-03-01_r"
    assert figures.from_value("1234.5", "currency", currency="CHF").text == "1,234.50"


def tokens(colours: str) -> dict[str, tuple[str, str]]:
    """Token -> its colour by day and by night, for a pair of gain and loss."""
    blocks = re.findall(r':root(\[data-colours="blue-orange"\])? \{([^}]*)\}', CSS)
    found: dict[str, tuple[str, str]] = {}
    for pair, body in blocks:
        if not pair or colours == "blue-orange":
            found |= {name: (day, night) for name, day, night in re.findall(
                r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", body)}  # fmt: skip
            found |= {name: found[other] for name, other in re.findall(r"--([\w-]+): var\(--([\w-]+)\)", body)}
    return found


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3: (L1 + 0.05) / (L2 + 0.05) of the relative luminances."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("colours", list(CHOICES["colours"].values))
def test_both_pairs_are_read_by_day_and_by_night(colours, night):
    of = {name: pair[night] for name, pair in tokens(colours).items()}

    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for name, ground in itertools.product(("gain", "loss", "ink", "soft"), ("paper", "card")):
        assert contrast(of[name], of[ground]) >= 4.5, (name, ground)
    for shade in ("p1", "p2", "p3", "p4", "n1", "n2", "n3", "n4", "shade-0"):
        assert contrast(of["ink"], of[shade]) >= 4.5, shade


@pytest.mark.parametrize("night", [False, True])
def test_blue_and_orange_differ_for_who_sees_no_red_or_no_green(night):
    """By hue: as Viénot, Brettel and Mollon (1999) simulate both, red and green become one channel, and blue stays."""
    of = {name: pair[night] for name, pair in tokens("blue-orange").items()}

    def yellowness(colour: str) -> int:
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return (red + green) // 2 - blue

    for gain, loss in (("gain", "loss"), ("p2", "n2"), ("p3", "n3"), ("p4", "n4")):
        assert yellowness(of[gain]) < 0 < yellowness(of[loss]), (gain, loss)


@pytest.mark.parametrize("fields", [{f"a{number}": "1" for number in range(1_001)}, {"theme": "d" * 1024 * 1024}])
def test_a_form_that_can_not_be_read_is_answered_in_words(demo, fields):
    reader = Client()
    reader.cookies["theme"] = "dark"

    answer = reader.post(CHOOSE, urlencode(fields), content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 400
    assert "Nothing has been changed" in answer.content.decode()
    assert 'data-theme="dark"' in answer.content.decode()
