"""GET /v1/portfolios/<id>/reconciliations and the page beside it."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portfolio.models import Break, Portfolio, Reconciliation
from pricing.models import PricingPolicy

PAGE = "/portfolios/public/reconciliation/"


def get(world, portfolio_id, user="owner", **query):
    path = f"/v1/portfolios/{portfolio_id}/reconciliations"
    return Client().get(path, query, headers={"Authorization": f"Bearer {world.token(user)}"})


def test_nobody_sees_no_distance(demo):
    assert Client().get(f"/v1/portfolios/{demo.public_id}/reconciliations").status_code == 401
    assert Client().get(PAGE).status_code == 302


def test_the_demo_is_compared_at_each_of_its_packs_and_ties_out_to_nothing(demo):
    told = get(demo, demo.public_id, limit=2).json()

    assert (told["failed"], told["max_error_bp"]) == (0, "0")
    assert told["count"] == 2_649
    assert [each["asof_date"] for each in told["reconciliations"]] == ["2013-03-01", "2013-02-28"]
    newest = told["reconciliations"][0]
    assert (newest["status"], newest["error_bp"], newest["breaks"], newest["price_differences"]) == (
        "pass",
        "0",
        [],
        [],
    )
    assert newest["ledger_value"].startswith("756411.71")
    assert newest["compared"] >= 4


def test_a_span_of_dates_is_paged(demo):
    span = {"first": "2013-02-25", "last": "2013-02-28"}

    whole = get(demo, demo.public_id, **span).json()
    second = get(demo, demo.public_id, **span, limit=1, offset=1).json()

    assert [each["asof_date"] for each in whole["reconciliations"]] == [f"2013-02-{day}" for day in (28, 27, 26, 25)]
    assert second["reconciliations"] == whole["reconciliations"][1:2]
    assert (second["count"], second["offset"]) == (4, 1)


def test_what_is_asked_wrong_is_named_at_once(demo):
    refused = get(demo, demo.public_id, first="yesterday", limit=0, colour="red")

    assert refused.status_code == 400
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/colour", "/first", "/limit"]


@pytest.mark.parametrize("user", ["other", "staff"])
def test_a_foreign_portfolio_is_as_one_that_does_not_exist(user, demo):
    foreign, missing = (get(demo, one, user).json() for one in (demo.public_id, uuid4()))

    assert {**foreign, "request_id": ""} == {**missing, "request_id": ""}
    assert foreign["type"].endswith("portfolio-not-found")
    pages = [demo.client(user).get(path) for path in (PAGE, "/portfolios/no-such-thing/reconciliation/")]
    assert [page.status_code for page in pages] == [404, 404]
    assert pages[0].content == pages[1].content


def test_the_page_draws_the_distance_and_shows_the_last_packs(demo):
    page = demo.client("owner").get(PAGE).content.decode()

    assert "tie out" in page
    assert "Distance between the books" in page
    assert "PP_2013-03-01_ECB_EUR_r1" in page
    assert "756,411.71" in page
    assert "no-store" in demo.client("owner").get(PAGE)["Cache-Control"]


def test_the_overview_leads_to_it(demo):
    assert f'href="{PAGE}"' in demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()


def test_a_break_is_shown_with_both_values_and_the_last_word_on_a_pack_counts(private_demo):
    with private_demo.role("job"):
        last = Reconciliation.objects.filter(portfolio__slug="public").order_by("-pack__asof_date").first()
        again = Reconciliation.objects.create(
            portfolio_id=last.portfolio_id, revision=last.revision, pack=last.pack, status="fail", compared=6,
            ledger_value="100", database_value="101", error_bp="100", run=uuid4(),
            price_differences=[
                {"commodity": "IBM", "currency": "USD", "ledger_price": "9", "pack_price": "10", "error_bp": "1111.1"}
            ],
        )  # fmt: skip
        Break.objects.create(
            portfolio_id=last.portfolio_id, reconciliation=again, kind="QUANTITY_MISMATCH", account="Assets:<b>",
            commodity="IBM", ledger_value="10", database_value="11", difference="1",
        )  # fmt: skip

    told = get(private_demo, private_demo.public_id, limit=1).json()
    page = private_demo.client("owner").get(PAGE).content.decode()

    (newest,) = told["reconciliations"]
    assert (told["failed"], told["max_error_bp"], newest["status"]) == (1, "100", "fail")
    assert newest["breaks"] == [
        {
            "kind": "QUANTITY_MISMATCH", "account": "Assets:<b>", "commodity": "IBM", "ledger_value": "10",
            "database_value": "11", "difference": "1", "error_bp": None, "detail": "",
        }
    ]  # fmt: skip
    assert newest["price_differences"] == [
        {"commodity": "IBM", "currency": "USD", "ledger_price": "9", "error_bp": "1111.1"}
    ]
    assert "<strong>differ</strong>" in page
    assert "quantity mismatch" in page
    assert "Assets:&lt;b&gt;" in page
    assert "1111.1 bp off the pack" in page


def test_a_portfolio_that_was_never_compared_says_so(private_demo):
    owner = private_demo.user("owner")
    with private_demo.role("job"):
        policy = PricingPolicy.objects.get(pk="ECB_EUR")
        Portfolio.objects.create(slug="fresh", name="Fresh", owner=owner, base_currency="CAD", policy=policy)

    page = private_demo.client("owner").get("/portfolios/fresh/reconciliation/").content.decode()

    assert "has not been compared with the database yet" in page


def test_the_number_of_queries_does_not_grow_with_the_packs(demo):
    client = demo.client("owner")
    client.get(PAGE)
    with CaptureQueriesContext(connection) as page:
        client.get(PAGE)

    assert len(page) <= 14  # one of them is of the frame: the pack days to step to
