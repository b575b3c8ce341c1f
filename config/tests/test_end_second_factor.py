"""`manage.py end_second_factor`: whoever has lost all codes begins anew."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from config.log_in import second_factor
from tests.plugin import code_of


def run(*words):
    out = StringIO()
    call_command("end_second_factor", *words, stdout=out)
    return out.getvalue().strip()


def test_it_ends_the_factor_of_one_user_alone(empty):
    users = [get_user_model().objects.create_user(name) for name in ("anna", "ben")]
    for user in users:
        device = second_factor.begin(user)
        assert second_factor.confirm(device, code_of(device))

    with empty.role("job"):
        told = [run("anna"), run("anna"), run("anna", "--json")]

    assert told[:2] == ["anna has no second factor any more", "anna had no second factor"]
    assert '"ended": false' in told[2]
    assert [second_factor.has_one(user) for user in users] == [False, True]
    assert [second_factor.count_recovery_codes(user) for user in users] == [0, 8]


def test_a_user_that_is_not_there_is_named(empty):
    with pytest.raises(CommandError, match="there is no user nobody"):
        run("nobody")
