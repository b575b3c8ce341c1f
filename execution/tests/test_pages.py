"""The pages through HTTP, on the demo; and what of them needs no database."""

import gzip
import html
import re
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from compliance.decisions import Attribution
from compliance.terms import Placement
from execution import executor, figures
from execution.executor import PortfolioNotFound, ReconciliationFailed, RequestInvalid
from execution.patterns import publishing
from execution.web.pages import page_tag
from execution.web.pages.navigation import OVERVIEW as OVERVIEW_PATTERN
from execution.web.pages.pattern import result_context
from execution.web.pages.pattern_inputs import read_request
from execution.web.pages.problem_page import render_failure
from execution.web.problems import details
from portfolio.models import Lot
from pricing.models import Security
from pricing.packs import PackWarming

OVERVIEW = "/portfolios/public/portfolio_overview/"
DEEP_DIVE = "/portfolios/public/holding_deep_dive/"
DOCUMENT = publishing.read_library()["portfolio_overview.json"]
PORTFOLIO: Any = SimpleNamespace(pk=UUID(int=1), slug="public", name="<script>alert(1)</script>", base_currency="CAD")
VERSION: Any = SimpleNamespace(document=DOCUMENT, pattern_id="portfolio_overview", version="1.0.0")


def asked(**query):
    return read_request(query, VERSION, PORTFOLIO)


def request_of(user_id=1, path=OVERVIEW):
    request: Any = RequestFactory().get(path)
    request.user = SimpleNamespace(pk=user_id, is_authenticated=True, get_username=lambda: "somebody")
    request.request_id = "0123456789"
    request.META["CSRF_COOKIE"] = "a" * 32
    return request


def test_nobody_is_sent_to_the_log_in_and_back(demo):
    response = Client().get(OVERVIEW)

    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={OVERVIEW}"


def test_the_list_shows_the_owners_portfolio_with_its_newest_value(demo):
    page = demo.client("owner").get("/").content.decode()

    assert f'href="{OVERVIEW}"' in page
    assert "756,411.71" in page
    assert "2013-03-01" in page


def test_the_list_shows_nobody_elses_portfolio(demo):
    page = demo.client("other").get("/").content.decode()

    assert OVERVIEW not in page
    assert "756,411.71" not in page


def test_the_overview_shows_the_figures_and_what_they_tie_out_to(demo):
    response = demo.client("owner").get(OVERVIEW, {"range": "max"})

    page = response.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert response.status_code == 200
    for figure in (
        "756,411.71",
        "+720.52 %",
        "+23.02 %",
        "PP_2013-03-01_ECB_EUR_r",
        "portfolio_overview 1.6.0",
        "European Central Bank",
        "1,729.04",
        "391,165.24",
        "How the value came about",
    ):
        assert figure in page


def test_the_overview_says_both_dates_when_the_one_asked_for_is_no_pack_day(demo):
    page = demo.client("owner").get(OVERVIEW, {"asof": "2013-02-24"}).content.decode()

    assert 'as of <time datetime="2013-02-22">' in page
    assert '<time datetime="2013-02-24">2013-02-24</time>, which was asked for' in page


