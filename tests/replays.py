"""`python -m tests.replays`: replay the executions whose ids are on standard input, a line each, and say what came of each,
and how one half is written here.

It is started by tests/test_replays.py, in a process whose time zone, locale and hash seed are others than those of the process
that computed them.
"""

import json
import locale
import os
import sys
from collections.abc import Iterable
from uuid import UUID

import django


def replay(ids: Iterable[str]) -> dict[str, str]:
    """Id -> identical, or the failure in words."""
    from execution import executor
    from execution.models import Execution

    outcomes = {}
    for execution_id in ids:
        stored = Execution.objects.select_related("user").get(pk=execution_id)
        try:
            served = executor.replay(UUID(execution_id), user=stored.user)
        except (executor.NotReproduced, executor.DifferentEngine) as differs:
            outcomes[execution_id] = str(differs)
        else:
            is_same = served.metadata["result_hash"] == stored.result_hash
            outcomes[execution_id] = "identical" if is_same else "another hash"
    return outcomes


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    locale.setlocale(locale.LC_ALL, "")
    django.setup()
    outcomes = replay(line.strip() for line in sys.stdin if line.strip())
    json.dump({"outcomes": outcomes, "half": locale.str(0.5)}, sys.stdout)
