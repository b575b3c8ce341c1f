"""Pricing packs: build, seal, open, find, verify.

A pack is a header over content rows. Its status moves by TRANSITIONS alone, by conditional UPDATEs whose count is
looked at; the database refuses everything else. Sealing happens under one lock per policy and gives a rising sequence.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from itertools import pairwise
from operator import attrgetter
from typing import Any, cast
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now

from config import locks
from config.errors import TieoutError
from pricing import archive, calendars, fx
from pricing.archive import loading
from pricing.models import (
    BOND,
    PERCENT,
    Decision,
    PackAction,
    PackContent,
    PackObservation,
    PackPrice,
    PackRate,
    PackStatus,
    PricingPack,
    PricingPolicy,
    QuarantinedRow,
    QuoteUnit,
    Security,
    Series,
)
from pricing.packs import fingerprint, point_in_time
from pricing.quality import acceptance, quarantine, rules

logger = logging.getLogger(__name__)

TRANSITIONS: Mapping[PackStatus, frozenset[PackStatus]] = {
    PackStatus.BUILDING: frozenset({PackStatus.WARMING, PackStatus.ERROR}),
    PackStatus.WARMING: frozenset({PackStatus.FRESH, PackStatus.ERROR}),
    PackStatus.FRESH: frozenset(),
    PackStatus.ERROR: frozenset({PackStatus.WARMING}),  # only if sealed
}

BUILD_JOB = "build_pack"
NAMED_IN_REASON = 20
MOST_DAYS_CARRIED = 400
"""Calendar days after the last close of a delisted security on which it still is its price (docs/market-data.md)."""
CHUNK_ROWS = 50_000
CHUNK_PACKS = 500


class PackNotFound(TieoutError):
    def __init__(self, pack_id: str) -> None:
        super().__init__(f"no pricing pack {pack_id}")
        self.pack_id = pack_id


class PackWarming(TieoutError):
    """The pack is building or warming, or there is none yet (`status` is "absent", `pack_id` empty)."""

    def __init__(self, pack_id: str, status: str) -> None:
        super().__init__(f"pricing pack {pack_id or '(none)'} is {status}")
        self.pack_id, self.status = pack_id, status


class PackInError(TieoutError):
    def __init__(self, pack_id: str, job: str, reason: str) -> None:
        super().__init__(f"pricing pack {pack_id} is in error since {job or 'sealing'}: {reason}")
        self.pack_id, self.job, self.reason = pack_id, job, reason


class PackCorrupt(TieoutError):
    """What is stored is not what was sealed. `row` is the first row that differs, as a canonical line, where it is known."""

    def __init__(self, pack_id: str, what: str, stored: str, computed: str, row: str = "") -> None:
        named = f"; first row that differs: {row}" if row else ""
        super().__init__(f"pricing pack {pack_id} is corrupt: {what} is {stored}, computed {computed}{named}")
        self.pack_id, self.what, self.stored, self.computed, self.row = pack_id, what, stored, computed, row


class PackIncomplete(TieoutError):
    """A fixing is absent whole, or too many closes are; the packs named are in error, all others of the build are sealed."""

    def __init__(self, pack_ids: Sequence[str], missing: Sequence[point_in_time.Missing]) -> None:
        super().__init__(reason_of(missing))
        self.pack_ids, self.missing = tuple(pack_ids), tuple(missing)


class BadTransition(TieoutError):
    def __init__(self, pack_ids: Sequence[str], to: str) -> None:
        super().__init__(f"can't become {to}: {', '.join(pack_ids)}")
        self.pack_ids, self.to = tuple(pack_ids), to


class AsofOutOfRange(TieoutError):
    """Before the first pack, or after today."""

    def __init__(self, asof_date: date, first: date, last: date) -> None:
        super().__init__(f"as-of date {asof_date} is not between {first} and {last}")
        self.asof_date, self.first, self.last = asof_date, first, last


class SealingBusy(TieoutError):
    """Another builder of the policy holds the lock, and kept it for longer than the database waits."""

    def __init__(self, policy: str) -> None:
        super().__init__(f"another build of {policy} is running")
        self.policy = policy


class NoPackDay(TieoutError):
    """On these dates neither the fixing nor an exchange was open, or they are not in rising order."""

    def __init__(self, policy: str, dates: Sequence[date]) -> None:
        super().__init__(f"no pack days of {policy}, or not rising: {', '.join(map(str, dates[:NAMED_IN_REASON]))}")
        self.policy, self.dates = policy, tuple(dates)


# --- which pack


def pack_days(*, policy: PricingPolicy, first: date, last: date) -> list[date]:
    """The pack days of a policy in a span, by the loaded archive. Raises loading.NoArchive, loading.ArchiveChanged."""
    return _calendar(policy, _archive_of(policy), _listed()).pack_days(first, last)


def find(*, pack_id: str) -> PricingPack:
    """The pack of that id. Raises PackNotFound."""
    pack = PricingPack.objects.select_related("policy", "content").filter(pk=pack_id).first()
    if pack is None:
        raise PackNotFound(pack_id)
    return pack


def resolve(*, policy: PricingPolicy, asof_date: date | None = None, today: date | None = None) -> PricingPack:
    """The pack that answers for a date, whatever its status: ask `require_fresh` next.

    asof_date  None: the newest pack day; a date without a pack day is answered by the last one before it
    today      no as-of date may lie after it, when given
    raises     PackWarming ("absent") while the policy has no pack, AsofOutOfRange
    """
    headers = PricingPack.objects.filter(policy=policy)
    last = headers.order_by("-asof_date").values_list("asof_date", flat=True).first()
    if last is None:
        raise PackWarming("", "absent")
    if asof_date is None:
        return _pack_of(headers.filter(asof_date=last))
    before = headers.filter(asof_date__lte=asof_date).order_by("-asof_date")
    day = before.values_list("asof_date", flat=True).first()
    if day is None or (today is not None and asof_date > today):
        first = headers.order_by("asof_date").values_list("asof_date", flat=True)[0]
        raise AsofOutOfRange(asof_date, first, today or last)
    return _pack_of(headers.filter(asof_date=day))


def _pack_of(of_one_date: QuerySet[PricingPack]) -> PricingPack:
    """A date's pack is its highest-sequence fresh one; where none is fresh, its newest release decides."""
    releases = list(of_one_date.select_related("policy", "content").order_by("-release"))
    fresh = [pack for pack in releases if pack.status == PackStatus.FRESH]
    return max(fresh, key=lambda pack: pack.sequence or 0) if fresh else releases[0]


