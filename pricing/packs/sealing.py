"""Sealing: the one place that writes packs. It happens under one lock per policy and gives a rising sequence."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import attrgetter
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now

from config import locks
from config.errors import TieoutError
from pricing.models import PackContent, PackStatus, PricingPack, PricingPolicy, Security
from pricing.packs import fingerprint
from pricing.packs.rows import PackRows
from pricing.packs.status import NAMED_IN_REASON, BadTransition, mark_error
from pricing.packs.stored_rows import TABLES

logger = logging.getLogger(__name__)

BUILD_JOB = "build_pack"
CHUNK_ROWS = 50_000
CHUNK_PACKS = 500
"""A transaction seals packs until it has so many rows, or so many packs."""


class SealingBusy(TieoutError):
    """Another builder of the policy holds the lock, and kept it for longer than the database waits."""

    def __init__(self, policy: str) -> None:
        super().__init__(f"another build of {policy} is running")
        self.policy = policy


@dataclass(frozen=True, slots=True)
class SealedContent:
    """A content that is stored: its id and its hash."""

    id: int
    content_hash: str


@contextmanager
def alone(policy: PricingPolicy) -> Iterator[None]:
    """Be the only builder of a policy. Raises SealingBusy."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.session_lock(f"pricing.packs:{policy.code}"))
        except locks.LockTimeout as timeout:
            raise SealingBusy(policy.code) from timeout
        yield


@transaction.atomic
def open_headers(
    policy: PricingPolicy, dates: Sequence[date], *, run: UUID, restates: str, errors: Mapping[date, str]
) -> dict[date, PricingPack]:
    """A header for each date: `building`, or in error with the reason in `errors`.

    A building header of this run is taken up again; one of another run was left by a dead builder (we hold its lock).
    """
    of_dates = PricingPack.objects.filter(policy=policy, asof_date__in=dates)
    unsealed = of_dates.filter(status=PackStatus.BUILDING)
    unsealed.exclude(run=run).update(
        status=PackStatus.ERROR, failed_job=BUILD_JOB, reason="the run that built it ended", updated_at=Now()
    )
    headers = {pack.asof_date: pack for pack in unsealed.filter(run=run).select_related("policy")}
    releases = dict(of_dates.order_by("release").values_list("asof_date", "release"))  # the highest comes last
    new_headers = []
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
            new_headers.append(headers[day])
    PricingPack.objects.bulk_create(new_headers)
    for day, reason in errors.items():
        mark_error([headers[day]], job=BUILD_JOB, reason=reason)
    return headers


def seal_all(
    policy: PricingPolicy,
    packs: Sequence[PricingPack],
    rows_of: Callable[[date], PackRows],
    units: Mapping[str, str],
    progress: Callable[[int], object],
) -> None:
    """Seal headers, which are building and rise by date, some in one transaction.

    rows_of   the rows of the pack of a day
    units     of the series, by id
    progress  is called with how many are sealed
    """
    sealed_count = 0
    chunk: list[tuple[PricingPack, PackRows, list[str]]] = []
    count = 0
    for pack in packs:
        rows = rows_of(pack.asof_date)
        chunk.append((pack, rows, rows.lines(units)))
        count += len(chunk[-1][-1])
        if count >= CHUNK_ROWS or len(chunk) >= CHUNK_PACKS or pack is packs[-1]:
            with transaction.atomic():
                contents = _store([(rows, lines) for _, rows, lines in chunk])
                seal(policy, [(pack, content) for (pack, *_), content in zip(chunk, contents, strict=True)])
            sealed_count += len(chunk)
            logger.info("packs sealed", extra={"policy": policy.code, "packs": len(chunk), "rows": count})
            progress(sealed_count)
            chunk, count = [], 0


def _store(drafts: Sequence[tuple[PackRows, list[str]]]) -> list[SealedContent]:
    """The content of each draft, which is its rows and their lines. What has the same hash is stored once."""
    seals = [fingerprint.seal(lines) for _, lines in drafts]
    rows = {content_hash: draft for (content_hash, _), (draft, _) in zip(seals, drafts, strict=True)}
    columns = {content_hash: (len(checks) // 4, checks) for content_hash, checks in seals}
    with connection.cursor() as cursor:
        # Another policy's builder may store the same content at this moment: only one of the two gets its id from here.
        cursor.execute(
            "INSERT INTO pricing_packcontent (content_hash, rows, line_checks)"
            " SELECT * FROM unnest(%s::text[], %s::int[], %s::bytea[])"
            " ON CONFLICT (content_hash) DO NOTHING RETURNING content_hash, id",
            [list(columns), *(list(column) for column in zip(*columns.values(), strict=True))],
        )
        new_ids = dict(cursor.fetchall())
        _copy_rows(cursor, {content: rows[content_hash] for content_hash, content in new_ids.items()})
    earlier_contents = PackContent.objects.filter(content_hash__in=columns.keys() - new_ids.keys())
    ids = new_ids | dict(earlier_contents.values_list("content_hash", "id"))
    return [SealedContent(ids[content_hash], content_hash) for content_hash, _ in seals]


def _copy_rows(cursor: CursorWrapper, contents: Mapping[int, PackRows]) -> None:
    """Add the rows of new contents, by content id, with COPY."""
    security_ids = dict(Security.objects.values_list("symbol", "id"))
    for table in TABLES:
        columns = table.copied_columns()
        cells_of = attrgetter(*columns)
        statement = f"COPY {table.model._meta.db_table} (content_id, {', '.join(columns.values())}) FROM STDIN"
        with cursor.copy(statement) as copy:
            for content, rows in contents.items():
                for row in getattr(rows, table.attribute):
                    cells = cells_of(row)
                    if "symbol" in columns:
                        symbol, *others = cells
                        cells = (security_ids[symbol], *others)
                    copy.write_row((content, *cells))


def seal(policy: PricingPolicy, contents: Sequence[tuple[PricingPack, SealedContent]]) -> None:
    """Give headers their content, sequence and place in the chain, in the order given. Raises BadTransition."""
    last = PricingPack.objects.filter(policy=policy, sequence__isnull=False).order_by("-sequence").first()
    sequence, previous = (last.sequence or 0, last.chain_hash) if last else (0, fingerprint.GENESIS)
    for pack, content in contents:
        sequence += 1
        previous = fingerprint.chain_hash(
            previous=previous,
            pack_id=pack.pk,
            sequence=sequence,
            asof_date=pack.asof_date,
            policy=policy.code,
            content_hash=content.content_hash,
        )
        pack.sequence, pack.content_id, pack.chain_hash = sequence, content.id, previous
        pack.status, pack.sealed_at = PackStatus.WARMING, datetime.now(UTC)
    sealed = [(p.pk, p.sequence, p.content_id, p.chain_hash, p.sealed_at) for p, _ in contents]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pricing_pricingpack AS pack SET status = 'warming', sequence = sealed.sequence,"
            " content_id = sealed.content, chain_hash = sealed.chain, sealed_at = sealed.at, updated_at = sealed.at"
            " FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::text[], %s::timestamptz[])"
            " AS sealed (id, sequence, content, chain, at) WHERE pack.id = sealed.id AND pack.status = 'building'",
            [list(column) for column in zip(*sealed, strict=True)],
        )
        if cursor.rowcount != len(contents):
            raise BadTransition([pack.pk for pack, _ in contents][:NAMED_IN_REASON], PackStatus.WARMING)
