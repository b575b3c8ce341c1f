"""Every edit of the stored history is named, whatever row and column it is in; of one that ties out nothing is."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from django.core.management import CommandError, call_command

from execution.models import HistoryCheck
from execution.night import history_check
from execution.tests import staging
from portfolio.books.loading import EVENT_COLUMNS, LOT_COLUMNS, MATCH_COLUMNS
from portfolio.performance.daily_values import NUMBERS
from pricing.models import PricingPolicy
from tests import plugin

TABLES = {
    "transaction": ("portfolio_transaction", (*EVENT_COLUMNS, "digest")),
    "lot": ("portfolio_lot", LOT_COLUMNS),
    "matched lot": ("portfolio_matchedlot", MATCH_COLUMNS),
}
EDITS = [(name, column) for name, (_, columns) in TABLES.items() for column in columns]
NAMING = {"entry_id", "opened_by", "security", "account", "valid_from"}
"""Columns that a row is named by: after an edit one row is missing, and another was put in."""
CHANGE = {
    "numeric": "coalesce({0}, 0) + 1",
    "integer": "{0} + 1000",
    "bigint": "(SELECT id FROM pricing_security WHERE id IS DISTINCT FROM {0} ORDER BY id LIMIT 1)",
    "date": "coalesce({0}, '2020-01-01') + 1",
    "boolean": "NOT {0}",
    "jsonb": """{0} || '[{{"currency": "USD", "acquired": "2003-01-02", "fx": null, "cost": "1", "fee": "0"}}]'""",
}


def differences(world, *, part=None):
    with world.role("job"):
        return list(history_check.find_differences(PricingPolicy.objects.get(), part=part))


def test_a_history_that_nobody_touched_ties_out(demo):
    assert differences(demo) == []


@pytest.mark.parametrize("share", range(3))
def test_every_column_of_every_row_is_looked_at(private_demo, share):
    """Each column is edited in a row of its own, a third of them at once; the check names each."""
    edits = EDITS[share::3]
    with psycopg.connect(plugin.address(private_demo.database, "postgres"), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        edited = {}
        for name, column in edits:
            table, _ = TABLES[name]
            (kind,) = session.execute(
                "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
                [table, column],
            ).fetchone()
            change = CHANGE.get(kind, "overlay({0} placing '~' from 1 for 1)").format(column)
            public = "(SELECT id FROM portfolio_portfolio WHERE slug = 'public')"
            (row,) = session.execute(
                f"SELECT id FROM {table} WHERE portfolio_id = {public} AND removed_in IS NULL AND id <> ALL(%s)"
                " ORDER BY id LIMIT 1",
                [[row for (table_name, _), row in edited.items() if table_name == name]],
            ).fetchone()
            session.execute(f"UPDATE {table} SET {column} = {change} WHERE id = %s", [row])
            edited[name, column] = row

    found = differences(private_demo)

    named = {(each.table, each.column) for each in found}
    expected = {(name, column.replace("security_id", "security")) for name, column in edits}
    by_name = {(name, column) for name, column in expected if column in NAMING}
    assert expected - by_name - named == set()
    assert len([each for each in found if not each.column]) >= 2 * len(by_name) - 2


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        ("DELETE FROM {table} WHERE id = {row}", "is missing"),
        ("UPDATE {table} SET removed_in = introduced_in + 1 WHERE id = {row}", "is missing"),
        (
            "CREATE TEMP TABLE copied AS SELECT * FROM {table} WHERE id = {row};"
            " UPDATE copied SET id = (SELECT max(id) + 1 FROM {table}), {name} = 'put-in';"
            " INSERT INTO {table} SELECT * FROM copied; DROP TABLE copied",
            "was put in",
        ),
    ],
)
def test_rows_that_go_or_come_are_named(private_demo, edit, found):
    staging.amend_ledger(private_demo, "; a comment\n")
    with psycopg.connect(plugin.address(private_demo.database, "postgres"), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        for table, _ in TABLES.values():
            row = (
                f"(SELECT id FROM {table} WHERE portfolio_id = (SELECT id FROM portfolio_portfolio WHERE slug = 'public')"
                " AND removed_in IS NULL ORDER BY id LIMIT 1 OFFSET 7)"
            )
            name = "opened_by" if table == "portfolio_lot" else "entry_id"
            session.execute(edit.format(table=table, row=row, name=name))

    named = {each.table: each.place for each in differences(private_demo) if each.table in TABLES}

    assert named.keys() == TABLES.keys()
    assert {place.rpartition(": ")[2] for place in named.values()} == {found}


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize("offset", [0, 3])
def test_a_daily_value_that_was_edited_is_named_wherever_it_lies(after_night, column, offset):
    row = f"(SELECT id FROM portfolio_dailyvalue ORDER BY date LIMIT 1 OFFSET {offset})"
    staging.by_force(after_night, f"UPDATE portfolio_dailyvalue SET {column} = {column} + 1 WHERE id = {row}")

    (difference,) = differences(after_night)

    assert (difference.table, difference.column) == ("daily value", column)
    assert Decimal(difference.stored) == Decimal(difference.expected) + 1


@pytest.mark.parametrize("column", ["error_bp", "ledger_value", "database_value", "compared"])
def test_a_reconciliation_that_was_edited_is_named(after_night, column):
    row = "(SELECT id FROM portfolio_reconciliation ORDER BY pack_id LIMIT 1)"
    staging.by_force(after_night, f"UPDATE portfolio_reconciliation SET {column} = {column} + 1 WHERE id = {row}")

    (difference,) = differences(after_night)

    assert (difference.table, difference.column) == ("reconciliation", column)


@pytest.mark.parametrize(
    ("edit", "column"),
    [
        ("currency = 'CHF'", "currency"),
        ("multiplier = 100", "factor"),
        ("quote_unit = 'percent_of_nominal'", "factor"),
        ("price_basis = 'split_adjusted'", "price_basis"),
    ],
)
def test_a_security_is_compared_with_what_was_sealed_of_it(after_night, edit, column):
    staging.by_force(
        after_night, f"UPDATE pricing_security SET {edit} WHERE id = (SELECT min(security_id) FROM pricing_packprice)"
    )

    with after_night.role("job"):
        check = history_check.run(date(2013, 3, 4))

    assert [place.rpartition(": ")[2] for place in check.differences if place.startswith("security ")] == [column]


def test_a_tree_that_is_not_that_of_the_commit_is_named(after_night):
    staging.by_force(after_night, "UPDATE portfolio_ledgerrevision SET tree_hash = repeat('a', 40)")

    assert {(each.table, each.column) for each in differences(after_night)} == {("revision", "tree_hash")}


def test_the_setting_that_lots_were_made_by_is_compared(after_night):
    staging.by_force(after_night, "UPDATE portfolio_portfolio SET booking_method = 'HIFO'")

    assert ("revision", "booking_method") in {(each.table, each.column) for each in differences(after_night)}


def test_rows_that_only_older_revisions_have_are_derived_too(private_demo):
    deposit = """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD   {} CAD
  Equity:External
