"""What stands in the body of an answer: JSON with one meaning, or a table of comma-separated values. Pure."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from config import strict_json


class UnreadableBody(ValueError):
    """The body is not what was asked for. `is_page`: it is HTML, so it was written for people."""

    def __init__(self, reason: str, *, passing: bool = True, is_page: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.passing, self.is_page = reason, passing, is_page


def json_of(body: bytes) -> Any:
    """The JSON value, numbers as exact decimals. Raises UnreadableBody."""
    _refuse_page(body)
    try:
        return strict_json.loads_exact(body)
    except strict_json.JsonRefused as bad:  # whose pointer repeats what was sent
        raise UnreadableBody(f"is not strict JSON: {bad.reason}") from None


def table_of(body: bytes, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows by column, each cell as it was sent; `columns` must be among them. Raises UnreadableBody."""
    _refuse_page(body)
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True) if row]
    except (csv.Error, UnicodeDecodeError, ValueError):
        raise UnreadableBody("is no table of comma-separated values") from None
    if lacking := [column for column in columns if column not in header]:
        raise UnreadableBody(f"has no column {lacking[0]}", passing=False)
    if len(set(header)) < len(header):
        raise UnreadableBody("has a column twice", passing=False)
    if any(len(row) != len(header) for row in rows):
        raise UnreadableBody("has a row that is shorter or longer than its header")
    return [dict(zip(header, row, strict=True)) for row in rows]


def _refuse_page(body: bytes) -> None:
    if body.lstrip()[:1] == b"<":
        raise UnreadableBody("not_data: is a page for people (HTML), with status 200", is_page=True)
