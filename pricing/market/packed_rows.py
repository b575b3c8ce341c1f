"""Closes and rates of many packs as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from django.db import connection

_CLOSES = """
    SELECT content_id, source,
        string_agg(int8send(security_id) || float8send((close * factor)::float8) || date_send(observed_date), '')
    FROM pricing_packprice WHERE content_id = ANY(%s) GROUP BY content_id, source
"""
_RATES = """
    SELECT content_id, source,
        string_agg(
            convert_to(rpad(base, 3) || rpad(quote, 3), 'UTF8') || float8send(rate::float8) || date_send(observed_date), '')
    FROM pricing_packrate WHERE content_id = ANY(%s) GROUP BY content_id, source
"""
_CLOSE = np.dtype([("key", ">i8"), ("number", ">f8"), ("observed", ">i4")])
_RATE = np.dtype([("key", "S6"), ("number", ">f8"), ("observed", ">i4")])
_POSTGRES_EPOCH = np.datetime64("2000-01-01", "D")


@dataclass(frozen=True, slots=True)
class PackedRows:
    """R rows of K keys in D contents."""

    keys: tuple[Any, ...]  # (K,) rising: ids of securities, or (base, quote)
    sources: tuple[tuple[str, ...], ...]  # (K,) the providers of each key's rows, sorted
    shape: tuple[int, int]  # (D, K)
    row: npt.NDArray[np.int64]  # (R,) index into the contents
    column: npt.NDArray[np.int64]  # (R,) index into the keys
    number: npt.NDArray[np.float64]  # (R,) a close times its factor, or a rate
    observed: npt.NDArray[np.datetime64]  # (R,)

    def grid(self, values: npt.NDArray[Any], empty: Any) -> npt.NDArray[Any]:
        """(D, K) the values in their places; `empty` where a content has no row of a key."""
        filled = np.full(self.shape, empty, dtype=values.dtype)
        filled[self.row, self.column] = values
        return filled


def read_closes(contents: Sequence[int]) -> PackedRows:
    """The closes of distinct contents, by security id; see `_read`."""
    return _read(_CLOSES, _CLOSE, contents)


def read_rates(contents: Sequence[int]) -> PackedRows:
    """The published rates of distinct contents, by (base, quote); see `_read`."""
    rows = _read(_RATES, _RATE, contents)
    return replace(rows, keys=tuple((key[:3].decode().strip(), key[3:].decode().strip()) for key in rows.keys))


def _read(statement: str, kind: np.dtype[Any], contents: Sequence[int]) -> PackedRows:
    """Rows as arrays, without an object of Python for each cell: the database sends all rows of a content in one field.

    For 1.26 million closes this takes a third of the time of a query that sends them row by row.
    """
    with psycopg.Cursor(connection.cursor().connection) as cursor:  # Django's can't receive bytes as bytes
        fields = cursor.execute(statement, [list(contents)], binary=True).fetchall()
    rows = np.frombuffer(b"".join(packed for *_, packed in fields), dtype=kind)
    counts = [len(packed) // kind.itemsize for *_, packed in fields]
    place = {content: number for number, content in enumerate(contents)}
    names = sorted({source for _, source, _ in fields})
    source = np.repeat([names.index(source) for _, source, _ in fields], counts)
    keys, column = np.unique(rows["key"], return_inverse=True)
    has_source = np.zeros((len(keys), len(names)), dtype=bool)
    has_source[column, source] = True
    return PackedRows(
        keys=tuple(keys.tolist()),
        sources=tuple(
            tuple(name for name, has in zip(names, of_key, strict=True) if has) for of_key in has_source.tolist()
        ),
        shape=(len(contents), len(keys)),
        row=np.repeat(np.array([place[content] for content, *_ in fields], dtype=np.int64), counts),
        column=column,
        number=rows["number"].astype(np.float64),
        observed=_POSTGRES_EPOCH + rows["observed"].astype(np.int64),
    )
