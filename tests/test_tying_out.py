"""Ledger and database against each other: at entry, in the night, by edits of either, and a history that was rewritten."""

import io
import random
from dataclasses import replace
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone
from dulwich.objects import ObjectID
from dulwich.refs import DiskRefsContainer

from execution import executor
from execution.night import attempts
from execution.patterns import publishing
from execution.tests.staging import by_force
from portfolio import books
from portfolio.books import balances, pack_prices, reconciliation, writer
from portfolio.ledger import reader
from portfolio.ledger.repository import BRANCH, LedgerRepository, LedgerRewritten, LedgerUnavailable
from portfolio.ledger.screening import Finding
from portfolio.models import Break, LedgerRevision, Lot, Portfolio, Reconciliation, Transaction
from pricing import market, packs
from tests import small
from tests.small import WEEK
from tests.test_night import SPLIT_ENTRY

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]

SALE = """
2020-01-09 * "Sell" "Sell 4 OAK"
  id: "S4"
  Assets:Shares:OAK  -4 OAK {} @ 104 USD
  Assets:Cash:USD  416.00 USD
  Income:Realised
"""
HIGHER = small.PURCHASE.replace("B1", "B3").replace("2020-01-07", "2020-01-08").replace("101", "102").replace(
    "-1015.00", "-1025.00"
)  # fmt: skip


def overview():
    for document in publishing.read_library().values():
        publishing.publish(document)
    return executor.execute(
        executor.Request("portfolio_overview", {}, portfolio_id=small.portfolio().pk),
        user=get_user_model().objects.get(username="anna"),
    )


def push(text, slug="small", *, expected=None):
    """Past our own writer."""
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        return repository.commit(
            slug, {"main.beancount": text.encode()}, message="pushed", author="somebody", at=timezone.now(),
            expected_head=expected or repository.head(),
        )  # fmt: skip


# --- at entry


def test_an_entry_is_reconciled_before_the_answer_and_used_at_once(begun, tmp_path):
    policy = small.policy()
    first = LedgerRevision.objects.get()
    assert first.status == "read"  # there was no pack to compare at
    small.night(policy)

    told = small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE)

    assert (told["revision"], told["status"], told["breaks"]) == (2, "reconciled", [])
    row = Reconciliation.objects.get(revision__number=2)
    assert (row.pack.asof_date, row.status, row.error_bp, row.compared) == (WEEK[-1], "pass", 0, 4)
    served = overview()
    assert served.metadata["ledger_commit_hash"] == told["commit"]
    assert not [each for each in served.metadata["warnings"] if "revision" in each]


def test_an_entry_whose_books_differ_is_broken_by_name_and_the_one_before_answers_with_a_warning(after_night, tmp_path):
    folder = small.ledger(tmp_path / "small", small.LEDGER + SPLIT_ENTRY)

    with pytest.raises(CommandError, match="SPLIT_MISMATCH Assets:Shares:OAK OAK ledger 2"):
        call_command("import_ledger", str(folder), stdout=io.StringIO())

    broken = LedgerRevision.objects.get(number=2)
    assert broken.status == "broken"
    (found,) = Break.objects.all()
    assert (found.kind, found.commodity, found.ledger_value, found.database_value) == ("SPLIT_MISMATCH", "OAK", 2, None)
    assert "only the ledger knows it" in found.detail
    assert any("newest revision 2 is broken" in each for each in overview().metadata["warnings"])

    mended = small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE)

    assert (mended["revision"], mended["status"]) == (3, "reconciled")


def test_what_is_dated_after_the_newest_pack_is_compared_by_its_balances(begun, tmp_path, monkeypatch):
    policy = small.policy()
    small.night(policy, last=WEEK[0])
    assert small.take_in(tmp_path, small.LEDGER + "\n; nothing new\n")["status"] == "reconciled"

    real = balances.by_day

    def without_small_holdings(revision, days):
        for day in real(revision, days):
            yield replace(day, units={key: units for key, units in day.units.items() if units > 100})

    monkeypatch.setattr(balances, "by_day", without_small_holdings)
    told = small.take_in(tmp_path, small.LEDGER + "\n; nothing new again\n")

    assert told["status"] == "broken"
    assert "MISSING_POSITION Assets:Shares:OAK OAK ledger 10, database 0" in told["breaks"][0]
    assert told["breaks"][0].endswith("at 2020-01-07")


