"""What pytest-django would make a database by is replaced: the fixtures are in tests/plugin.py."""

import pytest


@pytest.fixture(scope="session")
def django_db_setup(migrated):
    """The migrated database of tests.plugin."""
