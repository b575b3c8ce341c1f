"""Rows of an import as the text of a ledger."""

from ..accounts import BROKER, OPENED
from .draft import entry_date
from .file import Written, beancount_method, start_ledger, write
from .kinds import MOVES_SECURITIES

__all__ = ["BROKER", "MOVES_SECURITIES", "OPENED", "Written", "beancount_method", "entry_date", "start_ledger", "write"]
