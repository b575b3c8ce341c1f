"""Each day of the demo opens in each pattern, or says in a sentence why not. `python -m tests.demo_walk` goes through all days."""

import os
import random

import pytest

from tests import demo_walk

DAYS = int(os.environ.get("TIEOUT_WALK_DAYS") or 40)
SEED = os.environ["TIEOUT_TEST_SEED"]
"""A run has days of its own; the seed is printed by a failure, and makes the same days again."""
PARTS = 4 if DAYS <= 100 else 64


@pytest.mark.role("job")
@pytest.mark.parametrize("part", range(PARTS))
def test_a_day_opens_or_says_why_not(part, demo, record_property):
    days = demo_walk.pack_days()
    chosen = sorted(random.Random(SEED).sample(days, min(DAYS, len(days))))[part::PARTS]

    visits = demo_walk.walk(chosen)

    record_property("visits", [[each.key, each.seconds, each.sentence] for each in visits])
    wrong = [str(each) for each in visits if not each.is_answer]
    assert visits
    assert not wrong, "\n".join([f"seed {SEED}, {len(wrong)} of {len(visits)}:", *wrong[:20]])
