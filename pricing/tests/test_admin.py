"""Evidence is read-only in the admin, for superusers too; what packs were hashed with can't be edited."""

from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from pricing import models
from tests.plugin import role

EVIDENCE = [
    models.PricingPack,
    models.PackContent,
    models.PackPrice,
    models.PackRate,
    models.PackObservation,
    models.PackAction,
    models.MarketArchive,
]


@pytest.fixture
def request_of_a_superuser():
    request = RequestFactory().get("/")
    request.user = get_user_model()(is_superuser=True, is_staff=True, is_active=True)
    return request


def test_every_model_of_the_room_is_in_the_admin():
    assert all(map(admin.site.is_registered, apps.get_app_config("pricing").get_models()))


@pytest.mark.parametrize("model", EVIDENCE)
def test_nobody_adds_changes_or_deletes_evidence(model, request_of_a_superuser):
    page = admin.site.get_model_admin(model)

    assert page.has_view_permission(request_of_a_superuser)
    assert not page.has_add_permission(request_of_a_superuser)
    assert not page.has_change_permission(request_of_a_superuser)
    assert not page.has_delete_permission(request_of_a_superuser)


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (models.Security(), {"symbol"}),
        (models.Series(), {"id", "unit"}),
        (models.PricingPolicy(), {"code", "pivot", "fix_time"}),
    ],
)
def test_what_packs_were_hashed_with_is_set_once(row, fields, request_of_a_superuser):
    page = admin.site.get_model_admin(type(row))

    assert fields <= set(page.get_readonly_fields(request_of_a_superuser, row))
    assert not page.get_readonly_fields(request_of_a_superuser)
    assert not page.has_delete_permission(request_of_a_superuser, row)


def test_staff_decide_many_rows_at_once_with_one_reason(private_demo):
    client, row = _in_quarantine(private_demo)
    page = "/admin/pricing/quarantinedrow/"
    chosen = {"action": "reject", "_selected_action": [str(row.pk)]}

    without = client.post(page, chosen | {"reason": " "}, follow=True)
    assert "a decision needs a reason" in without.content.decode()
    assert _read(private_demo, row).decision == "pending"
    decided = client.post(page, chosen | {"reason": "a typing error"}, follow=True)

    row = _read(private_demo, row)
    assert "1 rejected" in decided.content.decode()
    assert (row.decision, row.decision_reason) == ("rejected", "a typing error")
    assert row.decided_by == private_demo.user("staff").pk
    assert LogEntry.objects.get(object_id=row.pk).change_message == "rejected: a typing error"


def test_a_row_is_decided_on_its_own_page_and_nothing_else_of_it_changes(private_demo):
    client, row = _in_quarantine(private_demo)
    page = f"/admin/pricing/quarantinedrow/{row.pk}/change/"

    without = client.post(page, {"decision": "accepted", "decision_reason": "", "value": "1"})
    decided = client.post(page, {"decision": "accepted", "decision_reason": "a spin-off", "value": "1"})

    row = _read(private_demo, row)
    assert (without.status_code, decided.status_code) == (200, 302)
    assert (row.decision, row.decision_reason, row.value) == ("accepted", "a spin-off", "521")


def test_a_row_that_could_not_be_read_is_accepted_on_neither_page(private_demo):
    client, unread = _in_quarantine(private_demo, rule="refused", value="-521")
    _, other = _in_quarantine(private_demo)
    many = {"action": "accept", "_selected_action": [unread.pk, other.pk], "reason": "why not"}

    of_many = client.post("/admin/pricing/quarantinedrow/", many, follow=True)
    alone = client.post(
        f"/admin/pricing/quarantinedrow/{unread.pk}/change/", {"decision": "accepted", "decision_reason": "why not"}
    )

    for page in (of_many, alone):
        assert page.status_code == 200
        assert "could not be read when it was fetched: it can be rejected only" in page.content.decode()
    assert "Nothing was decided" in of_many.content.decode()
    assert {_read(private_demo, row).decision for row in (unread, other)} == {"pending"}
    with private_demo.role("app"):
        assert not LogEntry.objects.filter(object_id__in=[unread.pk, other.pk]).exists()

    client.post(
        f"/admin/pricing/quarantinedrow/{unread.pk}/change/", {"decision": "rejected", "decision_reason": "no close"}
    )
    assert _read(private_demo, unread).decision == "rejected"


def test_who_may_only_look_decides_nothing(private_demo):
    _, row = _in_quarantine(private_demo)
    client = private_demo.client("viewer")

    client.post("/admin/pricing/quarantinedrow/", {"action": "reject", "_selected_action": [row.pk], "reason": "x"})
    refused = client.post(f"/admin/pricing/quarantinedrow/{row.pk}/change/", {"decision": "accepted"})

    assert refused.status_code == 403
    assert _read(private_demo, row).decision == "pending"


def test_the_packs_list_says_what_each_covers_in_a_fixed_number_of_queries(demo):
    client = demo.client("staff")
    with role("app"), CaptureQueriesContext(connection) as few:
        some = client.get("/admin/pricing/pricingpack/?q=PP_2013-02-1")
    with role("app"), CaptureQueriesContext(connection) as many:
        more = client.get("/admin/pricing/pricingpack/?q=PP_2013-02")

    assert some.content.decode().count("4 of 4") == 7
    assert more.content.decode().count("4 of 4") == 20
    assert len(few) == len(many) <= 15


def _in_quarantine(world, **changes):
    """A client that may decide, and a row that waits for it."""
    with world.role("job"):
        row = models.QuarantinedRow.objects.create(
            **{
                "kind": "price", "key": "OAK", "date": "2013-03-01", "value": "521", "rule": "jump", "reason": "10 times",
                "source": "wood", "first_seen": UUID(int=1),
            } | changes
        )  # fmt: skip
        user = world.user("staff")
        user.user_permissions.add(
            *Permission.objects.filter(codename__in=("view_quarantinedrow", "change_quarantinedrow"))
        )
    return world.client("staff"), row


def _read(world, row):
    with world.role("app"):
        return models.QuarantinedRow.objects.get(pk=row.pk)
