"""A draft decides nothing; a version is published with a reason, by a second person where asked for, and can be taken back."""

import pytest
from django.db import DatabaseError, transaction

from compliance import registry, rights, versions
from compliance.decisions import decide
from compliance.models import DataSource, Licence, RightsVersion
from compliance.terms import RightsTable, Use
from compliance.tests.test_decisions import DAY, USES, terms

pytestmark = pytest.mark.role("job")


@pytest.fixture
def stone(empty):
    registry.enter_sources({"stone": terms(dict.fromkeys(USES, "attribute"), "Stone")}, reason="a folder")
    return empty


def deny_display():
    DataSource.objects.filter(code="stone").update(display="deny")


def is_shown():
    return not rights.decide_outputs({"x": ["stone"]}).withheld


def test_an_edit_decides_once_it_is_published(stone):
    deny_display()
    assert is_shown()

    version = versions.propose(reason="the contract ended", by=7)

    assert not is_shown()
    assert (version.reason, version.proposed_by, version.published_by) == ("the contract ended", 7, 7)
    assert rights.decide_outputs({}).version == version.pk


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_version_without_a_reason_is_refused(stone, reason):
    deny_display()

    with pytest.raises(versions.ReasonMissing):
        versions.propose(reason=reason, by=7)


def test_a_draft_that_says_what_decides_is_refused(stone):
    with pytest.raises(versions.NothingChanged):
        versions.propose(reason="why not", by=7)


def test_a_second_person_publishes_where_that_is_asked_for(stone, settings):
    settings.RIGHTS_SECOND_PERSON = True
    deny_display()
    version = versions.propose(reason="the contract ended", by=7)
    assert is_shown()

    with pytest.raises(versions.SecondPersonNeeded):
        versions.publish(version, by=7)
    versions.publish(version, by=8)

    assert not is_shown()


def test_a_proposal_that_another_version_overtook_is_refused(stone, settings):
    settings.RIGHTS_SECOND_PERSON = True
    deny_display()
    version = versions.propose(reason="the contract ended", by=7)
    registry.enter_sources({"brick": terms(dict.fromkeys(USES, "deny"), "Brick")}, reason="another folder")

    with pytest.raises(versions.OvertakenVersion):
        versions.publish(version, by=8)


def test_a_version_is_taken_back_with_its_licences(stone):
    Licence.objects.create(source_id="stone", tier="t", uses=["csv"], valid_from=DAY, document="shelf 3")
    licensed = versions.propose(reason="a licence was bought", by=7)
    Licence.objects.all().delete()
    deny_display()
    versions.propose(reason="it ended", by=7)

    back = versions.take_back_to(licensed, reason="it did not", by=8)

    assert back.table == licensed.table
    assert (back.takes_back_to, back.digest) == (licensed, licensed.digest)
    assert versions.draft() == RightsTable.from_dict(licensed.table)
    assert is_shown()


def test_each_decision_of_the_past_can_be_derived_again_from_its_version(stone):
    before = RightsVersion.objects.first()
    deny_display()
    after = versions.propose(reason="the contract ended", by=7)

    tables = [RightsTable.from_dict(RightsVersion.objects.get(pk=each.pk).table) for each in (before, after)]
    assert [decide(table, ["stone"], Use.DISPLAY, at=DAY).outcome.value for table in tables] == ["attribute", "deny"]


@pytest.mark.parametrize("change", [{"table": {}}, {"published_at": None}, {"reason": "other"}])
def test_nothing_of_a_published_version_changes(stone, change):
    with pytest.raises(DatabaseError), transaction.atomic():
        RightsVersion.objects.update(**change)


def test_what_differs_is_told_by_row_and_field(stone):
    before = versions.draft()
    deny_display()
    Licence.objects.create(pk=5, source_id="stone", tier="t", uses=["csv"], valid_from=DAY, document="shelf 3")

    changes = versions.compare(before, versions.draft())

    told = {(each.row, each.field): (each.before, each.after) for each in changes}
    assert told["stone", "display"] == ("attribute", "deny")
    assert told["licence 5", "document"] == (None, "shelf 3")
