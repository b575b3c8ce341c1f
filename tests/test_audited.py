"""What is audited is what the models have: a new table or column is recorded, or says here why not."""

import pytest
from django.apps import apps
from django.db import connection

NOT_AUDITED = {
    "auth_permission": "made from the models by migrations",
    "django_content_type": "made from the models by migrations",
    "django_admin_log": "is itself a log, of what the audit log has too",
    "django_session": "begins with a log-in, which is an event",
    "django_celery_beat_periodictasks": "the time of the last change of the others",
    "compliance_auditentry": "the audit log",
    "compliance_auditseal": "signs the audit log",
    "compliance_rightsdecision": "is itself a record, of what was decided",
    "compliance_auditcheck": "what a check found",
    "pricing_packcontent": "sealed, and proved by the chain of the packs",
    "pricing_packprice": "sealed with its content",
    "pricing_packrate": "sealed with its content",
    "pricing_packobservation": "sealed with its content",
    "pricing_packaction": "sealed with its content",
    "portfolio_transaction": "derived from the ledger's commit, and compared with it",
    "portfolio_lot": "derived from the ledger's commit, and compared with it",
    "portfolio_matchedlot": "derived from the ledger's commit, and compared with it",
    "portfolio_dailyvalue": "computed from ledger and packs, and computed again",
    "portfolio_economicphase": "computed from packs, and computed again",
    "portfolio_reconciliation": "computed from ledger and packs, and computed again",
    "portfolio_break": "of a reconciliation",
    "execution_droppedexecution": "tells of a dropped answer, whose removal is recorded",
    "execution_idempotencykey": "a question changes nothing",
    "execution_executionorder": "a question changes nothing",
    "execution_jobrun": "how far a night is",
    "execution_jobchunk": "how far a night is",
    "execution_blockedportfolio": "what a night found",
    "execution_historycheck": "what a check found",
}
"""Table -> why none of its rows is recorded."""
NOT_RECORDED = {
    "auth_user": {"last_login"},  # an event
    "otp_totp_totpdevice": {  # the last code that was taken
        *("created_at", "last_used_at", "step", "t0", "digits", "tolerance", "drift", "last_t"),
        *("throttling_failure_timestamp", "throttling_failure_count"),
    },
    "otp_static_staticdevice": {
        *("created_at", "last_used_at", "throttling_failure_timestamp", "throttling_failure_count")
    },
    "config_personaltoken": {"last_used_at"},  # a question changes nothing
    "django_celery_beat_periodictask": {"last_run_at", "total_run_count", "date_changed"},  # beat counts
    "pricing_pricingpack": {"status", "updated_at"},  # how far a night is
    "pricing_quarantinedrow": {"kind", "key", "date", "value", "rule", "reason", "source", "first_seen", "seen_at"},
    "execution_execution": {
        *("pattern_version_id", "pack_chain_hash", "ledger_commit_hash", "request", "engine_version", "provisional"),
        *("result", "trace", "sources", "warnings", "problem", "finished_at", "duration_ms", "digest"),
        "recorded",
    },
    "execution_executionexport": {"progress", "finished_at"},  # how far it is
    "execution_patternversion": {"digest"},  # of the document and a key
    "execution_nightlyrun": {"state", "started_at", "finished_at"},  # how far it is
}
"""Table -> columns that an entry leaves out."""
ALL = {"INSERT", "UPDATE", "DELETE", "TRUNCATE"}
IN_PART = {
    "pricing_quarantinedrow": {"UPDATE", "DELETE", "TRUNCATE"},  # what a load found suspect is no decision
    "execution_execution": {"DELETE", "TRUNCATE"},  # a question changes nothing, to drop its answer does
    "execution_nightlyrun": {"INSERT", "DELETE", "TRUNCATE"},
}


def tables():
    """Table -> columns, of all models and of what is between them."""
    models = [*apps.get_models(), *(each for model in apps.get_models() for each in through(model))]
    return {model._meta.db_table: {field.column for field in model._meta.concrete_fields} for model in models}


def through(model):
    return [each.remote_field.through for each in model._meta.local_many_to_many]


@pytest.fixture
def audited(empty):
    """Table -> (columns, events), as the database has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT tgrelid::regclass::text, tgargs, tgtype::int FROM pg_trigger
            JOIN pg_proc ON pg_proc.oid = tgfoid WHERE proname = 'audit_change' AND tgenabled = 'O'
            """
        )
        rows = cursor.fetchall()
    found: dict[str, tuple[set[str], set[str]]] = {}
    for table, arguments, kind in rows:
        _key, _portfolio, *lists = bytes(arguments).decode().rstrip("\0").split("\0")
        columns, events = found.setdefault(table, (set(), set()))
        columns.update(name for each in lists for name in each.strip("{}").split(",") if name)
        events.update(
            name for bit, name in ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"), (32, "TRUNCATE")) if kind & bit
        )
    return found


def test_every_table_is_audited_or_says_why_not(audited):
    assert audited.keys() & NOT_AUDITED.keys() == set()
    assert audited.keys() | NOT_AUDITED.keys() == tables().keys()


def test_every_column_of_an_audited_table_is_recorded_or_named_here(audited):
    there = tables()
    lacking = {
        table: there[table] ^ columns ^ NOT_RECORDED.get(table, set())
        for table, (columns, _) in audited.items()
        if there[table] != columns | NOT_RECORDED.get(table, set())
    }

    assert lacking == {}


def test_every_way_to_change_an_audited_table_is_recorded_or_named_here(audited):
    assert {table: events for table, (_, events) in audited.items() if events != IN_PART.get(table, ALL)} == {}
