"""One good portfolio beside many of somebody else's, each with a defect of its own: the good one must not notice.

`python -m tests.isolation --portfolios 200 --seeds 20` runs it in full; tests/test_isolation.py smaller, and each kind of
defect by itself. A defect is made from a seed, which is printed.
"""

import os

PORTFOLIOS, SEEDS = 20, 1
FIRST_SEED = int(os.environ.get("TIEOUT_TEST_SEED", 0))
"""Of `make test`; the command line sets them anew."""
