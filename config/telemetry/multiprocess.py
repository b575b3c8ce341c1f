"""The counters of several processes as one.

Where PROMETHEUS_MULTIPROC_DIR is set, prometheus_client writes the counters of each process to files of its own, which a scrape
adds up. It never removes those of a process that ended, so that recycled workers fill the disk. Here what ended processes
counted is added to one file of each type, so that no sum goes down, and their own files go.

A folder belongs to processes that see each other's ids, which is to say: to one container.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.mmap_dict import MmapedDict

OF_A_PROCESS = re.compile(r"(counter|histogram|summary|gauge_\w+)_(\d+)\.db")
ENDED = "ended"


def folder() -> Path | None:
    """Where the processes of this service count together; None where there is but one."""
    name = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(name) if name else None


def remove_earlier_files() -> None:
    """Remove what an earlier start left. To be called by the first process of a service, before it has children."""
    where = folder()
    if where is not None:
        with _exclusively(where):
            for file in where.glob("*.db"):
                if not file.name.endswith(f"_{os.getpid()}.db"):  # this process has begun to count already
                    file.unlink()


def fold_ended() -> None:
    """Add what ended processes counted to one file of each type, and remove theirs."""
    where = folder()
    if where is not None:
        with _exclusively(where):
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
        with _exclusively(self._folder):
            _fold_ended(self._folder)
            return [family for kind, sums in _sums(self._folder).items() for family in _families(kind, sums)]


def _sums(where: Path) -> dict[str, dict[str, float]]:
    """Type of metric -> key in the files -> sum over the files. The library's own merging makes a sample of each value of each
    process first, which at some processes is most of what a scrape costs."""
    sums: dict[str, dict[str, float]] = {}
    for file in sorted(where.glob("*.db")):
        if file.stat().st_size:  # else its process is just beginning
            of_kind = sums.setdefault(file.name.partition("_")[0], {})
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                of_kind[key] = of_kind.get(key, 0.0) + value
    sums.pop("gauge", None)  # a state has no sum: execution/web/world.py reads it
    return sums


def _families(kind: str, sums: Mapping[str, float]) -> Iterable[Metric]:
    """The metrics of a type. Files have each bucket by itself, a page has it with all below it."""
    families: dict[str, Metric] = {}
    buckets: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[float, str, float]]] = {}
    for key, value in sums.items():
        metric, name, labels, text = _parse(key)
        if metric not in families:
            families[metric] = Metric(metric, text, kind)
        if "le" in labels:
            of = tuple(item for item in labels.items() if item[0] != "le")
            buckets.setdefault((metric, of), []).append((float(labels["le"]), labels["le"], value))
        else:
            families[metric].add_sample(name, labels, value)
    for (metric, of), counts in buckets.items():
        total = 0.0
        for _, bound, value in sorted(counts):
            total += value
            families[metric].add_sample(f"{metric}_bucket", {**dict(of), "le": bound}, total)
        families[metric].add_sample(f"{metric}_count", dict(of), total)
    return families.values()


@cache
def _parse(key: str) -> tuple[str, str, dict[str, str], str]:
    """Metric, sample, labels and help. The sets of labels are closed, so that keys are few."""
    metric, name, labels, text = json.loads(key)
    return metric, name, labels, text


@contextmanager
def _exclusively(where: Path) -> Iterator[None]:
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
