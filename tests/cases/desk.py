"""What a person does with one portfolio at the doors of the service, and what they see beside what is right.

A case is a function that takes a `Desk`. It enters files through the commands, asks for figures through the commands, and tells
the desk of each thing looked at: what is right, and what was seen. Nothing stops at the first difference.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

FILES = Path(__file__).parent / "files"
OWNER = "bugs"
ABSENT = "(not there)"


@dataclass(frozen=True)
class Answer:
    """How a command ended: its exit code, and all that it said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"{self.out}\n{self.err}".strip()


def command(*words: str | Path) -> Answer:
    """Run `manage.py …` as a terminal would; its exit code instead of an exception. What nobody foresees is raised."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(str(words[0]), *map(str, words[1:]), stdout=out, stderr=err)
    except CommandError as failed:
        return Answer(failed.returncode, out.getvalue(), f"{err.getvalue()}{failed}")
    return Answer(0, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Row:
    """One thing that was looked at."""

    case: str
    what: str
    right: str
    seen: str
    ok: bool

    def __str__(self) -> str:
        return f"{self.case}: {self.what}: right is {self.right}, seen {self.seen}"


class NotAnswered(Exception):
    """A figure was asked for and none came; the words of the service."""


@dataclass
class Desk:
    """One portfolio of one person at the doors. slug is also its ledger's folder."""

    case: str
    slug: str
    base: str
    folder: Path
    """For the files that the case itself writes."""
    rows: list[Row] = field(default_factory=list)

    # --- doing

    def take(self, file: str, *flags: str, name: str = "", slug: str = "", base: str = "") -> Answer:
        """`import_transactions`: a file of tests/cases/files by its name, or the text of one."""
        return command(
            *("import_transactions", "--portfolio", slug or self.slug, "--owner", OWNER),
            *("--base", base or self.base),
            *flags,
            self._path(file, name),
        )

    def preview(self, file: str, *flags: str, name: str = "") -> Answer:
        return self.take(file, "--dry-run", *flags, name=name)

    def ledger(self, file: str, *flags: str, slug: str = "") -> Answer:
        """`import_ledger`: a Beancount file of tests/cases/files by its name, or the text of one."""
        path = self._path(file, f"{slug or self.slug}.beancount")
        return command("import_ledger", path, "--portfolio", slug or self.slug, "--owner", OWNER, *flags)

    def execute(self, pattern: str, *words: str, asof: str = "", slug: str = "") -> Mapping[str, Any]:
        """`execute … --json`, the whole answer. Raises NotAnswered with the service's words."""
        dated = ("--asof", asof) if asof else ()
        answer = command("execute", pattern, "--portfolio", slug or self.slug, "--json", *dated, *words)
        if answer.code:
            raise NotAnswered(answer.text)
        served: Mapping[str, Any] = json.loads(answer.out)
        return served

    def overview(self, asof: str = "", slug: str = "") -> "Figures":
        return Figures(self.execute("portfolio_overview", asof=asof, slug=slug)["result"])

    def refusal(self, pattern: str = "portfolio_overview", *words: str, asof: str = "") -> str:
        """What is said where there is no answer; nothing where there is one."""
        try:
            self.execute(pattern, *words, asof=asof)
        except NotAnswered as told:
            return str(told)
        return ""

    # --- looking

    def same(self, what: str, right: str | int | None, seen: object) -> None:
        """To the letter: money, quantities, dates, statuses."""
        self._row(what, str(right), _plain(seen), str(right) == _plain(seen))

    def percent(self, what: str, right: str, seen: object) -> None:
        """A ratio, or a metric, that is right to the digits of `right`, which is in percent."""
        if isinstance(seen, Mapping):
            seen = seen["value"] if seen.get("value") is not None else f"{seen.get('status')}({seen.get('reason')})"
        self.number(what, right, seen if isinstance(seen, str) else Decimal(repr(seen)) * 100, unit=" %")

    def number(self, what: str, right: str, seen: object, unit: str = "") -> None:
        """A number that is right to the digits of `right`."""
        try:
            near = Decimal(str(seen)).quantize(Decimal(right), rounding=ROUND_HALF_EVEN)
            ok = abs(near - Decimal(right)) == 0
        except InvalidOperation:
            ok = False
        self._row(what, f"{right}{unit}", f"{_plain(seen)}{unit if ok else ''}", ok)

    def says(self, what: str, words: str, text: str) -> None:
        """Each of the words, and each part of `a|b` by one of them, is in what was said."""
        lowered = text.lower()
        ok = all(any(each in lowered for each in word.lower().replace("_", " ").split("|")) for word in words.split())
        self._row(what, f"says {words}", _plain(text) or "nothing", ok)

    def says_not(self, what: str, words: str, text: str) -> None:
        self._row(what, f"does not say {words}", _plain(text), words.lower() not in text.lower())

    def taken(self, answer: Answer) -> None:
        """The file went in."""
        self._row("import", "exit 0", f"exit {answer.code}: {_plain(answer.text)}", answer.code == 0)

    def refused(self, answer: Answer, words: str) -> None:
        """The file did not go in, and the service said why in these words."""
        self._row("import", "exit 1", f"exit {answer.code}: {_plain(answer.text)}", answer.code == 1)
        self.says("the reason", words, answer.text)

    def _row(self, what: str, right: str, seen: str, ok: bool) -> None:
        self.rows.append(Row(self.case, what, right, seen, ok))

    def failed(self, failure: Exception) -> None:
        self._row("the case", "is answered", f"{type(failure).__name__}: {_plain(failure)}"[:400], False)

    def _path(self, file: str, name: str) -> Path:
        if "\n" not in file:
            return FILES / file
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / (name or f"{len(list(self.folder.iterdir()))}.csv")
        path.write_text(file)
        return path


