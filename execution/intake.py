"""What comes in from outside by an operator's hand: market data with its rights, and ledgers."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from compliance import rights
from config.errors import TieoutError
from execution.errors import PortfolioNotFound
from portfolio import reconciliation
from portfolio.ledger import reader
from portfolio.ledger.screening import Finding, LedgerRefused, refuse_path
from portfolio.models import Portfolio
from pricing import loading
from pricing.models import PricingPolicy

RIGHTS_COLUMNS = ("display", "export_csv", "export_pdf", "redistribute")
MAX_FILE_BYTES = 64 * 1024 * 1024


class UnknownUser(TieoutError):
    def __init__(self, username: str) -> None:
        super().__init__(f"there is no user {username}")
        self.username = username


class UnknownPolicy(TieoutError):
    def __init__(self, code: str) -> None:
        super().__init__(f"there is no pricing policy {code}")
        self.code = code


@transaction.atomic
def load_market_data(folder: str) -> dict[str, Any]:
    """Take in a folder and the rights that its sources.csv states. A right that is not stated is `no`.

    raises   archive.ArchiveRefused with every finding; nothing was taken then
    """
    loaded = loading.load(folder)
    reading = loaded.reading
    rights.record(
        {
            "code": terms.source,
            "name": terms.columns.get("name") or terms.source,
            "attribution": terms.attribution,
            "terms": terms.columns.get("terms_as_stated") or terms.columns.get("terms") or "",
            **{name: terms.columns.get(name) or "no" for name in RIGHTS_COLUMNS},
        }
        for terms in reading.sources
    )
    return {
        "securities": len(reading.securities),
        "closes": len(reading.closes.date),
        "rates": len(reading.rates.date),
        "observations": len(reading.observations.date),
        "actions": len(reading.actions),
        "sources": len(reading.sources),
        "archive_end": reading.archive_end.isoformat(),
        "digest": reading.digest,
    }


def import_ledger(
    path: Path,
    *,
    slug: str | None = None,
    owner: str | None = None,
    policy: str = "ECB_EUR",
    portfolio_id: UUID | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """Commit a ledger folder to a portfolio, which is made for `owner` where it does not exist, and reconcile it.

    portfolio_id, at  of a portfolio that is made, and of the commit; given, they make the commit the same on every machine
    raises            LedgerRefused with file, line and reason of all that is wrong; nothing was written then
    """
    files = read_folder(path)
    slug = slug or (path.name if path.is_dir() else path.stem)
    with transaction.atomic():
        portfolio = Portfolio.objects.select_related("policy").filter(slug=slug).first()
        if portfolio is None:
            portfolio = _make(slug, files, owner=owner, policy=policy, portfolio_id=portfolio_id or uuid4())
        entered = reconciliation.take_in(
            portfolio=portfolio,
            files=files,
            message=f"import {path.name}",
            author="Tieout import",
            at=at or timezone.now(),
        )
    taken = entered.taken
    return {
        "portfolio": portfolio.slug,
        "revision": taken.revision.number,
        "commit": taken.revision.commit,
        "transactions": taken.transactions,
        "added": taken.added,
        "removed": taken.removed,
        "status": entered.status,
        "breaks": [str(each) for each in entered.breaks],
    }


def read_folder(path: Path) -> dict[str, bytes]:
    """A ledger as files: a folder as it is; of a single file, itself as main.beancount with its neighbours `<stem>_*`.

    raises   LedgerRefused for links, other things than files, and folders without main.beancount
    """
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if not each.is_dir())
        files = {each.relative_to(path).as_posix(): each for each in found}
    elif path.is_file():
        files = {"main.beancount": path} | {
            each.name: each for each in sorted(path.parent.glob(f"{path.stem}_*.beancount"))
        }
    else:
        raise LedgerRefused((Finding(path.name, 0, "there is no such file or folder"),))
    findings = [
        Finding(name, 0, reason)
        for name, each in files.items()
        if (
            reason := "is a link"
            if each.is_symlink()
            else "is too large"
            if each.stat().st_size > MAX_FILE_BYTES
            else refuse_path(name)
        )
    ]
    if "main.beancount" not in files:
        findings.append(Finding("main.beancount", 0, "is missing"))
    if findings:
        raise LedgerRefused(tuple(findings))
    return {name: each.read_bytes() for name, each in files.items()}


def _make(slug: str, files: dict[str, bytes], *, owner: str | None, policy: str, portfolio_id: UUID) -> Portfolio:
    if owner is None:
        raise PortfolioNotFound
    user = get_user_model().objects.filter(username=owner).first()
    if user is None:
        raise UnknownUser(owner)
    priced_by = PricingPolicy.objects.filter(pk=policy).first()
    if priced_by is None:
        raise UnknownPolicy(policy)
    reading = reader.read(files)
    if len(reading.operating_currencies) != 1:
        raise LedgerRefused((Finding("main.beancount", 0, "names no single operating_currency"),))
    portfolio = Portfolio(
        pk=portfolio_id,
        slug=slug,
        name=reading.title or slug,
        owner=user,
        base_currency=reading.operating_currencies[0],
        policy=priced_by,
    )
    portfolio.clean_fields(exclude=["id", "owner", "policy", "created_at"])
    portfolio.save()
    return portfolio