def require_fresh(*, pack: PricingPack) -> PricingPack:
    """The pack itself if it is open to readers. Raises PackWarming, PackInError."""
    if pack.status == PackStatus.ERROR:
        raise PackInError(pack.pk, pack.failed_job, pack.reason)
    if pack.status != PackStatus.FRESH:
        raise PackWarming(pack.pk, pack.status)
    return pack


def require_sealed(*, pack: PricingPack) -> PricingPack:
    """The pack itself if it has content, fresh or not. Raises PackWarming, PackInError."""
    if pack.sequence is None:
        return require_fresh(pack=pack)
    return pack


def left_out(*, pack: PricingPack) -> list[str]:
    """Symbols of securities that are active on the pack's date and have no close in it: none was observed, or it is too old,
    in quarantine, from before a split, or of a bond without a quote unit."""
    priced = PackPrice.objects.filter(content=pack.content_id).values("security")
    active = Security.objects.filter(_active_on(pack.asof_date)).exclude(pk__in=priced)
    return list(active.order_by("symbol").values_list("symbol", flat=True))


def _active_on(day: Any) -> Q:
    """Listed on the day, and neither expired nor matured before it."""
    last = [Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": day}) for end in ("last_date", "expiry", "maturity")]
    return Q(first_date__lte=day) & last[0] & last[1] & last[2]


def with_quality(headers: QuerySet[PricingPack]) -> QuerySet[PricingPack]:
    """Headers with what they cover and what is odd, each a number.

    priced, active      securities with a close in the pack; listed on its date
    converted           published rates
    stale_rows, extreme_rows, accepted_rows  closes and rates by flag
    undecided_rows      rows of its date in quarantine that nobody has decided on
    """

    def counted(rows: QuerySet[Any]) -> Coalesce:
        """As a subquery of its own: counts of several joined tables would multiply."""
        alone = rows.order_by().annotate(one=Value(1)).values("one")
        return Coalesce(Subquery(alone.annotate(count=Count("*")).values("count")), 0)

    prices = PackPrice.objects.filter(content=OuterRef("content"))
    rates = PackRate.objects.filter(content=OuterRef("content"))

    def flagged(flag: str) -> Any:
        return counted(prices.filter(flags__contains=flag)) + counted(rates.filter(flags__contains=flag))

    return headers.annotate(
        priced=counted(prices),
        active=counted(Security.objects.filter(_active_on(OuterRef("asof_date")))),
        converted=counted(rates),
        stale_rows=flagged("stale:"),
        extreme_rows=flagged(rules.EXTREME),
        accepted_rows=flagged(rules.ACCEPTED),
        undecided_rows=counted(QuarantinedRow.objects.filter(date=OuterRef("asof_date"), decision=Decision.PENDING)),
    )


# --- status


def mark_fresh(packs: Sequence[PricingPack]) -> None:
    """Open packs to readers: last in the nightly run, once the ledger ties out. Raises BadTransition, moving none."""
    _move(packs, PackStatus.FRESH)


def mark_error(packs: Sequence[PricingPack], *, job: str, reason: str) -> None:
    """Raises BadTransition, and moves none."""
    _move(packs, PackStatus.ERROR, failed_job=job, reason=reason)


def mark_warming(packs: Sequence[PricingPack]) -> None:
    """Sealed packs in error back to the run, for another try. Raises BadTransition, and moves none."""
    _move(packs, PackStatus.WARMING, sequence__isnull=False)


@transaction.atomic
def _move(
    packs: Sequence[PricingPack],
    to: PackStatus,
    *,
    failed_job: str = "",
    reason: str = "",
    **only: Any,
) -> None:
    ids = [pack.pk for pack in packs]
    before = [status for status, after in TRANSITIONS.items() if to in after]
    movable = PricingPack.objects.filter(pk__in=ids, status__in=before, **only)
    moved = movable.update(status=to, failed_job=failed_job, reason=reason, updated_at=Now())
    if moved != len(set(ids)):
        stuck = PricingPack.objects.filter(pk__in=ids).exclude(status=to).values_list("pk", flat=True)
        raise BadTransition(sorted(stuck)[:NAMED_IN_REASON] or ids[:NAMED_IN_REASON], to)
    for pack in packs:
        pack.status, pack.failed_job, pack.reason = to, failed_job, reason


def reason_of(missing: Sequence[point_in_time.Missing]) -> str:
    """What is missing, at most twenty by name, and the count."""
    named = "; ".join(map(str, missing[:NAMED_IN_REASON]))
    return f"{len(missing)} missing: {named}" + ("; ..." if len(missing) > NAMED_IN_REASON else "")


# --- build


_COPIED = {
    "pricing_packprice": "security_id, close, currency, observed_date, price_basis, factor, source, flags",
    "pricing_packrate": "base, quote, rate, observed_date, fix_at, source, flags",
    "pricing_packobservation": "series_id, observation_date, value, known_at, vintage, source, flags",
    "pricing_packaction": "security_id, ex_date, action, ratio, amount, currency, pay_date, announced, source, flags",
}


@dataclass(slots=True)
class _Draft:
    """A pack about to be sealed: rows as text for COPY, without the content's id, and their canonical lines."""

    pack: PricingPack
    lines: list[str] = field(default_factory=list)
    rows: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in _COPIED})

    def add(self, table: str, line: str, *cells: object) -> None:
        self.lines.append(line)
        self.rows[table].append("\t".join(r"\N" if cell is None else _copied(str(cell)) for cell in cells))


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@lru_cache(maxsize=65_536)
def _copied(text: str) -> str:
    return text.translate(_COPY_ESCAPES)


