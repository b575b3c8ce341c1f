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
from tests.elsewhere import TURKISH, elsewhere

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("TIEOUT_REPLAYS") or 8)
SEED = os.environ["TIEOUT_TEST_SEED"]
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


def test_stored_executions_are_identical_in_a_process_elsewhere(private_demo, settings, tmp_path):
    settings.EXECUTIONS_PER_MINUTE = 1_000_000
    ids = stored(private_demo, random.Random(SEED))
    place = elsewhere(tmp_path)
    there = {
        "DATABASE_URL": plugin.address(private_demo.database, "job"),
        "LEDGER_PATH": str(plugin.ledger_of(private_demo.database)),
        "DEBUG": "1",
        **place,
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
    said = json.loads(done.stdout)
    outcomes = said["outcomes"]
    print(f"{Counter(outcomes.values())} of {COUNT} under {place['LC_ALL']}, seed {SEED}")
    assert said["half"] == ("0,5" if place["LC_ALL"] == TURKISH else "0.5")
    assert outcomes.keys() == ids.keys()
    assert {ids[each]: outcome for each, outcome in outcomes.items() if outcome != "identical"} == {}
