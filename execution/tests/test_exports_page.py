"""/exports/, and the way there from every page of a result and every panel."""

import re

import pytest
from django.test import Client, override_settings

from execution.tests import staging

PRICES = "bokeh-wiki"


@pytest.fixture
def site(private_demo, tmp_path):
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        yield private_demo


def links(site, username="owner"):
    page = site.client(username).get("/portfolios/public/portfolio_overview/").content.decode()
    return [each.replace("&amp;", "&") for each in re.findall(r'class="export" href="([^"]+)"', page)]


def test_a_result_and_each_of_its_panels_lead_to_their_export_and_it_is_downloaded(site):
    whole, *_ = [each for each in links(site) if "panel=" not in each]
    (holdings,) = [each for each in links(site) if each.endswith("&panel=holdings")]
    client = site.client("owner")
    choice = client.get(holdings).content.decode()

    made = client.post(
        "/exports/", {"execution": whole.partition("=")[2], "panel": "holdings", "format": "csv"}, follow=True
    )
    (file,) = re.findall(r'href="(/v1/exports/[^"]+/file)"', made.content.decode())
    answer = client.get(file)
    content = b"".join(answer.streaming_content)
    answer.close()

    assert re.findall(r'name="format" value="([\w-]+)"', choice) == ["csv", "xlsx", "pdf", "pdf-us"]
    assert b"# Largest holdings" in content


def test_a_refusal_says_why_and_offers_what_can_leave(site):
    execution = links(site)[-1].partition("=")[2]
    staging.decide_rights(site, "ust-par-curve", "licence-required", use="csv")
    client = site.client("owner")

    refused = client.post("/exports/", {"execution": execution, "format": "csv"})
    text = refused.content.decode()
    reduced = client.post("/exports/", {"execution": execution, "format": "csv", "reduced": "1"}, follow=True)

    assert refused.status_code == 403
    assert "a licence of ust-par-curve for csv" in text
    assert "Export the rest as csv" in text
    assert "csv, reduced" in reduced.content.decode()


def test_what_was_made_is_removed_by_its_button(site):
    execution = links(site)[-1].partition("=")[2]
    client = site.client("owner")
    page = client.post("/exports/", {"execution": execution, "format": "json"}, follow=True).content.decode()
    (export,) = re.findall(r'name="remove" value="([^"]+)"', page)

    after = client.post("/exports/", {"remove": export}, follow=True).content.decode()

    assert "removed" in after
    assert "download</a></td>" not in after


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"execution": "x", "format": "csv"}, 400),
        ({"execution": "00000000-0000-4000-8000-000000000000", "format": "csv"}, 404),
        ({"execution": "00000000-0000-4000-8000-000000000000", "format": "exe"}, 400),
        ({"remove": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"remove": "\x00"}, 400),
    ],
)
def test_a_wrong_order_is_a_page_that_says_so(site, fields, status):
    assert site.client("owner").post("/exports/", fields).status_code == status


def test_the_page_that_verifies_is_there_for_everybody_to_save(site):
    answer = Client().get("/exports/verify_bundle.html")

    content = b"".join(answer.streaming_content)
    answer.close()
    assert answer["Content-Disposition"] == 'attachment; filename="verify_bundle.html"'
    assert b"http://" not in content
    assert b"https://" not in content


def test_nobody_sees_what_another_made(site):
    execution = links(site)[-1].partition("=")[2]
    site.client("owner").post("/exports/", {"execution": execution, "format": "json"})

    page = site.client("other").get("/exports/")
    foreign = site.client("other").get(f"/exports/?execution={execution}")

    assert b"/v1/exports/" not in page.content
    assert foreign.status_code == 404
