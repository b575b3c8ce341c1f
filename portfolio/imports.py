"""Transactions from a file: previewed, taken in as one commit of the ledger, undone.

An import is two files of the portfolio's ledger folder, `imports/<hash>.beancount` with the entries and `imports/<hash>.source`
with the file as it came, and one `include` in main.beancount; what there is to list, to compare and to undo is read from there.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from config.errors import TieoutError
from portfolio import portfolio_settings, reconciliation
from portfolio.ledger import reader, writer
from portfolio.ledger.importing import beancount_text, checking, formats, writing
from portfolio.ledger.importing.rows import MAX_BYTES, MAX_FINDINGS, FileReading, Format, Row, RowFinding
from portfolio.ledger.importing.writing import Written
from portfolio.ledger.repository import LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio
from pricing.fx import CURRENCIES
from pricing.models import Security

MAIN: Final = "main.beancount"
FOLDER: Final = "imports"

_OPEN = re.compile(r"^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ \t]+open[ \t]+(\S+)", re.MULTILINE)
_KEPT = re.compile(r'^[ \t]+(id|import_digest):[ \t]*"([^"]*)"', re.MULTILINE)
_ID_LINE = re.compile(r"^[ \t]+id:[^\n]*\n?", re.MULTILINE)
_INCLUDED = re.compile(rf'^include "{FOLDER}/([0-9a-f]{{16}}(?:-[0-9]+)?)\.beancount"[ \t]*\n?', re.MULTILINE)
_HEADING = re.compile(r"^; (import of|format|sha256|rows) (.*)$", re.MULTILINE)

_TAKES_LOTS = frozenset({"sell", "cash_in_lieu", "transfer_out"})
_NOT_HELD = re.compile(r"Not enough lots|No position matches|.* of which [0-9.]+ is held")
_UNFILLED, _AMBIGUOUS = "Too many missing numbers", "Ambiguous matches"
"""How Beancount and the books say it; a lot that nothing is left of has no cost that Beancount could fill in."""
_MISSING_ROW = "a purchase, split or transfer may be missing, or the rows of that day are in another order"


class ImportRefused(TieoutError):
    """Nothing of the file is taken; `findings` say why, by row and column."""

    def __init__(self, findings: tuple[RowFinding, ...]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = findings


class ImportTooLarge(TieoutError):
    """Refused before it is read."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes; an import takes at most {MAX_BYTES}: cut it by years")
        self.size = size


class ImportNotFound(TieoutError):
    """The ledger of the portfolio includes no such import."""

    def __init__(self, name: str | None) -> None:
        super().__init__(f"there is no import {name}" if name else "nothing was imported, or all of it is undone")
        self.name = name


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `known` is in the ledger already; with findings nothing would be taken.

    ignored   columns and parts of the file that are not read
    """

    name: str
    format: str
    sha256: str
    added: tuple[Row, ...]
    known: tuple[Row, ...]
    findings: tuple[RowFinding, ...]
    ignored: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, reconciled at once; breaks say where the books differ. Without anything new there is no commit:
    `import_id` is None and the revision the last one."""

    preview: Preview
    import_id: str | None
    revision: LedgerRevision | None
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptImport:
    """An import that the ledger includes."""

    import_id: str
    name: str
    format: str
    sha256: str
    rows: int


def preview(*, portfolio: Portfolio, name: str, content: bytes, today: date, code: str | None = None) -> Preview:
    """What would be added, what is there already, what is wrong; written nowhere.

    code     of the format; None: by the look of the file
    raises   ImportTooLarge
    """
    return _prepare(portfolio, _folder(portfolio), name, content, code, today).checked(portfolio, today)


def commit(
    *, portfolio: Portfolio, name: str, content: bytes, author: str, at: datetime, code: str | None = None
) -> Imported:
    """Take a file in, as one commit of the ledger; what is there already is passed over.

    raises   ImportRefused with everything that is wrong, ImportTooLarge; nothing was written then
    """
    with transaction.atomic():
        writer.lock(portfolio)
        before = _folder(portfolio)
        prepared = _prepare(portfolio, before, name, content, code, at.date())
        found = prepared.preview
        if not found.is_good:
            raise ImportRefused(found.findings)
        if not found.added:
            return Imported(found, None, _last_revision(portfolio))
        message = f"import {_line(name)}\n\nformat: {found.format}\nsha256: {found.sha256}\nrows: {len(found.added)}\n"
        try:
            entered = reconciliation.take_in(
                portfolio=portfolio,
                files=prepared.files,
                message=message,
                author=author,
                at=at,
                founding=None if MAIN in before else {MAIN: _found(portfolio)},
            )
        except LedgerRefused as refused:
            raise ImportRefused(prepared.by_row(refused)) from refused
    return Imported(found, prepared.import_id, entered.taken.revision, tuple(map(str, entered.breaks)))


