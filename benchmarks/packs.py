"""Packs of a large archive: one day built, many years back-filled, their history read. `python -m benchmarks.packs STEP`
is what is timed inside a world; it prints figures as JSON."""

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
from psycopg import sql

from benchmarks import worlds
from benchmarks.measuring import Goal, Line, line, peak_mib
from benchmarks.worlds import World
from config import env

POLICY = "ECB_EUR"
FIRST = date(1993, 1, 4)
YEAR = 260
"""Weekdays: every one is a session and a fixing."""
TABLES = (
    "pricing_packcontent",
    "pricing_packprice",
    "pricing_packrate",
    "pricing_packobservation",
    "pricing_packaction",
)
CHUNK = 1 << 20
READY = b"\0Z\0\0\0\5I"
"""What ends an answer outside a transaction: the last byte of the command's tag, and ReadyForQuery."""
ROUNDS_OF_YEARS = 1
"""A round builds thirty years of packs; more rounds would take more than four minutes."""

Figures = dict[str, list[float]]


# --- the cases


def pack() -> list[Line]:
    """A day of 5,000 securities, 200 pairs and 50 series, built and sealed, against COPY of its rows, prepared as bytes."""
    with _world("one day", securities=5_000, days=12, pairs=200, series=50) as world:
        figures = _inside(world, "days")
    floor = figures["floor"]
    name = f"pack of {figures['rows'][0]:g} rows"
    return [
        line(f"{name}, built and sealed", "ms", figures["build"], floor, goal=Goal(10_000), scale=1000),
        line(
            f"{name}, most memory of the process",
            "MiB",
            figures["peak_mib"],
            figures["peak_before_mib"],
        ),
    ]


def twenty_years() -> list[Line]:
    """500 securities, back-filled over 10 and over 20 years by turns, against COPY of the rows of 20, prepared as bytes.

    Beside the seconds on the wall stand those of the processors, ours and the database's: they leave out the time that either
    waited while others used the machine. One round says nothing of how far either figure scatters.
    """
    took: dict[int, Figures] = {10: {}, 20: {}}
    for turn in range(ROUNDS_OF_YEARS):
        for years in (10, 20) if turn % 2 else (20, 10):
            with _world(f"{years} years", securities=500, days=years * YEAR, pairs=20, series=5) as world:
                for name, values in _inside(world, "backfill").items():
                    took[years].setdefault(name, []).extend(values)
    ten, twenty = took[10], took[20]
    return [
        line("back-fill of 20 years x 500", "s", twenty["build"], twenty["floor"], goal=Goal(10, of="ratio")),
        line("  of 10 years, to its own rows", "s", ten["build"], ten["floor"], goal=Goal(10, of="ratio")),
        line("  of 10 years, to 20", "s", ten["build"], twenty["build"]),
        line(
            "  of 10 years, to 20, of processors",
            "s",
            ten["processor"],
            twenty["processor"],
        ),
        *(
            [line("  second half of 20 years, to the first", "s", twenty["second_half"], twenty["first_half"])]
            if "first_half" in twenty
            else []
        ),
    ]


def history() -> list[Line]:
    """2,520 days x 500 securities: by a process that has read none of it, and once more, against a bare binary COPY."""
    with _world("ten years", securities=500, days=2_520, pairs=20, series=0) as world:
        _inside(world, "backfill")
        figures: Figures = {}
        for _ in range(5):
            for name, values in _inside(world, "histories").items():
                figures.setdefault(name, []).extend(values)
    return [
        line("history, first read", "ms", figures["first"], figures["copy"], goal=Goal(1000), scale=1000),
        line("history, read again", "ms", figures["again"], figures["copy"], goal=Goal(100), scale=1000),
    ]


CASES: Mapping[str, Callable[[], list[Line]]] = {"pack": pack, "twenty_years": twenty_years, "history": history}


@contextmanager
def _world(name: str, **size: int) -> Iterator[World]:
    """A database of its own beside a made-up archive of that size."""
    world = worlds.migrated().copy()
    write_archive(world.folder / "archive", **size)
    try:
        yield world
    finally:
        world.drop()


