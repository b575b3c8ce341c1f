"""Ledgers of made-up trades: taken in and reconciled, against the time that beancount.loader itself needs for the file.

`python -m benchmarks.ledger STEP` is what is timed inside a world; it prints figures as JSON."""

import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from benchmarks import worlds
from benchmarks.measuring import Goal, Line, line, part, round_robin
from benchmarks.worlds import World
from config import env

SYMBOLS = tuple(f"SEC{chr(65 + number)}" for number in range(20))
FIRST, LAST = date(2015, 1, 2), date(2024, 12, 31)
LOTS = 30
AT = datetime(2025, 1, 1, 12, tzinfo=UTC)
MANY, SOME, PORTFOLIOS = 100_000, 10_000, 100
PEER = """
import os, sys, time
os.environ["BEANCOUNT_DISABLE_LOAD_CACHE"] = "1"
from beancount import loader
began = time.perf_counter()
entries, errors, _ = loader.load_file(sys.argv[1])
print(time.perf_counter() - began)
sys.exit(bool(errors))
"""

Figures = dict[str, list[float]]


# --- the cases


def books() -> list[Line]:
    """100,000 transactions, and 10,000, loaded, stored and reconciled at a pack, each against its peer."""
    world = _stocked()
    took: dict[int, list[Figures]] = {SOME: [], MANY: []}
    peers: dict[int, list[float]] = {SOME: [], MANY: []}
    for size in (SOME, MANY):
        (world.folder / f"{size}.beancount").write_text(ledger(size))

    def ours(size: int) -> Callable[[], float]:
        def run() -> float:
            took[size].append(_inside(world, "take_in", str(size)))
            return took[size][-1]["all"][0]

        return run

    def peer(size: int) -> Callable[[], float]:
        def run() -> float:
            words = [sys.executable, "-c", PEER, str(world.folder / f"{size}.beancount")]
            process = subprocess.run(words, capture_output=True, text=True, check=True)
            peers[size].append(float(process.stdout))
            return peers[size][-1]

        return run

    samples = round_robin({"ours": ours(MANY), "peer": peer(MANY), "ours, some": ours(SOME), "peer, some": peer(SOME)})
    growth = [many / some for many, some in zip(samples["ours"], samples["ours, some"], strict=True)]
    unchanged = _inside(world, "unchanged")
    world.drop()
    parts = {name: [each[name][0] for each in took[MANY]] for name in took[MANY][0] if name not in ("all", "child_mib")}
    return [
        line(f"ledger of {MANY:,}, reconciled", "s", samples["ours"], samples["peer"], goal=Goal(2.5, of="ratio")),
        *(part(name, "s", seconds) for name, seconds in parts.items()),
        line(f"ledger of {SOME:,}, reconciled", "s", samples["ours, some"], samples["peer, some"]),
        line("  growth, 10 times the transactions", "times", growth, [10.0] * len(growth), goal=Goal(12)),
        line(
            "  memory of the child process",
            "MiB",
            [each["child_mib"][0] for each in took[MANY]],
            [600.0] * len(took[MANY]),
            goal=Goal(600),
        ),
        line(
            f"ledger of {MANY:,}, unchanged commit",
            "ms",
            unchanged["sync"],
            unchanged["night"],
            goal=Goal(50),
            scale=1000,
        ),
    ]


def hundred() -> list[Line]:
    """A commit that touches one of a hundred portfolios, all of which are synced, against syncing that one alone."""
    world = _stocked()
    figures = _inside(world, "one_of_many")
    world.drop()
    name = f"commit to one of {PORTFOLIOS} portfolios"
    return [line(name, "ms", figures["all"], figures["one"], goal=Goal(2, of="ratio"), scale=1000)]


CASES: Mapping[str, Callable[[], list[Line]]] = {"ledger": books, "ledgers": hundred}


def _stocked() -> World:
    """A world with the market that the ledgers are valued at."""
    world = worlds.migrated().copy()
    folder = world.folder / "archive"
    folder.mkdir()
    days = [LAST - timedelta(days=back) for back in (4, 1, 0)]
    rows = {
        "securities.csv": ["symbol,name,currency,type,exchange,source"]
        + [f"{symbol},{symbol},USD,equity,XNYS,made-up" for symbol in SYMBOLS],
        "prices.csv": ["date,symbol,close,currency,source"]
        + [f"{day},{symbol},{50 + number},USD,made-up" for day in days for number, symbol in enumerate(SYMBOLS)],
        "fx.csv": ["date,base,quote,rate,source"] + [f"{day},EUR,USD,1.04,made-up" for day in days],
        "macro.csv": ["date,series_id,value,source", f"{days[0]},Y10,4.5,made-up"],
    }
    for name, lines in rows.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    _inside(world, "stock")
    return world


