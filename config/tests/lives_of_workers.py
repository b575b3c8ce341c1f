"""A service whose workers come and go for a day, with a scrape every 15 seconds, in a fraction of the time: what a scrape saw.

Run as a process of its own, because prometheus_client decides at its import whether it counts in files:
PROMETHEUS_MULTIPROC_DIR=… python -m config.tests.lives_of_workers
"""

import json
import os
import signal
import sys
from pathlib import Path

from prometheus_client import Counter, Histogram

from config.telemetry import multiprocess

LIVES, SCRAPES_A_LIFE, WORKERS = 144, 40, 2  # ten minutes each

CALLS = Counter("calls", "…", ("kind",))
SECONDS = Histogram("seconds", "…", buckets=(1, 2))


class Worker:
    """A child that counts a call for each byte that it is sent, and answers each."""

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._orders)
            while os.read(orders, 1) != b"q":
                CALLS.labels("a").inc()
                SECONDS.observe(1.5)
                os.write(answers, b".")
            os._exit(0)
        os.close(orders)
        os.close(answers)

    def call(self) -> None:
        os.write(self._orders, b".")
        assert os.read(self._answers, 1)

    def end(self, *, killed: bool) -> None:
        if killed:
            os.kill(self.pid, signal.SIGKILL)
        else:
            os.write(self._orders, b"q")
        os.close(self._orders)
        os.close(self._answers)
        os.waitpid(self.pid, 0)


def scrape(registry) -> tuple[float, float, float]:
    labels = {"kind": "a"}
    seen = {(each.name, each.labels.get("le")): each.value for family in registry.collect() for each in family.samples}
    assert registry.get_sample_value("calls_total", labels) is not None
    return seen["calls_total", None], seen["seconds_count", None], seen["seconds_bucket", "2.0"]


def main() -> None:
    where = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    multiprocess.remove_earlier_files()
    registry = multiprocess.make_registry()
    calls, wrong, most_files, most_bytes = 0, 0, 0, 0
    for life in range(LIVES):
        workers = [Worker() for _ in range(WORKERS)]
        for _ in range(SCRAPES_A_LIFE):
            for worker in workers:
                worker.call()
                calls += 1
            wrong += scrape(registry) != (calls, calls, calls)
            files = list(where.glob("*.db"))
            most_files = max(most_files, len(files))
            most_bytes = max(most_bytes, sum(file.stat().st_size for file in files))
        for number, worker in enumerate(workers):
            worker.end(killed=(life + number) % 2 == 0)
        if life % 2:  # the other half waits for the next scrape
            multiprocess.fold_ended()
    json.dump({"scrapes": LIVES * SCRAPES_A_LIFE, "wrong": wrong, "files": most_files, "bytes": most_bytes}, sys.stdout)


if __name__ == "__main__":
    main()
