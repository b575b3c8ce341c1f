"""Sign what the log has gained: only entries of transactions that have ended, so that none can come in behind the seal."""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min
from redis.exceptions import RedisError

from compliance.audit.reading import FIRST, Horizon, read_digests, read_horizon
from compliance.models import AuditEntry, AuditSeal
from config import locks
from config.redis_client import shared_redis

logger = logging.getLogger(__name__)

LOCK: Final = "compliance.audit.seal"
_SEALED_UP_TO: Final = "tieout:audit-sealed-up-to"
Entries = list[tuple[int, str]]


def seal(*, at: datetime) -> list[AuditSeal]:
    """Sign the entries that no seal covers yet, of all transactions before the oldest that is still open. Often there are none.

    What another PostgreSQL numbered, from whose dump this one was made, is signed first.
    """
    seals = []
    with transaction.atomic():
        locks.lock_until_commit(LOCK)
        horizon = read_horizon()
        last = AuditSeal.objects.first()
        for server, end in _ended(horizon, last):
            begin = sealed_up_to(server)
            entries = list(read_digests(server=server, begin=begin, end=end))
            if entries:
                last = _sign(last, server=server, begin=begin, end=end, entries=entries, at=at)
                seals.append(last)
        oldest = AuditEntry.objects.filter(server=horizon.server, transaction__gte=horizon.ended_before)
        open_since = oldest.aggregate(since=Min("at"))["since"]
    if last is not None:
        _leave_with_witness(last)
    try:
        shared_redis().set(_SEALED_UP_TO, (open_since or at).timestamp())
    except RedisError:
        logger.warning("Redis does not answer: it was not told how far the audit log is sealed")
    return seals


def read_sealed_up_to() -> float | None:
    """Up to which instant all is sealed, as seconds since 1970; None where nobody said. Raises RedisError."""
    instant = cast("bytes | None", shared_redis().get(_SEALED_UP_TO))
    return None if instant is None else float(instant)


def sealed_up_to(server: int) -> int:
    """The first transaction that no seal covers."""
    sealed: int | None = AuditSeal.objects.filter(server=server).aggregate(end=Max("to_transaction"))["end"]
    return FIRST if sealed is None else sealed


def find_key(seal: AuditSeal) -> int | None:
    """The key that signed a seal: 0 is AUDIT_KEY, 1 the first of AUDIT_KEY_FALLBACKS and so on; None where it is none of them."""
    keys = (settings.AUDIT_KEY, *settings.AUDIT_KEY_FALLBACKS)
    signed = (hmac.compare_digest(seal.signature.encode(), sign(seal, key).encode()) for key in keys)
    return next((number for number, is_signed in enumerate(signed) if is_signed), None)


def sign(seal: AuditSeal, key: str) -> str:
    """What the signature of a seal by a key has to be."""
    signed = [
        *(seal.number, seal.server, seal.from_transaction, seal.to_transaction, seal.entries, seal.previous),
        seal.sealed_at.astimezone(UTC).isoformat(),
    ]
    return hmac.new(key.encode(), json.dumps(signed).encode(), hashlib.sha256).hexdigest()


def last_witnessed() -> tuple[int, str] | None:
    """Number and signature of the newest seal as Redis was told; None where it was not, or does not answer."""
    try:
        witness = cast("bytes | None", shared_redis().get(_witness_key()))
    except RedisError:
        logger.warning("Redis does not answer: whether the newest seals are gone is not looked at")
        return None
    if witness is None:
        return None
    number, signature = json.loads(witness)
    return number, signature


def _ended(horizon: Horizon, last: AuditSeal | None) -> Iterator[tuple[int, int]]:
    """Servers with the first transaction that may not have ended."""
    servers = (
        AuditEntry.objects.order_by().values_list("server", flat=True).distinct() if last is None else [last.server]
    )
    for server in servers:
        if server != horizon.server:
            newest = AuditEntry.objects.filter(server=server).aggregate(newest=Max("transaction"))["newest"]
            yield server, (FIRST if newest is None else newest) + 1
    yield horizon.server, horizon.ended_before


def _sign(last: AuditSeal | None, *, server: int, begin: int, end: int, entries: Entries, at: datetime) -> AuditSeal:
    new_seal = AuditSeal(
        number=last.number + 1 if last else 1,
        server=server,
        from_transaction=begin,
        to_transaction=end,
        entries=json.dumps(entries, separators=(",", ":")),
        previous=last.signature if last else "",
        sealed_at=at,
    )
    new_seal.signature = sign(new_seal, settings.AUDIT_KEY)
    new_seal.save(force_insert=True)
    logger.info("audit entries sealed", extra={"seal": new_seal.number, "count": len(entries)})
    return new_seal


def is_there(seal: tuple[int, str]) -> bool:
    number, signature = seal
    return AuditSeal.objects.filter(number=number, signature=signature).exists()


def _leave_with_witness(last: AuditSeal) -> None:
    """Whoever cuts off the newest seals in the database would have to do it in Redis, too. What was cut off stays witnessed."""
    before = last_witnessed()
    if before is not None and not is_there(before):
        logger.error("a seal of the audit log is gone", extra={"seal": before[0]})
        return
    try:
        shared_redis().set(_witness_key(), json.dumps([last.number, last.signature]))
    except RedisError:
        logger.warning("Redis does not answer: it was not told of the newest seal", extra={"seal": last.number})


def _witness_key() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())"
            " FROM pg_control_system()"
        )
        (database,) = cursor.fetchone()
    return f"tieout:newest-audit-seal:{database}"
