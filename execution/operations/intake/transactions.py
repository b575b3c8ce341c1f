"""What comes in from outside by an operator's hand: market data with its rights, and ledgers."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from compliance import rights
from config.errors import TieoutError
from execution.executor.errors import PortfolioNotFound
from portfolio.books import imports, reconciliation
from portfolio.ledger import reader
from portfolio.ledger.importing.rows import MAX_BYTES, RowFinding
from portfolio.ledger.screening import Finding, LedgerRefused, refuse_path
from portfolio.models import Portfolio, RevisionStatus
from pricing.archive import loading
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
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Commit a ledger folder to a portfolio, which is made for `owner` where it does not exist, and reconcile it.

    portfolio_id, at  of a portfolio that is made, and of the commit; given, they make the commit the same on every machine
    settings          booking_method, fees_in_cost, accrual, trade_fx of a portfolio that is made: its figures rest on them,
                      so that one that exists keeps its own
    raises            LedgerRefused with file, line and reason of all that is wrong; nothing was written then
    """
    files = read_folder(path)
    slug = slug or (path.name if path.is_dir() else path.stem)
    with transaction.atomic():
        portfolio = Portfolio.objects.select_related("policy").filter(slug=slug).first()
        if portfolio is None:
            portfolio = _make(
                slug, files, owner=owner, policy=policy, portfolio_id=portfolio_id or uuid4(), settings=settings or {}
            )
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


def import_transactions(
    path: Path,
    *,
    slug: str,
    code: str | None = None,
    dry_run: bool = False,
    owner: str | None = None,
    base_currency: str | None = None,
    policy: str = "ECB_EUR",
    at: datetime | None = None,
    choices: imports.Choices | None = None,
) -> dict[str, Any]:
    """Preview a file of transactions, or take it into a portfolio, which is opened for `owner` where it does not exist.

    raises   imports.ImportRefused with row, column and reason of all that is wrong; nothing was written then
    """
    content, now = read_file(path), at or timezone.now()
    with transaction.atomic():
        portfolio = Portfolio.objects.filter(slug=slug).first()
        if portfolio is None:
            if owner is None or base_currency is None:
                raise PortfolioNotFound
            portfolio = _open(slug, slug, base_currency, owner=owner, policy=policy, portfolio_id=uuid4())
        if dry_run:
            found = imports.preview(
                portfolio=portfolio,
                name=path.name,
                content=content,
                today=now.date(),
                code=code,
                choices=choices or imports.Choices(),
            )
            transaction.set_rollback(True)
            return described(portfolio, found)
        done = imports.commit(
            portfolio=portfolio,
            name=path.name,
            content=content,
            author="Tieout import",
            at=now,
            code=code,
            choices=choices or imports.Choices(),
        )
    return described(portfolio, done.preview, done)


def undo_import(*, slug: str, import_id: str | None = None, at: datetime | None = None) -> dict[str, Any]:
    """Take the last import, or the one named, out of a portfolio's ledger. Raises imports.ImportNotFound, LedgerRefused."""
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        raise PortfolioNotFound
    gone = imports.undo(portfolio=portfolio, author="Tieout import", at=at or timezone.now(), import_id=import_id)
    return {"portfolio": slug, "file": gone.name, "rows": gone.rows, "sha256": gone.sha256, "import_id": gone.import_id}


def described(portfolio: Portfolio, found: imports.Preview, done: imports.Imported | None = None) -> dict[str, Any]:
    """An import, or its preview, as it is told."""
    revision = done.revision if done else None
    breaks = done.breaks if done else found.breaks
    return {
        "status": "preflight" if done is None else "imported" if done.import_id else "unchanged",
        "message": message(found, done),
        "portfolio": portfolio.slug,
        "file": found.name,
        "format": found.format,
        "sha256": found.sha256,
        "added": len(found.added),
        "known": len(found.known),
        "ignored": list(found.ignored),
        "findings": [finding_told(finding) for finding in found.findings],
        "warnings": [warning for warning in found.warnings if not (done and warning.startswith(imports.BREAK))],
        "lacks": list(found.lacks),
        "notes": list(found.notes),
        "shortfalls": [
            {
                "account": each.account,
                "name": found.called.get(each.account, each.account),
                "currency": each.currency,
                "balance": format(each.balance, ".2f"),
                "lowest": format(each.lowest, ".2f"),
                "lowest_on": each.lowest_on.isoformat(),
                "text": found.describe(each),
            }
            for each in found.shortfalls
        ],
        "unconfirmed_transfers": [{"out_row": out.row, "in_row": into.row} for out, into in found.unconfirmed],
        "accounts": dict(found.accounts),
        "import_id": done.import_id if done else None,
        "revision": revision.number if revision else None,
        "commit": revision.commit if revision else None,
        "revision_status": revision.status if revision else None,
        "breaks": list(breaks),
    }


def message(found: imports.Preview, done: imports.Imported | None = None) -> str:
    """What an import came to, or would, in one sentence that is true."""
    if not found.is_good:
        return "nothing of the file can be taken"
    if done is None:
        if found.breaks:
            return "nothing was written; taken in as it is the books would differ, and no figure would be made of it"
        return "nothing was written"
    if done.import_id is None or done.revision is None:
        return "all of the file is in the ledger already; it stays as it is"
    if done.revision.status == RevisionStatus.BROKEN:
        return (
            "taken in, but the books differ: the revision is broken, and figures stay with the last one that ties out until"
            " the import is undone or what differs is mended"
        )
    if done.revision.status == RevisionStatus.READ:
        return "taken in; figures begin with the first pricing pack"
    return "taken in; figures are made of it from now on"


def finding_told(finding: RowFinding) -> dict[str, Any]:
    return {
        "row": finding.row,
        "column": finding.column,
        "value": finding.value,
        "reason": finding.reason,
        "suggestion": finding.suggestion,
        "text": str(finding),
    }


def read_file(path: Path) -> bytes:
    """The bytes of a plain file. Raises imports.ImportRefused for what is none, imports.ImportTooLarge before reading."""
    reason = "is a link" if path.is_symlink() else "" if path.is_file() else "is no file"
    if reason:
        raise imports.ImportRefused((RowFinding(0, "", reason),))
    if (size := path.stat().st_size) > MAX_BYTES:
        raise imports.ImportTooLarge(size)
    return path.read_bytes()


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


def _make(
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
    return _open(
        slug,
        reading.title or slug,
        base_currency,
        owner=owner,
        policy=policy,
        portfolio_id=portfolio_id,
        settings=settings,
    )


def _open(
    slug: str,
    name: str,
    base_currency: str,
    *,
    owner: str,
    policy: str,
    portfolio_id: UUID,
    settings: Mapping[str, Any] | None = None,
) -> Portfolio:
    user = get_user_model().objects.filter(username=owner).first()
    if user is None:
        raise UnknownUser(owner)
    priced_by = PricingPolicy.objects.filter(pk=policy).first()
    if priced_by is None:
        raise UnknownPolicy(policy)
    portfolio = Portfolio(
        pk=portfolio_id,
        slug=slug,
        name=name,
        owner=user,
        base_currency=base_currency,
        policy=priced_by,
        **(settings or {}),
    )
    portfolio.clean_fields(exclude=["id", "owner", "policy", "created_at"])
    portfolio.save()
    return portfolio
