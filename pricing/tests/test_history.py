"""A history is read as packed bytes; it is what the rows say one by one."""

import numpy as np
import pytest

from pricing import market, packs
from pricing.models import PackPrice, PackRate
from pricing.tests import folders, market_data

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]


@pytest.fixture
def head(tmp_path):
    """The newest of six packs, with a split, a stale close, a price in pence and a correction of an older day."""
    policy = market_data.loaded(tmp_path)
    day = market_data.build(policy)[2].asof_date
    market_data.loaded(tmp_path, {"prices.csv": folders.SMALL["prices.csv"].replace("OAK,51.25,", "OAK,51.3,")})
    market_data.build(policy, day, day, run=market_data.OTHER_RUN, restate_reason="correction")
    return packs.reseal(policy=policy, run=market_data.OTHER_RUN)


def test_closes_are_those_of_the_rows(head):
    seen = market.history(head)

    cells = {
        (day, column): (float(row.close * row.factor), row.observed_date)
        for day, pack_id in enumerate(seen.pack_ids)
        for row in PackPrice.objects.filter(content=packs.find(pack_id=pack_id).content)
        for column in [seen.security(row.security_id)]
    }
    assert len(cells) > len(seen.pack_ids)
    for place in np.ndindex(seen.close.shape):
        close, observed_date = cells.get(place, (None, None))
        assert (None if np.isnan(seen.close[place]) else seen.close[place]) == close
        assert seen.observed[place].item() == observed_date


def test_rates_and_sources_are_those_of_the_rows(head):
    seen = market.history(head)

    for day, pack_id in enumerate(seen.pack_ids):
        rates = PackRate.objects.filter(content=packs.find(pack_id=pack_id).content)
        assert {row.quote: 1 / float(row.rate) for row in rates} == {
            currency: rate
            for currency, rate in zip(seen.currencies[1:], seen.fx_to_pivot[day, 1:].tolist(), strict=True)
            if not np.isnan(rate)
        }
    contents = [packs.find(pack_id=pack_id).content for pack_id in seen.pack_ids]
    for security_id, sources in zip(seen.security_ids, seen.close_sources, strict=True):
        rows = PackPrice.objects.filter(content__in=contents, security=security_id)
        assert set(rows.values_list("source", flat=True)) == set(sources)
