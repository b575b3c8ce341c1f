"""Evidence is read-only in the admin, for superusers too; what packs were hashed with can't be edited."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from pricing import models

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
