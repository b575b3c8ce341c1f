"""POST /v1/portfolios/{id}/imports, and its list and undo. As the web: role app."""

import json
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction
from django.test import Client

from config import scope
from execution.tests import staging
from portfolio.ledger.importing.rows import MAX_BYTES
from portfolio.ledger.importing.tests.test_formats import fixture
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import LedgerRevision, Lot, Transaction

pytestmark = pytest.mark.usefixtures("read_once")

HEADER = "date,type,symbol,quantity,unit_price,fee,currency\n"
GOOD = HEADER + "2013-01-02,BUY,AAPL,10,70.5,5,USD\n2013-01-03,SELL,AAPL,4,71,5,USD\n"
BAD = HEADER + "2013-01-02,BUY,APPL,10,70.5,5,USD\n2013-01-03,SELL,AAPL,-4,71,5,USD\n"


@pytest.fixture
def site(private_demo):
    return private_demo


def address(demo, *more):
    return "/".join([f"/v1/portfolios/{demo.public_id}/imports", *more])


def ask(demo, username, method="post", *more, content=GOOD, url=None, **fields):
    headers = {"Authorization": f"Bearer {demo.token(username)}"} if username else {}
    url = url or address(demo, *more)
    if method != "post":
        return getattr(Client(), method)(url, headers=headers)
    file = SimpleUploadedFile("trades.csv", content if isinstance(content, bytes) else content.encode())
    return Client().post(url, {"file": file, **fields}, headers=headers)


def tree():
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        return repository.tree_hash(repository.head(), "public")


def rows(demo):
    with demo.role("job"):
        return Transaction.objects.filter(removed_in=None).count(), LedgerRevision.objects.count(), tree()


def test_an_owner_previews_imports_repeats_lists_and_undoes(site):
    before = rows(site)

    preflight = ask(site, "owner", preflight="true")
    after_preflight = rows(site)
    done, again = ask(site, "owner"), ask(site, "owner")
    listed = ask(site, "owner", "get").json()["imports"]
    came = rows(site)
    undone = ask(site, "owner", "delete", done.json()["import_id"])

    assert (preflight.status_code, preflight.json()["status"], preflight.json()["added"]) == (200, "preflight", 2)
    assert after_preflight == before
    assert (done.status_code, done.json()["status"], done.json()["added"]) == (201, "imported", 2)
    assert (done.json()["revision_status"], done.json()["breaks"]) == ("reconciled", [])
    assert (again.status_code, again.json()["status"], again.json()["known"]) == (200, "unchanged", 2)
    assert [(each["file"], each["rows"], each["sha256"]) for each in listed] == [
        ("trades.csv", 2, done.json()["sha256"])
    ]
    assert (came[0], came[1]) == (before[0] + 2, before[1] + 1)
    assert (undone.status_code, rows(site)[0], tree()) == (200, before[0], before[2])
    assert ask(site, "owner", "delete", done.json()["import_id"]).json()["type"] == "import-not-found"


def test_what_is_wrong_is_told_by_row_column_reason_and_suggestion_and_nothing_is_written(site):
    before = rows(site)

    refused, preflight = ask(site, "owner", content=BAD), ask(site, "owner", content=BAD, preflight="true")

    body = refused.json()
    assert (refused.status_code, refused["Content-Type"], body["type"]) == (
        (400, "application/problem+json", "invalid-request")
    )
    assert body["errors"] == [
        {
            "pointer": "/file",
            "row": 2,
            "column": "symbol",
            "value": "APPL",
            "reason": "is no known security",
            "suggestion": "perhaps AAPL, or load its market data first",
        },
        {
            "pointer": "/file",
            "row": 3,
            "column": "quantity",
            "value": "-4",
            "reason": "is negative",
            "suggestion": "the type gives the direction: sell, withdrawal, fee",
        },
    ]
    assert (preflight.status_code, [each["row"] for each in preflight.json()["findings"]]) == (200, [2, 3])
    unknown = ask(site, "owner", content=BAD.replace("-4", "4")).json()["errors"]
    assert [(each["row"], each["reason"], each["suggestion"]) for each in unknown] == [
        (2, "is no known security", "perhaps AAPL, or load its market data first")
    ]
    assert rows(site) == before


