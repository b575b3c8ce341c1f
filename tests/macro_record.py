"""`python -m tests.macro_record`: figures of docs/macro.md, market-data.md and texts.md computed anew, beside their goals.

Of regime, limits, scenarios, filings and texts, with the seed. It needs the real data (TIEOUT_DATA), and takes some minutes.
"""

import argparse
import os
import sys
from collections.abc import Iterator

import numpy as np

Line = tuple[str, float, str, bool]
"""What it is, the figure, its goal, whether it is met."""
WINDOWS = (5, 10, 15, 20, 25, 30)


def regimes() -> Iterator[Line]:
    from portfolio.tests import test_regimes  # models want their settings first: so in all of these

    true = test_regimes.is_recession()
    said = test_regimes.contractions()
    yield "regime: hits of 28", float(said[true].sum()), "", True
    yield f"regime: false months of {int((~true).sum())}", float(said[~true].sum()), "", True
    accuracy = test_regimes.balanced_accuracy(said, true)
    yield "regime: balanced accuracy", accuracy, ">= 0.80", accuracy >= 0.80
    left_out = test_regimes.without_the_recession_judged(WINDOWS)
    accuracy = test_regimes.balanced_accuracy(left_out, true)
    yield "regime: balanced accuracy, leave one recession out", accuracy, ">= 0.80", accuracy >= 0.80
    constant = test_regimes.balanced_accuracy(np.zeros(len(true), dtype=bool), true)
    yield "regime: always expansion", constant, "", True


def limits(seed: int, series: int) -> Iterator[Line]:
    from portfolio.tests import test_drawdown_at_risk

    for rate, verdict in test_drawdown_at_risk.PLANTED:
        right = test_drawdown_at_risk.right_verdicts(rate, verdict, series=series, seed=seed) / series
        yield f"limit: true rate {rate:.1%}, verdict right in {series} series", right, ">= 0.95", right >= 0.95


def scenarios() -> Iterator[Line]:
    from portfolio.tests import test_scenarios

    for first, last in test_scenarios.CRISES:
        held, covered = test_scenarios.coverage(first, last)
        yield f"scenario: {first[:7]}, {held} holdings in the interval", covered, ">= 0.80", covered >= 0.80


def filed(seed: int, dates: int) -> Iterator[Line]:
    from pricing.tests import filings

    early, checked = filings.figures_before_their_filing(seed=seed, dates=dates)
    yield f"fundamentals: figures of {checked} on {dates} dates before they were filed", early, "0", early == 0


def texts(seed: int, count: int) -> Iterator[Line]:
    from agents.tests import test_claude

    passed = len(test_claude.passing(seed=seed, count=count))
    yield f"texts: of {count} adversarial ones passed", passed, "0", passed == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.macro_record", description=__doc__)
    parser.add_argument("--seed", type=int, default=18, help="of limits, filings and texts (18)")
    parser.add_argument("--series", type=int, default=200, help="planted series of each rate (200)")
    parser.add_argument("--texts", type=int, default=10_000, help="adversarial texts (10,000)")
    parser.add_argument("--dates", type=int, default=10_000, help="random dates of filings (10,000)")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    met = True
    for lines in (
        texts(given.seed, given.texts),
        filed(given.seed, given.dates),
        regimes(),
        scenarios(),
        limits(given.seed, given.series),
    ):
        for what, figure, goal, is_met in lines:
            met = met and is_met
            print(f"{what:70} {figure:10.4g}  {goal:8} {'' if is_met else 'MISSED'}", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    from config import embedded

    embedded.provide("app")
    try:
        django.setup()
        sys.exit(main())
    finally:
        embedded.release()
