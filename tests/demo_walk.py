"""`python -m tests.demo_walk [N]`: open the demo on each of its days, in each pattern, for both portfolios, with N processes (2).

Prints how many opened, and the distinct sentences of those that did not. Ends with 1 where one broke. It stands on the demo as
the tests have it; nothing is stored.
"""

import contextlib
import io
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from portfolio.models import Portfolio

PORTFOLIOS = ("public", "second")
LONGEST_SENTENCE = 240


@dataclass(frozen=True)
class Visit:
    """One pattern of one portfolio on one day. sentence: why it did not open; empty where it did."""

    portfolio: str
    pattern: str
    day: date
    seconds: float
    status: int
    sentence: str

    @property
    def key(self) -> str:
        return f"{self.portfolio} {self.pattern} {self.day} {self.status}"

    @property
    def is_answer(self) -> bool:
        """Opened, or refused in one sentence for a reason that is not ours."""
        if not self.sentence:
            return True
        is_sentence = "\n" not in self.sentence and len(self.sentence) <= LONGEST_SENTENCE
        return self.status not in (500, 200) and is_sentence and " broke" not in self.sentence

    def __str__(self) -> str:
        return f"{self.key}: {self.sentence or 'opens'}"


def pack_days() -> list[date]:
    from pricing.models import PackStatus, PricingPack

    fresh = PricingPack.objects.filter(status=PackStatus.FRESH)
    return sorted(set(fresh.values_list("asof_date", flat=True)))


def walk(days: Sequence[date]) -> list[Visit]:
    """Open each pattern of each portfolio on each of the days. As role job."""
    from portfolio.models import Portfolio

    found = {each.slug: each for each in Portfolio.objects.select_related("owner", "policy").all()}
    for portfolio in found.values():
        portfolio.owner.is_staff = True  # in this process alone: what staff ask for provisionally is not stored
    return [
        _visit(found[slug], pattern, inputs, day)
        for day in days
        for slug in PORTFOLIOS
        for pattern, inputs in _requests(found[slug], day)
    ]


def _requests(portfolio: "Portfolio", day: date) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The overview; the bridge since inception and of the month; the holding that was dealt in last until then."""
    from portfolio.models import Transaction

    yield "portfolio_overview", {}
    yield "money_bridge", {}
    yield "money_bridge", {"from_date": day.replace(day=1).isoformat(), "to_date": day.isoformat()}
    dealt = Transaction.objects.filter(portfolio=portfolio, date__lte=day, security__isnull=False, removed_in=None)
    last = dealt.order_by("-date", "-ordinal").values_list("security_id", flat=True).first()
    if last is not None:
        yield "holding_deep_dive", {"security_id": last}


def _visit(portfolio: "Portfolio", pattern: str, inputs: Mapping[str, Any], day: date) -> Visit:
    from execution import executor
    from execution.web import problems

    request = executor.Request(pattern, dict(inputs), portfolio_id=portfolio.pk, asof_date=day, require_fresh=False)
    name = f"{pattern}{'+' if inputs else ''}"
    started = perf_counter()
    try:
        served = executor.execute(request, user=portfolio.owner)
    except Exception as failure:  # whatever it is, the walk goes on
        problem = problems.describe(failure)
        text = str(failure) if problem is problems.INTERNAL else problem.detail
        return Visit(
            portfolio.slug, name, day, perf_counter() - started, problem.status, text or type(failure).__name__
        )
    missing = [f"{step['as']}: {step.get('reason')}" for step in served.trace["steps"] if step["status"] != "ok"]
    return Visit(portfolio.slug, name, day, perf_counter() - started, 200, "; ".join(missing))


class _Collected:
    """What the tests of the walk record."""

    def __init__(self) -> None:
        self.visits: list[tuple[str, float, str]] = []
        self.started = perf_counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.visits += dict(report.user_properties).get("visits", [])  # type: ignore[arg-type]
            took = perf_counter() - self.started
            closed = sum(1 for _, _, sentence in self.visits if sentence)
            print(
                f"{len(self.visits)} answers, {closed} of them a reason, {report.outcome}, after {took:.0f} s",
                file=sys.stderr,
                flush=True,
            )


def main(words: list[str]) -> int:
    os.environ["TIEOUT_WALK_DAYS"] = "1000000"
    collected, said = _Collected(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(
            [
                "tests/test_demo_walk.py",
                "-q",
                "-p",
                "no:cacheprovider",
                "-n",
                (words or ["2"])[0],
                "--dist",
                "worksteal",
            ],
            plugins=[collected],
        )
    if not collected.visits:
        print(said.getvalue())
        return 1
    _print(collected.visits)
    print(f"{perf_counter() - collected.started:.0f} s in all")
    return int(code != 0)


def _print(visits: Sequence[tuple[str, float, str]]) -> None:
    opened: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    sentences: dict[str, list[str]] = {}
    for key, took, sentence in visits:
        portfolio, pattern, day, status = key.split()
        opened[f"{portfolio} {pattern} {'opens' if not sentence else 'does not open'}"] += 1
        seconds[pattern] += took  # type: ignore[assignment]
        if sentence:
            sentences.setdefault(f"{status} {_kind(sentence)}", []).append(f"{portfolio} {pattern} {day}")
    days = len({key.split()[2] for key, _, _ in visits})
    print(f"{len(visits)} answers of {days} days")
    for what, number in sorted(opened.items()):
        print(f"{number:>7} {what}")
    for pattern, took in sorted(seconds.items()):
        print(f"{took:>7.0f} s in {pattern}")
    for sentence, where in sorted(sentences.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(where):>7} {sentence} (first: {where[0]})")


def _kind(sentence: str) -> str:
    """The sentence without its days, by which alike ones are counted together."""
    return re.sub(r"\d{4}-\d\d-\d\d", "<day>", sentence)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
