"""The audit log of a portfolio, by API and page: its owner's alone, and it names nobody."""

import json
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client

from compliance.audit import sealing
from compliance.models import AuditEntry
from config import scope
from execution.tests import staging


def ask(world, username, portfolio_id=None, query=""):
    headers = {"Authorization": f"Bearer {world.token(username)}"} if username else {}
    return Client().get(f"/v1/portfolios/{portfolio_id or world.public_id}/audit{query}", headers=headers)


@pytest.fixture
def changed(private_demo):
    """The owner changed a setting, then another user was granted the portfolio by hand."""
    answer = Client().patch(
        f"/v1/portfolios/{private_demo.public_id}/settings",
        json.dumps({"accrual": "accrual"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {private_demo.token('owner')}"},
    )
    assert answer.status_code == 200
    staging.grant(private_demo, "staff", private_demo.public_id)
    return private_demo


def test_an_owner_reads_every_change_of_his_portfolio(changed):
    body = ask(changed, "owner").json()

    grant, setting, *_ = body["entries"]
    assert body["count"] == len(body["entries"]) > 3
    assert (setting["who"], setting["door"], setting["what"]) == ("you", "api", "portfolio")
    assert (setting["before"], setting["after"]) == ({"accrual": "cash"}, {"accrual": "accrual"})
    assert setting["request_id"]
    assert (grant["what"], grant["action"], grant["after"]["user_id"]) == ("grant", "insert", "another user")
    assert grant["who"] == "the database"


def test_what_the_job_has_signed_is_told_as_sealed(changed):
    before = {each["sealed"] for each in ask(changed, "owner").json()["entries"]}
    until = time.monotonic() + 30  # what other tests have open on the same server keeps back what is behind it
    while not ask(changed, "owner").json()["entries"][0]["sealed"] and time.monotonic() < until:
        with changed.role("job"):
            sealing.seal(at=datetime.now(UTC))
    after = {each["sealed"] for each in ask(changed, "owner").json()["entries"]}

    assert (before, after) == ({False}, {True})


def test_whoever_is_not_the_owner_is_told_that_there_is_none(changed):
    answers = [
        ask(changed, "staff"),
        ask(changed, "other"),
        ask(changed, "owner", uuid4()),
        ask(changed, "owner", changed.second_id),
    ]

    assert [each.status_code for each in answers] == [404] * 4
    assert {each.json()["type"] for each in answers} == {"portfolio-not-found"}
    assert ask(changed, None).status_code == 401


def test_it_is_read_page_by_page(changed):
    whole = ask(changed, "owner").json()
    pages = [ask(changed, "owner", query=f"?offset={at}&limit=1").json() for at in range(3)]

    assert [each for page in pages for each in page["entries"]] == whole["entries"][:3]
    assert {page["count"] for page in pages} == {whole["count"]}
    assert ask(changed, "owner", query="?limit=0").status_code == 400


def test_the_page_shows_it_to_the_owner_and_nobody_else(changed):
    pages = {name: changed.client(name).get("/portfolios/public/audit/") for name in ("owner", "other", "staff")}

    text = pages["owner"].content.decode()
    assert {name: page.status_code for name, page in pages.items()} == {"owner": 200, "other": 404, "staff": 404}
    assert "accrual <code>cash</code>" in text
    assert "another user" in text
    for username in ("other", "staff"):
        assert changed.user(username).email == "" or changed.user(username).email not in text


def test_the_database_shows_each_reader_what_is_his(changed):
    """Also where no door filters."""
    with changed.role("job"):
        every = set(AuditEntry.objects.values_list("pk", flat=True))
        of = {
            portfolio: set(AuditEntry.objects.filter(of_portfolio=portfolio).values_list("pk", flat=True))
            for portfolio in (changed.public_id, changed.second_id)
        }

    def seen(username):
        with scope.acting_as(changed.user(username)), transaction.atomic():
            return set(AuditEntry.objects.values_list("pk", flat=True))

    assert seen("owner") == of[changed.public_id]
    assert seen("other") == of[changed.second_id]
    assert seen("staff") <= every
    with transaction.atomic():
        assert not AuditEntry.objects.exists()


def test_staff_see_the_whole_log_with_the_permission_and_nothing_without_it(changed):
    with changed.role("app"):
        staff = changed.user("staff")
        staff.groups.clear()

    def seen():
        with scope.acting_as(staff), transaction.atomic():
            return AuditEntry.objects.count()

    without = seen()
    with changed.role("app"):
        staff.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    with_it = seen()

    with changed.role("job"):
        every = AuditEntry.objects.count()
    assert (without, with_it) == (0, every)
