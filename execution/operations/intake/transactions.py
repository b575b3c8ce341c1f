"""Files of transactions: previewed, imported, undone."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from execution.executor import PortfolioNotFound
from execution.operations.intake.files import read_file
from execution.operations.intake.portfolios import DEFAULT_POLICY, open_portfolio
from portfolio.books import imports
from portfolio.ledger.importing.rows import RowFinding
from portfolio.models import Portfolio, RevisionStatus

AS_GIVEN: Final = imports.Choices()
"""Every row is taken as it is written: no deposits are inferred, no transfers confirmed."""
AUTHOR: Final = "Tieout import"


def import_transactions(
    path: Path,
    *,
    slug: str,
    code: str | None = None,
    dry_run: bool = False,
    owner: str | None = None,
    base_currency: str | None = None,
    policy: str = DEFAULT_POLICY,
    at: datetime | None = None,
    choices: imports.Choices = AS_GIVEN,
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
            portfolio = open_portfolio(slug, slug, base_currency, owner=owner, policy=policy, portfolio_id=uuid4())
        if dry_run:
            preview = imports.preview(
                portfolio=portfolio,
                name=path.name,
                content=content,
                today=now.date(),
                code=code,
                choices=choices,
            )
            transaction.set_rollback(True)
            return as_dict(portfolio, preview)
        imported = imports.commit(
            portfolio=portfolio,
            name=path.name,
            content=content,
            author=AUTHOR,
            at=now,
            code=code,
            choices=choices,
        )
    return as_dict(portfolio, imported.preview, imported)


def undo_import(*, slug: str, import_id: str | None = None, at: datetime | None = None) -> dict[str, Any]:
    """Take the last import, or the one with an id, out of a portfolio's ledger. Raises imports.ImportNotFound, LedgerRefused."""
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        raise PortfolioNotFound
    undone = imports.undo(portfolio=portfolio, author=AUTHOR, at=at or timezone.now(), import_id=import_id)
    return {
        "portfolio": slug,
        "file": undone.name,
        "rows": undone.rows,
        "sha256": undone.sha256,
        "import_id": undone.import_id,
    }


def as_dict(portfolio: Portfolio, preview: imports.Preview, imported: imports.Imported | None = None) -> dict[str, Any]:
    """An import, or its preview, as JSON."""
    revision = imported.revision if imported else None
    breaks = imported.breaks if imported else preview.breaks
    return {
        "status": "preflight" if imported is None else "imported" if imported.import_id else "unchanged",
        "message": describe(preview, imported),
        "portfolio": portfolio.slug,
        "file": preview.name,
        "format": preview.format,
        "sha256": preview.sha256,
        "added": len(preview.added),
        "known": len(preview.known),
        "ignored": list(preview.ignored),
        "findings": [finding_as_dict(finding) for finding in preview.findings],
        "warnings": [warning for warning in preview.warnings if not (imported and warning.startswith(imports.BREAK))],
        "lacks": list(preview.lacks),
        "notes": list(preview.notes),
        "shortfalls": [
            {
                "account": each.account,
                "name": preview.labels.get(each.account, each.account),
                "currency": each.currency,
                "balance": format(each.balance, ".2f"),
                "lowest": format(each.lowest, ".2f"),
                "lowest_on": each.lowest_on.isoformat(),
                "text": preview.describe(each),
            }
            for each in preview.shortfalls
        ],
        "unconfirmed_transfers": [{"out_row": out.row, "in_row": into.row} for out, into in preview.unconfirmed],
        "accounts": dict(preview.accounts),
        "import_id": imported.import_id if imported else None,
        "revision": revision.number if revision else None,
        "commit": revision.commit if revision else None,
        "revision_status": revision.status if revision else None,
        "breaks": list(breaks),
    }


def describe(preview: imports.Preview, imported: imports.Imported | None = None) -> str:
    """What an import did, or would do, in one sentence."""
    if not preview.is_good:
        return "the file has errors; nothing of it can be imported"
    if imported is None:
        if preview.breaks:
            return "nothing was written; with this file the books would differ, and no figure would include it"
        return "nothing was written"
    if imported.import_id is None or imported.revision is None:
        return "the ledger has every transaction of the file already; it stays as it is"
    if imported.revision.status == RevisionStatus.BROKEN:
        return (
            "imported, but the books differ: the revision is broken, and figures stay with the last one that ties out until"
            " the import is undone or the difference is corrected"
        )
    if imported.revision.status == RevisionStatus.READ:
        return "imported; there are figures from the first pricing pack on"
    return "imported; figures include it from now on"


def finding_as_dict(finding: RowFinding) -> dict[str, Any]:
    return {
        "row": finding.row,
        "column": finding.column,
        "value": finding.value,
        "reason": finding.reason,
        "suggestion": finding.suggestion,
        "text": str(finding),
    }
