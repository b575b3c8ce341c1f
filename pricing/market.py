"""What the calculations may see of a pack: the market of its date in `Decimal`, its history in frozen arrays.

Packs never change, so a pack's market and history are kept in the process under its chain hash, which pins all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import Max, Q

from config.errors import TieoutError
from pricing import fx, packs
from pricing.fx import Leg, MissingRate
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, PricingPack, Security, Series
from pricing.observing import ASSUMED_RELEASE_DATE, KnownAction, KnownObservation, standing

Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]


class MissingPrice(TieoutError):
    """The pack holds no close of the security: it was not required when the pack was sealed, or never observed."""

    def __init__(self, symbol: str, asof_date: date, last_known_date: date | None = None) -> None:
        known = f"last known {last_known_date}" if last_known_date else "none known before"
        super().__init__(f"no price of {symbol} on {asof_date} ({known})")
        self.symbol, self.asof_date, self.last_known_date = symbol, asof_date, last_known_date


class MissingSeries(TieoutError):
    """Nothing of the series was known on the pack's date."""

    def __init__(self, series: str, asof_date: date) -> None:
        super().__init__(f"nothing of series {series} was known on {asof_date}")
        self.series, self.asof_date = series, asof_date


@dataclass(frozen=True, slots=True)
class Close:
    """A raw close in the trading currency, with the date it was observed; `flags` says how stale."""

    security_id: int
    symbol: str
    close: Decimal
    currency: str
    observed_date: date
    source: str
    price_basis: str
    flags: str


@dataclass(frozen=True, slots=True)
class Market:
    """The market of one pack."""

    pack_id: str
    asof_date: date
    pivot: str
    closes: Mapping[int, Close]  # by security id
    legs: Mapping[tuple[str, str], Leg]  # by (base, quote), as published
    unpriced: Mapping[
        int, tuple[str, date | None]
    ]  # active without a close here: security id -> symbol, last known date

    def close(self, security_id: int, symbol: str) -> Close:
        """Raises MissingPrice: a missing price is neither cost nor zero."""
        if security_id not in self.closes:
            _, last_known = self.unpriced.get(security_id, (symbol, None))
            raise MissingPrice(symbol, self.asof_date, last_known)
        return self.closes[security_id]


def cross(market: Market, frm: str, to: str) -> Decimal:
    """Units of `to` for one `frm`, unrounded (34 digits) from the published legs. Raises MissingRate, never 1.0."""
    return fx.cross(market.legs, pivot=market.pivot, frm=frm, to=to, asof_date=market.asof_date)


def legs_between(market: Market, frm: str, to: str) -> tuple[Leg, ...]:
    """The published legs that `cross` is made of, for sources and flags. Raises MissingRate."""
    return fx.legs_between(market.legs, pivot=market.pivot, frm=frm, to=to, asof_date=market.asof_date)


def as_of(pack: PricingPack) -> Market:
    """The market of a sealed pack. Raises packs.PackWarming, packs.PackInError where nothing is sealed."""
    packs.require_sealed(pack=pack)
    return _as_of(pack.pk, pack.chain_hash, pack.content_id or 0, pack.asof_date, pack.policy.pivot)


@lru_cache(maxsize=16)
def _as_of(pack_id: str, chain_hash: str, content_id: int, asof_date: date, pivot: str) -> Market:
    closes = {
        row[0]: Close(*row)
        for row in PackPrice.objects.filter(content=content_id)
        .order_by("security__symbol")
        .values_list(
            "security_id", "security__symbol", "close", "currency", "observed_date", "source", "price_basis", "flags"
        )
    }
    legs = {
        (row[0], row[1]): Leg(*row)
        for row in PackRate.objects.filter(content=content_id)
        .order_by("base", "quote")
        .values_list("base", "quote", "rate", "observed_date", "source", "flags")
    }
    unlisted = Q(first_date__gt=asof_date) | Q(last_date__lt=asof_date)
    active = Security.objects.exclude(unlisted).exclude(pk__in=closes).order_by("symbol")
    unpriced: dict[int, tuple[str, date | None]] = {
        pk: (symbol, None) for pk, symbol in active.values_list("id", "symbol")
    }
    if unpriced:
        known = (
            PackPrice.objects.filter(security__in=unpriced, observed_date__lte=asof_date)
            .order_by()
            .values("security_id")
        )
        for row in known.annotate(last=Max("observed_date")):
            unpriced[row["security_id"]] = (unpriced[row["security_id"]][0], row["last"])
    return Market(
        pack_id=pack_id,
        asof_date=asof_date,
        pivot=pivot,
        closes=MappingProxyType(closes),
        legs=MappingProxyType(legs),
        unpriced=MappingProxyType(unpriced),
    )


