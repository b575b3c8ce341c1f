"""Whether the sealed log is what was sealed: computed again, entry by entry, with the key."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import Count, Min, Q, QuerySet

from compliance.audit import sealing
from compliance.audit.reading import read_digests, read_horizon
from compliance.models import AuditEntry, AuditSeal
from config import scope
from config.row_difference import RowDifference

SEAL, ENTRY = "audit seal", "audit entry"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at.

    open_entries  not sealed yet: of the last minute, or younger than the oldest transaction that is still open
    differences   what is not as it was sealed, the first one first
    """

    seals: int
    entries: int
    open_entries: int
    open_since: datetime | None
    differences: tuple[RowDifference, ...]


class _Walk:
    """Along the chain, with what was seen so far."""

    def __init__(self) -> None:
        self.seals = 0
        self.entries = 0
        self.signature = ""
        self.key: int | None = None
        """Which signed the seal before, by `sealing.find_key`."""
        self.ends: dict[int, int] = {}
        """Server -> the first transaction that no seal covers."""

    def find_differences(self, witnessed: tuple[int, str] | None) -> Iterator[RowDifference]:
        for seal in AuditSeal.objects.order_by("number").iterator(chunk_size=100):
            yield from self._of_seal(seal)
        if witnessed is not None and not sealing.is_there(witnessed):
            yield RowDifference(SEAL, str(witnessed[0]), expected="sealed: Redis was told of it")
        yield from self._of_no_transaction()

    def _of_seal(self, seal: AuditSeal) -> Iterator[RowDifference]:
        for missing in range(self.seals + 1, seal.number):
            yield RowDifference(SEAL, str(missing), expected="sealed")
        yield from self._of_signature(seal)
        if seal.previous != self.signature:
            yield RowDifference(SEAL, str(seal.number), "previous", "the signature of the seal before", "another")
        sealed = dict(json.loads(seal.entries))
        digests = dict(read_digests(server=seal.server, begin=seal.from_transaction, end=seal.to_transaction))
        for pk in sorted(sealed.keys() | digests.keys()):
            if pk not in digests:
                yield RowDifference(ENTRY, str(pk), expected="sealed")
            elif pk not in sealed:
                yield RowDifference(ENTRY, str(pk), stored="not sealed")
            elif sealed[pk] != digests[pk]:
                yield RowDifference(ENTRY, str(pk), "content", "as sealed", "changed")
        self.seals, self.signature = seal.number, seal.signature
        self.entries += len(sealed)
        self.ends[seal.server] = seal.to_transaction

    def _of_signature(self, seal: AuditSeal) -> Iterator[RowDifference]:
        """A key that was replaced, and may be known to others, signs nothing behind the first seal of the next one."""
        key = sealing.find_key(seal)
        if key is None:
            yield RowDifference(SEAL, str(seal.number), "signature", "one of AUDIT_KEY or a key of before", "another")
            return
        if self.key is not None and key > self.key:
            yield RowDifference(
                SEAL,
                str(seal.number),
                "signature",
                "one of a key that is no older than that of the seal before",
                "one of an older key",
            )
        self.key = key

    def _of_no_transaction(self) -> Iterator[RowDifference]:
        """Entries that no seal can ever cover: of a server that is no more, or of a number that is not given out yet."""
        if not self.ends:
            return
        horizon = read_horizon()
        last = AuditSeal.objects.values_list("server", flat=True)[0]
        impossible = ~Q(server__in={*self.ends, horizon.server}) | Q(
            server=horizon.server, transaction__gte=horizon.not_begun
        )
        for server in self.ends.keys() - {horizon.server, last}:
            impossible |= Q(server=server, transaction__gte=self.ends[server])
        for pk in AuditEntry.objects.filter(impossible).order_by("id").values_list("pk", flat=True):
            yield RowDifference(ENTRY, str(pk), stored="of no transaction")

    def open_entries(self) -> "QuerySet[AuditEntry]":
        is_sealed = Q(pk__in=())
        for server, end in self.ends.items():
            is_sealed |= Q(server=server, transaction__lt=end)
        return AuditEntry.objects.exclude(is_sealed)


def verify(*, most: int) -> Verified:
    """Look at everything, up to so many differences, in the order of the chain."""
    witnessed = sealing.last_witnessed()  # before the snapshot, which would not see a seal that was made since
    with scope.snapshot():
        walk = _Walk()
        differences = tuple(islice(walk.find_differences(witnessed), most))
        unsealed = walk.open_entries().aggregate(count=Count("pk"), since=Min("at"))
    return Verified(walk.seals, walk.entries, unsealed["count"], unsealed["since"], differences)
