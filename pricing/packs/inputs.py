"""What the packs of a policy are built from: the loaded archive, the securities, the calendar; and what may be taken of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from pricing import calendars, fx
from pricing.archive import loading
from pricing.archive.contents import ArchiveReading, Dates, Rates
from pricing.models import PricingPolicy, Security
from pricing.packs import fingerprint
from pricing.packs.gaps import Missing, Tolerance, find_absent_fixings, find_outages
from pricing.packs.point_in_time import Listed, NewestRows, find_closes, find_legs, find_rates
from pricing.quality import acceptance, quarantine
from pricing.quality.acceptance import Judgement


@dataclass(frozen=True, slots=True)
class Inputs:
    """What packs of a policy are built from."""

    policy: PricingPolicy
    reading: ArchiveReading
    securities: Sequence[Listed]
    calendar: calendars.Calendar


@dataclass(frozen=True, slots=True)
class Selection:
    """What packs of some days hold: of each security and each published pair the row to take, where one may be taken."""

    closes: NewestRows
    legs: tuple[tuple[str, str], ...]
    rates: NewestRows
    missing: dict[date, list[Missing]]
    """By day what is wrong for everybody: the packs of these days can't be sealed."""


def load(policy: PricingPolicy) -> Inputs:
    """The archive that is loaded now, as the policy may use it. Raises loading.NoArchive, loading.ArchiveChanged."""
    reading = _without_other_fixings(loading.read_loaded(), policy)
    securities = _listed_securities()
    exchange_of = {security.symbol: security.exchange for security in securities}
    calendar = calendars.from_archive(reading, pivot=policy.pivot, exchange_of=exchange_of)
    return Inputs(policy, reading, securities, calendar)


def pack_days(*, policy: PricingPolicy, first: date, last: date) -> list[date]:
    """The pack days of a policy in a span, by the loaded archive. Raises loading.NoArchive, loading.ArchiveChanged."""
    return load(policy).calendar.pack_days(first, last)


def _without_other_fixings(reading: ArchiveReading, policy: PricingPolicy) -> ArchiveReading:
    """The archive without the rates that are known to be another fixing's."""
    fixings = [fx.FIXING_OF_SOURCE.get(source, policy.fixing) for source in reading.source_names]
    others = [code for code, fixing in enumerate(fixings) if fixing != policy.fixing]
    if not others:
        return reading
    rates = reading.rates
    ours = ~np.isin(rates.source, others)
    columns = (rates.pair[ours], rates.date[ours], rates.rate[ours], rates.source[ours])
    return replace(reading, rates=Rates(rates.pairs, *columns))


def _listed_securities() -> list[Listed]:
    """Every security, by symbol."""
    securities = [
        Listed(
            id=security.pk,
            symbol=security.symbol,
            currency=security.currency,
            exchange=security.exchange,
            price_basis=security.price_basis,
            first_date=security.first_date,
            last_date=min(filter(None, (security.last_date, security.ends)), default=None),
            factor=Decimal(fingerprint.plain(security.factor)),
            quotable=not security.lacks_quote_unit,
        )
        for security in Security.objects.all()
    ]
    return sorted(securities, key=lambda security: security.symbol)


def judge(inputs: Inputs) -> Judgement:
    """The archive by the quality rules, by what we hold of its securities, and by what staff have decided.

    A close that could not be read when it was fetched is left out like one that is suspect: its security waits for staff.
    """
    decisions, unreadable = quarantine.decisions()
    judgement = acceptance.judge(
        inputs.reading,
        today=datetime.now(UTC).date(),
        currency_of={security.symbol: security.currency for security in inputs.securities},
        basis_of={security.symbol: security.price_basis for security in inputs.securities},
        decisions=decisions,
    )
    return acceptance.without_unreadable(judgement, inputs.reading, unreadable)


def select(inputs: Inputs, judgement: Judgement, days: Dates) -> Selection:
    """Select the rows that packs of these days hold, of those that the judgement lets pass."""
    reading, calendar, policy, securities = judgement.reading, inputs.calendar, inputs.policy, inputs.securities
    legs = find_legs(reading, policy.pivot)
    closes = find_closes(
        reading,
        calendar,
        securities,
        days,
        max_stale_sessions=policy.max_stale_sessions,
        left_out=judgement.closes,
    )
    rates = find_rates(
        reading, calendar, legs, days, max_stale_fixings=policy.max_stale_fixings, left_out=judgement.rates
    )
    absent = find_absent_fixings(policy.fixing, reading, rates, days, max_stale_fixings=policy.max_stale_fixings)
    outages = find_outages(
        reading,
        calendar,
        securities,
        closes,
        days,
        delivered=(judgement.quotes[0].key, judgement.quotes[0].date),
        max_stale_sessions=policy.max_stale_sessions,
        tolerance=Tolerance(float(policy.max_missing_share), policy.max_missing_count),
    )
    missing: dict[date, list[Missing]] = {}
    for each in (*absent, *outages):
        missing.setdefault(each.asof_date, []).append(each)
    return Selection(closes, legs, rates, missing)
