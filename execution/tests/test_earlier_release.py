"""A database of an earlier release: the demo and the doctor say in one line what to do, or do it."""

import os
import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config import doctor, embedded
from execution.executor.engine import engine_version
from execution.operations import demo
from execution.tests import staging
from tests import plugin


def take_back(world, room, migration):
    """The schema as it was after an earlier migration of a room."""
    with world.role("owner"):
        call_command("migrate", room, migration, verbosity=0)


@pytest.fixture
def child_of(monkeypatch):
    """Lets a child process find the test's database."""

    def point(world):
        address = plugin.address(world.database, "owner")
        monkeypatch.setattr(embedded, "child_environment", lambda: os.environ | {"DATABASE_OWNER_URL": address})

    return point


def test_the_doctor_names_the_first_migration_that_is_missing(empty, capsys):
    take_back(empty, "portfolio", "0005")

    with pytest.raises(SystemExit) as ended:
        call_command("doctor")

    assert ended.value.code == 1
    line = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"migrations: \d+ not applied, first portfolio\.0006_settings; run `manage\.py migrate`", line)


def test_the_demo_applies_the_migrations_that_are_missing(empty, child_of):
    take_back(empty, "execution", "0002")
    child_of(empty)

    demo.migrate(lambda what, done, total: None)

    assert doctor.find_faults() == []


def test_a_migration_that_does_not_fit_the_database_ends_the_demo_in_one_line(empty, child_of):
    with empty.role("owner"):
        graph = MigrationLoader(connection).graph
        (newest,) = graph.leaf_nodes("execution")
        for name in [each for each in graph.forwards_plan(newest) if each[0] == "execution"][-2:]:
            MigrationRecorder(connection).record_unapplied(*name)  # one of them adds a column, which is there
    child_of(empty)

    with pytest.raises(demo.DemoFailed) as failed:
        demo.migrate(lambda what, done, total: None)

    assert str(failed.value).startswith("migrate: it broke by a fault of this program (ProgrammingError)")
    assert str(failed.value).endswith("; if the database is of another release, begin anew with `make clean`")
    assert "\n" not in str(failed.value)


def test_migrations_of_another_release_are_named_and_the_database_is_left_alone(empty, capsys):
    with empty.role("owner"):
        MigrationRecorder(connection).record_applied("config", "0002_grants")

    with pytest.raises(demo.DemoFailed) as failed:
        demo.migrate(lambda *what: pytest.fail("it began to migrate"))
    with pytest.raises(SystemExit):
        call_command("doctor")

    assert str(failed.value) == (
        "migrations: the database is of another release, config.0002_grants is not known here;"
        " begin anew with `make clean`, or use that release"
    )
    assert capsys.readouterr().err.splitlines()[0] == str(failed.value)


@pytest.mark.role("job")
def test_what_an_earlier_engine_computed_is_computed_again(asked_demo, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "LOG_INS", tmp_path / "demo-users.json")
    staging.by_force(asked_demo, "UPDATE execution_execution SET engine_version = '0.0.9+old', key = repeat('0', 64)")

    shown = demo.run(progress=lambda what, done, total: None)

    assert shown.served.metadata["engine_version"] == engine_version()
    assert not shown.served.metadata["cached"]
    assert shown.served.result["valued_positions"]["total_value"] == "756411.71"
