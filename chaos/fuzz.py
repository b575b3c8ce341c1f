"""`python -m chaos.fuzz [--count 50000] [--seed 1] [--owner public-owner] [--staff staff] [--threads 6]`: requests that
nobody means well, to every route of the API, of the pages and of the admin, as the owner of a portfolio, as staff and as
nobody.

None may be answered by an error that nobody expected: a 500 of type `internal`, or Django's page. It says how many of each
status there were, and how what failed was asked. It needs `make serve`. What ends the log-in itself is left out.
"""

import argparse
import json
import random
import re
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from chaos import service

VALUES: tuple[Any, ...] = (
    "",
    " ",
    "\0",
    "%00",
    "a",
    "x" * 300,
    "x" * 5_000,
    "\ud800",
    "\u202e",
    "ﬀ",
    "💥",
    "'",
    '"',
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "{{7*7}}",
    "${7*7}",
    "{{state.x.__class__}}",
    "__proto__",
    "-1",
    "0",
    "1",
    "1e309",
    "NaN",
    "-1e30",
    "١٢",
    "[",
    "*",
    "(",
    "\\",
    "\r\nX-Made: up",
    "null",
    "true",
    "2013-03-01",
    "2013-02-30",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "99999999999999999999",
    "00000000-0000-4000-8000-000000000000",
    "portfolio_overview",
    "public",
    "PP_2013-03-01_ECB_EUR_r1",
    0,
    -1,
    1.5,
    2**53,
    2**63,
    2**70,
    -(2**63),
    1e308,
    True,
    False,
    None,
    [],
    {},
    [[]],
    {"": {}},
    [None] * 50,
)
KEYS = (
    "pattern_id",
    "inputs",
    "portfolio_id",
    "asof_date",
    "require_fresh",
    "ledger_commit",
    "pricing_pack_id",
    "lookback_days",
    "security",
    "from_date",
    "to_date",
    "benchmark",
    "booking_method",
    "username",
    "password",
    "refresh",
    "file",
    "format",
    "preflight",
    "margin",
    "q",
    "o",
    "p",
    "e",
    "all",
    "_popup",
    "action",
    "first",
    "last",
    "offset",
    "limit",
    "kind",
    "status",
    "policy",
    "asof",
    "superseded",
    "next",
    "id__exact",
    "note__regex",
    "date__year",
    "entry_id__exact",
    "confirm",
    "look",
    "undo",
)
RAW_BODIES = (
    b"",
    b"{",
    b"[" * 10_000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"a": 1, "a": 2}',
    b'{"a": NaN}',
    b"\xff\xfe",
    b"null",
    b"0",
    b'{"pattern_id": "\\ud800"}',
    b'{"pattern_id": "portfolio_overview", "inputs": {"lookback_days": 1e999}}',
    b"a=b&a=c&%00=%ff",
)
METHODS = ("GET",) * 6 + ("POST",) * 4 + ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "MADEUP")
LEFT_OUT = re.compile(r"logout|token/revoke|second-factor|password_change|/?admin/jsi18n")
"""Of these some would end the log-in that the others need."""
PART = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass
class Tally:
    statuses: Counter[int] = field(default_factory=Counter)
    unsent: int = 0
    """Those that no client library can put on the wire."""
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--staff", default="staff")
    parser.add_argument("--threads", type=int, default=6)
    options = parser.parse_args()
    url = service.set_up()
    with service.staff(url, options.staff) as staff:
        tally = attack(
            [service.Person(url, options.owner), staff], count=options.count, seed=options.seed, threads=options.threads
        )
    counts = ", ".join(f"{number} of {status}" for status, number in sorted(tally.statuses.items()))
    print(
        f"{options.count} requests (seed {options.seed}): {counts}, {tally.unsent} unsent; {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(persons: list[service.Person], *, count: int, seed: int, threads: int) -> Tally:
    tally, routes = Tally(), [each for each in service.routes() if not LEFT_OUT.search(each)]
    objects = service.known_objects(persons[0])
    numbers = iter(range(count))
    turn = threading.Lock()

    def work() -> None:
        own = [person.again() for person in persons]
        while True:
            with turn:
                number = next(numbers, None)
            if number is None:
                return
            _send(number, random.Random(f"{seed} {number}"), own, routes, objects, tally)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    missing = count - tally.unsent - sum(tally.statuses.values())
    if missing > len(tally.failures):
        tally.failures.append(f"{missing} requests were not sent: the script itself broke")
    return tally


def _send(
    number: int,
    chance: random.Random,
    persons: list[service.Person],
    routes: list[str],
    objects: list[str],
    tally: Tally,
) -> None:
    in_admin = chance.random() < 0.4
    route = chance.choice([each for each in routes if each.startswith("admin/") == in_admin])
    method, person = (
        chance.choice(METHODS),
        persons[-1] if in_admin and chance.random() < 0.8 else chance.choice(persons),
    )
    path = "/" + PART.sub(
        lambda part: _quoted(chance.choice(objects) if chance.random() < 0.6 else _text(chance)), route
    )
    query = "&".join(f"{chance.choice(KEYS)}={_quoted(_text(chance))}" for _ in range(chance.randrange(4)))
    headers, body = _body(chance)
    if chance.random() < 0.2:
        headers[
            chance.choice(("If-None-Match", "Idempotency-Key", "Accept", "X-Request-ID", "Range", "Accept-Language"))
        ] = re.sub(r"[^\x20-\x7e]", "?", _text(chance)).strip()[:500]
    send = chance.choice(
        (person.browse,) * 9 + (person.nobody,) if in_admin else (person.call, person.browse) * 4 + (person.nobody,)
    )
    try:
        answer = send(method, f"{path}?{query}" if query else path, data=body, headers=headers)
    except (OSError, ValueError) as failed:  # of requests, too
        if isinstance(failed, OSError):
            tally.failures.append(f"{number}: {method} {path[:200]}: {type(failed).__name__}")
        else:
            tally.unsent += 1
        return
    tally.statuses[answer.status_code] += 1
    if answer.status_code >= 500 and not _is_expected(answer):
        tally.failures.append(f"{number}: {method} {path[:200]}?{query[:200]} {body[:200]!r}: {answer.status_code}")


def _is_expected(answer: Any) -> bool:
    """A 503 that may pass. Every 500 is a fault: nothing was altered, and no pack is corrupt."""
    return bool(answer.status_code == 503)


def _body(chance: random.Random) -> tuple[dict[str, str], bytes]:
    kind = chance.choice(("none", "json", "json", "raw", "form", "file"))
    if kind == "none":
        return {}, b""
    if kind == "json":
        content = {chance.choice(KEYS): _value(chance, 3) for _ in range(chance.randrange(1, 6))}
        if chance.random() < 0.5:
            content["pattern_id"] = "portfolio_overview"
        return {"Content-Type": "application/json"}, json.dumps(content).encode()
    if kind == "raw":
        types = (
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "",
        )
        return {"Content-Type": chance.choice(types)}, chance.choice(RAW_BODIES)
    if kind == "form":
        fields = "&".join(f"{chance.choice(KEYS)}={_quoted(_text(chance))}" for _ in range(chance.randrange(1, 6)))
        return {"Content-Type": "application/x-www-form-urlencoded"}, fields.encode()
    upload = chance.choice(RAW_BODIES) + _text(chance).encode("utf-8", "replace")
    name = re.sub(r'[\r\n"]', "", _text(chance)).encode("utf-8", "replace")[:200]
    parts = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n' + upload + b"\r\n"
    parts += b'--x\r\nContent-Disposition: form-data; name="preflight"\r\n\r\ntrue\r\n--x--\r\n'
    return {"Content-Type": "multipart/form-data; boundary=x"}, parts


def _value(chance: random.Random, depth: int) -> Any:
    if depth and chance.random() < 0.3:
        return {chance.choice(KEYS): _value(chance, depth - 1) for _ in range(chance.randrange(3))}
    return chance.choice(VALUES)


def _text(chance: random.Random) -> str:
    value = chance.choice(VALUES)
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


if __name__ == "__main__":
    sys.exit(main())
