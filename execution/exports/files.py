"""Files of exports on disk. A file is written under another name and takes its own when it is whole: no half one is ever served."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from django.conf import settings

PIECE: Final = 1024 * 1024


@dataclass(slots=True)
class Written:
    """What a file became; known behind the block of `writing`."""

    sha256: str = ""
    size: int = 0


def path_of(export: UUID) -> Path:
    return Path(settings.EXPORT_PATH) / str(export)


def _unfinished(export: UUID) -> Path:
    return path_of(export).with_suffix(".part")


@contextmanager
def writing(export: UUID) -> Iterator[tuple[BinaryIO, Written]]:
    """A file to write in the block. It is there when the block ends, whole and on disk; where the block fails, nothing is.

    Raises OSError, also where the disk is full.
    """
    Path(settings.EXPORT_PATH).mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished, file_facts = _unfinished(export), Written()
    try:
        with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            yield file, file_facts
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            file_facts.sha256, file_facts.size = _digest(file), os.fstat(file.fileno()).st_size
        unfinished.replace(path_of(export))
    finally:
        unfinished.unlink(missing_ok=True)


def open_whole(export: UUID, sha256: str) -> BinaryIO | None:
    """The file to read, where it is there and is what was written; None where it is not."""
    with contextlib.suppress(FileNotFoundError):
        file = path_of(export).open("rb")
        if _digest(file) == sha256:
            file.seek(0)
            return file
        file.close()
    return None


def remove(export: UUID) -> None:
    path_of(export).unlink(missing_ok=True)
    _unfinished(export).unlink(missing_ok=True)


def names() -> set[UUID]:
    """The exports of which a file is there, whole or not."""
    folder = Path(settings.EXPORT_PATH)
    return {UUID(file.stem) for file in folder.iterdir()} if folder.exists() else set()


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
