"""Who signed, and when: Ed25519 keys of this installation, and the envelope (DSSE) around what they sign."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.dates import utc_text
from config.errors import TieoutError
from execution import canonical

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


class SigningOff(TieoutError):
    def __init__(self) -> None:
        super().__init__("bundles are signed, and this installation has no EXPORT_SIGNING_KEY")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that was published, good from its first to its last moment; `valid_to` None: it is in use."""

    raw: bytes
    valid_from: datetime
    valid_to: datetime | None = None

    @property
    def keyid(self) -> str:
        return keyid_of(self.raw)

    def is_valid(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)

    def as_dict(self) -> dict[str, str | None]:
        return {
            "keyid": self.keyid,
            "algorithm": "ed25519",
            "public_key": base64.b64encode(self.raw).decode(),
            "valid_from": utc_text(self.valid_from),
            "valid_to": utc_text(self.valid_to) if self.valid_to else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError and ValueError where `values` is not what `as_dict` gives."""
        ends = values["valid_to"]
        return cls(
            base64.b64decode(values["public_key"], validate=True),
            datetime.fromisoformat(values["valid_from"]),
            datetime.fromisoformat(ends) if ends else None,
        )


class Signer:
    """Signs with the key that a secret text stands for, and makes the nonces that only who has the text can make again."""

    def __init__(self, secret: str) -> None:
        """Raises SigningOff for an empty text."""
        if not secret:
            raise SigningOff
        self._secret = secret.encode()
        self._key = Ed25519PrivateKey.from_private_bytes(self._derive(b"ed25519"))

    @property
    def public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def nonce(self, about: str) -> bytes:
        return self._derive(b"nonce\x00" + about.encode())

    def envelope(self, payload: bytes) -> dict[str, Any]:
        signature = self._key.sign(_signed(payload))
        return {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": keyid_of(self.public), "sig": base64.b64encode(signature).decode()}],
        }

    def _derive(self, label: bytes) -> bytes:
        return hmac.digest(self._secret, b"tieout export\x00" + label, "sha256")


def keyid_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


def is_signed(payload: bytes, signature: bytes, key: PublicKey) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, _signed(payload))
    except InvalidSignature:
        return False
    return True


def _signed(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def text_of(envelope: Mapping[str, Any]) -> bytes:
    """The one form in which an envelope is written."""
    return canonical.canonical_bytes(envelope)
