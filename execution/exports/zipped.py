"""A zip that is the same bytes for the same entries: in the order given, all of one moment and one owner."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from config.errors import TieoutError

MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The first that the format knows."""
HEADER: Final = struct.Struct("<4s5H3I2H")
"""What stands before an entry and its name."""
UNIX, PLAIN_FILE = 3, 0o100644 << 16


def entry(name: str, *, packed: bool = True) -> ZipInfo:
    info = ZipInfo(name, MOMENT)
    info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
    info.create_system, info.external_attr = UNIX, PLAIN_FILE
    return info


@contextmanager
def adding(archive: ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A file of the archive that is written inside the block."""
    with archive.open(entry(name), "w") as file:
        yield file


def archive_of(file: IO[bytes]) -> ZipFile:
    return ZipFile(file, "w")


def unpacked_zip(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """The entries as a zip in which nothing is packed: of each list of entries there is one."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in entries:
            archive.writestr(entry(name, packed=False), content)
    return buffer.getvalue()


class Unreadable(TieoutError):
    """No zip as `stored` makes them. `at`: the byte at which it ends to be one."""

    def __init__(self, at: int) -> None:
        super().__init__(f"the zip can't be read at byte {at}")
        self.at = at


def read_stored(data: bytes) -> list[tuple[str, bytes]]:
    """The entries of a zip as `stored` makes it, by the headers before each; what stands behind them is not looked at.

    Raises Unreadable.
    """
    entries, at = [], 0
    while data[at : at + 4] == b"PK\x03\x04":
        if len(data) < at + HEADER.size:
            raise Unreadable(at)
        *_, size, name_length, extra_length = HEADER.unpack_from(data, at)
        begin = at + HEADER.size + name_length
        if extra_length or len(data) < begin + size:
            raise Unreadable(at)
        entries.append((data[at + HEADER.size : begin].decode("ascii", "replace"), data[begin : begin + size]))
        at = begin + size
    if data[at : at + 4] != b"PK\x01\x02":
        raise Unreadable(at)
    return entries