# --- history


@dataclass(frozen=True, slots=True)
class History:
    """What a pack sees of its past: of each day up to its own, the sealed pack with the highest sequence up to its own.

    D days rising, N securities by symbol, C currencies, pivot first; arrays are not writeable; NaN: not in that pack.
    """

    pack_id: str
    dates: Dates  # (D,)
    pack_ids: tuple[str, ...]  # (D,)
    security_ids: tuple[int, ...]  # (N,)
    symbols: tuple[str, ...]  # (N,)
    security_currencies: tuple[str, ...]  # (N,) trading currency
    exchanges: tuple[str, ...]  # (N,)
    close: Floats  # (D, N) trading currency per unit, raw
    observed: Dates  # (D, N) the day of that close; NaT where there is none
    currencies: tuple[str, ...]  # (C,)
    fx_to_pivot: Floats  # (D, C) units of the pivot for one of the currency
    close_sources: tuple[tuple[str, ...], ...]  # (N,) providers of each security's closes, sorted
    fx_sources: tuple[tuple[str, ...], ...]  # (C,) providers of each currency's rates, sorted; none for the pivot

    def security(self, security_id: int) -> int:
        """The column of a security. Raises MissingPrice where no pack of this history holds a close of it."""
        try:
            return self.security_ids.index(security_id)
        except ValueError:
            symbol = Security.objects.filter(pk=security_id).values_list("symbol", flat=True).first()
            raise MissingPrice(symbol or str(security_id), self.dates[-1].item()) from None

    def currency(self, currency: str) -> int:
        """The column of a currency. Raises MissingRate where no pack of this history holds a rate of it."""
        try:
            return self.currencies.index(currency)
        except ValueError:
            raise MissingRate(currency, self.currencies[0], self.dates[-1].item()) from None

    def fx(self, frm: str, to: str) -> Floats:
        """(D,) units of `to` for one `frm`; NaN on days without a rate."""
        return self.fx_to_pivot[:, self.currency(frm)] / self.fx_to_pivot[:, self.currency(to)]


_VISIBLE = """
    SELECT DISTINCT ON (asof_date) asof_date, id, content_id FROM pricing_pricingpack
    WHERE policy_id = %(policy)s AND sequence <= %(sequence)s AND asof_date BETWEEN %(since)s AND %(asof)s
    ORDER BY asof_date, sequence DESC
"""
_CLOSE_SOURCES = """
    SELECT DISTINCT security_id, source FROM pricing_packprice WHERE content_id = ANY(%(contents)s)
    ORDER BY security_id, source
"""
_RATE_SOURCES = """
    SELECT DISTINCT base, quote, source FROM pricing_packrate WHERE content_id = ANY(%(contents)s)
    ORDER BY base, quote, source
"""
_COPY_CLOSES = """
    COPY (SELECT content_id, security_id, close::float8, observed_date FROM pricing_packprice
          WHERE content_id = ANY(%(contents)s)) TO STDOUT (FORMAT BINARY)
"""
_COPY_RATES = """
    COPY (SELECT content_id, array_position(%(pairs)s::text[], base || quote) - 1, rate::float8 FROM pricing_packrate
          WHERE content_id = ANY(%(contents)s)) TO STDOUT (FORMAT BINARY)
"""


def _row(**fields: str) -> np.dtype[Any]:
    """A row of binary COPY: the number of fields, then each with its length before it."""
    sized = [part for name, kind in fields.items() for part in ((f"{name}_bytes", ">i4"), (name, kind))]
    return np.dtype([("fields", ">i2"), *sized])


_CLOSE_ROW = _row(content=">i8", security=">i8", close=">f8", observed=">i4")
_RATE_ROW = _row(content=">i8", pair=">i4", rate=">f8")
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0"
_COPY_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH = np.datetime64("2000-01-01", "D")


def history(pack: PricingPack, *, since: date | None = None) -> History:
    """The history a sealed pack sees, from `since` on (None: all). Raises packs.PackWarming, packs.PackInError."""
    packs.require_sealed(pack=pack)
    policy = pack.policy
    return _history(
        pack.pk, pack.chain_hash, policy.pk, policy.pivot, pack.sequence or 0, pack.asof_date, since or date.min
    )


