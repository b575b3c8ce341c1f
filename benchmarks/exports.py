"""Exports: 50,000 rows as CSV beside csv.writer, with what memory that takes, and a report of five pages beside typst alone."""

import contextlib
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from time import process_time
from typing import Any

import django

from benchmarks.measuring import Goal, Line, line, peak_mib, round_robin
from config import env

ROWS = 50_000
SECONDS, MEBIBYTES = 3.0, 100.0
PDF_ROWS, PDF_PAGES, PDF_SECONDS = 300, 5, 2.0
COLUMNS = (
    ("symbol", "text"), ("name", "text"), ("quantity", "number"), ("price", "number"), ("currency", "text"),
    ("market_value", "currency"), ("weight", "percentage"), ("unrealized_pnl", "currency"), ("observed_date", "date"),
)  # fmt: skip
DOCUMENT: Mapping[str, Any] = {
    "id": "bench",
    "panels": [
        {
            "id": "holdings", "type": "table", "title": "Holdings", "rows": "{{state.held.rows}}",
            "columns": [{"key": key, "label": key, "format": code} for key, code in COLUMNS],
        }
    ],
}  # fmt: skip


def csv_table() -> list[Line]:
    samples = _samples("csv")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(result_text())
        file.flush()
        memory = [_samples("memory", file.name) for _ in range(5)]
    return [
        line(
            f"CSV of {ROWS:,} rows, from the stored result", "s", samples["ours"], samples["floor"], goal=Goal(SECONDS)
        ),
        line(
            "  RSS beyond that of a process with the project loaded",
            "MiB",
            [each["peak"][0] - each["loaded"][0] for each in memory],
            [each["loaded"][0] for each in memory],
            goal=Goal(MEBIBYTES),
        ),
    ]


def pdf_report() -> list[Line]:
    samples = _samples("pdf")
    return [
        line(
            f"PDF of {PDF_PAGES} pages, processor time", "s", samples["ours"], samples["floor"], goal=Goal(PDF_SECONDS)
        )
    ]


def _samples(*words: str) -> dict[str, list[float]]:
    """What a function of INSIDE gives for its name and arguments, in a process of its own with the project loaded."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.exports", *words],
        cwd=env.PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if process.returncode:
        sys.exit(f"{words[0]} ended with {process.returncode}:\n{process.stderr[-4000:]}")
    return dict(json.loads(process.stdout))


def _sample_csv() -> dict[str, list[float]]:
    from execution.exports import csv_files

    text = result_text()
    rows = [list(row.values()) for row in json.loads(text)["held"]["rows"]]

    def floor(file: Any) -> None:
        writer = csv.writer(io.TextIOWrapper(file, "utf-8", newline=""), quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([key for key, _ in COLUMNS])
        writer.writerows(rows)

    return round_robin(
        {
            "ours": _took(lambda file: csv_files.write(file, content(text), lambda count, total: None)),
            "floor": _took(floor),
        }
    )


def _sample_memory(path: str) -> dict[str, list[float]]:
    """MiB of a process that has read the stored text, and its highest while it parses that and writes."""
    from execution.exports import csv_files

    text = Path(path).read_text()
    loaded = peak_mib()
    with tempfile.TemporaryFile() as file:
        csv_files.write(file, content(text), lambda count, total: None)
    return {"loaded": [loaded], "peak": [peak_mib()]}


def _sample_pdf() -> dict[str, list[float]]:
    """With the result attached, beside typst with a bare table of the same cells. No two rounds are alike: it keeps what it set."""
    import typst

    from execution.exports import pdf_files

    rows = json.loads(result_text())["held"]["rows"][:PDF_ROWS]
    text = json.dumps({"held": {"rows": rows}}, separators=(",", ":"))
    cells = ", ".join(f"[{value}]" for row in rows for value in row.values())
    bare = f"#set page(flipped: true)\n#table(columns: {len(COLUMNS)}, {cells})"
    rounds = count(1)

    def ours() -> float:
        file, own = io.BytesIO(), text.replace("Company", f"Company {next(rounds)}")
        started = process_time()
        pdf_files.write_a4(file, content(own, attaches_result=True), lambda step, total: None)
        took = process_time() - started
        if (pages := pages_of(file.getvalue())) != PDF_PAGES:
            raise RuntimeError(f"the report has {pages} pages, not {PDF_PAGES}")
        return took

    def floor() -> float:
        own = bare.replace("Company", f"Company {next(rounds)}").encode()
        started = process_time()
        typst.compile(own, format="pdf", font_paths=typst.Fonts(include_system_fonts=False))
        return process_time() - started

    return round_robin({"ours": ours, "floor": floor})


def pages_of(pdf: bytes) -> int:
    """Pages of a PDF whose objects stand in packed streams."""
    parts = [pdf]
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompress(raw))
    return sum(len(re.findall(rb"/MediaBox", each)) for each in parts)


def result_text() -> str:
    rows = [
        {
            "symbol": f"S{number:05}", "name": f"Company {number}, Inc.", "quantity": f"{number}.25", "price": f"{number % 997}.1",
            "currency": "USD", "market_value": f"{number * 31}.07", "weight": 1 / (number + 1), "unrealized_pnl": f"-{number}.50",
            "observed_date": "2026-02-27",
        }
        for number in range(ROWS)
    ]  # fmt: skip
    return json.dumps({"held": {"rows": rows}}, separators=(",", ":"))


def content(text: str, *, attaches_result: bool = False) -> Any:
    from datetime import UTC, datetime

    from execution.executor.store import FinishedExecution
    from execution.exports.content import ExportContent
    from execution.exports.manifest import Manifest, Reader

    blank: dict[str, Any] = dict.fromkeys(FinishedExecution.__dataclass_fields__, "")
    manifest = Manifest(
        format="csv",
        reader=Reader(1, "bench", datetime(2026, 3, 1, tzinfo=UTC)),
        execution=FinishedExecution(**blank | {"provisional": False, "sources": {}}),
        portfolio="bench",
        title="Bench",
        panel="holdings",
        rights_version=1,
        use="csv",
        left_out=(),
        attributions=(),
        watermarks=(),
        result_hash="",
    )
    return ExportContent(manifest, text, DOCUMENT, "", "USD", attaches_result=attaches_result)


def _took(write: Callable[[Any], None]) -> Callable[[], float]:
    def run() -> float:
        with tempfile.TemporaryFile() as file:
            started = process_time()
            write(file)
            return process_time() - started

    return run


INSIDE: Mapping[str, Callable[..., dict[str, list[float]]]] = {
    "csv": _sample_csv,
    "memory": _sample_memory,
    "pdf": _sample_pdf,
}
CASES: Mapping[str, Callable[[], list[Line]]] = {"csv_export": csv_table, "pdf_export": pdf_report}

if __name__ == "__main__":
    django.setup()
    json.dump(INSIDE[sys.argv[1]](*sys.argv[2:]), sys.stdout)
