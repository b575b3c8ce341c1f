"""GET and PATCH /v1/portfolios/<id>/settings, as the web: role app. Only an owner is answered."""

import json
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client

from execution.tests import staging
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Lot


def ask(world, username, method="get", body=None, portfolio_id=None):
    headers = {"Authorization": f"Bearer {world.token(username)}"} if username else {}
    url = f"/v1/portfolios/{portfolio_id or world.public_id}/settings"
    if method == "get":
        return Client().get(url, headers=headers)
    text = body if isinstance(body, str) else json.dumps(body)
    return Client().patch(url, text, content_type="application/json", headers=headers)


def ledger_files(slug="public"):
    with LedgerRepository(django_settings.LEDGER_PATH) as repository:
        return repository.files(repository.head(), slug)


def test_an_owner_sees_the_settings_and_nobody_else_does(private_demo):
    staging.grant(private_demo, "staff", private_demo.public_id)

    shown, granted, other, nobody, absent = (
        ask(private_demo, "owner"),
        ask(private_demo, "staff"),
        ask(private_demo, "other"),
        ask(private_demo, None),
        ask(private_demo, "owner", portfolio_id=uuid4()),
    )

    assert shown.json()["settings"] == {
        "base_currency": "CAD",
        "policy": "ECB_EUR",
        "booking_method": "FIFO",
        "fees_in_cost": True,
        "flow_timing": "in_start_out_end",
        "accrual": "cash",
        "trade_fx": "ledger",
        "benchmark": None,
    }
    assert [each.status_code for each in (shown, granted, other, nobody, absent)] == [200, 403, 404, 401, 404]
    assert (other.json()["type"], absent.json()["type"]) == ("portfolio-not-found", "portfolio-not-found")


def test_what_lots_are_derived_by_is_a_revision_and_what_was_answered_stays(private_demo):
    before = private_demo.ask().json()

    done = ask(private_demo, "owner", "patch", {"booking_method": "LIFO", "flow_timing": "end"})
    after = private_demo.ask().json()
    again = private_demo.client("owner").get(f"/v1/executions/{before['execution_id']}").json()

    told = done.json()
    assert (done.status_code, told["changed"]) == (200, ["booking_method", "flow_timing"])
    assert (told["revision_status"], told["breaks"], told["new_revision"], told["revision"]) == ("reconciled", [], 2, 2)
    files = ledger_files()
    assert b'custom "tieout" "booking-method" "LIFO"' in files["settings.beancount"]
    assert files["main.beancount"].endswith(b'\ninclude "settings.beancount"\n')
    assert b'"FIFO"' not in files["main.beancount"]
    assert after["metadata"]["ledger_commit_hash"] == told["commit"] != before["metadata"]["ledger_commit_hash"]
    assert again["metadata"]["result_hash"] == before["metadata"]["result_hash"]
    values = [each["result"]["valued_positions"]["total_value"] for each in (before, after)]
    assert values == ["756411.71", "756411.71"]  # which lots are left moves no value
    with private_demo.role("job"):
        assert Lot.objects.filter(portfolio=private_demo.public_id, introduced_in=2).exists()


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_changed(private_demo):
    before = ledger_files()
    wanted = {"booking_method": "lifo", "base_currency": "USD", "policy": "BOC_CAD", "benchmark": "S&P", "a/b": 1}

    refused = ask(private_demo, "owner", "patch", wanted | {"fees_in_cost": "yes", "accrual": "accrual"})

    errors = {each["pointer"]: each["reason"] for each in refused.json()["errors"]}
    assert (refused.status_code, refused.json()["type"]) == (400, "invalid-request")
    assert errors.keys() == {"/booking_method", "/base_currency", "/policy", "/benchmark", "/a~1b", "/fees_in_cost"}
    assert errors["/booking_method"] == "is one of FIFO, LIFO, HIFO, AVERAGE, NAMED"
    assert errors["/base_currency"].startswith("can't change any more")
    assert (ledger_files(), ask(private_demo, "owner").json()["settings"]["accrual"]) == (before, "cash")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"accrual": "cash", "accrual": "accrual"}', 400),
        ('{"accrual": NaN}', 400),
        ('["accrual"]', 400),
        ("{", 400),
        ('{"accrual": null}', 400),
        ("{}", 200),
    ],
)
def test_the_body_is_strict_json(private_demo, body, status):
    assert ask(private_demo, "owner", "patch", body).status_code == status


def test_who_may_only_read_changes_nothing(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)

    refused = ask(private_demo, "other", "patch", {"accrual": "accrual"})

    assert (refused.status_code, refused.json()["type"]) == (403, "forbidden")
    assert ask(private_demo, "owner").json()["settings"]["accrual"] == "cash"


def test_the_admin_shows_what_is_in_effect(private_demo):
    staging.grant(private_demo, "viewer", private_demo.public_id)
    ask(private_demo, "owner", "patch", {"booking_method": "HIFO", "trade_fx": "fixing"})

    client = private_demo.client("viewer")
    listed = client.get("/admin/portfolio/portfolio/").content.decode()
    shown = client.get(f"/admin/portfolio/portfolio/{private_demo.public_id}/change/").content.decode()

    assert '<td class="field-booking">HIFO</td>' in listed
    assert "HIFO" in shown
    assert "fixing" in shown
