"""Transactions from a file: previewed, taken in as one commit of the ledger, undone.

An import is two files of the portfolio's ledger folder, `imports/<hash>.beancount` with the entries and `imports/<hash>.source`
with the file as it came, and one `include` in main.beancount; what there is to list, to compare and to undo is read from there.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import transaction

from config.errors import TieoutError
from portfolio import portfolio_settings
from portfolio.books import preflight, reconciliation, writer
from portfolio.ledger import reader
from portfolio.ledger.importing import beancount_text, checking, formats, pairing, writing
from portfolio.ledger.importing.accounts import Accounts
from portfolio.ledger.importing.rows import MAX_BYTES, MAX_FINDINGS, Balance, FileReading, Format, Row, RowFinding
from portfolio.ledger.importing.writing import Written
from portfolio.ledger.repository import LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio
from pricing.fx import CURRENCIES
from pricing.models import Security

MAIN: Final = "main.beancount"
FOLDER: Final = "imports"
BREAK: Final = "the books would differ"
"""How the warning of a break begins."""

_KEPT = re.compile(r'^[ \t]+(id|import_digest):[ \t]*"([^"]*)"', re.MULTILINE)
_ID_LINE = re.compile(r"^[ \t]+id:[^\n]*\n?", re.MULTILINE)
_INCLUDED = re.compile(rf'^include "{FOLDER}/([0-9a-f]{{16}}(?:-[0-9]+)?)\.beancount"[ \t]*\n?', re.MULTILINE)
_HEADING = re.compile(r"^; (import of|format|sha256|rows) (.*)$", re.MULTILINE)

_MARGIN = re.compile(
    r'^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ \t]+custom[ \t]+"tieout"[ \t]+"margin"[ \t]+"?([^\s"]+)', re.MULTILINE
)
_QUOTED = frozenset({"buy", "sell", "cash_in_lieu", "reinvested_dividend", "transfer_in", "spin_off"})
"""Kinds whose prices are quotes of the security."""
_TAKES_LOTS = frozenset({"sell", "cash_in_lieu", "transfer_out", "transfer"})
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
class Choices:
    """What a file alone can't tell, and whoever brings it may say.

    infer_deposits     where cash would be below zero, money that no row brings was deposited
    margin             accounts, by the names of the file or of the ledger, whose cash may be below zero
    confirm_transfers  securities that leave one account and come to another within ten days are one move
    """

    infer_deposits: bool = False
    margin: tuple[str, ...] = ()
    confirm_transfers: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `known` is in the ledger already; with findings nothing would be taken.

    ignored     columns and parts of the file that are not read
    notes       what is taken otherwise than a row says, or differs from what the file says itself
    lacks       prices and rates that what the file brings has not, by name and day
    breaks      where the books would differ: the revision would be broken
    shortfalls  cash that would be below zero, by account and currency
    unconfirmed rows that may be one move between own accounts (out, in); each is taken as a flow unless that is confirmed
    accounts    names of the file -> the accounts that they stand for, where these are written otherwise
    called      account -> what people call it
    """

    name: str
    format: str
    sha256: str
    added: tuple[Row, ...]
    known: tuple[Row, ...]
    findings: tuple[RowFinding, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    shortfalls: tuple[preflight.Shortfall, ...] = ()
    unconfirmed: tuple[tuple[Row, Row], ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not self.findings

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that is to be said of a file that can be taken, in words."""
        return (
            *(f"{BREAK}: {each}" for each in self.breaks),
            *(self.describe(each) for each in self.shortfalls),
            *self.lacks,
            *map(_describe_pair, self.unconfirmed),
            *self.notes,
            *(f"account {name!r} is {account} in the ledger" for name, account in self.accounts.items()),
        )

    def describe(self, shortfall: preflight.Shortfall) -> str:
        lowest = f"at its lowest {_money(shortfall.lowest)}, on {shortfall.lowest_on}"
        after = f"cash would be {_money(shortfall.balance)} {shortfall.currency}"
        same = shortfall.lowest == shortfall.balance
        return f"{self.called.get(shortfall.account, shortfall.account)}: {after}" + ("" if same else f" ({lowest})")


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


def preview(
    *,
    portfolio: Portfolio,
    name: str,
    content: bytes,
    today: date,
    code: str | None = None,
    choices: Choices = Choices(),
) -> Preview:
    """What would be added, what is there already, what is wrong and what would be lacking; written nowhere.

    code     of the format; None: by the look of the file
    raises   ImportTooLarge
    """
    return _Import(portfolio, name, content, code, today, choices).checked().preview


def commit(
    *,
    portfolio: Portfolio,
    name: str,
    content: bytes,
    author: str,
    at: datetime,
    code: str | None = None,
    choices: Choices = Choices(),
) -> Imported:
    """Take a file in, as one commit of the ledger; what is there already is passed over.

    raises   ImportRefused with everything that is wrong, ImportTooLarge; nothing was written then
    """
    with transaction.atomic():
        writer.lock(portfolio)
        coming = _Import(portfolio, name, content, code, at.date(), choices)
        prepared = coming.checked()
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
                founding=None if MAIN in coming.before else {MAIN: _found(portfolio)},
                checked=prepared.reading,
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
    """An import that is ready to be taken in, unless its preview has findings; `reading` is of the ledger with it."""

    preview: Preview
    import_id: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    written: Written = field(default_factory=lambda: Written("", ()))
    reading: writer.Reading | None = None

    def by_row(self, refused: LedgerRefused) -> tuple[RowFinding, ...]:
        """What the ledger said of our text, as said of the rows that it was made of."""
        found = []
        for finding in refused.findings:
            row = self.written.row_at(finding.line) if finding.file == self.path else None
            where = "" if row is not None or finding.file == self.path else f"{finding.file}:{finding.line}"
            found.append(RowFinding(0, where, finding.reason) if row is None else _of_row(row, finding.reason))
        return tuple(dict.fromkeys(found))

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.import_id}.beancount"


class _Import:
    """A file on its way into a portfolio's ledger."""

    def __init__(
        self, portfolio: Portfolio, name: str, content: bytes, code: str | None, today: date, choices: Choices
    ) -> None:
        if len(content) > MAX_BYTES:
            raise ImportTooLarge(len(content))
        self.portfolio, self.name, self.content, self.today, self.choices = portfolio, name, content, today, choices
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.before = _folder(portfolio)
        self.texts = [text.decode() for path, text in self.before.items() if path.endswith(".beancount")]
        self.format, self.reading = _read(name, content, code)
        self.accounts = Accounts(self.texts)
        self.securities = {each.symbol: each for each in Security.objects.all()}
        self.notes: list[str] = []

    def checked(self) -> _Prepared:
        """The import with all that is to be said of it, once more with deposits where they are to be inferred."""
        prepared = self.prepared(())
        if prepared.reading is None:
            return prepared
        short = self.short(prepared.reading)
        if short and self.choices.infer_deposits:
            roots = dict.fromkeys(each.account for each in short)
            again = self.prepared([f'2000-01-01 custom "tieout" "infer-deposits" "{root}"' for root in roots])
            if again.reading is None:
                return again
            inferred: dict[str, Decimal] = {}
            for event in again.reading.transactions:
                if event.inferred:
                    inferred[event.currency] = inferred.get(event.currency, Decimal(0)) + event.amount
            told = ", ".join(f"{_money(amount)} {currency}" for currency, amount in sorted(inferred.items()))
            self.notes.append(f"deposits of {told} in all are inferred")
            prepared, short = again, self.short(again.reading)
        return self.told(prepared, short)

    def told(self, prepared: _Prepared, short: tuple[preflight.Shortfall, ...]) -> _Prepared:
        """With what the ledger as a whole says of it."""
        reading = prepared.reading
        assert reading is not None
        events = [event for event in reading.transactions if event.file == prepared.path]
        if unvalued := preflight.find_unvalued(self.portfolio, events):
            why = "can't be valued on that day, which a transfer from or to outside has to be"
            findings = []
            for event, missing in unvalued:
                row = prepared.written.row_at(event.line)
                findings.append(RowFinding(row.row if row else 0, "symbol", why, missing, event.symbol or ""))
            return _Prepared(replace(prepared.preview, findings=tuple(findings[:MAX_FINDINGS])))
        notes = [*self.notes, *prepared.written.notes, *self.balances(reading)]
        if short and not self.choices.infer_deposits:
            notes.append(
                "the file brings less money than it spends: its deposits can be inferred, or the account marked margin"
            )
        breaks = preflight.find_breaks(self.portfolio, reading)
        notes += preflight.find_split_hints(self.portfolio, breaks)
        found = replace(
            prepared.preview,
            notes=tuple(dict.fromkeys(notes)),
            lacks=preflight.find_lacks(self.portfolio, reading, events),
            breaks=tuple(map(str, breaks)),
            shortfalls=short,
            accounts=self.accounts.accounts_by_name(row.account for row in self.reading.rows),
            called={each.account: self.accounts.name_of(each.account) for each in short},
        )
        return replace(prepared, preview=found)

    def short(self, reading: writer.Reading) -> tuple[preflight.Shortfall, ...]:
        """Cash below zero in accounts that the file moves money in."""
        margin = [account for text in self.texts for account in _MARGIN.findall(text)] + self.margin()
        moved = {
            self.accounts.root(name)
            for row in self.reading.rows
            for name in (row.account, row.to_account)
            if not row.text
        }
        if any(row.text for row in self.reading.rows):
            moved |= {each.account for each in preflight.find_shortfalls(reading.transactions)}
        found = preflight.find_shortfalls(reading.transactions, margin=margin)
        return tuple(each for each in found if each.account in moved)

    def margin(self) -> list[str]:
        return [self.accounts.root(name) for name in self.choices.margin]

    def balances(self, reading: writer.Reading) -> Iterator[str]:
        """Where cash that the file states is not what its rows come to."""
        cash = preflight.cash_by_day(reading.transactions)
        newest: dict[tuple[str, str], Balance] = {}
        for balance in self.reading.balances:
            newest.setdefault((balance.account, balance.currency), balance)
        for balance in newest.values():
            days = cash.get((f"{self.accounts.root(balance.account)}:Cash:{balance.currency}", balance.currency), {})
            until = [amount for day, amount in days.items() if balance.date is None or day <= balance.date]
            held = until[-1] if until else Decimal(0)
            if abs(held - balance.amount) > Decimal("0.01"):
                yield (
                    f"the file says that {balance.account or 'its account'} holds {_money(balance.amount)} {balance.currency};"
                    f" what is booked comes to {_money(held)} {balance.currency}"
                )

    def prepared(self, inferring: Sequence[str]) -> _Prepared:
        """The text of the import, read with the ledger that it joins. Where there are findings there is no reading."""
        self.accounts = Accounts(self.texts)
        self.accounts.assign([name for row in self.reading.rows for name in (row.account, row.to_account) if name])
        ids = _ids(self.texts)
        paired = pairing.pair(
            [self.quoted(row) for row in self.reading.rows],
            confirmed=self.choices.confirm_transfers,
            is_known=lambda row: (row.given_id or _entry_id(row.digest(), 1)) in ids,
        )
        findings = [*self.reading.findings, *self.faults(paired.rows), *self.margin_faults()]
        fresh, known, conflicts = self.sorted_out(paired.rows, ids)
        found = Preview(
            self.name,
            self.format.CODE if self.format else "",
            self.sha256,
            tuple(row for _, row in fresh),
            known,
            tuple([*findings, *conflicts][:MAX_FINDINGS]),
            self.reading.ignored,
            unconfirmed=tuple(pair for pair in paired.unconfirmed_pairs if pair[0] not in known),
        )
        if not found.is_good or not fresh:
            return _Prepared(found)
        import_id = _free_name(self.before, self.sha256)
        main = self.before.get(MAIN) or _found(self.portfolio)
        try:
            written = self.write(fresh, found, inferring)
        except LedgerRefused as refused:  # what is there already can't be read
            at_fault = tuple(RowFinding(0, f"{each.file}:{each.line}", each.reason) for each in refused.findings)
            return _Prepared(replace(found, findings=at_fault[:MAX_FINDINGS]))
        if written.findings:
            return _Prepared(replace(found, findings=tuple(written.findings[:MAX_FINDINGS])))
        candidate = {
            **self.before,
            MAIN: main + _include(import_id),
            f"{FOLDER}/{import_id}.beancount": written.text.encode(),
            f"{FOLDER}/{import_id}.source": self.content,
        }
        prepared = _Prepared(found, import_id, candidate, written)
        try:
            reading = writer.check(portfolio=self.portfolio, files=candidate, today=self.today)
        except LedgerRefused as refused:
            return _Prepared(replace(found, findings=prepared.by_row(refused)[:MAX_FINDINGS]))
        return replace(prepared, reading=reading)

    def quoted(self, row: Row) -> Row:
        """With what one unit at the quoted price is worth, which the security says."""
        if row.text or row.kind not in _QUOTED:
            return row
        ours, other = self.securities.get(row.symbol), self.securities.get(row.to_symbol)
        return replace(row, factor=ours.factor if ours else Decimal(1), to_factor=other.factor if other else Decimal(1))

    def faults(self, rows: Sequence[Row]) -> Iterator[RowFinding]:
        if not self.reading.findings:
            yield from checking.find_faults(
                rows,
                securities=self.securities.keys(),
                currencies=CURRENCIES,
                accounts=self.accounts.opened.keys(),
                today=self.today,
                unquoted={symbol for symbol, each in self.securities.items() if each.lacks_quote_unit},
            )

    def margin_faults(self) -> Iterator[RowFinding]:
        there = {row.account for row in self.reading.rows} | {
            each.to_account for each in self.reading.rows if each.to_account
        }
        roots = {self.accounts.root(name) for name in there}
        for name, root in zip(self.choices.margin, self.margin(), strict=True):
            if root not in roots and not any(each.startswith(f"{root}:") for each in self.accounts.opened):
                known = ", ".join(sorted(self.accounts.name_of(each) for each in roots))
                yield RowFinding(
                    0, "margin", f"{name} is no account of the file or the ledger", known and f"one of {known}"
                )

    def sorted_out(
        self, rows: Sequence[Row], ids: Mapping[str, str | None]
    ) -> tuple[list[tuple[str, Row]], tuple[Row, ...], list[RowFinding]]:
        """What is new with the ids of its entries, what is there already, and ids that say something else there."""
        blocks = _blocks(self.texts) if any(row.text for row in rows) else frozenset[str]()
        fresh: list[tuple[str, Row]] = []
        known: list[Row] = []
        conflicts = []
        for entry_id, row in _named(rows):
            if entry_id not in ids and _bare(row.text) not in blocks:
                fresh.append((entry_id, row))
                continue
            known.append(row)
            if row.given_id and ids.get(row.given_id) not in (None, row.digest()[:16]):
                reason, then = "is in the ledger and says something else there", "undo that import first"
                conflicts.append(RowFinding(row.row, "id", reason, then, row.given_id))
        return fresh, tuple(known), conflicts

    def write(self, fresh: Sequence[tuple[str, Row]], found: Preview, inferring: Sequence[str]) -> Written:
        moves = any(row.symbol and row.kind in writing.MOVES_SECURITIES for _, row in fresh)
        before = reader.read(self.before) if moves and MAIN in self.before else None
        policy = self.portfolio.policy
        return writing.write(
            fresh,
            heading=(
                f"import of {_line(found.name)}",
                f"format {found.format}",
                f"sha256 {found.sha256}",
                f"rows {len(fresh)}",
            ),
            base_currency=self.portfolio.base_currency,
            method=portfolio_settings.in_ledger(self.portfolio)["booking_method"],
            accounts=self.accounts,
            opens=self.reading.opens or {},
            directives=[*(f'2000-01-01 custom "tieout" "margin" "{root}"' for root in self.margin()), *inferring],
            before=before.entries if before else (),
            trading={symbol: each.currency for symbol, each in self.securities.items()},
            fixing=lambda day, frm, to: preflight.fixing(policy, day, frm, to),
        )


def _of_row(row: Row, reason: str) -> RowFinding:
    """What the ledger said of a row's entry, in the words of its file where it is about lots."""
    not_held = _NOT_HELD.match(reason)
    if row.text and not_held:
        return RowFinding(row.row, "", "takes lots that are not held on that day", _MISSING_ROW)
    if row.kind in _TAKES_LOTS and (not_held or reason.startswith(_UNFILLED)):
        return RowFinding(
            row.row, "quantity", "is more than is held on that day", _MISSING_ROW, _plain_number(row.quantity)
        )
    if row.kind in _TAKES_LOTS and reason.startswith(_AMBIGUOUS):
        return RowFinding(row.row, "lot", "is needed: several could be meant", "the name that the lot was bought with")
    return RowFinding(row.row, "", reason)


def _read(name: str, content: bytes, code: str | None) -> tuple[Format | None, FileReading]:
    chosen = formats.FORMATS.get(code) if code else formats.recognise(name, content)
    if chosen is not None:
        reading = chosen.read(content)
        if not reading.rows and not reading.findings:
            return chosen, FileReading(findings=(RowFinding(0, "", "holds no transactions"),))
        return chosen, reading
    if code:
        unknown = RowFinding(0, "", f"format {code!r} is not known", f"one of {', '.join(formats.FORMATS)}")
        return None, FileReading(findings=(unknown,))
    return None, FileReading(findings=(formats.find_why_unknown(name, content),))


def _named(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with the id of its entry: its own, else a digest of what it says and its turn among rows that say the same."""
    alike: Counter[str] = Counter()
    for row in rows:
        if row.given_id:
            yield row.given_id, row
            continue
        digest = row.digest()
        alike[digest] += 1
        yield _entry_id(digest, alike[digest]), row


def _entry_id(digest: str, turn: int) -> str:
    return "I" + hashlib.sha256(f"{digest}|{turn}".encode()).hexdigest()[:24]


def _folder(portfolio: Portfolio) -> dict[str, bytes]:
    repository = LedgerRepository.open_or_create(settings.LEDGER_PATH)
    with repository:
        head = repository.head()
        return repository.files(head, portfolio.slug) if head else {}


def _found(portfolio: Portfolio) -> bytes:
    return writing.start_ledger(
        title=portfolio.name,
        base_currency=portfolio.base_currency,
        method=portfolio_settings.in_ledger(portfolio)["booking_method"],
    ).encode()


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


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace("-", "\N{MINUS SIGN}")


def _plain_number(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"


def _describe_pair(pair: tuple[Row, Row]) -> str:
    out, into = pair
    return (
        f"{_plain_number(out.quantity)} {out.symbol} leave on {out.date} (row {out.row}) and as many come on {into.date}"
        f" (row {into.row}): taken as going out and coming in from outside, unless it is confirmed that they are one move"
        " between own accounts"
    )


def _line(name: str) -> str:
    """A file's name as one printable line."""
    return "".join(sign if sign.isprintable() else " " for sign in name).strip()[:200] or "a file"
