"""Patterns: documents that say which capabilities run, on what, and how their results are shown."""

from execution.patterns.document import ParsedPattern as ParsedPattern
from execution.patterns.document import PatternInvalid as PatternInvalid
from execution.patterns.document import Violation as Violation
from execution.patterns.document import parse as parse
from execution.patterns.inputs import InputsInvalid as InputsInvalid
from execution.patterns.inputs import effective_inputs as effective_inputs
from execution.patterns.step_order import CyclicSteps as CyclicSteps
from execution.patterns.step_order import needs as needs
from execution.patterns.step_order import order_steps as order_steps
