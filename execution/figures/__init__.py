"""Values of a result in the words and formats that pages and terminals show."""

from execution.figures.figure import Figure, from_value, missing
from execution.figures.formats import DASH, FORMATS, MINUS, SPACE, number
from execution.figures.reasons import reason_words

__all__ = ["DASH", "FORMATS", "MINUS", "SPACE", "Figure", "from_value", "missing", "number", "reason_words"]
