"""US Treasury: its daily par yield curve, one file for each year, in the public domain and without a key.

The columns are the maturities of the year ("10 Yr", "4 Mo", "1.5 Month"): some begin, some pause (30 years from 2002 to 2006), and
their spelling has changed. So a column is known by its length in months.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pricing.providers import fields
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import ParYield

PROVIDER = Provider(
    code="treasury",
    host="home.treasury.gov",
    base_path="/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv",
    allowance=Allowance(per_minute=30),
)

FIRST_DAY = date(1990, 1, 2)
SERIES: Mapping[str, Decimal] = {
    "UST1M": Decimal(1), "UST6W": Decimal("1.5"), "UST2M": Decimal(2), "UST3M": Decimal(3), "UST4M": Decimal(4),
    "UST6M": Decimal(6), "UST1Y": Decimal(12), "UST2Y": Decimal(24), "UST3Y": Decimal(36), "UST5Y": Decimal(60),
    "UST7Y": Decimal(84), "UST10Y": Decimal(120), "UST20Y": Decimal(240), "UST30Y": Decimal(360),
}  # fmt: skip
"""What we call each maturity → its months."""

_MATURITY = re.compile(r"(\d{1,2}(?:\.5)?) ?(mo|month|months|yr|year|years)", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"\A(\d{2})/(\d{2})/(\d{4})\Z", re.ASCII)
_NONE = frozenset({"", "N/A"})


def fetch_par_yields(client: Client, *series: str, first: date, last: date) -> Answer[ParYield]:
    """The yields of these series from `first` to `last`, in percent. A maturity that was not quoted on a day has no row."""
    today = client.clock.utc().date()
    series_of = {SERIES[each]: each for each in series}
    sieve = Sieve[ParYield](PROVIDER.code, "par yield", day="Date", symbol="series")

    def par_yield(cell: Mapping[str, Any]) -> ParYield:
        day = fields.day(cell, "Date", latest=today)
        return ParYield(cell["series"], day, fields.number_text(cell, "yield"), PROVIDER.code)

    for year in range(max(first, FIRST_DAY).year, last.year + 1):
        query = {"type": "daily_treasury_yield_curve", "field_tdr_date_value": str(year), "_format": "csv"}
        rows = client.get_table(f"/{year}/all", query, columns=["Date"])
        columns = {column: _months(column) for column in rows[0]} if rows else {}
        cells = (
            {"Date": day, "series": series_of[months], "yield": row[column].strip()}
            for row in rows
            for day in [_iso(row["Date"])]
            if day == row["Date"] or first.isoformat() <= day <= last.isoformat() or day > today.isoformat()
            for column, months in columns.items()
            if months in series_of and row[column].strip() not in _NONE
        )
        sieve.take(cells, par_yield, key=lambda row: (row.series, row.observation_date))
    return sieve.answer(requested=series, name_of=lambda row: row.series)


def _iso(text: str) -> str:
    """2026-11-19 for "11/19/2026"; what is written in another way as it is, to be refused by name."""
    return _DAY.sub(r"\3-\1-\2", text)


def _months(column: str) -> Decimal | None:
    """120 for "10 Yr"; None for a column that is no maturity."""
    match = _MATURITY.fullmatch(column.strip())
    return Decimal(match[1]) * (12 if match[2].lower().startswith("y") else 1) if match else None
