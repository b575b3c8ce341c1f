"""A stored answer or a published pattern that was changed is served to nobody, at no door, and is named by the daily check."""

import io
import json
import re
from datetime import date

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from compliance.audit import rows
from config import keyed_digest
from execution.models import Execution, PatternVersion
from execution.night import history_check
from execution.operations import altered
from execution.patterns import publishing, versions
from execution.tests import staging

EDITS = {
    "result": "replace(result, '756411.71', '999999.99')",
    "result_hash": "repeat('0', 64)",
    "digest": "repeat('0', 64)",
    "key": "repeat('0', 64)",
    "user_id": "(SELECT id FROM auth_user WHERE username = 'viewer')",
    "pack_id": "'PP_none'",
    "pack_chain_hash": "''",
    "ledger_commit_hash": "''",
    "asof_date": "asof_date - 1",
    "engine_version": "'0.0.9'",
    "trace": "'{}'",
    "sources": "'{}'",
    "warnings": "'[\"made up\"]'",
    "provisional": "true",
    "finished_at": "finished_at - interval '1 day'",
    "duration_ms": "1",
}


def edit(world, column, value, table="execution_execution"):
    assert staging.by_force(world, f"UPDATE {table} SET {column} = {value}") >= 1
    cache.clear()


def told(place):
    return keyed_digest.ALTERED.labels(place)._value.get()


@pytest.mark.parametrize("column", EDITS)
def test_an_edit_of_any_column_that_is_served_is_refused_by_id(asked_demo, column):
    known = asked_demo.ask().json()["execution_id"]
    before = told("execution")
    edit(asked_demo, column, EDITS[column])

    answer = asked_demo.client("owner").get(f"/v1/executions/{known}")

    assert (answer.status_code, answer.json()["type"], answer.json()["execution_id"]) == (
        500,
        "execution-altered",
        known,
    )
    assert "changed after it was stored" in answer.json()["detail"]
    assert told("execution") == before + 1


def test_nothing_is_computed_in_the_place_of_an_altered_answer(asked_demo):
    edit(asked_demo, "result", EDITS["result"])

    answer = asked_demo.ask()
    page = asked_demo.client("owner").get("/portfolios/public/portfolio_overview/")

    assert (answer.status_code, answer.json()["type"]) == (500, "execution-altered")
    assert (page.status_code, "500 execution-altered" in page.content.decode()) == (500, True)
    assert re.search(r"999,?999", page.content.decode()) is None
    with asked_demo.role("job"):
        assert Execution.objects.count() == 1


def test_a_right_hash_of_a_wrong_result_does_not_help(asked_demo):
    edit(asked_demo, "result", EDITS["result"])
    edit(asked_demo, "result_hash", "encode(sha256(convert_to(result, 'UTF8')), 'hex')")

    assert asked_demo.ask().json()["type"] == "execution-altered"


def test_a_pattern_that_was_changed_is_not_used(private_demo):
    before = told("pattern")
    edit(private_demo, "document", "jsonb_set(document, '{title}', '\"Made up\"')", "execution_patternversion")

    answer = private_demo.ask()
    page = private_demo.client("owner").get("/portfolios/public/portfolio_overview/")

    assert (answer.status_code, answer.json()["type"]) == (500, "pattern-altered")
    assert (page.status_code, "500 pattern-altered" in page.content.decode()) == (500, True)
    assert "Made up" not in page.content.decode()
    assert told("pattern") == before + 2
    with private_demo.role("job"), pytest.raises(versions.PatternAltered):
        publishing.publish(publishing.read_library()["portfolio_overview.json"])


