"""Staff see what an edit of the rights would change, publish it with a reason, and take it back."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from compliance import versions
from compliance.models import DataSource, Licence, RightsVersion
from execution.tests import staging

REVIEW = "admin:compliance_rightsversion_review"
PRICES = "bokeh-wiki"


@pytest.fixture
def root(private_demo):
    get_user_model().objects.create_superuser("root", password=None)
    return private_demo.client("root")


def deny_display(client):
    """Edit the draft as its page does."""
    source = DataSource.objects.get(code=PRICES)
    form = {field.name: getattr(source, field.name) for field in DataSource._meta.fields} | {"display": "deny"}
    answer = client.post(reverse("admin:compliance_datasource_change", args=[PRICES]), form)
    assert answer.status_code == 302


def test_an_edit_is_a_draft_and_the_list_says_so(root, private_demo):
    before = private_demo.ask().json()["result"]
    listed = reverse("admin:compliance_datasource_changelist")
    assert "This draft is what decides now" in root.get(listed).content.decode()

    deny_display(root)

    assert "review and publish it" in root.get(listed).content.decode()
    assert private_demo.ask().json()["result"] == before


def test_what_would_change_is_shown_before_it_is_published(root, private_demo):
    private_demo.ask()
    staging.grant(private_demo, "root", private_demo.public_id)
    deny_display(root)

    page = root.get(reverse(REVIEW)).content.decode()

    assert "<td>bokeh-wiki</td><td>display</td><td>attribute</td>" in page
    assert "1 pattern (portfolio_overview) on" in page
    assert "1 portfolio (public)" in page
    assert "<td>valued_positions</td>" in page
    assert "Largest holdings" in page
    assert "Their exports as csv, bundle, json, xlsx, pdf, pdf-us would be decided otherwise" in page


def test_an_edit_of_one_use_names_the_exports_that_ask_for_it(root, private_demo):
    private_demo.ask()
    staging.grant(private_demo, "root", private_demo.public_id)
    DataSource.objects.filter(code=PRICES).update(redistribute="deny")
    rows = root.get(reverse(REVIEW)).content.decode()
    DataSource.objects.filter(code=PRICES).update(redistribute="attribute", csv="deny")
    tables = root.get(reverse(REVIEW)).content.decode()

    assert "Their exports as bundle would be decided otherwise" in rows
    assert "Their exports as csv would be decided otherwise" in tables


def test_a_reason_publishes_and_the_next_answer_names_the_version(root, private_demo):
    deny_display(root)

    answer = root.post(reverse(REVIEW), {"reason": "the contract ended"})

    version = versions.current()
    assert answer.status_code == 302
    assert (version.reason, version.proposed_by) == ("the contract ended", private_demo.user("root").pk)
    told = private_demo.ask().json()
    assert told["metadata"]["rights"]["version"] == version.pk
    assert told["result"]["valued_positions"]["reason"] == "right-denied"


def test_without_a_reason_nothing_is_published_and_the_page_says_what_to_do(root):
    deny_display(root)
    before = versions.current()

    answer = root.post(reverse(REVIEW), {"reason": " "})

    assert (answer.status_code, versions.current()) == (409, before)
    assert "say why" in answer.content.decode()


def test_a_version_is_taken_back_with_a_reason(root, private_demo):
    before, answered = versions.current(), private_demo.ask().json()
    deny_display(root)
    root.post(reverse(REVIEW), {"reason": "the contract ended"})
    page = reverse("admin:compliance_rightsversion_take_back", args=[before.pk])
    assert "<td>deny</td>" in root.get(page).content.decode()

    answer = root.post(page, {"reason": "it did not"})

    assert answer.status_code == 302
    assert versions.current().takes_back_to == before
    assert private_demo.ask().json()["result"] == answered["result"]


def test_where_a_second_person_is_asked_for_the_first_only_proposes(root, private_demo, settings):
    settings.RIGHTS_SECOND_PERSON = True
    deny_display(root)
    root.post(reverse(REVIEW), {"reason": "the contract ended"})
    proposed = RightsVersion.objects.first()
    page = reverse("admin:compliance_rightsversion_publish", args=[proposed.pk])

    refused = root.post(page)
    get_user_model().objects.create_superuser("second", password=None)
    published = private_demo.client("second").post(page)

    assert (refused.status_code, published.status_code) == (409, 302)
    assert versions.current() == proposed


def test_who_may_only_look_publishes_nothing(private_demo):
    user = private_demo.user("owner")
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = private_demo.client("owner")
    now = versions.current()

    assert client.get(reverse(REVIEW)).status_code == 403
    assert client.post(reverse(REVIEW), {"reason": "why not"}).status_code == 403
    for page in ("publish", "take_back"):
        assert client.get(reverse(f"admin:compliance_rightsversion_{page}", args=[now.pk])).status_code == 403


def test_a_licence_that_overlaps_another_is_refused_by_name(root):
    Licence.objects.create(source_id=PRICES, tier="business", uses=["csv"], valid_from="2026-01-01", document="shelf 3")
    form = {
        "source": PRICES,
        "tier": "other",
        "uses": ["csv", "pdf"],
        "valid_from": "2026-06-01",
        "document": "shelf 4",
    }

    overlapping = root.post(reverse("admin:compliance_licence_add"), form)
    beside = root.post(reverse("admin:compliance_licence_add"), form | {"uses": ["pdf"]})

    assert "it overlaps bokeh-wiki business" in overlapping.content.decode()
    assert beside.status_code == 302
