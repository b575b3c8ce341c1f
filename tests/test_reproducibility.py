"""The same five give the same bytes: in another process and elsewhere in the world.

That a database built anew has the same packs in the same chain is for execution/tests/test_demo.py to see, where one is built.
"""

import json
import os
import subprocess
import sys

import psycopg
import redis

from config import env
from tests import plugin
from tests.elsewhere import elsewhere

COMMAND = ("execute", "portfolio_overview", "--portfolio", "public", "--asof", "2013-03-01", "--json")
FIVE = (
    "pattern_id",
    "pattern_version",
    "pricing_pack_id",
    "pack_chain_hash",
    "ledger_commit_hash",
    "asof_date",
    "engine_version",
)


def manage(demo, *arguments, **environment):
    settings = {
        "DATABASE_URL": plugin.address(demo.database, "job"),
        "LEDGER_PATH": str(plugin.ledger_of(demo.database)),
        "DEBUG": "1",
        **environment,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=env.PROJECT,
        env=kept | settings,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def executed(demo, **environment):
    return json.loads(manage(demo, *COMMAND, **environment))


def forget_stored(demo):
    """So that the next one computes: stored executions are evidence, which only the tests' superuser can take away."""
    with psycopg.connect(plugin.address(demo.database, "postgres")) as session:
        session.execute("SET session_replication_role = replica")
        session.execute("DELETE FROM execution_execution")


def another_redis():
    """An empty one, because the store's is not the database's to forget."""
    address = os.environ["REDIS_URL"].partition("?")[0] + "?db=7"
    with redis.Redis.from_url(address) as client:
        client.flushdb()
    return address


def test_the_same_five_give_the_same_bytes_here_in_another_process_and_elsewhere(private_demo, tmp_path):
    here = {"TZ": "UTC", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    there = {**elsewhere(tmp_path), "OPENBLAS_NUM_THREADS": "4"}
    answer = private_demo.ask(asof_date="2013-03-01").json()
    forget_stored(private_demo)
    first = executed(private_demo, REDIS_URL=another_redis(), **here)
    forget_stored(private_demo)

    second = executed(private_demo, REDIS_URL=another_redis(), **there)

    assert first["metadata"]["cached"] is second["metadata"]["cached"] is False
    assert len({one["execution_id"] for one in (answer, first, second)}) == 3
    assert {name: first["metadata"][name] for name in FIVE} == {name: second["metadata"][name] for name in FIVE}
    assert answer["metadata"]["result_hash"] == first["metadata"]["result_hash"] == second["metadata"]["result_hash"]
    assert first["result"] == second["result"]


def test_a_repeat_by_the_same_caller_is_the_stored_one(demo):
    first, second = demo.ask(asof_date="2012-12-31").json(), demo.ask(asof_date="2012-12-31").json()

    assert second["metadata"]["cached"] is True
    assert second["execution_id"] == first["execution_id"]
    assert second["result"] == first["result"]
