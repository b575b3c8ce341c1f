"""What the calculations may see of a pack: the market of its date in `Decimal`, its history in frozen arrays.

Packs never change, so a pack's market and history are kept in the process under its chain hash, which pins all of them;
and what the history of a policy's packs is made of in a file, which other processes map instead of reading rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
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
from pricing import fx, packs
from pricing.calendars import as_days
from pricing.fx import Leg, MissingRate
from pricing.market import history_file
from pricing.market.history_file import Table
from pricing.models import (
    Decision,
    PackAction,
    PackPrice,
    PackRate,
    PriceBasis,
    PricingPack,
    PricingPolicy,
    QuarantinedRow,
    Security,
    Series,
)
from pricing.packs.point_in_time import ASSUMED_RELEASE_DATE, KnownAction, KnownObservation, joined, standing

Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
Bools = npt.NDArray[np.bool_]


DELISTED = "delisted"
"""The flag of a close that is carried behind a delisting."""

REASONS: Mapping[str, str] = {
    "": "",
    "expiry_unbooked": "it has expired or matured, and its end is not booked",
    "carried_too_long": f"it is delisted, and a last close is carried for {packs.MOST_DAYS_CARRIED} days",
    "after_last_listed_day": "it is no longer listed, and no delisting of it is on record",
    "split_between": "it has split since",
    "in_quarantine": "a newer close waits for a decision",
    "no_quote_unit": "it is a bond, and nobody has said what its price is of",
}
"""Why a price is missing, where more is to be said than that none is known: by code, in words."""


class MissingPrice(TieoutError):
    """The security has no price on that day; `reason` is a key of REASONS.

    last_known_date  the day of its newest close in any pack, also where that may not be taken any more
    """

    def __init__(self, symbol: str, asof_date: date, last_known_date: date | None = None, reason: str = "") -> None:
        known = f"last known {last_known_date}" if last_known_date else "none known before"
        why = f"; {REASONS[reason]}" if REASONS[reason] else ""
        super().__init__(f"no price of {symbol} on {asof_date} ({known}{why})")
        self.symbol, self.asof_date, self.last_known_date, self.reason = symbol, asof_date, last_known_date, reason


class MissingSeries(TieoutError):
    """Nothing of the series was known on the pack's date."""

    def __init__(self, series: str, asof_date: date) -> None:
        super().__init__(f"nothing of series {series} was known on {asof_date}")
        self.series, self.asof_date = series, asof_date


@dataclass(frozen=True, slots=True)
class Close:
    """A raw close in the trading currency, with the date it was observed; `flags` says how stale, and whether it is carried."""

    security_id: int
    symbol: str
    close: Decimal
    currency: str
    observed_date: date
    source: str
    price_basis: str
    flags: str
    factor: Decimal = Decimal(1)

    @property
    def unit_value(self) -> Decimal:
        """The trading currency for one unit held: of a bond for one of nominal, of a contract for one contract."""
        return self.close if self.factor == 1 else fx.UNROUNDED.multiply(self.close, self.factor)


@dataclass(frozen=True, slots=True)
class Market:
    """The market of one pack."""

    pack_id: str
    asof_date: date
    pivot: str
    closes: Mapping[int, Close]  # by security id
    legs: Mapping[tuple[str, str], Leg]  # by (base, quote), as published
    policy: str = ""
    sequence: int = 0  # up to which the packs of the policy are looked at for what was known before

    def close(self, security_id: int, symbol: str) -> Close:
        """Raises MissingPrice: a missing price is neither cost nor zero."""
        if security_id not in self.closes:
            raise self.missing_price(security_id, symbol)
        return self.closes[security_id]

    def missing_price(self, security_id: int, symbol: str) -> MissingPrice:
        """What to say of a security without a close here."""
        return _missing_price(self.policy, self.sequence, security_id, symbol, self.asof_date)

    def missing_rate(self, frm: str, to: str) -> MissingRate:
        """What to say of two currencies that no legs join here."""
        lacking = {currency for currency in (frm, to) if currency != self.pivot and not self._has(currency)}
        return _missing_rate(self.policy, self.sequence, frm, to, lacking, self.asof_date)

    def _has(self, currency: str) -> bool:
        return (self.pivot, currency) in self.legs or (currency, self.pivot) in self.legs


