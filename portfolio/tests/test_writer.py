"""From an import to rows: what a commit adds, what it leaves alone, and what never becomes one."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portfolio import books, valuation
from portfolio.books import booking_settings, writer
from portfolio.ledger.repository import LedgerMoved, LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import (
    DailyValue,
    LedgerRevision,
    Lot,
    MatchedLot,
    Portfolio,
    RevisionStatus,
    Transaction,
)
from portfolio.performance import daily_values
from pricing import market, packs
from pricing.models import PricingPolicy, Security
from tests import small

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]

AT = datetime(2020, 1, 31, 18, 0, tzinfo=UTC)


@pytest.fixture
def portfolio(empty):
    anna = get_user_model().objects.create_user("anna")
    for symbol in ("OAK", "ELM"):
        Security.objects.create(
            symbol=symbol, name=symbol, currency="USD", price_unit="USD", kind="equity", exchange="XNYS",
            first_date="2020-01-02", source="wood",
        )  # fmt: skip
    return Portfolio.objects.create(
        slug="small", name="Small", owner=anna, base_currency="CAD", policy=PricingPolicy.objects.get()
    )


def take_in(portfolio, text=small.LEDGER, at=AT):
    return writer.take_in(
        portfolio=portfolio, files={"main.beancount": text.encode()}, message="import", author="anna", at=at
    )


def entries():
    """Entry id -> the row's id and the revisions that hold it."""
    return {(row.entry_id, row.introduced_in): (row.pk, row.removed_in) for row in Transaction.objects.order_by("pk")}


def head():
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        return repository.head()


def test_an_import_is_a_commit_a_revision_and_its_rows(portfolio):
    taken = take_in(portfolio)

    revision = LedgerRevision.objects.get()
    assert (taken.added, taken.removed, taken.transactions, taken.is_new) == (3, 0, 3, True)
    assert (revision.number, revision.commit, revision.status) == (1, head(), "read")
    assert set(entries()) == {("D1", 1), ("F1", 1), ("B1", 1)}
    bought = Transaction.objects.get(entry_id="B1")
    assert (bought.security.symbol, bought.quantity, bought.unit_price, bought.fee) == ("OAK", 10, 101, 5)
    assert (bought.file, bought.line) == (
        "main.beancount",
        small.LEDGER[: small.LEDGER.index("2020-01-07 *")].count("\n") + 1,
    )
    lot = Lot.objects.get()
    assert (lot.quantity, lot.unit_cost, lot.cost, lot.valid_to) == (10, 101, 1015, None)


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (Transaction, "security_id"),
        (Transaction, "to_security_id"),
        (Lot, "security_id"),
        (MatchedLot, "security_id"),
    ],
)
def test_a_row_refers_to_a_security_that_is_there(portfolio, model, column):
    sale = """
2020-01-20 * "Sell"
  Assets:Shares:OAK  -1 OAK {} @ 110.00 USD
  Assets:Cash:USD  110.00 USD
  Income:Realised
"""
    take_in(portfolio, small.LEDGER + sale)
    table, columns = model._meta.db_table, [each.column for each in model._meta.concrete_fields if each.column != "id"]
    told = ["0" if name == column else "entry_id || 'x' || id" if name == "entry_id" else name for name in columns]
    nothing = ["NULL" if name == column else each for name, each in zip(columns, told, strict=True)]
    insert = f"INSERT INTO {table} ({', '.join(columns)}) "
    with_it = insert + f"SELECT {', '.join(told)} FROM {table}"
    if model._meta.get_field(column).null:  # an empty reference is one to nothing, and hides no other
        with_it += f" UNION ALL SELECT {', '.join(nothing).replace('|| id', '|| id + 1000')} FROM {table}"

    with pytest.raises(IntegrityError, match=f"foreign key constraint .*{column}"), transaction.atomic():
        connection.cursor().execute(f"SET CONSTRAINTS ALL IMMEDIATE; {with_it}")


