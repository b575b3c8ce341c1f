"""The imports in a browser: upload, preview, confirm, undo; and what is shown to whom."""

import re
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from execution.tests import staging
from execution.tests.test_imports_api import BAD, GOOD, HEADER, SHORT, rows
from execution.tests.test_rights_doors import PRICES
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
    assert 'href="/portfolios/public/portfolio_overview/">See the new value</a>' in done.content.decode()
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


def test_all_that_is_wrong_in_any_layer_stands_at_once_beside_the_rows_as_written(private_demo):
    client, before = private_demo.client("owner"), rows(private_demo)
    layers = (
        GOOD
        + "2013-01-04,SELL,IBM,-4,71,5,USD\n"  # can't be read
        + "2013-01-04,BUY,MSTF,4,71,5,USD\n"  # names nothing that is known
        + "2013-01-04,SELL,AAPL,99999999,71,5,USD\n"  # is more than the ledger holds
        + "2004-01-01,DEPOSIT,,1,9,,CAD\n"  # contradicts what the ledger states
    )

    shown = upload(client, layers)

    text = shown.content.decode()
    assert shown.status_code == 400
    told = ("is negative", "perhaps MSFT", "is more than is held", "the ledger states that Broker holds 3,953.02 CAD")
    assert [text.count(words) for words in told] == [1, 1, 1, 1]
    assert "<code><bdi>2013-01-04,SELL,IBM,-4,71,5,USD</bdi></code>" in text
    assert 'aria-current="step">Check' in text
    assert rows(private_demo) == before


def test_what_follows_from_a_row_that_is_refused_is_not_told_as_well(private_demo):
    bought_and_sold = HEADER + "2013-01-02,BUY,GOOG,-5,70,5,USD\n2013-01-03,SELL,GOOG,5,71,5,USD\n"

    text = upload(private_demo.client("owner"), bought_and_sold).content.decode()

    assert "is negative" in text
    assert "is more than is held" not in text


def test_rows_that_are_ticked_are_left_out_of_the_import(private_demo):
    client, before = private_demo.client("owner"), rows(private_demo)
    shown = upload(client, GOOD + "2013-01-04,SELL,IBM,-4,71,5,USD\n")

    again = client.post(PAGE, {"look": button(shown, "look"), "leave_out": "4"})
    done = client.post(
        PAGE, {"confirm": button(again, "confirm"), "leave_out": button(again, "leave_out")}, follow=True
    )

    assert "Left out: row 4." in again.content.decode()
    assert "2 transactions of <bdi>trades.csv</bdi> are in the ledger now." in done.content.decode()
    assert rows(private_demo)[0] == before[0] + 2


def test_a_balance_that_the_ledger_states_is_told_in_the_owners_words_beside_the_row_that_moves_it(private_demo):
    text = upload(private_demo.client("owner"), HEADER + "2002-12-31,BUY,IBM,1,70,,USD\n").content.decode()

    # demo/ledger/public/main.beancount: 2003-01-02 balance Assets:Broker:USD:IBM  116 IBM
    assert "the ledger states that Broker holds 116 IBM at the start of 2003-01-02" in text
    assert "it would hold 117 IBM, 1 too much" in text
    assert text.count("the ledger states that") == 2  # of IBM and of USD, each once though later years state them, too
    assert "<code><bdi>2002-12-31,BUY,IBM,1,70,,USD</bdi></code>" in text
    assert "leave it out if the ledger has it already" in text


def test_a_preview_has_cash_holdings_and_value_before_and_after(private_demo):
    client = private_demo.client("owner")
    deposit = "date,type,currency,amount\n2013-02-28,deposit,CAD,1000\n"

    shown = upload(client, deposit).content.decode()
    bought = upload(client, GOOD).content.decode()

    found = re.search(r"Value, CAD.*?</tr>", shown, re.DOTALL)
    assert re.findall(r'class="num">([^<]*)<', found[0]) == ["756,411.71", "757,411.71", "+1,000.00"]
    assert re.search(r"Cash, CAD.*?\+1,000\.00", shown, re.DOTALL)
    assert re.search(r'<th scope="row"><bdi>AAPL.*?\+6<', bought, re.DOTALL)  # 10 bought, 4 sold


def test_a_value_that_may_not_be_shown_is_not_in_a_preview_either(private_demo):
    staging.decide_rights(private_demo, PRICES, "deny")

    text = upload(private_demo.client("owner")).content.decode()

    assert f"the terms of {PRICES}" in text
    assert "not known" in text
    assert "756,411.71" not in text


@pytest.mark.parametrize("sent", ["file", "choices"])
def test_a_session_that_ends_in_mid_form_loses_nothing(private_demo, sent):
    client = private_demo.client("owner")
    page = upload(client, SHORT) if sent == "choices" else client.get(PAGE)
    form, token = button(page, "form"), button(page, "look")

    if sent == "file":
        to_log_in = upload(Client(), form=form)
    else:
        to_log_in = Client().post(PAGE, {"form": form, "look": token, "infer_deposits": "on"})
    after = unquote(to_log_in["Location"].partition("next=")[2])
    back = client.get(after)
    staging.grant(private_demo, "other", private_demo.public_id)

    assert to_log_in["Location"].startswith(f"/login/?next={PAGE}%3Fwaiting%3D")
    assert back.status_code == 200
    assert ("2 new, 0 in the ledger" if sent == "file" else 'name="infer_deposits" checked') in back.content.decode()
    assert button(back, "confirm")
    assert private_demo.client("other").get(after).status_code == 403


def test_a_file_without_a_session_waits_for_nobody_who_was_not_given_the_form(private_demo):
    for form in ("", "guessed", "WzEsMl0:1tQ:abc"):
        assert upload(Client(), form=form)["Location"] == f"/login/?next={PAGE}"


def test_names_with_script_or_marks_of_direction_are_text(private_demo):
    client = private_demo.client("owner")
    named = SimpleUploadedFile("<img src=x>\u202egnp.csv", GOOD.encode())

    shown = client.post(PAGE, {"file": named})
    done = client.post(PAGE, {"confirm": button(shown, "confirm")}, follow=True)

    for text in (shown.content.decode(), done.content.decode()):
        assert "<img" not in text
        assert "\u202e" not in text


def test_the_same_file_again_says_which_import_it_came_by(private_demo):
    client = private_demo.client("owner")
    shown = upload(client)
    client.post(PAGE, {"confirm": button(shown, "confirm")})

    again = upload(client).content.decode()

    assert "this file came in already, as <code>" in again


def test_a_form_without_its_token_or_too_large_is_refused(private_demo):
    client = Client(enforce_csrf_checks=True)
    client.force_login(private_demo.user("owner"))

    assert upload(client).status_code == 403
    assert client.post(PAGE, {"undo": "0" * 16}).status_code == 403
    large = upload(client, " " * (MAX_BYTES + 100_000))
    assert (large.status_code, "cut it by years" in large.content.decode()) == (413, True)
    assert 'type="file"' in large.content.decode()
    assert upload(Client(), " " * (MAX_BYTES + 100_000)).status_code == 413


@pytest.mark.parametrize("method", ["put", "delete"])
def test_no_other_method_is_taken(demo, method):
    assert getattr(demo.client("owner"), method)(PAGE).status_code == 405