def cross(market: Market, frm: str, to: str) -> Decimal:
    """Units of `to` for one `frm`, unrounded (34 digits) from the published legs. Raises MissingRate, never 1.0."""
    try:
        return fx.cross(market.legs, pivot=market.pivot, frm=frm, to=to, asof_date=market.asof_date)
    except MissingRate:
        raise market.missing_rate(frm, to) from None


def legs_between(market: Market, frm: str, to: str) -> tuple[Leg, ...]:
    """The published legs that `cross` is made of, for sources and flags. Raises MissingRate."""
    try:
        return fx.legs_between(market.legs, pivot=market.pivot, frm=frm, to=to, asof_date=market.asof_date)
    except MissingRate:
        raise market.missing_rate(frm, to) from None


def as_of(pack: PricingPack) -> Market:
    """The market of a sealed pack. Raises packs.PackWarming, packs.PackInError where nothing is sealed."""
    packs.require_sealed(pack=pack)
    policy = pack.policy
    return _as_of(
        pack.pk, pack.chain_hash, pack.content_id or 0, policy.pk, policy.pivot, pack.sequence or 0, pack.asof_date
    )


@lru_cache(maxsize=16)
def _as_of(
    pack_id: str, chain_hash: str, content_id: int, policy: str, pivot: str, sequence: int, asof_date: date
) -> Market:
    closes = _closes_of(content_id)
    for security_id, close in _carried(policy, sequence, asof_date, closes).items():
        closes[security_id] = close
    legs = {
        (row[0], row[1]): Leg(*row)
        for row in PackRate.objects.filter(content=content_id)
        .order_by("base", "quote")
        .values_list("base", "quote", "rate", "observed_date", "source", "flags")
    }
    return Market(
        pack_id=pack_id,
        asof_date=asof_date,
        pivot=pivot,
        closes=MappingProxyType(dict(sorted(closes.items(), key=lambda each: each[1].symbol))),
        legs=MappingProxyType(legs),
        policy=policy,
        sequence=sequence,
    )


_CLOSE_COLUMNS = (
    "security_id", "security__symbol", "close", "currency", "observed_date", "source", "price_basis", "flags", "factor",
)  # fmt: skip
"""In the order of Close."""


def _closes_of(content: int) -> dict[int, Close]:
    """By security, by symbol."""
    rows = PackPrice.objects.filter(content=content).order_by("security__symbol").values_list(*_CLOSE_COLUMNS)
    return {row[0]: Close(*row) for row in rows}


# --- what has ended: carried where a delisting is on record, else missing with its reason


@dataclass(frozen=True, slots=True)
class _Delisting:
    """Of a security: the first day without a listing, the last on which it may have a price, and its splits of raw closes."""

    symbol: str
    ex_date: date
    ends: date | None
    splits: tuple[date, ...]

    def carries(self, observed: date, day: date) -> bool:
        """Whether a close of that day still is the price of the other, a later one."""
        if day < self.ex_date or (day - observed).days > packs.MOST_DAYS_CARRIED or (self.ends and self.ends < day):
            return False
        return not any(observed < split <= day for split in self.splits)


def _delistings(policy: str, sequence: int, asof_date: date) -> Mapping[int, _Delisting]:
    """By security, the delistings that a pack of that sequence and date knows, of that date or before."""
    delisted = PackAction.objects.filter(action="delisting", ex_date__lte=asof_date).order_by()
    ids = set(delisted.values_list("security_id", flat=True))
    if not ids:
        return {}
    told = _actions(policy, sequence, asof_date, ids)
    ex_date = {each.symbol: each.ex_date for each in reversed(told) if each.action == "delisting"}
    found: dict[int, _Delisting] = {}
    for security in Security.objects.filter(symbol__in=[s for s, day in ex_date.items() if day <= asof_date]):
        raw = security.price_basis == PriceBasis.RAW
        splits = tuple(
            each.ex_date for each in told if raw and each.action == "split" and each.symbol == security.symbol
        )
        found[security.pk] = _Delisting(security.symbol, ex_date[security.symbol], security.ends, splits)
    return found


