from importlib.util import find_spec

from django.apps import AppConfig

from portfolio.ledger.reader import LedgerCheckerMissing


class PortfolioConfig(AppConfig):
    name = "portfolio"
    verbose_name = "Portfolios and ledgers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Nothing starts that could read no ledger. Looked for only: it is imported in a process of its own."""
        if find_spec("beancount") is None:
            raise LedgerCheckerMissing("the beancount package is missing: install requirements.txt")
