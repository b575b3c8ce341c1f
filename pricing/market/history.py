"""The past that a pack sees, in frozen arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pricing.archive.contents import frozen
from pricing.fx import MissingRate
from pricing.market.delistings import Delisting, known_delistings
from pricing.market.missing import MissingPrice, missing_price, missing_rate
from pricing.market.packed_rows import PackedRows, read_closes, read_rates
from pricing.market.seal import Seal
from pricing.models import PricingPack, Security

Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
Bools = npt.NDArray[np.bool_]


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
    columns: Mapping[int, int] = field(init=False, repr=False, compare=False)  # of each security, by its id

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", {pk: column for column, pk in enumerate(self.security_ids)})

    def security(self, security_id: int) -> int:
        """The column of a security. Raises MissingPrice where no pack of this history holds a close of it."""
        try:
            return self.columns[security_id]
        except KeyError:
            day = self.dates[-1].item()
            raise missing_price(self.policy, self.sequence, security_id, str(security_id), day) from None

    def currency(self, currency: str) -> int:
        """The column of a currency. Raises MissingRate where no pack of this history holds a rate of it."""
        try:
            return self.currencies.index(currency)
        except ValueError:
            raise self.missing_rate(currency, self.currencies[0], len(self.dates) - 1) from None

    def missing_price(self, column: int, day_index: int) -> MissingPrice:
        """The error of a security without a close on a day of this history."""
        symbol, day = self.symbols[column], self.dates[day_index].item()
        if self.sequence:
            return missing_price(self.policy, self.sequence, self.security_ids[column], symbol, day)
        observed_days = self.observed[: day_index + 1, column]
        observed_days = observed_days[~np.isnat(observed_days)]
        return MissingPrice(symbol, day, observed_days.max().item() if len(observed_days) else None)

    def missing_rate(self, frm: str, to: str, day_index: int) -> MissingRate:
        """The error of two currencies without a rate on a day of this history."""
        day, pivot = self.dates[day_index].item(), self.currencies[0]
        lacking = {currency for currency in (frm, to) if currency != pivot and not self._has_rate(currency, day_index)}
        return missing_rate(self.policy, self.sequence, frm, to, lacking, day)

    def _has_rate(self, currency: str, day_index: int) -> bool:
        if currency not in self.currencies:
            return False
        return not np.isnan(self.fx_to_pivot[day_index, self.currencies.index(currency)])

    def fx(self, frm: str, to: str) -> Floats:
        """(D,) units of `to` for one `frm`; NaN on days without a rate."""
        return self.fx_to_pivot[:, self.currency(frm)] / self.fx_to_pivot[:, self.currency(to)]


def history(pack: PricingPack) -> History:
    """The history that a sealed pack sees. Raises packs.PackWarming, packs.PackInError."""
    return _read(Seal.from_pack(pack))


def seen_by(pack: PricingPack) -> list[tuple[date, str, int]]:
    """Date, id and content of each pack that a sealed pack sees, by date. Raises packs.PackWarming, packs.PackInError."""
    return _visible_contents(Seal.from_pack(pack))


def _visible_contents(seal: Seal) -> list[tuple[date, str, int]]:
    """For each date up to the seal's the pack with the highest sequence up to its own."""
    sealed = PricingPack.objects.filter(
        policy=seal.policy, sequence__lte=seal.sequence, asof_date__lte=seal.asof_date, content__isnull=False
    )
    newest = sealed.order_by("asof_date", "-sequence").distinct("asof_date")
    return [(day, pk, content) for day, pk, content in newest.values_list("asof_date", "pk", "content_id") if content]


@lru_cache(maxsize=4)
def _read(seal: Seal) -> History:
    headers = _visible_contents(seal)
    dates = np.array([day for day, *_ in headers], dtype="datetime64[D]")
    # Two days may have the same content: its rows are read once.
    contents, content_of_day = np.unique([content for *_, content in headers], return_inverse=True)
    rows = read_closes(contents.tolist())
    column_of = {security_id: column for column, security_id in enumerate(rows.keys)}
    securities = [row for row in Security.objects.order_by("symbol") if row.pk in column_of]
    columns = [column_of[security.pk] for security in securities]
    close, observed = (
        rows.grid(values, empty)[np.ix_(content_of_day, np.array(columns, dtype=np.int64))]
        for values, empty in ((rows.number, np.nan), (rows.observed, np.datetime64("NaT")))
    )
    carried = np.zeros(close.shape, dtype=bool)
    delistings = known_delistings(seal.policy, seal.sequence, seal.asof_date)
    for column, security in enumerate(securities):
        if security.pk in delistings:
            _carry(dates, close[:, column], observed[:, column], carried[:, column], delistings[security.pk])
    currencies, fx_to_pivot, fx_sources = _rates(read_rates(contents.tolist()), seal.pivot)
    return History(
        pack_id=seal.pack_id,
        dates=frozen(dates),
        pack_ids=tuple(pack_id for _, pack_id, _ in headers),
        security_ids=tuple(security.pk for security in securities),
        symbols=tuple(security.symbol for security in securities),
        security_currencies=tuple(security.currency for security in securities),
        exchanges=tuple(security.exchange for security in securities),
        close=frozen(close),
        observed=frozen(observed),
        carried=frozen(carried),
        currencies=currencies,
        fx_to_pivot=frozen(fx_to_pivot[content_of_day]),
        close_sources=tuple(rows.sources[column] for column in columns),
        fx_sources=fx_sources,
        policy=seal.policy,
        sequence=seal.sequence,
    )


def _carry(dates: Dates, close: Floats, observed: Dates, carried: Bools, delisting: Delisting) -> None:
    """Fill the (D,) columns of a delisted security in place, on the days to which its last close is carried."""
    last = np.maximum.accumulate(np.where(np.isnan(close), -1, np.arange(len(dates))))
    begin = int(np.searchsorted(dates, np.datetime64(delisting.ex_date, "D")))
    for day in range(begin, len(dates)):
        row = last[day]
        if row < 0 or observed[row] >= dates[day]:
            continue
        if delisting.carries(observed[row].item(), dates[day].item()):
            close[day], observed[day], carried[day] = close[row], observed[row], True


def _rates(rows: PackedRows, pivot: str) -> tuple[tuple[str, ...], Floats, tuple[tuple[str, ...], ...]]:
    """Currencies, pivot first; (D, C) units of the pivot for one of each; the providers of each."""
    published = rows.grid(rows.number, np.nan)
    names, columns = [pivot], [np.ones(len(published))]
    for number, (base, quote) in enumerate(rows.keys):
        names.append(quote if base == pivot else base)
        columns.append(1.0 / published[:, number] if base == pivot else published[:, number])
    return tuple(names), np.stack(columns, axis=1), ((), *rows.sources)
