"""A Beancount file: its entries are taken to the letter, the accounts they need with them; its options are not."""

import re
from collections.abc import Iterator
from datetime import date

from portfolio.ledger.screening import screen

from . import cells
from .rows import MAX_FINDINGS, FileReading, Row, RowFinding

CODE, TITLE, SUFFIX = "beancount", "Beancount", "beancount"
MAIN = "main.beancount"
_DATED = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})[ \t]+(\S+)[ \t]*(\S*)")
_ID = re.compile(r'^[ \t]+id:[ \t]*"([^"]*)"', re.MULTILINE)
_PASSED_OVER = ("commodity", "price", "note", "event", "query", "custom", "document", "balance", "close", "option")
_SUGGESTIONS = {
    "include": "import one file at a time",
    "plugin": "take it out: it would run code",
    "pad": "write the entry that it stands for",
}


def recognises(name: str, content: bytes) -> bool:
    return name.lower().endswith((".beancount", ".bean"))


def read(content: bytes) -> FileReading:
    try:
        text = cells.decode(content)
    except cells.Undecodable as fault:
        return FileReading(findings=(fault.finding,))
    findings = [RowFinding(each.line, "", each.reason) for each in screen({MAIN: content})]
    rows: list[Row] = []
    opens: dict[str, str] = {}
    ignored: set[str] = set()
    for line, block in directives(text):
        match = _DATED.match(block)
        word = match[4] if match else block.split(None, 1)[0]
        if match and word in ("*", "!", "txn"):
            day = _day(match)
            if day is None:
                findings.append(RowFinding(line, "date", "is not a date", "write YYYY-MM-DD", block[:10]))
            else:
                id_match = _ID.search(block)
                rows.append(Row(row=line, kind="entry", date=day, given_id=id_match[1] if id_match else "", text=block))
        elif match and word == "open":
            opens[match[5]] = block
        elif word in _PASSED_OVER:
            ignored.add(word)
        elif not any(finding.row == line for finding in findings):
            findings.append(RowFinding(line, "", f"{word[:20]} is not taken in", _SUGGESTIONS.get(word, "")))
        if not cells.require_few(len(rows), findings):
            break
    return FileReading(tuple(rows), tuple(findings[:MAX_FINDINGS]), tuple(sorted(ignored)), opens)


def directives(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of what begins at the left margin, with the indented lines that follow it."""
    begun, block = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith((" ", "\t", ";", "*", "#")):
            if block:
                yield begun, "\n".join(block).rstrip()
            begun, block = number, [line.rstrip()]
        elif block and line.startswith((" ", "\t")):
            block.append(line.rstrip())
    if block:
        yield begun, "\n".join(block).rstrip()


def _day(match: re.Match[str]) -> date | None:
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
