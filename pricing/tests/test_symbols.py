"""What a provider calls a security: nothing changes silently, every difference is told."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from pricing.archive import loading
from pricing.models import Security, SecurityAlias, SymbolOverride
from pricing.quality import symbols
from pricing.quality.symbols import Difference, Listing, Meaning
from pricing.tests import folders, market_data

OAK = Listing("wood", "OAK", "Oak Inc.", "USD", "XNYS")
ELM = Listing("wood", "ELM", "Elm plc", "GBP", "XLON")
HELD = [Meaning("wood", "OAK", "OAK", False), Meaning("wood", "ELM", "ELM", False)]
SECURITIES = {"OAK": OAK, "ELM": ELM}


def listing(of, **changed):
    return Listing(**({name: getattr(of, name) for name in Listing.__slots__} | changed))


def test_a_listing_that_is_as_held_has_no_differences():
    assert symbols.find_differences([OAK, ELM], HELD, SECURITIES) == []


def test_what_is_new_and_what_is_gone_are_told_apart():
    new = Listing("wood", "YEW", "Yew Inc.", "USD", "XNYS")

    found = symbols.find_differences([OAK, new], HELD, SECURITIES)

    assert [(each.kind, each.symbol, each.security) for each in found] == [
        ("gone", "ELM", "ELM"),
        ("unknown", "YEW", ""),
    ]


def test_a_symbol_that_comes_with_the_name_of_one_that_went_is_a_renaming():
    found = symbols.find_differences([listing(OAK, symbol="OKK"), ELM], HELD, SECURITIES)

    detail = "OAK is gone, and this has its name, currency and exchange"
    assert found == [Difference("renamed", "wood", "OKK", "OAK", detail)]


def test_a_symbol_that_is_used_again_for_another_security_is_told():
    found = symbols.find_differences([listing(OAK, name="Oakland Corp.", currency="CAD"), ELM], HELD, SECURITIES)

    assert [(each.kind, each.symbol) for each in found] == [("changed", "OAK")]
    assert found[0].detail == "name is 'Oak Inc.' here, 'Oakland Corp.' there; currency is 'USD' here, 'CAD' there"


def test_what_staff_have_decided_is_told_no_more():
    renamed = listing(OAK, symbol="OKK", name="Okk Inc.")

    found = symbols.find_differences([renamed, ELM], [Meaning("wood", "OKK", "OAK", True), HELD[1]], SECURITIES)

    assert found == []


@pytest.mark.usefixtures("db")
@pytest.mark.role("job")
class TestHeld:
    @pytest.fixture(autouse=True)
    def _loaded(self, tmp_path):
        market_data.loaded(tmp_path)
        self.oak, self.elm = (Security.objects.get(symbol=symbol) for symbol in ("OAK", "ELM"))

    def test_an_override_goes_before_an_alias_and_an_alias_before_our_own_symbol(self):
        SecurityAlias.objects.create(
            security=self.oak, provider="wood", symbol="AKO", valid_from="2010-01-01", valid_to="2014-12-31"
        )
        SecurityAlias.objects.create(security=self.elm, provider="wood", symbol="AKO", valid_from="2015-01-01")
        SymbolOverride.objects.create(
            provider="wood",
            symbol="ELM",
            security=self.oak,
            valid_from="2020-01-01",
            reason="the ticker was given away",
        )

        def meant(symbol, day):
            return symbols.resolve(provider="wood", symbol=symbol, asof_date=day).symbol

        assert (meant("AKO", date(2014, 12, 31)), meant("AKO", date(2015, 1, 1))) == ("OAK", "ELM")
        assert (meant("ELM", date(2019, 12, 31)), meant("ELM", date(2020, 1, 1))) == ("ELM", "OAK")
        assert meant("OAK", date(2020, 1, 1)) == "OAK"
        assert symbols.symbol_at(provider="wood", security=self.elm, asof_date=date(2016, 1, 1)) == "AKO"
        with pytest.raises(symbols.SymbolUnknown):
            meant("AKO", date(2009, 12, 31))

    @pytest.mark.parametrize("model", [SecurityAlias, SymbolOverride])
    def test_a_symbol_means_one_security_at_a_time(self, model):
        how = {"reason": "x"} if model is SymbolOverride else {}
        model.objects.create(
            security=self.oak, provider="wood", symbol="AKO", valid_from="2010-01-01", valid_to="2014-12-31", **how
        )
        model.objects.create(security=self.elm, provider="stone", symbol="AKO", valid_from="2010-01-01", **how)

        with pytest.raises(IntegrityError, match="one_meaning"), transaction.atomic():
            model.objects.create(security=self.elm, provider="wood", symbol="AKO", valid_from="2014-12-31", **how)

    def test_a_reload_changes_no_identity_and_the_night_tells_what_differs(self, tmp_path):
        securities = (
            folders.SMALL["securities.csv"].replace("OAK,Oak Inc.,", "OAK,Oakland Corp.,").replace("ASH,Ash", "FIR,Ash")
        )
        prices = folders.SMALL["prices.csv"].replace(",ASH,", ",FIR,")
        folder = folders.write(tmp_path / "next", {"securities.csv": securities, "prices.csv": prices})

        told = symbols.report(loading.load(folder).reading)

        assert Security.objects.get(symbol="OAK").name == "Oak Inc."
        assert [(each["kind"], each["symbol"], each["security"]) for each in told] == [
            ("renamed", "FIR", "ASH"),
            ("changed", "OAK", "OAK"),
        ]
