"""`python -m chaos.cold_questions [--count 16] [--rounds 3] [--seed 1] [--owner public-owner] [--other second-owner]`: one
user asks so many questions at once that were never asked before. Meanwhile /health/live is asked twenty times a second, and
another user asks for an answer that is stored; before, the other asks the same while the service is idle.

A cold question that is refused for its user's limit is asked again after `Retry-After`. It ends with 1 where an answer was
no 200 nor 429, where the 99th percentile of /health/live is above 200 ms, or the other's 95th above three times that of the
idle service. It needs `make serve`.
"""

import argparse
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chaos import service

PATTERN = "portfolio_overview"
LIVE_EVERY_S = 0.05
MOST_LIVE_P99_MS, MOST_TIMES_IDLE = 200, 3
IDLE_ASKS = 100
MOST_TRIES = 60


@dataclass
class Tally:
    cold: Counter[int] = field(default_factory=Counter)
    """Cold questions by status; those of 429 are tries that were repeated."""
    idle_ms: list[float] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)
    live_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def too_slow(self) -> list[str]:
        live, warm, idle = percentile(self.live_ms, 99), percentile(self.warm_ms, 95), percentile(self.idle_ms, 95)
        return [f"/health/live p99 {live:.0f} ms"] * (live > MOST_LIVE_P99_MS) + [
            f"another user's p95 {warm:.0f} ms, idle {idle:.0f} ms"
        ] * (warm > MOST_TIMES_IDLE * idle)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--other", default="second-owner")
    options = parser.parse_args()
    url = service.set_up()
    persons = service.Person(url, options.owner), service.Person(url, options.other)
    tally = attack(*persons, slugs=("public", "second"), count=options.count, rounds=options.rounds, seed=options.seed)
    failures = tally.failures + tally.too_slow()
    counts = ", ".join(f"{number} of {status}" for status, number in sorted(tally.cold.items()))
    print(
        f"{options.rounds} times {options.count} cold questions at once (seed {options.seed}): {counts};"
        f" /health/live {len(tally.live_ms)} times, p50 {percentile(tally.live_ms, 50):.1f}, p99"
        f" {percentile(tally.live_ms, 99):.1f} ms; another user {len(tally.warm_ms)} times, p95"
        f" {percentile(tally.warm_ms, 95):.1f} ms, idle {percentile(tally.idle_ms, 95):.1f} ms; {len(failures)} failures"
    )
    for failure in failures[:20]:
        print(failure)
    return 1 if failures else 0


def attack(
    person: service.Person, other: service.Person, *, slugs: tuple[str, str], count: int, rounds: int, seed: int
) -> Tally:
    tally, chance, over = Tally(), random.Random(seed * 1_000_003 + int(time.time())), threading.Event()
    cold, warm = (
        {"pattern_id": PATTERN, "portfolio_id": each.portfolio_id(slug)}
        for each, slug in zip((person, other), slugs, strict=True)
    )
    for _ in range(IDLE_ASKS):
        _ask_warm(other, warm, tally.idle_ms, tally)
    beside = [
        threading.Thread(target=_repeat, args=(over, lambda: _ask_live(person.url, tally))),
        threading.Thread(target=_repeat, args=(over, lambda: _ask_warm(other, warm, tally.warm_ms, tally))),
    ]
    for each in beside:
        each.start()
    for _ in range(rounds):
        questions = [cold | {"inputs": {"lookback_days": chance.randrange(30, 100_000)}} for _ in range(count)]
        at_once = [threading.Thread(target=_ask_cold, args=(person.again(), each, tally)) for each in questions]
        for thread in at_once:
            thread.start()
        for thread in at_once:
            thread.join()
    over.set()
    for each in beside:
        each.join()
    return tally


def _repeat(over: threading.Event, ask: Any) -> None:
    while not over.is_set():
        ask()
        time.sleep(LIVE_EVERY_S)


def _ask_cold(person: service.Person, question: Any, tally: Tally) -> None:
    for _ in range(MOST_TRIES):
        answer = person.call("POST", "/v1/execute", json=question)
        tally.cold[answer.status_code] += 1
        if answer.status_code != 429:
            break
        time.sleep(int(answer.headers["Retry-After"]))
    if answer.status_code != 200:
        tally.failures.append(f"a cold question was answered {answer.status_code}")


def _ask_warm(person: service.Person, question: Any, took_ms: list[float], tally: Tally) -> None:
    started = time.perf_counter()
    answer = person.call("POST", "/v1/execute", json=question)
    took_ms.append((time.perf_counter() - started) * 1000)
    if answer.status_code != 200:
        tally.failures.append(f"a stored answer was answered {answer.status_code}")


def _ask_live(url: str, tally: Tally) -> None:
    started = time.perf_counter()
    status = service.status_of(f"{url}/health/live")
    tally.live_ms.append((time.perf_counter() - started) * 1000)
    if status != 200:
        tally.failures.append(f"/health/live was answered {status}")


def percentile(values: list[float], share: int) -> float:
    sorted_values = sorted(values)
    return sorted_values[min(len(sorted_values) - 1, len(sorted_values) * share // 100)]


if __name__ == "__main__":
    sys.exit(main())