def test_nobody_writes_to_a_portfolio_that_is_not_his(site):
    before = rows(site)
    missing = ask(site, "other", url=f"/v1/portfolios/{uuid4()}/imports")
    foreign = ask(site, "other")
    anonymous = ask(site, None)
    staging.grant(site, "other", site.public_id)

    reader = ask(site, "other")
    undo = ask(site, "other", "delete", "0" * 16)
    listed = ask(site, "other", "get")

    def said(answer):
        return answer.status_code, {key: value for key, value in answer.json().items() if key != "request_id"}

    assert said(foreign) == said(missing)
    assert (foreign.status_code, foreign.json()["type"], anonymous.status_code) == (404, "portfolio-not-found", 401)
    assert [(each.status_code, each.json()["type"]) for each in (reader, undo)] == [(403, "forbidden")] * 2
    assert listed.status_code == 200
    assert rows(site) == before


@pytest.mark.parametrize("model", [LedgerRevision, Transaction, Lot])
def test_the_database_lets_a_reader_write_nothing_either(site, model):
    staging.grant(site, "other", site.public_id)
    with scope.acting_as(site.user("other")), transaction.atomic():
        row = model.objects.filter(portfolio=site.public_id).order_by("pk").first()
    row.pk = None
    if model is LedgerRevision:
        row.number += 1

    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        scope.acting_as(site.user("other")),
        transaction.atomic(),
    ):
        row.save(force_insert=True)


def test_limits_and_forms_are_strict(site):
    large = ask(site, "owner", content=b" " * (MAX_BYTES + 1))
    huge = Client().post(
        address(site),
        b"x",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(100 * 1024 * 1024),
        headers={"Authorization": f"Bearer {site.token('owner')}"},
    )
    wrong = ask(site, "owner", format="excel", preflight="perhaps", dry="yes")
    plain = Client().post(
        address(site), GOOD, content_type="text/csv", headers={"Authorization": f"Bearer {site.token('owner')}"}
    )
    none = Client().post(address(site), {}, headers={"Authorization": f"Bearer {site.token('owner')}"})

    assert [(each.status_code, each.json()["type"]) for each in (large, huge)] == [(413, "too-large")] * 2
    assert sorted(each["pointer"] for each in wrong.json()["errors"]) == ["/dry", "/format", "/preflight"]
    assert (plain.status_code, none.status_code, none.json()["errors"][0]["pointer"]) == (415, 400, "/file")


@pytest.mark.role("job")
def test_the_commands_do_the_same(site, tmp_path, capsys):
    file, bad, link = tmp_path / "trades.csv", tmp_path / "bad.csv", tmp_path / "link.csv"
    file.write_text(GOOD)
    bad.write_text(BAD)
    link.symlink_to(file)
    before = rows(site)

    call_command("import_transactions", str(file), "--portfolio", "public", "--dry-run")
    assert "2 new, 0 there already" in capsys.readouterr().out
    assert rows(site) == before
    for wrong, line in ((bad, "bad.csv: row 3, quantity: is negative"), (link, "link.csv: file: is a link")):
        with pytest.raises(CommandError, match="nothing was imported"):
            call_command("import_transactions", str(wrong), "--portfolio", "public")
        assert line in capsys.readouterr().err
    with pytest.raises(CommandError, match="2 findings; nothing would be imported"):
        call_command("import_transactions", str(bad), "--portfolio", "public", "--dry-run")
    call_command("import_transactions", str(file), "--portfolio", "public", "--json")
    assert rows(site)[0] == before[0] + 2
    call_command("undo_import", "--portfolio", "public")

    assert "trades.csv (2 rows) is undone" in capsys.readouterr().out
    assert rows(site)[2] == before[2]


