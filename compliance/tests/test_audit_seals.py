"""What was sealed stays as it was, or is named; and nothing comes in behind a seal."""

import json
import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection
from django.test import override_settings

from compliance.audit import sealing, verification
from compliance.audit.reading import read_horizon
from compliance.models import AuditEntry, AuditSeal
from config.redis_client import shared_redis
from tests import plugin

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def superuser(begun):
    """A session that no policy and no trigger binds."""
    with psycopg.connect(plugin.address(begun.database, "postgres"), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        yield session


@pytest.fixture
def groups(begun):
    """Makes groups, each of which is an entry, in a transaction of its own."""
    with psycopg.connect(plugin.address(begun.database, "app"), autocommit=True) as session:

        def make(*names):
            for name in names:
                session.execute("INSERT INTO auth_group (name) VALUES (%s)", [name])

        yield make


def seal(world):
    """What there is. A transaction of another test on the same server keeps back all that came after it, so its end is awaited."""
    until = time.monotonic() + 30
    with world.role("job"):
        while (
            AuditEntry.objects.filter(transaction__gte=read_horizon().ended_before).exists()
            and time.monotonic() < until
        ):
            time.sleep(0.05)
        return sealing.seal(at=AT)


def verify(world, most=100):
    with world.role("job"):
        return verification.verify(most=most)


def differences(world):
    return [str(each) for each in verify(world).differences]


def test_what_is_sealed_verifies_and_what_came_since_is_told_as_open(begun, groups):
    groups("a", "b")
    (first,) = seal(begun)
    groups("c")
    before = verify(begun)
    (second,) = seal(begun)
    after = verify(begun)

    assert (second.number, second.previous) == (first.number + 1, first.signature)
    assert (before.seals, before.open_entries, before.differences) == (1, 1, ())
    assert before.open_since is not None
    assert (after.seals, after.open_entries, after.open_since, after.differences) == (2, 0, None, ())
    assert after.entries == before.entries + 1
    with begun.role("job"):
        assert after.entries == AuditEntry.objects.count()


def test_nothing_new_is_no_seal(begun):
    assert len(seal(begun)) == 1
    assert seal(begun) == []


def test_a_transaction_that_commits_late_is_sealed_later_and_what_is_behind_it_waits(begun, groups):
    seal(begun)
    with psycopg.connect(plugin.address(begun.database, "app")) as late:
        late.execute("INSERT INTO auth_group (name) VALUES ('late')")
        groups("quick")
        with begun.role("job"):
            while_open = sealing.seal(at=AT), verify(begun)
        late.commit()
    (sealed,) = seal(begun)

    assert while_open[0] == []
    assert while_open[1].open_entries == 1
    names = [entry.after["name"] for entry in entries_of(begun, sealed)]
    assert sorted(names) == ["late", "quick"]
    assert differences(begun) == []


def entries_of(world, sealed):
    with world.role("job"):
        return list(AuditEntry.objects.filter(pk__in=dict(json.loads(sealed.entries))).order_by("pk"))


@pytest.fixture
def three_seals(begun, groups):
    """Three seals of three entries each, behind the one of what was there; the ids of the nine."""
    seal(begun)
    ids = []
    for number in range(3):
        groups(*(f"{number}{each}" for each in "abc"))
        ids += [entry.pk for entry in entries_of(begun, seal(begun)[0])]
    assert differences(begun) == []
    return ids


@pytest.mark.parametrize(
    "column",
    [field.column for field in AuditEntry._meta.concrete_fields],
)
def test_an_edit_of_any_column_is_named(begun, three_seals, superuser, column):
    (kind,) = superuser.execute(
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'compliance_auditentry' AND column_name = %s",
        [column],
    ).fetchone()
    other = {
        "bigint": f"coalesce({column}, 0) + 1000000000",
        "jsonb": f"coalesce({column}, '{{}}') || '{{\"x\": 1}}'",
        "uuid": "gen_random_uuid()",
        "timestamp with time zone": f"{column} + interval '1 microsecond'",
    }.get(kind, f"{column} || ' '")

    superuser.execute(f"UPDATE compliance_auditentry SET {column} = {other} WHERE id = %s", [three_seals[4]])

    found = verify(begun).differences
    assert found[0].row == str(three_seals[4])
    assert all(each.table == "audit entry" for each in found)


def test_an_entry_that_is_gone_is_named(begun, three_seals, superuser):
    superuser.execute("DELETE FROM compliance_auditentry WHERE id = %s", [three_seals[0]])

    assert differences(begun) == [f"audit entry {three_seals[0]}: is missing (sealed)"]


@pytest.mark.parametrize("among", [0, 4, 8])
def test_an_entry_that_was_put_in_among_sealed_ones_is_named(begun, three_seals, superuser, among):
    superuser.execute(
        "INSERT INTO compliance_auditentry SELECT (jsonb_populate_record(e, jsonb_build_object('id', %s::int))).*"
        " FROM compliance_auditentry e WHERE id = %s",
        [three_seals[-1] + 1000, three_seals[among]],
    )

    assert differences(begun) == [f"audit entry {three_seals[-1] + 1000}: was put in (not sealed)"]


def test_an_entry_of_a_number_that_was_not_given_out_is_named(begun, three_seals, superuser):
    superuser.execute(
        "INSERT INTO compliance_auditentry SELECT (jsonb_populate_record(e, jsonb_build_object('id', 99999,"
        " 'transaction', transaction + 1000000))).* FROM compliance_auditentry e WHERE id = %s",
        [three_seals[4]],
    )

    assert differences(begun) == ["audit entry 99999: was put in (of no transaction)"]


@pytest.mark.parametrize("column", [field.column for field in AuditSeal._meta.concrete_fields])
def test_an_edit_of_a_seal_is_named(begun, three_seals, superuser, column):
    (kind,) = superuser.execute(
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'compliance_auditseal' AND column_name = %s",
        [column],
    ).fetchone()
    other = {
        "bigint": f"{column} + 1000",
        "timestamp with time zone": f"{column} + interval '1 microsecond'",
        "text": "'[]'",
    }.get(kind, "repeat('0', 64)")

    superuser.execute(f"UPDATE compliance_auditseal SET {column} = {other} WHERE number = 3")

    first = verify(begun).differences[0]
    assert (first.table, first.row) == ("audit seal", "3")


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_seal_that_is_gone_is_named_also_the_newest(begun, three_seals, superuser, number):
    superuser.execute("DELETE FROM compliance_auditseal WHERE number = %s", [number])

    assert str(verify(begun).differences[0]).startswith(f"audit seal {number}: is missing")


def test_an_end_that_was_cut_off_stays_missing_when_the_job_has_signed_what_is_left(
    begun, three_seals, superuser, groups
):
    superuser.execute("DELETE FROM compliance_auditseal WHERE number = 4")
    superuser.execute("DELETE FROM compliance_auditentry WHERE id = %s", [three_seals[7]])
    groups("one more")
    (again,) = seal(begun)

    assert again.number == 4
    assert differences(begun) == ["audit seal 4: is missing (sealed: Redis was told of it)"]


def test_without_the_key_nothing_can_be_sealed_that_verifies(begun, three_seals, groups):
    groups("forged")
    with override_settings(AUDIT_KEY="another key of fifty characters, which nobody chose"):
        seal(begun)

    assert differences(begun)[0].startswith("audit seal 5: signature")


def test_seals_of_an_earlier_key_verify_while_it_is_named_and_it_signs_nothing_new(
    begun, three_seals, groups, settings
):
    replaced = settings.AUDIT_KEY
    settings.AUDIT_KEY = "a new key of fifty characters or more, which nobody else has"
    settings.AUDIT_KEY_FALLBACKS = [replaced]
    groups("with the new key")
    seal(begun)

    assert differences(begun) == []
    with override_settings(AUDIT_KEY=replaced, AUDIT_KEY_FALLBACKS=[settings.AUDIT_KEY]):
        groups("by whoever has the replaced key")
        seal(begun)
    assert differences(begun) == [
        "audit seal 6: signature is one of an older key, not one of a key that is no older than that of the seal before"
    ]
    settings.AUDIT_KEY_FALLBACKS = []
    assert [each.split(": ")[0] for each in differences(begun)] == [
        f"audit seal {number}" for number in (1, 2, 3, 4, 6)
    ]


def test_a_database_from_a_dump_goes_on_on_another_server(begun, three_seals, superuser, groups):
    """As if all that is there had been numbered elsewhere, higher than here."""
    superuser.execute("DELETE FROM compliance_auditseal")
    shared_redis().flushdb()
    superuser.execute("UPDATE compliance_auditentry SET server = 7, transaction = transaction + 1000000000")
    superuser.execute("ALTER TABLE compliance_auditseal DISABLE TRIGGER ALL")
    with begun.role("job"):
        sealing.seal(at=AT)
    groups("here")
    seal(begun)

    with begun.role("job"):
        servers = list(AuditSeal.objects.order_by("number").values_list("server", flat=True))
    assert servers[0] == 7
    assert len(set(servers)) == 2
    assert differences(begun) == []


def test_two_who_seal_at_once_make_one_chain(begun, groups):
    seal(begun)
    groups("a")
    with psycopg.connect(plugin.address(begun.database, "job")) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [sealing.LOCK])
        with begun.role("job"), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
            with pytest.raises(Exception, match="another session holds the lock"):
                sealing.seal(at=AT)
            cursor.execute("SET lock_timeout = '30s'")
    seal(begun)

    assert differences(begun) == []


def test_without_redis_the_log_is_sealed_and_verified_all_the_same(begun, groups, monkeypatch):
    shared_redis.cache_clear()
    groups("a")
    with override_settings(REDIS_URL="redis://127.0.0.1:1"):
        assert len(seal(begun)) == 1
        assert differences(begun) == []
    shared_redis.cache_clear()


def test_the_web_makes_no_seal(begun, three_seals):
    with (
        psycopg.connect(plugin.address(begun.database, "app")) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute("INSERT INTO compliance_auditseal SELECT * FROM compliance_auditseal")
