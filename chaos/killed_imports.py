"""`python -m chaos.killed_imports [--count 200] [--seed 1] [--portfolio SLUG] [--every 1]`: imports killed by SIGKILL.

First at each statement from the commit of the ledger to that of the rows (of `--every` so many one), then at `--count` random
moments. After each kill one of two things is done, in turn: the same file is imported again, or the watchdog looks. Then ledger and
rows have to be equal, with the file's row once in both, without a person. What was imported is undone, and the next kill follows.

It works on the database and the ledger of this environment, in one portfolio of it, which is afterwards as it was but for its
revisions.
"""

import argparse
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import django

from chaos import killing
from config import embedded

CONTENT = b"date,type,amount,currency,note\n2020-01-08,deposit,1.25,CAD,killed import\n"
NAME = "killed.csv"
FILES = (
    "portfolio/ledger/repository.py", "portfolio/books/writer.py", "portfolio/books/revision_rows.py", "portfolio/books/entry.py",
    "portfolio/books/imports/importing.py", "portfolio/books/reconciliation_rows.py", "dulwich/refs.py", "dulwich/file.py",
    "config/locks.py", "config/bulk.py",
)  # fmt: skip
BEGIN = ("portfolio/ledger/repository.py", "commit")
"""Before it nothing is written."""
MOST_DRAWS = 20
"""For each random kill, draws of a moment: some fall behind the end of the import."""


@dataclass
class Tally:
    kills: int = 0
    half_done: int = 0
    """Kills after which the ledger was ahead of the rows, or a file was locked."""
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--portfolio", default="public")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    _set_up()
    walk, take_in, tally = killing.Walk(FILES, BEGIN), partial(_import, options.portfolio), Tally()
    take_in()  # the first import does what later ones need not: the walk is of one of these, and so are the moments
    _heal(options.portfolio, by_watchdog=False, tally=Tally())
    took_s = killing.seconds_of(take_in)
    _heal(options.portfolio, by_watchdog=False, tally=Tally())
    statements = walk.statements(take_in)[:: options.every]
    _heal(options.portfolio, by_watchdog=False, tally=Tally())
    for statement in statements:
        file, line, turn = statement
        if not _try(options.portfolio, partial(walk.kill_at, statement, take_in), tally, f"{file}:{line}, pass {turn}"):
            tally.failures.append(f"{file}:{line}, pass {turn}: never reached")
    chance = random.Random(options.seed)
    for _ in range(options.count * MOST_DRAWS):
        if tally.kills - len(statements) >= options.count:
            break
        after_s = chance.uniform(0, took_s)
        _try(options.portfolio, partial(killing.kill_after, after_s, take_in), tally, f"after {after_s:.3f} s")
    at_random = tally.kills - len(statements)
    if at_random < options.count:
        tally.failures.append(f"{at_random} random kills, not {options.count}: the others fell behind the end")
    print(
        f"an import took {took_s:.2f} s; {tally.kills} kills ({len(statements)} statements, {at_random} random,"
        f" seed {options.seed}), {tally.half_done} left something half done, {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.provide("job")
    django.setup()


def _portfolio(slug: str) -> Any:
    from portfolio.models import Portfolio

    return Portfolio.objects.select_related("policy").get(slug=slug)


def _import(slug: str) -> Any:
    from django.utils import timezone

    from portfolio.books import imports

    return imports.commit(portfolio=_portfolio(slug), name=NAME, content=CONTENT, author="chaos", at=timezone.now())


def _try(slug: str, kill: Callable[[], bool], tally: Tally, where: str) -> bool:
    """Kill and heal; whether it was killed."""
    was_killed = kill()
    try:
        _heal(slug, by_watchdog=tally.kills % 2 == 0, tally=tally)
    except Exception as failure:  # whatever it is, it is what the script looks for
        tally.failures.append(f"{where}: {type(failure).__name__}: {failure}")
    if was_killed:
        tally.kills += 1
        killing.tell(tally.kills, len(tally.failures))
    return was_killed


def _heal(slug: str, *, by_watchdog: bool, tally: Tally) -> None:
    """Let the watchdog look, or import again; then compare, undo, and compare. Raises what went wrong."""
    from django.conf import settings
    from django.utils import timezone

    from portfolio.books import catching_up, imports
    from portfolio.ledger.repository import LedgerRepository

    portfolio = _portfolio(slug)
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        tally.half_done += bool(repository.find_lock_files() or catching_up.find_behind([portfolio]))
    if by_watchdog:
        catching_up.catch_up_all()
        _require_equal(portfolio)
    _import(slug)
    _require_equal(portfolio)
    rows = _count(portfolio)
    if rows != 1:
        raise AssertionError(f"the row is there {rows} times")
    imports.undo(portfolio=portfolio, author="chaos", at=timezone.now())
    _require_equal(portfolio)
    if _count(portfolio):
        raise AssertionError("the row is there after it was undone")


def _require_equal(portfolio: Any) -> None:
    from portfolio.books import catching_up, revisions, row_verification

    if catching_up.find_behind([portfolio]):
        raise AssertionError("the ledger is ahead of its rows")
    newest = revisions.newest(portfolio)
    if newest is None or newest.status != "reconciled":
        raise AssertionError(f"the newest revision is {newest and newest.status}")
    differences = row_verification.find_differences(portfolio, newest)
    if differences:
        raise AssertionError(str(differences[0]))


def _count(portfolio: Any) -> int:
    from portfolio.models import Transaction

    return Transaction.objects.filter(
        portfolio=portfolio, removed_in__isnull=True, note__contains="killed import"
    ).count()


if __name__ == "__main__":
    sys.exit(main())
