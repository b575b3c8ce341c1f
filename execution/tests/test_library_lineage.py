"""Each output of the shipped patterns names every source that it rests on.

Every security, currency, action and series of the demo gets a source of its own. Then the rows of one source at a time are
changed: an output that comes out otherwise rests on it, and has to say so.
"""

import json
from typing import Final

import pytest

from config import scope
from execution.executor import computation, planning
from execution.executor.provider_calls import ProviderCalls
from execution.executor.request import Request
from execution.operations import demo as verb
from execution.patterns import publishing, versions
from execution.tests import staging
from portfolio.models import Lot, Portfolio
from pricing.models import PackAction, PackObservation, PackPrice, PackRate
from tests.plugin import role

OWN_SOURCES: Final = (
    "UPDATE pricing_packprice SET source = 'price-' || security_id",
    "UPDATE pricing_packrate SET source = 'rate-' || quote",
    "UPDATE pricing_packaction SET source = 'action-' || security_id",
)
CHANGES: Final = {
    "price": "UPDATE pricing_packprice SET close = close * (1 + (content_id %% 7) / 100.0) WHERE source = %s",
    "rate": "UPDATE pricing_packrate SET rate = rate * (1 + (content_id %% 7) / 100.0) WHERE source = %s",
    "action": "UPDATE pricing_packaction SET amount = amount * 3, ratio = ratio * 2 WHERE source = %s",
    "series": "UPDATE pricing_packobservation SET value = value * (1.1 + (content_id %% 7) / 100.0) WHERE series_id = %s",
}
"""Kind of rows -> how those of one source are changed: on each day otherwise, so that returns change too."""
FORGET: Final = """UPDATE pricing_pricingpack
    SET sealed_at = sealed_at + interval '1 second', chain_hash = md5(chain_hash) || md5(id)"""
"""What is kept in memory of packs is kept by their seals."""


@pytest.fixture
def told_apart(private_demo, monkeypatch):
    """The demo with its benchmark and a source for all that its packs hold. Its packs are not what was sealed."""
    with role("job"):
        Portfolio.objects.update(benchmark=verb.make_benchmark())
    for statement in (*OWN_SOURCES, FORGET):
        staging.by_force(private_demo, statement)
    monkeypatch.setattr(computation.packs, "require_intact", lambda *, pack: None)
    return private_demo


def requests(portfolio, security_id):
    for document in publishing.read_library().values():
        inputs = {"security_id": security_id} if "security_id" in document["inputs"] else {}
        yield Request(document["id"], inputs, portfolio_id=portfolio if "portfolio_id" in document["inputs"] else None)


def outputs(world, security_id):
    """(pattern, output) -> its bytes and its sources."""
    found = {}
    for slug in ("public", "second"):
        portfolio = Portfolio.objects.select_related("owner").get(slug=slug)
        for request in requests(portfolio.pk, security_id[slug]):
            with scope.acting_as(portfolio.owner):
                version = versions.current_version(request.pattern_id)
                plan = planning.prepare_version(version, versions.parse_version(version), request)
                computed = computation.compute(plan, ProviderCalls())
            for output, value in json.loads(computed.text).items():
                found[slug, request.pattern_id, output] = json.dumps(value), set(computed.sources[output])
    return found


@pytest.mark.slow
@pytest.mark.role("job")
def test_an_output_that_a_source_changes_names_it(told_apart):
    held = {
        lot.portfolio.slug: lot.security_id for lot in Lot.objects.select_related("portfolio").order_by("valid_from")
    }
    changed = [
        *(("price", f"price-{each}") for each in ids(PackPrice, "security_id")),
        *(("rate", f"rate-{each}") for each in ids(PackRate, "quote")),
        *(("action", f"action-{each}") for each in ids(PackAction, "security_id")),
        *(("series", each) for each in ids(PackObservation, "series_id")),
    ]
    before, silent, rests = outputs(told_apart, held), set(), set()

    for kind, code in changed:
        staging.by_force(told_apart, CHANGES[kind], [code])
        staging.by_force(told_apart, FORGET)
        after = outputs(told_apart, held)
        for output, (text, sources) in after.items():
            if text != before[output][0]:
                rests.add(kind)
                named = {each.rpartition("/")[2] for each in before[output][1] | sources}
                silent |= {(*output, code)} if code not in named else set()
        before = after

    assert rests == set(CHANGES)
    assert silent == set()


def ids(model, field):
    return sorted(set(model.objects.values_list(field, flat=True)))
