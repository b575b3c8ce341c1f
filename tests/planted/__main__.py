import argparse
import sys

import pytest

from tests import planted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=planted.__doc__)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    planted.CHANGES, planted.FIRST_SEED = given.changes, given.first_seed
    return int(pytest.main(["execution/comparison/tests/test_planted.py", "-q", "-s", "-p", "no:xdist"]))


if __name__ == "__main__":
    sys.exit(main())
