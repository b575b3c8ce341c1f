"""GET /v1/portfolios, its transactions and lots, and /v1/securities."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from rest_framework.views import APIView

from execution.tests import staging
from portfolio.models import Lot, Transaction
from pricing.models import Security


def get(demo, path, user="owner", **query):
    return Client().get(path, query, headers={"Authorization": f"Bearer {demo.token(user)}"})


def test_a_caller_finds_the_ids_of_the_portfolios_that_he_may_see(private_demo):
    own = get(private_demo, "/v1/portfolios").json()
    staging.grant(private_demo, "other", private_demo.public_id)

    both = get(private_demo, "/v1/portfolios", user="other").json()

    assert [(each["id"], each["slug"], each["access"]) for each in own["portfolios"]] == [
        (str(private_demo.public_id), "public", "owner")
    ]
    assert {(each["slug"], each["access"]) for each in both["portfolios"]} == {
        ("public", "reader"),
        ("second", "owner"),
    }
    assert (own["count"], both["count"]) == (1, 2)
    assert own["portfolios"][0]["revision"]["status"] == "reconciled"
    assert get(private_demo, "/v1/portfolios", user="other", limit=1).json()["count"] == 2


def test_a_portfolio_says_when_its_entries_begin_and_end(demo):
    shown = get(demo, f"/v1/portfolios/{demo.public_id}").json()

    with demo.role("job"):
        dates = Transaction.objects.filter(portfolio=demo.public_id).order_by("date").values_list("date", flat=True)
        first, last = dates.first(), dates.last()
    assert (shown["first_date"], shown["last_date"]) == (first.isoformat(), last.isoformat())
    assert shown["newest_revision"] == shown["revision"]


@pytest.mark.parametrize("below", ["", "/transactions", "/lots"])
def test_what_is_not_yours_and_what_never_was_are_one_answer(demo, below):
    foreign, unknown = (get(demo, f"/v1/portfolios/{each}{below}") for each in (demo.second_id, uuid4()))

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


def test_transactions_are_those_of_the_ledger_paged_and_filtered(demo):
    path = f"/v1/portfolios/{demo.public_id}/transactions"
    whole = get(demo, path, limit=1000).json()
    page = get(demo, path, limit=2, offset=1).json()
    buys = get(demo, path, kind="buy", symbol="AAPL", first="2003-01-01", last="2010-12-31").json()

    with demo.role("job"):
        rows = list(Transaction.objects.filter(portfolio=demo.public_id).order_by("date", "ordinal", "id"))
    assert [each["entry_id"] for each in whole["transactions"]] == [row.entry_id for row in rows]
    assert [Decimal(each["amount"] or 0) for each in whole["transactions"]] == [row.amount or 0 for row in rows]
    assert page["transactions"] == whole["transactions"][1:3]
    assert buys["transactions"] == [
        each
        for each in whole["transactions"]
        if each["kind"] == "buy" and each["symbol"] == "AAPL" and "2003-01-01" <= each["date"] <= "2010-12-31"
    ]
    assert buys["count"] == len(buys["transactions"]) > 0


def test_an_earlier_commit_shows_the_ledger_of_then(private_demo):
    path = f"/v1/portfolios/{private_demo.public_id}/transactions"
    before = get(private_demo, path).json()
    staging.amend_ledger(
        private_demo,
        """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD                   10.00 CAD
  Equity:External                          -10.00 CAD
