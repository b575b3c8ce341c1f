"""Ledgers at random against the second computation of tests/ledgers; `python -m tests.ledgers --count 2000` does more of them.

Each run has new ones, from the seed that its header prints; a ledger that differs is kept under var/fuzz.
"""

import pytest

from tests.ledgers import run

pytestmark = [pytest.mark.role("job")]


@pytest.mark.parametrize("batch", run.batches(), ids=str)
def test_generated_ledgers_are_what_the_second_computation_says(batch, empty, tmp_path):
    report = run.many(batch, tmp_path)

    assert not report.failures, report.summary()