def build(
    *,
    policy: PricingPolicy,
    dates: Sequence[date],
    run: UUID,
    restate_reason: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PricingPack]:
    """One sealed pack for each of the dates, which rise and may have gaps; new ones are `warming`.

    A pack holds all rates of its fixing, and of each active security the newest close that is not stale, whoever needs
    them: what it holds is a function of the loaded data and its day. A date keeps the pack that this run has sealed, so
    that a killed run can be taken up again under its own id, and another run's fresh one, unless `restate_reason` is
    given; every other date gets its next release. What the quality rules suspect is put in quarantine and stays out;
    where it is the newest row of something, that is missing until staff decide. Call it outside a transaction: headers,
    chunks of packs and errors are committed one after the other.

    progress  told (packs done, packs in all)
    raises    NoPackDay; loading.NoArchive, loading.ArchiveChanged; PackIncomplete when a fixing is absent whole, or more
              closes are missing than the policy lets: those dates' headers are in error with the reason, every other date is
              sealed
    """
    reading = _archive_of(policy)
    securities = _listed()
    calendar = _calendar(policy, reading, securities)
    if refused := _refused_days(calendar, dates):
        raise NoPackDay(policy.code, refused)
    with _sealing(policy):
        kept = _kept(policy, dates, run, restating=restate_reason is not None)
        todo = [day for day in dates if day not in kept]
        if progress:
            progress(len(kept), len(dates))
        if not todo:
            return [kept[day] for day in dates]
        judged = judge(reading, securities)
        quarantine.record(judged.seen_by(todo), run=run)
        view = _View.of(judged, calendar, policy, securities, todo)
        headers = _open_headers(policy, todo, run, restate_reason or "", view.missing)
        good = [headers[day] for day in todo if day not in view.missing]
        sealed = _seal_in_chunks(policy, view, good, lambda done: progress and progress(len(kept) + done, len(dates)))
    if view.missing:
        lacking = [missing for day in sorted(view.missing) for missing in view.missing[day]]
        raise PackIncomplete([headers[day].pk for day in sorted(view.missing)], lacking)
    found = kept | {pack.asof_date: pack for pack in sealed}
    return [found[day] for day in dates]


def restatable(policy: PricingPolicy) -> list[date]:
    """The sealed days, rising, whose pack lacks what the loaded data now have for it: build them with a reason, then reseal.

    What lacks is a close or a rate; a close that was sealed with another factor than its security has by now; or a delisting,
    while it carries a last close. Days that a build would refuse are not among them. Raises as pack_days.
    """
    newest = {
        day: (sequence, content)
        for day, sequence, content in PricingPack.objects.filter(policy=policy, sequence__isnull=False)
        .order_by("sequence")
        .values_list("asof_date", "sequence", "content_id")
    }
    if not newest:
        return []
    reading, securities = _archive_of(policy), _listed()
    calendar = _calendar(policy, reading, securities)
    days = [day for day in calendar.pack_days(min(newest), max(newest)) if day in newest]
    judged = judge(reading, securities)
    opened = calendars.as_days(days)
    held = _Held.of(judged, calendar, policy, securities, opened)
    contents = [newest[day][1] for day in days]
    lacks = _unknown_delistings(policy, judged.reading, days, [newest[day][0] or 0 for day in days])
    lacks |= (held.closes.usable & ~_sealed_closes(contents, securities)).any(axis=0)
    lacks |= (held.rates.usable & ~_sealed_rates(contents, held.legs)).any(axis=0)
    refused = held.missing(judged, calendar, policy, securities, opened)
    return [day for day, lacking in zip(days, lacks.tolist(), strict=True) if lacking and day not in refused]


def _sealed_closes(contents: Sequence[int | None], securities: Sequence[point_in_time.Listed]) -> point_in_time.Grid:
    """(N, D) whether the content of each day holds a close of each security, with the factor that it has."""
    number_of = {(security.id, fingerprint.plain(security.factor)): n for n, security in enumerate(securities)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT content_id, factor, array_agg(security_id) FROM pricing_packprice"
            " WHERE content_id = ANY(%s) GROUP BY content_id, factor",
            [list(set(contents))],
        )
        told = cursor.fetchall()
    of_content: dict[int | None, list[int]] = {}
    for content, factor, ids in told:
        text = fingerprint.plain(factor)
        numbers = (number_of.get((security, text)) for security in ids)
        of_content.setdefault(content, []).extend(number for number in numbers if number is not None)
    return _grid(len(securities), [of_content.get(content, []) for content in contents])


def _sealed_rates(contents: Sequence[int | None], legs: Sequence[tuple[str, str]]) -> point_in_time.Grid:
    """(L, D) whether the content of each day holds a rate of each pair."""
    number_of = {pair: number for number, pair in enumerate(legs)}
    of_content: dict[int | None, list[int]] = {}
    rows = PackRate.objects.filter(content__in=set(contents)).order_by().values_list("content_id", "base", "quote")
    for content, base, quote in rows.iterator(chunk_size=10_000):
        if (base, quote) in number_of:
            of_content.setdefault(content, []).append(number_of[base, quote])
    return _grid(len(legs), [of_content.get(content, []) for content in contents])


def _grid(rows: int, numbers: Sequence[Sequence[int]]) -> point_in_time.Grid:
    grid = np.zeros((rows, len(numbers)), dtype=bool)
    for day, of_day in enumerate(numbers):
        grid[of_day, day] = True
    return grid


def _unknown_delistings(
    policy: PricingPolicy,
    reading: archive.ArchiveReading,
    days: Sequence[date],
    sequences: Sequence[int],
) -> point_in_time.Grid:
    """(D,) whether the loaded data carry a last close to that day behind a delisting which its pack does not know."""
    unknown = np.zeros(len(days), dtype=bool)
    ex_dates = point_in_time.delisted_from(reading)
    if not ex_dates:
        return unknown
    known: dict[tuple[str, date], int] = {}
    for sequence, action in _sealed_delistings(policy):
        if action.is_withdrawal:
            known.pop((action.symbol, action.ex_date), None)
        else:
            known.setdefault((action.symbol, action.ex_date), sequence)
    for symbol, ex_date in ex_dates.items():
        number = reading.code_of[symbol]
        begin, end = np.searchsorted(reading.closes.security, [number, number + 1]).tolist()
        if begin < end:
            last = reading.closes.date[end - 1].item()
            for place, (day, sequence) in enumerate(zip(days, sequences, strict=True)):
                is_carried = max(ex_date, last) <= day <= last + timedelta(days=MOST_DAYS_CARRIED)
                unknown[place] |= is_carried and known.get((symbol, ex_date), sequence + 1) > sequence
    return unknown


