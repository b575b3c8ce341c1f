"""Transactions from a file: previewed, taken in as one commit of the ledger, undone."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from portfolio.books import catching_up, entry, ledger_folder, revisions, writer
from portfolio.books.imports import folder
from portfolio.books.imports.assessment import assess
from portfolio.books.imports.candidate import Candidate
from portfolio.books.imports.folder import FOLDER, ImportNotFound, StoredImport
from portfolio.books.imports.previews import NO_CHOICES, Choices, ImportRefused, Preview
from portfolio.books.ledger_folder import MAIN
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, reconciled at once; breaks say where the books differ. Without anything new there is no commit:
    `import_id` is None and the revision the last one."""

    preview: Preview
    import_id: str | None
    revision: LedgerRevision | None
    breaks: tuple[str, ...] = ()


def preview(
    *,
    portfolio: Portfolio,
    name: str,
    content: bytes,
    today: date,
    code: str | None = None,
    choices: Choices = NO_CHOICES,
) -> Preview:
    """What would be added, what is there already, what is wrong and what would be lacking; nothing is written.

    code     of the format; None: by the look of the file
    raises   ImportTooLarge
    """
    catching_up.catch_up(portfolio)
    return assess(Candidate(portfolio, name, content, code, today, choices)).preview


def commit(
    *,
    portfolio: Portfolio,
    name: str,
    content: bytes,
    author: str,
    at: datetime,
    code: str | None = None,
    choices: Choices = NO_CHOICES,
) -> Imported:
    """Take a file in, as one commit of the ledger; what is there already is passed over.

    raises   ImportRefused with everything that is wrong, ImportTooLarge; nothing of the file was written then
    """
    catching_up.catch_up(portfolio)  # first, so that it stands although the file is refused
    with transaction.atomic():
        writer.lock(portfolio)
        catching_up.catch_up(portfolio)  # again, as another writer may have been killed meanwhile
        candidate = Candidate(portfolio, name, content, code, at.date(), choices)
        prepared = assess(candidate)
        preview = prepared.preview
        if not preview.is_good:
            raise ImportRefused(preview.findings)
        if not preview.added:
            return Imported(preview, None, revisions.newest(portfolio))
        about = f"format: {preview.format}\nsha256: {preview.sha256}\nrows: {len(preview.added)}\n"
        try:
            entered = entry.enter(
                portfolio=portfolio,
                files=prepared.files,
                message=f"import {folder.printable(name)}\n\n{about}",
                author=author,
                at=at,
                founding=None if candidate.has_ledger else {MAIN: ledger_folder.new_main(portfolio)},
                checked=prepared.reading,
            )
        except LedgerRefused as refusal:
            raise ImportRefused(prepared.find_rows(refusal, candidate.accounts)) from refusal
    return Imported(preview, prepared.import_id, entered.stored.revision, tuple(map(str, entered.breaks)))


def undo(*, portfolio: Portfolio, author: str, at: datetime, import_id: str | None = None) -> StoredImport:
    """Take an import (None: the last one) out of the ledger, which is then, byte for byte, as if it had never come.

    raises   ImportNotFound; LedgerRefused where later entries need what it brought
    """
    catching_up.catch_up(portfolio)
    with transaction.atomic():
        writer.lock(portfolio)
        catching_up.catch_up(portfolio)
        files = ledger_folder.read(portfolio)
        included = {each.import_id: each for each in folder.stored_imports(files)}
        if not included or (import_id is not None and import_id not in included):
            raise ImportNotFound(import_id)
        target = included[import_id] if import_id is not None else list(included.values())[-1]
        without = {path: text for path, text in files.items() if not path.startswith(f"{FOLDER}/{target.import_id}.")}
        without[MAIN] = folder.without_include(files[MAIN], target.import_id)
        message = f"undo the import of {folder.printable(target.name)}\n\nsha256: {target.sha256}\n"
        entry.enter(portfolio=portfolio, files=without, message=message, author=author, at=at)
    return target


def stored_imports(*, portfolio: Portfolio) -> tuple[StoredImport, ...]:
    """The imports that the ledger includes, in the order in which they came."""
    return tuple(folder.stored_imports(ledger_folder.read(portfolio)))
