"""Beancount ledgers, committed to a portfolio."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from execution.executor import PortfolioNotFound
from execution.operations.intake.files import read_folder
from execution.operations.intake.portfolios import DEFAULT_POLICY, NO_SETTINGS, open_portfolio
from portfolio.books import entry
from portfolio.ledger import reader
from portfolio.ledger.screening import Finding, LedgerRefused
from portfolio.models import Portfolio


def import_ledger(
    path: Path,
    *,
    slug: str | None = None,
    owner: str | None = None,
    policy: str = DEFAULT_POLICY,
    portfolio_id: UUID | None = None,
    at: datetime | None = None,
    settings: Mapping[str, Any] = NO_SETTINGS,
) -> dict[str, Any]:
    """Commit a ledger folder to a portfolio, which is made for `owner` where it does not exist, and reconcile it.

    portfolio_id  id of a portfolio that is made; with `at` it makes the commit the same on every machine
    at            time of the commit; without it, now
    settings      booking_method, fees_in_cost, accrual, trade_fx of a portfolio that is made; one that exists keeps its own,
                  because its figures rest on them
    raises        LedgerRefused with file, line and reason of all that is wrong; nothing was written then
    """
    files = read_folder(path)
    slug = slug or (path.name if path.is_dir() else path.stem)
    with transaction.atomic():
        portfolio = Portfolio.objects.select_related("policy").filter(slug=slug).first()
        if portfolio is None:
            portfolio = _open(
                slug, files, owner=owner, policy=policy, portfolio_id=portfolio_id or uuid4(), settings=settings
            )
        entered = entry.enter(
            portfolio=portfolio,
            files=files,
            message=f"import {path.name}",
            author="Tieout import",
            at=at or timezone.now(),
        )
    stored_revision = entered.stored
    return {
        "portfolio": portfolio.slug,
        "revision": stored_revision.revision.number,
        "commit": stored_revision.revision.commit,
        "transactions": stored_revision.transactions,
        "added": stored_revision.added,
        "removed": stored_revision.removed,
        "status": entered.status,
        "breaks": [str(each) for each in entered.breaks],
    }


def _open(
    slug: str,
    files: dict[str, bytes],
    *,
    owner: str | None,
    policy: str,
    portfolio_id: UUID,
    settings: Mapping[str, Any],
) -> Portfolio:
    if owner is None:
        raise PortfolioNotFound
    reading = reader.read(files)
    if len(reading.operating_currencies) != 1:
        raise LedgerRefused((Finding("main.beancount", 0, "names no single operating_currency"),))
    (base_currency,) = reading.operating_currencies
    return open_portfolio(
        slug,
        reading.title or slug,
        base_currency,
        owner=owner,
        policy=policy,
        portfolio_id=portfolio_id,
        settings=settings,
    )
