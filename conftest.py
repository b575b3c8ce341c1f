"""What pytest-django would make a database by is replaced: the fixtures are in tests/plugin.py."""

import pytest

from config.log_in.hashing import BoundedArgon2PasswordHasher as Hasher

# The hasher is the service's; only its price is not: a password of a test's is worth no attacker's while.
Hasher.time_cost, Hasher.memory_cost, Hasher.parallelism = 1, 8, 1


@pytest.fixture(scope="session")
def django_db_setup(migrated):
    """The migrated database of tests.plugin."""
