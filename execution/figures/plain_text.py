"""Text from others as a reader may see it: on one line, no command for a terminal, no turned reading direction."""

import re
from typing import Final

_SPACED: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN: Final = re.compile(r"[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
"""What turns the reading direction, or hides what follows it."""
_LONE: Final = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """The text on one line, without control characters and marks that nobody sees; a lone surrogate becomes U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return _LONE.sub("\ufffd", _UNSEEN.sub("", _SPACED.sub(" ", text)))
