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
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import django

from config import embedded

CONTENT = b"date,type,amount,currency,note\n2020-01-08,deposit,1.25,CAD,killed import\n"
NAME = "killed.csv"
FROM = ("portfolio/ledger/repository.py", "commit")
"""Where the walk begins: before it nothing is written."""
FILES = (
    "portfolio/ledger/repository.py", "portfolio/books/writer.py", "portfolio/books/revision_rows.py", "portfolio/books/entry.py",
    "portfolio/books/imports/importing.py", "portfolio/books/reconciliation_rows.py", "dulwich/refs.py", "dulwich/file.py",
    "config/locks.py", "config/bulk.py",
)  # fmt: skip
Statement = tuple[str, int]


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
    asked = parser.parse_args()
    _set_up()
    chance, tally = random.Random(asked.seed), Tally()
    statements, took_s = _walk(asked.portfolio)
    _heal(asked.portfolio, by_watchdog=False, tally=Tally())
    for number, statement in enumerate(statements[:: asked.every]):
        _kill(asked.portfolio, _at(statement), tally, f"at {statement[0]}:{statement[1]}", by_watchdog=number % 2 == 0)
    for number in range(asked.count):
        after_s = chance.uniform(0, took_s)
        _kill(asked.portfolio, None, tally, f"after {after_s:.3f} s", by_watchdog=number % 2 == 0, after_s=after_s)
    print(
        f"{tally.kills} kills ({len(statements[:: asked.every])} statements, {asked.count} random, seed {asked.seed}),"
        f" {tally.half_done} left something half done, {len(tally.failures)} failures"
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


def _kill(
    slug: str,
    trace: Callable[..., Any] | None,
    tally: Tally,
    where: str,
    *,
    by_watchdog: bool,
    after_s: float | None = None,
) -> None:
    """Fork, import in the child until it is killed, and heal."""
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child == 0:
        sys.settrace(trace)
        _import(slug)
        os._exit(0)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    tally.kills += 1
    try:
        _heal(slug, by_watchdog=by_watchdog, tally=tally)
    except Exception as failure:  # whatever it is, it is what the script looks for
        tally.failures.append(f"{where}: {type(failure).__name__}: {failure}")


def _at(statement: Statement) -> Callable[..., Any]:
    """A trace that kills the process when the statement is reached, once the walk has begun."""
    begun = False

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal begun
        begun = begun or _is_begin(frame)
        if not _is_watched(frame):
            return None
        if begun and event == "line" and _place(frame) == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def _walk(slug: str) -> tuple[list[Statement], float]:
    """The statements from the ledger's commit on, in the order of an import, and the seconds that one takes."""
    found: dict[Statement, None] = {}
    begun = False

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal begun
        begun = begun or _is_begin(frame)
        if not _is_watched(frame):
            return None
        if begun and event == "line":
            found[_place(frame)] = None
        return trace

    started = time.perf_counter()
    sys.settrace(trace)
    try:
        _import(slug)
    finally:
        sys.settrace(None)
    return list(found), time.perf_counter() - started


def _is_begin(frame: Any) -> bool:
    return bool(frame.f_code.co_filename.endswith(FROM[0]) and frame.f_code.co_name == FROM[1])


def _is_watched(frame: Any) -> bool:
    return bool(frame.f_code.co_filename.endswith(FILES))


def _place(frame: Any) -> Statement:
    name = next(name for name in FILES if frame.f_code.co_filename.endswith(name))
    return name, frame.f_lineno


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
