"""What the entries of a ledger mean: typed events, read from accounts, lots and metadata rather than from prose."""

from .chart import currencies
from .choices import (
    IN_TRANSIT,
    TIEOUT,
    AccountMethod,
    InferredDeposits,
    LedgerSettings,
    account_methods,
    inferred_deposits,
    settings,
)
from .inferred import with_inferred_deposits
from .reading import read, transactions
from .refusal import EntryRefused
from .transaction import WHOLE_HOLDING, CashLeg, FeeKind, Fixing, Kind, LedgerLot, LedgerTransaction

__all__ = [
    "IN_TRANSIT",
    "TIEOUT",
    "WHOLE_HOLDING",
    "AccountMethod",
    "CashLeg",
    "EntryRefused",
    "FeeKind",
    "Fixing",
    "InferredDeposits",
    "Kind",
    "LedgerLot",
    "LedgerSettings",
    "LedgerTransaction",
    "account_methods",
    "currencies",
    "inferred_deposits",
    "read",
    "settings",
    "transactions",
    "with_inferred_deposits",
]
