"""The keys of this installation: the one that signs now, and all that ever did, for who verifies."""

import base64
from datetime import datetime
from itertools import pairwise

from django.conf import settings

from execution.exports.signing import PublicKey, Signer, keyid_of
from execution.models import SigningKey


def signer() -> Signer:
    """Raises SigningOff."""
    return Signer(settings.EXPORT_SIGNING_KEY)


def register(at: datetime) -> None:
    """Put the key of now on record, if it signs for the first time. Raises SigningOff."""
    raw = signer().public
    SigningKey.objects.get_or_create(
        keyid=keyid_of(raw),
        defaults={"public_key": base64.b64encode(raw).decode(), "valid_from": at.replace(microsecond=0)},
    )


def published() -> list[PublicKey]:
    """Every key that was ever in use, from the first; each ends where the next begins."""
    key_rows = [
        (base64.b64decode(row.public_key), row.valid_from) for row in SigningKey.objects.order_by("valid_from", "keyid")
    ]
    return [
        *(PublicKey(raw, begins, ends) for (raw, begins), (_, ends) in pairwise(key_rows)),
        *(PublicKey(raw, begins) for raw, begins in key_rows[-1:]),
    ]


def as_document() -> dict[str, list[dict[str, str | None]]]:
    """What `/.well-known/tieout-keys.json` holds."""
    return {"keys": [key.as_dict() for key in published()]}
