"""The cases. Each gives its lines; what they share (the demo, filled once) is made by the first that needs it."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from statistics import median
from time import perf_counter
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import exports, imports, jobs, ledger, metrics, packs, pages, rights, tracing, worlds
from benchmarks.measuring import Goal, Line, line, line_without_floor, p95, part, round_robin
from benchmarks.serving import Site, serving, token_of
from benchmarks.worlds import World

WEB, FLOOR = "config.wsgi:application", "benchmarks.floor.urls:application"
FLOOR_SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.floor.settings"}
PATH, OWNER, SLUG = "/v1/execute", "public-owner", "public"
REQUESTS, WARM_UP = 200, 20
PACK_TABLES = (
    "pricing_packcontent", "pricing_packprice", "pricing_packrate", "pricing_packobservation", "pricing_packaction",
    "pricing_pricingpack",
)  # fmt: skip


def warm() -> list[Line]:
    """A stored result, through HTTP, against a view that looks up a token and sends as many bytes from one row."""
    world = worlds.demo()
    with serving(world, WEB) as site:
        return _beside_floor("warm execute", site, token_of(site, world, OWNER), _overview(world))


def large_portfolio() -> list[Line]:
    """The overview of 15,000 transactions in 250 securities and ten years: cold in a web process that has read nothing, also in
    processor time beside a tenth of the transactions; the most memory that this process has then; warm beside the same floor."""
    with _traded_often(1_500) as world, serving(world, WEB) as site:
        token, body = token_of(site, world, "owner"), _overview(world, slug="p00000")
        _, of_tenth = _cold(site, token, body)
    with _traded_often(15_000) as world, serving(world, WEB) as site:
        token, body = token_of(site, world, "owner"), _overview(world, slug="p00000")
        before = site.peak_mib()
        took, processor = _cold(site, token, body)
        after = site.peak_mib()
        lines = _beside_floor("  warm", site, token, body)
        last = site.peak_mib()
    return [
        line_without_floor("15,000 transactions of 250 securities, cold", "s", [took], Goal(1.5)),
        line("  processor, to a tenth of them", "s", [processor], [of_tenth], goal=Goal(10, of="ratio")),
        part("the web process before, RSS", "MiB", [before]),
        line_without_floor("  the web process then, RSS at most", "MiB", [after], Goal(400)),
        *lines,
        line_without_floor("  the web process at the end, RSS at most", "MiB", [last], Goal(400)),
    ]


@contextmanager
def _traded_often(times: int) -> Iterator[World]:
    """One portfolio of 250 securities over ten years, traded so many times, with a log-in of its owner."""
    with jobs.made_up_world(portfolios=1, holdings=250, trades=times, securities=250, status="fresh") as world:
        jobs.inside(world, "seal")
        jobs.inside(world, "publish")
        yield world


def _cold(site: Site, token: str, body: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds of an answer that is computed, and those of the processor in the web process."""
    before = site.processor_s()
    (took,), _ = site.ask(PATH, [body], token=token)
    return took / 1000, site.processor_s() - before


def _beside_floor(name: str, site: Site, token: str, body: Mapping[str, Any]) -> list[Line]:
    """A stored answer at one client and at four, against the bare view, which sends as many bytes."""
    _, length = site.ask(PATH, [body], token=token, warm_up=[body])
    bare = worlds.migrated().copy()
    floor_token = _prepare_floor(bare, length)

    def sample(took: list[float], site: Site, path: str, token: str, clients: int) -> Callable[[], float]:
        def run() -> float:
            ms, size = site.ask(path, [body] * REQUESTS, token=token, warm_up=[body] * WARM_UP, clients=clients)
            if abs(size - length) > 50:
                raise RuntimeError(f"{path} sends {size} bytes, not {length}")
            took.append(median(ms))
            return p95(ms)

        return run

    lines = []
    with serving(bare, FLOOR, **FLOOR_SETTINGS) as floor:
        for clients in (1, 4):
            ours: list[float] = []
            bases: list[float] = []
            samples = round_robin(
                {
                    "ours": sample(ours, site, PATH, token, clients),
                    "floor": sample(bases, floor, "/answer", floor_token, clients),
                }
            )
            caption = f"{clients} client{'s' if clients > 1 else ''}"
            goal = Goal(3.0, of="ratio") if clients == 1 else None
            lines += [
                line(f"{name}, p95, {caption}", "ms", samples["ours"], samples["floor"], goal=goal),
                line(f"{name}, median, {caption}", "ms", ours, bases),
            ]
    bare.drop()
    return lines


def cold() -> list[Line]:
    """Nothing stored under the key, through HTTP, against the bare COPY of the history that the result is made of."""
    world = worlds.demo()
    with serving(world, WEB) as site, world.connect() as database:
        token, body, fresh = token_of(site, world, OWNER), _overview(world), count(2)
        days = database.execute(
            "SELECT DISTINCT asof_date FROM pricing_pricingpack WHERE status = 'fresh' ORDER BY asof_date DESC OFFSET 1"
        )

        def new_key() -> dict[str, Any]:
            return body | {"inputs": {"lookback_days": next(fresh)}}

        def first_of_a_process() -> float:
            with serving(world, WEB) as started:
                return started.ask(PATH, [new_key()], token=token)[0][0]

        def another_request() -> float:
            return median(site.ask(PATH, [new_key() for _ in range(5)], token=token, warm_up=[body])[0])

        def another_pack() -> float:
            bodies = [body | {"asof_date": day.isoformat()} for (day,) in days.fetchmany(5)]
            return median(site.ask(PATH, bodies, token=token, warm_up=[body])[0])

        cases = {
            "first request of a process": first_of_a_process,
            "another request": another_request,
            "another pack": another_pack,
        }
        samples = round_robin({**cases, "floor": lambda: _copy_history(database)})
    return [line(f"cold execute, {name}", "ms", samples[name], samples["floor"], goal=Goal(500)) for name in cases]