def test_a_security_without_a_price_at_the_pack_is_no_difference_of_the_books(empty, tmp_path):
    policy = small.begin(tmp_path, without=tuple(f"{day},ELM" for day in WEEK))
    small.night(policy)

    told = small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE)

    row = Reconciliation.objects.get(revision__number=2)
    assert (told["status"], row.status, row.error_bp, row.ledger_value) == ("reconciled", "pass", None, None)


DEAREST, LAST = (
    HIGHER.replace("B3", name).replace("102", price).replace("-1025.00", paid)
    for name, price, paid in (("B4", "105", "-1055.00"), ("B5", "100", "-1005.00"))
)
LEFT = {
    # Of 10 at 101, and a day later 10 at 105 and 10 at 100, 4 are sold.
    "FIFO": "2656",  # 6 x 101 + 10 x 105 + 10 x 100
    "LIFO": "2660",  # 10 x 101 + 10 x 105 + 6 x 100
    "HIFO": "2640",  # 10 x 101 + 6 x 105 + 10 x 100
    "AVERAGE": "2652",  # 26 x 3,060 / 30
}


@pytest.mark.parametrize("method", ["LIFO", "HIFO", "AVERAGE"])
def test_a_portfolio_that_books_otherwise_than_beancount_is_checked_by_a_second_computation(method, begun, tmp_path):
    policy = small.policy()
    Portfolio.objects.update(booking_method=method)
    small.night(policy)

    told = small.take_in(tmp_path, (small.LEDGER + DEAREST + LAST + SALE).replace('OAK "FIFO"', "OAK"))

    revision = LedgerRevision.objects.get(number=2)
    lots = [each for each in books.load(small.portfolio(), revision).lots if each.is_open(WEEK[-1])]
    assert (told["status"], told["breaks"]) == ("reconciled", [])
    assert sum(each.quantity * each.unit_cost for each in lots) == Decimal(LEFT[method])

    pack = packs.resolve(policy=policy)
    asked = {
        "packs": [pack],
        "prices": pack_prices.load([pack], policy.pivot),
        "actions": [],
        "stated": writer.read_statement(portfolio=small.portfolio(), revision=revision),
    }
    edit = "UPDATE portfolio_lot SET unit_cost = unit_cost + 0.1 WHERE valid_to IS NULL AND removed_in IS NULL"
    assert by_force(begun, edit, []) == len(lots)
    (found,) = reconciliation.compare(portfolio=small.portfolio(), revision=revision, **asked)

    (cost,) = found.breaks
    assert (cost.kind, cost.account, cost.commodity) == ("COST_MISMATCH", "Assets:Shares:OAK", "OAK")
    assert (cost.ledger_value, cost.difference) == (Decimal(LEFT[method]), Decimal("2.6"))


def test_an_account_that_the_ledger_opens_with_a_method_goes_by_it_but_in_an_average_portfolio(after_night, tmp_path):
    for number, (method, left) in enumerate({"HIFO": "2656", "AVERAGE": "2652"}.items(), 2):
        Portfolio.objects.update(booking_method=method)

        told = small.take_in(tmp_path, small.LEDGER + DEAREST + LAST + SALE + f"\n; {method}\n")

        lots = books.load(small.portfolio(), LedgerRevision.objects.get(number=number)).lots
        assert (told["status"], told["breaks"]) == ("reconciled", [])
        assert sum(each.quantity * each.unit_cost for each in lots if each.is_open(WEEK[-1])) == Decimal(left)


# --- a folder that did not change


def test_a_night_has_the_ledger_loaded_again_though_nothing_changed(begun, monkeypatch):
    policy = small.policy()
    small.night(policy, last=WEEK[2])
    real, loaded = reader.read, []

    def read(files, **how):
        loaded.append(files)
        return real(files, **how)

    monkeypatch.setattr(reader, "read", read)
    small.night(policy, first=WEEK[3])

    assert len(loaded) == Portfolio.objects.count()
    assert Reconciliation.objects.filter(status="pass").count() == 5


