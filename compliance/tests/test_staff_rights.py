"""The groups of the staff: each page of the admin has its line in the table, and `migrate` brings the table into the database."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import RequestFactory

from compliance import staff_rights

GROUPS = {"data steward", "compliance", "operator", "support", "pattern editor"}
OF_USERS = {"auth.user", "auth.group", "config.logouts", "otp_totp.totpdevice", "otp_static.staticdevice"}
"""Whose pages name users."""


def request_of_superuser():
    request = RequestFactory().get("/admin/")
    request.user = get_user_model()(is_superuser=True, is_staff=True, is_active=True)
    return request


def test_each_page_of_the_admin_has_its_line_and_no_line_is_left_over():
    pages = {model._meta.label_lower for model in admin.site._registry}

    assert {group: set(lines) for group, lines in staff_rights.read().items()} == dict.fromkeys(GROUPS, pages)


def test_no_group_has_a_right_that_its_page_offers_to_nobody():
    request = request_of_superuser()
    edited_within_another = {"portfolio.benchmarkcomponent"}
    offered = {
        model._meta.label_lower: {
            verb
            for verb in ("view", "add", "change", "delete", "publish")
            if getattr(page, f"has_{verb}_permission", lambda _: False)(request)
        }
        for model, page in admin.site._registry.items()
    }

    wrong = {
        (group, model): verbs - offered[model]
        for group, lines in staff_rights.read().items()
        for model, verbs in lines.items()
        if model not in edited_within_another and verbs - offered[model]
    }

    assert wrong == {}


def test_who_may_change_may_look():
    assert [
        (group, model)
        for group, lines in staff_rights.read().items()
        for model, verbs in lines.items()
        if verbs and "view" not in verbs
    ] == []


def test_users_are_no_groups_to_see():
    assert {
        (group, model) for group, lines in staff_rights.read().items() for model in OF_USERS if lines[model]
    } == set()


def test_only_operators_touch_schedules_and_only_compliance_touches_rights():
    may_change = {
        model: {group for group, lines in staff_rights.read().items() if lines[model] - {"view"}}
        for model in ("django_celery_beat.periodictask", "compliance.datasource", "pricing.quarantinedrow")
    }

    assert list(may_change.values()) == [{"operator"}, {"compliance"}, {"data steward"}]


def rights_in_database():
    return {
        group.name: {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.select_related()}
        for group in Group.objects.filter(name__in=GROUPS)
    }


def of_table():
    return {
        group: {each for model, verbs in lines.items() for each in staff_rights.permissions(model, verbs)}
        for group, lines in staff_rights.read().items()
    }


def test_migrate_has_made_the_groups_with_the_rights_of_the_table(empty):
    assert rights_in_database() == of_table()


def test_the_next_migrate_brings_an_edited_group_back_to_the_table_and_leaves_other_groups_alone(empty):
    with empty.role("owner"):
        Group.objects.get(name="support").permissions.add(Permission.objects.get(codename="view_user"))
        Group.objects.get(name="operator").delete()
        Group.objects.create(name="own")

        staff_rights.apply()

    assert rights_in_database() == of_table()
    assert Group.objects.filter(name="own").exists()


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_member_opens_the_pages_of_the_group_and_no_other(private_demo, group):
    user = private_demo.user("staff")
    user.groups.set(Group.objects.filter(name=group))
    client = private_demo.client("staff")

    answers = {
        model._meta.label_lower: client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code
        for model in admin.site._registry
    }

    assert answers == {model: 200 if verbs else 403 for model, verbs in staff_rights.read()[group].items()}
