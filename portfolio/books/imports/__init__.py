"""Transactions from a file, taken in as one commit of the ledger. Handed on: the verbs, their values and their errors."""

from portfolio.books.imports.folder import ImportNotFound, StoredImport, printable
from portfolio.books.imports.importing import Imported, commit, preview, stored_imports, undo
from portfolio.books.imports.previews import BREAK, Choices, ImportRefused, ImportTooLarge, Preview

__all__ = [
    "BREAK",
    "Choices",
    "ImportNotFound",
    "ImportRefused",
    "ImportTooLarge",
    "Imported",
    "Preview",
    "StoredImport",
    "commit",
    "preview",
    "printable",
    "stored_imports",
    "undo",
]
