"""Patterns: documents that say which capabilities run, on what, and how their results are shown."""

from execution.patterns.document import ParsedPattern, PatternInvalid, Violation, parse
from execution.patterns.inputs import InputsInvalid, effective_inputs
from execution.patterns.step_order import CyclicSteps, needs, order_steps, steps_to_run

__all__ = [
    "CyclicSteps",
    "InputsInvalid",
    "ParsedPattern",
    "PatternInvalid",
    "Violation",
    "effective_inputs",
    "needs",
    "order_steps",
    "parse",
    "steps_to_run",
]
