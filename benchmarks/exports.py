"""A table of 50,000 rows as CSV, beside csv.writer with the same cells; and what memory that takes, in a process of its own."""

import csv
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.measuring import Goal, Line, line, part, round_robin

ROWS = 50_000
SECONDS, MEBIBYTES = 3.0, 100.0
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
    text = result_text()
    rows = [list(row.values()) for row in json.loads(text)["held"]["rows"]]

    def floor(file: Any) -> None:
        writer = csv.writer(io.TextIOWrapper(file, "utf-8", newline=""), quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([key for key, _ in COLUMNS])
        writer.writerows(rows)

    from execution.exports import csv_files

    samples = round_robin(
        {
            "ours": _took(lambda file: csv_files.write(file, content(text), lambda done, total: None)),
            "floor": _took(floor),
        }
    )
    memory = [_memory() for _ in range(3)]
    return [
        line(
            f"CSV of {ROWS:,} rows, from the stored result", "s", samples["ours"], samples["floor"], goal=Goal(SECONDS)
        ),
        part("memory above that of a process with the project loaded, MiB", "MiB", memory),
    ]


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


def content(text: str) -> Any:
    from datetime import UTC, datetime

    from execution.executor.store import FinishedExecution
    from execution.exports.content import ExportContent
    from execution.exports.manifest import Manifest, Reader

    blank: dict[str, Any] = dict.fromkeys(FinishedExecution.__dataclass_fields__, "")
    told = Manifest(
        format="csv",
        reader=Reader(1, "bench", datetime(2026, 3, 1, tzinfo=UTC)),
        execution=FinishedExecution(**blank | {"provisional": False}),
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
    return ExportContent(told, text, DOCUMENT, "", "USD")


def _took(write: Callable[[Any], None]) -> Callable[[], float]:
    def run() -> float:
        with tempfile.TemporaryFile() as file:
            started = process_time()
            write(file)
            return process_time() - started

    return run


CHILD = """
import re, sys
import django
django.setup()
from benchmarks import exports
from execution.exports import csv_files
with open(sys.argv[1]) as file:
    text = file.read()
def highest():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) / 1024
before = highest()
with open(sys.argv[1] + ".csv", "w+b") as file:
    csv_files.write(file, exports.content(text), lambda done, total: None)
print(highest() - before, highest())
"""


def _memory() -> float:
    """MiB that writing takes, the parsed result included."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "result.json"
        stored.write_text(result_text())
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(stored)], capture_output=True, text=True, check=True, timeout=120
        )
        return float(done.stdout.split()[0])


CASES: Mapping[str, Callable[[], list[Line]]] = {"csv_export": csv_table}
