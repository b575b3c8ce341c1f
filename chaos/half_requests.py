"""`python -m chaos.half_requests [--count 32] [--seed 1]`: so many connections that send half a head, and so many that send half a
body to the log-in page, all at once and then nothing more. Meanwhile the service has to answer, and each half is closed by it.

It needs `make serve`.
"""

import argparse
import random
import socket
import statistics
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from chaos import service

CLOSED_WITHIN_S = 13
"""Ten seconds without a byte, and time to notice."""
SLOWEST_MS = 1_000
HEAD = "POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n"


@dataclass
class Tally:
    halves: int = 0
    closings: int = 0
    answers_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = attack(service.set_up(), count=options.count, seed=options.seed)
    print(
        f"{tally.halves} half requests (seed {options.seed}), {tally.closings} closed by the service; meanwhile"
        f" {len(tally.answers_ms)} answers of /health/live, median {statistics.median(tally.answers_ms):.1f} ms,"
        f" slowest {max(tally.answers_ms):.1f} ms; {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(url: str, *, count: int, seed: int) -> Tally:
    tally, chance = Tally(), random.Random(seed)
    whole = f"{HEAD}\r\n{'x' * 4000}"
    lengths = [chance.randrange(1, len(HEAD)) for _ in range(count)]
    lengths += [chance.randrange(len(HEAD) + 3, len(whole)) for _ in range(count)]
    halves = [_send_half(url, whole[:length]) for length in lengths]
    began, tally.halves = time.monotonic(), len(halves)
    while time.monotonic() - began < CLOSED_WITHIN_S:
        _ask(url, tally)
        time.sleep(0.1)
    for half, length in zip(halves, lengths, strict=True):
        if _is_closed(half):
            tally.closings += 1
        else:
            tally.failures.append(f"open after {CLOSED_WITHIN_S} s: {length} bytes of {len(whole)}")
        half.close()
    return tally


def _send_half(url: str, text: str) -> socket.socket:
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    connection.sendall(text.encode())
    return connection


def _ask(url: str, tally: Tally) -> None:
    started = time.monotonic()
    try:
        status = requests.get(f"{url}/health/live", timeout=5).status_code
    except requests.RequestException as failed:
        tally.failures.append(f"no answer: {type(failed).__name__}")
        return
    took_ms = (time.monotonic() - started) * 1000
    tally.answers_ms.append(took_ms)
    if status != 200 or took_ms > SLOWEST_MS:
        tally.failures.append(f"answered {status} after {took_ms:.0f} ms")


def _is_closed(half: socket.socket) -> bool:
    """Whether the other side has ended it: what it said before does not matter."""
    half.settimeout(0.5)
    try:
        while half.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())
