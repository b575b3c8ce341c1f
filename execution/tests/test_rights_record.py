"""What leaves or is refused is on record at every door, and staff find the violations in the admin."""

from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from compliance.models import RightsDecision
from config import scope
from execution.tests import staging
from execution.tests.test_exports_api import PRICES, download, order, send, site  # noqa: F401


def rows(demo, username="owner"):
    with scope.acting_as(demo.user(username)), transaction.atomic():
        return [(row.use, row.outcome, row.execution_id) for row in RightsDecision.objects.order_by("id")]


def test_an_export_is_on_record_when_it_is_ordered_and_when_it_is_taken(site):  # noqa: F811
    ordered = order(site, "csv")
    download(site, ordered)

    assert rows(site) == [("csv", "attribute", UUID(ordered.json()["execution_id"]))] * 2


def test_a_bundle_asks_for_the_rows_that_it_gives_on_too(site):  # noqa: F811
    staging.decide_rights(site, PRICES, "deny", use="redistribute")

    order(site, "bundle")

    assert [(use, outcome) for use, outcome, _ in rows(site)] == [("json", "attribute"), ("redistribute", "deny")]


def test_a_refused_order_and_a_refused_download_are_on_record(site):  # noqa: F811
    ordered = order(site, "csv")
    staging.decide_rights(site, PRICES, "licence-required", use="csv")
    order(site, "csv")
    download(site, ordered)

    assert [(use, outcome) for use, outcome, _ in rows(site)] == [
        ("csv", "attribute"), ("csv", "licence-required"), ("csv", "licence-required"),
    ]  # fmt: skip


def test_a_reduced_export_is_on_record_for_what_it_took(site):  # noqa: F811
    staging.decide_rights(site, "ust-par-curve", "deny", use="json")

    assert order(site, "json", reduced=True).status_code == 201

    assert [(use, outcome) for use, outcome, _ in rows(site)] == [("json", "attribute")]


def test_a_display_that_is_refused_is_on_record_once_for_each_reader_and_version(site):  # noqa: F811
    staging.grant(site, "other", site.public_id)
    staging.decide_rights(site, PRICES, "deny")
    for username in ("owner", "owner", "other"):
        execution = site.post(
            username, {"pattern_id": "portfolio_overview", "portfolio_id": str(site.public_id)}
        ).json()["execution_id"]
        send(site, "GET", f"/v1/executions/{execution}", username=username)
    staging.decide_rights(site, PRICES, "licence-required")
    site.ask()

    assert [(use, outcome) for use, outcome, _ in rows(site)] == [("display", "deny"), ("display", "licence-required")]
    assert [(use, outcome) for use, outcome, _ in rows(site, "other")] == [("display", "deny")]


def test_an_allowed_display_is_no_row(site):  # noqa: F811
    site.ask()

    assert rows(site) == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"csv", "json"}),
        ("verdict=refused", {"csv"}),
        ("verdict=let-through", {"json"}),
        ("use__exact=json", {"json"}),
        (f"source={PRICES}&outcome__exact=deny", {"csv"}),
        ("source=nobody", set()),
    ],
)
def test_staff_who_may_find_the_violations_of_all_by_filters(site, query, shown):  # noqa: F811
    staging.decide_rights(site, PRICES, "deny", use="csv")
    order(site, "csv")
    order(site, "json")
    site.user("staff").groups.set(Group.objects.filter(name="compliance"))

    page = site.client("staff").get(f"/admin/compliance/rightsdecision/?{query}")

    assert {row.use for row in page.context["cl"].result_list} == shown
    assert rows(site, "other") == []


def test_the_audit_log_is_filtered_by_who_changed_anything(site):  # noqa: F811
    order(site, "csv")
    site.user("staff").groups.set(Group.objects.filter(name="compliance"))

    page = site.client("staff").get(f"/admin/compliance/auditentry/?who={site.user('owner').pk}")

    assert {row.user_id for row in page.context["cl"].result_list} == {site.user("owner").pk}
