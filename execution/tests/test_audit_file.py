"""The audit log as CSV: what the list of the admin finds, for who may view entries, and an event of who took it."""

import csv
import io

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from compliance.models import AuditEntry
from config import scope
from execution.admin import audit

FILE = "/admin/compliance/auditentry/csv/"


@pytest.fixture
def root(private_demo):
    """A superuser's client, and five groups that were added, one by a name that a spreadsheet takes for a formula."""
    get_user_model().objects.create_superuser("root", password=None)
    with private_demo.role("job"), scope.because("=HYPERLINK(1)"):
        for number in range(5):
            Group.objects.create(name=f"=group {number}")
    return private_demo.client("root")


def take(client, query=""):
    answer = client.post(f"{FILE}{query}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer["Content-Disposition"] == 'attachment; filename="audit-entries.csv"'
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def entries(world, **where):
    with world.role("job"):
        return list(AuditEntry.objects.filter(**where).order_by("-id"))


def test_the_file_has_what_the_list_finds_on_all_its_pages_newest_first(private_demo, root, monkeypatch):
    monkeypatch.setattr(audit, "ROWS_AT_ONCE", 2)
    rows = take(root, "?table_name=auth_group&action=insert")

    expected = [str(each.pk) for each in entries(private_demo, table_name="auth_group", action="insert")]
    assert len(expected) >= 5
    assert [row["id"] for row in rows] == expected
    assert [row["id"] for row in take(root, f"?q={rows[0]['row_key']}&table_name=auth_group")] == [rows[0]["id"]]
    assert take(root, "?action=no+such") == []


def test_no_cell_is_a_formula(root):
    reasons = {row["reason"] for row in take(root, "?table_name=auth_group&action=insert")}

    assert "'=HYPERLINK(1)" in reasons
    assert "=HYPERLINK(1)" not in reasons


def test_the_log_says_who_took_what(private_demo, root):
    rows = take(root, "?table_name=auth_group")

    (event,) = entries(private_demo, action="entries exported")
    user = private_demo.user("root")
    assert (event.user_id, event.row_key, event.door) == (user.pk, str(user.pk), "admin")
    assert event.after == {"entries": len(rows), "filters": {"table_name": ["auth_group"]}, "searched": False}


def test_a_list_that_is_not_offered_gives_no_file(private_demo, root):
    assert root.post(f"{FILE}?reason=x").status_code in (302, 400)
    assert root.get(FILE).status_code == 405
    assert entries(private_demo, action="entries exported") == []


def test_who_may_not_view_entries_gets_none(private_demo):
    owner = private_demo.user("owner")
    owner.is_staff = True
    owner.save(update_fields=["is_staff"])
    owner.user_permissions.set([Permission.objects.get(codename="view_auditseal")])
    refused = private_demo.client("owner").post(FILE)
    owner.user_permissions.set([Permission.objects.get(codename="view_auditentry")])
    rows = take(private_demo.client("owner"))

    assert refused.status_code == 403
    assert {row["action"] for row in rows} >= {"insert", "found"}
