"""Do the books agree? Pure: two inventories laid side by side, and every difference above its tolerance by name.

Quantity exact, cash and cost (fees apart) within 0.01, value within 1.0 bp of the ledger's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from config.decimals import trimmed
from portfolio.ledger.statement import Inventory

CASH_TOLERANCE = COST_TOLERANCE = Decimal("0.01")
VALUE_TOLERANCE_BP = Decimal("1.0")
RATIO_TOLERANCE = Decimal("1e-9")
BASIS_POINTS = Decimal(10_000)
ZERO = Decimal(0)

VALUATION_MISMATCH = "VALUATION_MISMATCH"


SplitKey: TypeAlias = tuple[str, str, date]
"""Account, symbol, ex-date."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One break: a balance, cost, value or split that the two sides have otherwise."""

    kind: str
    account: str = ""
    commodity: str = ""
    ledger_value: Decimal | None = None
    database_value: Decimal | None = None
    error_bp: Decimal | None = None
    detail: str = ""

    @property
    def difference(self) -> Decimal | None:
        if self.ledger_value is None or self.database_value is None:
            return None
        return self.database_value - self.ledger_value

    def __str__(self) -> str:
        values = ""
        if self.ledger_value is not None or self.database_value is not None:
            values = f"ledger {_plain(self.ledger_value)}, database {_plain(self.database_value)}"
        if self.difference is not None:
            values += f", difference {_plain(self.difference)}"
        return " ".join(filter(None, (self.kind, self.account, self.commodity, values, self.detail)))


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """A price that the ledger carries for the day, more than a basis point off the pack's. It is reported, and no break."""

    commodity: str
    currency: str
    ledger_price: Decimal
    pack_price: Decimal
    error_bp: Decimal

    def __str__(self) -> str:
        return (
            f"the ledger's own price of {self.commodity} is {_plain(self.ledger_price)} {self.currency},"
            f" the pack's {_plain(self.pack_price)}: {round(self.error_bp, 2)} bp"
        )


def error_bp(ledger: Decimal | None, database: Decimal | None) -> Decimal | None:
    """Distance in basis points of the ledger's value; None where it is undefined."""
    if ledger is None or database is None:
        return None
    if ledger == 0:
        return ZERO if database == 0 else None
    return abs(database - ledger) / abs(ledger) * BASIS_POINTS


def find_breaks(ledger: Inventory, database: Inventory) -> tuple[Difference, ...]:
    """Every difference of units, cost or cash above its tolerance, with both values."""
    breaks: list[Difference] = []
    for key in sorted(ledger.units.keys() | database.units.keys()):
        ours, theirs = database.units.get(key, ZERO), ledger.units.get(key, ZERO)
        if ours != theirs:
            kind = "QUANTITY_MISMATCH" if ours and theirs else "MISSING_POSITION"
            breaks.append(Difference(kind, *key, theirs, ours))
    for key in sorted(ledger.cost.keys() | database.cost.keys()):
        ours, theirs = database.cost.get(key, ZERO), ledger.cost.get(key, ZERO)
        if abs(ours - theirs) > COST_TOLERANCE:
            breaks.append(Difference("COST_MISMATCH", *key, theirs, ours))
    for currency in sorted(ledger.cash.keys() | database.cash.keys()):
        ours, theirs = database.cash.get(currency, ZERO), ledger.cash.get(currency, ZERO)
        if abs(ours - theirs) > CASH_TOLERANCE:
            breaks.append(Difference("CASH_MISMATCH", "", currency, theirs, ours))
    return tuple(breaks)


def find_value_break(
    ledger: Decimal | None, database: Decimal | None, *, missing: Sequence[str] = ()
) -> Difference | None:
    """The two values in base currency, where they differ by more than the tolerance or where one could not be computed.

    missing  names of the closes and rates that the ledger's value lacks
    """
    distance = error_bp(ledger, database)
    if distance is not None and distance <= VALUE_TOLERANCE_BP:
        return None
    return Difference(
        VALUATION_MISMATCH,
        ledger_value=ledger,
        database_value=database,
        error_bp=distance,
        detail=f"the pack lacks {', '.join(missing)}"[:400] if missing else "",
    )


def find_split_breaks(
    pack_splits: Mapping[SplitKey, Decimal], ledger_splits: Mapping[SplitKey, Decimal]
) -> dict[SplitKey, Difference]:
    """Splits of raw securities held that only one side has, or has with another ratio; ratios are new shares per old."""
    breaks: dict[SplitKey, Difference] = {}
    for key in sorted(pack_splits.keys() | ledger_splits.keys()):
        packed, booked = pack_splits.get(key), ledger_splits.get(key)
        if not has_same_ratio(packed, booked):
            side = (
                "only the pack knows it"
                if booked is None
                else "only the ledger knows it"
                if packed is None
                else "other ratio"
            )
            account, symbol, on = key
            breaks[key] = Difference("SPLIT_MISMATCH", account, symbol, booked, packed, detail=f"split of {on}: {side}")
    return breaks


def has_same_ratio(one: Decimal | None, other: Decimal | None) -> bool:
    """Within a tolerance: a ratio without an end (1:3) has as many digits as its source gave it."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= RATIO_TOLERANCE * max(Decimal(1), other)


def _plain(number: Decimal | None) -> str:
    return "unknown" if number is None else trimmed(number, places=10)
