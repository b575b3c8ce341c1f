"""Which sealed days lack what the loaded data now have for them."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg

from pricing import calendars
from pricing.archive.contents import ArchiveReading
from pricing.models import PackAction, PackPrice, PackRate, PricingPack, PricingPolicy
from pricing.packs import inputs
from pricing.packs.gaps import delisted_from
from pricing.packs.point_in_time import Grid, Listed
from pricing.packs.rows import KnownAction
from pricing.packs.stored_rows import orm_columns

MOST_DAYS_CARRIED = 400
"""Calendar days after the last close of a delisted security on which it still is its price (docs/market-data.md)."""


def restatable_days(policy: PricingPolicy) -> list[date]:
    """The sealed days, rising, whose pack lacks what the loaded data now have for it: build them with a reason, then reseal.

    What lacks is a close or a rate; a close that was sealed with another factor than its security has by now; or a delisting,
    while it carries a last close. Days that a build would refuse are not among them.
    Raises loading.NoArchive, loading.ArchiveChanged.
    """
    headers = PricingPack.objects.filter(policy=policy, sequence__isnull=False).order_by("sequence")
    newest = {
        day: (sequence or 0, content or 0)
        for day, sequence, content in headers.values_list("asof_date", "sequence", "content_id")
    }
    if not newest:
        return []
    loaded = inputs.load(policy)
    days = [day for day in loaded.calendar.pack_days(min(newest), max(newest)) if day in newest]
    judgement = inputs.judge(loaded)
    selection = inputs.select(loaded, judgement, calendars.as_days(days))
    sequences, contents = ([newest[day][place] for day in days] for place in (0, 1))
    lacks = _unknown_delistings(policy, judgement.reading, days, sequences)
    lacks |= (selection.closes.usable & ~_sealed_closes(contents, loaded.securities)).any(axis=0)
    lacks |= (selection.rates.usable & ~_sealed_rates(contents, selection.legs)).any(axis=0)
    return [
        day for day, is_lacking in zip(days, lacks.tolist(), strict=True) if is_lacking and day not in selection.missing
    ]


def _sealed_closes(contents: Sequence[int], securities: Sequence[Listed]) -> Grid:
    """(N, D) whether the content of each day holds a close of each security, with the factor that it has."""
    number_of = {(row.id, row.factor): number for number, row in enumerate(securities)}
    rows = PackPrice.objects.filter(content__in=set(contents)).order_by().values_list("content_id", "factor")
    of_content: dict[int, list[int]] = {}
    for content, factor, ids in rows.annotate(ids=ArrayAgg("security_id")):
        numbers = (number_of.get((security_id, factor)) for security_id in ids)
        of_content.setdefault(content, []).extend(number for number in numbers if number is not None)
    return _grid(len(securities), [of_content.get(content, []) for content in contents])


def _sealed_rates(contents: Sequence[int], legs: Sequence[tuple[str, str]]) -> Grid:
    """(L, D) whether the content of each day holds a rate of each pair."""
    number_of = {pair: number for number, pair in enumerate(legs)}
    rows = PackRate.objects.filter(content__in=set(contents)).order_by().values_list("content_id", "base", "quote")
    of_content: dict[int, list[int]] = {}
    for content, base, quote in rows.iterator(chunk_size=10_000):
        if (base, quote) in number_of:
            of_content.setdefault(content, []).append(number_of[base, quote])
    return _grid(len(legs), [of_content.get(content, []) for content in contents])


def _grid(rows: int, numbers: Sequence[Sequence[int]]) -> Grid:
    """(rows, D) where of each day the rows of those numbers are true."""
    grid = np.zeros((rows, len(numbers)), dtype=bool)
    for day, of_day in enumerate(numbers):
        grid[of_day, day] = True
    return grid


def _unknown_delistings(
    policy: PricingPolicy, reading: ArchiveReading, days: Sequence[date], sequences: Sequence[int]
) -> Grid:
    """(D,) whether the loaded data carry a last close to that day behind a delisting which its pack does not know."""
    unknown = np.zeros(len(days), dtype=bool)
    ex_dates = delisted_from(reading)
    if not ex_dates:
        return unknown
    first_sequence: dict[tuple[str, date], int] = {}
    for sequence, action in _sealed_delistings(policy):
        if action.is_withdrawal:
            first_sequence.pop((action.symbol, action.ex_date), None)
        else:
            first_sequence.setdefault((action.symbol, action.ex_date), sequence)
    for symbol, ex_date in ex_dates.items():
        number = reading.code_of[symbol]
        begin, end = np.searchsorted(reading.closes.security, [number, number + 1]).tolist()
        if begin < end:
            last = reading.closes.date[end - 1].item()
            for place, (day, sequence) in enumerate(zip(days, sequences, strict=True)):
                is_carried = max(ex_date, last) <= day <= last + timedelta(days=MOST_DAYS_CARRIED)
                unknown[place] |= is_carried and first_sequence.get((symbol, ex_date), sequence + 1) > sequence
    return unknown


def _sealed_delistings(policy: PricingPolicy) -> list[tuple[int, KnownAction]]:
    """What the sealed packs say of delistings, in order of sequence, each with the sequence."""
    rows = PackAction.objects.filter(action="delisting").values_list("content_id", *orm_columns(KnownAction))
    of_content: dict[int, list[KnownAction]] = {}
    for content, *row in rows:
        of_content.setdefault(content, []).append(KnownAction(*row))
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False, content__in=of_content)
    return [
        (sequence or 0, action)
        for sequence, content in sealed.order_by("sequence").values_list("sequence", "content_id")
        for action in of_content[content or 0]
    ]
