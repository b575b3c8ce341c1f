"""A file on its way into a portfolio's ledger: its rows sorted out, written as entries, and read with the ledger they join."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from portfolio.books import booking_settings, ledger_folder, preflight, writer
from portfolio.books.imports import folder, row_findings, statements
from portfolio.books.imports.previews import Choices, ImportTooLarge, Preview
from portfolio.books.imports.statements import Statement
from portfolio.books.ledger_folder import MAIN
from portfolio.books.ledger_reading import Reading
from portfolio.ledger import reader
from portfolio.ledger.importing import checking, formats, pairing, writing
from portfolio.ledger.importing.accounts import Accounts
from portfolio.ledger.importing.rows import MAX_BYTES, FileReading, Format, Row, RowFinding
from portfolio.ledger.importing.writing import Written
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import Portfolio
from pricing.fx import CURRENCIES
from pricing.models import Security

_MARGIN = re.compile(
    r'^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ \t]+custom[ \t]+"tieout"[ \t]+"margin"[ \t]+"?([^\s"]+)', re.MULTILINE
)
_QUOTED = frozenset({"buy", "sell", "cash_in_lieu", "reinvested_dividend", "transfer_in", "spin_off"})
"""Kinds whose prices are quotes of the security."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An import that is ready to be taken in, unless its preview has findings; `reading` is of the ledger with it, or with those
    of its rows of which nothing is said."""

    preview: Preview
    import_id: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    written: Written = field(default_factory=lambda: Written("", ()))
    reading: Reading | None = None

    @property
    def path(self) -> str:
        return f"{folder.FOLDER}/{self.import_id}.beancount"

    def find_rows(self, refusal: LedgerRefused, accounts: Accounts) -> tuple[RowFinding, ...]:
        """The ledger's findings against our text, as findings against the rows that it was made of."""
        findings: list[RowFinding] = []
        contradicted: list[Statement] = []
        for finding in refusal.findings:
            row = self.written.row_at(finding.line) if finding.file == self.path else None
            where = "" if row is not None or finding.file == self.path else f"{finding.file}:{finding.line}"
            if row is not None:
                findings.append(row_findings.of_entry(row, finding.reason))
            elif (statement := statements.read(finding, self.files)) is not None:
                contradicted.append(statement)
            else:
                findings.append(RowFinding(0, where, finding.reason))
        findings += statements.find_contradictions(contradicted, self.preview.added, accounts)
        return tuple(dict.fromkeys(findings))


