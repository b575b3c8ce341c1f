"""No execution stays `running`: one whose process dies is ended by the watchdog, and what was asked can be asked again."""

import random
from datetime import date
from unittest import mock

import psycopg
import pytest
from django.db import connection, transaction

from chaos import killing
from execution import executor, tasks
from execution.executor import running
from execution.models import Execution
from tests import plugin

EVERY = 6
RUNNING = "execution/executor/running.py"


def ask(demo):
    request = executor.Request(
        "portfolio_overview", {"lookback_days": 77}, portfolio_id=demo.public_id, asof_date=date(2013, 3, 1)
    )
    return executor.execute(request, user=demo.user("owner"))


def rows(demo):
    with demo.role("job"):
        return list(Execution.objects.order_by("started_at").values_list("status", "problem__error"))


def end_abandoned(demo):
    with demo.role("job"):
        return executor.end_abandoned()


def test_wherever_its_process_is_killed_it_is_ended_and_can_be_asked_again(private_demo):
    """At some of the statements from its claim on; the process is a fork of this one, with a session of its own."""
    walk = killing.Walk((RUNNING, "execution/executor/endings.py"), (RUNNING, "_claim"))
    statements, hashes = walk.statements(lambda: ask(private_demo)), set()

    left = 0
    for statement in statements[random.randrange(EVERY) :: EVERY]:
        forget(private_demo)
        assert walk.kill_at(statement, lambda: ask(private_demo)), statement
        with private_demo.role("job"):
            abandoned = Execution.objects.filter(status="running").count()
        assert end_abandoned(private_demo) == abandoned, statement
        left += abandoned
        hashes.add(ask(private_demo).metadata["result_hash"])

    assert left > 2
    assert len(hashes) == 1
    assert set(rows(private_demo)) == {("done", None), ("failed", "ExecutionAbandoned")}


def forget(demo):
    """As superuser: what was answered is asked for the first time again. No role of ours may do that."""
    with psycopg.connect(plugin.address(demo.database, "postgres"), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        session.execute("UPDATE execution_execution SET provisional = true WHERE status = 'done'")
    running.store.cache.clear()


def test_one_that_is_being_computed_is_left_alone(private_demo):
    """By another session, as another process is."""
    seen = []

    def look(plan, *rest):
        with psycopg.connect(plugin.address(private_demo.database, "job"), autocommit=True) as other:
            (key,) = other.execute("SELECT key FROM execution_execution WHERE status = 'running'").fetchone()
            lock = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
            seen.append(other.execute(lock, [f"execution.executor:{key}"]).fetchone())
        return compute(plan, *rest)

    compute = running.compute
    with mock.patch.object(running, "compute", look):
        ask(private_demo)

    assert seen == [(False,)]
    assert rows(private_demo) == [("done", None)]


def test_who_lost_the_session_and_was_given_up_meanwhile_is_told_to_ask_again(private_demo):
    def lose_the_session(plan, *rest):
        computed = compute(plan, *rest)
        connection.close()  # as after a restart of PostgreSQL: the lock is gone, and the next statement opens another
        assert end_abandoned(private_demo) == 1
        return computed

    compute = running.compute
    with mock.patch.object(running, "compute", lose_the_session), pytest.raises(executor.ExecutionAbandoned):
        ask(private_demo)

    assert rows(private_demo) == [("failed", "ExecutionAbandoned")]
    assert ask(private_demo).metadata["cached"] is False


def test_a_session_that_is_lost_while_it_computes_ends_it_at_once(private_demo):
    def break_off(plan, *rest):
        with psycopg.connect(plugin.address(private_demo.database, "postgres"), autocommit=True) as elsewhere:
            elsewhere.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        return compute(plan, *rest)

    compute = running.compute
    with mock.patch.object(running, "compute", break_off):
        answer = private_demo.ask(inputs={"lookback_days": 78})

    assert (answer.status_code, answer.json()["type"]) == (503, "unavailable")
    assert [status for status, _ in rows(private_demo)] == ["failed"]


def test_a_result_that_can_not_be_stored_is_on_record_as_a_failure(private_demo):
    def spoil(plan, *rest):
        computed = compute(plan, *rest)
        return type(computed)(**{**vars_of(computed), "result_hash": "none"})

    def vars_of(value):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}

    compute = running.compute
    with mock.patch.object(running, "compute", spoil):
        answer = private_demo.ask(inputs={"lookback_days": 79})

    assert answer.status_code == 500
    assert rows(private_demo) == [("failed", "IntegrityError")]


@pytest.mark.role("job")
def test_the_watchdog_ends_them(private_demo):
    with transaction.atomic():
        done = Execution.objects.create(
            user=private_demo.user("owner"),
            pattern_version_id=Execution._meta.get_field("pattern_version").related_model.objects.first().pk,
            pack_id="PP",
            asof_date=date(2013, 3, 1),
            request={},
            engine_version="1",
            key="0" * 64,
        )

    tasks.take_up_stale_runs()

    done.refresh_from_db()
    assert (done.status, done.problem["error"], done.duration_ms) == ("failed", "ExecutionAbandoned", None)
