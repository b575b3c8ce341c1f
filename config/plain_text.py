"""Text from others: what a name may not hold, and how any text is shown: on one line, without a command for a terminal, without a
turned reading direction."""

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError

# Insides of a class of signs, which the expressions of Python and of PostgreSQL read alike.
DIRECTION: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that turn the reading direction."""
CONTROL: Final = r"\u0001-\u001f\u007f-\u009f\u2028\u2029"
JOINERS: Final = r"\u200c\u200d"
"""Nobody sees them, yet a text in Persian, or a family of emoji, is another without them."""
WITHOUT_WIDTH: Final = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
)
HIDDEN: Final = CONTROL + DIRECTION + JOINERS + WITHOUT_WIDTH
"""What no name may hold: two that look alike are the same. The checks of columns have it from the migration that made them: what
changes here needs a migration that makes them anew."""

_HIDDEN: Final = re.compile(rf"[\x00\ud800-\udfff{HIDDEN}]")
_SPACED: Final = re.compile(rf"[\s\x00{CONTROL}]+")
_UNSEEN: Final = re.compile(f"[{DIRECTION}{WITHOUT_WIDTH}]")
_LONE: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text on one line, without control characters and marks that nobody sees; a lone surrogate becomes U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return _LONE.sub("\ufffd", _UNSEEN.sub("", _SPACED.sub(" ", text)))


def find_hidden(name: str) -> str | None:
    """Why this is no name, where it holds a sign that nobody sees."""
    match = _HIDDEN.search(name)
    if match is None:
        return None
    sign = match[0]
    return f"holds a sign that nobody sees, U+{ord(sign):04X} {unicodedata.name(sign, 'control')}: take it out"


def require_visible(name: str) -> None:
    """Refuse a name with a sign that nobody sees. Raises ValidationError, which says which."""
    reason = find_hidden(name)
    if reason is not None:
        raise ValidationError(reason, code="hidden-sign")