def test_an_unchanged_folder_makes_no_revision_and_no_row(portfolio):
    first = take_in(portfolio)
    before = entries()

    again = take_in(portfolio, at=AT.replace(month=2, day=20))

    assert again.revision == first.revision
    assert (again.added, again.removed, again.is_new) == (0, 0, False)
    assert (LedgerRevision.objects.count(), entries()) == (1, before)


def test_a_changed_entry_takes_the_place_of_its_row_and_all_others_stay(portfolio):
    take_in(portfolio)
    before = entries()

    taken = take_in(portfolio, small.LEDGER.replace("-1015.00", "-1014.00").replace("  5.00 USD", "  4.00 USD"))

    after = entries()
    assert (taken.revision.number, taken.added, taken.removed) == (2, 1, 1)
    assert after["D1", 1] == before["D1", 1] == (before["D1", 1][0], None)
    assert after["F1", 1] == before["F1", 1]
    assert after["B1", 1] == (before["B1", 1][0], 2)
    assert after["B1", 2][1] is None
    assert [(row.cost, row.introduced_in, row.removed_in) for row in Lot.objects.order_by("pk")] == [
        (1015, 1, 2),
        (1014, 2, None),
    ]


def test_lines_added_above_move_no_row(portfolio):
    take_in(portfolio)
    before = entries()

    taken = take_in(portfolio, "; a comment\n\n" + small.LEDGER)

    assert (taken.revision.number, taken.added, taken.removed) == (2, 0, 0)
    assert entries() == before


def test_an_entry_that_goes_ends_and_one_that_comes_back_is_another_row(portfolio):
    take_in(portfolio)
    take_in(portfolio, small.ACCOUNTS + small.DEPOSIT + small.CONVERSION)

    take_in(portfolio)

    assert [
        (row.introduced_in, row.removed_in) for row in Transaction.objects.filter(entry_id="B1").order_by("pk")
    ] == [
        (1, 2),
        (3, None),
    ]


def test_an_older_revision_still_finds_its_own_rows(portfolio):
    first = take_in(portfolio).revision
    old = books.load(portfolio, first)

    second = take_in(portfolio, small.LEDGER + small.SECOND_PURCHASE).revision
    take_in(portfolio, small.ACCOUNTS + small.DEPOSIT)

    assert books.load(portfolio, first) == old
    assert [event.kind for event in books.load(portfolio, second).events] == ["deposit", "fx", "buy", "buy"]
    assert len(books.load(portfolio, second).lots) == 2


def test_two_lots_alike_are_told_apart_by_what_opened_them(portfolio):
    take_in(portfolio, small.LEDGER + small.PURCHASE.replace('id: "B1"', 'id: "B9"'))

    assert [(lot.quantity, lot.cost, lot.opened_by) for lot in Lot.objects.order_by("opened_by")] == [
        (10, 1015, "B1"),
        (10, 1015, "B9"),
    ]
    assert Transaction.objects.filter(kind="buy").count() == 2


@pytest.mark.parametrize(
    ("text", "line_of", "said"),
    [
        (small.LEDGER + small.UNBALANCED, "2020-01-09 *", "balance"),
        (small.LEDGER.replace("OAK", "FIR"), "2020-01-07 *", "unknown security FIR"),
        (small.LEDGER.replace("2020-01-07 *", "2020-02-07 *"), "2020-02-07 *", "in the future"),
        ('plugin "evil"\n' + small.LEDGER, "plugin", "plugin"),
        (small.LEDGER.replace('id: "F1"', 'id: "D1"'), '2020-01-06 * "FX"', "id D1 is already"),
        (
            small.ACCOUNTS.replace('currency" "CAD"', 'currency" "USD"') + small.DEPOSIT,
            'option "operating_currency"',
            "the portfolio's base currency is CAD",
        ),
    ],
    ids=["unbalanced", "unknown security", "future", "plugin", "same id", "other base"],
)
def test_what_is_refused_is_named_by_line_and_leaves_neither_commit_nor_row(text, line_of, said, portfolio):
    take_in(portfolio)
    before, commit = entries(), head()

    with pytest.raises(LedgerRefused) as refused:
        take_in(portfolio, text)

    finding = next(each for each in refused.value.findings if said in each.reason)
    assert (finding.file, finding.line) == ("main.beancount", text[: text.index(line_of)].count("\n") + 1)
    assert head() == commit
    assert (entries(), LedgerRevision.objects.count()) == (before, 1)


