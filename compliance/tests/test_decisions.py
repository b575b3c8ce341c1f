"""The strictest source wins, the unknown allows nothing, and a licence opens what asks for one: every set of sources, by a table
computed apart."""

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.decisions import decide
from compliance.terms import LicenceTerms, Outcome, RightsTable, SourceTerms, Use

DAY = date(2026, 3, 2)
WORDS = ["allow", "attribute", "watermark", "licence-required", "deny"]
USES = ["display", "csv", "json", "xlsx", "pdf", "redistribute", "agent"]
STATED = {
    f"source-{number:02}": {use: WORDS[(number * 7 + place * 3 + number // 5) % 5] for place, use in enumerate(USES)}
    for number in range(18)
}
"""Eighteen sources with words of every kind for every use, as plain text."""


def terms(uses, name="somebody", watermark="their mark"):
    return SourceTerms(
        name=name,
        uses={Use(use): Outcome(word) for use, word in uses.items()},
        attribution=f"by {name}",
        watermark=watermark,
    )


def licence(source="source-00", uses=USES, number=1, **changes):
    whole = {
        "tier": "business", "valid_from": date(2026, 1, 1), "valid_to": None, "document": "shelf 3", "environment": "",
    }  # fmt: skip
    return LicenceTerms(number, source, uses=frozenset(map(Use, uses)), **whole | changes)


TABLE = {code: terms(uses, code) for code, uses in STATED.items()}


@pytest.mark.parametrize("licensed", [False, True])
def test_every_set_of_sources_is_decided_as_the_table_computed_apart_says(licensed):
    sets = [chosen for size in (1, 2, 3) for chosen in combinations(STATED, size)] + [tuple(STATED)]
    licences = tuple(licence(code, number=number) for number, code in enumerate(STATED)) if licensed else ()
    table = RightsTable(TABLE, licences)
    strictest = {}
    for chosen in sets:
        for use in USES:
            words = [STATED[code][use] for code in chosen]
            if licensed:
                words = ["watermark" if word == "licence-required" else word for word in words]
            strictest[chosen, use] = WORDS[max(WORDS.index(word) for word in words)]

    decided = {(chosen, use): decide(table, chosen, Use(use), at=DAY).outcome.value for chosen, use in strictest}

    assert len(decided) == 988 * 7
    assert decided == strictest


@given(st.sets(st.sampled_from([*STATED, "unheard-of"]), min_size=1), st.sampled_from([*STATED, "unheard-of"]))
def test_one_more_source_never_loosens(chosen, extra):
    table = RightsTable(TABLE)

    for use in Use:
        before, after = (decide(table, codes, use, at=DAY).outcome for codes in (chosen, chosen | {extra}))
        assert after.strictness >= before.strictness


def test_a_refusal_names_each_source_that_refuses_and_why():
    decision = decide(RightsTable(TABLE), ["source-00", "unheard-of"], Use.CSV, at=DAY)

    assert STATED["source-00"]["csv"] == "licence-required"
    assert [(each.source, each.reason) for each in decision.refusing] == [
        ("source-00", "source-00 allows csv with a licence, and none is valid"),
        ("unheard-of", "unheard-of is not registered, and so nothing is allowed"),
    ]


def test_of_no_source_nobody_says_anything():
    decision = decide(RightsTable(TABLE), [], Use.AGENT, at=DAY)

    assert (decision.outcome, decision.attributions, decision.watermarks) == (Outcome.ALLOW, (), ())


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, True),
        ({"valid_from": DAY, "valid_to": DAY}, True),
        ({"valid_to": DAY - timedelta(1)}, False),
        ({"valid_from": DAY + timedelta(1)}, False),
        ({"environment": "production"}, True),
        ({"environment": "development"}, False),
        ({"uses": ["pdf"]}, False),
        ({"source": "source-01"}, False),
    ],
)
def test_a_licence_opens_its_use_of_its_source_on_its_days_in_its_environment(changes, opens):
    table = RightsTable(TABLE, (licence(**changes),))

    decision = decide(table, ["source-00"], Use.CSV, at=DAY, environment="production")

    assert decision.lets_through is opens
    assert [each.licence for each in decision.sources] == [1 if opens else None]


def test_a_licence_opens_nothing_that_is_denied():
    denied = dict.fromkeys(USES, "deny")
    table = RightsTable({"source-00": terms(denied)}, (licence(),))

    assert not any(decide(table, ["source-00"], use, at=DAY).lets_through for use in Use)


def test_a_series_has_terms_of_its_own_or_those_of_its_source():
    table = RightsTable(
        {
            "bank": terms(dict.fromkeys(USES, "attribute"), "bank"),
            "bank/OTHERS": terms(dict.fromkeys(USES, "deny"), "owner"),
        }
    )

    assert decide(table, ["bank/OWN"], Use.CSV, at=DAY).outcome is Outcome.ATTRIBUTE
    assert decide(table, ["bank/OTHERS"], Use.CSV, at=DAY).outcome is Outcome.DENY
    assert decide(table, ["bank"], Use.CSV, at=DAY).outcome is Outcome.ATTRIBUTE


def test_a_licence_of_a_source_is_good_for_its_series_and_one_of_a_series_for_that_alone():
    asks = terms(dict.fromkeys(USES, "licence-required"))
    sources = {"bank": asks, "bank/A": asks}

    of_all, of_one = (RightsTable(sources, (licence(code),)) for code in ("bank", "bank/A"))

    assert [decide(of_all, [code], Use.PDF, at=DAY).lets_through for code in ("bank", "bank/A", "bank/B")] == [True] * 3
    assert [decide(of_one, [code], Use.PDF, at=DAY).lets_through for code in ("bank", "bank/A", "bank/B")] == [
        False, True, False,
    ]  # fmt: skip


def test_words_and_marks_are_those_of_the_sources_that_ask_for_them():
    table = RightsTable(
        {
            word: terms(dict.fromkeys(USES, word), word, f"mark of {word}")
            for word in ("allow", "attribute", "watermark")
        }
    )

    decision = decide(table, ["allow", "attribute", "watermark"], Use.DISPLAY, at=DAY)

    assert [each.text for each in decision.attributions] == ["by attribute", "by watermark"]
    assert decision.watermarks == ("mark of watermark",)


def test_a_table_is_the_same_after_a_way_through_json():
    table = RightsTable(TABLE, (licence(valid_to=DAY), licence("source-03", number=2)))

    assert RightsTable.from_dict(table.as_dict()) == table
