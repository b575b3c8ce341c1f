"""A workbook holds typed cells, formulas that give our numbers, and nothing that a text of others could do."""

import csv
import io
import re
import shutil
import subprocess
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.exports import xlsx_files
from execution.exports.tests.bundles import content

NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
LIBREOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
COLUMNS = [
    {"key": "symbol", "label": "Symbol", "format": "text"},
    {"key": "day", "label": "Day", "format": "date"},
    {"key": "realised", "label": "Realised", "format": "currency"},
    {"key": "unrealised", "label": "Unrealised", "format": "currency"},
    {"key": "income", "label": "Income", "format": "currency"},
    {"key": "total", "label": "Total", "format": "currency"},
    {"key": "weight", "label": "Weight", "format": "percentage"},
]


def document(rows_path="{{state.value.rows}}"):
    return {
        "id": "p",
        "panels": [{"id": "gains", "type": "table", "title": "Gains: [all]", "rows": rows_path, "columns": COLUMNS}],
    }


def row(symbol="A", realised="1.10", unrealised="-2.20", income="0.30", weight=0.5, total=None):
    added = total or str(Decimal(realised) + Decimal(unrealised) + Decimal(income))
    return {
        "symbol": symbol, "day": "2026-02-27", "realised": realised, "unrealised": unrealised, "income": income,
        "total": added, "weight": weight,
    }  # fmt: skip


def workbook(*rows):
    file = io.BytesIO()
    made = content(result={"value": {"rows": list(rows)}}, document=document(), format="xlsx")
    xlsx_files.write(file, made, lambda done, total: None)
    return file.getvalue()


def cells(data, number=2):
    """By address: type, formula and value of each cell of a sheet."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        shared = [
            "".join(part.itertext())
            for part in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).findall("x:si", NS)
        ]
        sheet = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
    found = {}
    for cell in sheet.iter(f"{{{NS['x']}}}c"):
        kind, value, formula = cell.get("t", "n"), cell.findtext("x:v", None, NS), cell.findtext("x:f", None, NS)
        found[cell.get("r")] = (kind, formula, shared[int(value)] if kind == "s" else value)
    return found


def computed(formula, sheet):
    """What a formula gives of the values of the other cells, as a spreadsheet would compute it."""
    if ranges := re.fullmatch(r"SUM\(([A-Z]+)(\d+):[A-Z]+(\d+)\)", formula):
        column, first, last = ranges.groups()
        addresses = [f"{column}{number}" for number in range(int(first), int(last) + 1)]
        return sum(float(sheet[each][2]) for each in addresses if each in sheet)
    return sum(
        (-1 if sign == "-" else 1) * float(sheet[cell][2]) for sign, cell in re.findall(r"([+-]?)([A-Z]+\d+)", formula)
    )


def test_numbers_are_numbers_dates_are_dates_and_totals_are_formulas_that_hold_our_number():
    sheet = cells(workbook(row(), row("B", "2.00", "1.00", "0.50", 0.25)))

    assert sheet["A3"] == ("s", None, "A")
    assert sheet["B3"][:2] == ("n", None)
    assert sheet["C3"] == ("n", None, "1.1")
    assert sheet["F3"] == ("n", "C3+D3+E3", "-0.8")
    assert sheet["F5"] == ("n", "SUM(F3:F4)", "2.7")
    assert sheet["G5"] == ("n", "SUM(G3:G4)", "0.75")
    assert "B5" not in sheet


def test_a_column_in_which_a_number_is_missing_has_no_total_and_says_so():
    sheet = cells(workbook(row(), {**row("B"), "income": None}))

    assert "E4" not in sheet
    assert sheet["E5"] == ("s", None, "a row has no number")
    assert sheet["C5"] == ("n", "SUM(C3:C4)", "2.2")


MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=2).map(str)


@settings(max_examples=25)
@given(st.lists(st.builds(row, st.just("S"), MONEY, MONEY, MONEY, st.floats(-1, 1)), min_size=1, max_size=20))
def test_every_formula_gives_the_number_that_it_holds(rows):
    sheet = cells(workbook(*rows))

    formulas = {at: (formula, value) for at, (_, formula, value) in sheet.items() if formula}
    assert len(formulas) >= len(rows)
    for formula, value in formulas.values():
        assert computed(formula, sheet) == pytest.approx(float(value), abs=1e-4, rel=1e-12)


def test_a_number_that_its_row_does_not_give_stays_a_number():
    sheet = cells(workbook(row(total="99.00")))

    assert sheet["F3"] == ("n", None, "99")


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+1", "-1", "http://x.example", "{=1}", "\x1b[31m", "\u202eabc", "1"]
)
def test_a_text_of_others_is_a_string(text):
    kind, formula, value = cells(workbook(row(text)))["A3"]

    assert (kind, formula) == ("s", None)
    assert not set(value) & {"\x1b", "\u202e"}


def test_the_manifest_is_the_first_sheet():
    sheet = cells(workbook(row()), number=1)

    assert ("s", None, "Pricing pack") in sheet.values()
    assert ("s", None, "A feed") in sheet.values()


def test_equal_inputs_are_equal_bytes():
    assert workbook(row()) == workbook(row())


ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
</item></oor:items>
"""


def without_cached_numbers(data):
    """The workbook with 999 as what each formula is said to give, so that only who computes it sees our number."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(made, "w") as changed:
        for name in book.namelist():
            text = book.read(name)
            if name.startswith("xl/worksheets/"):
                text, count = re.subn(rb"(</f>)<v>[^<]*</v>", rb"\1<v>999</v>", text)
                assert count or name != "xl/worksheets/sheet2.xml"
            changed.writestr(name, text)
    return made.getvalue()


@pytest.mark.skipif(LIBREOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_computes_what_we_did(tmp_path):
    made = workbook(row(), row("B", "2.00", "1.00", "0.50", 0.25))
    (tmp_path / "book.xlsx").write_bytes(without_cached_numbers(made))
    (tmp_path / "profile" / "user").mkdir(parents=True)
    (tmp_path / "profile" / "user" / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)

    subprocess.run(
        [LIBREOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless",
         # Comma, quote, UTF-8, from line 1, cells as they are shown, second sheet.
         "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,2",
         "--outdir", str(tmp_path), str(tmp_path / "book.xlsx")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    (sheet,) = tmp_path.glob("*.csv")
    assert list(csv.reader(sheet.read_text().splitlines()))[2:] == [
        ["A", "2026-02-27", "1.10", "-2.20", "0.30", "-0.80", "50.00%"],
        ["B", "2026-02-27", "2.00", "1.00", "0.50", "3.50", "25.00%"],
        ["Total of these rows", "", "3.10", "-1.20", "0.80", "2.70", "75.00%"],
    ]