def _carried(policy: str, sequence: int, asof_date: date, closes: Mapping[int, Close]) -> dict[int, Close]:
    """The last closes of delisted securities, flagged, as far as they still are their price on that date."""
    delisted = _delistings(policy, sequence, asof_date)
    if not delisted:
        return {}
    begin = asof_date - timedelta(days=packs.MOST_DAYS_CARRIED)
    seen = _contents_seen(policy, sequence, begin, asof_date)
    last = {pk: closes[pk] for pk in delisted if pk in closes}
    if absent := {pk: each.symbol for pk, each in delisted.items() if pk not in last}:
        with connection.cursor() as cursor:
            cursor.execute(_LAST_CLOSES, [seen, list(absent)])
            last |= {row[0]: Close(row[0], absent[row[0]], *row[1:]) for row in cursor.fetchall()}
    return {
        pk: replace(close, flags=joined(close.flags if pk in closes else "", DELISTED))
        for pk, close in last.items()
        if close.observed_date < asof_date and delisted[pk].carries(close.observed_date, asof_date)
    }


_LAST_CLOSES = """
    SELECT DISTINCT ON (security_id) security_id, close, currency, observed_date, source, price_basis, flags, factor
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS seen (content_id, place) JOIN pricing_packprice USING (content_id)
    WHERE security_id = ANY(%s) ORDER BY security_id, place DESC
"""
_SEEN = """
    SELECT content_id FROM (
        SELECT DISTINCT ON (asof_date) asof_date, content_id FROM pricing_pricingpack
        WHERE policy_id = %s AND sequence <= %s AND asof_date BETWEEN %s AND %s ORDER BY asof_date, sequence DESC
    ) AS seen ORDER BY asof_date
"""


def _contents_seen(policy: str, sequence: int, first: date, last: date) -> list[int]:
    """Of each date in a span, rising, the content of its sealed pack with the highest sequence up to that one."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [policy, sequence, first, last])
        return [content for (content,) in cursor.fetchall()]


_LAST_CLOSE = """
    SELECT max(observed_date) FROM pricing_packprice
    WHERE content_id = ANY(%s) AND security_id = %s AND observed_date <= %s
"""
_LAST_RATE = """
    SELECT max(observed_date) FROM pricing_packrate
    WHERE content_id = ANY(%s) AND (base = %s OR quote = %s) AND observed_date <= %s
