"""What may be shown follows from the sources that were read: the strictest wins, the unknown allows nothing."""

from itertools import combinations

import pytest

from compliance import rights
from compliance.models import DataSource, RightsVersion

YES, NO, ASK = "free", "closed", "asked"
WORDS = {YES: "yes", NO: "no", ASK: "ask"}


def source(code, display):
    rest = dict.fromkeys(("export_csv", "export_pdf", "redistribute"), "no")
    return {"code": code, "name": code, "attribution": f"by {code}", "terms": "t", "display": display, **rest}


@pytest.fixture
def registered(empty):
    with empty.role("job"):
        rights.record(source(code, display) for code, display in WORDS.items())
    return empty


def test_the_strictest_source_of_an_output_decides_for_all_sets_of_sources(registered):
    codes = (YES, NO, ASK, "unheard-of")
    sets = [chosen for size in range(len(codes) + 1) for chosen in combinations(codes, size)]

    decision = rights.decide({str(chosen): chosen for chosen in sets})

    for chosen in sets:
        denying = tuple(sorted(set(chosen) - {YES}))
        assert decision.withheld.get(str(chosen), ()) == denying


def test_one_more_source_never_loosens_the_decision(registered):
    codes = (YES, NO, ASK, "unheard-of")

    for size in range(len(codes)):
        for chosen in combinations(codes, size):
            before = rights.decide({"x": chosen}).withheld.get("x", ())
            for extra in codes:
                assert set(rights.decide({"x": (*chosen, extra)}).withheld.get("x", ())) >= set(before)


def test_each_output_is_decided_by_itself(registered):
    decision = rights.decide({"shown": [YES], "withheld": [YES, NO]})

    assert decision.withheld == {"withheld": (NO,)}


def test_words_stand_beside_what_is_shown_only(registered):
    assert rights.decide({"shown": [YES], "withheld": [NO]}).attributions == ("by free",)
    assert rights.decide({"withheld": [YES, NO]}).attributions == ()


def test_what_was_read_from_nobody_is_withheld_by_nobody(registered):
    decision = rights.decide({"x": []})

    assert (decision.withheld, decision.attributions) == ({}, ())


@pytest.mark.role("job")
def test_a_change_of_a_right_opens_a_version_and_no_change_opens_none(registered):
    first = rights.decide({}).version

    same = rights.record([source(YES, "yes")])
    other = rights.record([source(YES, "no")])

    assert same == first
    assert other > first
    assert rights.decide({}).version == other
    assert DataSource.objects.get(pk=YES).display == "no"


@pytest.mark.role("job")
def test_a_right_given_back_is_a_version_of_its_own(registered):
    first = rights.decide({}).version

    rights.record([source(YES, "no")])
    back = rights.record([source(YES, "yes")])

    assert back > first
    assert RightsVersion.objects.get(pk=back).digest == RightsVersion.objects.get(pk=first).digest


def test_before_any_right_was_recorded_the_version_is_none(empty):
    assert rights.decide({}).version == 0
    assert rights.decide({"x": ["anybody"]}).withheld == {"x": ("anybody",)}