def test_more_sold_than_held_is_refused(portfolio):
    sale = small.PURCHASE.replace('"B1"', '"S1"').replace("  10 OAK {101 USD}", "  -11 OAK {101 USD}")
    sale = sale.replace("2020-01-07", "2020-01-08").replace("-1015.00", "1106.00")

    with pytest.raises(LedgerRefused):
        take_in(portfolio, small.LEDGER + sale)

    assert not LedgerRevision.objects.exists()


def test_a_race_is_run_again_and_lost_five_times_given_up(portfolio, monkeypatch):
    real, lost = LedgerRepository.commit, []

    def loses(times):
        def commit(self, *args, **how):
            if len(lost) < times:
                lost.append(1)
                raise LedgerMoved(None, "a" * 40)
            return real(self, *args, **how)

        return commit

    monkeypatch.setattr(LedgerRepository, "commit", loses(4))
    taken = take_in(portfolio)
    monkeypatch.setattr(LedgerRepository, "commit", loses(10**6))
    with pytest.raises(LedgerMoved):
        take_in(portfolio, small.LEDGER + small.SECOND_PURCHASE)

    assert taken.revision.number == 1
    assert LedgerRevision.objects.count() == 1


# --- what came in past the writer


def push(text, slug="small"):
    with LedgerRepository.open_or_create(settings.LEDGER_PATH) as repository:
        return repository.commit(
            slug,
            {"main.beancount": text.encode()},
            message="pushed",
            author="b",
            at=AT,
            expected_head=repository.head(),
        )


def test_a_pushed_commit_is_read_once(portfolio):
    take_in(portfolio)
    commit = push(small.LEDGER + small.SECOND_PURCHASE)

    first, again = writer.sync(portfolio=portfolio), writer.sync(portfolio=portfolio)

    assert first == again
    assert (first.number, first.commit, first.status) == (2, commit, "read")
    assert ("B2", 2) in entries()


def test_a_commit_of_another_folder_makes_no_revision_here(portfolio):
    first = take_in(portfolio).revision
    push(small.LEDGER, slug="other")

    assert writer.sync(portfolio=portfolio) == first


def test_a_pushed_commit_that_can_not_be_read_is_broken_and_the_rows_stay(portfolio):
    take_in(portfolio)
    before = entries()
    push(small.LEDGER + small.UNBALANCED)

    broken, again = writer.sync(portfolio=portfolio), writer.sync(portfolio=portfolio)

    assert broken == again
    assert (broken.number, broken.status) == (2, RevisionStatus.BROKEN)
    assert "main.beancount" in broken.reason
    assert entries() == before


def test_the_mend_of_a_broken_commit_is_the_next_revision(portfolio):
    take_in(portfolio)
    push(small.LEDGER + small.UNBALANCED)
    writer.sync(portfolio=portfolio)

    taken = take_in(portfolio, small.LEDGER + small.SECOND_PURCHASE)

    assert (taken.revision.number, taken.added, taken.removed) == (3, 1, 0)


def test_a_portfolio_without_a_folder_is_a_failure(portfolio):
    push(small.LEDGER, slug="other")

    with pytest.raises(writer.PortfolioNotInLedger) as missing:
        writer.sync(portfolio=portfolio)

    assert missing.value.slug == "small"


# --- what is computed from the rows


@pytest.fixture
def computed(demo):
    found = Portfolio.objects.select_related("policy").get(slug="public")
    pack = packs.resolve(policy=found.policy)
    revision = books.newest_reconciled(found)
    return found, pack, revision, valuation.history(books.load(found, revision), market.history(pack))


