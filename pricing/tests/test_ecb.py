"""Shapes of the ECB's data portal as of November 2026; the rates of 2026-11-19 are made up."""

from datetime import date
from decimal import Decimal

import pytest

from pricing.providers import ecb
from pricing.providers.http import NotData, ProviderFailed, RequestRefused
from pricing.providers.rows import Fixing
from pricing.tests.provider_server import HTML, KEY, sent

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 19)
HEADER = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,TITLE"


def row(currency="USD", day="2026-11-19", value="1.1234", status="A", **changes):
    cells = {"freq": "D", "denom": "EUR", "type": "SP00"} | changes
    return (
        f"EXR.D.{currency}.EUR.SP00.A,{cells['freq']},{currency},{cells['denom']},{cells['type']},A,{day},{value},"
        f'{status},"US dollar, Euro"'
    )


def table(*rows):
    return sent("\r\n".join([HEADER, *rows, ""]), Content_Type="text/csv")


def fixings(connect, *currencies):
    return ecb.fetch_fixings(connect(ecb.PROVIDER), *(currencies or ("USD", "GBP")), first=FIRST, last=LAST)


def test_fixings_are_asked_for_without_a_key_and_kept_exactly(connect, server):
    server.answers(table(row(), row("GBP", value="0.87650")))

    answer = fixings(connect)

    assert answer.rows == (
        Fixing("EUR", "USD", LAST, Decimal("1.1234"), "ecb"), Fixing("EUR", "GBP", LAST, Decimal("0.87650"), "ecb"),
    )  # fmt: skip
    assert (answer.refused, answer.absent) == ((), ())
    assert server.asked == [
        (
            "/service/data/EXR/D.USD+GBP.EUR.SP00.A",
            {"startPeriod": "2026-11-02", "endPeriod": "2026-11-19", "format": "csvdata"},
        )
    ]
    assert KEY not in str(server.headers)


def test_a_holiday_is_no_row_and_a_currency_without_any_is_absent(connect, server):
    server.answers(table(row(value="", status="H"), row(day="2026-11-18")))

    answer = fixings(connect)

    assert ([each.observed_date for each in answer.rows], answer.refused) == ([date(2026, 11, 18)], ())
    assert answer.absent == ("GBP",)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (row(value="-1.1"), "OBS_VALUE"),
        (row(value="0"), "OBS_VALUE"),
        (row(value="NaN"), "OBS_VALUE"),
        (row(value=""), "OBS_VALUE"),
        (row(value="1e400"), "OBS_VALUE"),
        (row("JPY"), "CURRENCY"),
        (row(day="2026-11-21"), "TIME_PERIOD"),
        (row(day="2026-11-01"), "TIME_PERIOD"),
        (row(day="2026-11"), "TIME_PERIOD"),
        (row(freq="M"), "FREQ"),
        (row(denom="USD"), "CURRENCY_DENOM"),
        (row(type="EN00"), "EXR_TYPE"),
    ],
)
def test_a_fixing_that_is_none_is_refused_by_name(connect, server, bad, field):
    server.answers(table(bad))

    answer = fixings(connect)

    assert (answer.rows, [refused.field for refused in answer.refused]) == ((), [field])


def test_two_fixings_of_one_day_are_both_refused(connect, server):
    server.answers(table(row(), row(value="1.2")))

    answer = fixings(connect)

    assert (answer.rows, len(answer.refused)) == ((), 2)


def test_corrections_are_asked_for_by_when_they_were_made_and_may_be_of_any_day(connect, server):
    server.answers(table(row(day="2019-03-04", value="1.1337")))

    answer = ecb.fetch_corrections(connect(ecb.PROVIDER), "USD", since=FIRST, last=LAST)

    assert [(each.observed_date, each.rate) for each in answer.rows] == [(date(2019, 3, 4), Decimal("1.1337"))]
    assert server.asked[0][1]["updatedAfter"] == "2026-11-02T00:00:00+00:00"


def test_no_correction_is_answered_with_404_and_is_no_failure(connect, server):
    server.answers(sent("No results found.", 404))

    assert ecb.fetch_corrections(connect(ecb.PROVIDER), "USD", since=FIRST, last=LAST).rows == ()
    with pytest.raises(RequestRefused):
        fixings(connect)


@pytest.mark.parametrize(
    ("answer", "failure", "reason"),
    [
        (HTML, NotData, "not_data"),
        (sent(HEADER.replace("OBS_VALUE", "VALUE") + "\n"), ProviderFailed, "has no column OBS_VALUE"),
        (sent(f"{HEADER},FREQ\n"), ProviderFailed, "has a column twice"),
        (sent(f"{HEADER}\n{row()[:40]}"), ProviderFailed, "shorter or longer"),
        (sent(b"\xff\xfe"), ProviderFailed, "no table"),
        (sent(""), ProviderFailed, "no table"),
    ],
)
def test_what_is_no_table_of_rates_is_refused_whole(connect, server, answer, failure, reason):
    server.answers(answer)

    with pytest.raises(failure, match=reason):
        fixings(connect)
