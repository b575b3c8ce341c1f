"""What pytest-django would make a database by is replaced: the fixtures are in tests/plugin.py."""

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

# The hasher is the service's; only its price is not: a password of a test's is worth no attacker's while.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1


@pytest.fixture(scope="session")
def django_db_setup(migrated):
    """The migrated database of tests.plugin."""
