"""Any figure of a stored execution, taken apart down to rows of packs and transactions of the ledger."""

from execution.explanation.explaining import explain
from execution.explanation.question import FigureDiffers, NotExplained, PathNotFound

__all__ = ["FigureDiffers", "NotExplained", "PathNotFound", "explain"]
