"""What the packs of a policy hold, pack by pack, as arrays in one file that workers map instead of reading rows again.

The file is a run of segments, each of some packs in order of sequence, and is only ever added to; once there are
MOST_SEGMENTS, another file takes its place, and whoever has mapped the old one keeps it. A segment is

    magic, CRC-32 of all that follows, length after these 24 bytes, length of the names | names (JSON) | arrays

with every part filled up to eight bytes. All in it is pinned by the chain hash of its last pack (symbols, not the numbers
that a database gives them), so a file of another database either is the same or does not have that hash. What is torn,
truncated, or of another chain is not used, and then replaced: the rows are read again. Pure; no Django.
"""

import contextlib
import fcntl
import json
import logging
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

logger = logging.getLogger(__name__)

MOST_SEGMENTS = 64
_MAGIC = b"TIEOUT1\n"
_HEAD = struct.Struct("<8sIQI")
_BEGIN = 24  # of the names: the head, filled up
_NAMES = ("policy", "first_sequence", "pack_ids", "symbols", "pairs", "sources")


@dataclass(frozen=True, slots=True)
class Table:
    """K packs in order of sequence, without gaps; N securities, P published pairs. Arrays are not writeable.

    NaN and source 0 where a pack has no such row; else a source is its number in `sources`, counted from 1.
    """

    policy: str
    first_sequence: int
    pack_ids: tuple[str, ...]  # (K,)
    symbols: tuple[str, ...]  # (N,)
    pairs: tuple[tuple[str, str], ...]  # (P,)
    sources: tuple[str, ...]
    chain: npt.NDArray[np.uint8]  # (K, 32) chain hash of each pack
    asof: npt.NDArray[np.datetime64]  # (K,)
    close: npt.NDArray[np.float64]  # (K, N) trading currency per unit, raw
    rate: npt.NDArray[np.float64]  # (K, P) as published
    observed: npt.NDArray[np.datetime64]  # (K, N) day of the close; NaT where there is none
    close_source: npt.NDArray[np.uint16]  # (K, N)
    rate_source: npt.NDArray[np.uint16]  # (K, P)

    @property
    def last_sequence(self) -> int:
        return self.first_sequence + len(self.pack_ids) - 1

    def chain_hash(self, sequence: int) -> str:
        """Of a pack in it, as hexadecimal digits."""
        return bytes(self.chain[sequence - self.first_sequence]).hex()


