"""The lots of generated ledgers as Beancount itself books them, in a process of its own; charges are no part of a cost there.

A ledger is written for it anew: what was before a split in the units after it, so that no entry of ours stands between.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

from .generator import exact
from .markets import DIGITS, Market
from .operations import ALL, Ledger, Operation
from .reference import Books

D = Decimal
Key = tuple[str, str]
IN = ("buy", "reinvested_dividend", "transfer_in")
OUT = ("sell", "cash_in_lieu", "transfer_out")
READ = """
import json, sys
from collections import defaultdict
from beancount import loader
answers = []
for text in json.load(sys.stdin):
    entries, errors, options = loader.load_string(text)
    if errors:
        raise SystemExit(str(errors[0]) + text)
    found = defaultdict(lambda: [0, 0])
    for entry in entries:
        for posting in getattr(entry, "postings", ()):
            if posting.cost is not None:
                found[posting.account][0] += posting.units.number
                found[posting.account][1] += posting.units.number * posting.cost.number
    answers.append({account: [str(each) for each in both] for account, both in found.items()})
json.dump(answers, sys.stdout)
"""


def plain(ledger: Ledger, market: Market) -> set[Key]:
    """What is only bought, sold, split, and moved in and out, in the currency that it trades in."""
    keys, odd, days = set(), set(), Counter[tuple[Key, date]]()
    for each in ledger.operations:
        key = (each.account, each.symbol)
        if each.kind in IN:
            keys.add(key)
            days[key, each.acquired or each.date] += 1
        if each.kind in ("spin_off", "merger", "move"):
            odd |= {key, (each.account, each.to_symbol), (each.to_account, each.symbol)}
        if each.kind == "return_of_capital" or (
            each.kind in (*IN, *OUT) and each.currency != market.securities[each.symbol].currency
        ):
            odd.add(key)
    # Beancount takes the first of the lots of one day, also where the last come first.
    odd |= {key for (key, _), count in days.items() if count > 1}
    return keys - odd


def text(ledger: Ledger, keys: set[Key]) -> str:
    """Its purchases and sales as Beancount writes them."""
    lines = ['option "inferred_tolerance_default" "*:0.01"', "1970-01-01 open Equity:Other"]
    names = {key: _account(key) for key in sorted(keys)}
    lines += [f'1970-01-01 open {name} {key[1]} "{ledger.booking_method}"' for key, name in names.items()]
    held: dict[Key, Decimal] = defaultdict(Decimal)
    for each in ledger.operations:
        key = (each.account, each.symbol)
        if key not in keys or each.kind not in (*IN, *OUT):
            continue
        factor = _splits_after(ledger, each)
        quantity = held[key] if each.quantity == ALL else D(each.quantity or 0) * factor
        if each.kind in IN:
            held[key] += quantity
            cost = each.cost if each.kind == "transfer_in" else each.consideration
            on = each.acquired or each.date
            lot = f"{quantity:f} {each.symbol} {{{{{cost:f} {each.currency}, {on}}}}}"
        else:
            held[key] -= quantity
            lot = f"-{quantity:f} {each.symbol} {{}}"
        lines.append(f'{each.date} * "{each.kind}"\n  {names[key]}  {lot}\n  Equity:Other')
    return "\n".join(lines) + "\n"


def _account(key: Key) -> str:
    return f"Assets:{key[0] or 'Main'}:{key[1]}"


def _splits_after(ledger: Ledger, operation: Operation) -> Decimal:
    """What one unit of then is in units of the end."""
    factor, is_after = D(1), False
    for each in ledger.operations:
        if is_after and each.kind == "split" and (each.account, each.symbol) == (operation.account, operation.symbol):
            factor *= exact(each.ratio)
        is_after = is_after or each is operation
    return factor


def differences(ledgers: Sequence[Ledger], market: Market) -> Iterator[tuple[Ledger, str]]:
    """Where Beancount and the second computation disagree on what is left; pools are left out, which it does not book."""
    booked = [each for each in ledgers if each.booking_method != "AVERAGE"]
    with localcontext(prec=DIGITS):
        keys = [plain(each, market) for each in booked]
        answers = _booked([text(ledger, each) for ledger, each in zip(booked, keys, strict=True)])
        for ledger, each, answer in zip(booked, keys, answers, strict=True):
            for found in _differing(ledger, market, each, answer):
                yield ledger, found


def _differing(ledger: Ledger, market: Market, keys: set[Key], answer: dict[str, list[str]]) -> Iterator[str]:
    books = Books(replace(ledger, fees_in_cost=False), market, market.pack_days[-1])
    for key in sorted(keys):
        quantity, cost = (D(each) for each in answer.get(_account(key), ("0", "0")))
        lots = books.lots.get(key, [])
        own = sum((lot.quantity for lot in lots), D(0)), sum((lot.cost for lot in lots), D(0))
        if abs(quantity - own[0]) > D("1e-12") * max(quantity, D(1)) or abs(cost - own[1]) > D("0.01"):
            yield f"{ledger.booking_method} {key}: Beancount {quantity} {cost}, reference {own[0]} {own[1]}"


def _booked(texts: list[str]) -> list[dict[str, list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", READ], input=json.dumps(texts), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    found: list[dict[str, list[str]]] = json.loads(done.stdout)
    return found
