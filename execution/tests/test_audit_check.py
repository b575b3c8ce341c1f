"""Rows that neither a ledger nor a pack can prove are what the audit log last said of them, or are named."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import CommandError, call_command

from compliance.audit import rows
from compliance.models import AuditCheck
from execution.night import audit_check
from execution.tests import staging
from tests import plugin

EDITS = {
    "why a pack was restated": ("pricing_pricingpack", "restates = 'other'", "restates"),
    "when a pack was sealed": ("pricing_pricingpack", "sealed_at = sealed_at + interval '1 day'", "sealed_at"),
    "the date of a pack": ("pricing_pricingpack", "asof_date = asof_date + 20000", "asof_date"),
    "the chain of the packs": ("pricing_pricingpack", "chain_hash = repeat('0', 64)", "chain_hash"),
    "the name of a security": ("pricing_security", "name = 'Other'", "name"),
    "the currency of a security": ("pricing_security", "currency = 'SEK'", "currency"),
    "a right of a source": ("compliance_datasource", "display = 'deny'", "display"),
    "an attribution": ("compliance_datasource", "attribution = 'Nobody'", "attribution"),
    "a version of the rights": ("compliance_rightsversion", "\"table\" = '{}'", "table"),
    "a pattern's title": ("execution_pattern", "title = 'Other'", "title"),
    "a published document": (
        "execution_patternversion", "document = jsonb_set(document, '{title}', '\"Other\"')", "document",
    ),
    "the commit of a revision": ("portfolio_ledgerrevision", "commit = repeat('0', 40)", "commit"),
    "the tree of a revision": ("portfolio_ledgerrevision", "tree_hash = repeat('0', 40)", "tree_hash"),
    "the settings of a revision": ("portfolio_ledgerrevision", "settings = '{}'", "settings"),
    "the owner of a portfolio": (
        "portfolio_portfolio", "owner_id = (SELECT id FROM auth_user WHERE username = 'staff')", "owner_id",
    ),
    "the booking method": ("portfolio_portfolio", "booking_method = 'HIFO'", "booking_method"),
    "the name of a portfolio": ("portfolio_portfolio", "name = 'Other'", "name"),
    "a superuser": ("auth_user", "is_superuser = true", "is_superuser"),
    "the address of a user": ("auth_user", "email = 'other@tieout.example'", "email"),
    "a policy": ("pricing_pricingpolicy", "max_stale_sessions = 500", "max_stale_sessions"),
    "a choice of a series": ("pricing_riskfreerate", "series_currency = 'EUR'", "series_currency"),
    "a folder": ("pricing_marketarchive", "path = '/elsewhere'", "path"),
}  # fmt: skip


@pytest.fixture
def superuser(private_demo):
    with psycopg.connect(plugin.address(private_demo.database, "postgres"), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        yield session


def differences(world):
    with world.role("job"):
        return list(audit_check.find_row_differences())


def test_rows_that_nobody_touched_are_what_the_log_says(demo):
    assert differences(demo) == []


def test_every_edit_is_named_by_its_table_row_and_column(private_demo, superuser):
    made = {}
    for table, change, column in EDITS.values():
        key = {
            "compliance_datasource": "code",
            "pricing_riskfreerate": "base_currency",
            "pricing_pricingpolicy": "code",
        }
        name = key.get(table, "id")
        (row,) = superuser.execute(f"SELECT max({name}::text) FROM {table}").fetchone()
        superuser.execute(f"UPDATE {table} SET {change} WHERE {name}::text = %s", [row])
        made[table, row, column] = change

    found = {(each.table, each.row, each.column) for each in differences(private_demo)}

    assert found == made.keys()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (
            "INSERT INTO portfolio_portfolioaccess (portfolio_id, owner_id, user_id)"
            " SELECT p.id, owner_id, u.id FROM portfolio_portfolio p, auth_user u WHERE slug = 'public' AND username = 'other'"
            " RETURNING id",
            "portfolio_portfolioaccess {}: was put in",
        ),
        (
            "DELETE FROM execution_pattern WHERE id = 'portfolio_overview' RETURNING id",
            "execution_pattern {}: is missing",
        ),
        (
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g"
            " WHERE username = 'other' LIMIT 1 RETURNING id",
            "auth_user_groups {}: was put in",
        ),
    ],
)
def test_a_row_that_was_put_in_or_is_gone_is_named(private_demo, superuser, statement, place):
    (row,) = superuser.execute(statement).fetchone()

    assert [each.place for each in differences(private_demo)] == [place.format(row)]


def test_triggers_that_are_off_or_gone_are_named(private_demo):
    with psycopg.connect(plugin.address(private_demo.database, "postgres"), autocommit=True) as session:
        session.execute("ALTER TABLE auth_user DISABLE TRIGGER auth_user_audited_update")
        session.execute("DROP TRIGGER compliance_datasource_audited_delete ON compliance_datasource")

    assert {each.place for each in differences(private_demo)} == {
        "auth_user trigger of update: is missing",
        "compliance_datasource trigger of delete: is missing",
    }


def test_what_was_changed_by_a_door_is_what_the_log_says(private_demo):
    staging.grant(private_demo, "staff", private_demo.public_id)
    with private_demo.role("app"):
        user = private_demo.user("other")
        user.email = "other@tieout.example"
        user.set_password("a long enough word")
        user.save()
        user.groups.clear()

    assert differences(private_demo) == []


def test_a_table_that_was_emptied_and_filled_again_is_what_the_log_says(private_demo):
    with psycopg.connect(plugin.address(private_demo.database, "owner"), autocommit=True) as owner:
        owner.execute("TRUNCATE pricing_riskfreerate")
        owner.execute(
            "INSERT INTO pricing_riskfreerate (base_currency, series_id, series_currency) VALUES ('CAD', 'UST3M', 'EUR')"
        )

    assert differences(private_demo) == []


def test_the_tables_that_are_named_have_their_triggers_with_their_keys(empty):
    there = {table.name: table for table in rows.read_tables()}

    assert {table.name: there.get(table.name) for table in audit_check.TABLES} == {
        table.name: table for table in audit_check.TABLES
    }


def test_a_table_that_is_audited_and_not_named_is_compared_all_the_same(private_demo, superuser, monkeypatch):
    monkeypatch.setattr(audit_check, "TABLES", ())
    (row,) = superuser.execute(
        "UPDATE auth_group SET name = 'other' WHERE id = (SELECT min(id) FROM auth_group) RETURNING id"
    ).fetchone()

    assert [each.place for each in differences(private_demo)] == [f"auth_group {row}: name"]


def test_the_check_of_a_day_stores_places_without_values(private_demo, superuser, caplog):
    with private_demo.role("job"):
        before = audit_check.run(datetime.now(UTC))
        superuser.execute("UPDATE auth_user SET email = 'secret@tieout.example' WHERE username = 'other'")
        after = audit_check.run(datetime.now(UTC))
        standing = audit_check.read_standing()

    row = private_demo.user("other").pk
    assert (before.count, before.differences) == (0, [])
    assert before.rows > 100
    assert (after.count, after.differences) == (1, [f"auth_user {row}: email"])
    assert standing.differences == 1
    assert "the audit log, or what it proves, was changed" in caplog.text
    assert AuditCheck.objects.count() == 2


def test_the_command_ends_with_1_and_names_the_row(private_demo, superuser, capsys):
    with private_demo.role("job"):
        call_command("verify_audit")
        superuser.execute("UPDATE compliance_datasource SET display = 'deny' WHERE code = 'ledger'")
        with pytest.raises(CommandError, match="rows are not what the audit log says"):
            call_command("verify_audit")

    assert 'compliance_datasource ledger: display is "deny", not "attribute"' in capsys.readouterr().out
