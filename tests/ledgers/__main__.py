"""`python -m tests.ledgers --count 2000`: many generated ledgers against the second computation, in batches of a database each."""

import argparse
import os
import random
import sys
from pathlib import Path

import pytest

from . import COUNT, ONLY, SEED, WITHOUT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ledgers", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="ledgers (2000)")
    parser.add_argument("--seed", type=int, help="the seed of the first; a new one without it")
    parser.add_argument("--only", default="", help="names of a batch, as g1017: those alone, to see a failure again")
    parser.add_argument("--without", default="", help="features to leave out, by the names of generator.Features")
    parser.add_argument("--processes", type=int, default=1, help="batches at once (1)")
    given = parser.parse_args()
    os.environ |= {COUNT: str(given.count), ONLY: given.only, WITHOUT: given.without}
    os.environ[SEED] = str(random.SystemRandom().randrange(10**6) * 10_000 if given.seed is None else given.seed)
    print(f"seed {os.environ[SEED]}")
    test = Path(__file__).resolve().parents[1] / "test_ledgers.py"
    parallel = ["-n", str(given.processes)] if given.processes > 1 else ["-s"]
    return int(pytest.main([str(test), "-q", "-p", "no:logging", *parallel]))


if __name__ == "__main__":
    sys.exit(main())
