"""A whole portfolio as one file: its ledger with its history as a git repository, its settings, and its transactions as CSV.

`execution/operations/intake/portfolio_file.py` takes it in again.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from django.conf import settings
from django.db import transaction

from compliance import decision_record, rights
from compliance.refusal import RightDenied, find_refusals
from compliance.terms import Use
from config.decimals import plain
from execution import canonical
from execution.exports import neutral, zipped
from portfolio.ledger.importing.tieout_csv import COLUMNS, MORE
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import LedgerRevision, Portfolio, Transaction

LEDGER, SETTINGS, TRANSACTIONS = "ledger.git/", "portfolio.json", "transactions.csv"
KEPT: Final = ("booking_method", "fees_in_cost", "flow_timing", "accrual", "trade_fx")
"""Settings that are values; a benchmark is told beside them."""


def write(file: IO[bytes], portfolio: Portfolio) -> None:
    """To be called with its owner asking. Raises RightDenied, LedgerUnavailable."""
    with transaction.atomic():
        decided = [rights.decide_outputs({"ledger": ("ledger",)}, use) for use in (Use.JSON, Use.CSV)]
        for each in decided:
            decision_record.record(each)
    if refusals := find_refusals(*decided):
        raise RightDenied(refusals[0].use, refusals)
    with transaction.atomic(), zipped.archive_of(file) as archive:
        archive.writestr(zipped.entry(SETTINGS), canonical.canonical_bytes(_settings(portfolio)))
        archive.writestr(zipped.entry(TRANSACTIONS), _transactions(portfolio))
        for name, content in _ledger(portfolio):
            archive.writestr(zipped.entry(LEDGER + name), content)


def _settings(portfolio: Portfolio) -> dict[str, Any]:
    benchmark = portfolio.benchmark
    return {
        "form": 1,
        "id": str(portfolio.pk),
        "slug": portfolio.slug,
        "name": portfolio.name,
        "base_currency": portfolio.base_currency,
        "policy": portfolio.policy_id,
        "settings": {name: getattr(portfolio, name) for name in KEPT},
        "benchmark": benchmark.name if benchmark else None,
        "revisions": list(_revisions(portfolio).values("number", "tree_hash", "status")),
    }


def _revisions(portfolio: Portfolio) -> Any:
    return LedgerRevision.objects.filter(portfolio=portfolio).order_by("number")


def _ledger(portfolio: Portfolio) -> Iterator[tuple[str, bytes]]:
    """The files of a bare repository in which each revision is a commit, and no other portfolio is."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.git"
        with LedgerRepository(settings.LEDGER_PATH) as ours, LedgerRepository.open_or_create(path) as copy:
            head = None
            for revision in _revisions(portfolio):
                origin = ours.origin(revision.commit, portfolio.slug)
                head = copy.commit(
                    portfolio.slug,
                    ours.files(revision.commit, portfolio.slug),
                    message=origin.message,
                    author=origin.author,
                    at=origin.at,
                    expected_head=head,
                )
        for each in sorted(path.rglob("*")):
            if each.is_file():
                yield each.relative_to(path).as_posix(), each.read_bytes()


def _transactions(portfolio: Portfolio) -> str:
    """Those of the newest revision, in the columns of our CSV."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow((*COLUMNS, *MORE))
    rows = Transaction.objects.filter(portfolio=portfolio, removed_in__isnull=True).select_related(
        "security", "to_security"
    )
    for row in rows.order_by("date", "ordinal", "id"):
        cells = {
            "date": row.date,
            "type": row.kind,
            "symbol": row.security.symbol if row.security else "",
            "to_symbol": row.to_security.symbol if row.to_security else "",
            "fx_rate": row.fx_to_base,
            "id": row.entry_id,
        }
        table.writerow(_cell(cells[name] if name in cells else getattr(row, name, "")) for name in (*COLUMNS, *MORE))
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return neutral.cell(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(plain(value))
