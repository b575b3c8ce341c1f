"""Verify packs: compute all hashes again from the rows as they are stored, and say where they differ from what was sealed."""

from collections.abc import Iterator, Sequence
from typing import Final

from config.errors import TieoutError
from config.row_difference import RowDifference
from pricing.models import PackPrice, PricingPack, PricingPolicy, Series
from pricing.packs import fingerprint, stored_rows

CHUNK_ROWS = 50_000
CHUNK_PACKS = 1_000


class PackCorrupt(TieoutError):
    """What is stored is not what was sealed. `row` is the first row that differs, as a canonical line, where it is known."""

    def __init__(self, pack_id: str, what: str, sealed_value: str, recomputed_value: str, row: str = "") -> None:
        where = f"; first row that differs: {row}" if row else ""
        super().__init__(
            f"pricing pack {pack_id} is corrupt: {what} is {sealed_value}, computed {recomputed_value}{where}"
        )
        self.pack_id, self.what, self.row = pack_id, what, row
        self.sealed_value, self.recomputed_value = sealed_value, recomputed_value


def verify(*, policy: PricingPolicy, before: int | None = None) -> PackCorrupt | None:
    """The first pack, in order of sequence, whose rows or place in the chain are not what was sealed; None: all are.

    before  only packs of a lower sequence; None: all
    """
    previous = fingerprint.GENESIS
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False).select_related("content")
    if before is not None:
        sealed = sealed.filter(sequence__lt=before)
    for number, (pack, lines) in enumerate(stored_lines(list(sealed.order_by("sequence"))), start=1):
        if pack.sequence != number:
            return PackCorrupt(pack.pk, "sequence", str(pack.sequence), str(number))
        if corrupt := compare(pack, lines, previous):
            return corrupt
        previous = pack.chain_hash
    return None


def require_intact(*, pack: PricingPack) -> PricingPack:
    """The sealed pack itself if its rows and its link to the pack before are what was sealed. Raises PackCorrupt."""
    before = PricingPack.objects.filter(policy=pack.policy_id, sequence=(pack.sequence or 0) - 1).first()
    for _, lines in stored_lines([pack]):
        if corrupt := compare(pack, lines, before.chain_hash if before else fingerprint.GENESIS):
            raise corrupt
    return pack


def compare(pack: PricingPack, lines: Sequence[str], previous: str) -> PackCorrupt | None:
    """What differs between a header and the lines of its rows, with the chain hash of the pack before; None: nothing does."""
    content = pack.content
    if content is None:
        return PackCorrupt(pack.pk, "content", "absent", "sealed")
    content_hash = fingerprint.content_hash(lines)
    if content.rows != len(lines) or content_hash != content.content_hash:
        row = fingerprint.first_difference(lines, bytes(content.line_checks))
        if content.rows != len(lines):
            return PackCorrupt(pack.pk, "number of rows", str(content.rows), str(len(lines)), row)
        return PackCorrupt(pack.pk, "content hash", content.content_hash, content_hash, row)
    chained = fingerprint.chain_hash(
        previous=previous,
        pack_id=pack.pk,
        sequence=pack.sequence or 0,
        asof_date=pack.asof_date,
        policy=pack.policy_id,
        content_hash=content_hash,
    )
    return None if chained == pack.chain_hash else PackCorrupt(pack.pk, "chain hash", pack.chain_hash, chained)


def stored_lines(packs: Sequence[PricingPack]) -> Iterator[tuple[PricingPack, list[str]]]:
    """Packs with the canonical lines of their rows as the database has them. They are read some packs at a time."""
    units = dict(Series.objects.values_list("id", "unit"))
    for chunk in _chunks(packs):
        rows = stored_rows.read([pack.content_id for pack in chunk if pack.content_id is not None])
        for pack in chunk:
            yield pack, rows[pack.content_id].lines(units) if pack.content_id is not None else []


def _chunks(packs: Sequence[PricingPack]) -> Iterator[list[PricingPack]]:
    """Packs in their order, until CHUNK_PACKS of them or CHUNK_ROWS rows as their contents count them."""
    chunk: list[PricingPack] = []
    rows = 0
    for pack in packs:
        chunk.append(pack)
        rows += pack.content.rows if pack.content else 0
        if len(chunk) == CHUNK_PACKS or rows >= CHUNK_ROWS:
            yield chunk
            chunk, rows = [], 0
    if chunk:
        yield chunk


SEALED_OF_SECURITY: Final = ("currency", "price_basis", "factor")
"""What a security says of its prices, and each sealed line of one says, too."""


def find_security_differences() -> list[RowDifference]:
    """Securities whose currency, price basis or factor is not that of the line of theirs that was sealed last.

    A change that was loaded since is one of them, until the next pack is built with it.
    """
    newest = PackPrice.objects.order_by("security_id", "-content_id").distinct("security_id").select_related("security")
    return [
        RowDifference("security", line.security.symbol, column, str(getattr(line, column)), str(current))
        for line in newest
        for column in SEALED_OF_SECURITY
        if (current := getattr(line.security, column)) != getattr(line, column)
    ]
