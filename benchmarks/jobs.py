"""The night's figures of many portfolios, and of one with many transactions. `python -m benchmarks.jobs STEP` is what is timed
inside a world; it prints figures as JSON."""

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from hashlib import sha1, sha256
from pathlib import Path
from secrets import token_urlsafe
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psycopg
from psycopg import sql

from benchmarks import worlds
from benchmarks.measuring import Goal, Line, line, part
from benchmarks.worlds import World
from config import env

POLICY, PIVOT = "ECB_EUR", "EUR"
FIRST = date(2013, 1, 1)
DAYS = 2_520
SECURITIES = 120
PORTFOLIOS = 1_000
CURRENCIES = ("CAD", "USD", "GBP")
"""Trading currencies; the first is every portfolio's base."""
NAMESPACE = UUID(int=5)
SOURCE = "ecb"
"""Of all closes, rates and series: a registered one, so that an answer may be shown."""

Figures = dict[str, list[float]]


# --- the cases


def night() -> list[Line]:
    """compute_metrics, reading and storing included, by one process and by two, against COPY of its daily values."""
    with made_up_world(portfolios=PORTFOLIOS, holdings=30, trades=200) as world:
        alone = _metrics(world)
        floor = _floor(world)
        _empty(world)
        together = _metrics(world, helpers=1)
    with made_up_world(portfolios=PORTFOLIOS // 4, holdings=30, trades=200) as world:
        quarter = _metrics(world)
    name = f"compute_metrics, {PORTFOLIOS:,} x {DAYS:,} days x 30"
    return [
        line(f"{name}, two workers", "s", together["took"], floor, goal=Goal(40)),
        part("processor time, of both and their database sessions", "s", together["cpu"]),
        line("  two workers, to one", "s", together["took"], alone["took"], goal=Goal(round(1 / 1.4, 3), of="ratio")),
        line(
            "  processor time of one, to a quarter of the portfolios",
            "s",
            alone["cpu"],
            quarter["cpu"],
            goal=Goal(4.4, of="ratio"),
        ),
        line("  memory, to a quarter of the portfolios", "MiB", alone["rss_mib"], quarter["rss_mib"], goal=Goal(1024)),
    ]


def many_transactions() -> list[Line]:
    """The overview of a portfolio of 10,000 transactions, 50 securities, 3 currencies and 10 years, against one of 200."""
    took: dict[int, Figures] = {}
    for trades in (10_000, 200):
        with made_up_world(portfolios=1, holdings=50, trades=trades, status="fresh") as world:
            inside(world, "seal")
            took[trades] = inside(world, "overview")
    many, few = took[10_000], took[200]
    return [
        line("10,000 transactions, cold", "s", many["cold"], few["cold"], goal=Goal(1.5)),
        line("  warm, to 200 transactions", "ms", many["warm"], few["warm"], goal=Goal(1.2, of="ratio"), scale=1000),
    ]


CASES: Mapping[str, Callable[[], list[Line]]] = {"night": night, "many_transactions": many_transactions}


@contextmanager
def made_up_world(
    *, portfolios: int, holdings: int, trades: int, securities: int = SECURITIES, status: str = "warming"
) -> Iterator[World]:
    """A database of its own, filled as `fill` says."""
    world = worlds.migrated().copy()
    try:
        with world.connect() as database:
            fill(database, securities, portfolios=portfolios, holdings=holdings, trades=trades, status=status)
        yield world
    finally:
        world.drop()


def _metrics(world: World, *, helpers: int = 0) -> Figures:
    """By a process that opens the chunks, and by helpers that wait for them as workers do."""
    words = [sys.executable, "-m", "benchmarks.jobs", "help"]
    others = [
        subprocess.Popen(words, cwd=env.PROJECT, env=world.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(helpers)
    ]
    for other in others:
        assert other.stdout is not None
        other.stdout.readline()
    figures: Figures = {}
    try:
        figures = inside(world, "metrics")
    finally:
        for other in others:
            output, _ = other.communicate()
            figures["cpu"] = [figures.get("cpu", [0.0])[0] + json.loads(output)]
    return figures


def _floor(world: World) -> list[float]:
    """Seconds of COPY of the daily values that are there, prepared as bytes, into a table like theirs without references."""
    with world.connect() as database:
        with database.cursor().copy("COPY portfolio_dailyvalue TO STDOUT") as copy:
            rows = b"".join(copy)
        database.execute("CREATE TABLE floor (LIKE portfolio_dailyvalue INCLUDING ALL)")
        began = perf_counter()
        with database.transaction(), database.cursor().copy("COPY floor FROM STDIN") as copy:
            copy.write(rows)
        took = perf_counter() - began
        database.execute("DROP TABLE floor")
    return [took]


def _empty(world: World) -> None:
    with world.connect() as database:
        database.execute("SET session_replication_role = replica")
        database.execute("TRUNCATE portfolio_dailyvalue, execution_jobchunk, execution_jobrun, execution_nightlyrun")


def inside(world: World, step: str) -> Figures:
    with world.connect() as database:
        words = [sys.executable, "-m", "benchmarks.jobs", step, database.info.dsn]
    process = subprocess.run(words, cwd=env.PROJECT, env=world.environment, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{step} ended with {process.returncode}:\n{process.stderr[-4000:]}")
    return dict(json.loads(process.stdout))


# --- the worlds: rows by COPY, as superuser and without triggers; each number is seeded


def weekdays() -> list[date]:
    return [day for day in (FIRST + timedelta(days=n) for n in range(2 * DAYS)) if day.weekday() < 5][:DAYS]


def fill(
    database: psycopg.Connection[Any], securities: int, *, portfolios: int, holdings: int, trades: int, status: str
) -> None:
    """A market of DAYS packs of so many securities, and portfolios over it, each of which holds `holdings` of them and traded
    `trades` times."""
    days, walk = weekdays(), np.random.default_rng(20261126)
    close = np.round(80.0 * np.exp(np.cumsum(walk.normal(0, 0.01, (DAYS, securities)), axis=0)), 4)
    rates = np.round(1.3 * np.exp(np.cumsum(walk.normal(0, 0.004, (DAYS, len(CURRENCIES))), axis=0)), 6)
    yields = np.round(2.0 + np.cumsum(walk.normal(0, 0.02, (DAYS, 2)), axis=0), 4)
    database.execute("SET session_replication_role = replica")
    with database.transaction():
        _market(database, days, close, rates, yields, status)
        _books(database, days, close, walk, portfolios=portfolios, holdings=holdings, trades=trades)
    database.execute("SET session_replication_role = DEFAULT")
    database.execute("ANALYZE")


def _market(
    database: psycopg.Connection[Any], days: list[date], close: Any, rates: Any, yields: Any, status: str
) -> None:
    hashes = [sha256(day.isoformat().encode()).hexdigest() for day in days]
    _copy(
        database, "pricing_security",
        ("id", "symbol", "name", "currency", "price_unit", "kind", "exchange", "price_basis", "first_date", "source"),
        (
            (n + 1, f"S{n:04}", f"Share {n}", currency, currency, "equity", f"X{currency}", "raw", FIRST, SOURCE)
            for n in range(close.shape[1])
            for currency in [CURRENCIES[n % len(CURRENCIES)]]
        ),
    )  # fmt: skip
    _copy(
        database, "pricing_packcontent", ("id", "content_hash", "rows", "line_checks"),
        ((n + 1, hashes[n], close.shape[1], b"") for n in range(DAYS)),
    )  # fmt: skip
    _copy(
        database, "pricing_packprice",
        ("content_id", "security_id", "close", "currency", "observed_date", "price_basis", "source", "flags"),
        (
            (n + 1, each + 1, repr(price), CURRENCIES[each % len(CURRENCIES)], day, "raw", SOURCE, "")
            for n, (day, row) in enumerate(zip(days, close.tolist(), strict=True))
            for each, price in enumerate(row)
        ),
    )  # fmt: skip
    _copy(
        database, "pricing_packrate",
        ("content_id", "base", "quote", "rate", "observed_date", "fix_at", "source", "flags"),
        (
            (n + 1, PIVOT, CURRENCIES[each], repr(rate), day, day, SOURCE, "")
            for n, (day, row) in enumerate(zip(days, rates.tolist(), strict=True))
            for each, rate in enumerate(row)
        ),
    )  # fmt: skip
    _copy(
        database, "pricing_series", ("id", "title", "unit", "frequency", "source", "lag_rule", "lag_days"),
        ((name, name, "percent", "D", SOURCE, "business_days", 0) for name in ("UST3M", "BAA10Y")),
    )  # fmt: skip
    _copy(
        database, "pricing_packobservation",
        ("content_id", "series_id", "observation_date", "value", "known_at", "vintage", "source", "flags"),
        (
            (n + 1, name, day, repr(value), day, "", SOURCE, "")
            for n, (day, row) in enumerate(zip(days, yields.tolist(), strict=True))
            for name, value in zip(("UST3M", "BAA10Y"), row, strict=True)
        ),
    )  # fmt: skip
    _copy(
        database, "pricing_riskfreerate", ("base_currency", "series_id", "series_currency"),
        ((CURRENCIES[0], "UST3M", "USD"),),
    )  # fmt: skip
    _copy(
        database, "pricing_pricingpack",
        ("id", "policy_id", "asof_date", "release", "sequence", "status", "content_id", "chain_hash", "run", "restates",
         "sealed_at", "failed_job", "reason"),
        (
            (f"PP_{day}_{POLICY}_r1", POLICY, day, 1, n + 1, status, n + 1, hashes[n], NAMESPACE, "", day, "", "")
            for n, day in enumerate(days)
        ),
    )  # fmt: skip


def _books(
    database: psycopg.Connection[Any],
    days: list[date],
    close: Any,
    walk: np.random.Generator,
    *,
    portfolios: int,
    holdings: int,
    trades: int,
) -> None:
    """Each begins with money, converted, and its holdings bought on the first day; then buys, sells and dividends in turn."""
    (owner,) = database.execute(
        "INSERT INTO auth_user (username, password, first_name, last_name, email, is_superuser, is_staff, is_active,"
        " date_joined) VALUES ('owner', '!', '', '', '', false, false, true, now()) RETURNING id"
    ).fetchone() or (0,)
    # The cache knows results by these ids, and outlives a world and even a run: each begins with its own.
    ids = [uuid4() for _ in range(portfolios)]
    _copy(
        database, "portfolio_portfolio",
        ("id", "slug", "name", "owner_id", "base_currency", "policy_id", "booking_method", "fees_in_cost", "flow_timing",
         "accrual", "trade_fx"),
        (
            (each, f"p{n:05}", f"Portfolio {n}", owner, CURRENCIES[0], POLICY, "FIFO", True, "in_start_out_end", "cash", "ledger")
            for n, each in enumerate(ids)
        ),
    )  # fmt: skip
    _copy(
        database, "portfolio_ledgerrevision", ("id", "portfolio_id", "number", "commit", "tree_hash", "status", "reason"),
        (
            (n + 1, each, 1, *[sha1(each.bytes, usedforsecurity=False).hexdigest()] * 2, "reconciled", "")
            for n, each in enumerate(ids)
        ),
    )  # fmt: skip
    transactions, lots, matched = [], [], []
    for portfolio in ids:
        bought, entries, sold = _life(days, close, walk, holdings=holdings, trades=trades)
        transactions += [(portfolio, 1, _entry(n), n, *row) for n, row in enumerate(entries)]
        lots += [(portfolio, 1, *row) for row in bought]
        matched += [(portfolio, 1, *row) for row in sold]
    _copy(
        database, "portfolio_transaction",
        ("portfolio_id", "introduced_in", "entry_id", "ordinal", "date", "kind", "security_id", "quantity", "amount",
         "currency", "counter_amount", "counter_currency", "ex_date", "account", "fee_kind", "note", "file", "line", "digest",
         "to_account"),
        ((*row, "Assets:Broker", "", "", "main.beancount", 1, "", "") for row in transactions),
    )  # fmt: skip
    _copy(
        database, "portfolio_lot",
        ("portfolio_id", "introduced_in", "security_id", "acquired", "quantity", "unit_cost", "cost", "currency",
         "valid_from", "valid_to", "opened_by", "account"),
        ((*row, "Assets:Broker") for row in lots),
    )  # fmt: skip
    _copy(
        database, "portfolio_matchedlot",
        ("portfolio_id", "introduced_in", "entry_id", "opened_by", "date", "kind", "security_id", "acquired", "quantity",
         "cost", "proceeds", "currency", "entry_fee", "exit_fee", "account"),
        ((*row, 0, 0, "Assets:Broker") for row in matched),
    )  # fmt: skip


def _life(
    days: list[date], close: Any, walk: np.random.Generator, *, holdings: int, trades: int
) -> tuple[list[Any], list[Any], list[Any]]:
    """Of one portfolio, by date: lots (security, acquired, quantity, unit cost, cost, currency, from, to, opened by),
    transactions, and what each sale took (entry, opened by, date, kind, security, acquired, quantity, cost, proceeds, currency).
    """
    holding_ids = walk.choice(close.shape[1], holdings, replace=False)
    entries: list[Any] = [(days[0], "deposit", None, None, 9_000_000, CURRENCIES[0], None, "", None)]
    entries += [
        (days[0], "fx", None, None, -3_000_000, CURRENCIES[0], 3_000_000, other, None) for other in CURRENCIES[1:]
    ]
    open_lots: dict[int, list[list[Any]]] = {each: [] for each in holding_ids.tolist()}
    lots: list[list[Any]] = []
    matched: list[Any] = []

    def buy(day: int, each: int, quantity: int) -> None:
        cost, currency = round(quantity * close[day, each], 2), CURRENCIES[each % len(CURRENCIES)]
        lot = [
            each + 1,
            days[day],
            quantity,
            repr(float(close[day, each])),
            cost,
            currency,
            days[day],
            None,
            _entry(len(entries)),
        ]
        open_lots[each].append(lot)
        lots.append(lot)
        entries.append((days[day], "buy", each + 1, quantity, -cost, currency, None, "", None))

    for each in holding_ids.tolist():
        buy(0, each, 200)
    at = np.sort(walk.integers(2, DAYS, trades)).tolist()
    trade_ids = walk.choice(holding_ids, trades).tolist()
    for number, (day, each) in enumerate(zip(at, trade_ids, strict=True)):
        currency, oldest = CURRENCIES[each % len(CURRENCIES)], open_lots[each][0]
        if number % 4 == 3:
            ex_date = days[max(day - 5, 1)]
            entries.append((days[day], "dividend", each + 1, None, 25, currency, None, "", ex_date))
        elif number % 4 == 2:
            entries.append((days[day], "deposit", None, None, 1_000, CURRENCIES[0], None, "", None))
        elif number % 2 and len(open_lots[each]) > 1 and oldest[6] < days[day]:
            oldest[7] = days[day]
            open_lots[each].pop(0)
            proceeds = round(oldest[2] * close[day, each], 2)
            matched.append(
                (
                    _entry(len(entries)),
                    oldest[8],
                    days[day],
                    "sell",
                    each + 1,
                    oldest[1],
                    oldest[2],
                    oldest[4],
                    proceeds,
                    currency,
                )
            )
            entries.append((days[day], "sell", each + 1, -oldest[2], proceeds, currency, None, "", None))
        else:
            buy(day, each, 10)
    return lots, entries, matched


def _entry(number: int) -> str:
    """The id of a transaction by its place in the ledger."""
    return f"T{number:06}"


def _copy(database: psycopg.Connection[Any], table: str, columns: Iterable[str], rows: Iterable[Any]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with database.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


# --- inside a world


def metrics() -> Figures:
    """The job by itself, in this process and in those that help."""
    from django.db.models.functions import Now

    from execution.models import JobRun
    from execution.night import jobs, runs
    from execution.night.night import Night
    from pricing.models import PricingPack, PricingPolicy

    pack = PricingPack.objects.select_related("policy").order_by("-sequence")[0]
    policy = PricingPolicy.objects.get(pk=POLICY)
    run = runs.open_run(policy=policy, from_date=pack.asof_date, date=pack.asof_date)
    JobRun.objects.filter(run=run, name="compute_metrics").update(state="running", started_at=Now(), fencing=1)
    began = perf_counter()
    night = Night(run, policy, (pack.asof_date,), lambda *_: None, packs=(pack,))
    came = jobs.compute_metrics(night).detail
    took = perf_counter() - began
    assert came["daily_values"] == came["portfolios"] * DAYS, came
    # Not ru_maxrss, which begins with that of whoever started this process.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {"took": [took], "cpu": [_processor_time()], "rss_mib": [int(peak) / 1024]}


def help_out() -> None:
    """Take chunks until the input ends, as a worker does that was rung for each."""
    from execution.models import JobChunk
    from execution.night import chunks

    print("ready", flush=True)
    tried: set[int] = set()
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        for chunk in JobChunk.objects.exclude(pk__in=tried).order_by("number").values_list("pk", flat=True):
            tried.add(chunk)
            chunks.work_on(chunk)
    json.dump(_processor_time(), sys.stdout)


def _processor_time() -> float:
    """Seconds of this process and of its database session since they began."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    ticks = Path(f"/proc/{session}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return process_time() + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def seal() -> Figures:
    """The newest pack's hashes as its rows have them: an answer begins by looking."""
    from pricing.models import PricingPack
    from pricing.packs import fingerprint, verifying

    before, pack = PricingPack.objects.order_by("sequence").filter(sequence__gte=DAYS - 1)
    ((_, lines),) = verifying.stored_lines([pack])
    content_hash = fingerprint.content_hash(lines)
    chain_hash = fingerprint.chain_hash(
        previous=before.chain_hash,
        pack_id=pack.pk,
        sequence=DAYS,
        asof_date=pack.asof_date,
        policy=POLICY,
        content_hash=content_hash,
    )
    with psycopg.connect(sys.argv[2]) as database:
        database.execute("SET session_replication_role = replica")
        database.execute(
            "UPDATE pricing_packcontent SET content_hash = %s, rows = %s WHERE id = %s",
            [content_hash, len(lines), pack.content_id],
        )
        database.execute("UPDATE pricing_pricingpack SET chain_hash = %s WHERE id = %s", [chain_hash, pack.pk])
    return {}


def publish() -> Figures:
    """The library, the rights, and a password of the owner, where `serving.token_of` looks for it."""
    from django.contrib.auth import get_user_model

    from compliance import registry
    from execution.patterns import publishing

    registry.load()
    for document in publishing.read_library().values():
        publishing.publish(document)
    user, password = get_user_model().objects.get(username="owner"), token_urlsafe()
    user.set_password(password)
    user.save()
    (env.var() / "demo-users.json").write_text(json.dumps({"owner": password}))
    return {}


def overview() -> Figures:
    """Cold in a process that has read nothing yet; then the stored answer."""
    from django.contrib.auth import get_user_model

    from config import scope
    from execution import executor
    from portfolio.models import Portfolio

    publish()
    user = get_user_model().objects.get(username="owner")
    request = executor.Request("portfolio_overview", {}, portfolio_id=Portfolio.objects.get().pk)
    took = []
    with scope.acting_as(user):
        for _ in range(21):
            began = perf_counter()
            executor.execute(request, user=user)
            took.append(perf_counter() - began)
    return {"cold": took[:1], "warm": took[1:]}


if __name__ == "__main__":
    import django

    from config import embedded

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    embedded.provide("job")
    django.setup()
    if sys.argv[1] == "help":
        help_out()
    else:
        steps = {"metrics": metrics, "seal": seal, "publish": publish, "overview": overview}
        json.dump(steps[sys.argv[1]](), sys.stdout)
