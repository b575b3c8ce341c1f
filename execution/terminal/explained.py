"""An explanation as lines of text: each term under what it is part of, with the rows that it rests on."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from config.counts import number_of
from config.plain_text import printable
from execution.figures import reason_words

MOST_ITEMS: Final = 20
"""Of a list so many are printed; all are in the JSON."""


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The figure, how it is made, and of what."""
    for line in _lines(document):
        text = line.lstrip(" ")
        yield line[: -len(text)] + printable(text)


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    about = document["metadata"]
    state = f" ({reason_words(document['reason'])})" if document.get("reason") else ""
    yield f"{document['what']}: {_number(document)}{state}"
    window = document.get("window") or {}
    if window.get("first"):
        yield f"from the close of {window['first']} to that of {window['last']}"
    ledger = (about["ledger_commit_hash"] or "-")[:12]
    yield f"{about['pricing_pack_id']}, ledger {ledger}, {about['pattern_id']} {about['pattern_version']}"
    if document.get("method"):
        yield f"method: {document['method']}"
    yield from _term(document, 0)


def _term(term: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    label = f" [{term['label']}]" if term.get("label") else ""
    formula = f" = {term['formula']}" if term.get("formula") else ""
    path = f" → {term['path']}" if term.get("path") and depth else ""
    yield f"{indent}{term['name']}{label} {_number(term)}{formula}{path}"
    for row in term.get("rows", ()):
        yield f"{indent}  {_row(row)}"
    for part in term.get("terms", ()):
        if "items" in part:
            yield f"{indent}  {part['name']}: {len(part['items'])}"
            for item in part["items"][:MOST_ITEMS]:
                yield from _term(item, depth + 2)
            if len(part["items"]) > MOST_ITEMS:
                yield f"{indent}    … and {len(part['items']) - MOST_ITEMS} more (--json has all)"
        elif "values" in part:
            first, last = part["dates"][:1], part["dates"][-1:]
            yield f"{indent}  {part['name']}: {number_of(len(part['values']), 'number')}, {' '.join(first)} to {' '.join(last)}"
        else:
            yield from _term(part, depth + 1)


def _number(term: Mapping[str, Any]) -> str:
    value = "unavailable" if term["value"] is None else term["value"]
    return f"{value} {term['unit']}".rstrip()


def _row(row: Mapping[str, Any]) -> str:
    if row["kind"] == "transaction":
        names = ("transaction", "quantity", "symbol", "amount", "currency")
        what = " ".join(str(row[name]) for name in names if row.get(name))
        return (
            f"transaction {row['id']} {row['entry_id']} of {row['date']}, commit {(row['commit'] or '-')[:12]}: {what}"
        )
    match row["kind"]:
        case "price":
            what = f"{row['symbol']} {row['close']} {row['currency']} of {row['observed_date']}"
        case "rate":
            what = f"{row['base']}/{row['quote']} {row['rate']} of {row['observed_date']}"
        case "action":
            what = f"{row['symbol']} {row['action']} {row.get('ratio') or row.get('amount')} of {row['ex_date']}"
        case "input":
            return f"asked for: {row['input']} {row[row['input']]}"
        case "setting":
            return f"setting {row['setting']}: {row['value']}"
        case _:
            what = f"{row['series']} {row['value']} of {row['observation_date']}, known {row['known_at']}"
    return f"{row['pack_id']} #{row['sequence']}: {what}, {row['source']}"
