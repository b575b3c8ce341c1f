"""The imports in a browser: upload, preview, confirm, undo; and what is shown to whom."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from execution.tests import staging
from execution.tests.test_imports_api import BAD, GOOD, SHORT, rows
from portfolio.ledger.importing.rows import MAX_BYTES

pytestmark = pytest.mark.usefixtures("read_once")

PAGE = "/portfolios/public/imports/"


def upload(client, content=GOOD, **fields):
    return client.post(PAGE, {"file": SimpleUploadedFile("trades.csv", content.encode()), **fields})


def button(response, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    return found and found[1]


def test_an_owner_uploads_looks_confirms_and_undoes(private_demo):
    client, before = private_demo.client("owner"), rows(private_demo)
    empty = client.get(PAGE).content.decode()

    shown = upload(client)
    after_preview = rows(private_demo)
    done = client.post(PAGE, {"confirm": button(shown, "confirm")}, follow=True)
    came = rows(private_demo)
    again = upload(client)
    gone = client.post(PAGE, {"undo": button(done, "undo")}, follow=True)

    assert "No file has been imported" in empty
    assert "2 new, 0 in the ledger already. Nothing has been written yet." in shown.content.decode()
    assert after_preview == before
    assert "Imported as" in done.content.decode()
    assert came[0] == before[0] + 2
    assert (button(again, "confirm"), "There is nothing to import" in again.content.decode()) == (None, True)
    assert "is undone" in gone.content.decode()
    assert (rows(private_demo)[0], rows(private_demo)[2]) == (before[0], before[2])


def test_what_a_file_alone_can_not_tell_is_ticked_on_the_page(private_demo):
    client = private_demo.client("owner")

    shown = upload(client, SHORT)
    ticked = {"infer_deposits": "on", "confirm_transfers": "on"}
    again = client.post(PAGE, {"look": button(shown, "look"), **ticked})
    done = client.post(PAGE, {"confirm": button(again, "confirm"), **ticked}, follow=True)

    text = shown.content.decode()
    assert "Depot: cash would be \N{MINUS SIGN}710.00 USD" in text
    assert "unless it is confirmed" in text
    assert 'name="margin" value="Depot"' in text
    assert "deposits of 710.00 USD in all are inferred" in again.content.decode()
    assert 'name="infer_deposits" checked' in again.content.decode()
    assert "Imported as" in done.content.decode()
    assert client.post(PAGE, {"look": "guessed"}).status_code == 400


def test_what_is_wrong_stands_on_the_page_and_can_not_be_confirmed(private_demo):
    client, before = private_demo.client("owner"), rows(private_demo)

    bad, none, old = upload(client, BAD), client.post(PAGE, {}), client.post(PAGE, {"confirm": "guessed"})
    gone = client.post(PAGE, {"undo": "0" * 16})
    evil = upload(client, GOOD.replace("AAPL", "<script>"))

    assert [each.status_code for each in (bad, none, old, gone, evil)] == [400, 400, 400, 404, 400]
    assert "is negative" in bad.content.decode()
    assert button(bad, "confirm") is None
    assert "choose it again" in old.content.decode()
    assert "&lt;script&gt;" in evil.content.decode()
    assert "<script>" not in evil.content.decode()
    assert rows(private_demo) == before


def test_a_reader_looks_and_writes_nothing_and_a_stranger_finds_nothing(private_demo):
    reader = private_demo.client("other")
    missing, foreign = reader.get("/portfolios/none/imports/"), reader.get(PAGE)
    staging.grant(private_demo, "other", private_demo.public_id)

    page, written = reader.get(PAGE), upload(reader)

    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert (page.status_code, 'type="file"' in page.content.decode()) == (200, False)
    assert written.status_code == 403
    assert Client().get(PAGE)["Location"] == f"/login/?next={PAGE}"


def test_a_form_without_its_token_or_too_large_is_refused(private_demo):
    client = Client(enforce_csrf_checks=True)
    client.force_login(private_demo.user("owner"))

    assert upload(client).status_code == 403
    assert client.post(PAGE, {"undo": "0" * 16}).status_code == 403
    assert upload(client, " " * (MAX_BYTES + 100_000)).status_code == 413


@pytest.mark.parametrize("method", ["put", "delete"])
def test_no_other_method_is_taken(demo, method):
    assert getattr(demo.client("owner"), method)(PAGE).status_code == 405
