"""A file of transactions, from its bytes to the rows of the database and back out again."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from portfolio.books import imports, writer
from portfolio.books.imports import ImportNotFound, ImportRefused, ImportTooLarge
from portfolio.ledger.importing.tests.test_formats import fixture
from portfolio.ledger.repository import LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Lot, Portfolio, Transaction
from pricing.models import PricingPolicy, Security

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]

D = Decimal
AT = datetime(2020, 12, 31, 18, 0, tzinfo=UTC)
HEADER = "date,type,symbol,quantity,unit_price,fee,currency\n"
FIRST = HEADER + "2020-01-06,BUY,OAK,10,100,5,USD\n2020-01-07,SELL,OAK,4,110,5,USD\n"
LATER = FIRST + "2020-02-03,DIVIDEND,OAK,6,0.5,0,USD\n"


@pytest.fixture
def portfolio(empty):
    anna = get_user_model().objects.create_user("anna")
    for symbol in ("OAK", "ELM", "ASH", "FIR"):
        Security.objects.create(
            symbol=symbol, name=symbol, currency="USD", price_unit="USD", kind="equity", exchange="XNYS",
            first_date="2020-01-02", source="wood",
        )  # fmt: skip
    return Portfolio.objects.create(
        slug="small", name="Small", owner=anna, base_currency="CAD", policy=PricingPolicy.objects.get()
    )


def commit(portfolio, text=FIRST, name="trades.csv", **how):
    content = text if isinstance(text, bytes) else text.encode()
    return imports.commit(portfolio=portfolio, name=name, content=content, author="anna", at=AT, **how)


def preview(portfolio, text=FIRST, name="trades.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return imports.preview(portfolio=portfolio, name=name, content=content, today=AT.date())


def refused(portfolio, text, name="trades.csv"):
    """The findings of an import that leaves nothing behind."""
    before = state()
    with pytest.raises(ImportRefused) as failure:
        commit(portfolio, text, name)
    assert state() == before
    return [(each.row, each.column, each.reason) for each in failure.value.findings]


def folder():
    with LedgerRepository.open_or_create(settings.LEDGER_PATH) as repository:
        head = repository.head()
        return (repository.tree_hash(head, "small"), repository.files(head, "small")) if head else (None, {})


def state():
    with LedgerRepository.open_or_create(settings.LEDGER_PATH) as repository:
        return repository.head(), LedgerRevision.objects.count(), Transaction.objects.count(), Lot.objects.count()


def held():
    """Open lots of the same day and security together: quantity and cost."""
    found = {}
    for lot in Lot.objects.filter(removed_in=None, valid_to=None).select_related("security"):
        quantity, cost = found.get((lot.security.symbol, lot.acquired), (0, 0))
        found[lot.security.symbol, lot.acquired] = (quantity + lot.quantity, cost + lot.cost)
    return found


def test_a_preview_says_what_would_come_and_writes_nothing(portfolio):
    before = state()

    found = preview(portfolio)

    assert (found.format, len(found.added), found.known, found.findings) == ("tieout-csv", 2, (), ())
    assert state() == before == (None, 0, 0, 0)


def test_an_import_is_one_commit_with_the_files_hash_and_its_rows(portfolio):
    done = commit(portfolio)

    _, files = folder()
    assert (done.revision.number, len(done.preview.added)) == (1, 2)
    assert sorted(files) == [
        f"imports/{done.import_id}.beancount",
        f"imports/{done.import_id}.source",
        "main.beancount",
    ]
    assert files[f"imports/{done.import_id}.source"] == FIRST.encode()
    assert done.import_id == done.preview.sha256[:16]
    assert [(each.name, each.sha256, each.rows) for each in imports.stored_imports(portfolio=portfolio)] == [
        ("trades.csv", done.preview.sha256, 2)
    ]
    assert [(row.kind, row.quantity, row.amount) for row in Transaction.objects.all()] == [
        ("buy", 10, -1005),
        ("sell", 4, 435),
    ]
    assert held() == {("OAK", date(2020, 1, 6)): (6, 603)}


def test_importing_again_adds_nothing_and_a_longer_file_adds_what_is_new(portfolio):
    commit(portfolio)
    before = state()

    again, longer = commit(portfolio), commit(portfolio, LATER)

    assert (again.import_id, len(again.preview.known), before[0]) == (None, 2, again.revision.commit)
    assert (len(longer.preview.added), len(longer.preview.known)) == (1, 2)
    assert Transaction.objects.count() == 3
    assert commit(portfolio, LATER).import_id is None


def test_two_rows_that_say_the_same_are_two_transactions(portfolio):
    text = HEADER + "2020-01-06,BUY,OAK,10,100,5,USD\n" * 2

    assert len(commit(portfolio, text).preview.added) == 2
    assert len(commit(portfolio, text).preview.known) == 2
    assert held() == {("OAK", date(2020, 1, 6)): (20, 2010)}


def test_an_undo_restores_the_folder_byte_for_byte(portfolio):
    commit(portfolio)
    before = folder()
    lots = held()
    commit(portfolio, LATER)

    gone = imports.undo(portfolio=portfolio, author="anna", at=AT)

    assert folder() == before
    assert held() == lots
    assert (gone.rows, Transaction.objects.filter(removed_in=None).count()) == (1, 2)
    imports.undo(portfolio=portfolio, author="anna", at=AT)
    assert sorted(folder()[1]) == ["main.beancount"]
    with pytest.raises(ImportNotFound):
        imports.undo(portfolio=portfolio, author="anna", at=AT)


def test_an_import_that_later_ones_need_is_not_undone(portfolio):
    first = commit(portfolio)
    commit(portfolio, HEADER + "2020-03-02,SELL,OAK,6,120,0,USD\n")
    before = state()

    with pytest.raises(LedgerRefused) as failure:
        imports.undo(portfolio=portfolio, author="anna", at=AT, import_id=first.import_id)

    assert state() == before
    assert all(finding.file.startswith("imports/") and finding.line for finding in failure.value.findings)


def test_a_ledger_with_a_hand_in_it_keeps_it_through_import_and_undo(portfolio):
    main = (
        b'option "operating_currency" "CAD"\n2020-01-01 open Assets:Broker:Cash:CAD CAD\n2020-01-01 open Equity:External\n'
        b'2020-01-02 * "in"\n  Assets:Broker:Cash:CAD  100 CAD\n  Equity:External  -100 CAD'  # no line end
    )
    writer.take_in(portfolio=portfolio, files={"main.beancount": main}, message="by hand", author="anna", at=AT)

    commit(portfolio)
    assert Transaction.objects.filter(removed_in=None).count() == 3
    imports.undo(portfolio=portfolio, author="anna", at=AT)

    assert folder()[1] == {"main.beancount": main}


def test_every_kind_comes_all_the_way_from_a_file(portfolio):
    commit(portfolio, fixture("tieout-csv", "good").read_bytes())

    kinds = list(Transaction.objects.order_by("date", "ordinal").values_list("kind", flat=True))
    assert kinds == [
        *("deposit", "fx", "buy", "buy", "split", "sell", "dividend", "reinvested_dividend", "return_of_capital"),
        *("spin_off", "merger", "transfer_in", "transfer_out", "sell", "interest", "fee", "tax", "withdrawal"),
    ]
    # 101 @ 30 + 5, 3:2, a half sold, 0.50 each returned, then a tenth of the cost (0.2 x 50 of 90 + 0.2 x 50) spun off.
    oak = (D("3035") * 151 / D("151.5") - D("75.5")).quantize(D("1e-5"))
    lots = {key: (quantity, cost.quantize(D("1e-5"))) for key, (quantity, cost) in held().items()}
    assert lots == {
        ("OAK", date(2020, 1, 7)): (151, (oak * D("0.9")).quantize(D("1e-5"))),
        ("FIR", date(2020, 1, 7)): (D("60.4"), (oak * D("0.1")).quantize(D("1e-5"))),
        ("ELM", date(2020, 1, 8)): (7, (D("201.05") * 7 / 10).quantize(D("1e-5"))),
        ("ELM", date(2020, 3, 2)): (D("0.5"), 11),
        ("ELM", date(2015, 6, 1)): (3, 45),
    }
    bought = Transaction.objects.get(kind="buy", security__symbol="ELM")
    assert (bought.unit_price, bought.amount, bought.fee) == (D("20.005"), D("-201.05"), 1)
    paid = Transaction.objects.get(kind="dividend")
    assert (paid.date, paid.ex_date, paid.amount, paid.tax) == (
        (date(2020, 2, 20), date(2020, 2, 5), D("25.67"), D("4.53"))
    )
    assert commit(portfolio, fixture("tieout-csv", "good").read_bytes()).import_id is None


@pytest.mark.parametrize("method", ["FIFO", "LIFO", "HIFO", "AVERAGE", "NAMED"])
def test_every_method_takes_files_and_sells_by_name_where_the_file_names_the_lot(portfolio, method):
    Portfolio.objects.update(booking_method=method)
    portfolio.refresh_from_db()
    text = "lot," + HEADER + "old,2020-01-06,BUY,OAK,10,100,0,USD\ndear,2020-01-07,BUY,OAK,10,120,0,USD\n"
    name = "" if method == "AVERAGE" else "dear"

    commit(portfolio, text + f"{name},2020-01-08,SELL,OAK,4,130,0,USD\n")

    assert sum(cost for _, cost in held().values()) == (1760 if method == "AVERAGE" else 1720)


def test_a_portfolio_of_named_lots_asks_which_of_them_is_sold(portfolio):
    Portfolio.objects.update(booking_method="NAMED")
    portfolio.refresh_from_db()
    bought = HEADER + "2020-01-06,BUY,OAK,10,100,0,USD\n2020-01-07,BUY,OAK,10,120,0,USD\n"

    assert refused(portfolio, bought + "2020-01-08,SELL,OAK,4,130,0,USD\n") == [
        (4, "lot", "is needed: several could be meant")
    ]
    commit(portfolio, bought + "2020-01-08,SELL,OAK,20,130,0,USD\n")  # all of them

    assert held() == {}


def test_the_good_file_of_each_format_comes_in_once_and_goes_again(portfolio):
    commit(portfolio)
    before = folder()

    for code in ("ghostfolio-json", "ghostfolio-csv", "wealthfolio-csv", "beancount"):
        file = fixture(code, "good")
        done = commit(portfolio, file.read_bytes(), file.name)
        again = commit(portfolio, file.read_bytes(), file.name)
        imports.undo(portfolio=portfolio, author="anna", at=AT)

        assert (done.preview.format, again.import_id) == (code, None)
        assert len(done.preview.added) == len(again.preview.known) >= 2
        assert folder() == before


BAD_ROWS = [
    ("2020-01-06,BUY,OKA,10,100,5,USD\n", [(2, "symbol", "is no known security")]),
    ("2020-01-06,BUY,OAK,10,100,5,USX\n", [(2, "currency", "is no known currency")]),
    ("2021-01-06,BUY,OAK,10,100,5,USD\n", [(2, "date", "is in the future")]),
    (
        "2020-01-06,BUY,OAK,0,100,5,USD\n",
        [(2, "quantity", "is not above zero"), (2, "amount", "is not above zero")],
    ),
    ("2020-01-06,RETURN OF CAPITAL,OAK,10,1,,USD\n", [(2, "symbol", "is not held on that day")]),
    ("2020-01-06,DEPOSIT,,,,,USD\n", [(2, "amount", "is missing for deposit")]),
    ("2020-01-06,DEPOSIT,,1,100,5,USD\n", [(2, "fee", "can't be part of deposit: give it a row of its own")]),
    ("2020-01-06,SELL,OAK,10,100,5,USD\n", [(2, "quantity", "is more than is held on that day")]),
    (
        "2020-01-06,BUY,OAK,10,100,5,USD\n\n2020-01-07,SELL,OAK,11,100,5,USD\n",
        [(4, "quantity", "is more than is held on that day")],
    ),
]
BAD_ENTRIES = [
    ('2020-01-06 * "x"\n  Assets:Broker:Cash:CAD  1 CAD\n  Equity:External  -2 CAD\n', 3, "does not balance"),
    ('2020-01-06 * "x"\n  Assets:Unknown  1 CAD\n  Equity:External\n', 3, "unknown account"),
    (
        '2020-01-06 * "x"\n  id: "same"\n  Assets:Broker:Cash:CAD  1 CAD\n  Equity:External\n' * 2,
        7,
        "already that of row 3",
    ),
    ('2020-01-06 * "x"\n  Assets:Broker:Cash:CAD  1/0 CAD\n  Equity:External\n', 4, "division by zero"),
    ('2020-01-06 * "x"\n  Assets:Broker:Cash:CAD  one CAD\n  Equity:External\n', 3, "Invalid token"),
]


def test_a_bad_row_keeps_all_others_out_and_is_named(portfolio):
    for rows, findings in BAD_ROWS:
        assert refused(portfolio, HEADER + rows) == findings

    assert [(each.row, each.reason) for each in preview(portfolio, HEADER + rows).findings] == [
        (4, "is more than is held on that day")
    ]


def test_a_bad_entry_of_beancount_is_named_by_its_line(portfolio):
    opens = "2020-01-01 open Assets:Broker:Cash:CAD CAD\n2020-01-01 open Equity:External\n"

    for text, row, reason in BAD_ENTRIES:
        found = refused(portfolio, opens + text, "more.beancount")
        assert {each[0] for each in found} == {row}
        assert reason in found[0][2]


def test_an_id_is_one_transaction_and_says_one_thing(portfolio):
    header = "id," + HEADER
    commit(portfolio, header + "T1,2020-01-06,BUY,OAK,10,100,5,USD\n")

    same = commit(portfolio, header + "T1,2020-01-06,BUY,OAK,10.0,100.00,5,USD\n")
    twice = refused(portfolio, header + "T2,2020-01-06,BUY,OAK,1,1,0,USD\nT2,2020-01-07,BUY,OAK,1,1,0,USD\n")
    other = refused(portfolio, header + "T1,2020-01-06,BUY,OAK,11,100,5,USD\n")

    assert same.import_id is None
    assert twice == [(3, "id", "is already that of row 2")]
    assert other == [(2, "id", "is in the ledger and says something else there")]


def test_an_account_may_be_new_by_its_name_and_not_by_a_path(portfolio):
    header = "account," + HEADER
    commit(portfolio, header + "My depot,2020-01-06,BUY,OAK,10,100,5,USD\n")

    found = refused(portfolio, header + "Assets:My-Depot,2020-02-06,BUY,OAK,10,100,5,USD\n")

    assert Lot.objects.get().account == "Assets:My-depot:OAK"
    assert found == [(2, "account", "is no account of this ledger")]
    assert preview(portfolio, header + "Assets:My-depot,2020-02-06,BUY,OAK,10,100,5,USD\n").is_good


def test_text_that_would_end_a_string_stays_text(portfolio):
    note = 'He said ""x""\n2020-01-06 open Assets:Evil\n'
    commit(portfolio, HEADER.replace("currency", "currency,note") + f'2020-01-06,BUY,OAK,10,100,5,USD,"{note}"\n')

    assert Transaction.objects.get().note == "He said x 2020-01-06 open Assets:Evil"


def test_a_file_too_large_or_in_no_format_is_refused_before_it_is_read(portfolio):
    with pytest.raises(ImportTooLarge):
        commit(portfolio, b" " * (100 * 1024 * 1024))

    assert refused(portfolio, "hello") == [(0, "", "is in no format that is known")]
