"""`python -m chaos.logins [--count 1000] [--clients 32] [--seconds 10] [--port 8000] [--user public-owner]`: log-ins, many.

It attacks what `make serve` serves. First `--count` wrong passwords of one user, from one address, at the three doors in
turn: ten may be tried. Then `--clients` log-ins at once for `--seconds`, each of another user and from another address of
this machine's loopback, so that no count stops them. Meanwhile the memory of the web's processes is read, and /health/live is
asked twenty times a second.

It tells what was answered, and exits 1 where more passwords were tried, an answer was neither a refusal nor a try, the web
took more than 300 MiB more, or the 99th percentile of /health/live was above 200 ms. Redis forgets the tries after an hour;
until then `--user` and 127.0.0.1 wait.
"""

import argparse
import http.client
import json
import multiprocessing
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

MOST_TRIED, MOST_MIB, MOST_P99_MS = 10, 300, 200
DOORS = ("/login/", "/admin/login/", "/v1/token")
WRONG = {"/login/": 200, "/admin/login/": 200, "/v1/token": 401}
"""What answers a wrong password: the form again, or a problem document."""
REFUSED = 429
OF_LIVE = 10
"""127.0.0.10 asks for /health/live."""


class Browser:
    """One address, and a CSRF token for the forms."""

    def __init__(self, port: int, address: str) -> None:
        self.port, self.address = port, address
        self.csrf = ""

    def try_password(self, door: str, user: str, password: str) -> int:
        """The status of one log-in."""
        fields = {"username": user, "password": password}
        if door == "/v1/token":
            return self.send("POST", door, json.dumps(fields), {"Content-Type": "application/json"})[0]
        if not self.csrf:
            _, cookie = self.send("GET", door, None, {})
            self.csrf = cookie.partition("csrftoken=")[2].partition(";")[0]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={self.csrf}"}
        return self.send("POST", door, urlencode(fields | {"csrfmiddlewaretoken": self.csrf}), headers)[0]

    def send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(self.address, 0))
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            return response.status, response.getheader("Set-Cookie") or ""
        finally:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--user", default="public-owner")
    options = parser.parse_args()
    if not web_processes(options.port):
        parser.error(f"nothing serves port {options.port}: start `make serve` first")

    tried, failures = brute_force(options.port, options.user, options.count), []
    wrong = {each for each in tried if each not in {*WRONG.values(), REFUSED}}
    passed = sum(number for status, number in tried.items() if status in WRONG.values())
    print(f"{options.count} wrong passwords of {options.user}: {passed} tried, {tried[REFUSED]} refused with 429")
    failures += [f"{passed} were tried"] if passed > MOST_TRIED else []
    failures += [f"answered {status}" for status in wrong]

    _, _, quiet_ms = rush(options.port, 0, 3)
    print(f"/health/live without log-ins: p50 {share(quiet_ms, 0.5):.0f} ms, p99 {share(quiet_ms, 0.99):.0f} ms")
    answers, more_mib, live_ms = rush(options.port, options.clients, options.seconds)
    p50, p99 = share(live_ms, 0.5), share(live_ms, 0.99)
    counts = ", ".join(f"{number} of {status}" for status, number in sorted(answers.items()))
    print(
        f"{options.clients} log-ins at once for {options.seconds:g} s: {counts}; web {more_mib:.0f} MiB more at most;"
    )
    print(f"/health/live, {len(live_ms)} times: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {live_ms[-1]:.0f} ms")
    failures += [f"answered {status}" for status in answers if status not in {*WRONG.values(), REFUSED}]
    failures += [f"{more_mib:.0f} MiB more"] if more_mib > MOST_MIB else []
    failures += [f"p99 of /health/live was {p99:.0f} ms"] if p99 > MOST_P99_MS else []

    print(
        f"{options.count + sum(answers.values())} log-ins, {len(failures)} failures"
        + "".join(f"\n  {each}" for each in failures)
    )
    return 1 if failures else 0


def share(sorted_ms: list[float], of: float) -> float:
    return sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * of))]


def brute_force(port: int, user: str, count: int) -> Counter[int]:
    browser = Browser(port, "127.0.0.1")
    return Counter(browser.try_password(DOORS[number % 3], user, f"wrong {number}") for number in range(count))


def rush(port: int, clients: int, seconds: float) -> tuple[Counter[int], float, list[float]]:
    """Answers by status, the most memory in MiB beyond that before, and the sorted milliseconds of /health/live."""
    before, until = memory_mib(port), time.monotonic() + seconds
    live: Any = multiprocessing.Queue()
    asking = multiprocessing.Process(target=ask_live, args=(port, seconds, live))  # not delayed by our own threads
    asking.start()
    answers: Counter[int] = Counter()
    threads = [threading.Thread(target=log_in_until, args=(port, number, until, answers)) for number in range(clients)]
    for thread in threads:
        thread.start()
    most = before
    while time.monotonic() < until:
        most = max(most, memory_mib(port))
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    times: list[float] = live.get(timeout=120)
    asking.join()
    return answers, most - before, sorted(times)


def log_in_until(port: int, number: int, until: float, answers: Counter[int]) -> None:
    """Each time from an address, and as a user, that has not tried yet."""
    turn = 0
    while time.monotonic() < until:
        address = f"127.{1 + number}.{turn // 250 % 250}.{1 + turn % 250}"
        status = Browser(port, address).try_password("/v1/token", f"nobody {number} {turn}", "wrong")
        with _counting:
            answers[status] += 1
        turn += 1


_counting = threading.Lock()


def ask_live(port: int, seconds: float, answer: Any) -> None:
    browser, times, until = Browser(port, f"127.0.0.{OF_LIVE}"), [], time.monotonic() + seconds
    while time.monotonic() < until:
        begin = time.perf_counter()
        status, _ = browser.send("GET", "/health/live", None, {})
        times.append((time.perf_counter() - begin) * 1000 if status == 200 else float("inf"))
        time.sleep(0.05)
    answer.put(times)


def web_processes(port: int) -> list[Path]:
    """The folders in /proc of gunicorn's processes that serve the port."""
    folders = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if b"gunicorn" in words and any(word.endswith(f":{port}".encode()) for word in words):
            folders.append(folder)
    return folders


def memory_mib(port: int) -> float:
    """What the web's processes have resident together, pages that they share counted once."""
    return sum(_proportional_kib(folder) for folder in web_processes(port)) / 1024


def _proportional_kib(folder: Path) -> int:
    lines = (folder / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
