"""`python -m chaos.many_clients [--clients 200] [--seconds 30] [--owner public-owner] [--portfolio public]`: so many
connections ask for the same stored overview, each again as soon as it is answered. Every answer has to be 200 and the same,
and the web's memory flat: 512 MiB at most, and in the last third of the time no more than 5 % above that of the second. It
needs `make serve`.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from chaos import service
from chaos.cold_questions import percentile
from chaos.logins import memory_mib

PATTERN = "portfolio_overview"
MOST_MIB, MOST_GROWTH = 512, 1.05


@dataclass
class Tally:
    answers: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)

    def failures(self) -> list[str]:
        wrong = [f"{number} answers of {what}" for what, number in self.answers.items() if what != "200, the same"]
        if not self.memory_mib:
            return wrong
        third = len(self.memory_mib) // 3
        first, second = max(self.memory_mib[third : 2 * third + 1]), max(self.memory_mib[2 * third :])
        return (
            wrong
            + [f"web took {max(first, second):.0f} MiB"] * (max(first, second) > MOST_MIB)
            + [f"web grew from {first:.0f} to {second:.0f} MiB"] * (second > first * MOST_GROWTH)
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--portfolio", default="public")
    options = parser.parse_args()
    person = service.Person(service.set_up(), options.owner)
    tally = attack(person, options.portfolio, clients=options.clients, seconds=options.seconds)
    failures = tally.failures()
    print(
        f"{options.clients} clients for {options.seconds:g} s: {sum(tally.answers.values())} answers, p50"
        f" {percentile(tally.took_ms, 50):.0f} ms, p99 {percentile(tally.took_ms, 99):.0f} ms; web at most"
        f" {max(tally.memory_mib, default=0):.0f} MiB; {len(failures)} failures"
    )
    for failure in failures:
        print(failure)
    return 1 if failures else 0


def attack(person: service.Person, slug: str, *, clients: int, seconds: float) -> Tally:
    tally, until = Tally(), time.monotonic() + seconds
    question = {"pattern_id": PATTERN, "portfolio_id": person.portfolio_id(slug)}
    first = person.call("POST", "/v1/execute", json=question)
    first.raise_for_status()
    right = first.json()["metadata"]["result_hash"]

    def ask(client: service.Person) -> None:
        while time.monotonic() < until:
            started = time.perf_counter()
            try:
                answer = client.call("POST", "/v1/execute", json=question)
                same = answer.status_code == 200 and f'"{right}"' in answer.text
                what = "200, the same" if same else f"{answer.status_code}, another"
            except OSError as failed:  # of requests, too
                what = type(failed).__name__
            tally.took_ms.append((time.perf_counter() - started) * 1000)
            with _counting:
                tally.answers[what] += 1

    threads = [threading.Thread(target=ask, args=(person.again(),)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    port = int(person.url.rpartition(":")[2])
    while time.monotonic() < until:
        if (memory := memory_mib(port)) > 0:
            tally.memory_mib.append(memory)
        time.sleep(0.5)
    for thread in threads:
        thread.join()
    return tally


_counting = threading.Lock()


if __name__ == "__main__":
    sys.exit(main())
