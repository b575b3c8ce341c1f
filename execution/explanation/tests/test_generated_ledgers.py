"""Figures of generated ledgers, unlike the demo's: deals in other currencies, splits, moves, pools, deposits from elsewhere."""

import json
import random

import pytest

from execution import executor, explanation
from execution.explanation.tests.arithmetic import is_same, recombine
from execution.explanation.tests.test_estimates import one_of_each_kind
from tests.ledgers import generator, markets, product, run

pytestmark = [pytest.mark.slow, pytest.mark.role("job")]
MARKET = 2
LEDGERS = (2002, 2003)
"""The first has lots bought in one currency and held in another, the second sales from several lots."""
MOST_FIGURES = 60
"""Of an answer: one of each kind, of these some."""


def test_figures_come_out_of_the_numbers_that_they_name(empty, tmp_path):
    market = markets.make(MARKET)
    policy = product.prepare(market, tmp_path / "market")
    product.take_in(run.neighbour(), policy)
    product.night(policy, market.pack_days[0], market.pack_days[-1])
    portfolios = [product.take_in(generator.generate(seed, market, market_seed=MARKET), policy) for seed in LEDGERS]
    product.night(policy, market.pack_days[-1], market.pack_days[-1], restates="ledgers have come")
    checked = 0

    for portfolio in portfolios:
        for pattern in ("portfolio_overview", "portfolio_tax_report"):
            request = executor.Request(pattern, {}, portfolio_id=portfolio.pk)
            served = executor.execute(request, user=portfolio.owner)
            figures = one_of_each_kind(served.result)
            for path, value in random.Random(pattern).sample(figures, min(MOST_FIGURES, len(figures))):
                told = json.loads(json.dumps(explanation.explain(served.execution_id, path, user=portfolio.owner)))
                assert value is None or is_same(told["value"], value), path
                recombine(told, path)
                checked += 1

    assert checked > 3 * MOST_FIGURES / 2