def _sealed_delistings(policy: PricingPolicy) -> list[tuple[int, point_in_time.KnownAction]]:
    """What the sealed packs say of delistings, in order of sequence, with it."""
    rows = PackAction.objects.filter(action="delisting").values_list("content_id", *ACTION_COLUMNS)
    of_content: dict[int, list[point_in_time.KnownAction]] = {}
    for content, *row in rows:
        of_content.setdefault(content, []).append(point_in_time.KnownAction(*row))
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False, content__in=of_content)
    return [
        (sequence or 0, action)
        for sequence, content in sealed.order_by("sequence").values_list("sequence", "content_id")
        for action in of_content[content or 0]
    ]


def reseal(*, policy: PricingPolicy, run: UUID) -> PricingPack:
    """The head date sealed anew, so that it sees what was sealed after it: next release, same content, next sequence.

    The head's own pack comes back where nothing was sealed after it. Raises PackWarming ("absent") if none is sealed.
    """
    with _sealing(policy), transaction.atomic():
        sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False).select_related("policy", "content")
        head = sealed.order_by("-asof_date", "-sequence").first()
        if head is None or head.content is None:
            raise PackWarming("", "absent")
        if head.sequence == sealed.aggregate(last=Max("sequence"))["last"]:
            return head
        header = _open_headers(policy, [head.asof_date], run, f"re-seal of {head.pk}", {})[head.asof_date]
        _seal(policy, [(header, head.content_id or 0, head.content.content_hash)])
    logger.info("pack re-sealed", extra={"pack_id": header.pk, "sequence": header.sequence})
    return find(pack_id=header.pk)


def _listed() -> list[point_in_time.Listed]:
    """Every security, by symbol."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, symbol, currency, exchange, price_basis, first_date, least(last_date, expiry, maturity),"
            " multiplier * CASE quote_unit WHEN %s THEN %s ELSE 1 END, lower(kind) <> %s OR quote_unit <> ''"
            " FROM pricing_security",
            [QuoteUnit.PERCENT_OF_NOMINAL, PERCENT, BOND],
        )
        # As _make does it, without a call of Python's for each.
        listed = list(map(partial(tuple.__new__, point_in_time.Listed), cursor.fetchall()))
    return sorted(listed, key=attrgetter("symbol"))


def judge(reading: archive.ArchiveReading, securities: Sequence[point_in_time.Listed]) -> acceptance.Judgement:
    """The archive by the quality rules, by what we hold of its securities, and by what staff have decided.

    A close that could not be read when it was fetched is left out like one that is suspect: what is held waits for staff.
    """
    decisions, refused = quarantine.decisions()
    held = tuple([(security.symbol, security.currency, security.price_basis) for security in securities])
    judged = _judged(reading, datetime.now(UTC).date(), held, decisions)
    return acceptance.without_refused(judged, reading, refused)


@lru_cache(maxsize=1)
def _judged(
    reading: archive.ArchiveReading, today: date, held: tuple[tuple[str, str, str], ...], decisions: rules.Decisions
) -> acceptance.Judgement:
    """Kept for the next pack of a night, which is of the same archive: the head sealed anew, a restatement.

    held  (symbol, currency, price basis) of the securities
    """
    return acceptance.judge(
        reading,
        today=today,
        currency_of={symbol: currency for symbol, currency, _ in held},
        basis_of={symbol: basis for symbol, _, basis in held},
        decisions=decisions,
    )


def _archive_of(policy: PricingPolicy) -> archive.ArchiveReading:
    """The loaded archive without the rates that are known to be another fixing's. Raises as loading.read_loaded."""
    reading = loading.read_loaded()
    fixing = [fx.FIXING_OF_SOURCE.get(source, policy.fixing) for source in reading.source_names]
    others = [code for code, each in enumerate(fixing) if each != policy.fixing]
    if not others:
        return reading
    held = reading.rates
    ours = ~np.isin(held.source, others)
    columns = (held.pair[ours], held.date[ours], held.rate[ours], held.source[ours])
    return replace(reading, rates=archive.Rates(held.pairs, *columns))


def _calendar(
    policy: PricingPolicy, reading: archive.ArchiveReading, securities: Sequence[point_in_time.Listed]
) -> calendars.Calendar:
    exchange_of = {security.symbol: security.exchange for security in securities}
    return calendars.of_archive(reading, pivot=policy.pivot, exchange_of=exchange_of)


def _refused_days(calendar: calendars.Calendar, dates: Sequence[date]) -> list[date]:
    if not dates:
        return []
    if falling := [after for before, after in pairwise(dates) if after <= before]:
        return falling
    return sorted(set(dates) - set(calendar.pack_days(dates[0], dates[-1])))