def undo(*, portfolio: Portfolio, author: str, at: datetime, import_id: str | None = None) -> KeptImport:
    """Take an import (the last one without a name) out of the ledger, which is then, byte for byte, as if it had never come.

    raises   ImportNotFound; LedgerRefused where later entries need what it brought
    """
    with transaction.atomic():
        writer.lock(portfolio)
        files = _folder(portfolio)
        kept = {each.import_id: each for each in _list(files)}
        if not kept or (import_id is not None and import_id not in kept):
            raise ImportNotFound(import_id)
        chosen = kept[import_id] if import_id is not None else list(kept.values())[-1]
        without = {path: text for path, text in files.items() if not path.startswith(f"{FOLDER}/{chosen.import_id}.")}
        without[MAIN] = _without_include(files[MAIN], chosen.import_id)
        message = f"undo the import of {_line(chosen.name)}\n\nsha256: {chosen.sha256}\n"
        reconciliation.take_in(portfolio=portfolio, files=without, message=message, author=author, at=at)
    return chosen


def kept(*, portfolio: Portfolio) -> tuple[KeptImport, ...]:
    """The imports that the ledger includes, in the order in which they came."""
    return tuple(_list(_folder(portfolio)))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An import that is ready to be taken in, unless its preview has findings."""

    preview: Preview
    import_id: str
    files: Mapping[str, bytes]
    written: Written

    def checked(self, portfolio: Portfolio, today: date) -> Preview:
        """The preview, with what the ledger as a whole would say."""
        found = self.preview
        if not found.is_good or not found.added:
            return found
        try:
            writer.check(portfolio=portfolio, files=self.files, today=today)
        except LedgerRefused as refused:
            return replace(found, findings=self.by_row(refused))
        return found

    def by_row(self, refused: LedgerRefused) -> tuple[RowFinding, ...]:
        """What the ledger said of our text, as said of the rows that it was made of."""
        found = []
        for finding in refused.findings:
            row = self.written.row_at(finding.line) if finding.file == self.path else None
            where = "" if row is not None or finding.file == self.path else f"{finding.file}:{finding.line}"
            found.append(RowFinding(0, where, finding.reason) if row is None else _of_row(row, finding.reason))
        return tuple(found)

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.import_id}.beancount"


def _of_row(row: Row, reason: str) -> RowFinding:
    """What the ledger said of a row's entry, in the words of its file where it is about lots."""
    not_held = _NOT_HELD.match(reason)
    if row.text and not_held:
        return RowFinding(row.row, "", "takes lots that are not held on that day", _MISSING_ROW)
    if row.kind in _TAKES_LOTS and (not_held or reason.startswith(_UNFILLED)):
        quantity = f"{row.quantity:f}" if row.quantity is not None else ""
        return RowFinding(row.row, "quantity", "is more than is held on that day", _MISSING_ROW, quantity)
    if row.kind in _TAKES_LOTS and reason.startswith(_AMBIGUOUS):
        return RowFinding(row.row, "lot", "is needed: several could be meant", "the name that the lot was bought with")
    return RowFinding(row.row, "", reason)


def _prepare(
    portfolio: Portfolio, files: Mapping[str, bytes], name: str, content: bytes, code: str | None, today: date
) -> _Prepared:
    if len(content) > MAX_BYTES:
        raise ImportTooLarge(len(content))
    sha256 = hashlib.sha256(content).hexdigest()
    chosen, reading = _read(name, content, code)
    texts = [text.decode() for path, text in files.items() if path.endswith(".beancount")]
    findings = list(reading.findings)
    if not findings:
        findings += checking.find_faults(
            reading.rows,
            securities=set(Security.objects.values_list("symbol", flat=True)),
            currencies=CURRENCIES,
            accounts=_opened(texts),
            today=today,
        )
    named = list(_named(reading.rows))
    ids, blocks = _ids(texts), _blocks(texts) if any(row.text for row in reading.rows) else frozenset[str]()
    fresh: list[tuple[str, Row]] = []
    known: list[Row] = []
    for entry_id, row in named:
        if entry_id not in ids and _bare(row.text) not in blocks:
            fresh.append((entry_id, row))
            continue
        known.append(row)
        if row.given_id and ids.get(row.given_id) not in (None, row.digest()[:16]):
            findings.append(
                RowFinding(
                    row.row,
                    "id",
                    "is in the ledger and says something else there",
                    "undo that import first",
                    row.given_id,
                )
            )
    found = Preview(
        name,
        chosen.CODE if chosen else "",
        sha256,
        tuple(row for _, row in fresh),
        tuple(known),
        tuple(findings[:MAX_FINDINGS]),
        reading.ignored,
    )
    if not found.is_good or not fresh:
        return _Prepared(found, "", {}, Written("", ()))
    import_id = _free_name(files, sha256)
    written = _write(portfolio, files, fresh, found, _opened(texts), reading.opens or {})
    if written.unheld:
        unheld = tuple(
            RowFinding(row.row, "symbol", "is not held on that day", "", row.symbol) for row in written.unheld
        )
        return _Prepared(replace(found, findings=unheld[:MAX_FINDINGS]), "", {}, Written("", ()))
    main = files.get(MAIN) or _found(portfolio)
    candidate = {
        **files,
        MAIN: main + _include(import_id),
        f"{FOLDER}/{import_id}.beancount": written.text.encode(),
        f"{FOLDER}/{import_id}.source": content,
    }
    return _Prepared(found, import_id, candidate, written)


