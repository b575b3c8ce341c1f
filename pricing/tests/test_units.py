"""What a price is of: percent of nominal, a contract of many, sealed with the price as its factor."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from pricing import archive, market, packs
from pricing.archive import loading
from pricing.models import PackPrice, Security
from pricing.packs import fingerprint, verifying
from pricing.tests import folders, market_data
from pricing.tests.test_archive import TODAY, refused
from tests.plugin import role

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

HEADER = (
    "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date,quote_unit,multiplier,expiry,maturity"
)
ORDINARY = [f"{row},,,," for row in folders.SMALL["securities.csv"].splitlines()[1:]]
BOND = "BTP,Buoni,EUR,bond,MOTX,wood,raw,2020-01-02,,percent_of_nominal,,,2030-03-01"
OPTION = "OPT,Call on Oak,USD,option,XNYS,wood,raw,2020-01-02,,,100,2020-01-08,"
PENCE = "FUT,Future in pence,GBp,future,XLON,wood,raw,2020-01-02,,,10,2020-01-09,"
CLOSES = (
    "2020-01-02,BTP,98.5,EUR,wood",
    "2020-01-07,BTP,99.2,EUR,wood",
    "2020-01-08,BTP,99.3,EUR,wood",
    "2020-01-09,BTP,99.4,EUR,wood",
    "2020-01-07,OPT,5.20,USD,wood",
    "2020-01-08,OPT,5.30,USD,wood",
    "2020-01-09,OPT,5.40,USD,wood",
    "2020-01-08,FUT,250,GBp,wood",
)


@pytest.fixture(autouse=True)
def nothing_remembered(settings, tmp_path):
    settings.VAR = tmp_path / "var"


def folder(*securities):
    return {
        "securities.csv": "\n".join([HEADER, *ORDINARY, *securities]) + "\n",
        "prices.csv": folders.SMALL["prices.csv"]
        + "".join(f"{row}\n" for row in CLOSES if any(row[11:14] == each[:3] for each in securities)),
    }


ALL = (BOND, OPTION, PENCE)


def test_the_columns_are_read_and_empty_cells_are_the_ordinary_ones(tmp_path):
    reading = archive.read(folders.write(tmp_path, folder(*ALL)), today=TODAY)

    told = {row.symbol: (row.quote_unit, row.multiplier, row.expiry, row.maturity) for row in reading.securities}
    assert told["OAK"] == ("", Decimal(1), None, None)
    assert told["BTP"] == ("percent_of_nominal", Decimal(1), None, date(2030, 3, 1))
    assert told["OPT"] == ("", Decimal(100), date(2020, 1, 8), None)


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ("percent,,,", "quote_unit", "'percent' is neither empty nor percent_of_nominal"),
        (",0,,", "multiplier", "0 is not above zero"),
        (",-100,,", "multiplier", "-100 is not above zero"),
        (",1e2,,", "multiplier", "'1e2' is no plain decimal number"),
        (",,31/12/2030,", "expiry", "'31/12/2030' is not a date written as YYYY-MM-DD"),
        (",,,2030-02-30", "maturity", "'2030-02-30' is no date of the calendar"),
        (",,2019-12-31,", "expiry", "2019-12-31 lies before first_date 2020-01-02"),
        (",,,2019-12-31", "maturity", "2019-12-31 lies before first_date 2020-01-02"),
    ],
)
def test_a_cell_that_can_not_be_read_is_named(tmp_path, cells, column, reason):
    changes = folder(f"FIR,Fir,USD,bond,XNYS,wood,raw,2020-01-02,,{cells}")

    assert ("securities.csv", 5, column, reason) in refused(folders.write(tmp_path, changes))


def test_the_factor_of_a_security_is_that_of_its_row(tmp_path):
    market_data.loaded(tmp_path, folder(*ALL))

    told = {each.symbol: (each.factor, each.ends) for each in Security.objects.all()}
    assert told["OAK"] == (1, None)
    assert told["BTP"] == (Decimal("0.01"), date(2030, 3, 1))
    assert told["OPT"] == (100, date(2020, 1, 8))
    assert told["FUT"] == (10, date(2020, 1, 9))  # pence are pounds already: a minor unit is no factor


@pytest.mark.parametrize(
    "change", ["quote_unit = 'percent'", "multiplier = 0", "expiry = first_date - 1", "maturity = first_date - 1"]
)
def test_the_database_refuses_what_the_folder_does(tmp_path, change):
    market_data.loaded(tmp_path, folder(*ALL))

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE pricing_security SET {change} WHERE symbol = 'BTP'")


def test_the_factor_is_sealed_with_the_price_and_ordinary_lines_keep_their_bytes(tmp_path):
    policy = market_data.loaded(tmp_path, folder(*ALL))

    seventh, eighth = market_data.build(policy)[3:5]

    ((_, lines),) = verifying.stored_lines([eighth])
    assert sorted(line for line in lines if line.startswith("price")) == [
        "price|ASH|2020-01-03|11|USD|wood|raw|||stale:3",
        "price|BTP|2020-01-08|99.3|EUR*0.01|wood|raw|||",
        "price|ELM|2020-01-08|12.51|GBP|wood|raw|||",
        "price|FUT|2020-01-08|2.5|GBP*10|wood|raw|||",
        "price|OAK|2020-01-08|52|USD|wood|raw|||",
        "price|OPT|2020-01-08|5.3|USD*100|wood|raw|||",
    ]
    assert packs.verify(policy=policy) is None
    assert fingerprint.content_hash(lines) == packs.find(pack_id=eighth.pk).content.content_hash
    assert seventh.content_id != eighth.content_id


def test_a_value_is_of_one_unit_held_alike_in_the_market_and_in_the_history(tmp_path):
    policy = market_data.loaded(tmp_path, folder(*ALL))
    built = market_data.build(policy)

    past = market.history(built[-1])

    seen = market.as_of(built[4])
    exact = {close.symbol: (close.close, close.factor, close.unit_value) for close in seen.closes.values()}
    assert exact["BTP"] == (Decimal("99.3"), Decimal("0.01"), Decimal("0.993"))
    assert exact["OPT"] == (Decimal("5.30"), 100, 530)
    assert exact["FUT"] == (Decimal("2.50"), 10, 25)
    assert exact["OAK"] == (52, 1, 52)
    for number, pack in enumerate(built):
        values = {close.symbol: float(close.unit_value) for close in market.as_of(pack).closes.values()}
        row = dict(zip(past.symbols, past.close[number].tolist(), strict=True))
        assert {symbol: value for symbol, value in row.items() if not np.isnan(value)} == pytest.approx(
            values, rel=1e-12
        )


def test_a_contract_has_no_price_after_its_last_day_and_is_told_to_have_ended(tmp_path):
    policy = market_data.loaded(tmp_path, folder(*ALL))
    built = market_data.build(policy)

    last = market.as_of(built[-1])  # a close of the 9th is in the folder, and is not taken
    option = Security.objects.get(symbol="OPT").pk
    with pytest.raises(market.MissingPrice, match="it has expired or matured, and its end is not booked") as caught:
        last.close(option, "OPT")

    assert (caught.value.last_known_date, caught.value.reason) == (date(2020, 1, 8), "expiry_unbooked")
    past = market.history(built[-1])
    assert str(past.missing_price(past.security(option), 5)) == str(caught.value)
    assert "OPT" not in packs.unpriced_symbols(pack=built[-1])


def test_a_bond_without_a_quote_unit_is_loaded_and_has_no_price_until_it_has_one(tmp_path):
    bare = BOND.replace("percent_of_nominal", "")
    policy = market_data.loaded(tmp_path / "bare", folder(bare))
    built = market_data.build(policy)
    bond = Security.objects.get(symbol="BTP")
    assert bond.lacks_quote_unit
    assert "BTP" in packs.unpriced_symbols(pack=built[-1])
    with pytest.raises(market.MissingPrice, match="nobody has said what its price is of") as caught:
        market.as_of(built[-1]).close(bond.pk, "BTP")
    assert caught.value.reason == "no_quote_unit"

    market_data.loaded(tmp_path / "said", folder(BOND))
    days = packs.restatable_days(policy)
    again = packs.build(policy=policy, dates=days, run=UUID(int=2), restate_reason="BTP is quoted in percent")

    assert [day.day for day in days] == [2, 3, 6, 7, 8, 9]
    assert market.as_of(again[-1]).close(bond.pk, "BTP").unit_value == Decimal("0.994")
    assert packs.restatable_days(policy) == []


def test_a_multiplier_that_is_corrected_restates_what_was_sealed_with_another(tmp_path):
    policy = market_data.loaded(tmp_path / "one", folder(OPTION.replace(",,100,", ",,,")))
    market_data.build(policy)
    market_data.loaded(tmp_path / "hundred", folder(OPTION))

    days = packs.restatable_days(policy)
    packs.build(policy=policy, dates=days, run=UUID(int=2), restate_reason="a contract is of a hundred")

    assert [day.day for day in days] == [7, 8]
    assert set(PackPrice.objects.filter(security__symbol="OPT").values_list("factor", flat=True)) == {1, 100}
    assert packs.restatable_days(policy) == []
    assert packs.verify(policy=policy) is None


def test_a_changed_factor_is_found_by_its_row(tmp_path):
    policy = market_data.loaded(tmp_path, folder(*ALL))
    built = market_data.build(policy)

    with role("owner"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE pricing_packprice DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE pricing_packprice SET factor = 1 WHERE content_id = %s AND factor = 0.01", [built[-1].content_id]
        )
        found = packs.verify(policy=policy)

    assert found is not None
    assert (found.pack_id, found.row) == (built[-1].pk, "price|BTP|2020-01-09|99.4|EUR|wood|raw|||")


def test_loading_twice_is_as_once(tmp_path):
    market_data.loaded(tmp_path, folder(*ALL))
    before = list(Security.objects.order_by("symbol").values())

    loading.load(tmp_path)

    assert list(Security.objects.order_by("symbol").values()) == before
