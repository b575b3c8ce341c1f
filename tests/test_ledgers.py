"""Ledgers at random against the second computation of tests/ledgers; `python -m tests.ledgers --count 2000` does more of them.

The command takes new seeds and prints them; a ledger that differs is kept under var/fuzz.
"""

import pytest

from tests.ledgers import run

pytestmark = [pytest.mark.role("job")]


@pytest.mark.parametrize("batch", run.asked(), ids=str)
def test_generated_ledgers_are_what_the_second_computation_says(batch, empty, tmp_path):
    told = run.many(batch, tmp_path)

    assert not told.failures, told.summary()
