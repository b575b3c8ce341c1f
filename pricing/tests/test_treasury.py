"""Files of the Treasury's par yield curve. 2024-10-07 and 1990-01-02 are as it published them, other days made up."""

from datetime import date
from decimal import Decimal

import pytest

from pricing.providers import treasury
from pricing.providers.http import NotData, ProviderFailed
from pricing.providers.rows import ParYield
from pricing.tests.provider_server import HTML, KEY, sent

OF_2024 = 'Date,"1 Mo","2 Mo","3 Mo","4 Mo","6 Mo","1 Yr","2 Yr","3 Yr","5 Yr","7 Yr","10 Yr","20 Yr","30 Yr"\n'
MONDAY = "10/07/2024,5.00,4.87,4.77,4.67,4.45,4.24,3.99,3.89,3.86,3.92,4.03,4.37,4.30\n"
OF_1990 = 'Date,"3 Mo","6 Mo","1 Yr","2 Yr","3 Yr","5 Yr","7 Yr","10 Yr","30 Yr"\n'
SECOND_OF_1990 = "01/02/1990,7.83,7.89,7.81,7.87,7.90,7.87,7.98,7.94,8.00\n"


def yields(connect, *series, first=date(2024, 10, 1), last=date(2024, 10, 31)):
    return treasury.fetch_par_yields(connect(treasury.PROVIDER), *series, first=first, last=last)


def test_yields_are_asked_for_by_year_without_a_key_and_kept_exactly(connect, server):
    server.answers(sent(OF_2024 + MONDAY))

    answer = yields(connect, "UST1M", "UST10Y")

    assert answer.rows == (
        ParYield("UST1M", date(2024, 10, 7), Decimal("5.00"), "treasury"),
        ParYield("UST10Y", date(2024, 10, 7), Decimal("4.03"), "treasury"),
    )
    assert server.asked == [
        (
            "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/2024/all",
            {"type": "daily_treasury_yield_curve", "field_tdr_date_value": "2024", "_format": "csv"},
        )
    ]
    assert KEY not in str(server.headers)


def test_every_year_is_a_file_with_columns_of_its_own(connect, server):
    server.answers(
        sent(OF_1990 + SECOND_OF_1990), sent(OF_1990 + "12/31/1991,3.96,4.00,4.12,4.77,5.11,5.93,6.38,6.71,7.41\n")
    )

    answer = yields(connect, "UST3M", "UST1M", first=date(1989, 1, 1), last=date(1991, 12, 31))

    assert [(row.observation_date, row.percent) for row in answer.rows] == [
        (date(1990, 1, 2), Decimal("7.83")), (date(1991, 12, 31), Decimal("3.96")),
    ]  # fmt: skip
    assert (answer.absent, [path.split("/")[-2] for path, _ in server.asked]) == (("UST1M",), ["1990", "1991"])


@pytest.mark.parametrize("spelling", ["10 Yr", "10 YR", "10 Year", "10 years", "10Yr", " 10 Yr "])
def test_a_maturity_is_known_by_its_length_however_it_is_spelt(connect, server, spelling):
    server.answers(sent(f'Date,"{spelling}","1.5 Month"\n10/07/2024,4.03,4.9\n'))

    answer = yields(connect, "UST10Y", "UST6W")

    assert {row.series: row.percent for row in answer.rows} == {"UST10Y": Decimal("4.03"), "UST6W": Decimal("4.9")}


def test_a_maturity_that_was_not_quoted_has_no_row_and_a_day_outside_is_not_taken(connect, server):
    server.answers(sent(OF_2024 + MONDAY.replace("4.30", "N/A").replace("4.37", "") + MONDAY.replace("10/07", "09/30")))

    answer = yields(connect, "UST20Y", "UST30Y", "UST2Y")

    assert [(row.series, row.observation_date) for row in answer.rows] == [("UST2Y", date(2024, 10, 7))]
    assert (answer.refused, answer.absent) == ((), ("UST20Y", "UST30Y"))


def test_a_negative_yield_is_a_yield(connect, server):
    server.answers(sent(OF_2024 + MONDAY.replace(",5.00", ",-0.05")))

    assert yields(connect, "UST1M").rows[0].percent == Decimal("-0.05")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (MONDAY.replace("4.03", "4,03").replace("4,03", '"4,03"'), "yield"),
        (MONDAY.replace("4.03", "1e400"), "yield"),
        (MONDAY.replace("10/07/2024", "2024.10.07"), "Date"),
        (MONDAY.replace("10/07/2024", "02/30/2024"), "Date"),
        (MONDAY.replace("10/07/2024", "12/31/2026"), "Date"),
    ],
)
def test_a_yield_that_is_none_is_refused_by_name(connect, server, bad, field):
    server.answers(sent(OF_2024 + bad))

    answer = yields(connect, "UST10Y", first=date(2024, 1, 1))

    assert (answer.rows, [(each.symbol, each.field) for each in answer.refused]) == ((), [("UST10Y", field)])


def test_a_page_or_a_file_without_dates_is_refused_whole(connect, server):
    server.answers(HTML)
    with pytest.raises(NotData, match="not_data"):
        yields(connect, "UST10Y")

    server.answers(sent(OF_2024.replace("Date", "Day") + MONDAY))
    with pytest.raises(ProviderFailed, match="has no column Date"):
        yields(connect, "UST10Y")
