"""What a ledger chooses for itself, by its `custom "tieout"` directives and its open directives."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from portfolio.ledger import names
from portfolio.ledger.reader import Custom, LedgerReading
from portfolio.ledger.screening import Finding

from .refusal import MAX_FINDINGS, EntryRefused

AccountMethod: TypeAlias = Literal["FIFO", "LIFO", "HIFO", "NAMED"]

TIEOUT: Final = "tieout"
"""The type of the `custom` directives that are meant for us."""
IN_TRANSIT: Final = "Assets:InTransit"
"""Where securities and money are between two own accounts, if they leave the one before they come to the other."""

_ACCOUNT_METHODS: Final[Mapping[str, AccountMethod]] = {
    "FIFO": "FIFO",
    "LIFO": "LIFO",
    "HIFO": "HIFO",
    "STRICT": "NAMED",
    "STRICT_WITH_SIZE": "NAMED",
}
_SETTING_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking-method": ("FIFO", "LIFO", "HIFO", "AVERAGE", "NAMED"),
    "fees-in-cost": ("TRUE", "FALSE"),
    "trade-fx": ("ledger", "fixing"),
}
_ACCOUNT_ROOT = re.compile(r"Assets(?::[^\s:]+)+")


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What the `custom "tieout"` directives of a ledger choose: the last of each name counts; None where there is none."""

    booking_method: str | None = None
    fees_in_cost: bool | None = None
    trade_fx: str | None = None


@dataclass(frozen=True, slots=True)
class InferredDeposits:
    """The accounts whose missing cash is taken as deposited, and those whose cash may be negative.

    roots   account -> its directive; `*` stands for all accounts. Accounts below it are meant, too
    margin  accounts whose cash may be below zero
    """

    roots: Mapping[str, Custom]
    margin: frozenset[str]

    def directive_for(self, account: str) -> Custom | None:
        """The directive that a cash account falls under; None for one whose balance is what its entries say."""
        if not account.startswith("Assets:") or _is_below(account, [IN_TRANSIT, *self.margin]):
            return None
        return next((each for root, each in self.roots.items() if root == "*" or _is_below(account, [root])), None)


def settings(reading: LedgerReading) -> LedgerSettings:
    """What the ledger chooses for itself. Raises EntryRefused, by file and line, for an unknown name or value."""
    values: dict[str, str] = {}
    for each in _directives(reading):
        name, value = each.values
        if name in _SETTING_VALUES:
            values[name] = value
    fees = values.get("fees-in-cost")
    return LedgerSettings(
        booking_method=values.get("booking-method"),
        fees_in_cost=None if fees is None else fees == "TRUE",
        trade_fx=values.get("trade-fx"),
    )


def inferred_deposits(reading: LedgerReading) -> InferredDeposits:
    """For which accounts deposits are inferred. Raises EntryRefused as `settings` does."""
    roots: dict[str, Custom] = {}
    margin = set()
    for each in _directives(reading):
        name, value = each.values
        if name == "infer-deposits":
            roots.setdefault(value, each)
        elif name == "margin":
            margin.add(value)
    return InferredDeposits(roots, frozenset(margin))


def account_methods(reading: LedgerReading) -> dict[str, AccountMethod]:
    """Account -> booking method, of the accounts that the ledger opens with one of their own."""
    methods = ((each.account, _ACCOUNT_METHODS.get(each.booking or "")) for each in reading.opens)
    return {account: method for account, method in methods if method is not None}


def _directives(reading: LedgerReading) -> Iterable[Custom]:
    """The `custom "tieout" "name" value` directives of a ledger in their order. Raises EntryRefused if one is not valid."""
    findings = []
    # What an account is called (names.NAME) is for people alone.
    ours = [each for each in reading.customs if each.type == TIEOUT and each.values[:1] != (names.NAME,)]
    for each in ours:
        name, *values = each.values or ("",)
        if name in _SETTING_VALUES:
            if len(values) != 1 or values[0] not in _SETTING_VALUES[name]:
                findings.append(Finding(each.file, each.line, f"{name} is one of {', '.join(_SETTING_VALUES[name])}"))
        elif name in ("infer-deposits", "margin"):
            everywhere = name == "infer-deposits" and values == ["*"]
            if len(values) != 1 or not (everywhere or _ACCOUNT_ROOT.fullmatch(values[0])):
                findings.append(Finding(each.file, each.line, f"{name} names an account below Assets"))
        else:
            setting_names = ", ".join([*_SETTING_VALUES, "infer-deposits", "margin"])
            findings.append(
                Finding(each.file, each.line, f"{name or 'nothing'} is no setting; there are {setting_names}")
            )
    if findings:
        raise EntryRefused(tuple(findings[:MAX_FINDINGS]))
    return ours


def _is_below(account: str, roots: Iterable[str]) -> bool:
    return any(account == root or account.startswith(f"{root}:") for root in roots)
