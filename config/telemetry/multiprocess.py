"""The counters of several processes as one.

Where PROMETHEUS_MULTIPROC_DIR is set, prometheus_client writes the counters of each process to files of its own, which a scrape
adds up. It never removes those of a process that ended, so that recycled workers fill the disk. Here what ended processes
counted is added to one file of each type, so that no sum goes down, and their own files go.

A folder belongs to processes that see each other's ids, which is to say: to one container.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

OF_A_PROCESS = re.compile(r"(counter|histogram|summary|gauge_\w+)_(\d+)\.db")
ENDED = "ended"


def folder() -> Path | None:
    """Where the processes of this service count together; None where there is but one."""
    name = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(name) if name else None


def forget_earlier() -> None:
    """Remove what an earlier start left. To be called by the first process of a service, before it has children."""
    where = folder()
    if where is not None:
        with _alone(where):
            for file in where.glob("*.db"):
                if not file.name.endswith(f"_{os.getpid()}.db"):  # this process has begun to count already
                    file.unlink()


def fold_ended() -> None:
    """Add what ended processes counted to one file of each type, and remove theirs."""
    where = folder()
    if where is not None:
        with _alone(where):
            _fold_ended(where)


def make_registry() -> CollectorRegistry:
    """All that this service counts: its processes together, or this process where there is but one."""
    where = folder()
    if where is None:
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(SummedCollector(where))
    return registry


class SummedCollector:
    """The sums over all processes that ever counted in a folder."""

    def __init__(self, where: Path) -> None:
        self._folder = where

    def describe(self) -> Iterable[Metric]:
        """Nothing: what will be found is not known before. Without this method the registry would collect to find out."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Nobody folds meanwhile: a value that is read from both files, or from neither, would make a sum jump."""
        with _alone(self._folder):
            _fold_ended(self._folder)
            files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
            return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    with (where / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # By hand: a child that was forked meanwhile has the file open, too, and would keep the lock.
            fcntl.flock(lock, fcntl.LOCK_UN)


def _fold_ended(where: Path) -> None:
    for file in list(where.iterdir()):
        match = OF_A_PROCESS.fullmatch(file.name)
        if match is None or _is_alive(int(match[2])):
            continue
        if not match[1].startswith("gauge"):  # a state ends with who was in it
            _add(file, to=where / f"{match[1]}_{ENDED}.db")
        file.unlink()


def _is_alive(pid: int) -> bool:
    """Also where another process has the number by now: its files are the old ones, which it goes on counting in."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _add(file: Path, *, to: Path) -> None:
    if not file.stat().st_size:  # killed before its first word
        return
    total = MmapedDict(str(to))  # type: ignore[no-untyped-call]
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            before, _ = total.read_value(key)  # type: ignore[no-untyped-call]
            total.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        total.close()  # type: ignore[no-untyped-call]
