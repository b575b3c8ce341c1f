"""A ledger folder as values: screened, then parsed and booked by Beancount in a child process."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from os import environ
from pathlib import Path
from typing import Any, Final, NamedTuple

from config.errors import TieoutError

from . import names
from .screening import Finding, LedgerRefused, LedgerUnsafe, screen

CHILD: Final = Path(__file__).with_name("child.py")
MEMORY_BYTES: Final = 2 * 1024**3
TIMEOUT_S, TIMEOUT_S_PER_MIB = 60.0, 20.0
"""A MiB holds some 10,000 transactions and takes 1.5 s where nothing else runs."""
_OUT_OF_MEMORY, _NO_BEANCOUNT = 3, 4  # exit codes of child.py, which must not be imported


class LedgerIncorrect(LedgerRefused):
    """Beancount's own checks found errors: syntax, an entry that does not balance, a balance that does not hold."""


class LedgerCrashed(LedgerRefused):
    """The parser died of this text. Only its own process is gone."""


class LedgerTimedOut(LedgerRefused):
    """Reading took longer than it may."""


class LedgerTooBig(LedgerRefused):
    """Reading needed more memory than it may have."""


class LedgerCheckerMissing(TieoutError):
    """Beancount cannot be imported by this Python; no ledger can be read, whatever it holds."""


class Cost(NamedTuple):
    number: Decimal
    currency: str
    acquired: date
    label: str | None


class Price(NamedTuple):
    number: Decimal
    currency: str


class Posting(NamedTuple):
    account: str
    units: Decimal
    commodity: str
    cost: Cost | None
    price: Price | None


class Entry(NamedTuple):
    """One transaction as Beancount booked it: lots named, amounts complete."""

    date: date
    flag: str
    payee: str
    narration: str
    meta: Mapping[str, str]
    file: str
    line: int
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    account: str
    date: date
    currencies: tuple[str, ...]
    booking: str | None