def _plain(seen: object) -> str:
    return " ".join(str(seen).split())


class Figures:
    """An overview, by names that a case reads aloud."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.result = result

    def __getitem__(self, path: str) -> Any:
        """What is at `valued_positions.total_value`; ABSENT where an output or a key is not there."""
        found: Any = self.result
        for name in path.split("."):
            if not isinstance(found, Mapping) or name not in found:
                reason = found.get("reason") if isinstance(found, Mapping) else None
                return f"{ABSENT}: {reason}" if reason else ABSENT
            found = found[name]
        return found

    @property
    def value(self) -> Any:
        return self["valued_positions.total_value"]

    def cash(self, currency: str) -> Any:
        return self._of("valued_positions.cash", "currency", currency, "amount")

    def holding(self, symbol: str, what: str = "quantity") -> Any:
        return self._of("valued_positions.positions", "symbol", symbol, what)

    @property
    def symbols(self) -> str:
        found = self["valued_positions.positions"]
        return " ".join(sorted(each["symbol"] for each in found)) if isinstance(found, list) else str(found)

    def gain(self, symbol: str, what: str) -> Any:
        return self._of("gains.by_security", "symbol", symbol, what)

    def realised(self, what: str = "total") -> Any:
        return self[f"gains.since_inception.realised.{what}"]

    def bridge(self, line: str, period: str = "since_inception") -> Any:
        return self[f"bridges.{period}.{line}"]

    def metric(self, name: str) -> Any:
        return self[f"metrics.{name}"]

    def status(self, name: str) -> str:
        """`ok`, or `unavailable(short_history)`."""
        metric = self.metric(name)
        if not isinstance(metric, Mapping):
            return str(metric)
        return f"{metric['status']}({metric['reason']})" if metric["reason"] else str(metric["status"])

    def year(self, year: int) -> Any:
        found = self["calendar_years.years"]
        years = found if isinstance(found, list) else []
        return next((each["twr"] for each in years if each["year"] == year), ABSENT)

    def _of(self, path: str, key: str, value: str, what: str) -> Any:
        rows = self[path]
        if not isinstance(rows, list):
            return rows
        return next((each[what] for each in rows if each[key] == value), ABSENT)


@dataclass(frozen=True)
class Case:
    """A case by its number, what it is of, and how it is gone through."""

    number: str
    kind: str
    base: str
    world: str
    steps: Callable[[Desk], None]

    def go(self, folder: Path) -> list[Row]:
        """All rows of it; an exception is one, too."""
        desk = Desk(self.number, f"c-{self.number.lower().replace('.', '-')}", self.base, folder / self.number)
        try:
            self.steps(desk)
        except Exception as failure:  # whatever it is, the other cases go on
            desk.failed(failure)
        return desk.rows


CASES: dict[str, Case] = {}


def case(number: str, kind: str, *, base: str = "USD", world: str = "main") -> Callable[[Callable[[Desk], None]], None]:
    """Keep a function as a case under its number. world: the market and the nights that it needs, by `worlds.WORLDS`."""

    def keep(steps: Callable[[Desk], None]) -> None:
        assert number not in CASES, number
        CASES[number] = Case(number, kind, base, world, steps)

    return keep
