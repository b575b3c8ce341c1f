"""Each format has a file that is read and a file that is refused."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from portfolio.ledger.importing import formats, tieout_csv, wealthfolio_csv
from portfolio.ledger.importing.rows import MAX_BYTES

D = Decimal
FIXTURES = Path(__file__).with_name("fixtures")
EVERY = tuple(formats.FORMATS)


def fixture(code, kind):
    return FIXTURES / f"{code}.{kind}.{formats.FORMATS[code].SUFFIX}"


def read(code, kind="good"):
    return formats.FORMATS[code].read(fixture(code, kind).read_bytes())


def findings(code, content):
    return [
        (each.row, each.column, each.reason, each.suggestion) for each in formats.FORMATS[code].read(content).findings
    ]


@pytest.mark.parametrize("kind", ["good", "bad"])
@pytest.mark.parametrize("code", EVERY)
def test_a_file_is_known_by_its_look(code, kind):
    file = fixture(code, kind)

    format_of_file = formats.recognise(file.name, file.read_bytes())

    assert format_of_file is not None
    assert code == format_of_file.CODE


@pytest.mark.parametrize("code", EVERY)
def test_the_good_file_is_read_and_every_fault_of_the_bad_one_reported(code):
    good, bad = read(code), read(code, "bad")

    assert good.findings == ()
    assert len(good.rows) >= 2
    assert len(bad.findings) >= 4
    assert all(finding.row and finding.reason for finding in bad.findings)


@pytest.mark.parametrize("code", EVERY)
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: b"\xef\xbb\xbf" + text, "byte order mark"),
        (lambda text: text + "\n; caf\u00e9,\n".encode("latin-1"), "not UTF-8"),
        (lambda text: text.replace(b"OAK", b"O\0K", 1), "control character U+0000"),
        (lambda text: text + b" " * MAX_BYTES, "an import takes at most"),
    ],
)
def test_what_is_not_plain_text_of_a_fair_size_is_refused_with_its_line(code, spoil, reason):
    content = spoil(fixture(code, "good").read_bytes())

    reading = formats.FORMATS[code].read(content)

    assert (len(reading.findings), reading.rows) == (1, ())
    assert reason in reading.findings[0].reason
    assert reading.findings[0].row > 0 or "at most" in reason


def test_a_module_that_lacks_what_a_format_offers_is_refused():
    bare = ModuleType("bare")
    bare.CODE = "bare"

    with pytest.raises(formats.BadFormat, match=r"^bare is no format: it lacks TITLE, SUFFIX, recognises, read$"):
        formats.by_code([tieout_csv, bare])


def test_two_formats_of_one_code_are_refused(monkeypatch):
    monkeypatch.setattr(wealthfolio_csv, "CODE", "tieout-csv")

    with pytest.raises(formats.BadFormat, match=r"wealthfolio_csv is no format of its own: .* the code tieout-csv"):
        formats.by_code([tieout_csv, wealthfolio_csv])


def test_our_own_file_has_every_kind():
    rows = {row.kind: row for row in read("tieout-csv").rows}

    assert len(rows) == 17
    assert (rows["split"].ratio, rows["spin_off"].to_symbol, rows["buy"].lot) == (D("1.5"), "ASH", "old")
    assert (rows["dividend"].pay_date, rows["dividend"].fx_rate) == (date(2020, 2, 20), D("1.33"))
    assert (rows["deposit"].gross, rows["transfer_in"].acquired) == (20000, date(2015, 6, 1))


def test_a_fault_of_our_own_file_has_row_column_reason_and_suggestion():
    assert [(each.row, each.column, each.reason, each.suggestion) for each in read("tieout-csv", "bad").findings] == [
        (2, "type", "is not known", "perhaps buy"),
        (3, "date", "is not a date", "write YYYY-MM-DD"),
        (4, "quantity", "is negative", "the type gives the direction: sell, withdrawal, fee"),
        (5, "unit_price", "has a decimal comma", "write 30.50; decimals take a dot"),
        (6, "unit_price", "is not a number", "write digits and at most one dot"),
        (7, "currency", "is missing", "the three letters of ISO 4217"),
        (8, "", "has 15 cells, the header 14", "a comma in a cell needs quotes around the cell"),
    ]


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", (0, "", "is empty", "")),
        (b'date,type,currency\n"2020', (2, "", "is no CSV: unexpected end of data", "")),
        (b"date,type,date,currency\n", (1, "date", "is in the header twice", "")),
    ],
)
def test_a_table_that_is_none_is_refused(content, finding):
    assert findings("tieout-csv", content) == [finding]


@pytest.mark.parametrize(
    ("number", "reason", "suggestion"),
    [
        ("1.234,50", "has a decimal comma", "write 1234.50; decimals take a dot"),
        ("1,234,567.50", "has thousands separators", "write 1234567.50"),
        ("NaN", "is not a number", "write digits and at most one dot"),
        ("1e400", "is not a number", "write digits and at most one dot"),
        ("٣", "is not a number", "write digits and at most one dot"),
    ],
)
def test_a_number_that_is_none_is_refused_with_how_to_write_it(number, reason, suggestion):
    content = f'date,type,symbol,quantity,unit_price,currency\n2020-01-02,buy,OAK,"{number}",1,USD\n'.encode()

    assert findings("tieout-csv", content) == [(2, "quantity", reason, suggestion)]


def test_ghostfolio_in_json_and_in_csv_says_the_same():
    in_json, in_csv = read("ghostfolio-json").rows, read("ghostfolio-csv").rows

    def said(rows):
        return {(row.kind, row.date, row.symbol, row.currency, row.gross, row.fee) for row in rows}

    assert said(in_csv) <= said(in_json)
    assert [(row.symbol, row.currency, row.unit_price, row.fee) for row in in_json if row.symbol == "FIR"] == [
        ("FIR", "GBP", D("25.50"), D("1.00"))
    ]
    assert {row.account for row in in_json} == {"My Depot"}


def test_wealthfolios_transfer_between_two_accounts_of_the_file_is_one_transaction():
    reading = read("wealthfolio-csv")

    rows = {row.kind: row for row in reading.rows}
    moved, split, gift = rows["transfer"], rows["split"], rows["transfer_in"]
    assert (len(reading.rows), reading.ignored) == (10, ("isin", "fxrate"))
    assert (moved.account, moved.to_account, moved.gross) == ("Broker", "Savings", 100)
    assert (split.ratio, gift.quantity, gift.unit_price) == (2, 4, D("12.5"))
    assert (rows["buy"].symbol, rows["deposit"].symbol, rows["fee"].gross) == ("OAK", "", D("7.5"))


@pytest.mark.parametrize(
    "document",
    [
        '{"activities": [{"symbol": "\\ud800"}]}',
        '{"activities": [{"comment": "a \\uDFFF b"}]}',
        '{"activities": [{"\\udc00": 1}]}',
        '{"activities": [], "accounts": [{"id": "1", "name": "\\ud83d"}]}',
        '{"activities": [], "meta": {"of": ["\\ud800\\ud800\\udc00"]}}',
    ],
)
def test_half_a_character_in_a_json_is_refused_by_its_number_wherever_it_stands(document):
    (finding,) = formats.FORMATS["ghostfolio-json"].read(document.encode()).findings

    assert re.fullmatch(r"holds half a character, U\+D[89A-F][0-9A-F]{2}", finding.reason)


@pytest.mark.parametrize("content", [b"{", b'{"activities": {}}', b"[" * 100_000, b'{"activities": [NaN]}', b"[]"])
def test_json_that_is_no_export_is_refused(content):
    assert len(findings("ghostfolio-json", content)) == 1


def test_beancount_entries_are_kept_to_the_letter_and_other_directives_named():
    reading = read("beancount")

    assert [(row.row, row.date, row.given_id) for row in reading.rows] == [
        (10, date(2020, 1, 6), "D-1"),
        (15, date(2020, 1, 7), ""),
    ]
    assert reading.rows[1].text.splitlines()[1] == "  Assets:Broker:USD:OAK  10 OAK {101 USD}"
    assert set(reading.opens) == {
        "Assets:Broker:Cash:USD", "Assets:Broker:USD:OAK", "Expenses:Commission", "Equity:External",
    }  # fmt: skip
    assert reading.ignored == ("balance", "commodity", "option")


def test_an_unsafe_file_is_refused_by_line():
    reasons = {(each.row, each.reason) for each in read("beancount", "bad").findings}

    assert reasons == {
        (1, "plugin is not accepted: it would run code"),
        (2, "include leads outside the folder"),
        (4, "pad is not taken in"),
        (6, "division by zero"),
    }