@dataclass(frozen=True, slots=True)
class PriceDirective:
    date: date
    commodity: str
    number: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Custom:
    """A `custom` directive: what it is of, and its values as text (TRUE and FALSE of the two)."""

    date: date
    type: str
    values: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account holds of a commodity at the end of a day; `cost` of the open lots by currency, fees apart."""

    account: str
    commodity: str
    units: Decimal
    cost: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class InventoryChange:
    """`told` as the child has it: account, commodity, units, [currency, cost] of the open lots, all text."""

    date: date
    told: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]]

    @property
    def holdings(self) -> tuple[Holding, ...]:
        return tuple(
            Holding(account, commodity, Decimal(units), tuple((currency, Decimal(cost)) for currency, cost in costs))
            for account, commodity, units, costs in self.told
        )


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """A whole ledger without errors. `entries` and `inventory` are in order of date."""

    title: str
    operating_currencies: tuple[str, ...]
    booking: str | None
    opens: tuple[Opening, ...]
    entries: tuple[Entry, ...]
    prices: tuple[PriceDirective, ...]
    inventory: tuple[InventoryChange, ...]
    customs: tuple[Custom, ...] = ()


def read(
    files: Mapping[str, bytes],
    *,
    main: str = "main.beancount",
    each: Callable[[Sequence[str], Sequence[Entry]], None] | None = None,
    timeout_s: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> LedgerReading:
    """Path within the folder -> content in, the whole ledger out; nothing partial.

    each       is called with the operating currencies and some entries as they come, in their order; what it makes of them
               counts only if the whole ledger is read without an error
    timeout_s  None: TIMEOUT_S, and as much again as TIMEOUT_S_PER_MIB gives for its size
    raises  LedgerRefused by one of its kinds, with file and line; LedgerCheckerMissing
    """
    if main not in files:
        raise LedgerUnsafe((Finding(main, 0, "the folder has no such file"),))
    if unsafe := screen(files):
        raise LedgerUnsafe(tuple(unsafe))
    if timeout_s is None:
        timeout_s = TIMEOUT_S + TIMEOUT_S_PER_MIB * sum(map(len, files.values())) / 1024**2
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        for name, content in files.items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        gathered = _Gathered(main, each)
        _run_child(folder, main, timeout_s, memory_bytes, gathered.take)
    if gathered.unsafe:
        raise LedgerUnsafe(tuple(gathered.unsafe))
    if gathered.errors:
        raise LedgerIncorrect(tuple(gathered.errors))
    return gathered.reading()


def _run_child(folder: str, main: str, timeout_s: float, memory_bytes: int, take: Callable[[list[Any]], None]) -> None:
    """Hand each line to `take` as it comes; raise unless the child came to its end in time."""
    # LD_LIBRARY_PATH is where some builds of Python find their own library.
    env = {"LANG": "C.UTF-8", "TZ": "UTC"} | {k: v for k, v in environ.items() if k == "LD_LIBRARY_PATH"}
    command = [sys.executable, "-I", *_byte_code(), str(CHILD), str(memory_bytes), str(int(timeout_s) + 1), main]
    late, ended = threading.Event(), False
    with subprocess.Popen(  # noqa: S603  # our own file, no shell
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:

        def stop() -> None:
            late.set()
            child.kill()

        watchdog = threading.Timer(timeout_s, stop)
        watchdog.daemon = True
        watchdog.start()
        try:
            assert child.stdout is not None
            for line in child.stdout:
                if not line.endswith(b"\n"):
                    break  # cut off by the end of the child
                told = json.loads(line)
                ended = told[0] == "end"
                if not ended:
                    take(told)
            code = child.wait()
        except BaseException:
            child.kill()
            raise
        finally:
            watchdog.cancel()
    if code == 0 and ended:
        return
    if late.is_set() or code == -signal.SIGXCPU:
        raise LedgerTimedOut((Finding(main, 0, f"reading took longer than {timeout_s:g} s"),))
    if code == _NO_BEANCOUNT:
        raise LedgerCheckerMissing("the beancount package is missing or broken")
    if code == _OUT_OF_MEMORY:
        raise LedgerTooBig((Finding(main, 0, f"reading needed more than {memory_bytes} bytes of memory"),))
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise LedgerCrashed((Finding(main, 0, f"the parser died of this ledger ({how})"),))


def _byte_code() -> list[str]:
    """-I keeps the environment away from the child; to compile Beancount each time would take longer than most ledgers."""
    where = [] if sys.pycache_prefix is None else ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [*where, "-B"] if sys.dont_write_bytecode else where


class _Gathered:
    """The lines of the child, sorted by what they tell."""

    def __init__(self, main: str, each: Callable[[Sequence[str], Sequence[Entry]], None] | None) -> None:
        self.main, self.each = main, each
        self.options: list[Any] = []
        self.opens: list[Opening] = []
        self.entries: list[Entry] = []
        self.prices: list[PriceDirective] = []
        self.inventory: list[InventoryChange] = []
        self.customs: list[Custom] = []
        self.errors: list[Finding] = []
        self.unsafe: list[Finding] = []

    def take(self, told: list[Any]) -> None:
        match told:
            case ["entries", entries]:
                booked = list(map(_entry, entries))
                self.entries.extend(booked)
                if self.each is not None:
                    self.each(self.options[1], booked)
            case ["inventory", day, rows]:
                read = [(account, names.symbol(commodity), *more) for account, commodity, *more in rows]
                self.inventory.append(InventoryChange(date.fromisoformat(day), read))
            case ["price", day, commodity, number, currency]:
                self.prices.append(
                    PriceDirective(date.fromisoformat(day), names.symbol(commodity), Decimal(number), currency)
                )
            case ["custom", day, sort, values, file, line]:
                self.customs.append(Custom(date.fromisoformat(day), sort, tuple(values), file or self.main, line))
            case ["open", account, day, currencies, booking]:
                self.opens.append(
                    Opening(account, date.fromisoformat(day), tuple(map(names.symbol, currencies)), booking)
                )
            case ["error", file, line, text]:
                self.errors.append(Finding(file or self.main, line, text))
            case ["unsafe", file, line, text]:
                self.unsafe.append(Finding(file, line, text))
            case ["options", *options]:
                self.options = options
            case _:
                raise AssertionError(f"the child told an unknown line: {told[0]}")

    def reading(self) -> LedgerReading:
        title, currencies, booking = self.options
        return LedgerReading(
            title=title,
            operating_currencies=tuple(currencies),
            booking=booking,
            opens=tuple(self.opens),
            entries=tuple(self.entries),
            prices=tuple(self.prices),
            inventory=tuple(self.inventory),
            customs=tuple(self.customs),
        )


def _entry(told: list[Any]) -> Entry:
    day, flag, payee, narration, meta, file, line, postings = told
    return Entry(date.fromisoformat(day), flag, payee, narration, meta, file, line, tuple(map(_posting, postings)))


def _posting(told: list[Any]) -> Posting:
    account, units, commodity, cost, price = told
    return Posting(
        account,
        Decimal(units),
        names.symbol(commodity),
        Cost(Decimal(cost[0]), cost[1], date.fromisoformat(cost[2]), cost[3]) if cost else None,
        Price(Decimal(price[0]), price[1]) if price else None,
    )
