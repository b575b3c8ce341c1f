"""FRED, the Federal Reserve Bank of St. Louis: macro series, and what was known of them when.

Some series there are others' (SP500, VIXCLS, BAMLC0A0CM, BAA10Y): each has a tag that says whose it is, which its rights follow.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from config import plain_text
from pricing.providers import fields, http
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import Copyright, Observation, SeriesTerms

PROVIDER = Provider(
    code="fred",
    host="api.stlouisfed.org",
    base_path="/fred",
    key_variable="FRED_API_KEY",
    key_parameter="api_key",
    allowance=Allowance(per_minute=60),
)

MISSING = "."
FIRST_VINTAGE, NO_END = date(1776, 7, 4), date(9999, 12, 31)
"""FRED's words for "from the beginning" and "to this day"."""

COPYRIGHT_GROUP = "cc"
ROWS_A_PAGE, MAX_PAGES = 100_000, 100
_FREQUENCIES = {
    "Daily": "D", "Weekly": "W", "Monthly": "M", "Quarterly": "Q", "Annual": "A",
}  # fmt: skip


def fetch_observations(
    client: Client,
    series: str,
    *,
    first: date,
    last: date,
    frequency: str | None = None,
    aggregation: str | None = None,
    known_from: date | None = None,
    known_to: date | None = None,
) -> Answer[Observation]:
    """The observations from `first` to `last` as known today, or every vintage known between two dates.

    frequency, aggregation  FRED's codes (m, q, a; avg, sum, eop), where a coarser series is wanted
    known_from, known_to    FIRST_VINTAGE and NO_END give all vintages
    """
    path = "/series/observations"
    query = {
        "series_id": http.symbol_in_path(series),
        "file_type": "json",
        "observation_start": first.isoformat(),
        "observation_end": last.isoformat(),
        "limit": str(ROWS_A_PAGE),
    }
    optional = {
        "frequency": frequency,
        "aggregation_method": aggregation,
        "realtime_start": known_from and known_from.isoformat(),
        "realtime_end": known_to and known_to.isoformat(),
    }
    query |= {name: value for name, value in optional.items() if value}
    # the Fed's days are those of its eastern banks; a day ahead of UTC is none of them
    today = client.clock.utc().date()

    def observation(row: Mapping[str, Any]) -> Observation:
        day = fields.day(row, "date", latest=today)
        # a period is dated by its first day, which may lie before `first`
        if not first - timedelta(days=366) <= day <= last:
            raise BadField("date", day, "was not asked for")
        start, end = fields.day(row, "realtime_start", latest=today), fields.day(row, "realtime_end")
        if end < start:
            raise BadField("realtime_end", end, f"lies before {start}")
        value = None if row.get("value") == MISSING else fields.number_text(row, "value")
        return Observation(series, day, value, start, end, PROVIDER.code)

    sieve = Sieve[Observation](PROVIDER.code, "observation", day="date", about=series)
    offset, before = 0, None
    for _ in range(MAX_PAGES):
        payload = client.get(path, query | {"offset": str(offset)}, fault=_fault_of("observations"))
        rows = payload["observations"]
        if rows and rows == before:
            raise http.ProviderFailed(PROVIDER.code, path, "sent a page again", passing=False)
        before = rows
        sieve.take(rows, observation, key=lambda row: (row.observation_date, row.realtime_start))
        offset += len(rows)
        if offset >= payload.get("count", 0) or not rows:
            break
    else:
        raise http.ProviderFailed(PROVIDER.code, path, f"has more than {MAX_PAGES} pages", passing=False)
    if offset < payload.get("count", 0):
        raise http.ProviderFailed(PROVIDER.code, path, "sent fewer observations than it counts", passing=False)
    return sieve.answer()


def fetch_series(client: Client, series: str) -> Answer[SeriesTerms]:
    """What a series is; one row."""
    now = client.clock.utc()

    def terms(row: Mapping[str, Any]) -> SeriesTerms:
        words = fields.text(row, "frequency")
        frequency = _FREQUENCIES.get(words.partition(",")[0])
        if frequency is None:
            raise BadField("frequency", words, "is none of D, W, M, Q, A")
        return SeriesTerms(
            id=fields.same(row, "id", series),
            title=plain_text.printable(fields.text(row, "title")),
            unit=fields.text(row, "units"),
            frequency=frequency,
            updated_at=fields.instant(row, "last_updated", latest=now),
            source=PROVIDER.code,
        )

    query = {"series_id": http.symbol_in_path(series), "file_type": "json"}
    payload = client.get("/series", query, fault=_fault_of("seriess"))
    sieve = Sieve[SeriesTerms](PROVIDER.code, "series", about=series)
    sieve.take(payload["seriess"], terms, key=lambda row: row.id)
    return sieve.answer(requested=[series], name_of=lambda row: row.id)


def fetch_copyright(client: Client, series: str) -> Answer[Copyright]:
    """The copyright tag of a series; no row where it has none."""

    def tag(row: Mapping[str, Any]) -> Copyright:
        fields.same(row, "group_id", COPYRIGHT_GROUP)
        return Copyright(series, fields.text(row, "name"), PROVIDER.code)

    query = {"series_id": http.symbol_in_path(series), "tag_group_id": COPYRIGHT_GROUP, "file_type": "json"}
    payload = client.get("/series/tags", query, fault=_fault_of("tags"))
    sieve = Sieve[Copyright](PROVIDER.code, "copyright", about=series)
    sieve.take(payload["tags"], tag, key=lambda row: row.series)
    return sieve.answer(requested=[series], name_of=lambda row: row.series)


def _fault_of(name: str) -> Any:
    def fault(payload: Any) -> str | None:
        if isinstance(payload, dict) and not isinstance(payload.get("count", Decimal(0)), Decimal):
            return "has a count that is no number"
        if not isinstance(payload, dict) or not isinstance(payload.get(name), list):
            return f"has no list of {name}"
        return None

    return fault
