"""CSV (RFC 4180): one file a panel, in a zip where there are several. Texts stand in quotes, numbers do not."""

from collections.abc import Callable, Sequence
from typing import IO, BinaryIO, Final

from execution.exports import neutral, zipped
from execution.exports.content import ExportContent, Report
from execution.exports.manifest import Manifest
from execution.exports.panel_tables import Cell, PanelTable, TableColumn, is_numeric

ROWS_AT_ONCE: Final = 1_000
END: Final = "\r\n"


def write(file: BinaryIO, content: ExportContent, report: Report) -> None:
    tables = content.tables()
    total = sum(table.count for table in tables) or 1
    if content.manifest.panel:
        for table in tables:
            write_table(file, table, content.manifest, lambda count: report(count, total))
        return
    before = 0
    with zipped.archive_of(file) as archive:
        for number, table in enumerate(tables, start=1):
            with zipped.adding(archive, f"{number:02}-{table.id}.csv") as part:
                write_table(part, table, content.manifest, lambda count, before=before: report(before + count, total))  # type: ignore[misc]
            before += table.count


def write_table(
    file: IO[bytes] | BinaryIO, table: PanelTable, manifest: Manifest, report: Callable[[int], None]
) -> None:
    """Facts as `# ` lines, the header, the rows."""
    comments = [f"{table.title}", *manifest.lines()]
    if table.reason:
        comments.append(f"No rows: {table.reason}")
    file.write("".join(f"# {neutral.comment(line)}{END}" for line in comments).encode())
    columns = table.columns
    if not columns:
        return
    file.write((",".join(_quoted(column.header) for column in columns) + END).encode())
    waiting: list[str] = []
    count = 0
    for row in table.rows:
        waiting.append(line(row, columns))
        if len(waiting) == ROWS_AT_ONCE:
            count += len(waiting)
            file.write("".join(waiting).encode())
            waiting.clear()
            report(count)
    file.write("".join(waiting).encode())
    report(count + len(waiting))


def line(row: Sequence[Cell], columns: Sequence[TableColumn]) -> str:
    return ",".join(map(_field, row, columns)) + END


def _field(value: Cell, column: TableColumn) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if neutral.is_number(value) and is_numeric(value, column):
        return value
    return _quoted(value)


def _quoted(text: str) -> str:
    return '"' + neutral.cell(text).replace('"', '""') + '"'
