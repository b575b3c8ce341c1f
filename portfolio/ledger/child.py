"""Reads one ledger folder with Beancount, in a process of its own, and tells it as JSON lines.

The only module that imports beancount (GPL-2.0-only; its parser can take its process down). Never imported: run as
`python -I child.py <memory bytes> <cpu seconds> <main file>` in a folder that holds the ledger's files and no others.

Each line is a JSON array, its first item the sort; numbers are strings, dates ISO:
    ["options", title, [operating currency...], booking method]
    ["open", account, date, [currency...], booking method | null]
    ["entries", [[date, flag, payee, narration, {key: text}, file, line,
        [[account, units, commodity, [number, currency, date, label] | null, [number, currency] | null]...]]...]]
    ["price", date, commodity, number, currency]
    ["custom", date, type, [text...], file, line]
    ["inventory", date, [[account, commodity, units, [[currency, cost]...]]...]]   what changed on a day, at its end
    ["error", file, line, message]   Beancount's own; nothing counts that was told before it
    ["unsafe", file, line, message]  ours; no other line stands beside it
    ["end", lines before this one]
Entries are told as soon as they are booked and balance, so that they can be read while the checks that follow still run.
"""

import os
import sys

os.environ["BEANCOUNT_DISABLE_LOAD_CACHE"] = "1"  # read at import; the cache is a pickle beside the ledger

import collections
import datetime
import decimal
import gc
import json
import re
import resource
import types
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

OUT_OF_MEMORY = 3
NO_BEANCOUNT = 4

gc.disable()  # a ledger is a million small objects without cycles: looking for some takes a third of the time
# Through the first the package would import all there is, the loader too; the second compares the parser with its sources,
# which are not installed, and needs OpenSSL for it: together a quarter of what a start takes.
sys.modules["beancount.api"] = types.ModuleType("beancount.api")
sys.modules["beancount.parser.hashsrc"] = hashsrc = types.ModuleType("beancount.parser.hashsrc")
hashsrc.check_parser_source_files = lambda parser: None  # type: ignore[attr-defined]
try:
    from beancount.core import data, inventory
    from beancount.ops import balance, documents, pad, validation
    from beancount.parser import booking, booking_full, grammar, parser
except ImportError:
    sys.exit(NO_BEANCOUNT)

ROOT = os.path.realpath(os.getcwd())
MAX_ERRORS = 100
AT_ONCE = 100  # entries booked and told together: they fit into a pipe
ZERO = decimal.Decimal()
Emit = Callable[[list[Any]], None]


class UnsafeError(Exception):
    """Parsed, but it would make Beancount load code or look outside the folder. Arguments: file, line, reason."""


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.dont_write_bytecode = True  # of what is imported from here on; no file can be written any more


@cache
def relative(filename: str | None) -> str:
    if not filename:
        return ""
    path = os.path.relpath(os.path.normpath(filename), ROOT)
    return "" if path.startswith("..") or "<" in path else path


def within(path: str) -> bool:
    """Real path, so that a link does not lead out either."""
    return os.path.realpath(path).startswith(ROOT + os.sep)


def parse(main: str) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """As beancount.loader does it, without plug-ins, and with includes within the folder only."""
    entries, errors, every_options = [], [], []
    waiting, seen = [os.path.join(ROOT, main)], set()  # type: tuple[list[str], set[str]]
    while waiting:
        filename = waiting.pop(0)
        if filename in seen:
            continue
        seen.add(filename)
        if not within(filename) or not os.path.isfile(filename):
            raise UnsafeError(main, 0, "include leads outside the folder or to no file")
        new, faults, options = parser.parse_file(filename)
        if options["plugin"] or options["insert_pythonpath"]:
            raise UnsafeError(relative(filename), 0, "plugin is not accepted: it would run code")
        if options["documents"] or options["plugin_processing_mode"] != "default":
            raise UnsafeError(relative(filename), 0, "option documents or plugin_processing_mode is not accepted")
        for included in options["include"]:
            waiting.append(os.path.normpath(os.path.join(os.path.dirname(filename), included)))
        entries.extend(new)
        errors.extend(faults)
        every_options.append(options)
    for entry in entries:
        if isinstance(entry, data.Document) and not within(entry.filename):
            raise UnsafeError(
                relative(entry.meta["filename"]), entry.meta["lineno"], "document leads outside the folder"
            )
    options = dict(every_options[0])
    for other in every_options[1:]:
        options["operating_currency"] = [*options["operating_currency"], *other["operating_currency"]]
    options["operating_currency"] = list(dict.fromkeys(options["operating_currency"]))
    options["include"] = sorted(seen)
    entries.sort(key=data.entry_sortkey)
    return entries, errors, options