def test_a_ledger_that_beancount_no_longer_accepts_is_no_pass(begun, monkeypatch):
    """Though the rows are of the same commit: what the read that made them said is not what is compared."""
    policy = small.policy()
    small.night(policy, last=WEEK[2])

    def read(files, **how):
        raise reader.LedgerIncorrect((Finding("main.beancount", 7, "does not balance"),))

    monkeypatch.setattr(reader, "read", read)
    with pytest.raises(attempts.JobFailed):
        small.night(policy, first=WEEK[3])

    assert Reconciliation.objects.filter(status="pass").count() == 3
    (last,) = Break.objects.filter(reconciliation__pack__asof_date=WEEK[3])
    assert (last.kind, last.detail) == ("LEDGER_UNREADABLE", "main.beancount:7: does not balance")


# --- edits of the database (a thousand of the comparison alone are in portfolio/tests/test_reconciliation.py)


@pytest.fixture
def compared(private_demo):
    """The comparison of the public portfolio at the demo's last pack, made anew at each call."""
    portfolio = Portfolio.objects.select_related("policy").get(slug="public")
    revision, pack = books.newest_reconciled(portfolio), packs.resolve(policy=portfolio.policy)
    prices, actions = pack_prices.load([pack], portfolio.policy.pivot), market.actions(pack)
    theirs = writer.read_statement(portfolio=portfolio, revision=revision)

    def compare():
        (found,) = reconciliation.compare(
            portfolio=portfolio, revision=revision, packs=[pack], prices=prices, actions=actions, stated=theirs
        )
        return found

    return compare


EDITS = {
    "quantity": ("UPDATE {lots} SET quantity = quantity + %s WHERE id = %s", "0.0000001", {"QUANTITY_MISMATCH"}),
    "whole unit": ("UPDATE {lots} SET quantity = quantity + %s WHERE id = %s", "1", {"QUANTITY_MISMATCH"}),
    "cost": ("UPDATE {lots} SET unit_cost = unit_cost + %s / quantity WHERE id = %s", "0.011", {"COST_MISMATCH"}),
    "cost, below": ("UPDATE {lots} SET unit_cost = unit_cost + %s / quantity WHERE id = %s", "0.009", set()),
    "lost": ("DELETE FROM {lots} WHERE quantity > %s AND id = %s", "0", {"QUANTITY_MISMATCH", "COST_MISMATCH"}),
    "later": (
        "UPDATE {lots} SET valid_from = '2013-03-01'::date + %s::int WHERE id = %s",
        "5",
        {"QUANTITY_MISMATCH", "COST_MISMATCH"},
    ),
    "cash": ("UPDATE {rows} SET amount = amount + %s WHERE id = %s", "0.011", {"CASH_MISMATCH"}),
    "cash, below": ("UPDATE {rows} SET amount = amount + %s WHERE id = %s", "-0.009", set()),
    "currency": ("UPDATE {rows} SET currency = 'GBP', tax = tax + %s WHERE id = %s", "0", {"CASH_MISMATCH"}),
}


def test_edits_of_the_rows_are_found_and_named_and_small_ones_are_silent(private_demo, compared):
    """36 seeded ones, each undone before the next, as superuser with the triggers off."""
    chance = random.Random(46)
    ids = {
        "lots": list(books.rows_of_revisions(Lot.objects.all(), [LedgerRevision.objects.get(portfolio__slug="public")])
                     .filter(valid_to=None).values_list("id", "account", "security__symbol")),
        "rows": list(Transaction.objects.filter(portfolio__slug="public", kind__in=("buy", "sell", "dividend"))
                     .values_list("id", "account", "currency")),
    }  # fmt: skip
    assert compared().breaks == ()
    for number in range(36):
        name = list(EDITS)[number % len(EDITS)]
        statement, by, expected = EDITS[name]
        table = "lots" if "{lots}" in statement else "rows"
        pk, account, commodity = chance.choice(ids[table])
        real = {"lots": "portfolio_lot", "rows": "portfolio_transaction"}[table]
        kept = by_force(private_demo, f"CREATE TABLE kept_{number} AS SELECT * FROM {real} WHERE id = %s", [pk])
        assert kept == 1
        assert by_force(private_demo, statement.format(lots=real, rows=real), [Decimal(by), pk]) == 1

        found = [each for each in compared().breaks if each.kind != "VALUATION_MISMATCH"]

        # One lot of several that is gone leaves less than there was; the only one leaves nothing.
        kinds = {each.kind.replace("MISSING_POSITION", "QUANTITY_MISMATCH") for each in found}
        assert expected <= kinds if expected else not found, (name, found)
        if expected:
            assert {each.commodity for each in found} >= {commodity}, name
            assert all(each.difference for each in found)
            assert table == "rows" or {each.account for each in found} == {account}
        by_force(private_demo, f"DELETE FROM {real} WHERE id = %s", [pk])
        by_force(private_demo, f"INSERT INTO {real} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{number}")
    assert compared().breaks == ()


