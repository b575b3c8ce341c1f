"""Every field of every form of the admin: no fault of ours whatever is in it, and no script that came in goes out as one."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from compliance.models import DataSource
from execution.tests import staging
from execution.tests.test_bad_forms import OURS, SCRIPT, has_script, send
from tests.crawl import PageReader

BAD = {
    "nothing": "a\0b",
    "too long": "x" * 10_000,
    "marks": "\u202ename\u2066",
    "script": SCRIPT,
    "wrong": "no such thing",
    "of another": "999999999",
}
ADDED = {
    *("auth.group", "auth.user", "compliance.datasource", "compliance.licence", "execution.patterndraft"),
    *("portfolio.benchmark", "portfolio.portfolioaccess", "pricing.riskfreerate", "pricing.securityalias"),
    "pricing.symboloverride",
}
"""Models whose rows the admin adds by a form, without which this would look at little."""
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)


@pytest.fixture
def root(private_demo):
    get_user_model().objects.create_superuser("root", password=None)
    staging.grant(private_demo, "root", private_demo.public_id)
    staging.grant(private_demo, "other", private_demo.public_id)
    client = private_demo.client("root")
    client.raise_request_exception = False
    return client


def forms(client, address):
    answer = client.get(address)
    if answer.status_code == 200:
        for form in PageReader(answer.content.decode(), address).forms:
            if "logout" not in form.action and form.fields:
                yield form


def spoilt(form):
    """What was done to a field, and the form with it; whole, twice, is first."""
    whole = form.filled("a word")
    yield "whole", whole
    yield "again", whole
    for name in whole:
        if name not in OURS:
            yield f"{name} missing", {each: value for each, value in whole.items() if each != name}
            for what, value in BAD.items():
                yield f"{name} {what}", whole | {name: value}


def faults(client, address):
    for form in forms(client, address):
        for what, fields in spoilt(form):
            answer = send(client, form, fields)
            if answer.status_code >= 500:
                yield f"{form.action}: {what}: {answer.status_code}"
            elif "html" in answer.get("Content-Type", "") and has_script(answer):
                yield f"{form.action}: {what}: not escaped"


def addresses(world, model):
    """The list, the page that adds a row, and one row: not the superuser's own, who would lock himself out."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield reverse(f"{name}_changelist")
    yield reverse(f"{name}_add")
    with world.role("job"):
        rows = model.objects.exclude(username="root") if model is get_user_model() else model.objects.all()
        row = rows.first()
    if row is not None:
        yield reverse(f"{name}_change", args=[row.pk])


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_no_field_of_the_admin_is_a_fault_of_ours_whatever_is_in_it(private_demo, root, model):
    added = list(forms(root, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")))

    found = [fault for address in addresses(private_demo, model) for fault in faults(root, address)]

    assert bool(added) or model._meta.label_lower not in ADDED
    assert found == []


def test_no_field_of_the_page_that_publishes_rights_is_a_fault_of_ours(private_demo, root):
    with private_demo.role("job"):
        DataSource.objects.filter(code="bokeh-wiki").update(display="deny")
    address = reverse("admin:compliance_rightsversion_review")

    assert list(forms(root, address))
    assert list(faults(root, address)) == []
