"""What a portfolio's ledger says, as the calculations take it. Handed on: the book's values, and the verbs that load it."""

from portfolio.books.book import EXTERNAL, RECURRING_FEES, Book
from portfolio.books.entries import CostLayer, Event, LotMatch, LotState
from portfolio.books.loading import load, load_all
from portfolio.books.revisions import (
    first_date,
    last_date,
    newest,
    newest_reconciled,
    newest_reconciled_by_portfolio,
    rows_of_revisions,
)

__all__ = [
    "EXTERNAL",
    "RECURRING_FEES",
    "Book",
    "CostLayer",
    "Event",
    "LotMatch",
    "LotState",
    "first_date",
    "last_date",
    "load",
    "load_all",
    "newest",
    "newest_reconciled",
    "newest_reconciled_by_portfolio",
    "rows_of_revisions",
]