@lru_cache(maxsize=4)
def _history(
    pack_id: str, chain_hash: str, policy: str, pivot: str, sequence: int, asof_date: date, since: date
) -> History:
    asked: dict[str, Any] = {"policy": policy, "sequence": sequence, "since": since, "asof": asof_date}
    with connection.cursor() as cursor:
        cursor.execute(_VISIBLE, asked)
        visible = cursor.fetchall()
        held: dict[str, Any] = {"contents": [content for _, _, content in visible]}
        cursor.execute(_CLOSE_SOURCES, held)
        close_sources: dict[int, tuple[str, ...]] = {}
        for security, source in cursor.fetchall():
            close_sources[security] = (*close_sources.get(security, ()), source)
        cursor.execute(_RATE_SOURCES, held)
        rate_sources: dict[tuple[str, str], tuple[str, ...]] = {}
        for base, quote, source in cursor.fetchall():
            rate_sources[base, quote] = (*rate_sources.get((base, quote), ()), source)
        prices = _copied_out(cursor, _COPY_CLOSES, held, _CLOSE_ROW)
        pairs = [base + quote for base, quote in rate_sources]
        rates = _copied_out(cursor, _COPY_RATES, held | {"pairs": pairs}, _RATE_ROW)
    contents = np.array(held["contents"], dtype=np.int64)
    securities = list(
        Security.objects.filter(pk__in=close_sources)
        .order_by("symbol")
        .values_list("id", "symbol", "currency", "exchange")
    )
    close, observed = _closes(contents, prices, np.array([row[0] for row in securities], dtype=np.int64))
    currencies, fx_to_pivot, fx_sources = _rates(contents, rates, rate_sources, pivot)
    return History(
        pack_id=pack_id,
        dates=_frozen(np.array([day for day, _, _ in visible], dtype="datetime64[D]")),
        pack_ids=tuple(row[1] for row in visible),
        security_ids=tuple(row[0] for row in securities),
        symbols=tuple(row[1] for row in securities),
        security_currencies=tuple(row[2] for row in securities),
        exchanges=tuple(row[3] for row in securities),
        close=_frozen(close),
        observed=_frozen(observed),
        currencies=currencies,
        fx_to_pivot=_frozen(fx_to_pivot),
        close_sources=tuple(close_sources[row[0]] for row in securities),
        fx_sources=fx_sources,
    )


