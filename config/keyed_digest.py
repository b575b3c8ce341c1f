"""A digest that only who has RESULT_KEY can make. What lies in a row or in Redis proves by it that the service itself wrote it:
whoever can write there, but has not the key, can put no number on a page."""

import hashlib
import hmac
import logging
from typing import Final

from django.conf import settings
from prometheus_client import Counter

logger = logging.getLogger(__name__)

LENGTH: Final = 64
"""Hexadecimal digits of a digest."""

ALTERED = Counter(
    "tieout_altered_total", "What was not served because it was not as the service had stored it, by place", ("place",)
)


def of(kind: str, content: bytes) -> str:
    """HMAC-SHA-256 of something stored, hex. `kind`: what it is, so that nothing can stand in another's place."""
    return _make(settings.RESULT_KEY, kind, content)


def is_right(digest: str, kind: str, content: bytes) -> bool:
    """Whether RESULT_KEY, or a key that was it before, made the digest of this."""
    keys = (settings.RESULT_KEY, *settings.RESULT_KEY_FALLBACKS)
    return any(hmac.compare_digest(digest.encode(), _make(key, kind, content).encode()) for key in keys)


def _make(key: str, kind: str, content: bytes) -> str:
    return hmac.new(key.encode(), f"{kind}\0".encode() + content, hashlib.sha256).hexdigest()


def tell_altered(place: str, **ids: str) -> None:
    """Tell the operator. place: `cache`, `execution` or `pattern`; ids: where it is, without a word of what is there."""
    ALTERED.labels(place).inc()
    logger.error("what is stored was altered and is not served", extra={"place": place, **ids})