# --- history moves only forward


def test_a_forced_push_stops_the_night_and_names_the_commit_that_is_gone(begun, tmp_path):
    policy = small.policy()
    small.night(policy, last=WEEK[2])
    base = LedgerRevision.objects.get().commit
    read = small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE)["commit"]
    DiskRefsContainer(settings.LEDGER_PATH)[BRANCH] = ObjectID(base.encode())
    amended = push(small.LEDGER + HIGHER)

    with pytest.raises(attempts.JobFailed, match=f"commit {read} was read, and {amended} does not follow it"):
        small.night(policy, first=WEEK[3])
    with pytest.raises(LedgerRewritten):
        writer.sync(portfolio=small.portfolio())
    with pytest.raises(LedgerRewritten):
        small.take_in(tmp_path, small.LEDGER)

    assert LedgerRevision.objects.count() == 2
    DiskRefsContainer(settings.LEDGER_PATH)[BRANCH] = ObjectID(read.encode())
    assert small.night(policy, first=WEEK[3]).state == "done"


def test_a_head_that_is_detached_or_names_another_branch_changes_nothing(begun):
    policy = small.policy()
    (settings.LEDGER_PATH / "HEAD").write_text("0" * 40 + "\n")

    assert small.night(policy, last=WEEK[1]).state == "done"
    (settings.LEDGER_PATH / "HEAD").write_text("ref: refs/heads/other\n")
    assert small.night(policy, first=WEEK[2]).state == "done"


def test_a_shallow_clone_is_named_where_its_history_ends(begun):
    policy = small.policy()
    first = LedgerRevision.objects.get().commit
    push(small.LEDGER + small.SECOND_PURCHASE)
    (settings.LEDGER_PATH / "objects" / first[:2] / first[2:]).unlink()
    (settings.LEDGER_PATH / "shallow").write_text(first + "\n")

    with pytest.raises(LedgerUnavailable, match=first):
        writer.sync(portfolio=small.portfolio())
    with pytest.raises(attempts.JobFailed, match=first):
        small.night(policy)


def test_a_commit_while_the_night_reads_is_of_the_next_night(begun, monkeypatch):
    policy = small.policy()
    anna = get_user_model().objects.get(username="anna")
    Portfolio.objects.create(slug="zebra", name="Z", owner=anna, base_currency="CAD", policy=policy)
    before = push(small.LEDGER, slug="zebra")
    real = reconciliation.reconcile

    def interrupted(*, portfolio, **how):
        found = real(portfolio=portfolio, **how)
        if portfolio.slug == "small" and LedgerRevision.objects.filter(portfolio=portfolio).count() == 1:
            push(small.LEDGER + small.SECOND_PURCHASE)
            push(small.LEDGER + HIGHER, slug="zebra")
        return found

    monkeypatch.setattr(reconciliation, "reconcile", interrupted)
    small.night(policy, last=WEEK[2])

    assert LedgerRevision.objects.get(portfolio__slug="zebra").commit == before
    monkeypatch.undo()
    small.night(policy, first=WEEK[3])
    newest = LedgerRevision.objects.filter(number=2)
    assert {each.portfolio.slug: each.status for each in newest} == {"small": "reconciled", "zebra": "reconciled"}


def test_a_commit_from_before_is_answered_by_the_revision_that_it_was(begun, tmp_path):
    first = LedgerRevision.objects.get()
    second = small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE)

    assert writer.sync(portfolio=small.portfolio(), commit=first.commit) == first
    assert writer.sync(portfolio=small.portfolio()).number == second["revision"]
    assert LedgerRevision.objects.count() == 2
