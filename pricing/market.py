"""What the calculations may see of a pack: the market of its date in `Decimal`, its history in frozen arrays.

Packs never change, so a pack's market and history are kept in the process under its chain hash, which pins all of them;
and what the history of a policy's packs is made of in a file, which other processes map instead of reading rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import psycopg
from django.conf import settings
from django.db import connection
from django.db.models import Q

from config.errors import TieoutError
from pricing import fx, history_file, packs
from pricing.calendars import as_days
from pricing.fx import Leg, MissingRate
from pricing.history_file import Table
from pricing.models import (
    PackAction,
    PackPrice,
    PackRate,
    PricingPack,
    PricingPolicy,
    Security,
    Series,
)
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
    policy = pack.policy
    return _as_of(
        pack.pk, pack.chain_hash, pack.content_id or 0, policy.pk, policy.pivot, pack.sequence or 0, pack.asof_date
    )


_LAST_CLOSES = """
    SELECT security_id, max(observed_date) FROM pricing_packprice
    WHERE content_id = ANY(%s) AND security_id = ANY(%s) AND observed_date <= %s GROUP BY security_id
"""


@lru_cache(maxsize=16)
def _as_of(
    pack_id: str, chain_hash: str, content_id: int, policy: str, pivot: str, sequence: int, asof_date: date
) -> Market:
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
        contents = packs.sealed_contents(policy=policy, upto=sequence)
        with connection.cursor() as cursor:
            cursor.execute(_LAST_CLOSES, [contents, list(unpriced), asof_date])
            for security_id, last in cursor.fetchall():
                unpriced[security_id] = (unpriced[security_id][0], last)
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


_SEALED = """
    SELECT sequence, id, asof_date, chain_hash, content_id FROM pricing_pricingpack
    WHERE policy_id = %s AND sequence <= %s ORDER BY sequence
"""
_CLOSES = """
    SELECT content_id, source, string_agg(int8send(security_id) || float8send(close::float8) || date_send(observed_date), '')
    FROM pricing_packprice WHERE content_id = ANY(%s) GROUP BY content_id, source
"""
_RATES = """
    SELECT content_id, source, string_agg(convert_to(rpad(base, 3) || rpad(quote, 3), 'UTF8') || float8send(rate::float8), '')
    FROM pricing_packrate WHERE content_id = ANY(%s) GROUP BY content_id, source
"""
"""The rows of a content as one field: a row sent by itself costs several times what is in it."""
_CLOSE = np.dtype([("key", ">i8"), ("number", ">f8"), ("observed", ">i4")])
_RATE = np.dtype([("key", "S6"), ("number", ">f8")])
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
    described = {
        row[1]: row for row in Security.objects.order_by("symbol").values_list("id", "symbol", "currency", "exchange")
    }
    table = _table(policy, sequence, chain_hash, {row[0]: symbol for symbol, row in described.items()})
    days, newest_first = np.unique(table.asof[:sequence][::-1], return_index=True)
    seen = (days >= np.datetime64(since, "D")) & (days <= np.datetime64(asof_date, "D"))
    numbers = (sequence - 1 - newest_first[seen]).tolist()
    rows = history_file.span(numbers)
    providers = _providers(table.close_source[rows], table.sources)
    place = {symbol: number for number, symbol in enumerate(table.symbols) if providers[number]}
    symbols = [symbol for symbol in described if symbol in place]
    columns = [place[symbol] for symbol in symbols]
    close, observed = (array[rows][:, history_file.span(columns)] for array in (table.close, table.observed))
    currencies, fx_to_pivot, fx_sources = _rates(table, rows, pivot)
    return History(
        pack_id=pack_id,
        dates=_frozen(days[seen]),
        pack_ids=tuple(table.pack_ids[number] for number in numbers),
        security_ids=tuple(described[symbol][0] for symbol in symbols),
        symbols=tuple(symbols),
        security_currencies=tuple(described[symbol][2] for symbol in symbols),
        exchanges=tuple(described[symbol][3] for symbol in symbols),
        close=_frozen(close),
        observed=_frozen(observed),
        currencies=currencies,
        fx_to_pivot=_frozen(fx_to_pivot),
        close_sources=tuple(providers[column] for column in columns),
        fx_sources=fx_sources,
    )


def _rates(table: Table, rows: Any, pivot: str) -> tuple[tuple[str, ...], Floats, tuple[tuple[str, ...], ...]]:
    """Currencies, pivot first; (D, C) units of the pivot for one of each; the providers of each."""
    providers, published = _providers(table.rate_source[rows], table.sources), table.rate[rows]
    names, columns = [pivot], [np.ones(len(published))]
    of_currency: list[tuple[str, ...]] = [()]
    for (base, quote), number in sorted((pair, number) for number, pair in enumerate(table.pairs) if providers[number]):
        names.append(quote if base == pivot else base)
        columns.append(1.0 / published[:, number] if base == pivot else published[:, number])
        of_currency.append(providers[number])
    return tuple(names), np.stack(columns, axis=1), tuple(of_currency)


def _providers(codes: npt.NDArray[np.uint16], sources: Sequence[str]) -> list[tuple[str, ...]]:
    """Of each column the names of the sources in it, sorted."""
    there = [(codes == code).any(axis=0) for code in range(1, len(sources) + 1)]
    named = sorted(zip(sources, there, strict=True), key=lambda each: each[0])
    return [tuple(source for source, columns in named if columns[number]) for number in range(codes.shape[1])]


# --- what packs hold, from the file or the rows


def history_path(policy: str) -> Path:
    return Path(settings.VAR) / "history" / policy


def forget(policy: PricingPolicy) -> None:
    """Read the rows of the policy's packs again: what was kept of them may have been read from other rows."""
    history_path(policy.pk).unlink(missing_ok=True)
    _as_of.cache_clear()
    _history.cache_clear()