def backfill() -> list[Line]:
    """From empty tables to the demo as it is served, against COPY of the rows that it made, prepared as bytes."""
    world = worlds.demo()
    steps: dict[str, list[float]] = {}

    def ours() -> float:
        fresh = worlds.migrated().copy()
        took = fresh.sample("fill")
        fresh.drop()
        for step, seconds in took.items():
            steps.setdefault(step, []).append(seconds)
        return sum(took.values())

    with world.connect() as database:
        everything = _prepared(database, _tables(database))
        of_packs = _prepared(database, PACK_TABLES)
        samples = round_robin(
            {
                "ours": ours,
                "floor": lambda: _copy_in(database, everything),
                "packs": lambda: _copy_in(database, of_packs),
            }
        )
    return [
        line("back-fill of the demo, all own work", "s", samples["ours"], samples["floor"], goal=Goal(180)),
        *(part(step, "s", seconds) for step, seconds in steps.items() if step != "build_pack"),
        line("  of which build_pack, against its own rows", "s", steps["build_pack"], samples["packs"]),
    ]


def largest_day() -> list[Line]:
    """The pack with the most rows, the first, built and sealed, against COPY of its rows, prepared as bytes."""

    def ours() -> float:
        fresh = worlds.stocked().copy()
        took = fresh.sample("largest_day")
        fresh.drop()
        return took["build"]

    world = worlds.demo()
    first, rows = world.row(
        "SELECT content_id, rows FROM pricing_pricingpack pack JOIN pricing_packcontent content"
        " ON content.id = pack.content_id ORDER BY sequence LIMIT 1"
    )
    with world.connect() as database:
        prepared = _prepared(database, PACK_TABLES, content=first)
        samples = round_robin({"ours": ours, "floor": lambda: _copy_in(database, prepared)})
    return [line(f"pack of the largest day, {rows} rows", "ms", samples["ours"], samples["floor"], scale=1000)]


CASES: Mapping[str, Callable[[], list[Line]]] = {
    "warm": warm,
    "large_portfolio": large_portfolio,
    "cold": cold,
    "backfill": backfill,
    "largest_day": largest_day,
    **packs.CASES,
    **ledger.CASES,
    **exports.CASES,
    **rights.CASES,
    **imports.CASES,
    **jobs.CASES,
    **metrics.CASES,
    **pages.CASES,
    **tracing.CASES,
}


def _overview(world: World, slug: str = SLUG) -> dict[str, Any]:
    (portfolio_id,) = world.row("SELECT id FROM portfolio_portfolio WHERE slug = %s", slug)
    return {"pattern_id": "portfolio_overview", "portfolio_id": str(portfolio_id)}


def _prepare_floor(world: World, length: int) -> str:
    """DRF's own token table and a row of so many bytes; the header of its one user."""
    with world.connect() as database:
        database.execute("CREATE TABLE answer (id int PRIMARY KEY, body text NOT NULL)")
        database.execute("INSERT INTO answer VALUES (1, rpad('{\"floor\": \"', %s - 2, md5('x')) || '\"}')", [length])
        database.execute(
            "CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY, created timestamptz NOT NULL DEFAULT now(),"
            " user_id int NOT NULL UNIQUE REFERENCES auth_user)"
        )
        database.execute(
            "WITH one AS (INSERT INTO auth_user (username, password, first_name, last_name, email, is_superuser, is_staff,"
            " is_active, date_joined) VALUES ('floor', '!', '', '', '', false, false, true, now()) RETURNING id)"
            " INSERT INTO authtoken_token (key, user_id) SELECT 'floor', id FROM one"
        )
        database.execute("GRANT SELECT ON answer, authtoken_token, auth_user TO app")
    return "Token floor"


def _copy_history(database: psycopg.Connection[Any]) -> float:
    """Milliseconds of reading every close and rate of the packs, as binary."""
    started = perf_counter()
    for statement in (
        "COPY (SELECT content_id, security_id, close::float8, observed_date FROM pricing_packprice) TO STDOUT (FORMAT BINARY)",
        "COPY (SELECT content_id, base, quote, rate::float8 FROM pricing_packrate) TO STDOUT (FORMAT BINARY)",
    ):
        with database.cursor().copy(statement) as copy:
            b"".join(copy)
    return (perf_counter() - started) * 1000


def _tables(database: psycopg.Connection[Any]) -> list[str]:
    """What the demo fills."""
    names = database.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(pricing|portfolio)_' ORDER BY 1"
    )
    return [name for (name,) in names.fetchall()]


def _prepared(database: psycopg.Connection[Any], tables: Any, *, content: int | None = None) -> dict[str, bytes]:
    """The rows of tables, or those of one content, as COPY reads them."""
    prepared = {}
    for table in tables:
        column = "id" if table == "pricing_packcontent" else "content_id"
        only = sql.SQL(" WHERE {} = {}").format(sql.Identifier(column), content) if content else sql.SQL("")
        rows = io.BytesIO()
        statement = sql.SQL("COPY (SELECT * FROM {}{}) TO STDOUT").format(sql.Identifier(table), only)
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
                copy.write(rows)
    took = perf_counter() - started
    database.execute("DROP SCHEMA floor CASCADE")
    return took
