"""What the night has stored of a portfolio's figures is what is answered of the same pack and revision, computed anew."""

import pytest

from execution import canonical
from portfolio.models import FactorExposure, PortfolioMetrics

ANSWERED = (
    "factor", "series_id", "status", "reason", "beta", "standard_error", "t_statistic", "variance_share", "observations",
)  # fmt: skip


def of_pack(rows, answer):
    return rows.filter(pack=answer["pricing_pack_id"], revision__commit=answer["ledger_commit_hash"])


@pytest.mark.parametrize("slug", ["public", "second"])
def test_the_stored_record_is_the_one_that_is_answered(demo, slug):
    owner, portfolio_id = ("owner", demo.public_id) if slug == "public" else ("other", demo.second_id)
    answer = demo.ask(owner, portfolio_id=str(portfolio_id)).json()

    with demo.role("job"):
        stored = of_pack(PortfolioMetrics.objects.filter(portfolio=portfolio_id), answer["metadata"]).get()
    assert canonical.render(stored.record) == answer["result"]["metrics"]


@pytest.mark.parametrize("slug", ["public", "second"])
def test_the_stored_exposures_are_those_that_are_answered(demo, slug):
    owner, portfolio_id = ("owner", demo.public_id) if slug == "public" else ("other", demo.second_id)
    answer = demo.ask(owner, portfolio_id=str(portfolio_id), pattern_id="factor_exposures").json()

    with demo.role("job"):
        rows = of_pack(FactorExposure.objects.filter(portfolio=portfolio_id), answer["metadata"])
        stored = {each["factor"]: each for each in rows.values(*ANSWERED)}
    answered = {row["factor"]: row for row in answer["result"]["exposures"]["rows"]}
    assert (stored.keys(), len(stored)) == (answered.keys(), 5)
    for factor, row in answered.items():
        assert stored[factor] == {name: as_answered(row[name]) for name in ANSWERED}, factor


def as_answered(value):
    """A regression is answered to ten digits."""
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