def _table(policy: str, sequence: int, chain_hash: str, symbol_of: Mapping[int, str]) -> Table:
    """All packs of the policy up to that sequence, and perhaps more: from the file as far as it has the chain's hashes."""
    path = history_path(policy)
    kept = history_file.read(path, policy)
    known = {symbol for table in kept.segments for symbol in table.symbols} <= set(symbol_of.values())
    if known and kept.last_sequence >= sequence and kept.chain_hash(sequence) == chain_hash:
        return history_file.joined(kept.segments)
    with connection.cursor() as cursor:
        cursor.execute(_SEALED, [policy, sequence])
        sealed = cursor.fetchall()
        if len(sealed) != sequence:
            raise packs.PackCorrupt(sealed[-1][1], "sequence", str(sequence), str(len(sealed)))
        last = kept.last_sequence if known and kept.last_sequence < sequence else 0
        if last and sealed[last - 1][3] == kept.chain_hash(last):
            new = _read_table(cursor, policy, sealed[last:], symbol_of)
            whole = history_file.joined([*kept.segments, new])
        else:
            new = whole = _read_table(cursor, policy, sealed, symbol_of)
            kept = replace(kept, whole=False)
    history_file.add(path, kept, new, whole)
    return whole


def _read_table(cursor: Any, policy: str, sealed: Sequence[Any], symbol_of: Mapping[int, str]) -> Table:
    """The packs of these headers, whose sequences rise by one, from their rows."""
    contents, pack_of = np.unique([content for *_, content in sealed], return_inverse=True)
    with psycopg.Cursor(cursor.connection) as raw:  # Django's can't receive bytes as bytes
        prices = raw.execute(_CLOSES, [contents.tolist()], binary=True).fetchall()
        rates = raw.execute(_RATES, [contents.tolist()], binary=True).fetchall()
    sources = sorted({source for _, source, _ in (*prices, *rates)})
    closes, fixings = (_unpacked(sent, kind, contents, sources) for sent, kind in ((prices, _CLOSE), (rates, _RATE)))
    held = set(np.unique(closes.row["key"]).tolist())
    ids = [security_id for security_id in symbol_of if security_id in held]
    by_id = np.argsort(ids)
    column = by_id[np.searchsorted(ids, closes.row["key"].astype(np.int64), sorter=by_id)] if ids else closes.content
    pairs, pair = np.unique(fixings.row["key"], return_inverse=True)
    observed = _POSTGRES_EPOCH + closes.row["observed"].astype(np.int64)

    def grid(rows: _Rows, columns: npt.NDArray[Any], values: npt.NDArray[Any], count: int, empty: Any) -> Any:
        filled = np.full((len(contents), count), empty, dtype=values.dtype.newbyteorder("="))
        filled[rows.content, columns] = values
        return _frozen(filled if len(pack_of) == len(contents) and (np.diff(pack_of) == 1).all() else filled[pack_of])

    return Table(
        policy=policy,
        first_sequence=sealed[0][0],
        pack_ids=tuple(pack_id for _, pack_id, *_ in sealed),
        symbols=tuple(symbol_of[security_id] for security_id in ids),
        pairs=tuple((pair[:3].decode().strip(), pair[3:].decode().strip()) for pair in pairs.tolist()),
        sources=tuple(sources),
        chain=np.frombuffer(bytes.fromhex("".join(row[3] for row in sealed)), dtype=np.uint8).reshape(-1, 32),
        asof=_frozen(np.array([row[2] for row in sealed], dtype="datetime64[D]")),
        close=grid(closes, column, closes.row["number"], len(ids), np.nan),
        rate=grid(fixings, pair, fixings.row["number"], len(pairs), np.nan),
        observed=grid(closes, column, observed, len(ids), np.datetime64("NaT")),
        close_source=grid(closes, column, closes.source, len(ids), 0),
        rate_source=grid(fixings, pair, fixings.source, len(pairs), 0),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of some contents, one after the other."""

    row: npt.NDArray[Any]
    content: npt.NDArray[np.int64]  # its number among the contents asked for
    source: npt.NDArray[np.uint16]  # its number among the sources, from 1


def _unpacked(
    sent: Sequence[tuple[int, str, bytes]], kind: np.dtype[Any], contents: npt.NDArray[np.int64], sources: Sequence[str]
) -> _Rows:
    rows = np.frombuffer(b"".join(packed for *_, packed in sent), dtype=kind)
    counts = [len(packed) // kind.itemsize for *_, packed in sent]
    numbers = np.searchsorted(contents, np.array([content for content, *_ in sent], dtype=np.int64))
    codes = np.array([sources.index(source) + 1 for _, source, _ in sent], dtype=np.uint16)
    return _Rows(rows, np.repeat(numbers, counts), np.repeat(codes, counts))


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
    turns = _turns(*_key_of(pack, series))
    standing_on = np.searchsorted(turns.known_at, days, side="right")
    return SeriesHistory(
        series=series,
        title=described.title,
        unit=described.unit,
        sources=tuple(sorted({row.source for row in rows})),
        assumed_release_date=any(ASSUMED_RELEASE_DATE in row.flags for row in rows),
        dates=days,
        value=_frozen(turns.value[standing_on]),
        observation_date=_frozen(turns.observation_date[standing_on]),
        year_ago=_frozen(turns.year_ago[standing_on]),
    )


def _known(pack: PricingPack, series: str) -> tuple[KnownObservation, ...]:
    """Every row of a series that the pack can see and that was not withdrawn, in order of sequence."""
    return _read_known(*_key_of(pack, series))


def _key_of(pack: PricingPack, series: str) -> tuple[str, str, str, int, date]:
    packs.require_sealed(pack=pack)
    assert pack.sequence is not None
    return series, pack.chain_hash, pack.policy_id, pack.sequence, pack.asof_date


_KNOWN = """
    SELECT content_id, series_id, observation_date, value, known_at, vintage, source, flags FROM pricing_packobservation
    WHERE content_id = ANY(%s) AND series_id = %s AND known_at <= %s ORDER BY observation_date
"""
"""In the order of observing.KnownObservation, behind the content."""


@lru_cache(maxsize=64)
def _read_known(
    series: str, chain_hash: str, policy: str, sequence: int, asof_date: date
) -> tuple[KnownObservation, ...]:
    contents = packs.sealed_contents(policy=policy, upto=sequence)
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [contents, series, asof_date])
        rows = packs.said_by(contents, cursor.fetchall())
    return tuple(standing([KnownObservation(*row) for row in rows]))


class _Turns(NamedTuple):
    """What a series says from the day on that a row of it became known; first of all, before any, nothing."""

    known_at: Dates  # (T,), rising; the arrays below have one more, at their front
    value: Floats
    observation_date: Dates
    year_ago: Floats


@lru_cache(maxsize=64)
def _turns(series: str, chain_hash: str, policy: str, sequence: int, asof_date: date) -> _Turns:
    rows = _read_known(series, chain_hash, policy, sequence, asof_date)
    days = [row.known_at for row in rows]
    known: dict[date, tuple[int, float]] = {}
    newest = date.min
    turns: list[date] = []
    observed: list[date] = []
    value, year_ago = [np.nan], [np.nan]
    # Rows come in order of sequence, sorting keeps it within a day, and the later in sequence wins.
    for day, numbers in groupby(sorted(range(len(rows)), key=days.__getitem__), key=days.__getitem__):
        for number in numbers:
            row = rows[number]
            if row.observation_date not in known or known[row.observation_date][0] < number:
                known[row.observation_date] = (number, float(row.value))
            newest = max(newest, row.observation_date)
        turns.append(day)
        value.append(known[newest][1])
        observed.append(newest)
        year_ago.append(known.get(_year_before(newest), (0, np.nan))[1])
    return _Turns(
        as_days(turns),
        np.array(value),
        np.concatenate([[np.datetime64("NaT", "D")], as_days(observed)]),
        np.array(year_ago),
    )


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def actions(pack: PricingPack) -> list[KnownAction]:
    """The corporate actions that the pack knows, by ex-date: announced, or ex, on or before its date."""
    packs.require_sealed(pack=pack)
    known = Q(announced__lte=pack.asof_date) | Q(announced__isnull=True, ex_date__lte=pack.asof_date)
    rows = PackAction.objects.filter(known).order_by("ex_date").values_list("content_id", *packs.ACTION_COLUMNS)
    contents = packs.sealed_contents(policy=pack.policy_id, upto=pack.sequence)
    told = [KnownAction(*row) for row in packs.said_by(contents, rows)]
    newest = {action.key: action for action in standing(told)}
    return sorted(newest.values(), key=lambda action: (action.ex_date, action.symbol, action.action))
