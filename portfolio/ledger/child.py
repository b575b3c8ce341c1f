"""Loads ledger folders with Beancount, one after another, in a process of its own, and writes each to stdout as JSON lines.

The only module that imports beancount (GPL-2.0-only; its parser can take its process down). Never imported: run as
`python -I child.py <memory bytes>`. Each line of stdin asks for a folder, which holds the ledger's files and no others:
    [folder, main file, cpu seconds]

The ledger is what `beancount.loader.load_file` gives: nothing is written before all of its checks are done. Each line is a
JSON array, its first item the kind of line; numbers are strings, dates ISO:
    ["options", title, [operating currency...], booking method]
    ["open", account, date, [currency...], booking method | null]
    ["entry", date, flag, payee, narration, {key: text}, file, line,
        [[account, units, commodity, [number, currency, date, label] | null, [number, currency] | null]...]]
    ["price", date, commodity, number, currency]
    ["custom", date, type, [text...], file, line]
    ["inventory", date, [[account, commodity, units, [[currency, cost]...]]...]]   what changed on a day, at its end
    ["error", file, line, message]   Beancount's; then there are no lines but errors
    ["unsafe", file, line, message]  ours, before anything was loaded; then there is no other line
    ["end", lines of this folder before this one]
"""

import os
import sys

os.environ["BEANCOUNT_DISABLE_LOAD_CACHE"] = "1"  # read at import; the cache is a pickle beside the ledger

import datetime
import decimal
import json
import math
import re
import resource
from collections.abc import Iterator
from functools import cache
from typing import Any

OUT_OF_MEMORY = 3
NO_BEANCOUNT = 4

try:
    from beancount import loader
    from beancount.core import data
    from beancount.parser import parser
except ImportError:
    sys.exit(NO_BEANCOUNT)

LEDGER_SUFFIXES = (".beancount", ".bean")
ACTING_WORDS = (b"plugin", b"pythonpath", b"include", b"document", b"\\")
"""What a loader acts on stands behind one of these words, a keyword or the name of an option. A backslash may hide a name:
Beancount reads "doc\\uments" as "documents"."""
MAX_ERRORS = 100
Line = list[Any]


class UnsafeError(Exception):
    """The files would make Beancount load code or look outside the folder. Arguments: file, line, reason."""


