"""Decisions are on record by the version of their time, and from it they can be derived again."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction
from prometheus_client import REGISTRY

from compliance import decision_record, registry, rights, versions
from compliance.decisions import decide
from compliance.models import DataSource, RightsDecision, RightsVersion
from compliance.terms import Use
from compliance.tests.test_decisions import USES, terms
from config import scope

EXECUTION = UUID(int=7)
ANNA = SimpleNamespace(pk=11, is_active=True)


@pytest.fixture
def registered(empty):
    with empty.role("job"):
        registry.enter_sources(
            {
                "free": terms(dict.fromkeys(USES, "attribute"), "Free"),
                "closed": terms(dict.fromkeys(USES, "deny"), "Closed"),
            },
            reason="a folder",
        )
    return empty


@pytest.fixture
def reader(registered):
    with scope.acting_as(ANNA), transaction.atomic():
        yield registered


def record(sources, use=Use.CSV, execution=EXECUTION):
    decision_record.record(rights.decide_outputs({"x": sources}, use), execution_id=execution)


def counted(provider, use, outcome):
    labels = {"provider": provider, "use": use, "outcome": outcome}
    return REGISTRY.get_sample_value("tieout_rights_decisions_total", labels) or 0.0


def test_an_export_is_on_record_whatever_was_decided(reader):
    record(["free"])
    record(["free", "closed"])

    refused, allowed = RightsDecision.objects.all()
    assert (allowed.outcome, allowed.refusing) == ("attribute", [])
    assert (refused.outcome, refused.refusing) == ("deny", ["closed"])
    assert refused.sources["closed"]["reason"] == "Closed does not allow csv"
    assert {row.user_id for row in (refused, allowed)} == {ANNA.pk}


def test_a_refused_display_is_there_once_for_each_execution_and_version_and_an_allowed_one_never(reader):
    for execution in (EXECUTION, EXECUTION, UUID(int=8)):
        record(["closed"], Use.DISPLAY, execution)
        record(["free"], Use.DISPLAY, execution)

    assert RightsDecision.objects.count() == 2


def test_a_decision_of_the_past_is_derived_again_from_its_version(registered):
    with scope.acting_as(ANNA), registered.role("job"):
        record(["free"])
        DataSource.objects.filter(code="free").update(csv="deny")
        versions.propose(reason="it ended", by=None)
        record(["free"])

        rows = list(RightsDecision.objects.all())
        again = [
            decide(
                RightsVersion.objects.get(pk=row.rights_version).as_table(),
                row.sources,
                Use(row.use),
                at=row.day,
                environment=row.environment,
            ).outcome.value
            for row in rows
        ]

    assert [row.outcome for row in rows] == again == ["deny", "attribute"]


def test_nobody_puts_a_decision_on_record_in_anothers_name_and_none_changes(reader):
    record(["free"])
    row = RightsDecision.objects.get()

    for attempt in (
        lambda: RightsDecision.objects.update(outcome="deny"),
        lambda: RightsDecision.objects.all().delete(),
        lambda: RightsDecision(
            user_id=row.user_id + 1, use="csv", outcome="allow", sources={}, refusing=[], rights_version=1, day=row.day
        ).save(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_each_answer_is_counted_once_and_a_source_that_nobody_registered_has_no_label_of_its_own(reader):
    before = counted("free", "csv", "attribute"), counted("unknown", "csv", "deny")

    rights.decide_outputs({"x": ["free", "free/SERIES"], "y": ["free", "made-up-7", "made-up-8"]}, Use.CSV)

    assert (counted("free", "csv", "attribute"), counted("unknown", "csv", "deny")) == (before[0] + 1, before[1] + 2)
    assert counted("made-up-7", "csv", "deny") == 0
