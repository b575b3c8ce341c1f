"""`python -m chaos.killed_nights [--count 50] [--seed 1] [--policy ECB_EUR] [--every 1]`: nights killed by SIGKILL.

First at each statement by which a run and its jobs begin and end (of `--every` so many one), then at `--count` random moments. Each
is the restatement of the newest day. After each kill the watchdog looks, or the same is said again, in turn; then it is said once
more. There has to be one release of that reason, fresh, with all its jobs done and with the figures of a night that nobody killed.

It works on the database of this environment, in which each kill leaves a release of the newest day, and nothing else.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import django

from chaos import killing
from config import embedded

FILES = (
    "execution/night/nightly.py", "execution/night/runs.py", "execution/night/attempts.py", "execution/night/chunks.py",
    "execution/night/jobs.py", "pricing/packs/status.py",
)  # fmt: skip
BEGIN = ("execution/night/nightly.py", "run")
MOST_DRAWS = 20
"""For each random kill, draws of a moment: some fall behind the end of the night."""
PATIENCE_S = 30
"""For PostgreSQL to notice that a session is gone, which holds the lock of the night while a statement of it runs."""


@dataclass
class Tally:
    kills: int = 0
    half_done: int = 0
    """Kills that left a run without its end."""
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", default="ECB_EUR")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    _set_up()
    attack = _Attack(options.policy, f"chaos {int(time.time())}")
    walk, tally = killing.Walk(FILES, BEGIN), Tally()
    attack.night("warm")
    statements = walk.statements(partial(attack.night, "walked"))[:: options.every]
    started = time.perf_counter()
    attack.night("undisturbed")
    took_s = time.perf_counter() - started
    for number, statement in enumerate(statements):
        file, line, turn = statement
        reason = f"statement {number}"
        kill = partial(walk.kill_at, statement, partial(attack.night, reason))
        if not attack.try_kill(kill, reason, tally, f"{file}:{line}, pass {turn}"):
            tally.failures.append(f"{file}:{line}, pass {turn}: never reached")
    chance = random.Random(options.seed)
    for number in range(options.count * MOST_DRAWS):
        if tally.kills - len(statements) >= options.count:
            break
        after_s, reason = chance.uniform(0, took_s), f"random {number}"
        kill = partial(killing.kill_after, after_s, partial(attack.night, reason))
        attack.try_kill(kill, reason, tally, f"after {after_s:.3f} s")
    at_random = tally.kills - len(statements)
    if at_random < options.count:
        tally.failures.append(f"{at_random} random kills, not {options.count}: the others fell behind the end")
    print(
        f"{tally.kills} kills ({len(statements)} statements, {at_random} random, seed {options.seed}),"
        f" {tally.half_done} left a night half done, {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.provide("job")
    django.setup()
    from execution import tasks
    from execution.night import due

    due.STALE_AFTER_S = 0  # type: ignore[attr-defined]  # a minute of silence is not waited for
    tasks.run_nightly.delay_on_commit = lambda **message: tasks.run_nightly(**message)  # type: ignore[attr-defined]


class _Attack:
    def __init__(self, policy: str, name: str) -> None:
        from pricing import packs
        from pricing.models import PricingPolicy

        self.policy = PricingPolicy.objects.get(pk=policy)
        self.name = name
        self.day = packs.resolve(policy=self.policy).asof_date

    def night(self, reason: str) -> Any:
        from execution.night import nightly

        return nightly.run(policy=self.policy, from_date=self.day, date=self.day, restates=f"{self.name}: {reason}")

    def try_kill(self, kill: Callable[[], bool], reason: str, tally: Tally, where: str) -> bool:
        """Kill and heal; whether it was killed."""
        was_killed = kill()
        try:
            tally.half_done += self._heal(reason, by_watchdog=tally.kills % 2 == 0)
        except Exception as failure:  # whatever it is, it is what the script looks for
            tally.failures.append(f"{where}: {type(failure).__name__}: {failure}")
        if was_killed:
            tally.kills += 1
            killing.tell(tally.kills, len(tally.failures))
        return was_killed

    def _heal(self, reason: str, *, by_watchdog: bool) -> bool:
        """Let the watchdog look, or say the same again; then compare. Whether there was something to heal; raises what is wrong."""
        from execution import tasks
        from execution.models import NightlyRun

        unfinished = NightlyRun.objects.exclude(state="done").filter(restates=f"{self.name}: {reason}")
        was_unfinished, until = unfinished.exists(), time.monotonic() + PATIENCE_S
        while by_watchdog and unfinished.exists() and time.monotonic() < until:
            tasks.take_up_stale_runs()
        if by_watchdog and was_unfinished:
            self._require_whole(reason)
        _until_free(lambda: self.night(reason))
        self._require_whole(reason)
        return was_unfinished

    def _require_whole(self, reason: str) -> None:
        from execution.models import Execution, JobChunk, JobRun
        from pricing.models import PricingPack

        run = self._the_run(reason)
        _require_equal("state of the run", run.state, "done")
        _require_equal("states of jobs", set(JobRun.objects.filter(run=run).values_list("state", flat=True)), {"done"})
        _require_equal("running jobs", JobRun.objects.filter(state="running").count(), 0)
        newest = {job.pk: job.fencing for job in JobRun.objects.filter(run=run)}
        left = JobChunk.objects.filter(job__in=newest).exclude(state="done")
        _require_equal("chunks left", [each.pk for each in left if each.fencing == newest[each.job_id]], [])
        _require_equal("running executions", Execution.objects.filter(status="running").count(), 0)
        packs = PricingPack.objects.filter(restates=f"{self.name}: {reason}")
        _require_equal("packs", list(packs.values_list("status", "asof_date")), [("fresh", self.day)])
        _require_equal("packs not fresh", PricingPack.objects.filter(run=run.pk).exclude(status="fresh").count(), 0)
        _require_equal("figures", self._figures(reason), self._figures("undisturbed"))

    def _the_run(self, reason: str) -> Any:
        from execution.models import NightlyRun

        (run,) = NightlyRun.objects.filter(restates=f"{self.name}: {reason}")
        return run

    def _figures(self, reason: str) -> Any:
        """What the run stored of its packs, without the names of pack, run and row."""
        from portfolio.models import DailyValue, EconomicPhase, Reconciliation
        from portfolio.performance.daily_values import NUMBERS
        from pricing.models import PricingPack

        pack = PricingPack.objects.get(restates=f"{self.name}: {reason}")
        values = DailyValue.objects.filter(pack=pack).order_by("portfolio_id")
        phases = EconomicPhase.objects.filter(pack=pack).order_by("subject")
        compared = Reconciliation.objects.filter(pack=pack, run=pack.run).order_by("portfolio_id")
        return (
            pack.content_id,
            list(values.values_list("portfolio_id", *NUMBERS)),
            list(phases.values_list("subject", "name", "score", "reason")),
            sorted(set(compared.values_list("portfolio_id", "status", "error_bp"))),
        )


def _until_free(action: Callable[[], object]) -> None:
    from execution.night.nightly import RunElsewhere

    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            action()
            return
        except RunElsewhere:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _require_equal(what: str, actual: Any, expected: Any) -> None:
    if actual != expected:
        raise AssertionError(f"{what}: {str(actual)[:300]}, not {str(expected)[:300]}")


if __name__ == "__main__":
    sys.exit(main())
