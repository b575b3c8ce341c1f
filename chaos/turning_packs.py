"""`python -m chaos.turning_packs [--count 1000] [--clients 8] [--owner public-owner] [--portfolio public] [--policy ECB_EUR]`: the
newest day is restated again and again, while clients ask for its overview without a pause.

An answer has to be of a release that was fresh by then, of none that an earlier turn had replaced before it was asked, and of one
release only: no other is named anywhere in it, and all answers of a release have one hash. Each turn leaves a release. It ends with
1 where an answer is otherwise, is neither 200 nor 429, or does not come. It needs `make serve`.
"""

import argparse
import re
import sys
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from chaos import service

PATTERN = "portfolio_overview"
PAUSE_S = 0.05
"""After 429, which says a whole second: the packs turn quicker."""
SAID_EVERY = 50
"""Turns."""


@dataclass(frozen=True, slots=True)
class Answer:
    asked_at: datetime
    answered_at: datetime
    pack_id: str
    result_hash: str
    pack_names: frozenset[str]
    """The releases of its day that stand anywhere in it."""


@dataclass
class Tally:
    turns: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    packs: int = 0
    """Releases that were answered from."""
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--portfolio", default="public")
    parser.add_argument("--policy", default="ECB_EUR")
    options = parser.parse_args()
    person = service.Person(service.set_up(), options.owner)
    with service.as_job():
        tally = attack(person, options.portfolio, options.policy, turns=options.count, clients=options.clients)
    counts = ", ".join(f"{number} of {status}" for status, number in sorted(tally.statuses.items()))
    print(f"{tally.turns} turns: {counts}; {tally.packs} releases answered, {len(tally.failures)} failures")
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(person: service.Person, slug: str, policy_code: str, *, turns: int, clients: int) -> Tally:
    """Django's connection has to be the jobs'."""
    from portfolio.models import Portfolio
    from pricing import packs
    from pricing.models import PricingPack, PricingPolicy

    tally, over = Tally(), threading.Event()
    answers: list[Answer] = []
    policy = PricingPolicy.objects.get(pk=policy_code)
    newest = packs.resolve(policy=policy)
    question = {
        "pattern_id": PATTERN,
        "portfolio_id": str(Portfolio.objects.get(slug=slug).pk),
        "asof_date": newest.asof_date.isoformat(),
    }
    of_day = re.compile(re.escape(newest.pk.rpartition("_r")[0]) + r"_r\d+")
    asking = [
        threading.Thread(target=_ask, args=(person.again(), question, of_day, over, answers, tally))
        for _ in range(clients)
    ]
    for thread in asking:
        thread.start()
    fresh_since = {newest.release: datetime.min.replace(tzinfo=UTC)}
    try:
        for number in range(turns):
            release = _restate(policy, newest.asof_date, f"turn {number} of {datetime.now(UTC):%H:%M:%S.%f}")
            fresh_since[release] = datetime.now(UTC)
            tally.turns += 1
            if tally.turns % SAID_EVERY == 0:
                print(f"{tally.turns} turns, {len(answers)} answers", file=sys.stderr, flush=True)
    finally:
        over.set()
        for thread in asking:
            thread.join()
    of_the_day = PricingPack.objects.filter(policy=policy, asof_date=newest.asof_date)
    moved_at = dict(of_the_day.filter(status="fresh").values_list("pk", "updated_at"))
    tally.failures += [fault for each in answers for fault in _faults(each, moved_at, fresh_since)]
    hashes: dict[str, set[str]] = defaultdict(set)
    for each in answers:
        hashes[each.pack_id].add(each.result_hash)
    tally.failures += [
        f"{pack} was answered in {len(result_hashes)} ways"
        for pack, result_hashes in hashes.items()
        if len(result_hashes) > 1
    ]
    tally.packs = len(hashes)
    return tally


def _restate(policy: Any, day: Any, reason: str) -> int:
    """The release that is fresh then."""
    from execution.night import nightly
    from pricing.models import PricingPack

    run = nightly.run(policy=policy, from_date=day, date=day, restates=reason)
    return PricingPack.objects.get(run=run.pk, asof_date=day).release


def _faults(answer: Answer, moved_at: dict[str, datetime], fresh_since: dict[int, datetime]) -> list[str]:
    """
    moved_at     of each fresh pack, when the transaction began that made it so
    fresh_since  of each release, when its night had ended
    """
    faults, release = [], int(answer.pack_id.rpartition("_r")[2])
    if answer.pack_id not in moved_at or answer.answered_at < moved_at[answer.pack_id]:
        faults.append(f"{answer.pack_id} was answered before it was fresh")
    replaced = [later for later, since in fresh_since.items() if later > release and since < answer.asked_at]
    if replaced:
        faults.append(f"{answer.pack_id} was answered after release {min(replaced)} was fresh")
    if answer.pack_names != {answer.pack_id}:
        faults.append(f"an answer of {answer.pack_id} names {', '.join(sorted(answer.pack_names))}")
    return faults


def _ask(
    person: service.Person,
    question: dict[str, str],
    of_day: re.Pattern[str],
    over: threading.Event,
    answers: list[Answer],
    tally: Tally,
) -> None:
    while not over.is_set():
        asked_at = datetime.now(UTC)
        try:
            answer = person.call("POST", "/v1/execute", json=question)
        except requests.ConnectionError as failure:
            tally.failures.append(f"no answer: {failure}")
            return
        answered_at = datetime.now(UTC)
        tally.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            metadata = answer.json()["metadata"]
            pack_names = frozenset(of_day.findall(answer.text))
            record = Answer(asked_at, answered_at, metadata["pricing_pack_id"], metadata["result_hash"], pack_names)
            answers.append(record)
        elif answer.status_code == 429:
            over.wait(PAUSE_S)
        else:
            tally.failures.append(f"answered {answer.status_code}: {answer.text[:200]}")


if __name__ == "__main__":
    sys.exit(main())