def _inside(world: World, *step: str) -> Figures:
    words = [sys.executable, "-m", "benchmarks.ledger", *step]
    process = subprocess.run(words, cwd=env.PROJECT, env=world.environment, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{' '.join(step)} ended with {process.returncode}:\n{process.stderr[-4000:]}")
    return dict(json.loads(process.stdout))


def ledger(transactions: int, *, seed: int = 20251022) -> str:
    return "".join(_lines(transactions, random.Random(seed + transactions)))


def _lines(count: int, chance: random.Random) -> Iterator[str]:
    yield 'option "title" "bench"\noption "operating_currency" "USD"\noption "booking_method" "FIFO"\n'
    for account in ("Assets:Cash USD", "Income:Gains USD", "Equity:External USD", "Expenses:Fees USD"):
        yield f"{FIRST} open {account}\n"
    for symbol in SYMBOLS:
        yield f"{FIRST} open Assets:Broker:{symbol} {symbol}\n{FIRST} open Income:Dividends:{symbol} USD\n"
    yield f'{FIRST} * "initial deposit"\n  Assets:Cash  100000000.00 USD\n  Equity:External\n'
    price = {symbol: 50.0 + 5 * number for number, symbol in enumerate(SYMBOLS)}
    lots: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
    span, month = (LAST - FIRST).days - 5, 0
    for number in range(1, count):
        day = FIRST + timedelta(days=1 + number * span // count)
        if day.month != month:
            month = day.month
            for symbol in SYMBOLS:
                price[symbol] = round(price[symbol] * (1 + chance.gauss(0.005, 0.04)), 4)
                yield f"{day} price {symbol} {price[symbol]:.4f} USD\n"
        symbol, draw = chance.choice(SYMBOLS), chance.random()
        at, open_lots = round(price[symbol] * (1 + chance.uniform(-0.01, 0.01)), 2), lots[symbol]
        if len(open_lots) >= LOTS:
            draw = 0.6
        if draw < 0.50 or not open_lots:
            open_lots.append(chance.randint(1, 100))
            yield f'{day} * "buy {symbol}"\n  Assets:Broker:{symbol}  {open_lots[-1]} {symbol} {{{at:.2f} USD}}\n'
            yield "  Expenses:Fees  1.00 USD\n  Assets:Cash\n"
        elif draw < 0.75:
            units = sum(open_lots[: (16 if len(open_lots) > 20 else 1)])
            del open_lots[: (16 if len(open_lots) > 20 else 1)]
            yield f'{day} * "sell {symbol}"\n  Assets:Broker:{symbol}  -{units} {symbol} {{}} @ {at:.2f} USD\n'
            yield f"  Assets:Cash  {units * at:.2f} USD\n  Income:Gains\n"
        elif draw < 0.90:
            amount = sum(open_lots) * 0.01
            yield f'{day} * "dividend {symbol}"\n  Assets:Cash  {amount:.2f} USD\n'
            yield f"  Income:Dividends:{symbol}  -{amount:.2f} USD\n"
        else:
            yield f'{day} * "deposit"\n  Assets:Cash  {chance.randint(100, 9999)}.00 USD\n  Equity:External\n'


# --- inside a world


def stock() -> Figures:
    """The market in a sealed pack of the last day, and somebody to own portfolios."""
    from django.conf import settings
    from django.contrib.auth import get_user_model

    from pricing import packs
    from pricing.archive import loading
    from pricing.models import PricingPolicy

    policy = PricingPolicy.objects.get(pk="ECB_EUR")
    loading.load(Path(settings.VAR) / "archive")
    (pack,) = packs.build(policy=policy, dates=[LAST], run=uuid4())
    assert pack.sequence is not None
    get_user_model().objects.create_user("bench")
    return {}


def take_in(size: str) -> Figures:
    """Seconds of the whole way, and of each step by itself."""
    from django.conf import settings

    from portfolio.books import entry, lots, reconciliation, revision_rows
    from portfolio.ledger import journal
    from portfolio.models import RevisionStatus

    took: Figures = {}

    def timed(module: Any, name: str, step: str) -> None:
        real = getattr(module, name)

        def run(*args: Any, **how: Any) -> Any:
            began = perf_counter()
            result = real(*args, **how)
            took.setdefault(step, [0.0])[0] += perf_counter() - began
            return result

        setattr(module, name, run)

    timed(journal, "read", "loading by Beancount, and events of its entries")
    timed(lots, "derive", "lots")
    timed(revision_rows, "store", "rows")
    timed(reconciliation, "compare", "reconciling")
    files = {"main.beancount": (Path(settings.VAR) / f"{size}.beancount").read_bytes()}
    portfolio = _portfolio(f"bench-{size}-{uuid4().hex[:8]}")
    began = perf_counter()
    entered = entry.enter(portfolio=portfolio, files=files, message="bench", author="bench", at=AT)
    took["all"] = [perf_counter() - began]
    took["child_mib"] = [resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]
    if entered.status != RevisionStatus.RECONCILED or entered.stored.transactions != int(size):
        raise RuntimeError(f"{entered.status}: {entered.breaks[:3]}")
    return took


def unchanged() -> Figures:
    """The newest of the large ledgers without a change in it: synced, and reconciled once more, which loads it again."""
    from portfolio.books import pack_prices, reconciliation, writer
    from portfolio.models import Portfolio
    from pricing import market

    portfolio = (
        Portfolio.objects.select_related("policy").filter(slug__startswith=f"bench-{MANY}-").latest("created_at")
    )
    pack = reconciliation.newest_pack(portfolio.policy)
    assert pack is not None
    prices, actions = pack_prices.load([pack], portfolio.policy.pivot), market.actions(pack)
    figures: Figures = {"sync": [], "night": []}
    for _ in range(7):
        began = perf_counter()
        writer.sync(portfolio=portfolio)
        figures["sync"].append(perf_counter() - began)
    began = perf_counter()
    reconciliation.reconcile(portfolio=portfolio, packs=[pack], prices=prices, actions=actions, run=uuid4())
    figures["night"].append(perf_counter() - began)
    return {"sync": figures["sync"][2:], "night": figures["night"] * 5}


def one_of_many() -> Figures:
    from django.conf import settings

    from portfolio.books import writer
    from portfolio.ledger.repository import LedgerRepository

    text, portfolios = ledger(1_000), [_portfolio(f"one-{number:03}") for number in range(PORTFOLIOS)]
    repository = LedgerRepository.open_or_create(settings.LEDGER_PATH)

    def push(slug: str, content: str) -> None:
        head = repository.head()
        files = {"main.beancount": content.encode()}
        repository.commit(slug, files, message="bench", author="bench", at=AT, expected_head=head)

    for portfolio in portfolios:
        push(portfolio.slug, text)
        writer.sync(portfolio=portfolio)
    figures: Figures = {"all": [], "one": []}
    for number in range(6):
        text += f'{LAST} * "deposit"\n  Assets:Cash  {number + 1}.00 USD\n  Equity:External\n'
        push(portfolios[number].slug, text)
        began = perf_counter()
        for portfolio in portfolios:
            writer.sync(portfolio=portfolio)
        figures["all"].append(perf_counter() - began)
        push(portfolios[-1].slug, text)
        began = perf_counter()
        writer.sync(portfolio=portfolios[-1])
        figures["one"].append(perf_counter() - began)
    return {name: values[1:] for name, values in figures.items()}


def _portfolio(slug: str) -> Any:
    from django.contrib.auth import get_user_model

    from portfolio.models import Portfolio
    from pricing.models import PricingPolicy

    return Portfolio.objects.create(
        slug=slug,
        name=slug,
        owner=get_user_model().objects.get(username="bench"),
        base_currency="USD",
        policy=PricingPolicy.objects.get(pk="ECB_EUR"),
    )


if __name__ == "__main__":
    import django

    from config import embedded

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    embedded.provide("job")
    django.setup()
    steps: Mapping[str, Callable[..., Figures]] = {
        "stock": stock,
        "take_in": take_in,
        "unchanged": unchanged,
        "one_of_many": one_of_many,
    }
    json.dump(steps[sys.argv[1]](*sys.argv[2:]), sys.stdout)
