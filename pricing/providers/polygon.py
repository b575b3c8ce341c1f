"""Massive (Polygon.io until 2025-10-30): daily closes as traded, splits and dividends of securities listed in the United States.

The code stays `polygon`, as rows, aliases and rights have it. Its
`historical_adjustment_factor` knows of later splits and is not read.

Its currency pairs are not taken: a vendor's daily close is not the fixing that a pricing policy is named for.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pricing import fx
from pricing.providers import fields, http
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import Close, Dividend, Split

PROVIDER = Provider(
    code="polygon",
    host="api.massive.com",
    base_path="",
    key_variable="POLYGON_API_KEY",
    key_header=("Authorization", "Bearer {}"),
    allowance=Allowance(per_minute=100),
)

EXCHANGE_ZONE = ZoneInfo("America/New_York")
SETTLED_AT = time(16, 30)
"""When a day's bar no longer changes: the session ends at 16:00, the delayed feed a quarter of an hour later."""

BARS_A_PAGE, EVENTS_A_PAGE, MAX_PAGES = 50_000, 1000, 100


def fetch_closes(client: Client, symbol: str, *, first: date, last: date) -> Answer[Close]:
    """The closes from `first` to `last`, not adjusted for splits. A session that is not over is refused."""
    path = f"/v2/aggs/ticker/{http.symbol_in_path(symbol)}/range/1/day/{first}/{last}"
    query = {"adjusted": "false", "sort": "asc", "limit": str(BARS_A_PAGE)}
    now = client.clock.utc()

    def fault(payload: Any) -> str | None:
        wrong = _fault(payload)
        if wrong is None and payload.get("ticker") != symbol:
            return f"speaks of another symbol than {symbol}"
        if wrong is None and payload.get("adjusted") is not False:
            return "does not say that its closes are not adjusted"
        return wrong

    def close(bar: Mapping[str, Any]) -> Close:
        day = fields.epoch(bar, "t", unit=timedelta(milliseconds=1)).astimezone(EXCHANGE_ZONE).date()
        if _settled_at(day) > now:
            raise BadField("t", day, "lies in the future, or its session is not over")
        if not first <= day <= last:
            raise BadField("t", day, "was not asked for")
        return Close(symbol, day, fields.number(bar, "c", positive=True), PROVIDER.code)

    sieve = Sieve[Close](PROVIDER.code, "close", day="t", about=symbol)
    for bars in _pages(client, path, query, fault):
        sieve.take(bars, close, key=lambda row: row.observed_date)
    return sieve.answer()


def fetch_splits(client: Client, symbol: str, *, first: date, last: date) -> Answer[Split]:
    """The splits with an ex-date from `first` to `last`; announced ones may lie ahead."""
    path, query = "/stocks/v1/splits", _event_query(symbol, "execution_date", first, last)

    def split(event: Mapping[str, Any]) -> Split:
        return Split(
            symbol=fields.same(event, "ticker", symbol),
            ex_date=_day_within(event, "execution_date", first, last),
            ratio=fields.quotient(event, "split_to", "split_from"),
            source=PROVIDER.code,
        )

    sieve = Sieve[Split](PROVIDER.code, "split", day="execution_date", about=symbol)
    for events in _pages(client, path, query, _fault):
        sieve.take(events, split, key=lambda row: row.ex_date)
    return sieve.answer()


def fetch_dividends(client: Client, symbol: str, *, first: date, last: date) -> Answer[Dividend]:
    """The cash dividends with an ex-date from `first` to `last`. Two of one day may both be right if they differ."""
    path, query = "/stocks/v1/dividends", _event_query(symbol, "ex_dividend_date", first, last)

    def dividend(event: Mapping[str, Any]) -> Dividend:
        currency = fields.text(event, "currency")
        if currency not in fx.CURRENCIES:
            raise BadField("currency", currency, "is no currency")
        return Dividend(
            symbol=fields.same(event, "ticker", symbol),
            ex_date=_day_within(event, "ex_dividend_date", first, last),
            record_date=fields.maybe_day(event, "record_date"),
            pay_date=fields.maybe_day(event, "pay_date"),
            announced=fields.maybe_day(event, "declaration_date"),
            amount=fields.number(event, "cash_amount", positive=True),
            currency=currency,
            source=PROVIDER.code,
        )

    sieve = Sieve[Dividend](PROVIDER.code, "dividend", day="ex_dividend_date", about=symbol)
    for events in _pages(client, path, query, _fault):
        sieve.take(events, dividend, key=lambda row: (row.ex_date, row.amount, row.currency))
    return sieve.answer()


def _settled_at(day: date) -> datetime:
    return datetime.combine(day, SETTLED_AT, EXCHANGE_ZONE).astimezone(UTC)


def _event_query(symbol: str, day_field: str, first: date, last: date) -> dict[str, str]:
    return {
        "ticker": http.symbol_in_path(symbol),
        f"{day_field}.gte": first.isoformat(),
        f"{day_field}.lte": last.isoformat(),
        "limit": str(EVENTS_A_PAGE),
    }


def _day_within(event: Mapping[str, Any], field: str, first: date, last: date) -> date:
    day = fields.day(event, field)
    if not first <= day <= last:
        raise BadField(field, day, "was not asked for")
    return day


def _fault(payload: Any) -> str | None:
    if not isinstance(payload, dict) or payload.get("status") != "OK":
        return "does not say that its status is OK"
    if not isinstance(payload.get("results", []), list):
        return "has no list of results"
    return None


def _pages(client: Client, path: str, query: dict[str, str], fault: Any) -> Iterator[list[Any]]:
    """Page by page. Of the next address, at either host, only the cursor is taken: where to ask is not its to say."""
    earlier_cursors: set[str] = set()
    for _ in range(MAX_PAGES):
        payload = client.get(path, query, fault=fault)
        yield payload.get("results", [])
        following = payload.get("next_url")
        if following is None:
            return
        cursor = "".join(parse_qs(urlsplit(str(following)).query).get("cursor", [])[:1])
        if not cursor or cursor in earlier_cursors:
            raise http.ProviderFailed(PROVIDER.code, path, "names no next page, or one again", passing=False)
        earlier_cursors.add(cursor)
        query = {**query, "cursor": cursor}
    raise http.ProviderFailed(PROVIDER.code, path, f"has more than {MAX_PAGES} pages", passing=False)
