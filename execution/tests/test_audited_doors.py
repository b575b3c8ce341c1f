"""Each door leaves in the audit log who came in, by which way, and what was changed."""

import json
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from compliance.models import AuditEntry
from execution import tasks
from execution.models import NightlyRun
from execution.tests.test_imports_page import PAGE, button, upload
from portfolio.models import PortfolioAccess
from pricing.models import QuarantinedRow


@pytest.fixture
def root(private_demo):
    get_user_model().objects.create_superuser("root", password=None)
    return private_demo.client("root")


@pytest.fixture
def added(private_demo):
    """What came into the log since it was last asked."""
    seen = 0

    def read():
        nonlocal seen
        with private_demo.role("job"):
            new = list(AuditEntry.objects.filter(id__gt=seen).order_by("id"))
        seen = max((each.pk for each in new), default=seen)
        return new

    read()
    return read


def test_a_setting_changed_by_the_api_is_on_record_with_its_request(private_demo, added):
    answer = Client().patch(
        f"/v1/portfolios/{private_demo.public_id}/settings",
        json.dumps({"accrual": "accrual"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {private_demo.token('owner')}", "X-Request-ID": "request-of-a-test"},
    )

    assert answer.status_code == 200, answer.content
    (entry,) = [each for each in added() if each.table_name == "portfolio_portfolio"]
    assert (entry.before, entry.after) == ({"accrual": "cash"}, {"accrual": "accrual"})
    assert (entry.user_id, entry.door, entry.request_id, entry.account) == (
        private_demo.user("owner").pk,
        "api",
        "request-of-a-test",
        "",
    )
    assert entry.via == f"PATCH /v1/portfolios/{private_demo.public_id}/settings"
    assert entry.of_portfolio == private_demo.public_id


def test_an_import_by_the_page_is_on_record_as_a_revision(private_demo, added, read_once):
    client = private_demo.client("owner")
    shown = upload(client)
    added()

    client.post(PAGE, {"confirm": button(shown, "confirm")})

    new = added()
    assert {each.table_name for each in new} == {"portfolio_ledgerrevision"}
    assert [each.action for each in new] == ["insert", "update"]
    assert {(each.door, each.user_id) for each in new} == {("page", private_demo.user("owner").pk)}
    assert new[0].after["tree_hash"]
    assert new[1].after == {"status": "reconciled"}


def test_what_staff_change_in_the_admin_is_on_record(private_demo, root, added):
    root_id = private_demo.user("root").pk
    with private_demo.role("job"):
        row = QuarantinedRow.objects.create(
            kind="price", key="XNYS:IBM", date="2013-03-01", value="521", rule="move", source="a", first_seen=uuid4()
        )
    schedule = CrontabSchedule.objects.create(hour="1")
    task = PeriodicTask.objects.create(name="a task", task="execution.tasks.ring_nightly", crontab=schedule)
    added()

    root.post("/admin/compliance/datasource/ledger/change/", {
        "name": "Own", "attribution": "Own ledger", "placement": "none", "terms": "x", "display": "deny", "csv": "deny",
        "json": "deny", "xlsx": "deny", "pdf": "deny", "redistribute": "deny", "agent": "deny",
    })  # fmt: skip
    rights = added()
    root.post(
        f"/admin/pricing/quarantinedrow/{row.pk}/change/", {"decision": "accepted", "decision_reason": "a spin-off"}
    )
    decision = added()
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
    schedules = added()

    assert [(each.table_name, each.action, each.door, each.user_id) for each in rights] == [
        ("compliance_datasource", "update", "admin", root_id)
    ]
    assert [(each.reason, each.after["decision"], each.user_id) for each in decision] == [
        ("a spin-off", "accepted", root_id)
    ]
    assert [(each.row_key, each.after) for each in schedules] == [(str(task.pk), {"enabled": False})]


def test_what_beat_counts_is_no_entry(private_demo, added):
    task = PeriodicTask.objects.create(
        name="a task", task="execution.tasks.ring_nightly", crontab=CrontabSchedule.objects.create()
    )
    added()

    PeriodicTask.objects.filter(pk=task.pk).update(total_run_count=7)

    assert added() == []


def test_a_grant_and_its_end_are_on_record(private_demo, added):
    with private_demo.role("job"):
        PortfolioAccess.objects.create(portfolio_id=private_demo.public_id, user=private_demo.user("other"))
        PortfolioAccess.objects.all().delete()

    given, taken = added()
    assert (given.action, given.of_portfolio, given.after["user_id"]) == (
        "insert",
        private_demo.public_id,
        private_demo.user("other").pk,
    )
    assert (taken.action, taken.of_portfolio, taken.before["user_id"]) == (
        "delete",
        private_demo.public_id,
        private_demo.user("other").pk,
    )


def test_a_command_is_on_record_with_the_account_that_ran_it(private_demo, added):
    with private_demo.role("job"):
        call_command("portfolio_settings", "--portfolio", "public", "--accrual", "accrual", verbosity=0)

    (entry,) = [each for each in added() if each.table_name == "portfolio_portfolio"]
    assert (entry.door, entry.via, entry.user_id) == ("command", "portfolio_settings", None)
    assert entry.account


def test_a_restatement_is_on_record_with_its_reason(private_demo, added):
    with private_demo.role("job"):
        call_command("nightly", "--date", "2013-03-01", "--restate", "a late close", "--json", verbosity=0)

    new = added()
    (run,) = [each for each in new if each.table_name == NightlyRun._meta.db_table]
    packs = [each for each in new if each.table_name == "pricing_pricingpack"]
    assert (run.door, run.via, run.reason) == ("command", "nightly", "a late close")
    assert [each.action for each in packs] == ["insert", "update"]
    assert {"sequence", "content_id", "chain_hash", "sealed_at"} <= packs[1].after.keys()


def test_a_question_changes_nothing_and_is_no_entry(private_demo, added):
    assert private_demo.ask().status_code == 200
    assert private_demo.client("owner").get("/portfolios/public/portfolio_overview/").status_code == 200

    assert [each for each in added() if each.action != "log-in"] == []


def test_what_a_night_finds_is_no_change(private_demo, added):
    with private_demo.role("job"):
        tasks.check_history()

    assert added() == []