def limit_resources(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.dont_write_bytecode = True  # of what is imported from here on; no file can be written any more


def limit_cpu(seconds: int) -> None:
    """Let the process have so many seconds from now on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(usage.ru_utime + usage.ru_stime) + seconds, most))


@cache
def relative_path(filename: str | None) -> str:
    """The path within the folder, which is the working directory; empty for what is no file of it."""
    if not filename:
        return ""
    path = os.path.relpath(os.path.normpath(filename))
    return "" if path.startswith("..") or "<" in path else path


def is_in_folder(path: str) -> bool:
    """Whether a path leads into the folder; by its real path, so that a link does not lead out."""
    return os.path.realpath(path).startswith(os.getcwd() + os.sep)


def may_act(filename: str) -> bool:
    """Whether the text of a file holds any of ACTING_WORDS."""
    with open(filename, "rb") as file:
        text = file.read()
    return any(word in text for word in ACTING_WORDS)


def require_safe(main: str) -> None:
    """Parse the files, without loading them, for what the loader would act on.

    The screening before this process reads the text by itself; what it may miss is refused here from the options and
    directives that Beancount's own parser finds. A file without any of ACTING_WORDS is not parsed here: the parser finds
    nothing of the kind in it, and to parse a large ledger takes a fifth of the time to load it. Raises UnsafeError.
    """
    waiting, parsed = [os.path.join(os.getcwd(), main)], set[str]()
    while waiting:
        filename = waiting.pop()
        if filename in parsed:
            continue
        parsed.add(filename)
        if not is_in_folder(filename) or not os.path.isfile(filename):
            raise UnsafeError(main, 0, "include leads outside the folder or to no file")
        if not filename.endswith(LEDGER_SUFFIXES):  # the loader would hand an encrypted file to gpg
            raise UnsafeError(main, 0, f"include of a file that does not end in {' or '.join(LEDGER_SUFFIXES)}")
        if not may_act(filename):
            continue
        entries, _, options = parser.parse_file(filename)
        if options["plugin"] or options["insert_pythonpath"]:
            raise UnsafeError(relative_path(filename), 0, "plugin is not accepted: it would run code")
        if options["documents"] or options["plugin_processing_mode"] != "default":
            raise UnsafeError(relative_path(filename), 0, "option documents or plugin_processing_mode is not accepted")
        for entry in entries:
            if isinstance(entry, data.Document) and not is_in_folder(entry.filename):
                raise UnsafeError(relative_path(filename), entry.meta["lineno"], "document leads outside the folder")
        for included in options["include"]:
            if any(sign in included for sign in "*?["):
                raise UnsafeError(relative_path(filename), 0, "include with a pattern is not accepted")
            waiting.append(os.path.normpath(os.path.join(os.path.dirname(filename), included)))


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "" if value is None else str(value)


def describe_posting(posting: Any) -> Line:
    units, cost, price = posting.units, posting.cost, posting.price
    return [
        posting.account,
        str(units.number),
        units.currency,
        cost and [str(cost.number), cost.currency, cost.date.isoformat(), cost.label],
        None if price is None else [str(price.number), price.currency],  # a price of 0 is false
    ]


def describe_transaction(entry: Any) -> Line:
    meta = entry.meta
    texts = {k: as_text(v) for k, v in meta.items() if k not in ("filename", "lineno") and not k.startswith("__")}
    postings = [describe_posting(posting) for posting in entry.postings]
    head = [entry.date.isoformat(), entry.flag, entry.payee or "", entry.narration or ""]
    return ["entry", *head, texts, relative_path(meta["filename"]), meta["lineno"], postings]


def describe_entry(entry: Any) -> Line | None:
    """None for a directive that Beancount checks and nobody else needs."""
    match entry:
        case data.Transaction():
            return describe_transaction(entry)
        case data.Open():
            method = entry.booking and entry.booking.name
            return ["open", entry.account, entry.date.isoformat(), entry.currencies or [], method]
        case data.Price():
            return ["price", entry.date.isoformat(), entry.currency, str(entry.amount.number), entry.amount.currency]
        case data.Custom():
            values = [as_text(each.value) for each in entry.values]
            place = [relative_path(entry.meta["filename"]), entry.meta["lineno"]]
            return ["custom", entry.date.isoformat(), entry.type, values, *place]
    return None


def describe_inventory(entries: list[Any]) -> Iterator[Line]:
    """The booked postings of asset and liability accounts summed exactly by account and commodity: units, and the cost of the
    open lots by currency. One line for each day, with what changed on it."""
    units: dict[tuple[str, str], decimal.Decimal] = {}
    costs: dict[tuple[str, str], dict[str, decimal.Decimal]] = {}
    changed: set[tuple[str, str]] = set()
    day: datetime.date | None = None

    def describe_day() -> Line:
        assert day is not None
        rows = []
        for key in sorted(changed):
            cost = [[currency, str(number)] for currency, number in costs.get(key, {}).items()]
            rows.append([*key, str(units[key]), cost])
        return ["inventory", day.isoformat(), rows]

    for entry in entries:
        if not isinstance(entry, data.Transaction):
            continue
        if entry.date != day and changed:
            yield describe_day()
            changed.clear()
        day = entry.date
        posting: Any  # booked: it has its units, and its cost is no longer a specification
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
        yield describe_day()


POSTING = re.compile(r"\"?Posting\(account='([^']*)', units=(\S+) ([^,]+), cost=.*?, meta=\{[^}]*\}\)\"?")
COST_CURRENCY = re.compile(r"currency='([^']+)'")
IN_ANOTHER_CURRENCY = (
    "; a sale in another currency than its lots cost names theirs and no price: `-1 ABC {EUR}`, the cash in its own currency,"
    " and Income:Realised without an amount"
)


def explain(message: str) -> str:
    """A message of Beancount without the insides of its objects, and with what to write instead where that is known."""
    if message.startswith("Cost and price currencies must match"):
        return message + IN_ANOTHER_CURRENCY
    match = POSTING.search(message)
    if match is None:
        return message
    account, units, commodity = match.groups()
    cost_match = COST_CURRENCY.search(match[0])
    message = message.replace(match[0], f"{units} {commodity} of {account}", 1)
    lots = message.partition(" against balance ")[2]
    if cost_match is None or not lots or f" {cost_match[1]}" in lots:
        return message
    return f"no lot of {commodity} in {account} cost {cost_match[1]}, there is {lots[:120]}{IN_ANOTHER_CURRENCY}"


def describe_error(error: Any) -> Line:
    source = error.source or {}
    message = explain(" ".join(str(error.message).replace(os.getcwd() + os.sep, "").split()))
    return ["error", relative_path(source.get("filename")), source.get("lineno") or 0, message[:400]]


def describe_ledger(main: str) -> Iterator[Line]:
    try:
        require_safe(main)
    except UnsafeError as unsafe:
        yield ["unsafe", *unsafe.args]
        return
    entries, errors, options = loader.load_file(os.path.join(os.getcwd(), main))
    if errors:
        yield from map(describe_error, errors[:MAX_ERRORS])
        return
    yield ["options", options["title"], options["operating_currency"], getattr(options["booking_method"], "name", None)]
    yield from filter(None, map(describe_entry, entries))
    with decimal.localcontext() as exact:  # booking is done: what follows are sums
        exact.prec = 60
        yield from describe_inventory(entries)


def write_ledger(main: str) -> None:
    encode = json.JSONEncoder(separators=(",", ":")).encode
    count = 0
    for line in describe_ledger(main):
        count += 1
        sys.stdout.write(encode(line) + "\n")
    sys.stdout.write(encode(["end", count]) + "\n")
    sys.stdout.flush()


def run(memory_bytes: int) -> int:
    limit_resources(memory_bytes)
    try:
        for request in sys.stdin:
            folder, main, cpu_seconds = json.loads(request)
            os.chdir(folder)
            relative_path.cache_clear()
            limit_cpu(cpu_seconds)
            write_ledger(main)
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1])))
