"""What each expected failure is answered with: one table, and the problem documents (RFC 9457) made from it."""

from execution.web.problems.document import describe, is_fault, problem_of
from execution.web.problems.handlers import is_for_machines, log, response_of
from execution.web.problems.problem import INTERNAL, TITLES, Problem
from execution.web.problems.recorded import answer_on_record, trace_on_record, type_on_record
from execution.web.problems.retries import AnsweredBefore, IdempotencyConflict
from execution.web.problems.table import PROBLEMS

__all__ = [
    "INTERNAL",
    "PROBLEMS",
    "TITLES",
    "AnsweredBefore",
    "IdempotencyConflict",
    "Problem",
    "answer_on_record",
    "describe",
    "is_fault",
    "is_for_machines",
    "log",
    "problem_of",
    "response_of",
    "trace_on_record",
    "type_on_record",
]
