"""Texts of a file as values, each with its row and column, and tables out of bytes."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from config import plain_text
from config.counts import number_of
from pricing.fx import MINOR_UNITS

from .near_names import suggest
from .rows import MAX_BYTES, MAX_FINDINGS, MAX_ROWS, RowFinding

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,24}(?:\.[0-9]{1,24})?(?:[eE][+-]?[0-9]{1,2})?")
_COMMA: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[.' ]?[0-9]{3})*,[0-9]+|[+-]?[0-9]+,[0-9]+")
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_EITHER: Final = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
"""1,200: with the comma of thousands or of decimals, which only other cells can tell."""
_DOT_IS_DECIMAL: Final = re.compile(
    r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}|[+-]?[0-9]+\.[0-9]+"
)
_COMMA_IS_DECIMAL: Final = re.compile(
    r"[+-]?[0-9]{1,3}(?:[.' ][0-9]{3})+,[0-9]+|[+-]?[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|[+-]?0[0-9]*,[0-9]+|[+-]?[0-9]{4,},[0-9]+"
)
MAX_DIGITS: Final = 28
"""What Beancount's arithmetic keeps of a number."""
DELIMITERS: Final = ",;\t"
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?")
_CONTROL: Final = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029{plain_text.DIRECTION}]")

SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can write by its number and no other text can hold."""


def find_unwritable(text: str) -> str:
    """What of a text no ledger can keep, in words; "" where all of it can be kept."""
    match = _CONTROL.search(text) or SURROGATE.search(text)
    return f"holds the control character U+{ord(match[0]):04X}" if match else ""


class Undecodable(Exception):  # not an error of ours: it leaves this package as a finding
    def __init__(self, finding: RowFinding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def decode(content: bytes) -> str:
    """The text of a file. Raises Undecodable for what is not plain UTF-8, with the line."""

    def refuse(at: int, reason: str, suggestion: str) -> Undecodable:
        return Undecodable(RowFinding(content.count(b"\n", 0, at) + 1, "", reason, suggestion))

    if len(content) > MAX_BYTES:
        raise Undecodable(
            RowFinding(0, "", f"{len(content)} bytes; an import takes at most {MAX_BYTES}", "cut it by years")
        )
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise refuse(0, "begins with a byte order mark", "save as UTF-8 without one")
    try:
        text = content.decode()
    except UnicodeDecodeError as fault:
        raise refuse(fault.start, "is not UTF-8", "save as UTF-8; it may be Latin-1 or Windows-1252") from fault
    if match := _CONTROL.search(text):
        raise Undecodable(
            RowFinding(text.count("\n", 0, match.start()) + 1, "", f"holds the control character U+{ord(match[0]):04X}")
        )
    return text


def table(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Header and (line, cells) of a CSV file whose cells are parted by commas, semicolons or tabs. Empty lines are passed
    over. Raises Undecodable."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)

    def lines() -> Iterator[tuple[int, list[str]]]:
        before = 0
        try:
            for cells in reader:
                line, before = before + 1, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield line, [cell.strip() for cell in cells]
        except csv.Error as fault:
            raise Undecodable(RowFinding(reader.line_num, "", f"is no CSV: {fault}")) from fault

    rows = lines()
    header = next(rows, None)
    if header is None:
        raise Undecodable(RowFinding(0, "", "is empty"))
    return header[1], rows


def header(content: bytes) -> list[str]:
    """The names in the first line of a file that may be a table, in lower case; of whatever encoding it is in."""
    text = content[:8000].decode("utf-8", "replace").lstrip("\ufeff\r\n")
    first = text.partition("\n")[0].replace("\0", "")
    return [name.strip().lower() for name in next(csv.reader([first], delimiter=_delimiter(text)), [])]


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(DELIMITERS, key=first.count)


def decimal_signs(names: Sequence[str], lines: Sequence[tuple[int, Sequence[str]]]) -> dict[str, str]:
    """Column -> the sign before its decimals, `.` or `,`, where its cells, or else those of the whole file, tell."""
    signs_of_column: dict[str, set[str]] = {}
    for _, texts in lines:
        for name, text in zip(names, texts, strict=False):
            for sign, pattern in ((".", _DOT_IS_DECIMAL), (",", _COMMA_IS_DECIMAL)):
                if pattern.fullmatch(text):
                    signs_of_column.setdefault(name, set()).add(sign)
    whole = set().union(*signs_of_column.values())
    sign_of = {}
    for name in names:
        signs = signs_of_column.get(name) or whole
        if len(signs) == 1:
            (sign_of[name],) = signs
    return sign_of


class Cells:
    """The values of one row by column. What can't be read becomes a finding, and the value None.

    decimal_signs  column -> the sign before its decimals, where the file shows it
    """

    def __init__(
        self,
        row: int,
        texts: Mapping[str, Any],
        findings: list[RowFinding],
        decimal_signs: Mapping[str, str] | None = None,
    ) -> None:
        self.row, self._texts, self._findings, self._signs = row, texts, findings, decimal_signs or {}
        self.is_good = True

    def refuse(self, column: str, reason: str, suggestion: str = "") -> None:
        self.is_good = False
        if len(self._findings) < MAX_FINDINGS:
            value = self.text(column)[:80].encode("utf-8", "backslashreplace").decode()
            self._findings.append(RowFinding(self.row, column, reason, suggestion, value))

    def text(self, column: str) -> str:
        value = self._texts.get(column)
        return "" if value is None else str(value).strip()

    def words(self, column: str) -> str:
        """Text to be kept. JSON can spell signs that no plain text holds, and that no ledger can keep."""
        text = self.text(column)
        if unwritable := find_unwritable(text):
            self.refuse(column, unwritable, "take it out")
            return ""
        return text

    def decimal(self, column: str, *, signed: bool = False) -> Decimal | None:
        """A plain number; without `signed` not below zero."""
        text = self.text(column)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            sign = self._signs.get(column)
            if _EITHER.fullmatch(text) and sign is None:
                self.refuse(
                    column,
                    "has a comma, and nothing tells whether thousands or decimals follow it",
                    f"write {text.replace(',', '')}, or {text.replace(',', '.')} where it is a decimal comma",
                )
            elif _GROUPED.fullmatch(text) and (not _COMMA.fullmatch(text) or (sign == "." and _EITHER.fullmatch(text))):
                self.refuse(column, "has thousands separators", f"write {text.replace(',', '')}")
            elif _COMMA.fullmatch(text):
                whole, _, fraction = text.rpartition(",")
                self.refuse(
                    column,
                    "has a decimal comma",
                    f"write {re.sub(r'[^0-9+-]', '', whole)}.{fraction}; decimals take a dot",
                )
            else:
                self.refuse(column, "is not a number", "write digits and at most one dot")
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:  # pragma: no cover  # the pattern lets nothing else through
            self.refuse(column, "is not a number")
            return None
        if len(number.as_tuple().digits) > MAX_DIGITS:
            self.refuse(column, f"has more than {MAX_DIGITS} digits", "a ledger can't keep them apart")
            return None
        if number < 0 and not signed:
            self.refuse(column, "is negative", "the type gives the direction: sell, withdrawal, fee")
            return None
        return number

    def day(self, column: str) -> date | None:
        """An ISO date; a time after it is passed over."""
        text = self.text(column)
        if not text:
            return None
        match = _ISO.fullmatch(text)
        if match:
            return self.calendar(column, *match.groups())
        self._refuse_date(column)
        return None

    def calendar(self, column: str, year: str, month: str, day: str) -> date | None:
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            self._refuse_date(column)
            return None

    def _refuse_date(self, column: str) -> None:
        self.refuse(column, "is not a date", "write YYYY-MM-DD")

    def choice(self, column: str, meanings: Mapping[str, str]) -> str | None:
        """One of the words of `meanings`, in any case; what it stands for."""
        text = self.text(column)
        choice = meanings.get(re.sub(r"[ -]", "_", text.lower()))
        if choice is None:
            self.refuse(
                column,
                "is missing" if not text else "is not known",
                suggest(text, list(meanings)) or f"one of {', '.join(sorted(meanings))}",
            )
        return choice

    def money(self) -> tuple[str, Decimal]:
        """The currency, and how much of it one of the unit is that the file counts in (GBp: GBP, 0.01)."""
        text = self.text("currency")
        return MINOR_UNITS.get(text) or (text.upper(), Decimal(1))


def cells_by_header(
    header: Sequence[str],
    cells: Sequence[str],
    row: int,
    findings: list[RowFinding],
    decimal_signs: Mapping[str, str] | None = None,
) -> Cells:
    """The cells of a line by the names of the header."""
    named_cells = Cells(row, dict(zip(header, cells, strict=False)), findings, decimal_signs)
    if len(cells) > len(header):
        named_cells.refuse(
            "",
            f"has {number_of(len(cells), 'cell')}, the header {len(header)}",
            "a comma in a cell needs quotes around the cell",
        )
    return named_cells


def require_few(row_count: int, findings: list[RowFinding]) -> bool:
    if row_count <= MAX_ROWS:
        return True
    findings.append(RowFinding(0, "", f"more than {MAX_ROWS} rows", "cut it by years"))
    return False
