"""The whole way of rights and exports, as staff and owners walk it: a right is denied, seen withheld everywhere, and taken back; an
overview is taken out in every form, and a bundle of it proves itself, or names what was changed.
"""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.urls import reverse

from compliance import versions
from compliance.models import DataSource
from execution.tests import staging

PRICES = "bokeh-wiki"
OVERVIEW = "/portfolios/public/portfolio_overview/"
VALUE = "756,411.71"
"""Of the public portfolio at the head, as pages write it: tests/golden has it from outside."""


@pytest.fixture
def site(asked_demo, tmp_path):
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        yield asked_demo


def shown(site, execution):
    """Place -> whether the value is there, for the owner's pages and answers and for staff."""
    owner, staff = site.client("owner"), site.client("root")
    value = VALUE.replace(",", "")
    pages = {"page": OVERVIEW, "list": "/", "reconciliation": "/portfolios/public/reconciliation/"}
    seen = {name: VALUE in owner.get(address).content.decode() for name, address in pages.items()}
    seen["api"] = value in site.ask().content.decode()
    seen["explained"] = value in owner.get(
        f"/v1/executions/{execution}/explain", {"path": "/valued_positions/total_value"}
    ).content.decode()  # fmt: skip
    seen["admin"] = value in staff.get(reverse("admin:execution_execution_change", args=[execution])).content.decode()
    made = owner.post("/exports/", {"execution": execution, "format": "csv"})
    seen["export"] = made.status_code == 302
    return seen


def test_staff_deny_a_provider_see_it_withheld_everywhere_and_take_it_back(site):
    get_user_model().objects.create_superuser("root", password=None)
    staging.grant(site, "root", site.public_id)
    root, before = site.client("root"), versions.current()
    execution = site.ask().json()["execution_id"]
    assert set(shown(site, execution).values()) == {True}

    source = DataSource.objects.get(code=PRICES)
    form = {field.name: getattr(source, field.name) for field in DataSource._meta.fields} | {"display": "deny"}
    root.post(reverse("admin:compliance_datasource_change", args=[PRICES]), form)
    review = reverse("admin:compliance_rightsversion_review")
    told = root.get(review).content.decode()
    published = root.post(review, {"reason": "the contract ended"})

    assert re.search(r"patterns? \([^)]*portfolio_overview[^)]*\) on", told)
    assert "Largest holdings" in told
    assert published.status_code == 302
    assert set(shown(site, execution).values()) == {False}
    assert "the terms of a data provider do not allow to show it" in site.client("owner").get(OVERVIEW).content.decode()

    root.post(reverse("admin:compliance_rightsversion_take_back", args=[before.pk]), {"reason": "it did not"})

    assert versions.current().takes_back_to == before
    assert set(shown(site, execution).values()) == {True}


def test_an_owner_takes_the_overview_out_in_every_form_and_a_changed_byte_of_the_bundle_is_named(
    site, tmp_path, capsys
):
    client = site.client("owner")
    page = client.get(OVERVIEW).content.decode()
    (way,) = {each for each in re.findall(r'class="export" href="([^"]+)"', page) if "panel" not in each}
    execution = way.partition("=")[2]
    files = {}
    for form in ("csv", "json", "xlsx", "pdf", "bundle"):
        made = client.post("/exports/", {"execution": execution, "format": form}, follow=True).content.decode()
        answer = client.get(re.findall(r'href="(/v1/exports/[^"]+/file)"', made)[0])
        files[form] = b"".join(answer.streaming_content)
        answer.close()
    bundle, keys = tmp_path / "bundle.zip", tmp_path / "keys.json"
    keys.write_bytes(Client().get("/.well-known/tieout-keys.json").content)
    changed = bytearray(files["bundle"])
    changed[changed.index(b'"total_value"') + 1] ^= 1

    bundle.write_bytes(files["bundle"])
    call_command("verify_bundle", str(bundle), keys=str(keys))
    verified = capsys.readouterr().out
    bundle.write_bytes(changed)
    with pytest.raises(CommandError) as named:
        call_command("verify_bundle", str(bundle), keys=str(keys))

    assert [files[form][:4] for form in ("csv", "json", "xlsx", "bundle")] == [b"PK\x03\x04"] * 4
    assert files["pdf"].startswith(b"%PDF")
    assert "Overview of public as of 2013-03-01" in verified
    assert "result.json is not what was signed" in str(named.value)
