"""Text of others does nothing in the program that opens the file."""

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config import plain_text
from execution.exports import csv_files, neutral
from execution.exports.panel_tables import TableColumn
from portfolio.ledger.importing import tieout_csv

TEXT, NUMBER = TableColumn("t", "Text", "text"), TableColumn("n", "Number", "number")
ANY = st.text(st.characters(codec=None))


def read(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\x00=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20A", " =1",
        "\u200b=1", "\ufeff=1", "\u202e=1", "\u00a0=1", "\n=1", "%0a=1", "|cmd",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_could_take_for_a_formula_begins_with_an_apostrophe(text):
    assert neutral.cell(text).startswith("'")


@example("a\r\n=cmd|' /C calc'!A0")
@example('",=1')
@example("\ud800")
@given(ANY)
def test_any_text_stays_one_cell_on_one_line_and_begins_no_formula(text):
    line = csv_files.line([text, "7"], [TEXT, NUMBER])

    cells = read(line)
    bare = unicodedata.normalize("NFKC", cells[0][0]).strip()
    assert len(cells) == 1
    assert len(cells[0]) == 2
    assert not bare.startswith(("=", "+", "-", "@"))
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in cells[0][0])
    assert not set(cells[0][0]) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    line.encode()


@given(ANY)
def test_a_line_before_the_header_begins_no_formula_wherever_it_is_parted(text):
    shown = neutral.comment(f"Source: {text}")

    assert not [
        each for each in shown.replace(";", ",").split(",")[1:] if each.lstrip().startswith(("=", "+", "-", "@"))
    ]
    assert shown.isprintable() or not any(unicodedata.category(each) in ("Cc", "Cs") for each in shown)


@given(
    st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False, places=8), st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_numbers_stay_numbers_and_keep_their_value(number):
    cell = f"{number:f}" if not isinstance(number, float) else number

    (written,) = read(csv_files.line([cell], [NUMBER]))[0]

    assert not csv_files.line([cell], [NUMBER]).startswith('"')
    assert type(number)(written) == number


LEDGER_TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=40).map(
    lambda text: plain_text.printable(text).strip()
)


@example("'=1+1")
@example("''=1")
@example("'tis")
@example("-5")
@example("\uff1d1")
@given(st.sampled_from(["", "=", "+", "-", "@", "'", "'=", "%"]).flatmap(lambda lead: LEDGER_TEXT.map(lead.__add__)))
def test_a_note_comes_back_unchanged_through_our_own_import(note):
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(("date", "type", "currency", "unit_price", "amount", "account", "note"))
    table.writerow(("2026-01-05", "deposit", "CAD", "", "10.00", "Broker", neutral.cell(note)))

    reading = tieout_csv.read(file.getvalue().encode())

    assert reading.findings == ()
    assert [row.note for row in reading.rows] == [note]


def test_a_number_in_a_column_of_text_is_text():
    assert csv_files.line(["-5"], [TEXT]) == '"\'-5"\r\n'
