"""Each change leaves a row of the audit log in its own transaction, whoever makes it and however."""

from contextlib import suppress

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction

from compliance.audit import events, refusals
from compliance.audit.events import Event
from compliance.models import AuditEntry, DataSource
from config import origin, scope
from config.origin import Door
from tests import plugin


def entries(world, **where):
    with world.role("job"):
        return list(AuditEntry.objects.filter(**where).order_by("id"))


def test_a_change_is_recorded_with_its_columns_before_and_after(begun):
    with begun.role("job"), origin.of_process(Door.COMMAND, "terms"), scope.because("new terms"):
        DataSource.objects.filter(code="ledger").update(display="deny")

    *_, entry = entries(begun, table_name="compliance_datasource", row_key="ledger")
    assert (entry.action, entry.before, entry.after) == (
        "update",
        {"display": "attribute"},
        {"display": "deny"},
    )
    assert (entry.door, entry.via, entry.reason, entry.role) == ("command", "terms", "new terms", "tester")
    assert entry.account
    assert entry.user_id is None


def test_what_was_there_before_the_log_is_recorded_as_found(empty):
    (found,) = entries(empty, table_name="compliance_rightsversion")

    assert (found.action, found.before) == ("found", None)
    assert found.after["reason"].startswith("the rights as they stood")


def test_a_statement_of_many_rows_is_an_entry_for_each_and_what_stays_is_none(begun):
    with begun.role("app"):
        Group.objects.bulk_create([Group(name=name) for name in ("a", "b", "c")])
        Group.objects.filter(name="c").update(name="c")

    assert [each.after["name"] for each in entries(begun, table_name="auth_group", action="insert")][-3:] == [
        "a",
        "b",
        "c",
    ]
    assert entries(begun, table_name="auth_group", action="update") == []


def test_a_key_that_changes_is_a_row_that_went_and_one_that_came(begun):
    with begun.role("app"):
        DataSource.objects.filter(code="ledger").update(code="books")

    went, came = entries(begun, table_name="compliance_datasource", action="update")
    assert {(each.row_key, each.before is None, each.after is None) for each in (went, came)} == {
        ("ledger", False, True),
        ("books", True, False),
    }


def test_of_a_password_only_that_it_changed_is_recorded(begun):
    with begun.role("app"):
        user = get_user_model().objects.create_user("eve", password="a long enough word")
        user.set_password("another long enough word")
        user.save()

    made, changed = entries(begun, table_name="auth_user", row_key=str(user.pk))
    assert (changed.before, changed.after) == ({"password": "not recorded"},) * 2
    assert made.after["password"] == "not recorded"
    assert "argon2" not in str([made.after, changed.after])


def test_a_change_that_is_rolled_back_leaves_no_entry(begun):
    before = len(entries(begun))

    with begun.role("job"), transaction.atomic():
        Group.objects.create(name="never")
        transaction.set_rollback(True)

    assert len(entries(begun)) == before


def test_whoever_asks_is_recorded_also_after_a_savepoint_was_rolled_back(begun):
    with begun.role("app"):
        eve = get_user_model().objects.create(username="eve")

    with begun.role("app"), origin.of_request(Door.PAGE, "POST /", "r-1", may_write=True), transaction.atomic():
        scope.enter(eve)
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        Group.objects.create(name="new")
    scope.leave()

    *_, entry = entries(begun, table_name="auth_group")
    assert (entry.user_id, entry.door, entry.via, entry.request_id) == (eve.pk, "page", "POST /", "r-1")


def test_what_the_database_is_told_directly_is_recorded_with_its_role_alone(begun):
    with psycopg.connect(plugin.address(begun.database, "postgres")) as superuser:
        superuser.execute("INSERT INTO auth_group (name) VALUES ('by hand')")

    *_, entry = entries(begun, table_name="auth_group")
    assert (entry.role, entry.door, entry.user_id) == ("postgres", "", None)


def test_truncation_is_recorded(begun):
    with psycopg.connect(plugin.address(begun.database, "owner")) as owner:
        owner.execute("TRUNCATE auth_group CASCADE")

    assert {each.table_name for each in entries(begun, action="truncate")} >= {"auth_group", "auth_user_groups"}


