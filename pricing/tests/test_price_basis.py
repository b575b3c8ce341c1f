"""What a close is of: as traded or adjusted, in pounds or in pence. The row says it, and nothing is adjusted or converted twice."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from pricing import archive, market, packs
from pricing.archive import loading
from pricing.models import PackAction, PackPrice, Security
from pricing.packs import verifying
from pricing.quality import acceptance
from pricing.quality.suspects import Rule
from pricing.tests import folders, market_data
from pricing.tests.test_archive import TODAY

ADJUSTED = ("split_adjusted", "total_return_adjusted", "price_index")
NINTH = date(2020, 1, 9)


def of_basis(basis, *closes, actions=""):
    """OAK of a basis with closes from the 2nd on, and its actions."""
    securities = folders.SMALL["securities.csv"].replace("OAK,Oak Inc.,USD,equity,XNYS,wood,raw", "{}")
    days = ("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09")
    others = [line for line in folders.SMALL["prices.csv"].splitlines() if ",OAK," not in line]
    ours = [f"{day},OAK,{close},USD,wood" for day, close in zip(days, closes, strict=False)]
    ours.append("2020-01-07,ASH,11,USD,wood")  # its exchange is open on the 7th
    header = folders.SMALL["corporate_actions.csv"].splitlines()[0]
    return {
        "securities.csv": securities.format(f"OAK,Oak Inc.,USD,equity,XNYS,wood,{basis}"),
        "prices.csv": "\n".join([*others, *ours]) + "\n",
        "corporate_actions.csv": f"{header}\n{actions}",
    }


SPLIT = "2020-01-06,,OAK,split,2,,USD,derived:wood,2020-01-03,ok\n"


@pytest.mark.usefixtures("db")
@pytest.mark.role("job")
class TestSealed:
    @pytest.mark.parametrize("basis", ["raw", *ADJUSTED])
    def test_each_row_keeps_the_basis_of_its_close(self, tmp_path, basis):
        policy = market_data.loaded(tmp_path, of_basis(basis, 50, 51, 51, 52, 52, 53))

        pack = market_data.build(policy)[-1]

        assert PackPrice.objects.get(content=pack.content_id, security__symbol="OAK").price_basis == basis
        assert {close.symbol: close.price_basis for close in market.as_of(pack).closes.values()}["OAK"] == basis
        ((_, lines),) = verifying.stored_lines([pack])
        assert f"price|OAK|2020-01-09|53|USD|wood|{basis}|||" in lines

    def test_a_raw_close_from_before_a_split_is_missing(self, tmp_path):
        policy = market_data.loaded(tmp_path, of_basis("raw", 100, 101, actions=SPLIT))

        built = market_data.build(policy)

        held = [PackPrice.objects.filter(content=each.content_id, security__symbol="OAK").exists() for each in built]
        assert held[:3] == [True, True, False]
        seen, oak = market.as_of(built[2]), Security.objects.get(symbol="OAK").pk
        with pytest.raises(market.MissingPrice, match="it has split since") as missing:
            seen.close(oak, "OAK")
        assert (missing.value.last_known_date, missing.value.reason) == (date(2020, 1, 3), "split_between")

    @pytest.mark.parametrize("basis", ADJUSTED)
    def test_an_adjusted_close_from_before_a_split_is_only_old(self, tmp_path, basis):
        policy = market_data.loaded(tmp_path, of_basis(basis, 50, 51, actions=SPLIT))

        pack = market_data.build(policy)[2]

        close = PackPrice.objects.get(content=pack.content_id, security__symbol="OAK")
        assert (pack.asof_date, close.close, close.flags) == (date(2020, 1, 7), 51, "stale:1")

    def test_a_basis_never_changes_under_sealed_packs(self, tmp_path):
        policy = market_data.loaded(tmp_path, of_basis("raw", 50, 51, 51, 52, 52, 53))
        market_data.loaded(tmp_path, of_basis("price_index", 50, 51, 51, 52, 52, 53))  # nothing holds it yet
        market_data.build(policy)
        before = loading.newest_archive()

        with pytest.raises(archive.ArchiveRefused, match="OAK is price_index in sealed packs, and raw there"):
            market_data.loaded(tmp_path, of_basis("raw", 50, 51, 51, 52, 52, 53))

        assert loading.newest_archive() == before
        assert Security.objects.get(symbol="OAK").price_basis == "price_index"

    @pytest.mark.parametrize(
        ("unit", "currency"), [("GBp", "GBP"), ("GBX", "GBP"), ("ZAc", "ZAR"), ("ILA", "ILS"), ("GBP", "GBP")]
    )
    def test_minor_units_are_converted_once_in_closes_and_in_dividends(self, tmp_path, unit, currency):
        """A minor unit is a hundredth: of sterling, of the rand, of the shekel."""
        minor = unit != currency
        changes = {
            "securities.csv": folders.SMALL["securities.csv"] + f"FIR,Fir,{unit},equity,XFIR,wood,raw,2020-01-02,\n",
            "prices.csv": folders.SMALL["prices.csv"]
            + f"2020-01-08,FIR,{'1234.5' if minor else '12.345'},{unit},wood\n"
            + f"2020-01-09,FIR,12.4,{currency},wood\n",
            "fx.csv": folders.SMALL["fx.csv"]
            + "".join(f"2020-01-0{day},EUR,{quote},5,central\n" for quote in ("ZAR", "ILS") for day in (7, 8, 9)),
            "corporate_actions.csv": folders.SMALL["corporate_actions.csv"]
            + f"2020-01-08,,FIR,dividend,,{'25' if minor else '0.25'},{unit},wood,,ok\n"
            + f"2020-01-09,,FIR,dividend,,0.25,{currency},wood,,suspect\n",
        }
        policy = market_data.loaded(tmp_path, changes)
        loading.load(tmp_path)  # a second time

        eighth, ninth = market_data.build(policy)[-2:]

        closes = PackPrice.objects.filter(security__symbol="FIR").order_by("content__packs__sequence")
        assert list(closes.values_list("close", "currency")) == [
            (Decimal("12.345"), currency), (Decimal("12.4"), currency),
        ]  # fmt: skip
        paid = PackAction.objects.get(security__symbol="FIR")
        assert (paid.amount, paid.currency) == (Decimal("0.25"), currency)
        security = Security.objects.get(symbol="FIR")
        assert (security.currency, security.price_unit) == (currency, unit)
        assert market.cross(market.as_of(ninth), currency, "EUR") > 0
        assert eighth.status == ninth.status == "warming"

    def test_pence_beside_pounds_of_another_source_agree(self, tmp_path):
        """2020-01-08: 1251 pence of the security's own source."""
        prices = folders.SMALL["prices.csv"]
        policy = market_data.loaded(tmp_path, {"prices.csv": prices + "2020-01-08,ELM,12.52,GBP,stone\n"})

        pack = market_data.build(policy)[-2]

        assert PackPrice.objects.get(content=pack.content_id, security__symbol="ELM").close == Decimal("12.51")

    def test_a_mended_close_of_the_other_unit_restates_the_day(self, tmp_path):
        prices = folders.SMALL["prices.csv"]
        policy = market_data.loaded(tmp_path, {"prices.csv": prices.replace("ELM,1251,", "ELM,12.51,")})
        eighth = market_data.build(policy)[-2]
        elm = Security.objects.get(symbol="ELM").pk
        with pytest.raises(market.MissingPrice, match="a newer close waits for a decision"):
            market.as_of(eighth).close(elm, "ELM")
        market_data.loaded(tmp_path)

        days = packs.restatable_days(policy)
        built = packs.build(policy=policy, dates=days, run=UUID(int=2), restate_reason="closes mended")

        assert days == [date(2020, 1, 8), NINTH]
        assert [market.as_of(pack).close(elm, "ELM").close for pack in built] == [Decimal("12.51")] * 2
        assert packs.restatable_days(policy) == []