def test_the_daily_check_and_a_command_name_what_was_altered(asked_demo):
    known = asked_demo.ask().json()["execution_id"]
    edit(asked_demo, "result", EDITS["result"])
    edit(asked_demo, "document_hash", "repeat('0', 64)", "execution_patternversion")
    out = io.StringIO()

    with asked_demo.role("job"):
        parts = [list(altered.find(part=part)) for part in range(7)]
        check = history_check.run(date(2026, 1, 1), find_more=lambda part: parts[part])
        patterns = PatternVersion.objects.count()
        with pytest.raises(CommandError, match=f"{patterns + 1} were altered"):
            call_command("verify_results", json=True, stdout=out)

    named = [each.row for part in parts for each in part if each.table == "execution"]
    assert named == [known]
    assert check.count >= patterns
    assert {"table": "execution", "row": known} in json.loads(out.getvalue())


@pytest.mark.slow
def test_the_migration_seals_the_rows_that_are_there_unless_a_result_is_not_what_was_hashed(asked_demo):
    known = asked_demo.ask().json()["execution_id"]
    edited = asked_demo.ask(inputs={"lookback_days": 40}).json()["execution_id"]
    with asked_demo.role("owner"):
        call_command("migrate", "execution", "0013", verbosity=0)
    assert (
        staging.by_force(asked_demo, f"UPDATE execution_execution SET result = result || ' ' WHERE id = '{edited}'")
        == 1
    )

    with asked_demo.role("owner"):
        call_command("migrate", "execution", verbosity=0)
    cache.clear()

    assert asked_demo.client("owner").get(f"/v1/executions/{known}").status_code == 200
    with asked_demo.role("job"):
        assert [each.row for each in altered.find()] == [edited]
        with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
            Execution.objects.update(digest="0" * 64)


@pytest.fixture
def key_replaced(settings):
    """RESULT_KEY as an earlier one, behind a new one."""
    settings.RESULT_KEY_FALLBACKS = [settings.RESULT_KEY]
    settings.RESULT_KEY = "a new key of fifty characters or more, which nobody else has"
    versions._is_intact.cache_clear()
    yield settings
    versions._is_intact.cache_clear()


def test_what_an_earlier_key_proves_is_served_while_that_key_is_named(asked_demo, key_replaced):
    known = asked_demo.ask().json()["execution_id"]
    cache.clear()

    assert asked_demo.client("owner").get(f"/v1/executions/{known}").status_code == 200
    assert asked_demo.ask().json()["execution_id"] == known
    key_replaced.RESULT_KEY_FALLBACKS = []
    versions._is_intact.cache_clear()
    cache.clear()
    assert asked_demo.client("owner").get(f"/v1/executions/{known}").json()["type"] == "execution-altered"
    assert asked_demo.ask().json()["type"] == "pattern-altered"


def test_what_is_signed_anew_needs_the_earlier_key_no_more_and_what_was_altered_stays_so(private_demo, key_replaced):
    known = private_demo.ask().json()["execution_id"]
    key_replaced.RESULT_KEY, key_replaced.RESULT_KEY_FALLBACKS = (
        "the newest key, of fifty characters or more, of nobody",
        [
            key_replaced.RESULT_KEY,
            *key_replaced.RESULT_KEY_FALLBACKS,
        ],
    )
    edited = private_demo.ask(inputs={"lookback_days": 40}).json()["execution_id"]
    assert staging.by_force(private_demo, f"UPDATE execution_execution SET duration_ms = 1 WHERE id = '{edited}'") == 1
    out = io.StringIO()

    with private_demo.role("owner"), pytest.raises(CommandError, match="1 were altered"):
        call_command("sign_anew", json=True, stdout=out)
    key_replaced.RESULT_KEY_FALLBACKS = []
    versions._is_intact.cache_clear()
    cache.clear()

    signed = json.loads(out.getvalue())
    with private_demo.role("job"):
        assert signed == {
            "executions": 1,
            "patterns": PatternVersion.objects.count(),
            "altered": [f"execution {edited}"],
        }
        assert [each.row for each in altered.find()] == [edited]
        with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
            Execution.objects.update(digest="0" * 64)
    assert private_demo.client("owner").get(f"/v1/executions/{known}").status_code == 200
    with private_demo.role("job"):
        (audited,) = [table for table in rows.read_tables() if table.name == "execution_patternversion"]
        assert list(rows.find_differences(audited)) == []
