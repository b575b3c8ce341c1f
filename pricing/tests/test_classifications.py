"""What a security is said to be: a code of a series, read back as it was said, known from its day on."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import classifications, market, packs
from pricing.archive import ArchiveRefused
from pricing.classifications import ASSET_CLASSES, DIGITS, SECTORS, Kind, NoClassification
from pricing.models import PackObservation
from pricing.providers import classifying
from pricing.quality.symbols import SymbolUnknown
from pricing.tests import folders, market_data

TRUE = {
    Kind.ISIN: ("US0378331005", "US4592001014", "US5949181045", "GB0002374006", "DE0007164600"),
    Kind.FIGI: ("BBG000B9XRY4", "BBG000BLNNH6", "BBG000BPH459"),
    Kind.REGION: ("US", "GB", "DE", "ZA"),
    Kind.SECTOR: tuple(SECTORS.values()),
    Kind.ASSET_CLASS: tuple(ASSET_CLASSES.values()),
}
"""ISINs as their exchanges list them, FIGIs as OpenFIGI gives them."""


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TRUE.items() for text in texts])
def test_what_is_said_is_read_back(kind, text):
    assert classifications.decode(kind, classifications.encode(kind, f" {text.lower()} ")) == text


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in (Kind.ISIN, Kind.FIGI) for text in TRUE[kind]])
@given(place=st.integers(0, 11), digit=st.sampled_from(DIGITS))
def test_one_wrong_character_is_no_number(kind, text, place, digit):
    """But for what the check can't see: of an ISIN a letter for another whose digits have the same sum."""
    wrong = text[:place] + digit + text[place + 1 :]
    try:
        figure = classifications.encode(kind, wrong)
    except NoClassification:
        return
    assert wrong == text or not (digit.isdigit() and text[place].isdigit())
    assert classifications.decode(kind, figure) == wrong


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("text", ["", " ", "Tech", "٣", "US-1", "U", "USA", "x" * 400, "US0378331005\n5", "10", "ＵＳ"])
def test_what_is_none_is_refused_with_what_would_be(kind, text):
    with pytest.raises(NoClassification, match="expected"):
        classifications.encode(kind, text)


@given(st.sampled_from(list(Kind)), st.decimals(allow_nan=False, allow_infinity=False))
def test_any_other_figure_says_nothing(kind, figure):
    text = classifications.decode(kind, figure)

    assert text is None or classifications.encode(kind, text) == figure


def test_a_symbol_that_is_too_long_for_a_series_is_refused():
    assert classifications.series_id(Kind.ASSET_CLASS, "A" * 20) == "asset_class:" + "A" * 20
    with pytest.raises(NoClassification, match="at most 20 characters"):
        classifications.series_id(Kind.ASSET_CLASS, "A" * 21)


@pytest.mark.usefixtures("db")
@pytest.mark.role("job")
class TestInPacks:
    @pytest.fixture(autouse=True)
    def own_folders(self, settings, tmp_path):
        settings.VAR = tmp_path / "var"

    @pytest.fixture
    def policy(self, tmp_path):
        return market_data.loaded(tmp_path / "market")

    def said(self, pack, symbol="OAK"):
        found = market.classifications(packs.find(pack_id=pack.pk), [symbol])[symbol]
        return {kind.value: each.text for kind, each in found.items()}

    def test_what_is_said_is_known_from_its_day_on_and_an_edit_is_a_further_observation(self, policy):
        classifying.classify("OAK", {Kind.SECTOR: "Energy", Kind.REGION: "US"}, known_at=date(2020, 1, 3))
        again = classifying.classify("OAK", {Kind.SECTOR: "energy"}, known_at=date(2020, 1, 6))
        classifying.classify("OAK", {Kind.SECTOR: "Utilities"}, known_at=date(2020, 1, 8))
        built = {pack.asof_date.day: pack for pack in market_data.build(policy)}

        assert again.new_kinds == ()
        assert self.said(built[2]) == {}
        assert self.said(built[3]) == self.said(built[7]) == {"sector": "Energy", "region": "US"}
        assert self.said(built[8]) == self.said(built[9]) == {"sector": "Utilities", "region": "US"}
        rows = PackObservation.objects.filter(series="sector:OAK").order_by("known_at")
        assert list(rows.values_list("value", "known_at", "source")) == [
            (Decimal(10), date(2020, 1, 3), "manual"),
            (Decimal(55), date(2020, 1, 8), "manual"),
        ]

    def test_what_is_said_late_of_an_earlier_day_enters_the_packs_sealed_after(self, policy):
        before = market_data.build(policy)[-1]
        classifying.classify("OAK", {Kind.ISIN: "US0378331005"}, known_at=date(2020, 1, 3))
        after = market_data.build(policy, run=UUID(int=7), restate_reason="classified")[-1]

        assert self.said(before) == {}
        assert self.said(after) == {"isin": "US0378331005"}

    def test_what_a_folder_says_without_a_day_is_assumed(self, tmp_path):
        rows = "2020-01-02,sector:OAK,20,wood"
        described = folders.SMALL["macro_series.csv"] + "sector:OAK,Sector of OAK,code,D,wood\n"
        changes = folders.appended("macro.csv", rows) | {"macro_series.csv": described}
        pack = market_data.build(market_data.loaded(tmp_path / "market", changes))[-1]

        found = market.classifications(pack, ["OAK", "ELM"])

        assert found["ELM"] == {}
        assert (found["OAK"][Kind.SECTOR].text, found["OAK"][Kind.SECTOR].is_assumed) == ("Industrials", True)

    def test_a_figure_that_is_no_code_says_nothing(self, tmp_path):
        described = folders.SMALL["macro_series.csv"] + "sector:OAK,Sector of OAK,code,D,wood\n"
        changes = folders.appended("macro.csv", "2020-01-02,sector:OAK,11.5,wood") | {"macro_series.csv": described}
        pack = market_data.build(market_data.loaded(tmp_path / "market", changes))[-1]

        assert market.classifications(pack, ["OAK"]) == {"OAK": {}}

    def test_who_is_not_known_and_days_to_come_are_refused(self, policy):
        with pytest.raises(SymbolUnknown):
            classifying.classify("YEW", {Kind.SECTOR: "Energy"}, known_at=date(2020, 1, 3))
        with pytest.raises(ArchiveRefused):
            classifying.classify("OAK", {Kind.SECTOR: "Energy"}, known_at=date(2999, 1, 3))
        with pytest.raises(NoClassification):
            classifying.classify("OAK", {Kind.SECTOR: "Energy", Kind.ISIN: "US0378331006"}, known_at=date(2020, 1, 3))
