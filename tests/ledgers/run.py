"""Makes ledgers of new seeds, imports all of them into one database, runs a night, and compares what is answered."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from config.errors import TieoutError
from portfolio.models import Portfolio
from pricing.models import PricingPolicy

from . import COUNT, ONLY, SEED, WITHOUT, beancount_lots, comparing, generator, markets, product, reference
from .comparing import Difference
from .generator import Features
from .markets import Market
from .operations import Ledger, Operation, from_json, to_csv, to_json

KEPT = Path(__file__).resolve().parents[2] / "var" / "fuzz"
FOUND = Path(__file__).resolve().parent / "kept"
"""Ledgers that were wrong once, which any market fits: each batch has its share of them."""
FEW, BATCH = 100, 50
"""How many ledgers there are if nobody says, and how many share a market and a database, which one process works in."""
SHRUNK = int(os.environ.get("TIEOUT_LEDGERS_SHRUNK", 3))
"""So many of the failing ledgers of a batch are made as small as they still fail."""


@dataclass(frozen=True)
class Batch:
    """Ledgers of one market, in one database; ledger n has the seed `seed` + n."""

    seed: int
    count: int
    wrong_once: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{self.count} from seed {self.seed}"


def batches() -> list[Batch]:
    """As the environment says: how many ledgers, from which seed on; a hundred of the run's own if it says nothing."""
    count = int(os.environ.get(COUNT, FEW))
    seed = int(os.environ.get(SEED) or int(os.environ["TIEOUT_TEST_SEED"]) * 1000)
    begins, found = range(0, count, BATCH), sorted(FOUND.glob("*.json"))
    return [
        Batch(seed + begin, min(BATCH, count - begin), tuple(found[number :: len(begins)]))
        for number, begin in enumerate(begins)
    ]


def features() -> Features:
    """Everything, but for what the environment leaves out, by its names."""
    left_out = os.environ.get(WITHOUT, "").split()
    return replace(Features(), **dict.fromkeys(left_out, False))


@dataclass
class Failure:
    ledger: Ledger
    differences: list[Difference]
    file: Path | None = None

    @property
    def kind(self) -> str:
        """The first path, or the first words of what was refused."""
        return _kind(self.differences[0])


def _kind(difference: Difference) -> str:
    if difference.path == "refused":
        return "refused: " + "".join(letter for letter in str(difference.product)[:70] if not letter.isdigit())
    return ".".join(part for part in difference.path.split(".") if not part.isupper() and not part[:1].isdigit())


@dataclass
class Report:
    batch: Batch
    failures: list[Failure] = field(default_factory=list)
    compared: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def summary(self) -> str:
        kinds = Counter(_kind(each) for failure in self.failures for each in failure.differences)
        firsts = Counter(each.kind for each in self.failures)
        if not self.failures:
            return f"{self.compared} ledgers are the same ({self.batch})"
        lines = [f"{len(self.failures)} of {self.compared} ledgers differ ({self.batch}; {SEED}={self.batch.seed})"]
        lines += [f"  {count:4} {kind}" for kind, count in firsts.most_common(25)]
        lines += ["  all paths:", *(f"    {count:4} {kind}" for kind, count in kinds.most_common(40))]
        for each in sorted(self.failures[:200], key=lambda failure: len(failure.ledger.operations))[:25]:
            lines.append(f"{each.ledger.name}, {len(each.ledger.operations)} operations, {each.file or ''}")
            lines += [f"    {difference}" for difference in each.differences[:6]]
        return "\n".join(lines)


def many(batch: Batch, folder: Path, *, shrunk: int = SHRUNK) -> Report:
    """Import a batch, run the night, and compare all of it."""
    report, began = Report(batch), time.monotonic()
    chosen = features()
    market = markets.make(batch.seed, terms=chosen.terms)
    ledgers = [
        generator.generate(batch.seed + number, market, chosen, market_seed=batch.seed) for number in range(batch.count)
    ]
    ledgers += [from_json(each.read_text()) for each in batch.wrong_once]
    if os.environ.get(ONLY):
        ledgers = [each for each in ledgers if each.name in os.environ[ONLY].split()]
    policy = product.prepare(market, folder / "market")
    desk = Desk(market, policy)
    product.take_in(neighbour(), policy)
    product.night(policy, market.pack_days[0], market.pack_days[-1])
    report.seconds["packs"] = time.monotonic() - began
    taken = []
    for ledger in ledgers:
        report.compared += 1
        try:
            taken.append((ledger, product.take_in(ledger, policy)))
        except Exception as stopped:
            report.failures.append(Failure(ledger, [_not_taken(stopped)]))
    report.seconds["imports"] = time.monotonic() - began
    try:
        product.night(policy, market.pack_days[-1], market.pack_days[-1], restates="ledgers have come")
    except TieoutError as failed:
        report.failures.append(Failure(neighbour(), [Difference("night", str(failed), "done")]))
    report.seconds["night"] = time.monotonic() - began
    for ledger, portfolio in taken:
        differences = list(desk.compare(ledger, portfolio))
        if differences:
            report.failures.append(Failure(ledger, differences))
    for ledger, found in beancount_lots.differences(ledgers, market):
        report.failures.append(Failure(ledger, [Difference("lots as Beancount books them", found, "the same")]))
    report.seconds["compared"] = time.monotonic() - began
    seen: Counter[str] = Counter()
    KEPT.mkdir(parents=True, exist_ok=True)
    for failure in report.failures:
        seen[failure.kind] += 1
        if seen[failure.kind] == 1 and sum(1 for count in seen.values() if count) <= shrunk:
            desk.shrink(failure)
        keep(failure)
    report.seconds["shrunk"] = time.monotonic() - began
    (KEPT / "report.txt").write_text(report.summary() + "\n")
    print(report.batch, {key: round(value, 1) for key, value in report.seconds.items()})
    return report


