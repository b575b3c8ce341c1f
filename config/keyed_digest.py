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
NEVER_RIGHT: Final = "0" * LENGTH
"""In a row that was found changed before it had a digest."""

ALTERED = Counter(
    "tieout_altered_total", "What was not served because it was not as the service had stored it, by place", ("place",)
)


def of(kind: str, content: bytes) -> str:
    """HMAC-SHA-256 of something stored, hex. `kind`: what it is, so that nothing can stand in another's place."""
    return hmac.new(settings.RESULT_KEY.encode(), f"{kind}\0".encode() + content, hashlib.sha256).hexdigest()


def is_right(digest: str, kind: str, content: bytes) -> bool:
    return hmac.compare_digest(digest.encode(), of(kind, content).encode())


def tell_altered(place: str, **ids: str) -> None:
    """Tell the operator. place: `cache`, `execution` or `pattern`; ids: where it is, without a word of what is there."""
    ALTERED.labels(place).inc()
    logger.error("what is stored was altered and is not served", extra={"place": place, **ids})
