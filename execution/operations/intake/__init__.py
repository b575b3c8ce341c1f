"""What an operator brings in from outside: market data with its rights, ledgers, files of transactions."""

from execution.operations.intake.effect import Effect, find_effect
from execution.operations.intake.ledgers import import_ledger
from execution.operations.intake.market_data import load_market_data
from execution.operations.intake.portfolio_file import import_portfolio
from execution.operations.intake.transactions import as_dict, import_transactions, undo_import

__all__ = [
    "Effect",
    "as_dict",
    "find_effect",
    "import_ledger",
    "import_portfolio",
    "import_transactions",
    "load_market_data",
    "undo_import",
]
