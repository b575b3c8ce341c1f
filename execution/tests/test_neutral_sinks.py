"""Text of others does nothing wherever it ends: in a file, on a page, in the admin, in a terminal. JSON alone has it as it is."""

import csv
import html
import io
import json
import unicodedata
import zipfile
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.admin import pretty
from execution import canonical
from execution.exports import csv_files, json_files, pdf_files, xlsx_files
from execution.exports.tests.bundles import content
from execution.exports.tests.test_xlsx import cells
from execution.patterns.templating import Scope
from execution.tests.test_showing import shown
from execution.web.pages import panels

FORMULA = "=+-@"
LEADS = [
    *FORMULA, "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\x00", "\r\n", " ", "\u200b", "\u202e", "\u200f", "\x1b[31m",
    "\x9b31m", "",
]  # fmt: skip
BODIES = [
    "1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example")', "<script>alert(1)</script>", "{{7*7}}", 'a,b;c"d', "x\r\n=1",
    "\x1b]0;t\x07",
]  # fmt: skip
HOSTILE = st.tuples(
    st.sampled_from(LEADS), st.sampled_from(LEADS), st.sampled_from(BODIES) | st.text(st.characters(codec="utf-8"))
).map("".join)
UNSEEN = {"Cc", "Cs"}
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
COLUMNS = [
    {"key": "symbol", "label": "Symbol", "format": "text"},
    {"key": "value", "label": "Value", "format": "currency"},
]
DOCUMENT = {
    "id": "p",
    "panels": [{"id": "held", "type": "table", "title": "Held", "rows": "{{state.held.rows}}", "columns": COLUMNS}],
}


def result(text):
    return {"held": {"rows": [{"symbol": text, "value": "-7.50"}]}}


def export(text, **changes):
    return content(result=result(text), document=DOCUMENT, panel="held", **changes)


def written(write, text):
    file = io.BytesIO()
    write(file, export(text), lambda done, total: None)
    return file.getvalue()


def is_neutral(text):
    return not TURNING & set(text) and not any(unicodedata.category(each) in UNSEEN for each in text)


def begins_formula(text):
    return unicodedata.normalize("NFKC", text).strip().startswith(tuple(FORMULA))


class Words(HTMLParser):
    """Text of a page, and the tags that run, load or send something."""

    def __init__(self):
        super().__init__()
        self.words, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags |= {tag} & {"script", "img", "iframe", "form", "object", "style"}
        self.tags |= {name for name, _ in attrs if name.startswith("on")}

    def handle_data(self, data):
        self.words.append(data)


def words_of(text):
    read = Words()
    read.feed(text)
    read.close()
    return "".join(read.words), read.tags


hostile = [given(HOSTILE), example("=1\u2028=2"), example("\ufeff@SUM(A1)"), settings(deadline=None)]


def any_text(test):
    for each in hostile:
        test = each(test)
    return test


@any_text
def test_csv(text):
    lines = written(csv_files.write, text).decode().split("\r\n")

    (row,) = csv.reader([line for line in lines if line and not line.startswith("# ")][1:], strict=True)
    assert not begins_formula(row[0])
    assert is_neutral(row[0])
    assert row[1] == "-7.50"


@any_text
def test_xlsx(text):
    sheet = cells(written(xlsx_files.write, text))

    kind, formula, value = sheet.get("A3", ("s", None, ""))
    assert (kind, formula) == ("s", None)
    assert is_neutral(value or "")
    assert sheet["B3"] == ("n", None, "-7.5")


@any_text
def test_pdf(text):
    """What typst is given to set, as data: what it does with markup is tests/test_pdf.py's."""
    (table,) = export(text).tables()

    ((symbol, value),) = pdf_files._panel(table, "CAD")["rows"]
    assert is_neutral(symbol)
    assert value == "\N{MINUS SIGN}7.50"


@any_text
def test_page(text):
    made = panels.panel(DOCUMENT["panels"][0], Scope({}, result(text), {"base_currency": "CAD"}))

    words, tags = words_of(made)
    assert tags == set()
    assert is_neutral(words.replace("\n", " "))


@any_text
def test_admin(text):
    words, tags = words_of(pretty({"name": text}))

    assert tags == set()
    assert is_neutral(words.replace("\n", " "))
    assert json.loads(words) == {"name": text}


@any_text
def test_terminal(text):
    printed = shown(name=text)

    assert is_neutral(printed.replace("\n", " "))


@given(st.text(st.characters(codec="utf-8")))
def test_json_has_it_exactly(text):
    with zipfile.ZipFile(io.BytesIO(written(json_files.write, text))) as archive:
        held = archive.read("result.json")

    assert held == canonical.canonical_bytes(result(text))
    assert json.loads(held) == result(text)


@pytest.mark.parametrize("text", ["&amp;", "<b>", html.escape("<b>")])
def test_what_looks_like_markup_is_read_as_it_was_written(text):
    words, _ = words_of(panels.panel(DOCUMENT["panels"][0], Scope({}, result(text), {"base_currency": "CAD"})))

    assert text in words
