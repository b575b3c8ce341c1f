"""Two answers to one question: every figure that differs, and what moved it."""

from execution.comparison.comparing import Comparison, NotComparable, compare
from execution.comparison.document import as_dict, lines

__all__ = ["Comparison", "NotComparable", "as_dict", "compare", "lines"]
