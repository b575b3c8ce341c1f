import argparse
import sys

import pytest

from tests import isolation


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.isolation", description=isolation.__doc__)
    parser.add_argument("--portfolios", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    isolation.PORTFOLIOS, isolation.SEEDS, isolation.FIRST_SEED = given.portfolios, given.seeds, given.first_seed
    return int(pytest.main(["tests/test_isolation.py", "-q", "-s", "-p", "no:xdist", "-k", "beside"]))


if __name__ == "__main__":
    sys.exit(main())