def book(entries: list[Any], options: dict[str, Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    """As booking.book does it, by parts: the booked entries of each, and its errors."""
    methods: Any = collections.defaultdict(lambda: options["booking_method"])
    methods.update(
        (entry.account, entry.booking) for entry in entries if isinstance(entry, data.Open) and entry.booking
    )
    held: Any = collections.defaultdict(inventory.Inventory)
    for first in range(0, len(entries), AT_ONCE):
        booked, faults = booking_full.book(entries[first : first + AT_ONCE], options, methods, held)  # type: ignore[no-untyped-call]
        missing = booking.validate_missing_eliminated(booked, options)  # type: ignore[no-untyped-call]
        yield booked, faults + missing


def balanced(entries: list[Any], options: dict[str, Any]) -> bool:
    """Whether Beancount would find all of them to balance; it takes its time, so it sees only those that leave a residue."""
    doubtful = [entry for entry in entries if not balances_exactly(entry)]
    return not validation.validate_check_transaction_balances(doubtful, options)  # type: ignore[no-untyped-call]


def check(entries: list[Any], errors: list[Any], options: dict[str, Any], *, all_balance: bool) -> list[Any]:
    """What beancount.loader does with booked entries: they come back with what it pads in, `errors` grows.

    all_balance  that is known of them already
    """
    sorts = {type(entry) for entry in entries}
    for step, needed in (
        (documents.verify_document_files_exist, data.Document),
        (pad.pad, data.Pad),
        (balance.check, data.Balance),
    ):
        if needed in sorts:  # without one they walk through all entries to no end
            entries, faults = step(entries, options)  # type: ignore[no-untyped-call]
            errors.extend(faults)
            entries.sort(key=data.entry_sortkey)
    for validate in validation.VALIDATIONS:
        if not (all_balance and validate is validation.validate_check_transaction_balances):
            errors.extend(validate(entries, options))  # type: ignore[no-untyped-call]
    return entries


def balances_exactly(entry: Any) -> bool:
    """No transaction, or one whose weights, summed as Beancount does, are zero: no tolerance could find fault with it."""
    if not isinstance(entry, data.Transaction):
        return True
    left: dict[str, decimal.Decimal] = {}
    posting: Any
    for posting in entry.postings:
        number, currency = posting.units
        rate = posting.price if posting.cost is None else posting.cost
        if rate is not None:
            number, currency = rate.number * number, rate.currency
        left[currency] = left.get(currency, ZERO) + number
    return not any(left.values())


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "" if value is None else str(value)


def tell_posting(posting: Any) -> list[Any]:
    units, cost, price = posting.units, posting.cost, posting.price
    return [
        posting.account,
        str(units.number),
        units.currency,
        cost and [str(cost.number), cost.currency, cost.date.isoformat(), cost.label],
        None if price is None else [str(price.number), price.currency],  # a price of 0 is false
    ]


def tell_entry(entry: Any) -> list[Any]:
    meta = entry.meta
    told = {k: text_of(v) for k, v in meta.items() if k not in ("filename", "lineno") and not k.startswith("__")}
    where = [relative(meta["filename"]), meta["lineno"]]
    postings = [tell_posting(posting) for posting in entry.postings]
    date = entry.date.isoformat()
    return [date, entry.flag, entry.payee or "", entry.narration or "", told, *where, postings]


def tell_inventory(transactions: list[Any]) -> Iterator[list[Any]]:
    """The booked postings summed by account and commodity: units, and what the open lots cost."""
    units: dict[tuple[str, str], decimal.Decimal] = {}
    costs: dict[tuple[str, str], dict[str, decimal.Decimal]] = {}
    changed: set[tuple[str, str]] = set()
    day: datetime.date | None = None

    def told() -> list[Any]:
        assert day is not None
        rows = []
        for key in sorted(changed):
            cost = [[currency, str(number)] for currency, number in costs.get(key, {}).items()]
            rows.append([*key, str(units[key]), cost])
        return ["inventory", day.isoformat(), rows]

    for entry in transactions:
        if entry.date != day and changed:
            yield told()
            changed.clear()
        day = entry.date
        for posting in entry.postings:
            if not posting.account.startswith(("Assets:", "Liabilities:")):
                continue
            number, commodity = posting.units
            key = (posting.account, commodity)
            units[key] = units.get(key, decimal.Decimal()) + number
            if posting.cost is not None:
                cost = costs.setdefault(key, {})
                currency = posting.cost.currency
                cost[currency] = cost.get(currency, decimal.Decimal()) + number * posting.cost.number
            changed.add(key)
    if changed:
        yield told()


POSTING = re.compile(r"\"?Posting\(account='([^']*)', units=(\S+) ([^,]+), cost=.*?, meta=\{[^}]*\}\)\"?")
COST_CURRENCY = re.compile(r"currency='([^']+)'")
IN_ANOTHER_CURRENCY = (
    "; a sale in another currency than its lots cost names theirs and no price: `-1 ABC {EUR}`, the cash in its own currency,"
    " and Income:Realised without an amount"
)


def readable(message: str) -> str:
    """Beancount's words without the insides of its objects, and with what is to be written instead where that is known."""
    if message.startswith("Cost and price currencies must match"):
        return message + IN_ANOTHER_CURRENCY
    found = POSTING.search(message)
    if found is None:
        return message
    account, units, commodity = found.groups()
    sought = COST_CURRENCY.search(found[0])
    message = message.replace(found[0], f"{units} {commodity} of {account}", 1)
    held = message.partition(" against balance ")[2]
    if sought is None or not held or f" {sought[1]}" in held:
        return message
    return f"no lot of {commodity} in {account} cost {sought[1]}, there is {held[:120]}{IN_ANOTHER_CURRENCY}"


def tell_error(error: Any) -> list[Any]:
    source = error.source or {}
    message = readable(" ".join(str(error.message).replace(ROOT + os.sep, "").split()))
    return ["error", relative(source.get("filename")), source.get("lineno") or 0, message[:400]]


def tell_booked(entries: list[Any], emit: Emit) -> None:
    if transactions := [tell_entry(entry) for entry in entries if isinstance(entry, data.Transaction)]:
        emit(["entries", transactions])
    for entry in entries:
        if isinstance(entry, data.Open):
            method = entry.booking and entry.booking.name
            emit(["open", entry.account, entry.date.isoformat(), entry.currencies or [], method])
        elif isinstance(entry, data.Price):
            emit(["price", entry.date.isoformat(), entry.currency, str(entry.amount.number), entry.amount.currency])
        elif isinstance(entry, data.Custom):
            values = [text_of(each.value) for each in entry.values]
            where = [relative(entry.meta["filename"]), entry.meta["lineno"]]
            emit(["custom", entry.date.isoformat(), entry.type, values, *where])


def tell(main: str, emit: Emit) -> None:
    try:
        parsed, errors, options = parse(main)
    except UnsafeError as unsafe:
        emit(["unsafe", *unsafe.args])
        return
    method = getattr(options["booking_method"], "name", None)
    emit(["options", options["title"], options["operating_currency"], method])
    padded = any(isinstance(entry, data.Pad) for entry in parsed)  # entries come between those that are booked
    sound = not errors and not padded
    entries: list[Any] = []
    for booked, faults in book(parsed, options):
        entries.extend(booked)
        errors.extend(faults)
        sound = sound and not faults and balanced(booked, options)  # whoever reads ahead relies on it
        if sound:
            tell_booked(booked, emit)
    entries = check(entries, errors, options, all_balance=sound)
    if errors:
        for error in errors[:MAX_ERRORS]:
            emit(tell_error(error))
        return
    if padded:
        tell_booked(entries, emit)
    decimal.getcontext().prec = 60  # booking is done: what follows are sums, and they are to be exact
    for line in tell_inventory([entry for entry in entries if isinstance(entry, data.Transaction)]):
        emit(line)


def run(memory_bytes: int, cpu_seconds: int, main: str) -> int:
    limit(memory_bytes, cpu_seconds)
    grammar.Builder._dcupdate = lambda *_: None  # type: ignore[method-assign]  # how to show numbers: none is shown
    encode = json.JSONEncoder(separators=(",", ":")).encode
    told = 0

    def emit(line: list[Any]) -> None:
        nonlocal told
        told += 1
        sys.stdout.write(encode(line) + "\n")

    try:
        tell(main, emit)
    except MemoryError:
        return OUT_OF_MEMORY
    emit(["end", told])
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
