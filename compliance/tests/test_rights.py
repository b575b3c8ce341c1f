"""Each output is decided by the sources that it rests on, under the version that is published now."""

import pytest

from compliance import registry, rights
from compliance.terms import Use
from compliance.tests.test_decisions import USES, terms

FREE, CLOSED = "free", "closed"


@pytest.fixture
def registered(empty):
    with empty.role("job"):
        registry.enter_sources(
            {
                FREE: terms(dict.fromkeys(USES, "attribute"), FREE),
                CLOSED: terms(dict.fromkeys(USES, "deny") | {"pdf": "watermark"}, CLOSED),
            },
            reason="a folder",
        )
    return empty


def test_each_output_is_decided_by_itself(registered):
    decision = rights.decide_outputs({"shown": [FREE], "withheld": [FREE, CLOSED], "unknown": ["unheard-of"]})

    assert decision.withheld == {"withheld": (CLOSED,), "unknown": ("unheard-of",)}


def test_each_use_is_decided_by_itself(registered):
    outputs = {"x": [CLOSED]}

    assert rights.decide_outputs(outputs, Use.CSV).withheld == {"x": (CLOSED,)}
    assert rights.decide_outputs(outputs, Use.PDF).withheld == {}
    assert rights.decide_outputs(outputs, Use.PDF).watermarks == ("their mark",)


def test_words_stand_beside_what_is_shown_only(registered):
    shown, kept = (rights.decide_outputs(outputs) for outputs in ({"x": [FREE], "y": [CLOSED]}, {"y": [FREE, CLOSED]}))

    assert [each.text for each in shown.attributions] == ["by free"]
    assert kept.attributions == ()


def test_what_was_read_from_nobody_is_withheld_by_nobody(registered):
    assert rights.decide_outputs({"x": []}).withheld == {}


def test_a_new_database_knows_the_owners_own_ledger_alone(empty):
    assert rights.decide_outputs({"x": ["ledger"], "y": ["anybody"]}).withheld == {"y": ("anybody",)}
