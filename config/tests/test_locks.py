"""Advisory locks between two sessions of a real server."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import DataError, OperationalError, connection, transaction

from config import locks
from tests import plugin

NAME = "a room: a key"
TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"

pytestmark = pytest.mark.role("job")


@pytest.fixture
def elsewhere(empty) -> Iterator[psycopg.Connection]:
    """Another session of the same database."""
    with psycopg.connect(plugin.address(empty.database), autocommit=True) as session:
        yield session


def is_free(session: psycopg.Connection, name: str = NAME) -> bool:
    """Whether another session could lock it; it is given back at once."""
    acquired = session.execute(TRY, [name]).fetchone() == (True,)
    session.execute("SELECT pg_advisory_unlock_all()")
    return acquired


def becomes_free(session: psycopg.Connection) -> bool:
    """The same, where the session that held it has only just hung up."""
    session.execute("SET lock_timeout = '5s'")
    session.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [NAME])
    return True


def wait_at_most_a_moment() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20ms'")


def test_a_session_lock_is_held_inside_its_block_and_over_transactions(elsewhere):
    with locks.session_lock(NAME):
        with transaction.atomic():
            inside = is_free(elsewhere)
        after_a_transaction = is_free(elsewhere)

    assert (inside, after_a_transaction, is_free(elsewhere)) == (False, False, True)


def test_locks_of_other_names_do_not_meet(elsewhere):
    with locks.session_lock(NAME):
        assert is_free(elsewhere, "a room: another key")


def test_the_same_session_may_take_a_lock_twice_and_keeps_it_until_it_gave_it_back_twice(elsewhere):
    with locks.session_lock(NAME):
        with locks.session_lock(NAME):
            pass
        assert not is_free(elsewhere)

    assert is_free(elsewhere)


@pytest.mark.parametrize("lock", [locks.lock_until_commit, lambda name: locks.session_lock(name).__enter__()])
def test_who_waits_longer_than_the_lock_timeout_is_told_which_lock(elsewhere, lock):
    elsewhere.execute(TRY, [NAME])
    wait_at_most_a_moment()

    with pytest.raises(locks.LockTimeout, match="another session holds the lock a room: a key"), transaction.atomic():
        lock(NAME)


def test_other_faults_of_the_server_stay_as_they_are(elsewhere):
    elsewhere.execute(TRY, [NAME])
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '20ms'")

    with pytest.raises(OperationalError) as cancelled, locks.session_lock(NAME):
        pass

    assert not isinstance(cancelled.value, locks.LockTimeout)


def test_a_lock_that_is_taken_is_not_waited_for_when_it_is_only_tried(elsewhere):
    elsewhere.execute(TRY, [NAME])

    with locks.try_session_lock(NAME) as acquired:
        pass

    assert not acquired


def test_a_free_lock_that_is_tried_is_held_inside_the_block(elsewhere):
    with locks.try_session_lock(NAME) as acquired:
        inside = is_free(elsewhere)

    assert (acquired, inside, is_free(elsewhere)) == (True, False, True)


def test_a_lock_of_the_transaction_ends_with_it(elsewhere):
    with transaction.atomic():
        locks.lock_until_commit(NAME)
        inside = is_free(elsewhere)

    assert (inside, is_free(elsewhere)) == (False, True)


def test_an_exception_inside_the_block_gives_the_lock_back(elsewhere):
    with pytest.raises(ZeroDivisionError), locks.session_lock(NAME):
        raise ZeroDivisionError

    assert is_free(elsewhere)


def test_a_transaction_that_fails_around_the_block_keeps_neither_the_lock_nor_another_error(elsewhere):
    with pytest.raises(DataError), transaction.atomic(), locks.session_lock(NAME), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")

    assert becomes_free(elsewhere)


def test_a_block_that_lost_its_session_ends_quietly_and_the_lock_becomes_free(elsewhere):
    with locks.session_lock(NAME):
        connection.close()

    assert becomes_free(elsewhere)