def test_an_event_is_recorded_and_one_that_is_unknown_refused(begun):
    with begun.role("app"):
        events.record(Event.LOG_IN_FAILED, user_id=7, details={"address": "192.0.2.1"})
        with pytest.raises(DatabaseError, match="knows no event insert"), connection.cursor() as cursor:
            cursor.execute("SELECT audit_event('insert', 1, '{}')")

    *_, entry = entries(begun)
    assert (entry.action, entry.table_name, entry.row_key, entry.after) == (
        "log-in failed",
        "",
        "7",
        {"address": "192.0.2.1"},
    )


FORGERIES = (
    "INSERT INTO compliance_auditentry (at, transaction, server, account, role, door, via, request_id, reason, action, table_name,"
    " row_key) VALUES (now(), 1, 1, '', '', '', '', '', '', 'insert', 'auth_user', '1')",
    "UPDATE compliance_auditentry SET reason = 'other'",
    "DELETE FROM compliance_auditentry",
    "TRUNCATE compliance_auditentry",
    "COPY compliance_auditentry FROM STDIN",
    "SELECT audit_what_is_there('auth_group', 'id', '', '{id}', '{}', '{}')",
    "CREATE TEMP TABLE mine (id int); CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH STATEMENT"
    " EXECUTE FUNCTION audit_change('id', '', '{}', '{}', '{}')",
)


@pytest.mark.parametrize("statement", FORGERIES, ids=lambda text: " ".join(text.split()[:3]))
@pytest.mark.parametrize("role", ["app", "job"])
def test_no_role_writes_the_log_but_by_a_change(begun, role, statement):
    before = entries(begun)

    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        psycopg.connect(plugin.address(begun.database, role)) as session,
    ):
        session.execute(statement)

    assert entries(begun) == before


@pytest.mark.parametrize("role", ["owner", "postgres"])
@pytest.mark.parametrize("statement", FORGERIES[1:4], ids=lambda text: text.split()[0])
def test_nor_do_the_owner_and_a_superuser_change_it_while_the_triggers_are_on(begun, role, statement):
    before = entries(begun)

    try:
        with psycopg.connect(plugin.address(begun.database, role)) as session:
            session.execute(statement)
    except psycopg.errors.IntegrityConstraintViolation:
        pass

    assert entries(begun) == before


def refused(world):
    return entries(world, action=Event.CHANGE_REFUSED)


@pytest.mark.parametrize("role", ["app", "job"])
@pytest.mark.parametrize("statement", FORGERIES[:4], ids=lambda text: text.split()[0])
def test_what_a_role_of_ours_tried_to_do_to_the_log_is_on_record_with_who_though_its_transaction_is_gone(
    begun, role, statement, caplog
):
    anna = begun.user("anna")
    with (
        begun.role(role),
        origin.of_request(Door.PAGE, "POST /", "r-1", may_write=True),
        scope.acting_as(anna),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE auth_user SET first_name = 'gone with it' WHERE username = 'anna'")
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute(statement)
        transaction.set_rollback(True)

    (entry,) = refused(begun)
    assert (entry.user_id, entry.role, entry.door, entry.request_id) == (anna.pk, "tester", "page", "r-1")
    assert entry.after == {"table": "compliance_auditentry", "verb": statement.split()[0]}
    assert "a change of the audit log was refused" in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("role", ["owner", "postgres"])
def test_what_the_triggers_refused_is_counted_and_on_record_once(begun, role, caplog):
    before = refusals.REFUSED._value.get()
    for statement in (
        "UPDATE compliance_auditentry SET reason = 'other'",
        "DELETE FROM compliance_auditseal",
        "TRUNCATE compliance_auditentry",
    ):
        with suppress(psycopg.Error), psycopg.connect(plugin.address(begun.database, role)) as session:
            session.execute(statement)

    with begun.role("job"):
        tries = [refusals.record_counted(), refusals.record_counted()]

    assert tries == [3, 0]
    assert refusals.REFUSED._value.get() == before + 3
    assert [entry.after for entry in refused(begun)] == [{"tries": 3, "in_all": 3}]
    assert "a change of the audit log was refused" in [record.getMessage() for record in caplog.records]


def test_a_log_that_nobody_tried_to_change_says_nothing(begun):
    with begun.role("job"):
        assert refusals.record_counted() == 0

    assert refused(begun) == []