@contextmanager
def _sealing(policy: PricingPolicy) -> Iterator[None]:
    """One builder of a policy at a time. Raises SealingBusy."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.session_lock(f"pricing.packs:{policy.code}"))
        except locks.LockTimeout as timeout:
            raise SealingBusy(policy.code) from timeout
        yield


def _kept(policy: PricingPolicy, dates: Sequence[date], run: UUID, *, restating: bool) -> dict[date, PricingPack]:
    """By date, the sealed pack that stays, the highest in sequence: of this run, or (no restatement) already fresh.

    What another run left warming or in error stays closed for ever: only the jobs of its own run can open a pack.
    """
    staying = Q(run=run) if restating else Q(run=run) | Q(status=PackStatus.FRESH)
    sealed = PricingPack.objects.filter(staying, policy=policy, asof_date__in=dates, sequence__isnull=False)
    return {pack.asof_date: pack for pack in sealed.select_related("policy", "content").order_by("sequence")}


def _open_headers(
    policy: PricingPolicy,
    dates: Sequence[date],
    run: UUID,
    restates: str,
    missing: Mapping[date, Sequence[point_in_time.Missing]],
) -> dict[date, PricingPack]:
    """A header per date: `building`, or `error` with what is missing.

    A building header of this run is taken up again; one of another run was left by a dead builder (we hold its lock).
    """
    with transaction.atomic():
        of_dates = PricingPack.objects.filter(policy=policy, asof_date__in=dates)
        told = of_dates.order_by().values_list("asof_date", "release", "status")
        releases: dict[date, int] = {}
        for day, release, _ in told:
            releases[day] = max(release, releases.get(day, 0))
        headers: dict[date, PricingPack] = {}
        if any(status == PackStatus.BUILDING for *_, status in told):
            unsealed = of_dates.filter(status=PackStatus.BUILDING)
            unsealed.exclude(run=run).update(
                status=PackStatus.ERROR, failed_job=BUILD_JOB, reason="the run that built it ended", updated_at=Now()
            )
            headers = {pack.asof_date: pack for pack in unsealed.filter(run=run).select_related("policy")}
        opened = []
        for day in dates:
            if day not in headers:
                release = releases.get(day, 0) + 1
                headers[day] = PricingPack(
                    pk=f"PP_{day}_{policy.code}_r{release}",
                    policy=policy,
                    asof_date=day,
                    release=release,
                    run=run,
                    restates=restates,
                )
                opened.append(headers[day])
        if opened:
            _insert(opened)
        for day, lacking in missing.items():
            mark_error([headers[day]], job=BUILD_JOB, reason=reason_of(lacking))
            logger.warning("pack incomplete", extra={"pack_id": headers[day].pk, "missing": [str(m) for m in lacking]})
    return headers


def _insert(opened: Sequence[PricingPack]) -> None:
    """Headers that are building. A back-fill opens thousands, each of which the ORM would take a third of a millisecond for."""
    columns = [(pack.pk, pack.policy_id, pack.asof_date, pack.release, pack.run, pack.restates) for pack in opened]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pricing_pricingpack (id, policy_id, asof_date, release, run, restates, status, chain_hash,"
            " failed_job, reason) SELECT *, 'building', '', '', ''"
            " FROM unnest(%s::text[], %s::text[], %s::date[], %s::int[], %s::uuid[], %s::text[])",
            [list(column) for column in zip(*columns, strict=True)],
        )
    for pack in opened:
        pack._state.adding, pack._state.db = False, connection.alias


@dataclass(frozen=True, slots=True)
class _Held:
    """What packs of some days hold by the loaded data: of each security and each leg the row to take, if any may be."""

    closes: point_in_time.Observed
    legs: tuple[tuple[str, str], ...]
    rates: point_in_time.Observed

    @classmethod
    def of(
        cls,
        judged: acceptance.Judgement,
        calendar: calendars.Calendar,
        policy: PricingPolicy,
        securities: Sequence[point_in_time.Listed],
        days: archive.Dates,
    ) -> "_Held":
        legs = point_in_time.find_legs(judged.reading, policy.pivot)
        return cls(
            point_in_time.find_closes(
                judged.reading,
                calendar,
                securities,
                days,
                max_stale_sessions=policy.max_stale_sessions,
                left=judged.closes,
            ),
            legs,
            point_in_time.find_rates(
                judged.reading, calendar, legs, days, max_stale_fixings=policy.max_stale_fixings, left=judged.rates
            ),
        )

    def missing(
        self,
        judged: acceptance.Judgement,
        calendar: calendars.Calendar,
        policy: PricingPolicy,
        securities: Sequence[point_in_time.Listed],
        days: archive.Dates,
    ) -> dict[date, list[point_in_time.Missing]]:
        """By day what is wrong for everybody: those days' packs can't be sealed."""
        absent = point_in_time.find_absent_fixings(
            policy.fixing, judged.reading, self.rates, days, max_stale_fixings=policy.max_stale_fixings
        )
        outages = point_in_time.find_outages(
            judged.reading,
            calendar,
            securities,
            self.closes,
            days,
            delivered=(judged.quotes[0].key, judged.quotes[0].date),
            max_stale_sessions=policy.max_stale_sessions,
            tolerance=point_in_time.Tolerance(float(policy.max_missing_share), policy.max_missing_count),
        )
        found: dict[date, list[point_in_time.Missing]] = {}
        for each in (*absent, *outages):
            found.setdefault(each.asof_date, []).append(each)
        return found


@dataclass(frozen=True, slots=True)
class _View:
    """The archive as the packs of some days see it: decided once for all of them, drafted day by day."""

    reading: archive.ArchiveReading
    judged: acceptance.Judgement
    policy: PricingPolicy
    number_of: Mapping[date, int]
    securities: Sequence[point_in_time.Listed]
    closes: point_in_time.Observed
    legs: Sequence[tuple[str, str]]
    rates: point_in_time.Observed
    missing: Mapping[date, list[point_in_time.Missing]]
    observations: point_in_time.Deltas[point_in_time.KnownObservation]
    actions: point_in_time.Deltas[point_in_time.KnownAction]
    units: Mapping[str, str]
    security_ids: Mapping[str, int]
    fix_at: Mapping[date, datetime]
    heads: Sequence[str]  # (N,) what the line of a security's close begins with

    @classmethod
    def of(
        cls,
        judged: acceptance.Judgement,
        calendar: calendars.Calendar,
        policy: PricingPolicy,
        securities: Sequence[point_in_time.Listed],
        dates: Sequence[date],
    ) -> "_View":
        days, reading = calendars.as_days(dates), judged.reading
        held = _Held.of(judged, calendar, policy, securities, days)
        closes, legs, rates = held.closes, held.legs, held.rates
        missing = held.missing(judged, calendar, policy, securities, days)
        active = point_in_time.active_grid(point_in_time.listed_spans(securities), days)
        if (unpriced := np.any(active & ~closes.usable, axis=1)).any():
            symbols = [securities[number].symbol for number in unpriced.nonzero()[0].tolist()]
            logger.info("securities left out", extra={"policy": policy.code, "symbols": symbols})
        series = list(Series.objects.values_list("id", "unit", "lag_rule", "lag_days"))
        lags = {series_id: point_in_time.LagRule(rule, lag_days) for series_id, _, rule, lag_days in series}
        fixing_days = sorted(set(reading.rates.date[rates.row[rates.row >= 0]].tolist()))
        sealed = sealed_contents(policy=policy.code)
        known = point_in_time.known_observations(reading, lags, judged.observation_flags)
        acted = point_in_time.known_actions(reading.actions, judged.accepted_actions)
        return cls(
            reading=reading,
            judged=judged,
            policy=policy,
            number_of={day: number for number, day in enumerate(dates)},
            securities=securities,
            closes=closes,
            legs=legs,
            rates=rates,
            missing=missing,
            observations=point_in_time.Deltas(_sealed_observations(sealed), known, judged.series),
            actions=point_in_time.Deltas(_sealed_actions(sealed), acted, judged.symbols_with_actions),
            units={series_id: unit for series_id, unit, _, _ in series},
            security_ids={security.symbol: security.id for security in securities},
            fix_at=point_in_time.fix_instants(fixing_days, policy.fix_time, policy.fix_timezone),
            heads=[f"price|{fingerprint.field(security.symbol)}|" for security in securities],
        )

    def draft(self, pack: PricingPack) -> _Draft:
        draft = _Draft(pack)
        self._draft_closes(draft)
        self._draft_rates(draft)
        self._draft_deltas(draft)
        return draft

    def _draft_closes(self, draft: _Draft) -> None:
        """Column by column: most rows of a pack are closes."""
        day, held = self.number_of[draft.pack.asof_date], self.reading.closes
        (numbers,) = self.closes.usable[:, day].nonzero()
        if not len(numbers):
            return
        rows = self.closes.row[numbers, day]
        days, of_day = np.unique(held.date[rows], return_inverse=True)  # few, each made a text once
        lines, copied = draft.lines, draft.rows["pricing_packprice"]
        securities, heads = self.securities, self.heads
        is_plain, plain = fingerprint.is_plain, fingerprint.plain
        tails: dict[tuple[str, str, int, Decimal], tuple[str, str, str]] = {}
        noted = self.judged.close_flags
        for number, row, source, age, observed, close in zip(
            numbers.tolist(),
            rows.tolist(),
            held.source[rows].tolist(),
            self.closes.age[numbers, day].tolist(),
            days.astype("U10").astype(object)[of_day].tolist(),
            b"\n".join(held.close[rows].tolist()).decode().split("\n"),
            strict=True,
        ):
            security_id, _, currency, _, basis, _, _, factor, _ = securities[number]
            if (tail := tails.get((currency, basis, source, factor))) is None:
                tail = tails[currency, basis, source, factor] = self._tails(currency, basis, source, factor)
            of_line, of_row, currency = tail
            flags = _flags(age, noted.get(row, "")) if age or row in noted else ""
            lines.append(f"{heads[number]}{observed}|{close if is_plain(close) else plain(close)}{of_line}{flags}")
            copied.append(f"{security_id}\t{close}\t{currency}\t{observed}{of_row}{flags}")

    def _tails(self, currency: str, price_basis: str, source_code: int, factor: Decimal) -> tuple[str, str, str]:
        """What the lines and the rows of such closes end with, before the flags; and the currency as COPY reads it."""
        source = self.reading.source_names[source_code]
        line = fingerprint.price_tail(currency=currency, source=source, price_basis=price_basis, factor=factor)
        return line, f"\t{price_basis}\t{fingerprint.plain(factor)}\t{_copied(source)}\t", _copied(currency)

    def _draft_rates(self, draft: _Draft) -> None:
        day, held = self.number_of[draft.pack.asof_date], self.reading.rates
        for number in self.rates.usable[:, day].nonzero()[0].tolist():
            (base, quote), row = self.legs[number], int(self.rates.row[number, day])
            rate, observed = held.rate[row].decode(), held.date[row].item()
            source = self.reading.source_names[held.source[row]]
            flags = _flags(int(self.rates.age[number, day]), self.judged.rate_flags.get(row, ""))
            fix_at = self.fix_at[observed]
            line = fingerprint.rate_line(
                base=base, quote=quote, observed_date=observed, rate=rate, source=source, fix_at=fix_at, flags=flags
            )
            draft.add("pricing_packrate", line, base, quote, rate, observed, fix_at.isoformat(), source, flags)

    def _draft_observations(self, draft: _Draft) -> None:
        lines, copied, units = draft.lines, draft.rows["pricing_packobservation"], self.units
        for series, observed, value, known_at, vintage, source, flags in self.observations.upto(draft.pack.asof_date):
            text = format(value, "f")
            lines.append(
                fingerprint.observation_line(
                    series=series,
                    observation_date=observed,
                    value=text,
                    unit=units[series],
                    source=source,
                    known_at=known_at,
                    vintage=vintage,
                    flags=flags,
                )
            )
            of_row = f"{_copied(vintage)}\t{_copied(source)}\t{_copied(flags)}"
            copied.append(f"{_copied(series)}\t{observed}\t{text}\t{known_at}\t{of_row}")

    def _draft_deltas(self, draft: _Draft) -> None:
        self._draft_observations(draft)
        for action in self.actions.upto(draft.pack.asof_date):
            draft.add(
                "pricing_packaction",
                _action_line(action),
                self.security_ids[action.symbol],
                action.ex_date,
                action.action,
                action.ratio if action.ratio is None else format(action.ratio, "f"),
                action.amount if action.amount is None else format(action.amount, "f"),
                action.currency,
                action.pay_date,
                action.announced,
                action.source,
                action.flags,
            )


def _flags(age: int, others: str) -> str:
    return point_in_time.joined(f"stale:{age}" if age else "", others)


def _action_line(action: point_in_time.KnownAction) -> str:
    return fingerprint.action_line(
        symbol=action.symbol,
        action=action.action,
        ex_date=action.ex_date,
        ratio=action.ratio,
        amount=action.amount,
        currency=action.currency,
        pay_date=action.pay_date,
        announced=action.announced,
        source=action.source,
        flags=action.flags,
    )


OBSERVATION_COLUMNS = ("series_id", "observation_date", "value", "known_at", "vintage", "source", "flags")
ACTION_COLUMNS = (
    "security__symbol", "action", "ex_date", "ratio", "amount", "currency", "pay_date", "announced", "source", "flags",
)  # fmt: skip
"""In the order of observing.KnownObservation and observing.KnownAction."""


def _sealed_observations(contents: Sequence[int]) -> list[point_in_time.KnownObservation]:
    """Every observation of sealed packs, in the order of `contents`."""
    rows = PackObservation.objects.order_by("observation_date").values_list("content_id", *OBSERVATION_COLUMNS)
    return [point_in_time.KnownObservation(*row) for row in said_by(contents, rows.iterator(chunk_size=10_000))]


def _sealed_actions(contents: Sequence[int]) -> list[point_in_time.KnownAction]:
    """Every action of sealed packs, in the order of `contents`."""
    rows = PackAction.objects.order_by("ex_date").values_list("content_id", *ACTION_COLUMNS)
    return [point_in_time.KnownAction(*row) for row in said_by(contents, rows.iterator(chunk_size=10_000))]


def sealed_contents(*, policy: str, upto: int | None = None) -> list[int]:
    """The ids of the contents of a policy's sealed packs, in order of sequence, up to that one (None: all)."""
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False)
    seen = sealed if upto is None else sealed.filter(sequence__lte=upto)
    # None is sealed without content: the database refuses it.
    return cast("list[int]", list(seen.order_by("sequence").values_list("content_id", flat=True)))


