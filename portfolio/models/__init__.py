"""Rows of what is owned. All but those of the economy belong to a portfolio and are closed to everybody who may not see it
(forced RLS).

Transactions, lots and daily values are derived from the ledger and the packs: jobs write them, nobody edits them.
"""

from .benchmarks import Benchmark, BenchmarkComponent, OneMonthRate, Rebalance
from .economy import EconomicPhase
from .figures import DailyValue
from .ledger_rows import LedgerRevision, Lot, MatchedLot, RevisionedRow, RevisionStatus, Transaction
from .portfolios import (
    AccessRole,
    Accrual,
    BookingMethod,
    FlowTiming,
    Portfolio,
    PortfolioAccess,
    PortfolioRow,
    TradeFx,
)
from .reconciliations import Break, Reconciliation

__all__ = [
    "AccessRole",
    "Accrual",
    "Benchmark",
    "BenchmarkComponent",
    "BookingMethod",
    "Break",
    "DailyValue",
    "EconomicPhase",
    "FlowTiming",
    "LedgerRevision",
    "Lot",
    "MatchedLot",
    "OneMonthRate",
    "Portfolio",
    "PortfolioAccess",
    "PortfolioRow",
    "Rebalance",
    "Reconciliation",
    "RevisionStatus",
    "RevisionedRow",
    "TradeFx",
    "Transaction",
]
