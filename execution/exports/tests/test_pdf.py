"""A PDF is a report for people that holds the result for machines, and says on each page what it ties out to."""

import io
import json
import re
import zlib
from dataclasses import replace

import pytest

from execution.exports import pdf_files
from execution.exports.tests.bundles import content

COLUMNS = [
    {"key": "symbol", "label": "Symbol", "format": "text"},
    {"key": "value", "label": "Value", "format": "currency"},
    {"key": "weight", "label": "Weight", "format": "percentage"},
]
DOCUMENT = {
    "id": "p",
    "panels": [
        {"id": "held", "type": "table", "title": "Holdings", "rows": "{{state.held.rows}}", "columns": COLUMNS},
        {
            "id": "path",
            "type": "line_chart",
            "title": "Growth",
            "x": "{{state.path.days}}",
            "series": [{"label": "TWR", "format": "percentage", "values": "{{state.path.values}}"}],
        },
        {"id": "gone", "type": "table", "title": "Gains", "rows": "{{state.gone.rows}}", "columns": COLUMNS},
    ],
}


def result(rows=3):
    held = [{"symbol": f"S{number}", "value": "1234.5", "weight": 0.25} for number in range(rows)]
    path = {"days": ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"], "values": [0.0, None, 0.02, -0.01]}
    gone = {"value": None, "status": "unavailable", "reason": "right-denied"}
    return {"held": {"rows": held}, "path": path, "gone": gone}


def made(write=pdf_files.write_a4, rows=3, **changes):
    file = io.BytesIO()
    write(
        file,
        replace(content(result=result(rows), document=DOCUMENT, format="pdf"), **changes),
        lambda done, total: None,
    )
    return file.getvalue()


def streams(pdf):
    """Each stream as it is read, and what stands outside of them."""
    found = [pdf]
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(raw))
        except zlib.error:
            found.append(raw)
    return found


def text_of(pdf):
    return b"\n".join(streams(pdf))


def test_it_claims_to_be_an_archive_and_accessible():
    told = text_of(made())

    assert re.search(rb"pdfaid:part>3<", told)
    assert re.search(rb"pdfaid:conformance>A<", told)
    assert re.search(rb"pdfuaid:part>1<", told)


def test_the_result_is_attached_byte_for_byte_beside_the_manifest_where_it_may_be():
    given = content(result=result(), document=DOCUMENT, format="pdf")

    with_result, without = streams(made(attaches_result=True)), streams(made())

    assert given.result_text.encode() in with_result
    assert given.result_text.encode() not in without
    manifests = [part for part in without if part.startswith(b'{"asof_date"')]
    assert [json.loads(part)["result_hash"] for part in manifests] == [given.manifest.result_hash]


def test_equal_content_gives_equal_bytes():
    assert made(attaches_result=True) == made(attaches_result=True)


@pytest.mark.parametrize(("write", "size"), [(pdf_files.write_a4, "595"), (pdf_files.write_letter, "612")])
def test_it_is_set_for_the_paper(write, size):
    boxes = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) [\d.]+\]", text_of(made(write)))

    assert {box.split(b".")[0].decode() for box in boxes} == {size}


def test_a_long_table_goes_on_over_pages():
    pages = [len(re.findall(rb"/MediaBox", text_of(made(rows=rows)))) for rows in (3, 200)]

    assert pages[0] < pages[1]


def test_text_of_others_is_text():
    """typst's markup and its code stand as they are: the file is made, and nothing of it runs."""
    rows = [{"symbol": '#panic("x") *b* $y$ @z \\u{0} \x00\x1b[31m\u202e', "value": "1.5", "weight": None}]

    file = io.BytesIO()
    pdf_files.write_a4(
        file, content(result=result() | {"held": {"rows": rows}}, document=DOCUMENT, format="pdf"), lambda *_: None
    )

    assert file.getvalue().startswith(b"%PDF-1.7")


def test_cells_are_written_as_pages_write_them_and_lines_break_where_a_day_has_no_value():
    tables = content(result=result(), document=DOCUMENT, format="pdf").tables()

    held, path, gone = (pdf_files._panel(table, "CAD") for table in tables)

    assert held["rows"][0] == ["S0", "1,234.50", "25.00\N{NO-BREAK SPACE}%"]
    assert [len(piece) for piece in path["series"][0]["pieces"]] == [1, 2]
    assert path["alt"].startswith("Growth from 2026-01-05 to 2026-01-08: TWR; lowest −1.00")
    assert gone["reason"]