class Candidate:
    """A file for a portfolio's ledger as that is now. Raises ImportTooLarge before it is read."""

    def __init__(
        self, portfolio: Portfolio, name: str, content: bytes, code: str | None, today: date, choices: Choices
    ) -> None:
        if len(content) > MAX_BYTES:
            raise ImportTooLarge(len(content))
        self.portfolio, self.name, self.content, self.today, self.choices = portfolio, name, content, today, choices
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.before = ledger_folder.read(portfolio)
        self.texts = list(ledger_folder.texts(self.before).values())
        self.format, self.file = _read(name, content, code)
        self.accounts = Accounts(self.texts)
        self.securities = {each.symbol: each for each in Security.objects.all()}

    @property
    def has_ledger(self) -> bool:
        return MAIN in self.before

    @property
    def margin(self) -> list[str]:
        """Accounts whose cash may be below zero, as chosen for this import."""
        return [self.accounts.root(name) for name in self.choices.margin]

    @property
    def all_margin(self) -> list[str]:
        """Accounts whose cash may be below zero, as chosen and as the ledger names them."""
        return [account for text in self.texts for account in _MARGIN.findall(text)] + self.margin

    def prepare(self, inferring: Sequence[str] = ()) -> Prepared:
        """The text of the import, read with the ledger that it joins. Where there are findings there is no reading.

        inferring  roots of accounts whose deposits are to be inferred
        """
        self.accounts = Accounts(self.texts)
        self.accounts.assign([name for row in self.rows for name in (row.account, row.to_account) if name])
        ids = folder.entry_ids(self.texts)
        paired = pairing.pair(
            [self._with_factors(row) for row in self.rows],
            confirmed=self.choices.confirm_transfers,
            is_known=lambda row: (row.given_id or _entry_id(row.digest(), 1)) in ids,
        )
        new, known_rows, conflicts = self._sort_out(paired.rows, ids)
        findings = [*self._file_findings(), *self._find_faults(paired.rows), *self._find_margin_faults(), *conflicts]
        preview = Preview(
            self.name,
            self.format.CODE if self.format else "",
            self.sha256,
            tuple(row for _, row in new),
            known_rows,
            row_findings.in_order(findings),
            self.file.ignored,
            unconfirmed=tuple(pair for pair in paired.unconfirmed_pairs if pair[0] not in known_rows),
        )
        if preview.is_good or not self.rows:
            return self._write(new, preview, inferring) if new else Prepared(preview)
        standing = row_findings.rows_apart(new, preview.findings, self.content)
        return self._write(standing, preview, inferring) if standing else Prepared(preview)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the file that could be read and are not to be left out."""
        return tuple(row for row in self.file.rows if row.row not in self.choices.leave_out)

    def _file_findings(self) -> Iterator[RowFinding]:
        """What could not be read of the file; where nothing could, there is nothing to leave out either."""
        return (each for each in self.file.findings if not self.file.rows or each.row not in self.choices.leave_out)

    def _write(self, new: Sequence[tuple[str, Row]], preview: Preview, inferring: Sequence[str]) -> Prepared:
        """The new rows as entries, read with the ledger; what is said of them comes to what the preview says already."""
        import_id = folder.free_name(self.before, self.sha256)
        try:
            file_text = self._entries(new, inferring)
        except LedgerRefused as refusal:  # what is there already can't be read
            at_fault = tuple(RowFinding(0, f"{each.file}:{each.line}", each.reason) for each in refusal.findings)
            return Prepared(row_findings.with_more(preview, at_fault))
        if file_text.findings:
            preview = row_findings.with_more(preview, file_text.findings)
            standing = row_findings.rows_apart(new, preview.findings, self.content)
            return self._write(standing, preview, inferring) if 0 < len(standing) < len(new) else Prepared(preview)
        files = {
            **self.before,
            MAIN: (self.before.get(MAIN) or ledger_folder.new_main(self.portfolio)) + folder.include_of(import_id),
            f"{folder.FOLDER}/{import_id}.beancount": file_text.text.encode(),
            f"{folder.FOLDER}/{import_id}.source": self.content,
        }
        prepared = Prepared(preview, import_id, files, file_text)
        try:
            reading = writer.check(portfolio=self.portfolio, files=files, today=self.today)
        except LedgerRefused as refusal:
            return Prepared(row_findings.with_more(preview, prepared.find_rows(refusal, self.accounts)))
        return replace(prepared, reading=reading)

    def _entries(self, new: Sequence[tuple[str, Row]], inferring: Sequence[str]) -> Written:
        moves = any(row.symbol and row.kind in writing.MOVES_SECURITIES for _, row in new)
        before = reader.read(self.before) if moves and self.has_ledger else None
        policy = self.portfolio.policy
        return writing.write(
            new,
            heading=(
                f"import of {folder.printable(self.name)}",
                f"format {self.format.CODE if self.format else ''}",
                f"sha256 {self.sha256}",
                f"rows {len(new)}",
            ),
            base_currency=self.portfolio.base_currency,
            method=booking_settings.newest(self.portfolio).booking_method,
            accounts=self.accounts,
            opens=self.file.opens or {},
            directives=[
                *(f'2000-01-01 custom "tieout" "margin" "{root}"' for root in self.margin),
                *(f'2000-01-01 custom "tieout" "infer-deposits" "{root}"' for root in inferring),
            ],
            before=before.entries if before else (),
            trading={symbol: each.currency for symbol, each in self.securities.items()},
            fixing=lambda day, frm, to: preflight.fixing(policy, day, frm, to),
        )

    def _with_factors(self, row: Row) -> Row:
        """The row with the value of one unit at the quoted price, which the security says."""
        if row.text or row.kind not in _QUOTED:
            return row
        ours, other = self.securities.get(row.symbol), self.securities.get(row.to_symbol)
        return replace(row, factor=ours.factor if ours else Decimal(1), to_factor=other.factor if other else Decimal(1))

    def _find_faults(self, rows: Sequence[Row]) -> Iterator[RowFinding]:
        yield from checking.find_faults(
            rows,
            securities=self.securities.keys(),
            currencies=CURRENCIES,
            accounts=self.accounts.commodities_of.keys(),
            today=self.today,
            unquoted={symbol for symbol, each in self.securities.items() if each.lacks_quote_unit},
        )

    def _find_margin_faults(self) -> Iterator[RowFinding]:
        names = {row.account for row in self.rows} | {each.to_account for each in self.rows if each.to_account}
        roots = {self.accounts.root(name) for name in names}
        for name, root in zip(self.choices.margin, self.margin, strict=True):
            if root not in roots and not any(each.startswith(f"{root}:") for each in self.accounts.commodities_of):
                account_names = ", ".join(sorted(self.accounts.name_of(each) for each in roots))
                yield RowFinding(
                    0,
                    "margin",
                    f"{name} is no account of the file or the ledger",
                    account_names and f"one of {account_names}",
                )

    def _sort_out(
        self, rows: Sequence[Row], ids: Mapping[str, str | None]
    ) -> tuple[list[tuple[str, Row]], tuple[Row, ...], list[RowFinding]]:
        """New rows with the ids of their entries, rows whose entry is there already, and ids under which the ledger says
        something else."""
        entries = folder.entries_without_ids(self.texts) if any(row.text for row in rows) else frozenset[str]()
        new: list[tuple[str, Row]] = []
        known_rows: list[Row] = []
        conflicts = []
        for entry_id, row in _with_ids(rows):
            if entry_id not in ids and folder.without_id(row.text) not in entries:
                new.append((entry_id, row))
                continue
            known_rows.append(row)
            if row.given_id and ids.get(row.given_id) not in (None, row.digest()[:16]):
                reason, then = "is in the ledger and says something else there", "undo that import first"
                conflicts.append(RowFinding(row.row, "id", reason, then, row.given_id))
        return new, tuple(known_rows), conflicts


def _read(name: str, content: bytes, code: str | None) -> tuple[Format | None, FileReading]:
    file_format = formats.FORMATS.get(code) if code else formats.recognise(name, content)
    if file_format is not None:
        reading = file_format.read(content)
        if not reading.rows and not reading.findings:
            return file_format, FileReading(findings=(RowFinding(0, "", "holds no transactions"),))
        return file_format, reading
    if code:
        unknown = RowFinding(0, "", f"format {code!r} is not known", f"one of {', '.join(formats.FORMATS)}")
        return None, FileReading(findings=(unknown,))
    return None, FileReading(findings=(formats.find_why_unknown(name, content),))


def _with_ids(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with the id of its entry: its own, else a digest of its content and its turn among rows of the same content."""
    turns: Counter[str] = Counter()
    for row in rows:
        if row.given_id:
            yield row.given_id, row
            continue
        digest = row.digest()
        turns[digest] += 1
        yield _entry_id(digest, turns[digest]), row


def _entry_id(digest: str, turn: int) -> str:
    return "I" + hashlib.sha256(f"{digest}|{turn}".encode()).hexdigest()[:24]
