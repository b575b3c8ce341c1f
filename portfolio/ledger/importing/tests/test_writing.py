"""Rows as entries that Beancount books: what comes of them, by the events that are read back."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.ledger import journal, reader
from portfolio.ledger.importing import pairing, tieout_csv, writing
from portfolio.ledger.importing.accounts import Accounts
from portfolio.ledger.importing.writing import decimals
from portfolio.ledger.reader import LedgerReading

D = Decimal
HEADER = "date,type,symbol,quantity,unit_price,amount,fee,currency,account,ratio,lot\n"


def rows_of(text, header=HEADER):
    reading = tieout_csv.read((header + text).encode())
    assert reading.findings == ()
    return reading.rows


def write(rows, *, method="FIFO", before="", **more):
    """(the whole ledger as text, what was written); `before` is what stands in the ledger already."""
    main = writing.start_ledger(title="t", base_currency="USD", method=method) + before
    entries = reader.read({"main.beancount": main.encode()}).entries if before else ()
    accounts = Accounts([main])
    accounts.assign([name for row in rows for name in (row.account, row.to_account) if name])
    named = [(row.given_id or f"R{number}", row) for number, row in enumerate(rows)]
    written = writing.write(
        named, heading=(), base_currency="USD", method=method, accounts=accounts, before=entries, **more
    )
    return main + written.text, written


def inventory(text: str) -> tuple[LedgerReading, dict[tuple[str, str], Decimal]]:
    reading = reader.read({"main.beancount": text.encode()})
    holdings: dict[tuple[str, str], Decimal] = {}
    for entry in reading.entries:
        for leg in entry.postings:
            if leg.account.startswith("Assets:"):
                holdings[leg.account, leg.commodity] = holdings.get((leg.account, leg.commodity), D(0)) + leg.units
    return reading, {key: units for key, units in holdings.items() if units}


def fixing(day, frm, to):
    return {("EUR", "USD"): D("1.10"), ("USD", "EUR"): D("0.909090909")}.get((frm, to))


BOUGHT_IN_EUR = "2023-02-01,deposit,,,,2000,,EUR,,,\n2023-02-01,buy,BTC,0.02,38000,,,EUR,,,\n"


def test_a_security_is_one_in_whatever_currency_it_is_dealt():
    rows = rows_of(BOUGHT_IN_EUR + "2024-02-01,sell,BTC,0.01,42000,,1,USD,,,\n2024-02-02,split,BTC,,,,,USD,,2:1,\n")

    text, written = write(rows, trading={"BTC": "USD"}, fixing=fixing)

    _, holdings = inventory(text)
    assert holdings == {
        ("Assets:Broker:BTC", "BTC"): D("0.02"),
        ("Assets:Broker:Cash:EUR", "EUR"): D(1240),
        ("Assets:Broker:Cash:USD", "USD"): D(419),
    }
    assert "-0.01 BTC {EUR}\n" in text
    assert 'fixing: "EURUSD=1.1"' in text
    assert written.notes == ()


def test_lots_in_several_currencies_are_named_as_the_method_takes_them():
    more = "2023-03-01,buy,BTC,0.02,30000,,,USD,,,\n2024-02-01,sell,BTC,0.03,42000,,,USD,,,\n"

    text, _ = write(rows_of(BOUGHT_IN_EUR + more), trading={"BTC": "USD"}, fixing=fixing)
    dearest, _ = write(rows_of(BOUGHT_IN_EUR + more), method="HIFO", trading={"BTC": "USD"}, fixing=fixing)
    _, refused = write(rows_of(BOUGHT_IN_EUR + more), method="HIFO", trading={"BTC": "USD"})

    assert inventory(text)[1]["Assets:Broker:BTC", "BTC"] == D("0.01")
    assert "-0.02 BTC {38000 EUR, 2023-02-01}" in text
    assert "-0.01 BTC {30000 USD, 2023-03-01}" in text
    assert "-0.02 BTC {38000 EUR, 2023-02-01}" in dearest  # 41,800 USD
    assert [(each.row, each.column) for each in refused.findings] == [(5, "lot")]
    assert "no rate EUR/USD of 2023-02-01" in refused.findings[0].suggestion


def test_an_unknown_rate_is_noted():
    _, written = write(rows_of(BOUGHT_IN_EUR), trading={"BTC": "USD"})

    assert written.notes == (
        "row 3: no rate EUR/USD of 2023-02-01 is known: what BTC cost in USD can't be told until it is",
    )


def test_shares_stay_in_the_accounts_that_a_ledger_has_for_them():
    before = (
        '1970-01-01 open Assets:Broker:EUR:OAK OAK "FIFO"\n1970-01-01 open Assets:Broker:USD:OAK OAK "FIFO"\n'
        "1970-01-01 open Equity:Start\n"
        '2020-01-02 * "old"\n  Assets:Broker:EUR:OAK  3 OAK {5 EUR}\n  Assets:Broker:USD:OAK  4 OAK {6 USD}\n  Equity:Start\n'
    )

    one, _ = write(rows_of("2021-01-04,sell,OAK,3,7,,,EUR,,,\n"), before=before)
    both, _ = write(rows_of("2021-01-04,sell,OAK,6,7,,,EUR,,,\n"), before=before)
    split, _ = write(rows_of("2021-01-04,split,OAK,,,,,CHF,,2:1,\n"), before=before)
    more, _ = write(rows_of("2021-01-04,buy,OAK,1,7,,,CHF,,,\n"), before=before)

    assert inventory(one)[1].get(("Assets:Broker:EUR:OAK", "OAK")) is None
    assert sum(units for (_, name), units in inventory(both)[1].items() if name == "OAK") == 1
    assert {units for (_, name), units in inventory(split)[1].items() if name == "OAK"} == {6, 8}
    assert "Assets:Broker:OAK" not in more


def test_what_was_paid_is_the_cost():
    text, _ = write(rows_of("2022-05-02,buy,BETA,0.6242,48.05,29.99,,USD,,,\n"))

    reading, _ = inventory(text)
    (entry,) = reading.entries
    lot = entry.postings[0]
    assert round(lot.units * lot.cost.number, 20) == D("29.99")
    assert not any("Rounding" in leg.account for leg in entry.postings)


def test_a_micro_price_keeps_all_its_digits_through_a_split():
    text, _ = write(
        rows_of(
            "2022-05-02,buy,SHIB,123456789012.123456,0.000008123456,,,USD,,,\n2022-06-01,split,SHIB,,,,,USD,,1:3,\n"
        )
    )

    reading, holdings = inventory(text)
    first, last = reading.entries[0].postings[0], reading.entries[1].postings[1]
    assert first.cost.number == D("0.000008123456")
    assert abs(last.units * last.cost.number - first.units * first.cost.number) < D("1e-15")
    assert holdings["Assets:Broker:SHIB", "SHIB"] == D("41152263004.041152")


THREE_LOTS = "".join(f"2023-0{month}-01,buy,ACB,{units},0.6,,,USD,,,\n" for month, units in ((2, 10), (3, 7), (4, 33)))


@pytest.mark.parametrize(("printed", "notes"), [("0.166666666667", 1), ("0.1667", 1), ("0.16666666666666666667", 0)])
def test_cash_for_a_fraction_sells_the_fraction_and_whole_shares_are_left(printed, notes):
    more = f"2024-02-20,split,ACB,,,,,USD,,1:12,\n2024-02-20,cash_in_lieu,ACB,{printed},,1.20,,USD,,,\n"

    ledger, written = write(rows_of(THREE_LOTS + more))
    sold, _ = write(rows_of(THREE_LOTS + more + "2024-06-03,sell,ACB,4,7.20,,,USD,,,\n"))

    assert inventory(ledger)[1]["Assets:Broker:ACB", "ACB"] == 4
    assert ("Assets:Broker:ACB", "ACB") not in inventory(sold)[1]
    assert len(written.notes) == notes


@pytest.mark.parametrize(
    ("holdings", "sold", "left"),
    [
        ("3.999999999999", "4", None),  # an excess
        ("4.000000000001", "4", None),  # a rest
        ("4.00001", "4", "0.00001"),  # more than a millionth of the position
        ("4.000001", "4.000000", "0.000001"),  # more than half the last digit that is printed
        ("10000.001", "10000", "0.001"),  # more than a cent
    ],
)
def test_a_remainder_of_rounding_closes_the_position_with_a_note(holdings, sold, left):
    rows = rows_of(f"2023-02-01,buy,ACB,{holdings},20,,,USD,,,\n2024-02-01,sell,ACB,{sold},20,,,USD,,,\n")

    text, written = write(rows)

    _, after = inventory(text)
    assert after.get(("Assets:Broker:ACB", "ACB")) == (left and D(left))
    assert len(written.notes) == (left is None)
    paid = D(sold) * 20
    assert after["Assets:Broker:Cash:USD", "USD"] == paid - D(holdings) * 20


def test_all_sells_whatever_is_held():
    rows = rows_of(THREE_LOTS + "2024-02-20,split,ACB,,,,,USD,,1:12,\n2024-06-03,sell,ACB,all,,30,,USD,,,\n")
    out = rows_of(THREE_LOTS + "2024-06-03,transfer_out,ACB,all,,,,USD,,,\n")

    assert ("Assets:Broker:ACB", "ACB") not in inventory(write(rows)[0])[1]
    assert ("Assets:Broker:ACB", "ACB") not in inventory(write(out)[0])[1]


def test_the_row_at_fault_is_the_one_that_takes_more_than_is_held():
    rows = rows_of(
        "2022-02-01,buy,GOOG,10,2255.34,,,USD,,,\n2022-07-18,sell,GOOG,40,109.03,,,USD,,,\n2022-07-18,split,GOOG,,,,,USD,,20:1,\n"
    )

    _, written = write(rows)

    (found,) = written.findings
    assert (found.row, found.column, found.reason) == (3, "quantity", "is more than is held on that day")
    assert found.suggestion.startswith("10 held")


def test_securities_on_their_way_are_in_transit_with_day_and_cost():
    rows = rows_of(
        "2022-02-01,buy,OAK,10,100,,,USD,Alpha,,\n2024-02-01,transfer_out,OAK,4,,,,USD,Alpha,,\n"
        "2024-02-02,split,OAK,,,,,USD,Alpha,2:1,\n2024-02-05,transfer_in,OAK,4,120,,,USD,Beta,,\n"
    )
    moved = pairing.pair(rows, confirmed=True, is_known=lambda row: False)

    text, _ = write(moved.rows)

    reading, holdings = inventory(text)
    events = journal.transactions(reading)
    assert [event.kind for event in events] == ["buy", "transfer", "split", "split", "transfer"]
    assert holdings["Assets:Alpha:OAK", "OAK"] == 12
    assert events[-1].to_account == "Assets:Beta:OAK"
    assert {lot.acquired for lot in events[-1].lots} == {date(2022, 2, 1)}
    assert {leg.account.rpartition(":")[0] for leg in reading.entries[1].postings} == {
        "Assets:Alpha",
        "Assets:InTransit",
    }


def test_each_symbol_has_an_account_of_its_own():
    symbols = ["BRK.B", "BRK-B", "7203.T", "0700.HK", "2B78", "^GSPC", "EURUSD=X", "TRUE", "RDSa", "rdsa"]
    rows = rows_of("".join(f"2022-02-01,buy,{symbol},1,10,,,USD,,,\n" for symbol in symbols))

    text, _ = write(rows)

    _, holdings = inventory(text)
    shares = {key: units for key, units in holdings.items() if key[1] != "USD"}
    assert sorted(symbol for _, symbol in shares) == sorted(symbols)
    assert len({account for account, _ in shares}) == len(symbols)


def test_account_names_that_fold_alike_have_stable_accounts_of_their_own():
    names = ["401(k) – Müller & Söhne", '"A" 1', "A B", "A-B", "a b", "Сбербанк", "日本円口座", "खाता", "חשבון"]
    lines = "".join(
        f'2023-02-01,deposit,,,{at},,,USD,"{name.replace(chr(34), chr(34) * 2)}",,\n'
        for at, name in enumerate(names, 1)
    )

    text, _ = write(rows_of(lines))
    again = Accounts([text])
    again.assign(reversed(names))

    _, holdings = inventory(text)
    assert sorted(holdings.values()) == list(range(1, len(names) + 1))
    assert {again.root(name) for name in names} == {account.rsplit(":", 2)[0] for account, _ in holdings}
    assert again.to_name == {}
    assert [again.name_of(again.root(name)) for name in names] == names


@given(st.lists(st.decimals("0.000001", "1e9", places=6), min_size=1, max_size=8), st.fractions("1/1000", 1000))
def test_lots_times_a_ratio_sum_to_the_whole_times_the_ratio(units, ratio):
    made = decimals.spread(units, ratio)

    whole = sum(map(Fraction, units)) * ratio
    step = Fraction(1, 10**10)
    assert abs(sum(map(Fraction, made)) - whole) <= step
    assert all(abs(Fraction(one) - Fraction(unit) * ratio) <= step for one, unit in zip(made, units, strict=True))
    assert all(len(each.as_tuple().digits) <= 27 for each in made)


@pytest.mark.parametrize(
    ("ratio", "exact"),
    [("0.083333333333333333", "1/12"), ("0.0833", "833/10000"), ("1.5", "3/2"), ("0.131292", "131292/1000000")],
)
def test_a_ratio_with_many_digits_is_the_fraction_that_it_is_rounded_from(ratio, exact):
    assert decimals.exact_ratio(D(ratio)) == Fraction(exact)
