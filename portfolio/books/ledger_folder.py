"""A portfolio's folder in the ledger repository: its files, and the one that a ledger begins with."""

from typing import Final

from django.conf import settings

from portfolio.books import booking_settings
from portfolio.ledger.importing import writing
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Portfolio

MAIN: Final = "main.beancount"


def read(portfolio: Portfolio) -> dict[str, bytes]:
    """Path -> content of the newest commit; empty where the portfolio has no ledger yet."""
    with LedgerRepository.open_or_create(settings.LEDGER_PATH) as repository:
        head = repository.head()
        return repository.files(head, portfolio.slug) if head else {}


def texts(files: dict[str, bytes]) -> dict[str, str]:
    """The ledger's own files; what is kept beside them, such as sources of imports, is left out."""
    return {path: content.decode() for path, content in files.items() if path.endswith(".beancount")}


def new_main(portfolio: Portfolio) -> bytes:
    """The main file of a ledger that begins."""
    return writing.start_ledger(
        title=portfolio.name,
        base_currency=portfolio.base_currency,
        method=booking_settings.newest(portfolio).booking_method,
    ).encode()
