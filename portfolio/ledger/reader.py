"""A ledger folder as values: screened, then loaded by Beancount in a child process."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from os import environ, write
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from config.errors import TieoutError

from . import names
from .screening import Finding, LedgerRefused, LedgerUnsafe, screen

CHILD: Final = Path(__file__).with_name("child.py")
MEMORY_BYTES: Final = 2 * 1024**3
TIMEOUT_S, TIMEOUT_S_PER_MIB, MOST_TIMEOUT_S = 60.0, 40.0, 840.0
"""A MiB holds some 10,000 transactions and takes 5 s where nothing else runs. The most is less than the database lets a session
wait in a transaction (config/settings/database.py): a writer holds the lock of its portfolio while it reads."""
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
    """A `custom` directive: its type, and its values as text (truth values as TRUE and FALSE)."""

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
    """What changed on a day, at its end. Each row is text: account, commodity, units, [currency, cost] of the open lots."""

    date: date
    rows: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]]

    @property
    def holdings(self) -> tuple[Holding, ...]:
        return tuple(
            Holding(account, commodity, Decimal(units), tuple((currency, Decimal(cost)) for currency, cost in costs))
            for account, commodity, units, costs in self.rows
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


class LoadingProcess:
    """Beancount in a process of its own, which loads one folder after another; ends with the `with` block.

    A folder that ends the process ends it for itself alone: the next one gets a new process. Limits are those of a folder, but
    for memory, of which what was loaded before may hold some.
    """

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self.memory_bytes = memory_bytes
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def load(self, folder: str, main: str, *, timeout_s: float, take: Callable[[list[Any]], None]) -> None:
        """Let child.py load the folder, and hand each of its lines to `take`.

        raises  LedgerTimedOut, LedgerTooBig, LedgerCrashed unless it came to its end in time; LedgerCheckerMissing
        """
        process, late = self.process or self._start(), threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        watchdog = threading.Timer(timeout_s, stop)
        watchdog.daemon = True
        watchdog.start()
        try:
            code = _exchange(process, [folder, main, int(timeout_s) + 1], take)
        except BaseException:
            self.end()
            raise
        finally:
            watchdog.cancel()
        if code is None:
            return
        self.end()
        if late.is_set() or code == -signal.SIGXCPU:
            raise LedgerTimedOut((Finding(main, 0, f"reading took longer than {timeout_s:g} s"),))
        if code == _NO_BEANCOUNT:
            raise LedgerCheckerMissing("the beancount package is missing or broken")
        if code == _OUT_OF_MEMORY:
            raise LedgerTooBig((Finding(main, 0, f"reading needed more than {self.memory_bytes} bytes of memory"),))
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise LedgerCrashed((Finding(main, 0, f"the parser died of this ledger ({how})"),))

    def end(self) -> None:
        """Kill the process: all that was asked of it is here, and to clear up would take it time."""
        process, self.process = self.process, None
        if process is not None:
            with process:
                process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        # LD_LIBRARY_PATH is where some builds of Python find their own library.
        env = {"LANG": "C.UTF-8", "TZ": "UTC"} | {k: v for k, v in environ.items() if k == "LD_LIBRARY_PATH"}
        command = [sys.executable, "-I", *_byte_code(), str(CHILD), str(self.memory_bytes)]
        self.process = subprocess.Popen(  # noqa: S603  # our own file, no shell
            command, cwd="/", env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return self.process


def read(
    files: Mapping[str, bytes],
    *,
    main: str = "main.beancount",
    timeout_s: float | None = None,
    child: LoadingProcess | None = None,
) -> LedgerReading:
    """The whole ledger of a folder, nothing partial.

    files      path within the folder -> content
    timeout_s  None is TIMEOUT_S and TIMEOUT_S_PER_MIB for each MiB of the folder, at most MOST_TIMEOUT_S
    child      loads the folder; without it a process of its own is started, which takes 0.2 s
    raises     LedgerRefused by one of its kinds, with file and line; LedgerCheckerMissing
    """
    if main not in files:
        raise LedgerUnsafe((Finding(main, 0, "the folder has no such file"),))
    if unsafe := screen(files):
        raise LedgerUnsafe(tuple(unsafe))
    if timeout_s is None:
        timeout_s = min(TIMEOUT_S + TIMEOUT_S_PER_MIB * sum(map(len, files.values())) / 1024**2, MOST_TIMEOUT_S)
    with (
        tempfile.TemporaryDirectory(prefix="ledger-") as folder,
        nullcontext(child) if child else LoadingProcess() as loading,
    ):
        for name, content in files.items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        lines = _load(loading, folder, main, timeout_s)
    if lines.unsafe:
        raise LedgerUnsafe(tuple(lines.unsafe))
    if lines.errors:
        raise LedgerIncorrect(tuple(lines.errors))
    return lines.as_reading()


def _load(child: LoadingProcess, folder: str, main: str, timeout_s: float) -> "_Lines":
    """What a child says of a folder. Where it ends of what it loaded before, a new one is asked: it says what a first one would."""
    was_used, lines = child.process is not None, _Lines(main)
    try:
        child.load(folder, main, timeout_s=timeout_s, take=lines.take)
    except (LedgerTooBig, LedgerCrashed):
        if not was_used:
            raise
        return _load(child, folder, main, timeout_s)
    return lines


def _exchange(process: subprocess.Popen[bytes], request: list[Any], take: Callable[[list[Any]], None]) -> int | None:
    """Hand on the lines of one folder. None when they are complete; the exit code where the process ended before."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # it has ended, and the exit code says how
        write(process.stdin.fileno(), json.dumps(request).encode() + b"\n")
    for line in process.stdout:
        if not line.endswith(b"\n"):
            break  # cut off by the end of the child
        values = json.loads(line)
        if values[0] == "end":
            return None
        take(values)
    return process.wait()


