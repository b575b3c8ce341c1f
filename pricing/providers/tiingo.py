"""Tiingo, by the user's own key: daily closes as traded of United States listings, each with the dividend and the split of its day.

A day's cash dividend is what Tiingo's own adjusted close is computed with, so it is in the currency of the close. Its adjusted
columns know of later events and are not read.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pricing.providers import fields, http
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import TradedDay

PROVIDER = Provider(
    code="tiingo",
    host="api.tiingo.com",
    base_path="/tiingo",
    key_variable="TIINGO_API_KEY",
    key_header=("Authorization", "Token {}"),
    allowance=Allowance(per_minute=10, per_day=1000),  # and 50 an hour, which it tells with 429
)


def fetch_days(client: Client, symbol: str, *, first: date, last: date) -> Answer[TradedDay]:
    """The days from `first` to `last` on which a security traded. `absent` names one of which nothing was said."""
    path = f"/daily/{http.symbol_in_path(symbol)}/prices"
    query = {"startDate": first.isoformat(), "endDate": last.isoformat(), "format": "json"}
    now = client.clock.utc()

    def day(row: Mapping[str, Any]) -> TradedDay:
        observed_date = fields.instant(row, "date", latest=now).date()
        if not first <= observed_date <= last:
            raise BadField("date", row["date"], "was not asked for")
        dividend = fields.number(row, "divCash")
        if dividend < 0:
            raise BadField("divCash", dividend, "is below zero")
        return TradedDay(
            symbol=symbol,
            observed_date=observed_date,
            close=fields.number(row, "close", positive=True),
            dividend=dividend or None,
            split_ratio=fields.number(row, "splitFactor", positive=True),
            source=PROVIDER.code,
        )

    rows = client.get(path, query, fault=lambda payload: None if isinstance(payload, list) else "is no list")
    sieve = Sieve[TradedDay](PROVIDER.code, "close", day="date", about=symbol)
    sieve.take(rows, day, key=lambda row: row.observed_date)
    return sieve.answer(requested=[symbol], name_of=lambda row: row.symbol)
