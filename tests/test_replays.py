"""Stored executions are computed again, byte for byte, in a fresh process elsewhere in the world.

TIEOUT_REPLAYS is how many; `make fuzz` replays 1,000.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from config import env
from execution.patterns import publishing
from tests import demo_walk, plugin
from tests.test_reproducibility import other_locale

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("TIEOUT_REPLAYS") or 8)
SEED = os.environ["TIEOUT_TEST_SEED"]
ELSEWHERE = {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4711"}
ASKED = sorted({name.removesuffix(".json") for name in publishing.read_library()} - {"holding_deep_dive"})
"""Each pattern that needs no input beside the portfolio."""


def stored(demo, random):
    """Ids of executions of any pattern as of any day, each another one."""
    with demo.role("job"):
        days = demo_walk.pack_days()
    ids = {}
    while len(ids) < COUNT:
        asked = random.choice(ASKED), random.choice(days).isoformat()
        answer = demo.ask(pattern_id=asked[0], asof_date=asked[1])
        if answer.status_code == 200:
            ids[answer.json()["execution_id"]] = asked
        else:  # so early that there is nothing, as of a tax year
            assert answer.status_code < 500, (asked, answer.content)
    return ids


def test_stored_executions_are_identical_in_a_process_elsewhere(private_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = 1_000_000
    ids = stored(private_demo, random.Random(SEED))
    there = {
        "DATABASE_URL": plugin.address(private_demo.database, "job"),
        "LEDGER_PATH": str(plugin.ledger_of(private_demo.database)),
        "DEBUG": "1",
        "LC_ALL": other_locale(),
        **ELSEWHERE,
    }

    done = subprocess.run(
        [sys.executable, "-m", "tests.replays"],
        cwd=env.PROJECT,
        env=os.environ | there,
        input="\n".join(ids),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = json.loads(done.stdout)
    print(f"{Counter(outcomes.values())} of {COUNT}, seed {SEED}")
    assert outcomes.keys() == ids.keys()
    assert {ids[each]: said for each, said in outcomes.items() if said != "identical"} == {}