def _byte_code() -> list[str]:
    """-I keeps the environment away from the child; to compile Beancount each time would take longer than most ledgers."""
    where = [] if sys.pycache_prefix is None else ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [*where, "-B"] if sys.dont_write_bytecode else where


class _Lines:
    """Collects the lines of the child by their kind."""

    def __init__(self, main: str) -> None:
        self.main = main
        self.options: list[Any] = []
        self.opens: list[Opening] = []
        self.entries: list[Entry] = []
        self.prices: list[PriceDirective] = []
        self.inventory: list[InventoryChange] = []
        self.customs: list[Custom] = []
        self.errors: list[Finding] = []
        self.unsafe: list[Finding] = []

    def take(self, line: list[Any]) -> None:
        match line:
            case ["entry", *values]:
                self.entries.append(_read_entry(values))
            case ["inventory", day, rows]:
                changed = [(account, names.symbol(commodity), *more) for account, commodity, *more in rows]
                self.inventory.append(InventoryChange(date.fromisoformat(day), changed))
            case ["price", day, commodity, number, currency]:
                self.prices.append(
                    PriceDirective(date.fromisoformat(day), names.symbol(commodity), Decimal(number), currency)
                )
            case ["custom", day, kind, values, file, number]:
                self.customs.append(Custom(date.fromisoformat(day), kind, tuple(values), file or self.main, number))
            case ["open", account, day, currencies, booking]:
                self.opens.append(
                    Opening(account, date.fromisoformat(day), tuple(map(names.symbol, currencies)), booking)
                )
            case ["error", file, number, text]:
                self.errors.append(Finding(file or self.main, number, text))
            case ["unsafe", file, number, text]:
                self.unsafe.append(Finding(file, number, text))
            case ["options", *options]:
                self.options = options
            case _:
                raise AssertionError(f"the child wrote an unknown line: {line[0]}")

    def as_reading(self) -> LedgerReading:
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


def _read_entry(values: list[Any]) -> Entry:
    day, flag, payee, narration, meta, file, line, postings = values
    return Entry(date.fromisoformat(day), flag, payee, narration, meta, file, line, tuple(map(_read_posting, postings)))


def _read_posting(values: list[Any]) -> Posting:
    account, units, commodity, cost, price = values
    return Posting(
        account,
        Decimal(units),
        names.symbol(commodity),
        Cost(Decimal(cost[0]), cost[1], date.fromisoformat(cost[2]), cost[3]) if cost else None,
        Price(Decimal(price[0]), price[1]) if price else None,
    )
