"""A thousand seeded faults on the way in: a good value, a named error or a named refused row, and nothing else.

Faults that are numbers a market could have had (pence for pounds, an unadjusted split, a stale value) are not seen here: they
are judged beside the values of other days, when a pack is built.
"""

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from config.breaker import BreakerOpen
from pricing.providers import fmp, fred, polygon
from pricing.providers.http import ProviderBusy, ProviderFailed, RequestRefused
from pricing.tests.provider_server import (
    BOMB,
    BROKEN_GZIP,
    HTML,
    NOON,
    Time,
    broken_off,
    client_to,
    endless,
    reset,
    sent,
)

RUNS = 1000
DAYS = [date(2026, 11, 2) + timedelta(days=n) for n in range(8)]
FIRST, LAST = DAYS[0], date(2026, 11, 19)
NAMED = (ProviderFailed, ProviderBusy, RequestRefused, BreakerOpen)


class Number(str):
    """Stands in JSON as it is, without quotes."""


def text_of(value):
    """JSON in which a Number may be what no encoder would write."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {text_of(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return json.dumps(value)


def noon_ms(day):
    return int(datetime(day.year, day.month, day.day, 17, tzinfo=UTC).timestamp() * 1000)


class Closes:
    provider, value, day, symbol = polygon.PROVIDER, "c", "t", None

    def rows(self, dice):
        return [{"t": noon_ms(day), "c": Number(f"{dice.uniform(1, 500):.4f}"), "v": 100} for day in DAYS]

    def whole(self, rows):
        return {"ticker": "AAPL", "adjusted": False, "status": "OK", "results": rows}

    def fetch(self, client):
        return polygon.fetch_closes(client, "AAPL", first=FIRST, last=LAST)

    def told(self, row):
        return row.observed_date, row.close

    def meant(self, row):
        return datetime.fromtimestamp(row["t"] / 1000, UTC).date(), Decimal(row["c"])

    def ahead(self):
        return noon_ms(LAST + timedelta(days=30))


class Observations:
    provider, value, day, symbol = fred.PROVIDER, "value", "date", None

    def rows(self, dice):
        return [
            {
                "realtime_start": "2026-11-20",
                "realtime_end": "9999-12-31",
                "date": str(day),
                "value": f"{dice.uniform(1, 9):.3f}",
            }
            for day in DAYS
        ]

    def whole(self, rows):
        return {"count": len(rows), "observations": rows}

    def fetch(self, client):
        return fred.fetch_observations(client, "DGS10", first=FIRST, last=LAST)

    def told(self, row):
        return row.observation_date, row.value

    def meant(self, row):
        return date.fromisoformat(row["date"]), Decimal(row["value"])

    def ahead(self):
        return str(LAST + timedelta(days=30))


class Dividends:
    provider, value, day, symbol = polygon.PROVIDER, "cash_amount", "ex_dividend_date", "ticker"

    def rows(self, dice):
        return [
            {
                "ticker": "AAPL",
                "ex_dividend_date": str(day),
                "cash_amount": Number(f"{dice.uniform(0.01, 3):.4f}"),
                "currency": "USD",
            }
            for day in DAYS
        ]

    def whole(self, rows):
        return {"status": "OK", "results": rows}

    def fetch(self, client):
        return polygon.fetch_dividends(client, "AAPL", first=FIRST, last=LAST)

    def told(self, row):
        return row.ex_date, row.amount

    def meant(self, row):
        return date.fromisoformat(row["ex_dividend_date"]), Decimal(row["cash_amount"])

    def ahead(self):
        return str(LAST + timedelta(days=30))


class Quote:
    provider, value, day, symbol = fmp.PROVIDER, "price", "timestamp", "symbol"

    def rows(self, dice):
        price = Number(f"{dice.uniform(1, 500):.4f}")
        return [{"symbol": "AAPL", "price": price, "timestamp": int(NOON.timestamp())}]

    def whole(self, rows):
        return rows

    def fetch(self, client):
        return fmp.fetch_quote(client, "AAPL")

    def told(self, row):
        return row.symbol, row.price

    def meant(self, row):
        return row["symbol"], Decimal(row["price"])

    def ahead(self):
        return int(NOON.timestamp()) + 86_400


KINDS = (Closes(), Observations(), Dividends(), Quote())

BAD_NUMBERS = ("-1.5", "0", "NaN", "Infinity", "-Infinity", "1e400", "-1e-400", "9" * 400, "null", "true", "[]", "{}")
BAD_TEXTS = ("30,504.50", ".", "", "NaN", "1e400", "12.5 USD", "\u0663", "1_0", "--1")
BAD_DAYS = ("2026-02-30", "02/11/2026", "", "20261102", None, "9999-99-99")

ON_THE_WAY = {
    "429": lambda dice, body, server: sent("", 429),
    "429 with Retry-After": lambda dice, body, server: sent("", 429, Retry_After=str(dice.randrange(200))),
    "500": lambda dice, body, server: sent("", 500),
    "502": lambda dice, body, server: sent("<html>", 502),
    "403": lambda dice, body, server: sent("{}", 403),
    "reset": lambda dice, body, server: reset(),
    "reset at byte k": lambda dice, body, server: reset(body, dice.randrange(len(body))),
    "closed at byte k": lambda dice, body, server: broken_off(body, dice.randrange(len(body))),
    "truncated": lambda dice, body, server: sent(body[: dice.randrange(len(body))]),
    "html": lambda dice, body, server: HTML,
    "broken gzip": lambda dice, body, server: BROKEN_GZIP,
    "bomb": lambda dice, body, server: BOMB,
    "oversized": lambda dice, body, server: endless(2_000_000),
    "redirect": lambda dice, body, server: sent("", 302, Location=f"http://127.0.0.1:{server.port}/"),
    "another shape": lambda dice, body, server: sent(
        dice.choice(["[1]", "{}", "null", '"x"', '{"status": "OK", "results": 1}'])
    ),
}
SLOW = {"time-out": lambda dice, body, server: server.hang}


def poison(kind, rows, dice):
    """Spoils one row, or adds one. Gives back what it is, and the positions of the rows that may not be used."""
    at = dice.randrange(len(rows))
    if kind.value == "value":
        bad = dice.choice([*BAD_TEXTS[2:], "30,504.50", *(Number(number) for number in BAD_NUMBERS)])
    else:
        bad = dice.choice([*BAD_TEXTS, *(Number(number) for number in BAD_NUMBERS)])
    what = dice.choice(["value", "day", "ahead", "contradiction", "symbol", "no object"])
    if what == "symbol" and kind.symbol is None:
        what = "value"
    if what == "contradiction" and isinstance(kind, Dividends):
        what = "day"  # two dividends of one day that differ may both be right
    if what == "value":
        rows[at][kind.value] = bad
    elif what == "day":
        rows[at][kind.day] = dice.choice(BAD_DAYS)
    elif what == "ahead":
        rows[at][kind.day] = kind.ahead()
    elif what == "symbol":
        rows[at][kind.symbol] = dice.choice(["MSFT", "", "aapl"])
    elif what == "no object":
        rows[at] = dice.choice([None, 1, "row", []])
    else:
        cls = type(rows[at][kind.value])
        rows.insert(dice.randrange(len(rows)), rows[at] | {kind.value: cls(f"{dice.uniform(600, 900):.3f}")})
    return what, at


def outcome_of(kind, server, time, adapter):
    timeouts_s = (0.5, 0.05 if server.slow else 5.0)
    client = client_to(server, kind.provider, time=time, adapter=adapter, timeouts_s=timeouts_s, max_bytes=1_000_000)
    try:
        return kind.fetch(client)
    except NAMED as named:
        return named


@pytest.mark.slow
def test_a_thousand_seeded_faults_let_no_bad_value_through(server, carried):
    unreported, let_through, told = [], [], {"errors": 0, "refused": 0}
    for seed in range(RUNS):
        dice, time = random.Random(seed), Time()
        kind = dice.choice(KINDS)
        rows = kind.rows(dice)
        truth = dict(map(kind.meant, rows))
        server.slow = seed % 100 == 0
        if server.slow or dice.random() < 0.4:
            faults = SLOW if server.slow else ON_THE_WAY
            name = dice.choice(sorted(faults))
            server.answers(faults[name](dice, text_of(kind.whole(rows)), server))
        else:
            name, _ = poison(kind, rows, dice)
            server.answers(sent(text_of(kind.whole(rows))))

        outcome = outcome_of(kind, server, time, carried)

        if isinstance(outcome, Exception):
            told["errors"] += 1
            continue
        told["refused"] += 1
        seen = list(map(kind.told, outcome.rows))
        if any(truth.get(key) != value for key, value in seen) or len(seen) != len(set(seen)):
            let_through.append((seed, name))
        if not outcome.refused or len(seen) >= len(truth):
            unreported.append((seed, name, seen))

    assert let_through == []
    assert unreported == []
    assert told["errors"] + told["refused"] == RUNS
    assert min(told.values()) > 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_what_is_not_spoiled_comes_through_whole(server, carried, kind):
    rows = kind.rows(random.Random(1))
    server.slow = False
    server.answers(sent(text_of(kind.whole(rows))))

    answer = outcome_of(kind, server, Time(), carried)

    assert dict(map(kind.told, answer.rows)) == dict(map(kind.meant, rows))
    assert answer.refused == ()
