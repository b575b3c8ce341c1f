"""The shipped registry, and what of a file is refused, by line and reason."""

import pytest

from compliance import registry
from compliance.decisions import decide
from compliance.models import DataSource, RightsVersion
from compliance.terms import Outcome, RightsTable, Use
from compliance.tests.test_decisions import DAY, USES, licence, terms

ROW = """sources:
  stone:
    name: Stone Data
    attribution: {text: by Stone}
    uses: {display: attribute}
"""


def test_no_vendor_lets_a_file_or_a_language_model_have_its_data_without_a_licence():
    table = RightsTable(registry.read())

    for vendor in ("fmp", "polygon", "newsapi", "tiingo", "alpha-vantage", "yahoo"):
        for use in (Use.CSV, Use.JSON, Use.XLSX, Use.PDF, Use.REDISTRIBUTE, Use.AGENT):
            assert not decide(table, [vendor], use, at=DAY).lets_through


@pytest.mark.parametrize("environment", ["development", "staging", "production", ""])
@pytest.mark.parametrize("vendor", ["newsapi", "fmp", "polygon"])
@pytest.mark.parametrize("use", [Use.CSV, Use.JSON, Use.XLSX, Use.PDF])
def test_a_vendors_export_is_let_out_by_a_licence_row_alone_in_every_environment(vendor, environment, use):
    rows = registry.read()
    bought = licence(vendor, ["csv", "json", "xlsx", "pdf"])

    without = decide(RightsTable(rows), [vendor], use, at=DAY, environment=environment)
    licensed = decide(RightsTable(rows, (bought,)), [vendor], use, at=DAY, environment=environment)

    assert (without.outcome, licensed.lets_through) == (Outcome.LICENCE_REQUIRED, True)


def test_a_series_that_its_host_may_not_give_on_is_no_file_and_one_in_the_public_domain_is():
    table = RightsTable(registry.read())

    for series in ("BAMLC0A0CM", "BAA10Y", "SP500", "VIXCLS", "NOBODY_READ_ITS_TAG"):
        assert decide(table, [f"fred/{series}"], Use.CSV, at=DAY).outcome is Outcome.LICENCE_REQUIRED
    decision = decide(table, ["fred/DGS10"], Use.CSV, at=DAY)
    assert decision.outcome is Outcome.ATTRIBUTE
    assert "FRED" in decision.attributions[0].text


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("sources: [", 1, "expected the node content"),
        ("", 1, "None is not of type 'object'"),
        (ROW.replace("attribute}", "perhaps}"), 5, "'perhaps' is not one of"),
        (ROW.replace("display:", "screen:"), 5, "'screen' is not one of"),
        (ROW.replace("    name: Stone Data\n", ""), 3, "'name' is a required property"),
        (ROW.replace("stone:", '"=stone":'), 2, "does not match"),
        (ROW.replace("    attribution: {text: by Stone}\n", ""), 3, "stone asks for an attribution, and gives none"),
        (ROW.replace("attribute}", "watermark}"), 3, "stone asks for a watermark, and gives none"),
        (ROW + "  stone:\n    name: Other\n    uses: {}\n", 6, "stone is there twice"),
        ("sources: !!python/object/apply:os.getcwd []", 1, "could not determine a constructor"),
    ],
)
def test_a_malformed_registry_is_refused_by_line_and_reason(tmp_path, text, line, reason):
    path = tmp_path / "rights.yaml"
    path.write_text(text)

    with pytest.raises(registry.MalformedRegistry) as refused:
        registry.read(path)

    assert reason in str(refused.value)
    assert abs(refused.value.line - line) <= 1


@pytest.mark.role("job")
def test_the_first_load_adds_and_the_next_changes_nothing(empty):
    first = registry.load()
    again = registry.load()

    assert first.version is not None
    assert set(first.entered) == registry.read().keys() - {"ledger"}
    assert (again.entered, again.version) == ((), None)
    assert (first.differing, again.differing) == ((), ())  # the ledger's row is there since its migration
    assert DataSource.objects.count() == len(registry.read())


@pytest.mark.role("job")
def test_what_staff_decided_stays_and_is_told_until_the_file_is_let_win(empty):
    registry.enter_sources({"stone": terms(dict.fromkeys(USES, "deny"), "Stone")}, reason="a folder")
    file = {"stone": terms(dict.fromkeys(USES, "attribute"), "Stone")}

    told = registry.enter_sources(file, reason="another folder")
    replaced = registry.enter_sources(file, reason="another folder", replace=True)

    assert told.version is None
    assert {(change.row, change.field, change.before, change.after) for change in told.differing} == {
        ("stone", use, "deny", "attribute") for use in USES
    }
    assert replaced.version.table["sources"]["stone"]["uses"] == dict.fromkeys(USES, "attribute")
    assert replaced.entered == ("stone",)


@pytest.mark.role("job")
def test_a_draft_of_staff_is_neither_published_nor_lost_by_a_load(empty):
    registry.enter_sources({"stone": terms(dict.fromkeys(USES, "attribute"), "Stone")}, reason="a folder")
    DataSource.objects.filter(code="stone").update(display="deny")

    registry.enter_sources({"brick": terms(dict.fromkeys(USES, "attribute"), "Brick")}, reason="another folder")

    assert RightsVersion.objects.first().table["sources"]["stone"]["uses"]["display"] == "attribute"
    assert DataSource.objects.get(code="stone").display == "deny"
