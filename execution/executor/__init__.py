"""The executor: from a request to a served result.

A result is a function of five things: pattern version, request, pack, ledger revision, engine version. Their hash is the key under
which it is stored; a repeat by the same caller is served from there.
"""

from execution.executor.answering_pack import PackNotOfDate, answering_date
from execution.executor.computation import runtime
from execution.executor.endings import ExecutionAbandoned, end_abandoned
from execution.executor.engine import engine_version
from execution.executor.ledger_revisions import CommitNotFound, LedgerNotReconciled, NothingBooked, ReconciliationFailed
from execution.executor.orchestrator import StepFailed
from execution.executor.reproduction import DifferentEngine, NotReproduced, replay
from execution.executor.request import NotAllowed, PortfolioNotFound, Request, RequestInvalid
from execution.executor.running import execute
from execution.executor.serving import ExecutionDropped, ExecutionNotFound, Served, fetch
from execution.executor.store import ExecutionAltered

__all__ = [
    "CommitNotFound",
    "DifferentEngine",
    "ExecutionAbandoned",
    "ExecutionAltered",
    "ExecutionDropped",
    "ExecutionNotFound",
    "LedgerNotReconciled",
    "NotAllowed",
    "NotReproduced",
    "NothingBooked",
    "PackNotOfDate",
    "PortfolioNotFound",
    "ReconciliationFailed",
    "Request",
    "RequestInvalid",
    "Served",
    "StepFailed",
    "answering_date",
    "end_abandoned",
    "engine_version",
    "execute",
    "fetch",
    "replay",
    "runtime",
]
