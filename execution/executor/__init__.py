"""The executor: from a request to a served result.

A result is a function of five things: pattern version, request, pack, ledger revision, engine version. Their hash is the key under
which it is stored; a repeat by the same caller is served from there.
"""

from execution.executor.answering_pack import PackNotOfDate as PackNotOfDate
from execution.executor.answering_pack import answering_date as answering_date
from execution.executor.computation import runtime as runtime
from execution.executor.ledger_revisions import CommitNotFound as CommitNotFound
from execution.executor.ledger_revisions import LedgerNotReconciled as LedgerNotReconciled
from execution.executor.ledger_revisions import NothingBooked as NothingBooked
from execution.executor.ledger_revisions import ReconciliationFailed as ReconciliationFailed
from execution.executor.orchestrator import StepFailed as StepFailed
from execution.executor.reproduction import DifferentEngine as DifferentEngine
from execution.executor.reproduction import NotReproduced as NotReproduced
from execution.executor.reproduction import replay as replay
from execution.executor.request import NotAllowed as NotAllowed
from execution.executor.request import PortfolioNotFound as PortfolioNotFound
from execution.executor.request import Request as Request
from execution.executor.request import RequestInvalid as RequestInvalid
from execution.executor.running import execute as execute
from execution.executor.serving import ExecutionNotFound as ExecutionNotFound
from execution.executor.serving import Served as Served
from execution.executor.serving import fetch as fetch
