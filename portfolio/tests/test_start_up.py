import pytest
from django.apps import apps

from portfolio import apps as portfolio_apps
from portfolio.ledger.reader import LedgerCheckerMissing


def test_nothing_starts_without_what_reads_the_ledger(monkeypatch):
    monkeypatch.setattr(portfolio_apps, "find_spec", lambda name: None)

    with pytest.raises(LedgerCheckerMissing, match="beancount"):
        apps.get_app_config("portfolio").ready()