def test_an_unchanged_overview_is_not_sent_again(demo):
    client = demo.client("owner")
    first = client.get(OVERVIEW)

    again = client.get(OVERVIEW, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert first["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("address", [OVERVIEW, "/portfolios/public/transactions/", "/portfolios/public/holdings/IBM/"])
def test_a_page_is_compressed_for_who_takes_it_so_and_not_sent_twice(demo, address):
    client = demo.client("owner")
    plain = client.get(address)

    small = client.get(address, headers={"Accept-Encoding": "gzip"})

    assert (small["Content-Encoding"], "Content-Encoding" in plain) == ("gzip", False)
    assert "Accept-Encoding" in small["Vary"]
    assert "Accept-Encoding" in plain["Vary"]
    assert len(small.content) < len(plain.content) / 2
    assert without_tokens(gzip.decompress(small.content)) == without_tokens(plain.content)
    if "ETag" in small:
        again = client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": small["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def without_tokens(page):
    """A page without what each answer has of its own: the masked token of its forms."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", page)


@pytest.mark.parametrize(("path", "most"), [("/", 22), (OVERVIEW, 26)])
def test_a_page_that_was_answered_before_costs_a_fixed_number_of_queries(demo, path, most):
    client = demo.client("owner")
    client.get(path)

    with CaptureQueriesContext(connection) as queries:
        client.get(path)

    assert len(queries) <= most


def test_a_portfolio_of_somebody_else_and_one_that_is_not_there_are_one_page(demo):
    client = demo.client("other")

    theirs, nobodys = client.get(OVERVIEW), client.get("/portfolios/absent/portfolio_overview/")

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.content == nobodys.content
    assert theirs.headers.keys() == nobodys.headers.keys()


def test_an_unknown_pattern_is_a_problem_page(demo):
    response = demo.client("owner").get("/portfolios/public/portfolio_overwiev/")

    assert response.status_code == 404
    assert b"There is no such pattern" in response.content


def test_every_wrong_field_is_named_at_once(demo):
    response = demo.client("owner").get(OVERVIEW, {"asof": "01/03/2013", "lookback_days": "ten", "colour": "red"})

    page = response.content.decode()
    assert response.status_code == 400
    for field in ("asof_date", "lookback_days", "colour"):
        assert f"<code>{field}</code>" in page


def test_a_date_before_the_first_pack_is_a_problem_page(demo):
    response = demo.client("owner").get(OVERVIEW, {"asof": "1999-12-31"})

    assert response.status_code == 400
    assert b"<code>asof_date</code>" in response.content


def test_a_query_becomes_the_types_that_the_pattern_declares():
    request = asked(asof="2013-03-01", lookback_days="60")

    assert request == executor.Request(
        "portfolio_overview", {"lookback_days": 60}, portfolio_id=PORTFOLIO.pk, asof_date=date(2013, 3, 1)
    )


def test_an_empty_field_is_as_if_it_were_not_there():
    request = asked(asof="", lookback_days="")

    assert request == executor.Request("portfolio_overview", {}, portfolio_id=PORTFOLIO.pk)


@pytest.mark.parametrize("text", ["60.5", "ten", "1e3", "٦٠", " 60"])
def test_what_is_no_integer_is_left_for_the_executor_to_refuse(text):
    request = asked(lookback_days=text)

    assert request.inputs == {"lookback_days": text}


@pytest.mark.parametrize("text", ["2013-02-30", "20130301", "2013-3-1", "01.03.2013", "2013-03-01T00:00"])
def test_a_bad_date_is_refused_with_every_other_bad_field(text):
    with pytest.raises(RequestInvalid) as refused:
        asked(asof=text, lookback_days="0", colour="red")

    assert [finding["pointer"] for finding in refused.value.findings] == [
        "/asof_date",
        "/inputs/colour",
        "/inputs/lookback_days",
    ]


def test_a_page_of_another_user_or_log_in_has_another_tag():
    mine, again, theirs = (page_tag.of_result('"result"', request_of(user)) for user in (1, 1, 2))

    assert mine == again
    assert mine != theirs
    assert mine != page_tag.of_result('"other"', request_of(1))


def test_a_warming_pack_is_told_with_when_to_come_back(monkeypatch):
    monkeypatch.setattr(details, "estimated_ready", lambda pack_id: None)

    response = render_failure(request_of(), PackWarming("PP_2013-03-01_ECB_EUR_r1", "warming"), {})

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "come back in a while" in response.content.decode().lower()
    assert "PP_2013-03-01_ECB_EUR_r1" in response.content.decode()


def test_a_break_of_the_books_is_told_with_both_values():
    rows = [
        {
            "kind": "value",
            "account": "Assets:Broker",
            "commodity": "AAPL",
            "ledger_value": "1.00",
            "database_value": "2.50",
        }
    ]

    response = render_failure(request_of(), ReconciliationFailed("PP_2013-03-01_ECB_EUR_r1", rows), {})

    assert response.status_code == 500
    assert ">1.00<" in response.content.decode()
    assert ">2.50<" in response.content.decode()


def test_the_page_of_what_is_not_yours_says_nothing_of_the_request():
    mine, theirs = (
        render_failure(request_of(path=path), PortfolioNotFound(), {})
        for path in ("/portfolios/a/b/", "/portfolios/c/d/")
    )

    assert mine.content == theirs.content
    assert b"0123456789" not in mine.content


def test_a_name_that_is_markup_is_text_on_every_page():
    amount = figures.from_value("1.00", "currency", currency="CAD")
    missing = dict.fromkeys(("gain", "today", "year", "line", "converted"), figures.missing("number", "<b>"))
    rows = [{"portfolio": PORTFOLIO, "value": amount, "asof": "2013-03-01"} | missing]
    metadata = dict.fromkeys(
        (
            "pack_content_hash",
            "pack_chain_hash",
            "policy",
            "ledger_commit_hash",
            "pattern_id",
            "pattern_version",
            "engine_version",
        ),
        "<b>",
    ) | {"pricing_pack_id": "<b>", "result_hash": "<b>", "asof_date": "2013-03-01", "requested_asof_date": "2013-03-01"}
    served: Any = SimpleNamespace(
        result={},
        execution_id=UUID(int=2),
        metadata=metadata | {"warnings": ["<b>"]},
        attributions=tuple(Attribution("<b>", placement, '"><b>') for placement in Placement),
    )

    listed = render_to_string("portfolios.html", {"rows": rows, "overview": OVERVIEW_PATTERN})
    field = {"name": "colour", "choices": [('"><b>', "<b>")], "value": '"><b>', "hint": '"><b>'}
    form: dict[str, Any] = {"asof": '"><b>', "fields": [field, field | {"choices": []}], "others": [("bridge", "<b>")]}
    form["watermarks"] = ["<b>"]
    shown = render_to_string("pattern.html", result_context(served, VERSION, PORTFOLIO) | form)
    refused = render_to_string("inputs.html", form)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in listed
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert(1)" not in listed + shown
    assert "<b>" not in shown + refused


def test_inputs_that_are_wrong_can_be_mended_where_it_is_said(demo):
    wrong = demo.client("owner").get("/portfolios/public/portfolio_overview/?lookback_days=many&asof=2013-03-01")

    assert wrong.status_code == 400
    assert 'value="many"' in wrong.content.decode()
    assert 'value="2013-03-01"' in wrong.content.decode()


def test_a_holding_is_chosen_from_the_holdings(demo):
    page = demo.client("owner").get(DEEP_DIVE).content.decode()

    with demo.role("job"):
        number = Security.objects.get(symbol="AAPL").pk
    assert (
        f'<a href="{DEEP_DIVE}?security_id={number}">AAPL</a> <span class="unit"><bdi>Apple Inc.</bdi></span>' in page
    )
    assert re.search(r'<option value="\d+">AAPL, Apple Inc.</option>', page)


def test_what_is_chosen_from_on_an_earlier_day_was_held_up_to_then(demo):
    client = demo.client("owner")
    with demo.role("job"):
        first = Lot.objects.filter(portfolio=demo.public_id, security__symbol="GOOG").order_by("valid_from").first()
    day_before = first.valid_from - timedelta(days=1)

    pages_of = [
        client.get(DEEP_DIVE, {"asof": day.isoformat()}).content.decode() for day in (day_before, first.valid_from)
    ]

    assert [f'security_id={first.security_id}"' in page for page in pages_of] == [False, True]
    assert f"?asof={day_before}" in pages_of[0]


def test_the_rows_of_the_holdings_lead_to_them(demo):
    page = demo.client("owner").get(OVERVIEW).content.decode()

    found = re.findall(rf'<a href="({DEEP_DIVE}\?security_id=\d+)"><span[^>]*>(\w+)</span>\s*</a>', page)
    assert "AAPL" in {symbol for _, symbol in found}


def test_a_page_leads_to_the_other_pages(demo):
    page = demo.client("owner").get(OVERVIEW).content.decode()

    assert f'<a href="{OVERVIEW}" aria-current="page">Overview</a>' in page
    assert '<a href="/portfolios/public/performance/">Performance</a>' in page
    assert '<a href="/portfolios/public/reconciliation/">Trust</a>' in page


def test_every_pattern_of_the_library_is_linked(demo):
    """But for the page of one holding, which those that are held lead to, and the row of the list of portfolios."""
    page = demo.client("owner").get(OVERVIEW).content.decode()
    library = {document["id"] for document in publishing.read_library().values()}

    linked = set(re.findall(r'<a href="/portfolios/public/(\w+)/"', page))

    assert library - linked == {"holding_deep_dive", "portfolio_summary"}


@pytest.mark.parametrize(("username", "slug"), [("owner", "public"), ("other", "second")])
@pytest.mark.parametrize("asof", ["", "?asof=2006-07-05"])
def test_every_link_of_the_navigation_and_of_the_holdings_leads_somewhere(demo, username, slug, asof):
    client = demo.client(username)
    start = f"/portfolios/{slug}/portfolio_overview/{asof}"
    waiting, status_of, seen = ["/", start], {}, set()
    while waiting:
        address = html.unescape(waiting.pop())
        page = (urlsplit(address).path, "security_id" in address)  # not on every day and range
        if page not in seen:
            seen.add(page)
            answer = client.get(address)
            status_of[address] = answer.status_code
            if "security_id" not in address:
                waiting += re.findall(r'<a href="(/portfolios/[^"#]+)"', answer.content.decode())

    assert len(status_of) > 6
    assert {address: status for address, status in status_of.items() if status != 200} == {}


def test_reversed_dates_are_refused_by_name_at_every_door(demo):
    page = demo.client("owner").get("/portfolios/public/money_bridge/?from_date=2012-05-01&to_date=2012-04-01")
    body = {"pattern_id": "money_bridge", "portfolio_id": str(demo.public_id)}
    reversed_ = demo.post("owner", body | {"inputs": {"from_date": "2012-05-01", "to_date": "2012-04-01"}})
    after = demo.post("owner", body | {"inputs": {"from_date": "2013-02-01"}, "asof_date": "2012-04-02"})
    header = {"Authorization": f"Bearer {demo.token('owner')}"}
    spans = [
        Client().get(f"/v1/{path}?first=2013-02-01&last=2012-02-01", headers=header)
        for path in ("packs", f"portfolios/{demo.public_id}/reconciliations")
    ]

    assert page.status_code == 400
    assert "<code>from_date</code>: is after to_date, 2012-04-01" in page.content.decode()
    assert 'value="2012-05-01"' in page.content.decode()
    assert [each.status_code for each in (reversed_, after, *spans)] == [400] * 4
    assert [each.json()["errors"] for each in (reversed_, after, *spans)] == [
        [{"pointer": "/inputs/from_date", "reason": "is after to_date, 2012-04-01"}],
        [{"pointer": "/inputs/from_date", "reason": "is after the as-of date, 2012-04-02"}],
        *[[{"pointer": "/first", "reason": "is after last, 2012-02-01"}]] * 2,
    ]


def test_what_was_not_held_is_not_found_on_a_page_that_keeps_its_frame(demo):
    with demo.role("job"):
        first = Lot.objects.filter(portfolio=demo.public_id, security__symbol="GOOG").order_by("valid_from").first()
    before = (first.valid_from - timedelta(days=7)).isoformat()

    unknown = demo.client("owner").get(f"{DEEP_DIVE}?security_id=99999")
    not_yet = demo.client("owner").get(f"{DEEP_DIVE}?security_id={first.security_id}&asof={before}")

    assert (unknown.status_code, not_yet.status_code) == (404, 404)
    assert "has not held GOOG up to" in not_yet.content.decode()
    for answer in (unknown, not_yet):
        assert 'aria-label="Pages of' in answer.content.decode()
        assert "404 security-not-found" in answer.content.decode()
        assert "Log out" in answer.content.decode()


def test_no_portfolio_says_how_one_comes_in():
    page = render_to_string("portfolios.html", {"rows": [], "overview": OVERVIEW_PATTERN})

    assert "manage.py import_ledger" in page


def test_no_template_needs_a_style_or_script_that_a_strict_policy_refuses():
    sources = {path.name: path.read_text(encoding="utf-8") for path in page_tag.TEMPLATES.rglob("*.html")}

    assert not [name for name, text in sources.items() if " style=" in text or "<style" in text or " onclick=" in text]
    assert not [
        name for name, text in sources.items() if "|safe" in text or "autoescape off" in text or "http://" in text
    ]