def said_by(contents: Sequence[int], rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Of rows that begin with their content's id those of `contents`, in its order, within one in that of `rows`; without it.

    Packs and rows meet here, not in the database: while packs are built and right after, its statistics are of another time,
    and it has been seen to join the whole of them by nested loops for minutes.
    """
    of_content: dict[int, list[tuple[Any, ...]]] = {content: [] for content in contents}
    for content, *row in rows:
        if content in of_content:
            of_content[content].append(tuple(row))
    return [row for content in contents for row in of_content[content]]


def _seal_in_chunks(
    policy: PricingPolicy, view: _View, packs: Sequence[PricingPack], progress: Callable[[int], object]
) -> list[PricingPack]:
    done: list[PricingPack] = []
    chunk: list[_Draft] = []
    rows = 0
    for pack in packs:
        chunk.append(view.draft(pack))
        rows += len(chunk[-1].lines)
        if rows >= CHUNK_ROWS or len(chunk) >= CHUNK_PACKS or pack is packs[-1]:
            with transaction.atomic():
                contents = _store(chunk)
                _seal(policy, [(draft.pack, *contents[number]) for number, draft in enumerate(chunk)])
            done += [draft.pack for draft in chunk]
            logger.info("packs sealed", extra={"policy": policy.code, "packs": len(chunk), "rows": rows})
            progress(len(done))
            chunk, rows = [], 0
    return done


def _store(drafts: Sequence[_Draft]) -> list[tuple[int, str]]:
    """Content id and hash of each draft; rows are written once per hash, by COPY."""
    seals = [fingerprint.seal(draft.lines) for draft in drafts]
    hashes = [content_hash for content_hash, _ in seals]
    first = dict(zip(reversed(hashes), reversed(drafts), strict=True))
    checks = dict(seals)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pricing_packcontent (content_hash, rows, line_checks)"
            " SELECT * FROM unnest(%s::text[], %s::int[], %s::bytea[])"
            " ON CONFLICT (content_hash) DO NOTHING RETURNING id, content_hash",
            [list(first), [len(draft.lines) for draft in first.values()], [checks[each] for each in first]],
        )
        added = {content_hash: content_id for content_id, content_hash in cursor.fetchall()}
        for table, columns in _COPIED.items():
            filled = [(content_id, rows) for each, content_id in added.items() if (rows := first[each].rows[table])]
            if filled:
                with cursor.copy(f"COPY {table} (content_id, {columns}) FROM STDIN") as copy:
                    for content_id, rows in filled:
                        copy.write(f"{content_id}\t" + f"\n{content_id}\t".join(rows) + "\n")
    known = dict(
        PackContent.objects.filter(content_hash__in=first.keys() - added.keys()).values_list("content_hash", "id")
    )
    ids = added | known
    return [(ids[content_hash], content_hash) for content_hash in hashes]


def _seal(policy: PricingPolicy, contents: Sequence[tuple[PricingPack, int, str]]) -> None:
    """Give headers their content, sequence and place in the chain, in the order given. Raises BadTransition."""
    last = PricingPack.objects.filter(policy=policy, sequence__isnull=False).order_by("-sequence").first()
    sequence, previous = (last.sequence or 0, last.chain_hash) if last else (0, fingerprint.GENESIS)
    for pack, content_id, content_hash in contents:
        sequence += 1
        previous = fingerprint.chain_hash(
            previous=previous,
            pack_id=pack.pk,
            sequence=sequence,
            asof_date=pack.asof_date,
            policy=policy.code,
            content_hash=content_hash,
        )
        pack.sequence, pack.content_id, pack.chain_hash, pack.status = (
            sequence,
            content_id,
            previous,
            PackStatus.WARMING,
        )
        pack.sealed_at = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pricing_pricingpack AS pack SET status = 'warming', sequence = sealed.sequence,"
            " content_id = sealed.content, chain_hash = sealed.chain, sealed_at = sealed.at, updated_at = sealed.at"
            " FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::text[], %s::timestamptz[])"
            " AS sealed (id, sequence, content, chain, at) WHERE pack.id = sealed.id AND pack.status = 'building'",
            [
                list(column)
                for column in zip(
                    *((p.pk, p.sequence, p.content_id, p.chain_hash, p.sealed_at) for p, _, _ in contents), strict=True
                )
            ],
        )
        if cursor.rowcount != len(contents):
            raise BadTransition([pack.pk for pack, _, _ in contents][:NAMED_IN_REASON], PackStatus.WARMING)


# --- verify


def verify(*, policy: PricingPolicy, before: int | None = None) -> PackCorrupt | None:
    """The first pack, in order of sequence, whose rows or place in the chain are not what was sealed; None: all are.

    before  only packs of a lower sequence; None: all
    """
    previous = fingerprint.GENESIS
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False).select_related("content")
    if before is not None:
        sealed = sealed.filter(sequence__lt=before)
    for number, (pack, lines) in enumerate(_lines_of(list(sealed.order_by("sequence"))), start=1):
        if pack.sequence != number:
            return PackCorrupt(pack.pk, "sequence", str(pack.sequence), str(number))
        if corrupt := _difference(pack, lines, previous):
            return corrupt
        previous = pack.chain_hash
    return None


def require_intact(*, pack: PricingPack) -> PricingPack:
    """The sealed pack itself if its rows and its link to the pack before are what was sealed. Raises PackCorrupt."""
    before = PricingPack.objects.filter(policy=pack.policy_id, sequence=(pack.sequence or 0) - 1).first()
    for _, lines in _lines_of([pack]):
        if corrupt := _difference(pack, lines, before.chain_hash if before else fingerprint.GENESIS):
            raise corrupt
    return pack


def _difference(pack: PricingPack, lines: Sequence[str], previous: str) -> PackCorrupt | None:
    content = pack.content
    if content is None:
        return PackCorrupt(pack.pk, "content", "absent", "sealed")
    computed = fingerprint.content_hash(lines)
    if content.rows != len(lines) or computed != content.content_hash:
        row = fingerprint.first_difference(lines, bytes(content.line_checks))
        if content.rows != len(lines):
            return PackCorrupt(pack.pk, "number of rows", str(content.rows), str(len(lines)), row)
        return PackCorrupt(pack.pk, "content hash", content.content_hash, computed, row)
    chained = fingerprint.chain_hash(
        previous=previous,
        pack_id=pack.pk,
        sequence=pack.sequence or 0,
        asof_date=pack.asof_date,
        policy=pack.policy_id,
        content_hash=computed,
    )
    return None if chained == pack.chain_hash else PackCorrupt(pack.pk, "chain hash", pack.chain_hash, chained)


def _lines_of(packs: Sequence[PricingPack]) -> Iterator[tuple[PricingPack, list[str]]]:
    """The canonical lines of each pack's rows as the database has them, some packs at a time."""
    for some in _blocks(packs):
        lines: dict[int, list[str]] = {pack.content_id or 0: [] for pack in some}
        contents = list(lines)
        with connection.cursor() as cursor:
            for statement, line in _STORED:
                cursor.execute(statement, [contents])
                for content, *row in cursor.fetchall():
                    lines[content].append(line(*row))
        yield from ((pack, lines[pack.content_id or 0]) for pack in some)


def _blocks(packs: Sequence[PricingPack]) -> Iterator[list[PricingPack]]:
    """Packs in their order, of a thousand of them or CHUNK_ROWS rows as their contents count them."""
    block: list[PricingPack] = []
    rows = 0
    for pack in packs:
        block.append(pack)
        rows += pack.content.rows if pack.content else 0
        if len(block) == 1_000 or rows >= CHUNK_ROWS:
            yield block
            block, rows = [], 0
    if block:
        yield block


def _stored_price(
    symbol: str,
    observed: date,
    close: Decimal,
    currency: str,
    source: str,
    basis: str,
    flags: str,
    factor: Decimal,
) -> str:
    return fingerprint.price_line(
        symbol=symbol,
        observed_date=observed,
        close=close,
        currency=currency,
        source=source,
        price_basis=basis,
        flags=flags,
        factor=factor,
    )


def _stored_rate(
    base: str, quote: str, observed: date, rate: Decimal, source: str, fix_at: datetime, flags: str
) -> str:
    return fingerprint.rate_line(
        base=base, quote=quote, observed_date=observed, rate=rate, source=source, fix_at=fix_at, flags=flags
    )


def _stored_observation(
    series: str, observed: date, value: Decimal, unit: str, source: str, known_at: date, vintage: str, flags: str
) -> str:
    return fingerprint.observation_line(
        series=series,
        observation_date=observed,
        value=value,
        unit=unit,
        source=source,
        known_at=known_at,
        vintage=vintage,
        flags=flags,
    )


def _stored_action(*row: Any) -> str:
    return _action_line(point_in_time.KnownAction(*row))


_STORED: Sequence[tuple[str, Callable[..., str]]] = (
    (
        "SELECT content_id, symbol, observed_date, close, price.currency, price.source, price.price_basis, flags, factor"
        " FROM pricing_packprice AS price JOIN pricing_security AS security ON security.id = security_id"
        " WHERE content_id = ANY(%s) ORDER BY content_id, security_id",
        _stored_price,
    ),
    (
        "SELECT content_id, base, quote, observed_date, rate, source, fix_at, flags"
        " FROM pricing_packrate WHERE content_id = ANY(%s) ORDER BY content_id, base, quote",
        _stored_rate,
    ),
    (
        "SELECT content_id, series_id, observation_date, value, unit, seen.source, known_at, vintage, flags"
        " FROM pricing_packobservation AS seen JOIN pricing_series AS series ON series.id = series_id"
        " WHERE content_id = ANY(%s) ORDER BY content_id, series_id, observation_date",
        _stored_observation,
    ),
    (
        "SELECT content_id, symbol, action.action, ex_date, ratio, amount, action.currency, pay_date, announced,"
        " action.source, flags FROM pricing_packaction AS action JOIN pricing_security AS security ON security.id = security_id"
        " WHERE content_id = ANY(%s) ORDER BY content_id, security_id, ex_date, action.action",
        _stored_action,
    ),
)
"""The rows of contents, each kind in one statement, and what makes a canonical line of one."""
