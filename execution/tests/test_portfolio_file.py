"""A whole portfolio goes out as one file and comes in elsewhere: the same folders, the same figures, nothing of anybody else."""

import csv
import io
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from execution.tests import staging
from execution.tests.test_exports_api import send
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import LedgerRevision, Portfolio

DEPOSIT = """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD                   10.00 CAD
  Equity:External                         -10.00 CAD
"""


@pytest.fixture
def amended(private_demo):
    """The demo with a second revision."""
    staging.amend_ledger(private_demo, DEPOSIT)
    return private_demo


@pytest.fixture
def written(amended, tmp_path):
    path = tmp_path / "public.zip"
    with amended.role("job"):
        call_command("export_portfolio", "public", str(path), stdout=io.StringIO())
    return path


def revisions(world):
    with world.role("job"):
        rows = LedgerRevision.objects.filter(portfolio__slug="public").order_by("number")
        return [(row.tree_hash, row.status) for row in rows]


def forget(world):
    """As if nobody had ever entered a ledger here; the market data stay."""
    staging.by_force(world, "TRUNCATE portfolio_portfolio, execution_execution CASCADE")


def test_what_is_taken_in_elsewhere_has_the_same_folders_and_the_same_figures(amended, written, tmp_path):
    before, figures = revisions(amended), amended.ask().json()
    forget(amended)

    with override_settings(LEDGER_PATH=tmp_path / "elsewhere.git"):
        with amended.role("job"):
            call_command("import_portfolio", str(written), owner="owner", stdout=io.StringIO())
        after, again = revisions(amended), amended.ask().json()
        with LedgerRepository(tmp_path / "elsewhere.git") as ledger:
            folders = {ledger.slugs(commit) for commit in ledger.history()}

    assert [tree for tree, _ in after] == [tree for tree, _ in before]
    assert len(after) == 2
    assert after[-1][1] == "reconciled"
    assert again["result"] == figures["result"]
    assert folders == {("public",)}


def test_the_file_holds_nothing_of_another_portfolio(written):
    with zipfile.ZipFile(written) as archive:
        names = archive.namelist()
        facts = json.loads(archive.read("portfolio.json"))
        rows = list(csv.DictReader(io.StringIO(archive.read("transactions.csv").decode())))
        archive.extractall(written.parent / "out")

    with LedgerRepository(written.parent / "out" / "ledger.git") as ledger:
        folders = {ledger.slugs(commit) for commit in ledger.history()}
    assert folders == {("public",)}
    assert names == sorted(set(names), key=names.index)
    assert (facts["slug"], len(facts["revisions"])) == ("public", 2)
    assert "T999999" in {row["id"] for row in rows}


def test_equal_portfolios_are_equal_bytes(amended, written, tmp_path):
    again = tmp_path / "again.zip"
    with amended.role("job"):
        call_command("export_portfolio", "public", str(again), stdout=io.StringIO())

    assert again.read_bytes() == written.read_bytes()


def test_the_ledger_may_refuse_and_then_no_file_is_left(amended, tmp_path):
    staging.decide_rights(amended, "ledger", "deny", use="json")

    with amended.role("job"), pytest.raises(CommandError, match="Own ledger does not allow json"):
        call_command("export_portfolio", "public", str(tmp_path / "x.zip"))

    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("damage", ["no zip", "way out", "other form", "there already"])
def test_a_file_that_is_none_of_ours_is_refused_and_nothing_is_taken_in(amended, written, tmp_path, damage):
    with zipfile.ZipFile(written) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    if damage != "there already":
        forget(amended)
    if damage == "way out":
        held["ledger.git/../../out"] = b"x"
    if damage == "other form":
        held["portfolio.json"] = b'{"form": 9}'
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    if damage == "no zip":
        path.write_bytes(b"PK nothing")
    with amended.role("job"):
        count = Portfolio.objects.count()

        with override_settings(LEDGER_PATH=tmp_path / "elsewhere.git"), pytest.raises(CommandError):
            call_command("import_portfolio", str(path), owner="owner")

        assert Portfolio.objects.count() == count


def test_the_owner_downloads_it_and_nobody_else(amended):
    staging.grant(amended, "other", amended.public_id)

    answers = {
        name: send(amended, "GET", f"/v1/portfolios/{amended.public_id}/file", username=name)
        for name in ("owner", "other", "staff")
    }

    assert {name: answer.status_code for name, answer in answers.items()} == {"owner": 200, "other": 403, "staff": 404}
    assert answers["owner"].whole.startswith(b"PK")
    assert answers["owner"]["Content-Disposition"] == 'attachment; filename="public.zip"'
