"""What pins all that a pack can see."""

from dataclasses import dataclass
from datetime import date, datetime

from pricing.models import PricingPack
from pricing.packs.lookup import require_sealed


@dataclass(frozen=True, slots=True)
class Seal:
    """The header of a sealed pack, as the key of what was read of it and of the packs before.

    The chain hash pins the rows. The instant of sealing pins the database and the numbers that it gave to securities: what was
    sealed twice, once in a transaction that was rolled back or in another database, has two seals.
    """

    pack_id: str
    policy: str
    pivot: str
    sequence: int
    asof_date: date
    content_id: int
    chain_hash: str
    sealed_at: datetime

    @classmethod
    def from_pack(cls, pack: PricingPack) -> "Seal":
        """Raises packs.PackWarming, packs.PackInError where nothing is sealed."""
        require_sealed(pack=pack)
        assert pack.sequence is not None
        assert pack.content_id is not None
        assert pack.sealed_at is not None
        return cls(
            pack_id=pack.pk,
            policy=pack.policy_id,
            pivot=pack.policy.pivot,
            sequence=pack.sequence,
            asof_date=pack.asof_date,
            content_id=pack.content_id,
            chain_hash=pack.chain_hash,
            sealed_at=pack.sealed_at,
        )