# --- what may have moved a close


def suspects(folder, basis, closes, actions):
    reading = archive.read(folders.write(folder, of_basis(basis, *closes, actions=actions)), today=TODAY)
    judged = acceptance.judge(reading, today=TODAY)
    return [(each.kind, each.rule) for each in judged.suspects if each.rule != Rule.SOURCE_DOUBTS][:1]


@pytest.mark.parametrize("basis", ["raw", *ADJUSTED])
def test_a_split_is_seen_in_raw_closes_and_in_no_others(tmp_path, basis):
    falls = suspects(tmp_path / "falls", basis, (100, 101, 51, 51.5, 52, 52), SPLIT)
    stays = suspects(tmp_path / "stays", basis, (50, 51, 51, 51.5, 52, 52), SPLIT)

    doubted = [("action", Rule.SPLIT)], [("price", Rule.SPLIT)]
    assert (falls, stays) == (([], doubted[0]) if basis == "raw" else (doubted[1], []))


@pytest.mark.parametrize("basis", ["raw", *ADJUSTED])
def test_a_payment_explains_a_fall_but_where_the_closes_have_it_in_them(tmp_path, basis):
    """133.52 of 175 paid out in shares of a subsidiary: BCE's spin-off of 2000-05-03, in shape."""
    spin_off = "2020-01-07,,OAK,dividend,,133.52,USD,wood,,suspect\n"

    found = suspects(tmp_path, basis, (174, 175, 175, 41, 41.5, 42), spin_off)

    assert found == ([("price", Rule.JUMP)] if basis == "total_return_adjusted" else [])
