"""The European Central Bank: its euro reference rates. It asks for no key, only to be named.

A day has one fixing, about 16:00 in Frankfurt; a holiday has no row. `includeHistory` is not asked for: what a pack has sealed is
what was known that day, and a market data folder has one rate for a day and source.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from typing import Any

from pricing import fx
from pricing.providers import fields, http
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import Fixing

PROVIDER = Provider(
    code="ecb", host="data-api.ecb.europa.eu", base_path="/service/data", allowance=Allowance(per_minute=30)
)

BASE = "EUR"
NOT_FIXED = frozenset({"H", "L", "M"})
"""The statuses of a day without a rate: a holiday, not collected, can't exist."""

COLUMNS = ("FREQ", "CURRENCY", "CURRENCY_DENOM", "EXR_TYPE", "TIME_PERIOD", "OBS_VALUE")


def fetch_fixings(client: Client, *currencies: str, first: date, last: date) -> Answer[Fixing]:
    """The reference rates from `first` to `last`. `absent` names currencies that have none in that time."""
    return _fixings(client, currencies, {"startPeriod": first.isoformat(), "endPeriod": last.isoformat()}, first, last)


def fetch_corrections(client: Client, *currencies: str, since: date, last: date) -> Answer[Fixing]:
    """The rates of any day until `last` that were entered or corrected from `since` on; mostly there are none."""
    query = {
        "updatedAfter": datetime.combine(since, time(), UTC).isoformat(timespec="seconds"),
        "endPeriod": last.isoformat(),
    }
    try:
        return _fixings(client, currencies, query, date.min, last)
    except http.RequestRefused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        return Answer(PROVIDER.code, ())  # its word for: nothing matches


def _fixings(
    client: Client, currencies: tuple[str, ...], query: Mapping[str, str], first: date, last: date
) -> Answer[Fixing]:
    key = "+".join(map(http.symbol_in_path, currencies))
    today = client.clock.utc().date()

    def fixing(row: Mapping[str, Any]) -> Fixing:
        for field, expected in (("FREQ", "D"), ("CURRENCY_DENOM", BASE), ("EXR_TYPE", "SP00")):
            fields.same(row, field, expected)
        quote = fields.text(row, "CURRENCY")
        if quote not in currencies or quote not in fx.CURRENCIES:
            raise BadField("CURRENCY", quote, "was not asked for")
        day = fields.day(row, "TIME_PERIOD", latest=today)
        if not first <= day <= last:
            raise BadField("TIME_PERIOD", day, "was not asked for")
        return Fixing(BASE, quote, day, fields.number_text(row, "OBS_VALUE", positive=True), PROVIDER.code)

    rows = client.get_table(f"/EXR/D.{key}.{BASE}.SP00.A", {**query, "format": "csvdata"}, columns=COLUMNS)
    sieve = Sieve[Fixing](PROVIDER.code, "fixing", day="TIME_PERIOD", symbol="CURRENCY")
    fixed = (row for row in rows if row.get("OBS_STATUS") not in NOT_FIXED)
    sieve.take(fixed, fixing, key=lambda row: (row.quote, row.observed_date))
    return sieve.answer(requested=currencies, name_of=lambda row: row.quote)