def test_the_stored_values_are_the_float_of_each_day_to_its_last_bit(computed):
    portfolio, _, revision, life = computed
    stored = dict(DailyValue.objects.filter(portfolio=portfolio, revision=revision).values_list("pack_id", "value"))

    assert {pack: float(value) for pack, value in stored.items()} == dict(
        zip(life.pack_ids, life.value.tolist(), strict=True)
    )


def test_storing_again_adds_nothing(private_demo):
    portfolio = Portfolio.objects.select_related("policy").get(slug="public")
    pack, revision = packs.resolve(policy=portfolio.policy), books.newest_reconciled(portfolio)

    with CaptureQueriesContext(connection) as asked:
        added = daily_values.store(portfolios=[(portfolio, revision)], pack=pack)

    assert (added, len(asked)) == (0, 1)


POOL = """
2020-01-01 custom "tieout" "booking-method" "AVERAGE"
2020-01-01 custom "tieout" "fees-in-cost" FALSE
2020-01-01 custom "tieout" "trade-fx" "fixing"
2020-01-08 * "Buy" "five more"
  id: "B2"
  fx_trade: "USDCAD=1.31"
  Assets:Shares:OAK  5 OAK {110 USD}
  Assets:Cash:USD  -550 USD
"""


def test_what_the_ledger_chooses_is_what_its_lots_are_derived_by_and_a_book_is_counted_by(portfolio):
    before = take_in(portfolio).revision

    after = take_in(portfolio, small.LEDGER + POOL).revision

    chosen = {"booking_method": "AVERAGE", "fees_in_cost": False, "trade_fx": "fixing", "rules": booking_settings.RULES}
    assert (before.settings["booking_method"], after.settings) == ("FIFO", chosen)
    book, older = (books.load(portfolio, revision) for revision in (after, before))
    assert (book.booking_method, book.fees_in_cost, book.trade_fx) == ("AVERAGE", False, "fixing")
    assert (older.booking_method, older.fees_in_cost, older.trade_fx) == ("FIFO", True, "ledger")
    (pool,) = [each for each in book.lots if each.valid_to is None]
    assert (pool.quantity, pool.cost, pool.fx_to_base) == (15, 1560, None)
    assert [(each.cost, each.fee, float(each.fx_to_base)) for each in pool.layers] == [(1010, 5, 1.30), (550, 0, 1.31)]
    assert take_in(portfolio, small.LEDGER + POOL).revision == after
    assert writer.sync(portfolio=portfolio) == after
    assert LedgerRevision.objects.count() == 2


def test_a_deposit_that_is_inferred_is_a_row_that_says_so_and_ties_out(portfolio):
    text = (
        small.LEDGER.replace("2020-01-07 *", '2020-01-01 custom "tieout" "infer-deposits" "*"\n2020-01-07 *', 1)
        + """
2020-01-09 * "Buy" "beyond what is there"
  id: "B2"
  Assets:Shares:OAK  500 OAK {110 USD}
  Assets:Cash:USD  -55000 USD
"""
    )
    revision = take_in(portfolio, text).revision

    (inferred,) = Transaction.objects.filter(inferred=True)
    book = books.load(portfolio, revision)

    assert (inferred.kind, inferred.currency, inferred.date.isoformat()) == ("deposit", "USD", "2020-01-09")
    assert book.has_inferred_flows
    assert book.cash(inferred.date)["USD"] == 0
    *_, theirs = writer.read_statement(portfolio=portfolio, revision=revision).at()
    assert dict(theirs.cash) == book.cash(inferred.date)


def test_rows_of_an_older_release_are_read_anew_and_stay_what_they_were(portfolio, monkeypatch):
    with monkeypatch.context() as then:
        then.setattr(booking_settings, "RULES", booking_settings.RULES - 1)
        take_in(portfolio)
    older = LedgerRevision.objects.get()

    newer = writer.sync(portfolio=portfolio)

    assert booking_settings.is_of_older_rules(older)
    assert not booking_settings.is_of_older_rules(newer)
    assert (newer.number, newer.commit, newer.tree_hash) == (2, older.commit, older.tree_hash)
    assert books.load(portfolio, older) == books.load(portfolio, newer)