"""
    staging.amend_ledger(private_demo, deposit.format(100))
    staging.amend_ledger(private_demo, deposit.format(200))
    staging.by_force(
        private_demo,
        "UPDATE portfolio_transaction SET amount = 7 WHERE entry_id = 'T999999' AND removed_in IS NOT NULL",
    )

    found = [str(each) for each in differences(private_demo)]

    assert found == ["transaction T999999: amount is 7, not 100"]


def test_a_week_looks_at_everything(after_night):
    staging.by_force(
        after_night,
        "UPDATE portfolio_transaction SET fee = coalesce(fee, 0) + 1"
        " WHERE id = (SELECT id FROM portfolio_transaction ORDER BY id LIMIT 1)",
    )

    with after_night.role("job"):
        checks = [history_check.run(date(2013, 3, day)) for day in range(4, 11)]
        again = history_check.run(date(2013, 3, 4))
        standing = history_check.read_standing()

    assert [check.part for check in checks] == [(checks[0].part + number) % 7 for number in range(7)]
    assert sum(check.portfolios for check in checks) == 1
    assert (standing.differences, again) == (sum(check.count for check in checks), None)
    assert sum(check.count for check in checks) >= 1


def test_a_check_whose_process_died_is_made_again(after_night):
    with after_night.role("job"):
        HistoryCheck.objects.create(day=date(2013, 3, 4), part=2)
        check = history_check.run(date(2013, 3, 4))

    assert check.finished_at is not None


def test_what_is_stored_of_a_difference_has_no_value(after_night):
    staging.by_force(after_night, "UPDATE portfolio_transaction SET amount = 123456.78, note = 'secret'")

    with after_night.role("job"):
        for day in range(1, 8):
            history_check.run(date(2013, 3, day))

    text = str(list(HistoryCheck.objects.values_list("differences", flat=True)))
    assert "amount" in text
    assert "123456" not in text
    assert "secret" not in text


def test_a_folder_that_is_gone_is_named_and_keeps_nobody_from_being_checked(private_demo):
    staging.by_force(
        private_demo,
        "UPDATE portfolio_ledgerrevision SET commit = repeat('b', 40)"
        " WHERE portfolio_id = (SELECT id FROM portfolio_portfolio WHERE slug = 'second')",
    )
    staging.by_force(
        private_demo,
        "UPDATE portfolio_transaction SET tax = 5 WHERE id = (SELECT min(id) FROM portfolio_transaction WHERE portfolio_id ="
        " (SELECT id FROM portfolio_portfolio WHERE slug = 'public'))",
    )

    found = differences(private_demo)

    assert ("ledger", "second") in {(each.table, each.row) for each in found}
    assert ("transaction", "tax") in {(each.table, each.column) for each in found}


def test_the_command_names_each_difference_and_ends_with_1(after_night, capsys):
    staging.by_force(
        after_night,
        "UPDATE portfolio_transaction SET note = 'another' WHERE id = (SELECT min(id) FROM portfolio_transaction)",
    )

    with after_night.role("job"), pytest.raises(CommandError, match="ledger and database differ"):
        call_command("verify_ledger")

    assert ": note is another, not " in capsys.readouterr().out
