"""Rows of patterns, executions and nights. Executions and blocked portfolios are under forced row-level security."""

from .executions import (
    DroppedExecution,
    DropReason,
    Execution,
    ExecutionOrder,
    ExecutionStatus,
    IdempotencyKey,
    OrderState,
)
from .exports import ExecutionExport, ExportState, SigningKey
from .nights import BlockedKind, BlockedPortfolio, HistoryCheck, JobChunk, JobRun, NightlyRun, RunState
from .patterns import Pattern, PatternDraft, PatternVersion

__all__ = [
    "BlockedKind",
    "BlockedPortfolio",
    "DropReason",
    "DroppedExecution",
    "Execution",
    "ExecutionExport",
    "ExecutionOrder",
    "ExecutionStatus",
    "ExportState",
    "HistoryCheck",
    "IdempotencyKey",
    "JobChunk",
    "JobRun",
    "NightlyRun",
    "OrderState",
    "Pattern",
    "PatternDraft",
    "PatternVersion",
    "RunState",
    "SigningKey",
]
