"""A series of FRED that is new here gets the rights that its copyright tag says, and keeps those that somebody decided."""

from datetime import date

import pytest

from compliance import registry
from compliance.models import DataSource
from compliance.terms import Outcome, Use
from execution.operations.intake import market_data
from pricing.providers import fetching
from pricing.providers.conversation import Fetched

pytestmark = [pytest.mark.usefixtures("empty"), pytest.mark.role("job")]


@pytest.fixture
def fetched(monkeypatch):
    """What a fetch brought of series that are new, with these tags."""

    def fetch(**tags):
        outcome = Fetched("fred", date(2020, 1, 1), date(2020, 1, 2), copyrights=tags)
        monkeypatch.setattr(fetching, "fetch", lambda **question: outcome)
        return market_data.fetch_market_data(provider="fred")

    return fetch


def uses_of(code):
    row = DataSource.objects.get(code=code)
    return {use: Outcome(getattr(row, use.value)) for use in Use}


def test_the_public_domain_is_free_with_the_source_named(fetched):
    fetched(NEWSERIES="public domain: citation requested")

    assert set(uses_of("fred/NEWSERIES").values()) == {Outcome.ATTRIBUTE}


def test_what_wants_a_citation_is_shown_and_filed_and_given_to_no_model(fetched):
    fetched(NEWSERIES="copyrighted: citation required")

    uses = uses_of("fred/NEWSERIES")
    assert uses[Use.CSV] is Outcome.ATTRIBUTE
    assert (uses[Use.REDISTRIBUTE], uses[Use.AGENT]) == (Outcome.LICENCE_REQUIRED, Outcome.DENY)


@pytest.mark.parametrize("tag", ["copyrighted: pre-approval required", "some rights"])
def test_what_wants_an_approval_or_is_not_understood_stays_as_the_host_is(fetched, tag):
    fetched(NEWSERIES=tag)

    assert not DataSource.objects.filter(code="fred/NEWSERIES").exists()


def test_a_right_that_stands_is_not_changed(fetched):
    registry.load()

    fetched(BAA10Y="public domain: citation requested")

    assert uses_of("fred/BAA10Y")[Use.CSV] is Outcome.LICENCE_REQUIRED
