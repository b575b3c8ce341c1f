"""What happens in a ledger, as one list that is rendered to a file of transactions and that the second computation reads."""

import csv
import io
import json
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

D = Decimal
Day = date
NOTHING = D(0)
ALL = "all"


@dataclass(frozen=True)
class Operation:
    """One thing that happens. The kinds are those of the transactions file, and `move`: a security between own accounts."""

    kind: str
    date: Day
    currency: str
    account: str = ""
    symbol: str = ""
    quantity: Decimal | str | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = NOTHING
    tax: Decimal = NOTHING
    ex_date: Day | None = None
    fx_rate: Decimal | None = None
    ratio: str = ""
    to_symbol: str = ""
    to_unit_price: Decimal | None = None
    counter_amount: Decimal | None = None
    acquired: Day | None = None
    cost: Decimal | None = None
    fee_kind: str = ""
    to_account: str = ""

    @property
    def consideration(self) -> Decimal:
        """What was paid or got, before fee and tax."""
        if self.amount is not None:
            return self.amount
        assert isinstance(self.quantity, Decimal)
        assert self.unit_price is not None
        return self.quantity * self.unit_price

    @property
    def first_day(self) -> Day:
        """From when on it is part of the past."""
        return min(self.date, self.ex_date or self.date)


@dataclass(frozen=True)
class Ledger:
    """The operations of one portfolio, in the order of its file, and its settings."""

    name: str
    base: str
    operations: tuple[Operation, ...]
    booking_method: str = "FIFO"
    fees_in_cost: bool = True
    flow_timing: str = "in_start_out_end"
    accrual: str = "cash"
    trade_fx: str = "ledger"
    seed: int = 0
    market_seed: int = 0

    def without(self, at: int) -> "Ledger":
        return replace(self, operations=self.operations[:at] + self.operations[at + 1 :])


COLUMNS = (
    *("date", "type", "symbol", "quantity", "unit_price", "amount", "fee", "tax", "currency", "account", "ex_date"),
    *("pay_date", "fx_rate", "ratio", "to_symbol", "to_unit_price", "counter_amount", "acquired", "cost", "fee_kind"),
    "to_account",
)


def to_csv(ledger: Ledger) -> str:
    """The ledger as a file of transactions."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for operation in ledger.operations:
        for row in _rows(operation):
            writer.writerow(row)
    return text.getvalue()


def _rows(operation: Operation) -> list[dict[str, str]]:
    row = {
        field.name: _shown(getattr(operation, field.name))
        for field in fields(operation)
        if field.name not in ("kind", "to_account")
    }
    for column in ("fee", "tax"):
        if not getattr(operation, column):
            row[column] = ""
    if operation.kind != "move":
        row["type"] = operation.kind
        row["to_account"] = operation.to_account
        if operation.ex_date is not None:
            row["pay_date"] = row["date"]
        return [row]
    bare = {key: row[key] for key in ("date", "symbol", "quantity", "currency")}
    return [
        {**bare, "type": "transfer_out", "account": operation.account},
        {**bare, "type": "transfer_in", "account": operation.to_account, "cost": row["cost"]},
    ]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def to_json(ledger: Ledger, **also: Any) -> str:
    """The ledger as a file that `from_json` reads again."""
    plain = {each.name: getattr(ledger, each.name) for each in fields(ledger) if each.name != "operations"}
    operations = [
        {
            each.name: _shown(getattr(operation, each.name))
            for each in fields(operation)
            if getattr(operation, each.name) not in (None, "", D(0))
        }
        for operation in ledger.operations
    ]
    return json.dumps({**also, **plain, "operations": operations}, indent=1, default=str) + "\n"


DATES = {"date", "ex_date", "acquired"}
DECIMALS = {
    *("quantity", "unit_price", "amount", "fee", "tax", "fx_rate", "to_unit_price", "counter_amount", "cost"),
}


def from_json(text: str) -> Ledger:
    document = json.loads(text)
    known = {each.name for each in fields(Ledger)}
    operations = tuple(
        Operation(**{name: _read(name, value) for name, value in each.items()}) for each in document["operations"]
    )
    return Ledger(**{**{key: value for key, value in document.items() if key in known}, "operations": operations})


def _read(name: str, value: str) -> Any:
    if name in DATES:
        return date.fromisoformat(value)
    return D(value) if name in DECIMALS and value != ALL else value