def _copied_out(cursor: Any, statement: str, parameters: Mapping[str, Any], row: np.dtype[Any]) -> npt.NDArray[Any]:
    """The rows of a binary COPY, whose fields are fixed in width and never null."""
    with cursor.cursor.copy(statement, parameters) as copy:  # psycopg's own: Django's takes no parameters when it logs
        data = b"".join(copy)
    begin = len(_COPY_HEADER) + 8  # flags and the length of the header's extension, which is empty
    if not data.startswith(_COPY_HEADER) or not data.endswith(_COPY_TRAILER) or (len(data) - begin - 2) % row.itemsize:
        raise ValueError("binary COPY of another shape than expected")
    return np.frombuffer(data, dtype=row, count=(len(data) - begin - 2) // row.itemsize, offset=begin)


def _closes(
    contents: npt.NDArray[np.int64], rows: npt.NDArray[Any], securities: npt.NDArray[np.int64]
) -> tuple[Floats, Dates]:
    """(D, N) closes and the days they were observed; a content may serve several days."""
    stored, day_of = np.unique(contents, return_inverse=True)
    close = np.full((len(stored), len(securities)), np.nan)
    observed = np.full((len(stored), len(securities)), np.datetime64("NaT"), dtype="datetime64[D]")
    order = np.argsort(securities)
    at = np.searchsorted(stored, rows["content"]), order[np.searchsorted(securities, rows["security"], sorter=order)]
    close[at] = rows["close"]
    observed[at] = _POSTGRES_EPOCH + rows["observed"].astype(np.int64)
    return close[day_of], observed[day_of]


def _rates(
    contents: npt.NDArray[np.int64],
    rows: npt.NDArray[Any],
    sources: Mapping[tuple[str, str], tuple[str, ...]],
    pivot: str,
) -> tuple[tuple[str, ...], Floats, tuple[tuple[str, ...], ...]]:
    """Currencies, pivot first; (D, C) units of the pivot for one of each; the providers of each."""
    stored, day_of = np.unique(contents, return_inverse=True)
    published = np.full((len(stored), len(sources)), np.nan)
    published[np.searchsorted(stored, rows["content"]), rows["pair"]] = rows["rate"]
    names, columns = [pivot], [np.ones(len(stored))]
    providers: list[tuple[str, ...]] = [()]
    for number, ((base, quote), providing) in enumerate(sources.items()):
        names.append(quote if base == pivot else base)
        columns.append(1.0 / published[:, number] if base == pivot else published[:, number])
        providers.append(providing)
    return tuple(names), np.stack(columns, axis=1)[day_of], tuple(providers)


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array


# --- series and actions


@dataclass(frozen=True, slots=True)
class SeriesHistory:
    """A series as it was known: for each date the newest observation with known_at on or before it.

    M dates, rising; NaN and NaT before the first figure was known. Arrays are not writeable.
    """

    series: str
    title: str
    unit: str
    sources: tuple[str, ...]
    assumed_release_date: bool  # some known_at is a lag rule's: results are degraded(assumed_release_date)
    dates: Dates  # (M,)
    value: Floats  # (M,)
    observation_date: Dates  # (M,)
    year_ago: Floats  # (M,) the figure of twelve months before, as known on the date


def observations(pack: PricingPack, series: str) -> list[KnownObservation]:
    """A series as the pack knows it: per observation date, rising, the row of the highest sequence up to its own."""
    newest = {row.observation_date: row for row in _known(pack, series)}
    return [newest[day] for day in sorted(newest)]


def series(pack: PricingPack, series: str, *, dates: Dates | None = None) -> SeriesHistory:
    """A series as known on each of `dates` (None: the pack days up to the pack's). Raises MissingSeries.

    A date knows what was known on it by the packs up to this one, corrections included, and no later date's figure.
    """
    rows = _known(pack, series)
    if not rows:
        raise MissingSeries(series, pack.asof_date)
    days = history(pack).dates if dates is None else dates
    described = Series.objects.get(pk=series)
    value, observed, year_ago = _steps(rows, days)
    return SeriesHistory(
        series=series,
        title=described.title,
        unit=described.unit,
        sources=tuple(sorted({row.source for row in rows})),
        assumed_release_date=any(ASSUMED_RELEASE_DATE in row.flags for row in rows),
        dates=days,
        value=_frozen(value),
        observation_date=_frozen(observed),
        year_ago=_frozen(year_ago),
    )


def _known(pack: PricingPack, series: str) -> tuple[KnownObservation, ...]:
    """Every row of a series that the pack can see and that was not withdrawn, in order of sequence."""
    packs.require_sealed(pack=pack)
    return _read_known(series, pack.chain_hash, pack.policy_id, pack.sequence or 0, pack.asof_date)


@lru_cache(maxsize=64)
def _read_known(
    series: str, chain_hash: str, policy: str, sequence: int, asof_date: date
) -> tuple[KnownObservation, ...]:
    known = PackObservation.objects.filter(series=series, known_at__lte=asof_date).order_by("observation_date")
    rows = packs.said_by(policy=policy, rows=known, columns=packs.OBSERVATION_COLUMNS, upto=sequence)
    return tuple(standing([KnownObservation(*row) for row in rows]))


def _steps(rows: Sequence[KnownObservation], days: Dates) -> tuple[Floats, Dates, Floats]:
    """Walk the dates with what becomes known: rows come in order of sequence, and the later in sequence wins."""
    waiting = sorted(enumerate(rows), key=lambda item: (item[1].known_at, item[0]))
    known: dict[date, tuple[int, float]] = {}
    newest: date | None = None
    value, year_ago = np.full(len(days), np.nan), np.full(len(days), np.nan)
    observed = np.full(len(days), np.datetime64("NaT"), dtype="datetime64[D]")
    next_row = 0
    for number, day in enumerate(days.tolist()):
        while next_row < len(waiting) and waiting[next_row][1].known_at <= day:
            order, row = waiting[next_row]
            next_row += 1
            if row.observation_date not in known or known[row.observation_date][0] < order:
                known[row.observation_date] = (order, float(row.value))
            newest = row.observation_date if newest is None else max(newest, row.observation_date)
        if newest is not None:
            value[number], observed[number] = known[newest][1], newest
            before = known.get(_year_before(newest))
            year_ago[number] = before[1] if before else np.nan
    return value, observed, year_ago


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def actions(pack: PricingPack) -> list[KnownAction]:
    """The corporate actions that the pack knows, by ex-date: announced, or ex, on or before its date."""
    packs.require_sealed(pack=pack)
    known = PackAction.objects.filter(
        Q(announced__lte=pack.asof_date) | Q(announced__isnull=True, ex_date__lte=pack.asof_date)
    ).order_by("ex_date")
    rows = packs.said_by(policy=pack.policy_id, rows=known, columns=packs.ACTION_COLUMNS, upto=pack.sequence)
    newest = {action.key: action for action in standing([KnownAction(*row) for row in rows])}
    return sorted(newest.values(), key=lambda action: (action.ex_date, action.symbol, action.action))