"""


def _missing_price(policy: str, sequence: int, security_id: int, symbol: str, day: date) -> MissingPrice:
    """What is known of a missing price, by all packs up to that sequence; by nothing where there is none (sequence 0)."""
    security = Security.objects.filter(pk=security_id).first() if sequence else None
    if security is None:
        return MissingPrice(symbol, day)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CLOSE, [packs.sealed_contents(policy=policy, upto=sequence), security_id, day])
        (last,) = cursor.fetchone()
    return MissingPrice(security.symbol, day, last, _reason(policy, sequence, security, last, day))


def _reason(policy: str, sequence: int, security: Security, last: date | None, day: date) -> str:
    told = [each for each in _actions(policy, sequence, day, [security.pk]) if each.ex_date <= day]
    splits = [each for each in told if each.action == "split" and last and last < each.ex_date]
    if security.ends and security.ends < day:
        return "expiry_unbooked"
    if security.lacks_quote_unit:
        return "no_quote_unit"
    if splits and security.price_basis == PriceBasis.RAW:
        return "split_between"
    if last and any(each.action == "delisting" for each in told) and (day - last).days > packs.MOST_DAYS_CARRIED:
        return "carried_too_long"
    if security.last_date and security.last_date < day:
        return "after_last_listed_day"
    waiting = QuarantinedRow.objects.filter(kind="price", key=security.symbol, decision=Decision.PENDING)
    return "in_quarantine" if waiting.filter(date__gt=last or date.min, date__lte=day).exists() else ""


def _missing_rate(policy: str, sequence: int, frm: str, to: str, lacking: Collection[str], day: date) -> MissingRate:
    """What is known of a missing rate: the last day on which there was one is that of the leg that ended first."""
    if not sequence:
        return MissingRate(frm, to, day)
    contents = packs.sealed_contents(policy=policy, upto=sequence)
    ended: list[date | None] = []
    with connection.cursor() as cursor:
        for currency in lacking:
            cursor.execute(_LAST_RATE, [contents, currency, currency, day])
            ended += cursor.fetchone()
    return MissingRate(frm, to, day, None if None in ended else min(filter(None, ended), default=None))


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
    close: Floats  # (D, N) trading currency per unit held: raw close times factor
    observed: Dates  # (D, N) the day of that close; NaT where there is none
    carried: Bools  # (D, N) it is the last close of a delisted security
    currencies: tuple[str, ...]  # (C,)
    fx_to_pivot: Floats  # (D, C) units of the pivot for one of the currency
    close_sources: tuple[tuple[str, ...], ...]  # (N,) providers of each security's closes, sorted
    fx_sources: tuple[tuple[str, ...], ...]  # (C,) providers of each currency's rates, sorted; none for the pivot
    policy: str = ""
    sequence: int = 0  # up to which the packs of the policy are looked at for what was known before

    def security(self, security_id: int) -> int:
        """The column of a security. Raises MissingPrice where no pack of this history holds a close of it."""
        try:
            return self.security_ids.index(security_id)
        except ValueError:
            day = self.dates[-1].item()
            raise _missing_price(self.policy, self.sequence, security_id, str(security_id), day) from None

    def currency(self, currency: str) -> int:
        """The column of a currency. Raises MissingRate where no pack of this history holds a rate of it."""
        try:
            return self.currencies.index(currency)
        except ValueError:
            raise self.missing_rate(currency, self.currencies[0], len(self.dates) - 1) from None

    def missing_price(self, column: int, day_index: int) -> MissingPrice:
        """What to say of a security without a close on a day of this history."""
        symbol, day = self.symbols[column], self.dates[day_index].item()
        if self.sequence:
            return _missing_price(self.policy, self.sequence, self.security_ids[column], symbol, day)
        known = self.observed[: day_index + 1, column]
        known = known[~np.isnat(known)]
        return MissingPrice(symbol, day, known.max().item() if len(known) else None)

    def missing_rate(self, frm: str, to: str, day_index: int) -> MissingRate:
        """What to say of two currencies without a rate on a day of this history."""
        day, pivot = self.dates[day_index].item(), self.currencies[0]
        lacking = {currency for currency in (frm, to) if currency != pivot and not self._has(currency, day_index)}
        return _missing_rate(self.policy, self.sequence, frm, to, lacking, day)

    def _has(self, currency: str, day_index: int) -> bool:
        if currency not in self.currencies:
            return False
        return not np.isnan(self.fx_to_pivot[day_index, self.currencies.index(currency)])

    def fx(self, frm: str, to: str) -> Floats:
        """(D,) units of `to` for one `frm`; NaN on days without a rate."""
        return self.fx_to_pivot[:, self.currency(frm)] / self.fx_to_pivot[:, self.currency(to)]


_SEALED = """
    SELECT sequence, id, asof_date, chain_hash, content_id FROM pricing_pricingpack
    WHERE policy_id = %s AND sequence <= %s ORDER BY sequence
