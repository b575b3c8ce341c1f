"""The table of what each kind does is that of the docs, and true of what is booked."""

from decimal import Decimal
from pathlib import Path
from typing import get_args

from portfolio.books import lots
from portfolio.ledger import effects, journal, reader
from portfolio.ledger.importing import tieout_csv, writing
from portfolio.ledger.importing.tests.test_formats import fixture

PAGE = Path(__file__).resolve().parents[3] / "docs" / "transactions.md"
MORE = """
2020-06-01 open Expenses:Management
2020-06-01 * "paid from elsewhere"
  Expenses:Management  250 CAD
  Equity:External
2020-06-01 open Assets:Other:Cash:CAD CAD
2020-06-01 * "between own accounts"
  Assets:Broker:Cash:CAD  -100 CAD
  Assets:Other:Cash:CAD  100 CAD
"""


def sign(*amounts):
    """`+-` where some are above zero and some below."""
    return ("+" if any(each > 0 for each in amounts) else "") + (
        "-" if any(each < 0 for each in amounts) else ""
    ) or "0"


def test_the_page_holds_the_table():
    assert effects.as_markdown() in PAGE.read_text(), "python -m portfolio.ledger.effects prints it"


def test_every_kind_has_its_row_and_no_other_does():
    assert set(effects.EFFECTS) == set(get_args(journal.Kind))


def test_what_the_table_says_is_what_is_booked():
    rows = tieout_csv.read(fixture("tieout-csv", "good").read_bytes()).rows
    written = writing.write(
        [(f"R{at}", row) for at, row in enumerate(rows)],
        heading=(), base_currency="CAD", method="FIFO",
    )  # fmt: skip
    main = writing.start_ledger(title="t", base_currency="CAD", method="FIFO") + written.text + MORE
    reading = reader.read({"main.beancount": main.encode()})
    events = journal.transactions(reading)

    booked = {}
    for at, (event, entry) in enumerate(zip(events, reading.entries, strict=True)):
        before, after = (
            lots.book(events[:until], base_currency="CAD", method="FIFO", fees_in_cost=True).open_lots
            for until in (at, at + 1)
        )

        def change(of, symbol=None, before=before, after=after):
            return sum(
                (getattr(lot, of) * factor for lots_, factor in ((after, 1), (before, -1)) for lot in lots_
                 if symbol in (None, lot.symbol)),
                Decimal(0),
            )  # fmt: skip

        external = -sum(p.units for p in entry.postings if p.account == "Equity:External")
        if event.kind == "outside_fee":
            external = 0  # paid at the owner's other account, and gone from there
        quantity = sign(change("quantity", event.symbol or ""))
        if event.to_symbol:
            quantity += f" / {sign(change('quantity', event.to_symbol))}"
        booked.setdefault(
            event.kind,
            (
                sign(event.amount, event.counter_amount or 0),
                quantity,
                sign(change("cost").quantize(Decimal("1e-6"))),
                sign(external),
            ),
        )

    said = {kind: (each.cash, each.quantity, each.cost, each.external) for kind, each in effects.EFFECTS.items()}
    said["split"] = ("0", "+", *said["split"][2:])  # this one is no reverse split
    assert booked == said