def _read(name: str, content: bytes, code: str | None) -> tuple[Format | None, FileReading]:
    chosen = formats.FORMATS.get(code) if code else formats.recognise(name, content)
    if chosen is not None:
        reading = chosen.read(content)
        if not reading.rows and not reading.findings:
            return chosen, FileReading(findings=(RowFinding(0, "", "holds no transactions"),))
        return chosen, reading
    reason = f"format {code!r} is not known" if code else "is in no format that is known"
    return None, FileReading(findings=(RowFinding(0, "", reason, f"one of {', '.join(formats.FORMATS)}"),))


def _write(
    portfolio: Portfolio,
    files: Mapping[str, bytes],
    fresh: Sequence[tuple[str, Row]],
    found: Preview,
    opened: frozenset[str],
    opens: Mapping[str, str],
) -> Written:
    needs_lots = any(row.kind in writing.NEEDS_LOTS for _, row in fresh)
    return writing.write(
        fresh,
        heading=(
            f"import of {_line(found.name)}",
            f"format {found.format}",
            f"sha256 {found.sha256}",
            f"rows {len(fresh)}",
        ),
        base_currency=portfolio.base_currency,
        method=portfolio_settings.in_ledger(portfolio)["booking_method"],
        open_accounts=opened,
        opens=opens,
        before=reader.read(files).entries if needs_lots and MAIN in files else (),
    )


def _named(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with the id of its entry: its own, else a digest of what it says and its turn among rows that say the same."""
    alike: Counter[str] = Counter()
    for row in rows:
        if row.given_id:
            yield row.given_id, row
            continue
        digest = row.digest()
        alike[digest] += 1
        yield "I" + hashlib.sha256(f"{digest}|{alike[digest]}".encode()).hexdigest()[:24], row


def _folder(portfolio: Portfolio) -> dict[str, bytes]:
    repository = LedgerRepository.open_or_create(settings.LEDGER_PATH)
    with repository:
        head = repository.head()
        return repository.files(head, portfolio.slug) if head else {}


def _found(portfolio: Portfolio) -> bytes:
    return writing.found_ledger(
        title=portfolio.name,
        base_currency=portfolio.base_currency,
        method=portfolio_settings.in_ledger(portfolio)["booking_method"],
    ).encode()


def _opened(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(account for text in texts for account in _OPEN.findall(text))


def _ids(texts: Sequence[str]) -> dict[str, str | None]:
    """Entry id -> what an import kept of the row it was made of; None where a person wrote the entry."""
    found: dict[str, str | None] = {}
    for text in texts:
        last = ""
        for key, value in _KEPT.findall(text):
            if key == "id":
                last = value
                found[last] = None
            elif last:
                found[last] = value
    return found


def _blocks(texts: Sequence[str]) -> frozenset[str]:
    """The entries of a ledger without their ids, so that one that has none is not taken in twice."""
    found = {_bare(block) for text in texts for _, block in beancount_text.directives(text)}
    return frozenset(found - {""})


def _bare(text: str) -> str:
    return " ".join(_ID_LINE.sub("", text).split())


def _include(import_id: str) -> bytes:
    return f'\ninclude "{FOLDER}/{import_id}.beancount"\n'.encode()


def _without_include(main: bytes, import_id: str) -> bytes:
    if (ours := _include(import_id)) in main:
        return main.replace(ours, b"", 1)
    return re.sub(rb"(?m)^" + re.escape(ours.strip()) + rb"[ \t]*\n?", b"", main)  # somebody has moved it


def _free_name(files: Mapping[str, bytes], sha256: str) -> str:
    """The file may have come before, and somebody may have taken an entry of it out by hand."""
    name, number = sha256[:16], 1
    while f"{FOLDER}/{name}.beancount" in files:
        number += 1
        name = f"{sha256[:16]}-{number}"
    return name


def _list(files: Mapping[str, bytes]) -> Iterator[KeptImport]:
    for import_id in _INCLUDED.findall(files.get(MAIN, b"").decode()):
        text = files.get(f"{FOLDER}/{import_id}.beancount", b"")[:4000].decode(errors="replace")
        told = dict(_HEADING.findall(text.partition("\n\n")[0]))
        rows = told.get("rows", "")
        yield KeptImport(
            import_id,
            told.get("import of", ""),
            told.get("format", ""),
            told.get("sha256", ""),
            int(rows) if rows.isascii() and rows.isdigit() else 0,
        )


def _last_revision(portfolio: Portfolio) -> LedgerRevision | None:
    return LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()


def _line(name: str) -> str:
    """A file's name as one printable line."""
    return "".join(sign if sign.isprintable() else " " for sign in name).strip()[:200] or "a file"
