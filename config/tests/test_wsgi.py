"""What a web process does before its first request."""

import pytest

from tests import tracing


@pytest.mark.servers
def test_the_engine_version_is_worked_out_before_the_first_request():
    done = tracing.python(
        "import config.wsgi\n"
        "from execution.executor.engine import engine_version\n"
        "print(engine_version.cache_info().currsize)"
    )

    assert (done.stdout.strip().splitlines()[-1:], done.returncode) == (["1"], 0), done.stderr
