"""A zip that is the same bytes for the same entries: in the order given, all of one moment and one owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The first that the format knows."""
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


def archive_of(file: BinaryIO) -> ZipFile:
    return ZipFile(file, "w")
