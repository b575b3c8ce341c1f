"""The rows that a night stores are the same whichever number of processes did its chunks."""

import multiprocessing

import pytest
from django.db import connection

from execution.night import chunks
from portfolio.models import DailyValue
from portfolio.performance.daily_values import NUMBERS
from tests import plugin, small

pytestmark = pytest.mark.usefixtures("read_once")
PORTFOLIOS = 10
fork = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def many(migrated, django_db_blocker, tmp_path_factory):
    """Portfolios that hold more and more of a share, before any night."""
    folder = tmp_path_factory.mktemp("many")
    with plugin.template(plugin.SHARED[plugin.EMPTY]) as name:
        with plugin.at_work(plugin.World(name), django_db_blocker) as world, world.role("job"):
            small.begin(folder)
            for number in range(1, PORTFOLIOS):
                purchase = small.PURCHASE.replace("10 OAK", f"{10 + number} OAK").replace(
                    "-1015.00 USD", f"-{1015 + 101 * number}.00 USD"
                )
                text = small.ACCOUNTS + small.DEPOSIT + small.CONVERSION + purchase
                small.take_in(folder, text, f"p{number}")
        yield name


def help_out(rung, done):
    """As a worker that does the chunks that it is rung for, in a session of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE job")
    for chunk in iter(rung.get, None):
        if chunks.work_on(chunk):
            done.put(multiprocessing.current_process().name)


def night_by(helpers):
    """What a night stores that so many other processes help with, and which of them did a chunk."""
    rung, done = fork.Queue(), fork.Queue()
    connection.close()  # no child may speak in its parent's session
    processes = [fork.Process(target=help_out, args=(rung, done)) for _ in range(helpers)]
    for each in processes:
        each.start()
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE job")
    took = set()

    def ring(chunk):
        rung.put(chunk)
        if helpers and len(took) < 2:
            took.add(done.get(timeout=10))

    run = small.night(small.policy(), ring=ring)
    for _ in processes:
        rung.put(None)
    for each in processes:
        each.join(timeout=10)
        assert each.exitcode == 0
    rows = DailyValue.objects.order_by("portfolio__slug", "pack__sequence")
    return {
        "values": list(rows.values_list("portfolio__slug", "revision__number", "pack_id", "date", *NUMBERS)),
        "detail": run.jobs.get(name=chunks.JOB).detail,
    }, took


def test_eight_processes_store_the_rows_that_one_stores(many, django_db_blocker, monkeypatch):
    monkeypatch.setattr(chunks, "MOST_PORTFOLIOS", 1)
    stored = {}
    for helpers in (0, 7):
        with (
            plugin.template(many) as name,
            plugin.at_work(plugin.World(name), django_db_blocker) as world,
            world.role("job"),
        ):
            stored[helpers], took = night_by(helpers)

    alone, together = stored.values()
    assert len(took) > 1
    assert alone["detail"] == {"portfolios": PORTFOLIOS, "daily_values": PORTFOLIOS * len(small.WEEK)}
    assert len({row[4] for row in alone["values"] if row[3] == small.WEEK[-1]}) == PORTFOLIOS
    assert together == alone