@pytest.mark.role("job")
def test_a_file_with_every_kind_ties_out_at_once(site, tmp_path, capsys):
    text = fixture("tieout-csv", "good").read_text().replace("2020-", "2012-").replace("2015-", "2007-")
    for made, real in (("OAK", "AAPL"), ("ELM", "IBM"), ("ASH", "MSFT"), ("FIR", "GOOG")):
        text = text.replace(made, real)
    file = tmp_path / "every.csv"
    file.write_text(text)

    command = ["import_transactions", str(file), "--portfolio", "new", "--owner", "other", "--base", "CAD", "--json"]

    with pytest.raises(CommandError, match="would differ: SPLIT_MISMATCH"):
        call_command(*command, "--dry-run")
    looked = json.loads(capsys.readouterr().out)
    with pytest.raises(CommandError, match="differ: SPLIT_MISMATCH"):
        call_command(*command)

    told = json.loads(capsys.readouterr().out)
    # All ties out but the split, which is made up: the pack knows of none. The preview has said so.
    assert [each.partition(" ledger")[0] for each in told["breaks"]] == ["SPLIT_MISMATCH Assets:Broker:AAPL AAPL"]
    assert looked["breaks"] == told["breaks"]
    assert (looked["status"], told["revision_status"]) == ("preflight", "broken")
    assert "the revision is broken" in told["message"]
    assert told["notes"] == [
        "splits of AAPL: the loaded prices have one of 2 new for 1 old on 2000-06-21 and one of 2 new for 1 old on 2005-02-28;"
        " book each on its day, and no other"
    ]


SHORT = HEADER.replace("currency", "currency,account") + (
    "2013-01-02,BUY,AAPL,10,70.5,5,USD,Depot\n2013-01-03,TRANSFER_OUT,AAPL,4,,,USD,Depot\n"
    "2013-01-07,TRANSFER_IN,AAPL,4,71,,USD,Other\n"
)


def test_what_a_file_alone_can_not_tell_is_told_by_the_fields_of_the_form(site):
    before = rows(site)

    looked = ask(site, "owner", content=SHORT, preflight="true").json()
    margin = ask(site, "owner", content=SHORT, preflight="true", margin=["Depot", "Other"]).json()
    done = ask(site, "owner", content=SHORT, infer_deposits="true", confirm_transfers="true").json()

    assert looked["shortfalls"] == [
        {
            "account": "Assets:Depot",
            "name": "Depot",
            "currency": "USD",
            "balance": "-710.00",
            "lowest": "-710.00",
            "lowest_on": "2013-01-02",
            "text": "Depot: cash would be \N{MINUS SIGN}710.00 USD",
        }
    ]
    assert looked["unconfirmed_transfers"] == [{"out_row": 3, "in_row": 4}]
    assert (margin["shortfalls"], margin["findings"]) == ([], [])
    assert (done["revision_status"], done["added"], done["shortfalls"]) == ("reconciled", 2, [])
    assert "deposits of 710.00 USD in all are inferred" in done["warnings"]
    with site.role("job"):
        own = Transaction.objects.filter(kind="transfer", date__gte="2013-01-03", removed_in=None).order_by("date")
        assert [row.to_account for row in own] == ["Assets:InTransit:AAPL", "Assets:Other:AAPL"]
    undone = ask(site, "owner", "delete", done["import_id"])
    assert (undone.status_code, rows(site)[0], tree()) == (200, before[0], before[2])


@pytest.mark.role("job")
def test_the_terminal_tells_what_only_json_would(site, tmp_path, capsys):
    file = tmp_path / "short.csv"
    file.write_text(SHORT)
    words = ("import_transactions", str(file), "--portfolio", "public")

    call_command(*words, "--dry-run")
    looked = capsys.readouterr()
    call_command(*words, "--infer-deposits", "--confirm-transfers")
    done = capsys.readouterr()

    assert "short.csv: Depot: cash would be \N{MINUS SIGN}710.00 USD" in looked.err
    assert "(row 3) and as many come on 2013-01-07 (row 4)" in looked.err
    assert "--infer-deposits" in looked.out
    assert "--confirm-transfers" in looked.out
    assert "short.csv: deposits of 710.00 USD in all are inferred" in done.err
    assert "imported; figures include it from now on" in done.out


@pytest.mark.role("job")
def test_a_portfolio_is_opened_with_its_first_file(site, tmp_path):
    file = tmp_path / "trades.csv"
    file.write_text(GOOD)

    call_command("import_transactions", str(file), "--portfolio", "new", "--owner", "other", "--base", "USD")

    assert Transaction.objects.filter(portfolio__slug="new", portfolio__owner__username="other").count() == 2