def neighbour() -> Ledger:
    """A plain portfolio, so that the packs are there before the others come."""
    rows = (
        Operation("deposit", markets.FIRST, "EUR", amount=Decimal(9000)),
        Operation("buy", markets.FIRST, "EUR", symbol="HOLZ", quantity=Decimal(10), unit_price=Decimal(65)),
    )
    return Ledger("neighbour", "EUR", rows)


class Desk:
    """Compares one ledger with its portfolio, and finds a smaller ledger that still differs."""

    def __init__(self, market: Market, policy: PricingPolicy) -> None:
        self.market = market
        self.policy = policy
        self.tried = 0

    def days(self, ledger: Ledger) -> Iterator[tuple[date, date]]:
        """As-of days, each with the first day of a period: the last pack day, and one earlier."""
        source = random.Random(f"days {ledger.seed}")
        days = self.market.pack_days
        begin = min(each.first_day for each in ledger.operations)
        later = [day for day in days if day >= begin]
        for asof in (days[-1], source.choice(later or days)):
            span = max((asof - begin).days, 1)
            yield asof, begin + timedelta(source.randint(0, span))

    def compare(self, ledger: Ledger, portfolio: Portfolio) -> Iterator[Difference]:
        try:
            for asof, first in self.days(ledger):
                right = reference.compute(ledger, self.market, asof, [first])
                if right is None:
                    continue
                served = product.ask(portfolio, asof)
                for each in comparing.overview(served, right):
                    yield replace(each, path=f"{asof} {each.path}")
                if first <= asof:
                    served = product.ask(portfolio, asof, "money_bridge", from_date=first.isoformat())
                    path = f"{asof} bridge_from"
                    for each in comparing.bridge(
                        path, served["bridge"], right.bridges[first.isoformat()], right.is_pooled_capital
                    ):
                        yield replace(each, path=f"{each.path} {first}")
        except product.Refused as refused:
            yield Difference("refused", str(refused), "answered")

    def differences(self, ledger: Ledger) -> list[Difference]:
        """Of a ledger that was not imported yet."""
        self.tried += 1
        try:
            portfolio = product.take_in(replace(ledger, name=f"try{self.tried}-{ledger.seed}"), self.policy)
        except Exception as stopped:
            return [_not_taken(stopped)]
        return list(self.compare(ledger, portfolio))

    def shrink(self, failure: Failure) -> None:
        """Leave out what can be left out, as long as it still fails in the same way."""
        smaller = True
        while smaller:
            smaller = False
            for at in reversed(range(len(failure.ledger.operations))):
                without = failure.ledger.without(at)
                if not generator.is_possible(without, self.market):
                    continue
                found = self.differences(without)
                if any(_kind(each) == failure.kind for each in found):
                    found.sort(key=lambda each: _kind(each) != failure.kind)
                    failure.ledger, failure.differences, smaller = without, found, True


def _not_taken(stopped: Exception) -> Difference:
    """Refused, or a fault of ours that nobody foresaw: its ledger is made smaller and kept like any other."""
    if isinstance(stopped, product.Refused):
        return Difference("refused", str(stopped), "taken")
    return Difference(f"crashed by {type(stopped).__name__}", str(stopped), "taken")


def keep(failure: Failure) -> None:
    """The ledger as it failed: operations, the file that was imported, and what differed."""
    failure.file = KEPT / f"{failure.ledger.name}.json"
    failure.file.write_text(
        to_json(
            failure.ledger,
            differences=[str(each) for each in failure.differences[:40]],
            file=to_csv(failure.ledger).splitlines(),
        )
    )
