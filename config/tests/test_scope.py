"""Who asks, transaction by transaction. What it hides is in tests/test_tenancy.py."""

import threading
from types import SimpleNamespace

import psycopg
import pytest
from django.db import IntegrityError, InternalError, connection, transaction
from django.db.utils import DatabaseError

from config import scope
from config.postgresql.base import DatabaseWrapper, WrongRole
from tests import plugin

ANNA, BEN = (SimpleNamespace(pk=number, is_active=True) for number in (11, 22))
GONE = SimpleNamespace(pk=33, is_active=False)


def asking():
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.user_id', true), '')")
        return cursor.fetchone()[0]


def fail_after(step):
    """A transaction, or inside one a savepoint, that takes the step and fails."""
    with transaction.atomic():
        step()
        raise ZeroDivisionError


@pytest.fixture(autouse=True)
def nobody_asks():
    scope.leave()
    yield
    scope.leave()


def test_whoever_entered_asks_in_every_transaction_and_nobody_between_them(demo):
    scope.enter(ANNA)

    with transaction.atomic():
        first = asking()
    between = asking()
    with transaction.atomic():
        second = asking()

    assert (first, between, second) == ("11", "", "11")


def test_the_setting_ends_with_its_transaction_also_when_it_fails(demo):
    with pytest.raises(ZeroDivisionError):
        fail_after(lambda: scope.enter(ANNA))

    assert asking() == ""


def test_a_block_gives_back_who_asked_before(demo):
    with transaction.atomic(), scope.acting_as(ANNA):
        with scope.acting_as(BEN):
            inside = asking()
        after = asking()

    assert (inside, after) == ("22", "11")


def test_nobody_and_somebody_who_left_ask_for_nothing(demo):
    for user in (None, GONE):
        with scope.acting_as(ANNA), scope.acting_as(user), transaction.atomic():
            assert asking() == ""


def test_after_a_return_to_a_savepoint_the_one_who_entered_since_still_asks(demo):
    with transaction.atomic():
        scope.enter(ANNA)
        with pytest.raises(ZeroDivisionError):
            fail_after(lambda: scope.enter(BEN))

        assert asking() == "22"


def test_after_a_return_to_a_savepoint_the_one_who_left_since_does_not_ask(demo):
    with transaction.atomic():
        scope.enter(ANNA)
        with pytest.raises(ZeroDivisionError):
            fail_after(scope.leave)

        assert asking() == ""


def test_leaving_a_failed_transaction_does_not_hide_why_it_failed(demo):
    with (
        pytest.raises(DatabaseError) as failure,
        transaction.atomic(),
        scope.acting_as(ANNA),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1/0")

    assert "division by zero" in str(failure.value)


def test_a_failed_savepoint_leaves_the_block_as_it_was(demo):
    with transaction.atomic(), scope.acting_as(ANNA):
        with pytest.raises(DatabaseError), transaction.atomic(), scope.acting_as(BEN), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

        assert asking() == "11"


def test_threads_ask_for_themselves(demo):
    seen = []
    scope.enter(ANNA)

    def other():
        try:
            with transaction.atomic():
                seen.append(asking())
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(20)

    assert seen == [""]


def test_the_middleware_asks_for_the_sessions_user_until_the_response_is_made(demo):
    def answer(request):
        with transaction.atomic():
            return asking()

    def fail(request):
        raise ZeroDivisionError

    signed_in = SimpleNamespace(user=SimpleNamespace(pk=11, is_active=True, is_authenticated=True))
    anonymous = SimpleNamespace(user=SimpleNamespace(pk=None, is_active=False, is_authenticated=False))

    assert scope.ScopeMiddleware(answer)(signed_in) == "11"
    assert scope.ScopeMiddleware(answer)(anonymous) == ""
    with pytest.raises(ZeroDivisionError):
        scope.ScopeMiddleware(fail)(signed_in)
    with transaction.atomic():
        assert asking() == ""


def test_a_snapshot_sees_one_state_and_writes_nothing(empty):
    with scope.snapshot():
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            isolation = cursor.fetchone()
        with pytest.raises(InternalError, match="read-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE nothing (id int); INSERT INTO auth_group (name) VALUES ('new')")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        afterwards = cursor.fetchone()
        cursor.execute("INSERT INTO auth_group (name) VALUES ('new')")

    assert (isolation, afterwards) == (("repeatable read",), ("read committed",))


def test_a_snapshot_asks_for_whoever_entered(demo):
    with scope.acting_as(ANNA), scope.snapshot():
        assert asking() == "11"


def wrapper(user, **more):
    settings = {**connection.settings_dict, "USER": user, "OPTIONS": {**connection.settings_dict["OPTIONS"], **more}}
    return DatabaseWrapper(settings, "default")


@pytest.fixture
def bypasser(demo):
    plugin.server().execute("CREATE ROLE bypasser LOGIN BYPASSRLS IN ROLE app")
    yield
    plugin.server().execute("DROP ROLE bypasser")


def test_a_superuser_is_refused_at_the_door_by_name(demo):
    opened = wrapper("postgres")

    with pytest.raises(WrongRole, match="postgres") as refused:
        opened.ensure_connection()

    assert refused.value.role == "postgres"
    assert opened.connection is None


def test_a_superuser_that_acts_as_another_role_is_refused_too(demo):
    with pytest.raises(WrongRole, match="postgres"):
        wrapper("postgres", options="-c role=app").ensure_connection()


def test_a_role_that_bypasses_row_level_security_is_refused(bypasser):
    with pytest.raises(WrongRole, match="bypasser"):
        wrapper("bypasser").ensure_connection()


@pytest.mark.parametrize("role", ["app", "job", "owner"])
def test_the_three_roles_come_in(role, demo):
    opened = wrapper(role)
    try:
        with opened.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (role,)
    finally:
        opened.close()


def test_an_error_of_the_database_is_the_same_error_inside_a_block(empty):
    with psycopg.connect(plugin.address(empty.database, "job")) as job:
        job.execute("INSERT INTO auth_group (name) VALUES ('twice')")

    with pytest.raises(IntegrityError), transaction.atomic(), scope.acting_as(ANNA), connection.cursor() as cursor:
        cursor.execute("INSERT INTO auth_group (name) VALUES ('twice')")
