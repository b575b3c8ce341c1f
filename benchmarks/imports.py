"""Files of transactions: how long they take, and whether gain = value + sells - buys - fees on what came of them.
`python -m benchmarks.imports FOLDER` is what is timed inside a world; it prints figures as JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import worlds
from benchmarks.measuring import Goal, Line, line
from config import env

MATRIX = (
    (100, 20, 10, 1),
    (1_000, 20, 10, 1),
    (10_000, 20, 10, 1),
    (1_000, 10, 10, 1),
    (1_000, 50, 10, 1),
    (1_000, 20, 5, 1),
    (1_000, 20, 10, 3),
    (10_000, 50, 10, 3),
)
"""(activities, symbols, years, currencies)"""
LARGE = 10_000
SCRIPT = env.path("TIEOUT_DATA", default=env.PROJECT.parent / "shared" / "data").parent / "bench" / "make_activities.py"
PEER = """
import sys, time
from beancount import loader
began = time.perf_counter()
_, errors, _ = loader.load_file(sys.argv[1])
assert not errors, errors[:3]
print(time.perf_counter() - began)
"""


def imports() -> list[Line]:
    """Eight files, each into a portfolio of its own, against beancount.loader on the ledger that comes of it."""
    world = worlds.migrated().copy()
    sets = world.folder / "sets"
    sets.mkdir()
    if SCRIPT.is_file():
        subprocess.run([sys.executable, SCRIPT, "--out", sets, "--matrix"], check=True, capture_output=True)
    else:
        print(f"there is no {SCRIPT.name} beside TIEOUT_DATA: sets of the same sizes are made up", file=sys.stderr)
    words = [sys.executable, "-m", "benchmarks.imports", str(sets)]
    process = subprocess.run(words, cwd=env.PROJECT, env=world.environment, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"imports ended with {process.returncode}:\n{process.stderr[-4000:]}")
    figures: dict[str, dict[str, Any]] = json.loads(process.stdout)
    world.drop()
    lines = [
        line(
            f"import of {name}", "s", each["seconds"], each["loader"], goal=Goal(15) if each["rows"] == LARGE else None
        )
        for name, each in figures.items()
    ]
    worst = max(float(each["difference"]) for each in figures.values())
    caption = f"gain less (value + sells - buys - fees), largest of {sum(each['periods'] for each in figures.values())}"
    return [*lines, Line(caption, worst, "USD", goal="value ≤ 0.005", met=worst <= 0.005)]


CASES: Mapping[str, Callable[[], list[Line]]] = {"imports": imports}


def inside(sets: Path) -> dict[str, dict[str, Any]]:
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from portfolio.books import imports as verbs
    from portfolio.books import ledger_folder
    from portfolio.ledger import journal, reader
    from portfolio.ledger.importing import tieout_csv
    from portfolio.ledger.importing.tests import identity
    from portfolio.models import Portfolio, Transaction
    from pricing.models import PricingPolicy, Security

    owner = get_user_model().objects.create_user("bench")
    policy = PricingPolicy.objects.get(pk="ECB_EUR")
    figures: dict[str, dict[str, Any]] = {}
    for name, content, market in _sets(sets, identity):
        rows = tieout_csv.read(content).rows
        for symbol, currency in {(row.symbol, row.currency) for row in rows}:
            Security.objects.get_or_create(
                symbol=symbol,
                defaults={
                    "name": symbol, "currency": currency, "price_unit": currency, "kind": "equity", "exchange": "XNYS",
                    "first_date": date(2000, 1, 3), "source": "bench",
                },
            )  # fmt: skip
        seconds, loaded = [], []
        for turn in range(1 if len(rows) == LARGE else 3):
            portfolio = Portfolio.objects.create(
                slug=f"{name.replace('_', '-')}-{turn}", name=name, owner=owner, base_currency="USD", policy=policy
            )
            began = perf_counter()
            verbs.commit(portfolio=portfolio, name="activities.csv", content=content, author="bench", at=timezone.now())
            seconds.append(perf_counter() - began)
            files = ledger_folder.read(portfolio)
            loaded.append(_loader(sets / f"{name}-{turn}.ledger", files))
        assert Transaction.objects.filter(portfolio=portfolio).count() == len(rows)
        differences = identity.differences_of(journal.transactions(reader.read(files)), rows, market)
        worst = max(map(abs, differences.values()))
        figures[name] = {
            "rows": len(rows), "seconds": seconds, "loader": loaded, "periods": len(differences),
            "difference": str(worst.quantize(Decimal("1e-9"))),
        }  # fmt: skip
    return figures


def _sets(sets: Path, identity: Any) -> Iterator[tuple[str, bytes, Any]]:
    for activities, symbols, years, currencies in MATRIX:
        name = f"a{activities}_s{symbols}_y{years}_c{currencies}"
        folder = sets / name
        if folder.is_dir():
            market = identity.Market.read((folder / "prices.csv").read_text(), (folder / "fx.csv").read_text())
            yield name, (folder / "activities.csv").read_bytes(), market
        else:
            content, market = identity.made(
                "bench", activities=activities, symbols=symbols, years=years, currencies=currencies
            )
            yield name, content, market


def _loader(folder: Path, files: Mapping[str, bytes]) -> float:
    """Seconds that Beancount itself needs to load the ledger, in a process of its own."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    command = [sys.executable, "-c", PEER, str(folder / "main.beancount")]
    environment = os.environ | {"BEANCOUNT_DISABLE_LOAD_CACHE": "1"}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    import django

    from config import embedded

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    embedded.provide("job")
    django.setup()
    json.dump(inside(Path(sys.argv[1])), sys.stdout)
