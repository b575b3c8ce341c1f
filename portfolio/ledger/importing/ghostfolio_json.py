"""The export of Ghostfolio, which is also what its import takes: {"activities": [...], "accounts": [...]}."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from . import cells
from .cells import Cells
from .rows import MAX_FINDINGS, ZERO, Balance, FileReading, Row, RowFinding

CODE, TITLE, SUFFIX = "ghostfolio-json", "Ghostfolio export (JSON)", "json"
TYPES = {"buy": "buy", "sell": "sell", "dividend": "dividend", "interest": "interest", "fee": "fee"}
OWN_ASSET = "GF_"  # Ghostfolio puts it before the symbol of an asset that the user made (data source MANUAL)
READ = {
    "accountId", "comment", "currency", "dataSource", "date", "fee", "quantity", "symbol", "type", "unitPrice", "id",
}  # fmt: skip


def recognises(name: str, content: bytes) -> bool:
    return content.lstrip()[:1] == b"{"


def read(content: bytes) -> FileReading:
    findings: list[RowFinding] = []
    try:
        document = json.loads(cells.decode(content), parse_float=Decimal, parse_constant=_refuse_constant)
        if half := cells.SURROGATE.search(json.dumps(document, ensure_ascii=False, default=str)):
            return FileReading(
                findings=(RowFinding(0, "", f"holds half a character, U+{ord(half[0]):04X}", "take it out"),)
            )
    except cells.Undecodable as fault:
        return FileReading(findings=(fault.finding,))
    except RecursionError:
        return FileReading(findings=(RowFinding(0, "", "is nested too deep"),))
    except ValueError as fault:
        line = fault.lineno if isinstance(fault, json.JSONDecodeError) else 0
        return FileReading(findings=(RowFinding(line, "", f"is no JSON: {fault}"),))
    activities = document.get("activities") if isinstance(document, Mapping) else None
    if not isinstance(activities, list):
        return FileReading(findings=(RowFinding(0, "activities", "is missing", "export from Ghostfolio as JSON"),))
    if not cells.require_few(len(activities), findings):
        return FileReading(findings=tuple(findings))
    accounts = _account_names(document)
    for name in accounts.values():
        if unwritable := cells.find_unwritable(name):
            return FileReading(findings=(RowFinding(0, "accounts", unwritable, "take it out"),))
    rows: list[Row] = []
    ignored: set[str] = set()
    for number, activity in enumerate(activities, 1):
        if not isinstance(activity, Mapping):
            findings.append(RowFinding(number, "", "is no activity"))
            continue
        ignored |= activity.keys() - READ
        row = activity_row(Cells(number, activity, findings), "unitPrice", accounts)
        rows += [row] if row is not None else []
    ignored |= document.keys() - {"activities", "accounts", "meta", "user"}
    return FileReading(
        tuple(rows), tuple(findings[:MAX_FINDINGS]), tuple(sorted(map(str, ignored))), None, tuple(_balances(document))
    )


def _account_names(document: Mapping[str, Any]) -> dict[str, str]:
    """Id -> name; of accounts that have one name each is known by the beginning of its id, too."""
    account_rows = [each for each in _as_list(document.get("accounts")) if isinstance(each, Mapping)]
    names = {str(each.get("id")): str(each.get("name") or "").strip() for each in account_rows}
    times = Counter(names.values())
    return {key: name if times[name] == 1 or not name else f"{name} {key[:8]}" for key, name in names.items()}


def _balances(document: Mapping[str, Any]) -> Iterator[Balance]:
    """The cash that accounts hold, as far as the file says it in a way that can be read: it is only compared."""
    names = _account_names(document)
    for account in _as_list(document.get("accounts")):
        if not isinstance(account, Mapping):
            continue
        unread: list[RowFinding] = []
        row = Cells(0, account, unread)
        name = names.get(row.text("id"), "")
        (currency, factor), amount = row.money(), row.decimal("balance", signed=True)
        if currency and amount is not None:
            yield Balance(name, currency, amount * factor)
        for balance_row in _as_list(account.get("balances")):
            if isinstance(balance_row, Mapping) and currency:
                row = Cells(0, balance_row, unread)
                day, amount = row.day("date"), row.decimal("value", signed=True)
                if day is not None and amount is not None:
                    yield Balance(name, currency, amount * factor, day)


def activity_row(
    row: Cells, price: str, accounts: Mapping[str, str], day: date | None = None, *, has_day: bool = False
) -> Row | None:
    """An activity as Ghostfolio has it, in JSON or CSV. Its dividend is quantity times unit price, its fee may be alone."""
    if row.text("type").upper() in ("LIABILITY", "ITEM"):
        row.refuse("type", "is no transaction of a portfolio", "take it out: a liability or item has no price here")
        return None
    kind = row.choice("type", TYPES)
    if not has_day:
        day = row.day("date")
        if not row.text("date"):
            row.refuse("date", "is missing")
    currency, factor = row.money()
    if not currency:
        row.refuse("currency", "is missing", "the three letters of ISO 4217")
    quantity, unit_price, fee = row.decimal("quantity"), row.decimal(price), row.decimal("fee") or ZERO
    symbol = row.words("symbol")
    if row.text("dataSource").upper() == "MANUAL":
        symbol = symbol.removeprefix(OWN_ASSET)
    if not row.is_good or kind is None or day is None:
        return None
    gross = None if quantity is None or unit_price is None else quantity * unit_price
    if kind == "fee":
        quantity, unit_price, fee, symbol = None, None, gross or fee, ""
    if kind == "interest":
        symbol = ""
    account = row.words("accountId")
    note, given_id = row.words("comment"), row.words("id")
    if not row.is_good:
        return None
    return Row(
        row=row.row,
        kind=kind,
        date=day,
        currency=currency,
        symbol=symbol,
        quantity=quantity,
        unit_price=None if unit_price is None else unit_price * factor,
        fee=fee * factor,
        account=accounts.get(account, account),
        note=note,
        given_id=given_id,
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