"""
_CLOSES = """
    SELECT content_id, source,
        string_agg(int8send(security_id) || float8send((close * factor)::float8) || date_send(observed_date), '')
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
    numbers_of_all = sequence - 1 - newest_first
    seen = (days >= np.datetime64(since, "D")) & (days <= np.datetime64(asof_date, "D"))
    numbers = numbers_of_all[seen].tolist()
    rows = history_file.span(numbers)
    providers = _providers(table.close_source[rows], table.sources)
    carried = _carried_columns(
        table,
        numbers_of_all[days <= np.datetime64(asof_date, "D")],
        days,
        seen,
        _delistings(policy, sequence, asof_date),
    )
    place = {symbol: number for number, symbol in enumerate(table.symbols) if providers[number] or number in carried}
    symbols = [symbol for symbol in described if symbol in place]
    columns = [place[symbol] for symbol in symbols]
    close, observed = (array[rows][:, history_file.span(columns)] for array in (table.close, table.observed))
    is_carried: Bools = np.broadcast_to(np.False_, close.shape)
    if carried:
        close, observed, is_carried = close.copy(), observed.copy(), is_carried.copy()
        for number, of in carried.items():
            column = columns.index(number)
            close[of.days, column], observed[of.days, column] = of.close, of.observed
            is_carried[of.days, column] = True
            providers[number] = tuple(sorted({*providers[number], *of.sources}))
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
        carried=_frozen(is_carried),
        currencies=currencies,
        fx_to_pivot=_frozen(fx_to_pivot),
        close_sources=tuple(providers[column] for column in columns),
        fx_sources=fx_sources,
        policy=policy,
        sequence=sequence,
    )


class _CarriedColumn(NamedTuple):
    """Of a column, the days of a history on which its last close is carried, and that."""

    days: npt.NDArray[np.int64]
    close: Floats
    observed: Dates
    sources: tuple[str, ...]


def _carried_columns(
    table: Table, numbers: npt.NDArray[np.int64], days: Dates, seen: Bools, delistings: Mapping[int, _Delisting]
) -> dict[int, _CarriedColumn]:
    """By column of the table what is carried on the days seen, of closes of all days before them.

    numbers  of the table's rows, by day, up to the last day seen
    days     of the table; as many as `seen`, and the first of them are those of `numbers`
    """
    found: dict[int, _CarriedColumn] = {}
    column_of = {symbol: number for number, symbol in enumerate(table.symbols)} if delistings else {}
    upto = days[: len(numbers)]
    offset = int(np.argmax(seen)) if seen.any() else len(numbers)
    for delisting in delistings.values():
        column = column_of.get(delisting.symbol)
        if column is None:
            continue
        observed, close = table.observed[numbers, column], table.close[numbers, column]
        last = np.maximum.accumulate(np.where(np.isnan(close), -1, np.arange(len(numbers))))
        carried = [
            day
            for day in range(
                max(offset, int(np.searchsorted(upto, np.datetime64(delisting.ex_date, "D")))), len(numbers)
            )
            if last[day] >= 0
            and observed[last[day]] < upto[day]
            and delisting.carries(observed[last[day]].item(), upto[day].item())
        ]
        if carried:
            at = last[carried]
            codes = sorted(set(table.close_source[numbers[at], column].tolist()))
            found[column] = _CarriedColumn(
                np.array(carried) - offset, close[at], observed[at], tuple(table.sources[code - 1] for code in codes)
            )
    return found


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
    return _actions(pack.policy_id, pack.sequence or 0, pack.asof_date)


def _actions(
    policy: str, sequence: int, asof_date: date, securities: Collection[int] | None = None
) -> list[KnownAction]:
    """Of these securities; None: of all."""
    known = Q(announced__lte=asof_date) | Q(announced__isnull=True, ex_date__lte=asof_date)
    of = Q() if securities is None else Q(security__in=securities)
    rows = PackAction.objects.filter(known & of).order_by("ex_date").values_list("content_id", *packs.ACTION_COLUMNS)
    contents = packs.sealed_contents(policy=policy, upto=sequence)
    told = [KnownAction(*row) for row in packs.said_by(contents, rows)]
    newest = {action.key: action for action in standing(told)}
    return sorted(newest.values(), key=lambda action: (action.ex_date, action.symbol, action.action))