""",
    )

    after = get(private_demo, path).json()
    then = get(private_demo, path, ledger_commit=before["revision"]["commit"]).json()

    assert after["count"] == before["count"] + 1
    assert then == before
    unknown = get(private_demo, path, ledger_commit="0" * 40)
    assert (unknown.status_code, unknown.json()["type"]) == (404, "commit-not-found")


def test_lots_are_those_that_are_open_at_the_close_of_a_day(demo):
    path = f"/v1/portfolios/{demo.public_id}/lots"
    now, then = (
        get(demo, path, limit=1000, **query).json() for query in ({}, {"asof_date": "2008-12-31", "symbol": "IBM"})
    )

    with demo.role("job"):
        lots = list(Lot.objects.filter(portfolio=demo.public_id, removed_in=None).select_related("security"))
    is_open = [lot for lot in lots if lot.valid_to is None]
    assert now["count"] == len(is_open) > 0
    assert sum(Decimal(each["quantity"]) for each in now["lots"]) == sum(lot.quantity for lot in is_open)
    assert sum(Decimal(each["cost"]) for each in then["lots"]) == sum(
        lot.cost
        for lot in lots
        if lot.security.symbol == "IBM"
        and lot.valid_from.isoformat() <= "2008-12-31"
        and (lot.valid_to is None or lot.valid_to.isoformat() > "2008-12-31")
    )
    assert then["count"] > 0


@pytest.mark.parametrize("what", ["transactions", "lots"])
def test_the_numbers_of_the_ledger_are_null_where_its_terms_keep_them_back(private_demo, what):
    path = f"/v1/portfolios/{private_demo.public_id}/{what}"
    shown = get(private_demo, path).json()
    staging.decide_rights(private_demo, "ledger", "deny")

    withheld = get(private_demo, path).json()

    assert (shown["withheld"], withheld["withheld"]) == (False, True)
    assert any(each["quantity"] for each in shown[what])
    numbers = ("quantity", "unit_price", "amount", "cost", "unit_cost", "fee", "fx_to_base")
    assert {each.get(name) for each in withheld[what] for name in numbers} == {None}
    assert [each["account"] for each in withheld[what]] == [each["account"] for each in shown[what]]


def test_securities_are_listed_and_filtered(demo):
    whole, one = get(demo, "/v1/securities").json(), get(demo, "/v1/securities", symbol="AAPL").json()

    assert whole["count"] == Security.objects.count()
    assert [each["symbol"] for each in whole["securities"]] == sorted(each["symbol"] for each in whole["securities"])
    assert one["securities"] == [each for each in whole["securities"] if each["symbol"] == "AAPL"]
    assert get(demo, "/v1/securities", currency="XXX").json()["securities"] == []


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("/v1/portfolios", {"limit": "0"}, "/limit"),
        ("/v1/securities", {"symbol": "a\x00"}, "/symbol"),
        ("/v1/securities", {"kind": ""}, "/kind"),
        ("/v1/portfolios/{id}/lots", {"asof_date": "2013-02-30"}, "/asof_date"),
        ("/v1/portfolios/{id}/transactions", {"ledger_commit": "HEAD"}, "/ledger_commit"),
        ("/v1/portfolios/{id}/transactions", {"first": "2013-03-02", "last": "2013-03-01"}, "/first"),
        ("/v1/portfolios/{id}/transactions", {"kind": ["buy", "sell"]}, "/kind"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_named(demo, path, query, pointer):
    answer = get(demo, path.format(id=demo.public_id), **query)

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request")
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}


def test_the_number_of_queries_does_not_grow_with_the_rows(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)
    counts = {}
    for user in ("owner", "other"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            get(private_demo, "/v1/portfolios", user=user)
        counts[user] = len(queries)

    assert counts["owner"] == counts["other"]


PLACES = {"uuid": "0b4c8f3e-5f0e-4d0a-9a55-3a8a4e1c7d20", "str": "x", "slug": "x", "int": "1"}


def addresses():
    """Each address of the API, with the methods of its view."""
    for each in get_resolver().url_patterns:
        for pattern in getattr(each, "url_patterns", []):
            view, route = getattr(pattern.callback, "cls", None), str(pattern.pattern)
            if view and issubclass(view, APIView) and route.startswith("v1/"):
                for kind, text in PLACES.items():
                    route = "/".join(text if part.startswith(f"<{kind}:") else part for part in route.split("/"))
                for method in ("get", "post", "patch", "delete"):
                    if hasattr(view, method):
                        yield method, f"/{route}"


@pytest.mark.parametrize(("method", "path"), sorted(addresses()))
def test_a_parameter_that_an_address_has_not_is_refused(demo, method, path):
    ask = getattr(Client(), method)
    headers = {"Authorization": f"Bearer {demo.token('owner')}", "Accept": "application/json"}

    answer = (
        ask(f"{path}?nonsense=1", content_type="application/json", headers=headers)
        if method != "get"
        else ask(path, {"nonsense": "1"}, headers=headers)
    )

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request")
    assert {"pointer": "/nonsense", "reason": "is not a parameter here"} in answer.json()["errors"]