def _inside(world: World, step: str) -> Figures:
    with world.connect() as database:
        words = [sys.executable, "-m", "benchmarks.packs", step, database.info.dsn]
    process = subprocess.run(words, cwd=env.PROJECT, env=world.environment, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{step} ended with {process.returncode}:\n{process.stderr[-4000:]}")
    return dict(json.loads(process.stdout))


def _prepared(database: psycopg.Connection[Any], contents: Sequence[int] | None = None) -> dict[str, bytes]:
    """The rows of all contents, or of some, as COPY reads them."""
    prepared = {}
    for table in TABLES:
        column = sql.Identifier("id" if table == "pricing_packcontent" else "content_id")
        only = sql.SQL("true") if contents is None else sql.SQL("{} = ANY({})").format(column, list(contents))
        rows = io.BytesIO()
        statement = sql.SQL("COPY (SELECT * FROM {} WHERE {}) TO STDOUT").format(sql.Identifier(table), only)
        with database.cursor().copy(statement) as copy:
            for block in copy:
                rows.write(block)
        prepared[table] = rows.getvalue()
    return prepared


def _copy_in(database: psycopg.Connection[Any], prepared: Mapping[str, bytes]) -> float:
    """Seconds of one transaction into tables with the same checks and indexes, without foreign keys and triggers."""
    database.execute("CREATE SCHEMA floor")
    for table in prepared:
        database.execute(
            sql.SQL("CREATE TABLE floor.{0} (LIKE public.{0} INCLUDING ALL)").format(sql.Identifier(table))
        )
    started = perf_counter()
    with database.transaction(), database.cursor() as cursor:
        for table, rows in prepared.items():
            with cursor.copy(sql.SQL("COPY floor.{} FROM STDIN").format(sql.Identifier(table))) as copy:
                for begin in range(0, len(rows), CHUNK):
                    copy.write(rows[begin : begin + CHUNK])
    took = perf_counter() - started
    database.execute("DROP SCHEMA floor CASCADE")
    return took


def write_archive(folder: Path, *, securities: int, days: int, pairs: int, series: int) -> None:
    """A market data folder of that size; seeded walks, every weekday complete."""
    from pricing import fx
    from pricing.quality import row_rules

    folder.mkdir(parents=True)
    weekdays = [day for day in (FIRST + timedelta(days=n) for n in range(2 * days)) if day.weekday() < 5][:days]
    walk = np.random.default_rng(20251022)
    others = sorted(fx.CURRENCIES - {"EUR"})
    legs = [("EUR", other) for other in others] + [("USD", other) for other in others if other != "USD"]
    traded = [quote for base, quote in legs[:pairs] if base == "EUR"]
    level = {**dict.fromkeys(fx.CURRENCIES, 2.0), **row_rules.USUAL_PER_EUR}  # where none is usual, any will do
    usual = [level[quote] / level[base] for base, quote in legs[:pairs]]

    def grid(count: int, start: float) -> Any:
        return (start * np.exp(np.cumsum(walk.normal(0, 0.01, (days, count)), axis=0))).tolist()

    def write(name: str, header: str, lines: Iterator[str]) -> None:
        with (folder / name).open("w") as file:
            file.write(header + "\n")
            file.writelines(lines)

    unit = [traded[number % len(traded)] for number in range(securities)]
    write(
        "securities.csv",
        "symbol,name,currency,type,exchange,source",
        (f"S{number:05},Share {number},{unit[number]},equity,XXXX,made-up\n" for number in range(securities)),
    )
    write(
        "prices.csv",
        "date,symbol,close,currency,source",
        (
            f"{day},S{number:05},{close:.4f},{unit[number]},made-up\n"
            for day, row in zip(weekdays, grid(securities, 80.0), strict=True)
            for number, close in enumerate(row)
        ),
    )
    write(
        "fx.csv",
        "date,base,quote,rate,source",
        (
            f"{day},{base},{quote},{rate * of_pair:.6f},made-up\n"
            for day, row in zip(weekdays, grid(pairs, 1.0), strict=True)
            for (base, quote), rate, of_pair in zip(legs, row, usual, strict=False)
        ),
    )
    write(
        "macro.csv",
        "date,series_id,value,source",
        (
            f"{day},Y{number},{value:.2f},made-up\n"
            for day, row in zip(weekdays, grid(series, 4.0), strict=True)
            for number, value in enumerate(row)
        ),
    )


# --- inside a world


def days(database: psycopg.Connection[Any]) -> Figures:
    """Each day of the archive by itself, then its floor; the first two, in which the process warms up, aren't counted."""
    from pricing import packs

    policy, dates = _loaded()
    figures: Figures = {name: [] for name in ("build", "floor", "rows", "peak_mib", "peak_before_mib")}
    for day in dates:
        figures["peak_before_mib"].append(peak_mib())
        began = perf_counter()
        (pack,) = packs.build(policy=policy, dates=[day], run=uuid4())
        figures["build"].append(perf_counter() - began)
        figures["peak_mib"].append(peak_mib())
        prepared = _prepared(database, [pack.content_id or 0])
        figures["rows"].append(sum(len(rows.splitlines()) for rows in prepared.values()) - 1)
        figures["floor"].append(_copy_in(database, prepared))
    return {name: values[2:] for name, values in figures.items()}


def backfill(database: psycopg.Connection[Any]) -> Figures:
    """All days at once; with their floor, and with what each half of the packs took once the whole was decided."""
    from django.db import connection

    from pricing import packs

    policy, dates = _loaded()
    chunks: list[tuple[int, float]] = []
    connection.ensure_connection()
    server = connection.connection
    ours, theirs = process_time(), _processor_s(server.info.backend_pid)
    began = perf_counter()
    packs.build(
        policy=policy,
        dates=dates,
        run=uuid4(),
        progress=lambda count, total: chunks.append((count, perf_counter())),
    )
    took = perf_counter() - began
    spent = process_time() - ours + _processor_s(server.info.backend_pid) - theirs
    halves = _halves(chunks)
    prepared = _prepared(database)
    return {
        "build": [took],
        "processor": [spent],
        **halves,
        "peak_mib": [peak_mib()],
        "floor": [_copy_in(database, prepared)],
    }


def _halves(chunks: Sequence[tuple[int, float]]) -> Figures:
    """Seconds that each half of the packs took, by the chunks told of as (packs done, at); the first of those began it all.

    Empty where fewer than three chunks were told of: there is no half to speak of.
    """
    begun, *later = chunks[1:]
    total = chunks[-1][0]
    if len(later) < 2:
        return {}
    half, end = min(later[:-1], key=lambda at: abs(at[0] - (begun[0] + total) / 2)), later[-1]
    rates = (half[1] - begun[1]) / (half[0] - begun[0]), (end[1] - half[1]) / (end[0] - half[0])
    return {name: [rate * total / 2] for name, rate in zip(("first_half", "second_half"), rates, strict=True)}


def _processor_s(process: int) -> float:
    """Seconds of the processors that a process has used so far (proc(5): stat, fields 14 and 15)."""
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def histories(database: psycopg.Connection[Any]) -> Figures:
    """The first read of a process, the second, and the bare COPY."""
    from pricing import market, packs
    from pricing.models import PricingPolicy

    pack = packs.resolve(policy=PricingPolicy.objects.get(pk=POLICY))

    def read() -> float:
        began = perf_counter()
        market.history(pack)
        return perf_counter() - began

    return {"copy": [_bare_copy(database.info.dsn)], "first": [read()], "again": [read()]}


def _bare_copy(dsn: str) -> float:
    """Seconds until all that the server sends for three columns of every close has arrived, in blocks off the wire.

    A client of its own takes it row by row, which is no part of a floor. The connection is of no use afterwards.
    """
    database = psycopg.connect(dsn, autocommit=True)
    try:
        with socket.socket(fileno=os.dup(database.pgconn.socket)) as wire:
            wire.settimeout(60)
            began, end = perf_counter(), b""
            database.pgconn.send_query(
                b"COPY (SELECT content_id, security_id, close::float8 FROM pricing_packprice) TO STDOUT (FORMAT BINARY)"
            )
            database.pgconn.flush()
            while end != READY:
                if not (block := wire.recv(CHUNK)):
                    raise ConnectionError("the server went away")
                end = (end + block)[-len(READY) :]
            return perf_counter() - began
    finally:
        database.close()


def _loaded() -> tuple[Any, list[date]]:
    from django.conf import settings

    from pricing import packs
    from pricing.archive import loading
    from pricing.models import PricingPolicy

    policy = PricingPolicy.objects.get(pk=POLICY)
    loading.load(Path(settings.VAR) / "archive")
    return policy, packs.pack_days(policy=policy, first=FIRST, last=date.max)


if __name__ == "__main__":
    import django

    from config import embedded

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    embedded.provide("job")
    django.setup()
    steps: Mapping[str, Callable[[psycopg.Connection[Any]], Figures]] = {
        "days": days,
        "backfill": backfill,
        "histories": histories,
    }
    with psycopg.connect(sys.argv[2], autocommit=True) as superuser:
        json.dump(steps[sys.argv[1]](superuser), sys.stdout)