_ARRAYS: dict[str, tuple[str, str]] = {
    "chain": ("u1", "K32"),
    "asof": ("<M8[D]", "K"),
    "close": ("<f8", "KN"),
    "rate": ("<f8", "KP"),
    "observed": ("<M8[D]", "KN"),
    "close_source": ("<u2", "KN"),
    "rate_source": ("<u2", "KP"),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file holds: segments that follow on one another, and whether there is nothing else in it."""

    segments: tuple[Table, ...]
    whole: bool
    state: tuple[int, int]  # inode and size when it was read; whoever finds another adds nothing

    @property
    def last_sequence(self) -> int:
        return self.segments[-1].last_sequence if self.segments else 0

    def chain_hash(self, sequence: int) -> str:
        (table,) = (each for each in self.segments if each.first_sequence <= sequence <= each.last_sequence)
        return table.chain_hash(sequence)


NOTHING = Kept((), False, (0, 0))


def read(path: Path, policy: str) -> Kept:
    """The segments of the file up to the first that is damaged or of another policy; NOTHING where there is none."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            data = mmap.mmap(file.fileno(), state.st_size, access=mmap.ACCESS_READ) if state.st_size else b""
    except FileNotFoundError:
        return NOTHING
    except OSError as error:
        logger.warning("history file can't be read", extra={"policy": policy, "error": error.strerror})
        return NOTHING
    segments: list[Table] = []
    begin = 0
    while table_end := _segment(data, begin, policy, segments[-1].last_sequence + 1 if segments else 1):
        segments.append(table_end[0])
        begin = table_end[1]
    return Kept(tuple(segments), begin == len(data), (state.st_ino, state.st_size))


def add(path: Path, kept: Kept, new: Table, whole: Table) -> None:
    """Keep `new` behind what was read; or `whole` instead of it where that was damaged, or is of too many segments.

    One writes, others pass: what could not be kept, by whatever reason, is read from its rows again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path) as writes:
            if not writes or _state(path) != kept.state:
                return
            if kept.whole and len(kept.segments) < MOST_SEGMENTS:
                with path.open("ab") as file:
                    file.write(_bytes(new))
            else:
                _replace(path, _bytes(whole))
    except OSError as error:
        logger.warning("history file can't be written", extra={"policy": new.policy, "error": error.strerror})


def joined(segments: Sequence[Table]) -> Table:
    """One table of tables that follow on one another; a column that a table lacks is empty in its packs."""
    if len(segments) == 1:
        return segments[0]
    symbols = tuple(dict.fromkeys(symbol for table in segments for symbol in table.symbols))
    pairs = tuple(dict.fromkeys(pair for table in segments for pair in table.pairs))
    sources = tuple(dict.fromkeys(source for table in segments for source in table.sources))
    sizes = {"K": sum(len(table.pack_ids) for table in segments), "N": len(symbols), "P": len(pairs), "32": 32}
    arrays = {name: _empty(kind, *_shape(shape, sizes)) for name, (kind, shape) in _ARRAYS.items()}
    places: dict[str, Any] = {
        "N": {symbol: number for number, symbol in enumerate(symbols)},
        "P": {pair: number for number, pair in enumerate(pairs)},
    }
    begin = 0
    for table in segments:
        rows = slice(begin, begin := begin + len(table.pack_ids))
        code_of = np.array([0, *(sources.index(source) + 1 for source in table.sources)], dtype=np.uint16)
        columns = {
            "N": span([places["N"][symbol] for symbol in table.symbols]),
            "P": span([places["P"][pair] for pair in table.pairs]),
        }
        for name, (_, shape) in _ARRAYS.items():
            part = getattr(table, name)
            if name.endswith("_source") and not np.array_equal(code_of, np.arange(len(code_of))):
                part = code_of[part]
            arrays[name][(rows, columns[shape[1]]) if shape[1:] in columns else rows] = part
    for array in arrays.values():
        array.flags.writeable = False
    first = segments[0]
    pack_ids = tuple(pack_id for table in segments for pack_id in table.pack_ids)
    return Table(first.policy, first.first_sequence, pack_ids, symbols, pairs, sources, **arrays)


def _segment(data: Any, begin: int, policy: str, sequence: int) -> tuple[Table, int] | None:
    """The segment that begins there and where it ends; None where no whole one of that policy and sequence does."""
    if len(data) < begin + _BEGIN:
        return None
    magic, check, length, named = _HEAD.unpack_from(data, begin)
    end = begin + _BEGIN + length
    if magic != _MAGIC or end > len(data) or zlib.crc32(memoryview(data)[begin + 12 : end]) != check:
        return None
    names = json.loads(data[begin + _BEGIN : begin + _BEGIN + named])
    if names["policy"] != policy or names["first_sequence"] != sequence:
        return None
    pairs = tuple((base, quote) for base, quote in names["pairs"])
    sizes = {"K": len(names["pack_ids"]), "N": len(names["symbols"]), "P": len(pairs), "32": 32}
    at = begin + _BEGIN + _filled(named)
    arrays = {}
    for name, (kind, letters) in _ARRAYS.items():
        shape = _shape(letters, sizes)
        count = int(np.prod(shape))
        array = np.frombuffer(data, dtype=kind, count=count, offset=at) if count else _empty(kind, 0)
        arrays[name] = array.reshape(shape)
        at += _filled(array.nbytes)
    pack_ids, symbols, sources = (tuple(names[name]) for name in ("pack_ids", "symbols", "sources"))
    return Table(policy, sequence, pack_ids, symbols, pairs, sources, **arrays), end


def _bytes(table: Table) -> bytes:
    names = json.dumps({name: getattr(table, name) for name in _NAMES}).encode()
    arrays = [np.ascontiguousarray(getattr(table, name), dtype=kind).tobytes() for name, (kind, _) in _ARRAYS.items()]
    body = b"".join(part.ljust(_filled(len(part)), b"\0") for part in (names, *arrays))
    rest = struct.pack("<QI", len(body), len(names)) + body
    return _MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all: under another name first."""
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether this process is the one that may write; the lock dies with its process."""
    with path.with_name(f"{path.name}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_size


def _shape(letters: str, sizes: dict[str, int]) -> tuple[int, ...]:
    return (sizes[letters[0]], *((sizes[letters[1:]],) if letters[1:] else ()))


def _empty(kind: str, *shape: int) -> npt.NDArray[Any]:
    return np.full(shape, {"<f8": np.nan, "<M8[D]": np.datetime64("NaT")}.get(kind, 0), dtype=kind)


def span(numbers: list[int]) -> Any:
    """An index of rows or columns, as a slice where they are one: that makes a view, and no copy."""
    return (
        slice(numbers[0], numbers[-1] + 1)
        if numbers and numbers == list(range(numbers[0], numbers[-1] + 1))
        else numbers
    )


def _filled(length: int) -> int:
    return -(-length // 8) * 8


assert {each.name for each in fields(Table)} == {*_NAMES, *_ARRAYS}
